/* The lane of effects.
 *
 * It keeps true that at most one effect is on its way, that it stays at the head until Redis is known to have it, and that
 * an id that was refused is looked up before it is believed. Every reply may be NULL: then nothing is known and the head
 * goes again on the next connection, under the same id. */
#include "kefu/publish/lane.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/arena.h"
#include "kefu/base/buf.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/base/stream_id.h"

#define TOLD_EACH 12 /* of tries in vain, each so-manieth is logged */

/* The streams there are. */
static const char *const streams[] = {"tiers", "alerts"};
#define STREAMS_N (sizeof streams / sizeof streams[0])

enum lane_state {
    LANE_NONE = 0,
    LANE_IDLE,
    LANE_ASKING, /* for the top of a stream */
    LANE_BUSY,   /* a command is on its way for the head */
    LANE_PUT_OFF /* until lane_retry */
};

struct queued {
    struct arena arena; /* of the strings */
    struct effect effect;
};

struct lane {
    struct redis_conn *conn; /* borrowed */
    struct lane_handlers handlers;
    struct lane_options options;
    enum lane_state state;
    bool live;
    bool overflowed;         /* a row was turned away */
    bool ask_top[STREAMS_N]; /* before anything else */
    struct queued **queue;   /* owned, by number */
    size_t queue_n;
    size_t queue_cap;
    uint32_t vain_n;    /* tries in vain for the present head */
    int64_t trimmed_ms; /* what is older was cut off by us */
};

static void pump(struct lane *l);

/* ---- the queue ---- */

static struct str copy_into(struct queued *q, struct str s)
{
    return arena_copy(&q->arena, s);
}

static struct queued *queued_new(const struct effect *e)
{
    struct queued *q = xcalloc(1, sizeof *q);
    q->effect = *e;
    q->effect.stream = copy_into(q, e->stream);
    for (size_t i = 0; i < e->pairs_n; i++)
        q->effect.pairs[i] = copy_into(q, e->pairs[i]);
    return q;
}

static void queued_free(struct queued *q)
{
    arena_fini(&q->arena);
    free(q);
}

/* The place of a number; the head does not make room while it is on its way. */
static size_t place_of(const struct lane *l, uint64_t number)
{
    size_t at = l->queue_n;
    size_t first = l->state == LANE_BUSY && l->queue_n ? 1 : 0;
    while (at > first && l->queue[at - 1]->effect.number >= number)
        at--;
    return at;
}

static bool holds(const struct lane *l, uint64_t number)
{
    for (size_t i = l->queue_n; i > 0; i--) {
        if (l->queue[i - 1]->effect.number == number)
            return true;
    }
    return false;
}

int lane_add(struct lane *l, const struct effect *e)
{
    assert(e->pairs_n <= sizeof e->pairs / sizeof e->pairs[0] && e->pairs_n % 2 == 0);
    bool newest = !l->queue_n || l->queue[l->queue_n - 1]->effect.number < e->number;
    if (!newest && holds(l, e->number))
        return 0;
    if (l->queue_n >= LANE_MAX) {
        l->overflowed = true;
        return -1;
    }
    xgrow(&l->queue, &l->queue_cap, l->queue_n + 1, sizeof(struct queued *));
    size_t at = place_of(l, e->number);
    memmove(&l->queue[at + 1], &l->queue[at], (l->queue_n - at) * sizeof(struct queued *));
    l->queue[at] = queued_new(e);
    l->queue_n++;
    pump(l);
    return 0;
}

/* ---- sending ---- */

static void put_key(struct buf *b, const struct lane *l, struct str stream)
{
    buf_printf(b, "$%zu\r\n", l->options.prefix.n + stream.n);
    buf_put_str(b, l->options.prefix);
    buf_put_str(b, stream);
    buf_put(b, "\r\n", 2);
}

static struct stream_id id_of(const struct effect *e)
{
    return (struct stream_id){(uint64_t)e->stream_ms, e->stream_n};
}

static void put_id(struct buf *b, const struct effect *e)
{
    char id[STREAM_ID_BYTES];
    redis_put_arg(b, stream_id_print(id, id_of(e)));
}

/* Sends a command for the lane and frees it. Without room the lane is idle and begins again at lane_go. */
static void send(struct lane *l, enum lane_state then, struct buf *command, const struct redis_call *call)
{
    int result = redis_conn_send(l->conn, buf_str(command), call);
    l->state = result == 0 ? then : LANE_IDLE;
    buf_fini(command);
}

/* At most once: nobody waits for the answer. */
static void announce(struct lane *l, const struct effect *e)
{
    struct buf json = {0};
    struct buf command = {0};
    buf_printf(&json, "{\"id\":\"%" PRId64 "-%" PRIu64 "\"", e->stream_ms, e->stream_n);
    for (size_t i = 0; i < e->pairs_n; i += 2) {
        buf_put(&json, ",", 1);
        buf_put_json(&json, e->pairs[i]);
        buf_put(&json, ":", 1);
        buf_put_json(&json, e->pairs[i + 1]);
    }
    buf_put(&json, "}", 1);
    redis_put_count(&command, 3);
    redis_put_arg(&command, STR_LIT("PUBLISH"));
    put_key(&command, l, e->stream);
    redis_put_arg(&command, buf_str(&json));
    (void)redis_conn_send(l->conn, buf_str(&command), &(struct redis_call){0});
    buf_fini(&command);
    buf_fini(&json);
}

/* The head is in Redis: tells, forgets, goes on. */
static void finish_head(struct lane *l)
{
    struct queued *q = l->queue[0];
    l->queue_n--;
    memmove(&l->queue[0], &l->queue[1], l->queue_n * sizeof(struct queued *));
    l->vain_n = 0;
    l->state = LANE_IDLE;
    l->handlers.sent(l->handlers.arg, q->effect.number);
    queued_free(q);
    if (!l->queue_n && l->overflowed) {
        l->overflowed = false;
        lane_start_over(l);
    }
    pump(l);
}

static void put_off(struct lane *l, const char *why, const char *mend)
{
    const struct effect *e = &l->queue[0]->effect;
    if (l->vain_n++ % TOLD_EACH == 0)
        log_line(LOG_LEVEL_ERROR, "redis_stream_blocked",
                 "stream=%.*s id=%" PRId64 "-%" PRIu64 " number=%" PRIu64 " tries=%u what=\"%s\" mend=\"%s\"",
                 STR_ARG(e->stream), e->stream_ms, e->stream_n, e->number, l->vain_n, why, mend);
    l->state = LANE_PUT_OFF;
}

/* Common end of every reply that is no success. True: dealt with. */
static bool failed(struct lane *l, const struct redisReply *reply)
{
    enum answer answer = redis_answer(reply);
    if (answer == ANSWER_OK)
        return false;
    l->state = LANE_PUT_OFF;
    if (answer == ANSWER_LOST)
        return true;
    if (answer == ANSWER_ELSEWHERE)
        redis_conn_drop(l->conn, redis_error(reply));
    if (l->queue_n)
        put_off(l, redis_error(reply), "see docs/redis.md, errors");
    return true;
}

/* ---- a refused id: is it there already? ---- */

static bool str_is(const redisReply *r, struct str s)
{
    return r->type == REDIS_REPLY_STRING && str_eq((struct str){r->str, (size_t)r->len}, s);
}

static bool read_id(const redisReply *r, struct stream_id *out)
{
    return r->type == REDIS_REPLY_STRING && stream_id_read((struct str){r->str, (size_t)r->len}, out);
}

/* Is the entry [id, [field, value, …]] the effect's own? */
static bool is_own(const redisReply *entry, const struct effect *e)
{
    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 || entry->element[1]->type != REDIS_REPLY_ARRAY ||
        entry->element[1]->elements != e->pairs_n)
        return false;
    for (size_t i = 0; i < e->pairs_n; i++) {
        if (!str_is(entry->element[1]->element[i], e->pairs[i]))
            return false;
    }
    return true;
}

/* Is the first entry of a stream younger than the effect? Then the effect's was trimmed. */
static bool begins_after(const redisReply *entry, const struct effect *e)
{
    struct stream_id first;
    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 || !read_id(entry->element[0], &first))
        return false;
    return stream_id_cmp(first, id_of(e)) > 0;
}

static void on_first(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct lane *l = arg;
    (void)tag;
    if (failed(l, reply))
        return;
    const struct effect *e = &l->queue[0]->effect;
    if ((reply->elements == 1 && begins_after(reply->element[0], e)) || e->stream_ms < l->trimmed_ms)
        finish_head(l);
    else
        put_off(
            l, "the stream's top is above our id, and our entry is not there",
            "something else wrote to this stream: delete that entry, then XSETID the stream to its last remaining id");
}

static void look_at_first(struct lane *l)
{
    struct buf b = {0};
    redis_put_count(&b, 6);
    redis_put_arg(&b, STR_LIT("XRANGE"));
    put_key(&b, l, l->queue[0]->effect.stream);
    redis_put_arg(&b, STR_LIT("-"));
    redis_put_arg(&b, STR_LIT("+"));
    redis_put_arg(&b, STR_LIT("COUNT"));
    redis_put_arg(&b, STR_LIT("1"));
    send(l, LANE_BUSY, &b, &(struct redis_call){on_first, l, 0});
}

static void on_found(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct lane *l = arg;
    (void)tag;
    if (failed(l, reply))
        return;
    if (reply->elements == 0)
        look_at_first(l);
    else if (is_own(reply->element[0], &l->queue[0]->effect))
        finish_head(l);
    else
        put_off(l, "another entry stands under our id", "something else wrote to this stream: delete that entry");
}

static void look_for_own(struct lane *l)
{
    struct buf b = {0};
    redis_put_count(&b, 4);
    redis_put_arg(&b, STR_LIT("XRANGE"));
    put_key(&b, l, l->queue[0]->effect.stream);
    put_id(&b, &l->queue[0]->effect);
    put_id(&b, &l->queue[0]->effect);
    send(l, LANE_BUSY, &b, &(struct redis_call){on_found, l, 0});
}

/* ---- adding ---- */

static void on_added(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct lane *l = arg;
    (void)tag;
    if (redis_answer(reply) == ANSWER_REFUSED && strstr(redis_error(reply), "equal or smaller than")) {
        look_for_own(l);
        return;
    }
    if (failed(l, reply))
        return;
    announce(l, &l->queue[0]->effect);
    finish_head(l);
}

static void add_head(struct lane *l)
{
    const struct effect *e = &l->queue[0]->effect;
    struct buf b = {0};
    char max[24];
    (void)snprintf(max, sizeof max, "%zu", l->options.stream_max_n);
    redis_put_count(&b, 6 + e->pairs_n);
    redis_put_arg(&b, STR_LIT("XADD"));
    put_key(&b, l, e->stream);
    redis_put_arg(&b, STR_LIT("MAXLEN"));
    redis_put_arg(&b, STR_LIT("~"));
    redis_put_arg(&b, str_of(max));
    put_id(&b, e);
    for (size_t i = 0; i < e->pairs_n; i++)
        redis_put_arg(&b, e->pairs[i]);
    send(l, LANE_BUSY, &b, &(struct redis_call){on_added, l, 0});
}

/* ---- the top of a stream, from which on the owner gives rows again ---- */

/* Reads "last-generated-id" out of XINFO STREAM's list of names and values. */
static struct stream_id read_top(const redisReply *reply)
{
    struct stream_id top = {0};
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
        const redisReply *value = reply->element[i + 1];
        if (str_is(reply->element[i], STR_LIT("last-generated-id")) && read_id(value, &top))
            break;
    }
    return top;
}

static void on_top(void *arg, uint64_t which, const struct redisReply *reply)
{
    struct lane *l = arg;
    struct stream_id top = {0};
    bool missing = strstr(redis_error(reply), "no such key");
    if (!missing && failed(l, reply)) {
        l->ask_top[which] = true;
        return;
    }
    if (!missing)
        top = read_top(reply);
    /* While busy: nothing goes before all is here. An id past our clock's range is above all of ours. */
    int64_t ms = top.ms < INT64_MAX ? (int64_t)top.ms : INT64_MAX;
    l->handlers.resend(l->handlers.arg, str_of(streams[which]), ms, top.n);
    l->state = LANE_IDLE;
    pump(l);
}

static void ask_top(struct lane *l, size_t which)
{
    struct buf b = {0};
    redis_put_count(&b, 3);
    redis_put_arg(&b, STR_LIT("XINFO"));
    redis_put_arg(&b, STR_LIT("STREAM"));
    put_key(&b, l, str_of(streams[which]));
    send(l, LANE_ASKING, &b, &(struct redis_call){on_top, l, which});
    l->ask_top[which] = l->state != LANE_ASKING;
}

/* Does the next thing, if nothing is on its way. */
static void pump(struct lane *l)
{
    if (!l->live || l->state != LANE_IDLE)
        return;
    for (size_t i = 0; i < STREAMS_N; i++) {
        if (l->ask_top[i]) {
            ask_top(l, i);
            return;
        }
    }
    if (l->queue_n)
        add_head(l);
}

/* ---- what the header shows ---- */

struct lane *lane_new(struct redis_conn *conn, const struct lane_options *o, const struct lane_handlers *h)
{
    struct lane *l = xcalloc(1, sizeof *l);
    l->conn = conn;
    l->options = *o;
    l->handlers = *h;
    l->state = LANE_IDLE;
    return l;
}

void lane_free(struct lane *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->queue_n; i++)
        queued_free(l->queue[i]);
    free(l->queue);
    free(l);
}

void lane_set_live(struct lane *l, bool live)
{
    l->live = live;
    if (live)
        lane_retry(l);
}

void lane_start_over(struct lane *l)
{
    for (size_t i = 0; i < STREAMS_N; i++)
        l->ask_top[i] = true;
    pump(l);
}

void lane_trim(struct lane *l, int64_t before_ms)
{
    char id[STREAM_ID_BYTES];
    if (!l->live || before_ms <= l->trimmed_ms)
        return;
    l->trimmed_ms = before_ms;
    for (size_t i = 0; i < STREAMS_N; i++) {
        struct buf b = {0};
        redis_put_count(&b, 5);
        redis_put_arg(&b, STR_LIT("XTRIM"));
        put_key(&b, l, str_of(streams[i]));
        redis_put_arg(&b, STR_LIT("MINID"));
        redis_put_arg(&b, STR_LIT("~"));
        redis_put_arg(&b, stream_id_print(id, (struct stream_id){(uint64_t)before_ms, 0}));
        (void)redis_conn_send(l->conn, buf_str(&b), &(struct redis_call){0}); /* what fails is done the next time */
        buf_fini(&b);
    }
}

void lane_retry(struct lane *l)
{
    if (l->state == LANE_PUT_OFF)
        l->state = LANE_IDLE;
    pump(l);
}

void lane_go(struct lane *l)
{
    pump(l);
}

size_t lane_waiting(const struct lane *l)
{
    return l->queue_n;
}
