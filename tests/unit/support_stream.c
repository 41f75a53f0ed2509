/* The shop: its disk, its queue, its entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/digest.h"
#include "support_decode.h"
#include "support_stream.h"

static void make_durable(struct shop *s, struct batch *b)
{
    for (size_t i = 0; i < b->events_n; i++) {
        assert_true(s->ids_n < EVENTS_MAX);
        snprintf(s->ids[s->ids_n++], sizeof s->ids[0], "%.*s", STR_ARG(b->events[i].id));
    }
    for (size_t i = 0; i < b->refusals_n; i++)
        snprintf(s->reason, sizeof s->reason, "%.*s", STR_ARG(b->refusals[i].reason));
    s->refusals_n += b->refusals_n;
    for (size_t i = 0; i < s->keys_n && b->position_key.n; i++) {
        struct buf name = {0};
        redis_stream_position_key(&name, str_of(s->redis.socket), s->keys[i]);
        if (str_eq(buf_str(&name), b->position_key))
            snprintf(s->position[i], sizeof s->position[i], "%.*s", STR_ARG(b->position));
        buf_fini(&name);
    }
}

void shop_disk(evutil_socket_t fd, short what, void *arg)
{
    struct shop *s = arg;
    (void)fd;
    (void)what;
    while (s->waiting_n && !s->held) {
        struct batch *b = s->waiting[0];
        memmove(s->waiting, s->waiting + 1, --s->waiting_n * sizeof *s->waiting);
        b->result = s->full_n > 0 ? BATCH_FULL : BATCH_STORED;
        if (s->full_n-- <= 0)
            make_durable(s, b);
        b->done(b);
    }
}

static int submit(struct ingest *in, struct batch *b)
{
    struct shop *s = (struct shop *)in;
    s->submits_n++;
    if (s->refuses)
        return -1;
    assert_true(s->waiting_n < 8);
    s->waiting[s->waiting_n++] = b;
    event_active(s->disk, 0, 0);
    return 0;
}

static int64_t at_now(struct ingest *in)
{
    (void)in;
    return NOW;
}

static const struct rulebook *rulebook(struct ingest *in)
{
    (void)in;
    return door_context().rulebook;
}

void shop_open(struct shop *s)
{
    struct err e;
    struct str positions[2] = {str_of(s->position[0]), str_of(s->position[1])};
    s->reader = redis_stream_open(&(struct redis_stream_options){.base = s->base,
                                                                 .ingest = &s->ingest,
                                                                 .address = str_of(s->redis.socket),
                                                                 .username = str_of(s->user),
                                                                 .password = str_of(s->password),
                                                                 .keys = s->keys,
                                                                 .positions = positions,
                                                                 .keys_n = s->keys_n,
                                                                 .group = str_of(s->group),
                                                                 .consumer = STR_LIT("kefud"),
                                                                 .field = STR_LIT("e"),
                                                                 .claim_ms = 60,
                                                                 .check_ms = 30},
                                  &e);
    if (!s->reader)
        fail_msg("%s", e.what);
}

/* The process is gone, with all that was not durable. */
void shop_crash(struct shop *s)
{
    redis_stream_free(s->reader);
    s->reader = NULL;
    for (size_t i = 0; i < s->waiting_n; i++) {
        s->waiting[i]->result = BATCH_FULL;
        s->waiting[i]->done(s->waiting[i]);
    }
    s->waiting_n = 0;
}

int shop_set_up(void **state)
{
    struct shop *s = calloc(1, sizeof *s);
    s->ingest = (struct ingest){submit, at_now, rulebook, decode_key};
    s->base = event_base_new();
    s->disk = event_new(s->base, -1, 0, shop_disk, s);
    s->keys[0] = STR_LIT("chat");
    s->keys[1] = STR_LIT("orders");
    s->keys_n = 1;
    snprintf(s->group, sizeof s->group, "kefud");
    redis_prepare(&s->redis);
    redis_start(&s->redis);
    *state = s;
    return 0;
}

int shop_tear_down(void **state)
{
    struct shop *s = *state;
    shop_crash(s);
    event_free(s->disk);
    event_base_free(s->base);
    redis_remove(&s->redis);
    free(s);
    return 0;
}

/* ---- what the test says and waits for ---- */

void shop_add_as(struct shop *s, const char *key, const char *entry_id, const char *id)
{
    struct str json = door_text("{'ts':1772409600000,'type':'message','conversation':'c1','from':'customer'");
    char text[256];
    snprintf(text, sizeof text, "%.*s,\"id\":\"%s\"}", STR_ARG(json), id);
    door_drop(json);
    freeReplyObject(redis_ask(&s->redis, "XADD %s %s shop a e %s", key, entry_id, text));
}

void shop_add(struct shop *s, size_t from, size_t n)
{
    char id[24];
    for (size_t i = from; i < from + n; i++) {
        snprintf(id, sizeof id, "m%zu", i);
        shop_add_as(s, "chat", "*", id);
    }
}

bool shop_has_wanted(void *arg)
{
    return ((struct shop *)arg)->ids_n >= ((struct shop *)arg)->wanted;
}

bool shop_has_batch(void *arg)
{
    return ((struct shop *)arg)->waiting_n > 0;
}

bool shop_all_acknowledged(void *arg)
{
    struct shop *s = arg;
    redisReply *r = redis_ask(&s->redis, "XPENDING chat %s", s->group);
    bool none = r->elements > 0 && r->element[0]->integer == 0;
    freeReplyObject(r);
    return none;
}

bool shop_state_is(struct shop *s, size_t i, const char *state)
{
    struct redis_stream_state now;
    redis_stream_state(s->reader, i, &now);
    return strcmp(now.state, state) == 0;
}

bool shop_is_reading(void *arg)
{
    return shop_state_is(arg, 0, "reading");
}

bool shop_is_broken(void *arg)
{
    return shop_state_is(arg, 0, "broken");
}

struct redis_stream_state shop_state(struct shop *s)
{
    struct redis_stream_state now;
    redis_stream_state(s->reader, 0, &now);
    return now;
}

void shop_await(struct shop *s, size_t n)
{
    s->wanted = n;
    await(s->base, shop_has_wanted, s, LIMIT_MS, "events to arrive");
    await(s->base, shop_all_acknowledged, s, LIMIT_MS, "acknowledgement");
}

static bool is_away(void *arg)
{
    return shop_state_is(arg, 0, "away");
}

/* Everything is looked at twice more: a connection that comes back begins with that. */
void shop_await_looks(struct shop *s)
{
    for (int i = 0; i < 2; i++) {
        redis_ask_number(&s->redis, "CLIENT KILL TYPE normal SKIPME yes");
        await(s->base, is_away, s, LIMIT_MS, "the connection to be lost");
        await(s->base, shop_is_reading, s, LIMIT_MS, "reading");
    }
}

void shop_ids_are(struct shop *s, size_t from, size_t n, size_t first)
{
    char id[24];
    assert_true(s->ids_n >= from + n);
    for (size_t i = 0; i < n; i++) {
        snprintf(id, sizeof id, "m%zu", first + i);
        assert_string_equal(s->ids[from + i], id);
    }
}
