/* limit_s: 180
 * Redis streams as a way in, with a real Redis and a store that the test plays: it decides when a batch is durable, and what
 * is left of everything after a crash is the positions and events of batches that were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <event2/event.h>
#include <cmocka.h>

#include "kefu/base/digest.h"
#include "kefu/base/mem.h"
#include "kefu/collectors/redis_stream.h"
#include "support_decode.h"
#include "support_redis.h"

#define EVENTS_MAX 32768
#define LIMIT_MS   20000

struct shop {
    struct ingest ingest; /* first: the reader holds its address */
    struct event_base *base;
    struct own_redis redis;
    struct redis_stream *reader;
    struct event *disk; /* what was handed in becomes durable */
    struct str keys[2];
    size_t keys_n;
    char group[16], user[16], password[16];
    bool held;    /* nothing becomes durable */
    bool refuses; /* the queue is full */
    int full_n;   /* so many batches come back as the disk is full */
    struct batch *waiting[8];
    size_t waiting_n, submits_n;
    /* durable: */
    char ids[EVENTS_MAX][24];
    size_t ids_n;
    char position[2][48], position_was[48];
    char reason[512]; /* of the latest refusal */
    size_t refusals_n;
    size_t wanted;
};

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

static void on_disk(evutil_socket_t fd, short what, void *arg)
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

static void open_reader(struct shop *s)
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
static void crash(struct shop *s)
{
    redis_stream_free(s->reader);
    s->reader = NULL;
    for (size_t i = 0; i < s->waiting_n; i++) {
        s->waiting[i]->result = BATCH_FULL;
        s->waiting[i]->done(s->waiting[i]);
    }
    s->waiting_n = 0;
}

static int set_up(void **state)
{
    struct shop *s = calloc(1, sizeof *s);
    s->ingest = (struct ingest){submit, at_now, rulebook, decode_key};
    s->base = event_base_new();
    s->disk = event_new(s->base, -1, 0, on_disk, s);
    s->keys[0] = STR_LIT("chat");
    s->keys[1] = STR_LIT("orders");
    s->keys_n = 1;
    snprintf(s->group, sizeof s->group, "kefud");
    redis_prepare(&s->redis);
    redis_start(&s->redis);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct shop *s = *state;
    crash(s);
    event_free(s->disk);
    event_base_free(s->base);
    redis_remove(&s->redis);
    free(s);
    return 0;
}

/* ---- what the test says and waits for ---- */

static void add_as(struct shop *s, const char *key, const char *entry_id, const char *id)
{
    struct str json = door_text("{'ts':1772409600000,'type':'message','conversation':'c1','from':'customer'");
    char text[256];
    snprintf(text, sizeof text, "%.*s,\"id\":\"%s\"}", STR_ARG(json), id);
    door_drop(json);
    freeReplyObject(redis_ask(&s->redis, "XADD %s %s shop a e %s", key, entry_id, text));
}

static void add(struct shop *s, size_t from, size_t n)
{
    char id[24];
    for (size_t i = from; i < from + n; i++) {
        snprintf(id, sizeof id, "m%zu", i);
        add_as(s, "chat", "*", id);
    }
}

static bool has_wanted(void *arg)
{
    return ((struct shop *)arg)->ids_n >= ((struct shop *)arg)->wanted;
}

static bool has_batch(void *arg)
{
    return ((struct shop *)arg)->waiting_n > 0;
}

static bool all_acknowledged(void *arg)
{
    struct shop *s = arg;
    redisReply *r = redis_ask(&s->redis, "XPENDING chat %s", s->group);
    bool none = r->elements > 0 && r->element[0]->integer == 0;
    freeReplyObject(r);
    return none;
}

static bool state_is(struct shop *s, size_t i, const char *state)
{
    struct redis_stream_state now;
    redis_stream_state(s->reader, i, &now);
    return strcmp(now.state, state) == 0;
}

static bool is_reading(void *arg)
{
    return state_is(arg, 0, "reading");
}

static bool is_broken(void *arg)
{
    return state_is(arg, 0, "broken");
}

static struct redis_stream_state state_of(struct shop *s)
{
    struct redis_stream_state now;
    redis_stream_state(s->reader, 0, &now);
    return now;
}

static void await_n(struct shop *s, size_t n)
{
    s->wanted = n;
    await(s->base, has_wanted, s, LIMIT_MS, "events to arrive");
    await(s->base, all_acknowledged, s, LIMIT_MS, "acknowledgement");
}

static bool is_away(void *arg)
{
    return state_is(arg, 0, "away");
}

/* Everything is looked at twice more: a connection that comes back begins with that. */
static void await_looks(struct shop *s)
{
    for (int i = 0; i < 2; i++) {
        redis_ask_number(&s->redis, "CLIENT KILL TYPE normal SKIPME yes");
        await(s->base, is_away, s, LIMIT_MS, "the connection to be lost");
        await(s->base, is_reading, s, LIMIT_MS, "reading");
    }
}

static void ids_are(struct shop *s, size_t from, size_t n, size_t first)
{
    char id[24];
    assert_true(s->ids_n >= from + n);
    for (size_t i = 0; i < n; i++) {
        snprintf(id, sizeof id, "m%zu", first + i);
        assert_string_equal(s->ids[from + i], id);
    }
}

/* ---- reading ---- */

static void what_was_there_and_what_comes_arrives_in_order(void **state)
{
    struct shop *s = *state;
    add(s, 0, 2500); /* more than is read at a time */
    open_reader(s);
    await_n(s, 2500);
    add(s, 2500, 3);
    await_n(s, 2503);
    ids_are(s, 0, 2503, 0);
    assert_string_equal(state_of(s).position, s->position[0]);
    assert_int_equal(state_of(s).entries_n, 2503);
}

static void nothing_is_acknowledged_before_it_is_durable(void **state)
{
    struct shop *s = *state;
    s->held = true;
    open_reader(s);
    add(s, 0, 3);
    await(s->base, has_batch, s, LIMIT_MS, "a batch");
    event_base_loopexit(s->base, &(struct timeval){0, 100000});
    event_base_dispatch(s->base); /* what would be sent has been sent */
    redisReply *r = redis_ask(&s->redis, "XPENDING chat kefud");
    assert_int_equal(r->element[0]->integer, s->waiting[0]->events_n);
    freeReplyObject(r);
    assert_string_equal(s->position[0], "");
    s->held = false;
    event_active(s->disk, 0, 0);
    await_n(s, 3);
    assert_string_equal(s->position[0],
                        redis_ask_text(&s->redis, "EVAL %s 1 chat",
                                       "return redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]"));
}

static void a_full_disk_or_queue_means_waiting_and_nothing_is_skipped(void **state)
{
    struct shop *s = *state;
    s->full_n = 3;
    add(s, 0, 10);
    open_reader(s);
    await_n(s, 10);
    s->refuses = true;
    add(s, 10, 10);
    s->submits_n = 0;
    while (s->submits_n < 3)
        event_base_loop(s->base, EVLOOP_ONCE);
    add(s, 20, 10);
    s->refuses = false;
    await_n(s, 30);
    ids_are(s, 0, 30, 0);
}

static void what_is_no_event_goes_to_the_quarantine_and_is_acknowledged(void **state)
{
    struct shop *s = *state;
    open_reader(s);
    freeReplyObject(redis_ask(&s->redis, "XADD chat 1-1 x y"));
    freeReplyObject(redis_ask(&s->redis, "XADD chat 1-2 e nonsense"));
    freeReplyObject(redis_ask(&s->redis, "XADD chat 1-3 e %s", "\xff{}"));
    freeReplyObject(redis_ask(&s->redis, "XADD chat 1-4 e {} e {}"));
    add_as(s, "chat", "1-5", "m0");
    await_n(s, 1);
    assert_int_equal(s->refusals_n, 4);
    assert_int_equal(strncmp(s->reason, "chat 1-4: ", 10), 0);
    freeReplyObject(redis_ask(&s->redis, "XADD chat 1-6 event {}"));
    while (s->refusals_n < 5)
        event_base_loop(s->base, EVLOOP_ONCE);
    assert_string_equal(s->reason, "chat 1-6: found no field \"e\", expected one event as JSON in it");
    await(s->base, all_acknowledged, s, LIMIT_MS, "acknowledgement");
}

static bool second_is_broken(void *arg)
{
    return state_is(arg, 1, "broken");
}

static bool second_is_reading(void *arg)
{
    return state_is(arg, 1, "reading");
}

static void a_stream_that_is_none_stops_no_other(void **state)
{
    struct shop *s = *state;
    s->keys_n = 2;
    freeReplyObject(redis_ask(&s->redis, "SET orders x"));
    open_reader(s);
    add(s, 0, 5);
    await_n(s, 5);
    await(s->base, second_is_broken, s, LIMIT_MS, "the other to be found broken");
    redis_ask_number(&s->redis, "DEL orders");
    add_as(s, "orders", "*", "o1");
    await(s->base, second_is_reading, s, LIMIT_MS, "the other to be mended");
    await_n(s, 6);
    assert_string_equal(s->ids[5], "o1");
    assert_true(s->position[1][0]);
}

/* ---- crashes ---- */

static void what_was_not_durable_comes_again_before_what_is_new(void **state)
{
    struct shop *s = *state;
    s->held = true;
    add(s, 0, 5);
    open_reader(s);
    await(s->base, has_batch, s, LIMIT_MS, "a batch");
    crash(s);
    add(s, 5, 5);
    s->held = false;
    open_reader(s);
    await_n(s, 10);
    ids_are(s, 0, 10, 0);
}

/* Fifty, or 300 with KEFU_SOAK. */
static void lost_connections_lose_nothing_and_keep_order(void **state)
{
    struct shop *s = *state;
    size_t n = 0, rounds_n = getenv("KEFU_SOAK") ? 300 : 50;
    char seen[EVENTS_MAX] = {0}, last[24];
    open_reader(s);
    for (size_t round = 0; round < rounds_n; round++) {
        add(s, n, 10);
        n += 10;
        for (size_t i = 0; i < round % 9; i++)
            event_base_loop(s->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        redis_ask_number(&s->redis, "CLIENT KILL TYPE normal SKIPME yes");
    }
    await(s->base, is_reading, s, LIMIT_MS, "the connection to come back");
    add(s, n, 1);
    snprintf(last, sizeof last, "m%zu", n);
    while (!s->ids_n || strcmp(s->ids[s->ids_n - 1], last) != 0)
        event_base_loop(s->base, EVLOOP_ONCE);
    await(s->base, all_acknowledged, s, LIMIT_MS, "acknowledgement");
    for (size_t i = 0, next = 0; i < s->ids_n; i++) {
        size_t k = (size_t)strtoul(s->ids[i] + 1, NULL, 10);
        assert_true(k <= next); /* again, perhaps; never past one that has not come */
        next += k == next;
        seen[k] = 1;
    }
    for (size_t i = 0; i <= n; i++)
        assert_true(seen[i]);
    assert_int_equal(state_of(s).lost_n, 0);
}

static void entries_idle_with_another_consumer_are_taken_over(void **state)
{
    struct shop *s = *state;
    add(s, 0, 150); /* more than are claimed at a time */
    freeReplyObject(redis_ask(&s->redis, "XGROUP CREATE chat kefud 0"));
    freeReplyObject(redis_ask(&s->redis, "XREADGROUP GROUP kefud gone COUNT 150 STREAMS chat >"));
    open_reader(s);
    await_n(s, 150);
    ids_are(s, 0, 150, 0);
    assert_int_equal(state_of(s).claimed_n, 150);
    assert_int_equal(state_of(s).lost_n, 0);
}

/* The process ends whenever it meets "poison"; the others must pass, and it must not end for ever. */
static void only_the_entry_that_does_harm_goes_to_the_dead_after_five_deliveries(void **state)
{
    struct shop *s = *state;
    int starts_n = 0;
    add(s, 0, 4);
    add_as(s, "chat", "*", "poison");
    add(s, 4, 4);
    s->held = true;
    open_reader(s);
    while (s->ids_n < 8) {
        await(s->base, has_batch, s, LIMIT_MS, "a batch");
        bool harmful = false;
        for (size_t i = 0; i < s->waiting[0]->events_n; i++)
            harmful = harmful || str_eq(s->waiting[0]->events[i].id, STR_LIT("poison"));
        if (harmful) {
            crash(s);
            open_reader(s);
            assert_true(++starts_n <= REDIS_STREAM_DELIVERIES_MAX);
            continue;
        }
        s->held = false;
        on_disk(-1, 0, s);
        s->held = true;
    }
    s->held = false;
    await_n(s, 8);
    ids_are(s, 0, 8, 0);
    assert_int_equal(starts_n, REDIS_STREAM_DELIVERIES_MAX);
    assert_int_equal(redis_ask_number(&s->redis, "XLEN chat:dead"), 1);
    redisReply *r = redis_ask(&s->redis, "XRANGE chat:dead - +");
    redisReply *fields = r->element[0]->element[1];
    assert_string_equal(fields->element[0]->str, "id");
    assert_string_equal(fields->element[2]->str, "deliveries");
    assert_string_equal(fields->element[3]->str, "5");
    assert_string_equal(fields->element[fields->elements - 2]->str, "e");
    assert_non_null(strstr(fields->element[fields->elements - 1]->str, "poison"));
    freeReplyObject(r);
    assert_int_equal(state_of(s).dead_n, 1);
    assert_non_null(strstr(s->reason, "delivered 5 times and never finished"));
    crash(s);
    open_reader(s); /* nothing is pending any more, and nothing comes again */
    await_looks(s);
    assert_int_equal(s->ids_n, 8);
}

/* ---- Redis forgets, or we do ---- */

static void after_flushall_the_group_is_made_again(void **state)
{
    struct shop *s = *state;
    open_reader(s);
    add(s, 0, 5);
    await_n(s, 5);
    freeReplyObject(redis_ask(&s->redis, "FLUSHALL"));
    add(s, 5, 5);
    await_n(s, 10);
    ids_are(s, 0, 10, 0);
    freeReplyObject(redis_ask(&s->redis, "FLUSHALL"));
    add_as(s, "chat", "7-0", "m10"); /* ids that begin anew, far under our position */
    s->wanted = 11;
    await(s->base, has_wanted, s, LIMIT_MS, "an entry under an old id");
    ids_are(s, 0, 11, 0);
    assert_int_equal(state_of(s).lost_n, 0);
}

static void a_group_that_is_gone_goes_on_at_the_stored_id(void **state)
{
    struct shop *s = *state;
    add(s, 0, 5);
    open_reader(s);
    await_n(s, 5);
    crash(s);
    redis_ask_number(&s->redis, "XGROUP DESTROY chat kefud");
    add(s, 5, 5); /* while nobody is there */
    open_reader(s);
    await_n(s, 10);
    ids_are(s, 0, 10, 0); /* not from now on, which would lose five, and not all anew */
    assert_int_equal(s->ids_n, 10);
}

static void a_store_from_a_backup_gets_again_what_it_does_not_have(void **state)
{
    struct shop *s = *state;
    open_reader(s);
    add(s, 0, 5);
    await_n(s, 5);
    snprintf(s->position_was, sizeof s->position_was, "%s", s->position[0]);
    add(s, 5, 5);
    await_n(s, 10);
    crash(s);
    s->ids_n = 5;
    snprintf(s->position[0], sizeof s->position[0], "%s", s->position_was);
    add(s, 10, 1);
    open_reader(s);
    await_n(s, 11);
    ids_are(s, 0, 11, 0);
    await_looks(s);
    assert_int_equal(s->ids_n, 11);
}

/* ---- what is trimmed ---- */

static void entries_trimmed_while_pending_are_counted_once(void **state)
{
    struct shop *s = *state;
    s->held = true;
    add(s, 0, 3);
    open_reader(s);
    await(s->base, has_batch, s, LIMIT_MS, "a batch");
    crash(s);
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 1");
    s->held = false;
    open_reader(s);
    await_n(s, 1);
    ids_are(s, 0, 1, 2);
    assert_int_equal(state_of(s).lost_n, 2);
    assert_non_null(
        strstr(s->reason, "2 entries from about here on were trimmed from the stream before they were read"));
    await_looks(s);
    assert_int_equal(state_of(s).lost_n, 2);
    assert_int_equal(s->refusals_n, 1);
}

static void entries_trimmed_while_idle_with_another_are_counted(void **state)
{
    struct shop *s = *state;
    add(s, 0, 5);
    freeReplyObject(redis_ask(&s->redis, "XGROUP CREATE chat kefud 0"));
    freeReplyObject(redis_ask(&s->redis, "XREADGROUP GROUP kefud gone COUNT 4 STREAMS chat >"));
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 2");
    open_reader(s);
    await_n(s, 2);
    await_looks(s);
    assert_int_equal(state_of(s).lost_n, 3);
    assert_int_equal(s->ids_n, 2);
}

static void entries_trimmed_before_anybody_read_them_are_counted_once(void **state)
{
    struct shop *s = *state;
    open_reader(s);
    add(s, 0, 2);
    await_n(s, 2);
    crash(s);
    add(s, 2, 10);
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 4");
    open_reader(s);
    await_n(s, 6);
    ids_are(s, 2, 4, 8);
    assert_int_equal(state_of(s).lost_n, 6);
    await_looks(s);
    add(s, 12, 2);
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 2"); /* those were read */
    await_n(s, 8);
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 0"); /* and these too */
    await_looks(s);
    assert_int_equal(state_of(s).lost_n, 6);
}

static void what_was_trimmed_after_it_was_durable_is_no_loss(void **state)
{
    struct shop *s = *state;
    add(s, 0, 50);
    open_reader(s);
    await_n(s, 50);
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 0");
    await_looks(s);
    add(s, 50, 1);
    await_n(s, 51);
    assert_int_equal(state_of(s).lost_n, 0);
    assert_int_equal(s->refusals_n, 0);
}

/* ---- rights ---- */

/* Without the right to acknowledge, entries would be delivered again and again until they were taken for dead. */
static void without_the_right_to_acknowledge_nothing_is_read(void **state)
{
    struct shop *s = *state;
    freeReplyObject(redis_ask(&s->redis, "ACL SETUSER feed on >pw ~chat* +@all -xack"));
    snprintf(s->user, sizeof s->user, "feed");
    snprintf(s->password, sizeof s->password, "pw");
    add(s, 0, 5);
    open_reader(s);
    await(s->base, is_broken, s, LIMIT_MS, "the stream to be found broken");
    assert_non_null(strstr(state_of(s).error.p, "NOPERM"));
    assert_int_equal(s->ids_n, 0);
    freeReplyObject(redis_ask(&s->redis, "ACL SETUSER feed +xack"));
    await_n(s, 5);
    assert_int_equal(state_of(s).dead_n, 0);
}

static void the_access_list_of_the_docs_is_enough(void **state)
{
    struct shop *s = *state;
    freeReplyObject(redis_ask(&s->redis, "ACL SETUSER feed on >pw ~chat ~chat:dead +@connection +info +xinfo +xgroup "
                                         "+xreadgroup +xack +xpending +xautoclaim +xrange +xadd"));
    snprintf(s->user, sizeof s->user, "feed");
    snprintf(s->password, sizeof s->password, "pw");
    open_reader(s);
    add(s, 0, 5);
    await_n(s, 5);
    freeReplyObject(redis_ask(&s->redis, "FLUSHALL"));
    add(s, 5, 5);
    await_n(s, 10);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    digest_start();
    if (!redis_is_installed()) {
        printf("redis-server is not installed\n");
        return 77;
    }
#define with_shop(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with_shop(what_was_there_and_what_comes_arrives_in_order),
        with_shop(nothing_is_acknowledged_before_it_is_durable),
        with_shop(a_full_disk_or_queue_means_waiting_and_nothing_is_skipped),
        with_shop(what_is_no_event_goes_to_the_quarantine_and_is_acknowledged),
        with_shop(a_stream_that_is_none_stops_no_other),
        with_shop(what_was_not_durable_comes_again_before_what_is_new),
        with_shop(lost_connections_lose_nothing_and_keep_order),
        with_shop(entries_idle_with_another_consumer_are_taken_over),
        with_shop(only_the_entry_that_does_harm_goes_to_the_dead_after_five_deliveries),
        with_shop(after_flushall_the_group_is_made_again),
        with_shop(a_group_that_is_gone_goes_on_at_the_stored_id),
        with_shop(a_store_from_a_backup_gets_again_what_it_does_not_have),
        with_shop(entries_trimmed_while_pending_are_counted_once),
        with_shop(entries_trimmed_while_idle_with_another_are_counted),
        with_shop(entries_trimmed_before_anybody_read_them_are_counted_once),
        with_shop(what_was_trimmed_after_it_was_durable_is_no_loss),
        with_shop(without_the_right_to_acknowledge_nothing_is_read),
        with_shop(the_access_list_of_the_docs_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
