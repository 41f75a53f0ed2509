/* The reader of streams: a machine that sends one command, looks at its reply, and goes on.
 *
 * It keeps true that a command and a batch are never under way together (but for XACK, which nobody waits for), so a stream's
 * position is a prefix of what was delivered to us; that an entry is acknowledged to Redis only after it is durable; and that
 * a stream that cannot be read stops no other. It refuses to take an entry for lost or dead that a position covers. */
#include "kefu/collectors/redis_stream.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/collectors/stream_entry.h"
#include "kefu/collectors/stream_inside.h"

#define READ_N           2000              /* entries at a time, of all streams together: at most, */
#define READ_FIRST_N     100               /* while nothing is known of how large they are, */
#define READ_BYTES       ((size_t)4 << 20) /* and no more than lately came to so much */
#define BLOCK_MS         "1000"            /* shorter than the patience of redis_conn's PING, which waits behind it */
#define AGAIN_MS         100               /* a batch that found no room */
#define PAUSE_MS         1000              /* after an error that passes */
#define BROKEN_MS        5000              /* a look at a stream that could not be read */
#define CHECK_MAX_MS     30000
#define FLIGHT_MAX_BYTES ((size_t)8 << 20)

static void go(struct redis_stream *s);
static void on_reply(void *arg, uint64_t step, const struct redisReply *reply);

/* ---- sending ---- */

static void words(struct redis_stream *s, const struct str *list, size_t n)
{
    redis_put_count(&s->scratch, n);
    for (size_t i = 0; i < n; i++)
        redis_put_arg(&s->scratch, list[i]);
}

/* Sends what is in scratch for the present step. */
void stream_send(struct redis_stream *s)
{
    s->busy = redis_conn_send(s->conn, buf_str(&s->scratch), &(struct redis_call){on_reply, s, (uint64_t)s->step}) == 0;
    /* Without room, which XACKs can use up, the pause's end tries again. */
    if (!s->busy && s->ready) {
        s->paused = true;
        (void)event_add(s->pause, &(struct timeval){0, AGAIN_MS * 1000L});
    }
}

void stream_ask(struct redis_stream *s, const struct str *list, size_t n)
{
    s->scratch.n = 0;
    words(s, list, n);
    stream_send(s);
}

/* ---- steps ---- */

/* Everything is looked at from the first stream on. */
static void begin(struct redis_stream *s)
{
    s->check_due = false;
    s->turn = 0;
    (void)event_add(s->check, &s->check_tv);
    s->step = STEP_ABOUT;
}

static void next_stream(struct redis_stream *s)
{
    s->turn++;
    s->step = s->turn < s->streams_n ? STEP_ABOUT : STEP_READ;
}

static void pause_a_while(struct redis_stream *s)
{
    s->paused = true;
    begin(s);
    (void)event_add(s->pause, &(struct timeval){PAUSE_MS / 1000, 0});
}

/* The present stream is left out until the next look. */
static void break_stream(struct redis_stream *s, const char *why)
{
    struct stream *st = stream_now(s);
    if (!st->broken || strncmp(st->error, why, sizeof st->error - 1) != 0)
        log_line(LOG_LEVEL_ERROR, "stream_broken", "stream=%.*s group=%.*s what=\"%s\" mend=\"see docs/redis.md\"",
                 STR_ARG(st->key), STR_ARG(buf_str(&s->group)), why);
    st->broken = true;
    (void)snprintf(st->error, sizeof st->error, "%s", why);
    (void)event_add(s->check, &(struct timeval){BROKEN_MS / 1000, 0});
    next_stream(s);
}

void stream_mended(struct redis_stream *s)
{
    struct stream *st = stream_now(s);
    char at[STREAM_ID_BYTES];
    if (st->broken)
        log_line(LOG_LEVEL_NOTE, "stream_mended", "stream=%.*s position=%s", STR_ARG(st->key),
                 stream_id_print(at, st->position).p);
    st->broken = false;
    next_stream(s);
}

/* ---- batches ---- */

static void acknowledge(struct redis_stream *s, struct flying *f)
{
    s->scratch.n = 0;
    redis_put_count(&s->scratch, 3 + f->ids_n);
    redis_put_arg(&s->scratch, STR_LIT("XACK"));
    redis_put_arg(&s->scratch, f->stream->key);
    redis_put_arg(&s->scratch, buf_str(&s->group));
    buf_put_str(&s->scratch, buf_str(&f->ids));
    /* What does not arrive is pending, is read again, and is a duplicate. */
    (void)redis_conn_send(s->conn, buf_str(&s->scratch), &(struct redis_call){0});
}

void stream_acknowledge_one(struct redis_stream *s, struct stream *st, struct stream_id id)
{
    struct flying f = {.stream = st};
    stream_put_id(&f, id);
    acknowledge(s, &f);
    buf_fini(&f.ids);
}

static void flying_free(struct flying *f)
{
    batch_free(f->batch);
    buf_fini(&f->ids);
    free(f);
}

static void forget(struct redis_stream *s, struct flying *f)
{
    struct flying **at = &s->flying;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
}

static void wait_for_room(struct redis_stream *s, struct flying *f)
{
    f->waits = true;
    (void)event_add(s->pause, &(struct timeval){0, AGAIN_MS * 1000L});
}

/* True: the pipeline has it. */
static bool fly(struct redis_stream *s, struct flying *f)
{
    f->waits = s->ingest->submit(s->ingest, f->batch) < 0;
    if (f->waits)
        wait_for_room(s, f);
    return !f->waits;
}

static void on_done(struct batch *b)
{
    struct flying *f = b->owner;
    struct redis_stream *s = f->source;
    if (!s) {
        flying_free(f);
        return;
    }
    if (b->result != BATCH_STORED) {
        wait_for_room(s, f);
        return;
    }
    struct stream *st = f->stream;
    if (stream_id_cmp(f->last, st->position) > 0)
        st->position = f->last;
    if (stream_id_cmp(st->position, st->rewound) >= 0)
        st->rewound = (struct stream_id){0};
    if (f->ids_n)
        acknowledge(s, f);
    forget(s, f);
    flying_free(f);
    go(s);
}

struct flying *stream_flying(struct redis_stream *s, struct stream *st)
{
    struct flying *f = xcalloc(1, sizeof *f);
    f->source = s;
    f->stream = st;
    f->batch = batch_new(STR_LIT("stream"), on_done, f);
    f->next = s->flying;
    s->flying = f;
    return f;
}

void stream_put_id(struct flying *f, struct stream_id id)
{
    char text[STREAM_ID_BYTES];
    redis_put_arg(&f->ids, stream_id_print(text, id));
    f->ids_n++;
}

void stream_take_off(struct redis_stream *s, struct flying *f, struct stream_id last)
{
    struct batch *b = f->batch;
    char text[STREAM_ID_BYTES];
    if (stream_id_cmp(last, f->stream->position) > 0) {
        f->last = last;
        b->position_key = arena_copy(&b->arena, buf_str(&f->stream->position_key));
        b->position = arena_copy(&b->arena, stream_id_print(text, last));
    }
    (void)fly(s, f);
}

void stream_lose(struct flying *f, struct stream_id from, uint64_t n)
{
    char what[160], id[STREAM_ID_BYTES];
    struct stream *st = f->stream;
    st->lost_n += n;
    log_line(LOG_LEVEL_ERROR, "stream_lost",
             "stream=%.*s from=%s entries=%" PRIu64 " lost=%" PRIu64
             " mend=\"send these events again by another way; let the stream keep more\"",
             STR_ARG(st->key), stream_id_print(id, from).p, n, st->lost_n);
    (void)snprintf(what, sizeof what,
                   "%" PRIu64 " entries from about here on were trimmed from the stream before they were read; send "
                   "these events again",
                   n);
    stream_entry_refuse(f->batch, st->key, from, what);
}

static struct stream_entry_context context_of(struct redis_stream *s, const struct stream *st)
{
    struct ingest *in = s->ingest;
    return (struct stream_entry_context){.decode = {.now_ms = in->now_ms(in),
                                                    .rulebook = in->rulebook(in),
                                                    .customer_key = in->customer_key,
                                                    .default_source = STR_LIT("default")},
                                         .key = st->key,
                                         .field = buf_str(&s->field)};
}

struct stream_id stream_take(struct redis_stream *s, struct stream *st, const struct redisReply *list, bool history)
{
    struct stream_entry_context context = context_of(s, st);
    struct stream_id last = {0}, id, lost = {0};
    uint64_t lost_n = 0;
    if (!stream_reply_n(list))
        return last;
    struct flying *f = stream_flying(s, st);
    for (size_t i = 0; i < stream_reply_n(list); i++) {
        bool gone;
        if (!stream_entry_id(stream_reply_at(list, i), &id, &gone))
            continue;
        stream_put_id(f, id);
        last = id;
        st->entries_n++;
        if (!gone)
            stream_entry_decode(f->batch, &context, stream_reply_at(list, i));
        else if (stream_id_cmp(id, st->position) > 0 && !lost_n++)
            lost = id; /* what a position covers was read before it went */
    }
    if (lost_n)
        stream_lose(f, lost, lost_n);
    /* While the group is read again from our position on, what is pending further on is no prefix. */
    bool no_prefix = history && stream_id_is(st->rewound);
    struct stream_id none = {0};
    stream_take_off(s, f, no_prefix ? none : last);
    return last;
}

/* ---- reading ---- */

static size_t readable_n(const struct redis_stream *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->streams_n; i++)
        n += !s->streams[i].broken;
    return n;
}

static void send_read(struct redis_stream *s)
{
    char count[24];
    size_t n = readable_n(s);
    if (!n)
        return; /* until the next look */
    (void)snprintf(count, sizeof count, "%zu", s->read_n / n ? s->read_n / n : 1);
    s->scratch.n = 0;
    redis_put_count(&s->scratch, (s->idle ? 9u : 7u) + 2 * n);
    for (size_t i = 0; i < 6; i++)
        redis_put_arg(&s->scratch, (struct str[]){STR_LIT("XREADGROUP"), STR_LIT("GROUP"), buf_str(&s->group),
                                                  buf_str(&s->consumer), STR_LIT("COUNT"), str_of(count)}[i]);
    if (s->idle) {
        redis_put_arg(&s->scratch, STR_LIT("BLOCK"));
        redis_put_arg(&s->scratch, STR_LIT(BLOCK_MS));
    }
    redis_put_arg(&s->scratch, STR_LIT("STREAMS"));
    for (size_t i = 0; i < s->streams_n; i++) {
        if (!s->streams[i].broken)
            redis_put_arg(&s->scratch, s->streams[i].key);
    }
    for (size_t i = 0; i < n; i++)
        redis_put_arg(&s->scratch, STR_LIT(">"));
    stream_send(s);
}

static size_t bytes_of(const struct redisReply *r)
{
    size_t bytes = stream_reply_text(r).n;
    for (size_t i = 0; i < stream_reply_n(r); i++)
        bytes += bytes_of(r->element[i]);
    return bytes;
}

/* Redis bounds a reply by entries alone, and an entry may be large: so many as would have come to READ_BYTES if they were like
 * these, but at most twice as many as before. */
static void plan_next(struct redis_stream *s, const struct redisReply *r, uint64_t entries_n)
{
    size_t fit = entries_n ? READ_BYTES / (bytes_of(r) / entries_n + 1) : s->read_n;
    fit = fit < 2 * s->read_n ? fit : 2 * s->read_n;
    s->read_n = fit < 1 ? 1 : fit < READ_N ? fit : READ_N;
}

static void on_read(struct redis_stream *s, const struct redisReply *r)
{
    uint64_t entries_n = 0;
    s->idle = stream_reply_n(r) == 0;
    s->told = false;
    for (size_t i = 0; i < stream_reply_n(r); i++) {
        entries_n += stream_reply_n(stream_reply_at(stream_reply_at(r, i), 1));
        struct str key = stream_reply_text(stream_reply_at(stream_reply_at(r, i), 0));
        for (size_t k = 0; k < s->streams_n; k++) {
            if (str_eq(key, s->streams[k].key))
                (void)stream_take(s, &s->streams[k], stream_reply_at(stream_reply_at(r, i), 1), false);
        }
    }
    plan_next(s, r, entries_n);
    if (s->check_due)
        begin(s);
}

/* ---- the machine ---- */

static const struct stream_step *step_of(enum step step)
{
    static const struct stream_step reading = {send_read, on_read, NULL};
    return step == STEP_READ ? &reading : &stream_steps[step];
}

/* Does the next thing, if nothing is under way. */
static void go(struct redis_stream *s)
{
    if (s->ready && !s->busy && !s->flying && !s->paused && !s->stopping)
        step_of(s->step)->send(s);
}

static void tell(struct redis_stream *s, const char *error)
{
    if (!s->told)
        log_line(LOG_LEVEL_WARN, "stream_error", "group=%.*s what=\"%s\"", STR_ARG(buf_str(&s->group)), error);
    s->told = true;
}

static void break_all(struct redis_stream *s, const char *why)
{
    for (s->turn = 0; s->turn < s->streams_n;)
        break_stream(s, why);
}

/* An error reply. What is about one stream leaves that one out; a read's errors send us back to look. */
static void on_error(struct redis_stream *s, enum answer answer, const char *error)
{
    tell(s, error);
    if (answer == ANSWER_ELSEWHERE)
        redis_conn_drop(s->conn, error);
    else if (answer == ANSWER_DENIED && s->step == STEP_READ)
        break_all(s, error);
    else if (answer == ANSWER_LATER || s->step == STEP_READ || strncmp(error, "NOGROUP", 7) == 0)
        pause_a_while(s);
    else
        break_stream(s, error);
}

static void on_reply(void *arg, uint64_t step, const struct redisReply *reply)
{
    struct redis_stream *s = arg;
    enum answer answer = redis_answer(reply);
    if (answer == ANSWER_LOST)
        return; /* on_lost follows */
    s->busy = false;
    assert(step == (uint64_t)s->step);
    const char *passes = step_of(s->step)->passes;
    if (answer == ANSWER_OK || (passes && strstr(redis_error(reply), passes)))
        step_of(s->step)->got(s, reply);
    else
        on_error(s, answer, redis_error(reply));
    go(s);
}

static void on_ready(void *arg, bool fresh)
{
    struct redis_stream *s = arg;
    (void)fresh; /* groups are looked at in any case */
    s->ready = true;
    s->busy = s->paused = false;
    s->idle = false;
    begin(s);
    go(s);
}

static void on_lost(void *arg)
{
    struct redis_stream *s = arg;
    s->ready = s->busy = false;
}

static void on_check(evutil_socket_t fd, short what, void *arg)
{
    struct redis_stream *s = arg;
    (void)fd;
    (void)what;
    s->check_due = true;
    if (s->step == STEP_READ && !s->busy && !s->flying) {
        begin(s);
        go(s);
    }
}

static void on_pause_end(evutil_socket_t fd, short what, void *arg)
{
    struct redis_stream *s = arg;
    (void)fd;
    (void)what;
    s->paused = false;
    for (struct flying *f = s->flying; f; f = f->next) {
        if (f->waits && !fly(s, f))
            break; /* the pause has begun anew */
    }
    go(s);
}

/* ---- what the header shows ---- */

void redis_stream_position_key(struct buf *out, struct str address, struct str key)
{
    buf_printf(out, "stream %.*s %.*s", STR_ARG(address), STR_ARG(key));
}

static void add_stream(struct redis_stream *s, const struct redis_stream_options *o, size_t i)
{
    struct stream *st = &s->streams[s->streams_n++];
    st->key = (struct str){xstrndup(o->keys[i].p, o->keys[i].n), o->keys[i].n};
    redis_stream_position_key(&st->position_key, o->address, o->keys[i]);
    (void)stream_id_read(o->positions[i], &st->position);
}

static struct redis_stream *make(const struct redis_stream_options *o)
{
    struct redis_stream *s = xcalloc(1, sizeof *s);
    int64_t half_ms = o->claim_ms / 2 < CHECK_MAX_MS ? o->claim_ms / 2 : CHECK_MAX_MS;
    int64_t check_ms = o->check_ms ? o->check_ms : half_ms;
    assert(o->keys_n >= 1 && o->keys_n <= REDIS_STREAM_KEYS_MAX);
    s->ingest = o->ingest;
    s->check = evtimer_new(o->base, on_check, s);
    s->pause = evtimer_new(o->base, on_pause_end, s);
    assert(s->check && s->pause); /* libevent's only reason is memory */
    s->check_tv = (struct timeval){check_ms / 1000, check_ms % 1000 * 1000};
    s->step = STEP_ABOUT;
    s->read_n = READ_FIRST_N;
    buf_put_str(&s->group, o->group);
    buf_put_str(&s->consumer, o->consumer);
    buf_put_str(&s->field, o->field);
    buf_printf(&s->claim_ms, "%" PRId64, o->claim_ms);
    for (size_t i = 0; i < o->keys_n; i++)
        add_stream(s, o, i);
    return s;
}

struct redis_stream *redis_stream_open(const struct redis_stream_options *o, struct err *e)
{
    struct redis_stream *s = make(o);
    s->conn = redis_conn_new(
        o->base,
        &(struct redis_conn_options){
            .address = o->address, .username = o->username, .password = o->password, .bytes_max = FLIGHT_MAX_BYTES},
        &(struct redis_conn_handlers){on_ready, on_lost, s}, e);
    if (s->conn)
        return s;
    redis_stream_free(s);
    return NULL;
}

void redis_stream_stop(struct redis_stream *s)
{
    s->stopping = true;
}

void redis_stream_free(struct redis_stream *s)
{
    if (!s)
        return;
    s->stopping = true;
    redis_conn_free(s->conn);
    for (struct flying *f = s->flying, *next; f; f = next) {
        next = f->next;
        f->source = NULL;
        if (f->waits)
            flying_free(f);
    }
    for (size_t i = 0; i < s->streams_n; i++) {
        free((char *)(uintptr_t)s->streams[i].key.p);
        buf_fini(&s->streams[i].position_key);
        buf_fini(&s->streams[i].body);
    }
    event_free(s->check);
    event_free(s->pause);
    buf_fini(&s->group);
    buf_fini(&s->consumer);
    buf_fini(&s->field);
    buf_fini(&s->claim_ms);
    buf_fini(&s->scratch);
    free(s);
}

size_t redis_stream_n(const struct redis_stream *s)
{
    return s->streams_n;
}

void redis_stream_state(const struct redis_stream *s, size_t i, struct redis_stream_state *out)
{
    const struct stream *st = &s->streams[i];
    bool looking = s->step != STEP_READ && s->turn <= i;
    *out = (struct redis_stream_state){.key = st->key,
                                       .state = !s->ready    ? "away"
                                                : st->broken ? "broken"
                                                : looking    ? "checking"
                                                             : "reading",
                                       .error = st->broken ? str_of(st->error) : (struct str){0},
                                       .entries_n = st->entries_n,
                                       .lost_n = st->lost_n,
                                       .dead_n = st->dead_n,
                                       .claimed_n = st->claimed_n};
    (void)stream_id_print(out->position, st->position);
}
