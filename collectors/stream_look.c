/* What is done about a stream before it is read: group and position are looked at, what is pending for us is read again,
 * what is idle with others is taken over.
 *
 * It keeps true that our position decides: a group is made at it, or set back to it; and that an entry that did harm before
 * is read alone. It refuses to count as lost what a position covers. */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kefu/base/log.h"
#include "kefu/collectors/stream_entry.h"
#include "kefu/collectors/stream_inside.h"

#define PAGE_N     100     /* pending entries looked at, or claimed, at a time */
#define DEAD_MAX_N "10000" /* entries KEY:dead keeps, about */

static void send_about(struct redis_stream *s)
{
    stream_ask(s, WORDS(STR_LIT("XINFO"), STR_LIT("STREAM"), stream_now(s)->key));
}

static void send_group(struct redis_stream *s)
{
    stream_ask(s, WORDS(STR_LIT("XINFO"), STR_LIT("GROUPS"), stream_now(s)->key));
}

static void to_probe(struct redis_stream *s, const struct redisReply *r)
{
    (void)r;
    s->step = STEP_PROBE;
}

static void to_page(struct redis_stream *s, const struct redisReply *r)
{
    (void)r;
    s->step = STEP_PAGE;
}

/* ---- looking at a stream ---- */

static void send_make(struct redis_stream *s)
{
    struct stream *st = stream_now(s);
    char from[STREAM_ID_BYTES], read[24];
    const struct stream_about *a = &st->about;
    bool ours = stream_id_cmp(a->last, st->position) >= 0; /* else this is another stream than the one we read */
    st->group.delivered = ours ? st->position : (struct stream_id){0};
    log_line(LOG_LEVEL_NOTE, "stream_group_made", "stream=%.*s group=%.*s from=%s", STR_ARG(st->key),
             STR_ARG(buf_str(&s->group)), stream_id_print(from, st->group.delivered).p);
    /* From the start, what was trimmed before there was a group is none of its losses. */
    (void)snprintf(read, sizeof read, "%" PRId64, a->added > a->length ? a->added - a->length : 0);
    if (stream_id_is(st->group.delivered))
        stream_ask(s, WORDS(STR_LIT("XGROUP"), STR_LIT("CREATE"), st->key, buf_str(&s->group), str_of(from),
                            STR_LIT("MKSTREAM")));
    else
        stream_ask(s, WORDS(STR_LIT("XGROUP"), STR_LIT("CREATE"), st->key, buf_str(&s->group), STR_LIT("0-0"),
                            STR_LIT("MKSTREAM"), STR_LIT("ENTRIESREAD"), str_of(read)));
}

static void on_about(struct redis_stream *s, const struct redisReply *r)
{
    struct stream *st = stream_now(s);
    st->about = (struct stream_about){0};
    st->cursor = st->claim = (struct stream_id){0};
    st->claimed = st->found = false;
    if (r->type != REDIS_REPLY_ERROR)
        stream_reply_about(r, &st->about);
    s->step = st->about.exists ? STEP_GROUP : STEP_MAKE;
}

/* How many entries were cut off the front that the group had not read yet; Redis counts what was ever added, and read. */
static uint64_t unread_n(const struct stream *st)
{
    const struct stream_about *a = &st->about;
    bool behind = a->length == 0 || stream_id_cmp(a->first, st->group.delivered) > 0;
    int64_t removed = a->added - a->length;
    if (a->added < 0 || st->group.read < 0 || !behind || removed <= st->group.read)
        return 0;
    return (uint64_t)(removed - st->group.read);
}

static void on_group(struct redis_stream *s, const struct redisReply *r)
{
    struct stream *st = stream_now(s);
    if (!stream_reply_group(r, buf_str(&s->group), &st->group)) {
        s->step = STEP_MAKE;
        return;
    }
    uint64_t n = unread_n(st);
    s->step = n ? STEP_COUNTED : STEP_PROBE;
    if (n) {
        struct flying *f = stream_flying(s, st);
        stream_lose(f, st->group.delivered, n);
        stream_take_off(s, f, (struct stream_id){0});
    }
}

/* Without this Redis would count the same ones as unread at the next look. */
static void send_counted(struct redis_stream *s)
{
    struct stream *st = stream_now(s);
    char id[STREAM_ID_BYTES], read[24];
    (void)snprintf(read, sizeof read, "%" PRId64, st->about.added - st->about.length);
    stream_ask(s, WORDS(STR_LIT("XGROUP"), STR_LIT("SETID"), st->key, buf_str(&s->group),
                        stream_id_print(id, st->group.delivered), STR_LIT("ENTRIESREAD"), str_of(read)));
}

static void send_probe(struct redis_stream *s)
{
    stream_ask(s, WORDS(STR_LIT("XACK"), stream_now(s)->key, buf_str(&s->group), STR_LIT("0-0")));
}

static void on_probe(struct redis_stream *s, const struct redisReply *r)
{
    struct stream *st = stream_now(s);
    (void)r;
    /* A group beyond the stream's own top: the stream is a new one whose ids began anew, and our position says nothing. */
    st->anew = st->about.exists && stream_id_cmp(st->group.delivered, st->about.last) > 0;
    if (st->anew)
        s->step = STEP_REWIND;
    else
        s->step = stream_id_cmp(st->position, st->group.delivered) < 0 ? STEP_NEXT : STEP_PAGE;
}

static void send_next(struct redis_stream *s)
{
    struct stream *st = stream_now(s);
    char id[STREAM_ID_BYTES + 1] = "(";
    (void)stream_id_print(id + 1, st->position);
    stream_ask(s, WORDS(STR_LIT("XRANGE"), st->key, str_of(id), STR_LIT("+"), STR_LIT("COUNT"), STR_LIT("1")));
}

static void on_next(struct redis_stream *s, const struct redisReply *r)
{
    struct stream *st = stream_now(s);
    bool is = stream_reply_id(stream_reply_at(stream_reply_at(r, 0), 0), &st->at);
    s->step = is && stream_id_cmp(st->at, st->group.delivered) <= 0 ? STEP_OURS : STEP_PAGE;
}

static void send_ours(struct redis_stream *s)
{
    struct stream *st = stream_now(s);
    char id[STREAM_ID_BYTES];
    struct str at = stream_id_print(id, st->at);
    stream_ask(s, WORDS(STR_LIT("XPENDING"), st->key, buf_str(&s->group), at, at, STR_LIT("1")));
}

static void on_ours(struct redis_stream *s, const struct redisReply *r)
{
    s->step = stream_reply_n(r) ? STEP_PAGE : STEP_REWIND;
}

static void send_rewind(struct redis_stream *s)
{
    struct stream *st = stream_now(s);
    char id[STREAM_ID_BYTES], was[STREAM_ID_BYTES];
    struct stream_id start = {0};
    struct str to = stream_id_print(id, st->anew ? start : st->position);
    st->rewound = st->group.delivered;
    log_line(LOG_LEVEL_WARN, "stream_rewound", "stream=%.*s group=%.*s from=%s to=%s what=\"%s\"", STR_ARG(st->key),
             STR_ARG(buf_str(&s->group)), stream_id_print(was, st->group.delivered).p, id,
             st->anew ? "this is another stream than the one that was read; it is read from its start"
                      : "entries were acknowledged that this store does not have; they are read again");
    stream_ask(s, WORDS(STR_LIT("XGROUP"), STR_LIT("SETID"), st->key, buf_str(&s->group), to));
}

/* ---- what is pending ---- */

static void send_page(struct redis_stream *s)
{
    struct stream *st = stream_now(s);
    char id[STREAM_ID_BYTES + 1] = "(", n[8];
    (void)stream_id_print(id + 1, st->cursor);
    (void)snprintf(n, sizeof n, "%d", PAGE_N);
    stream_ask(s, WORDS(STR_LIT("XPENDING"), st->key, buf_str(&s->group), str_of(id), STR_LIT("+"), str_of(n),
                        buf_str(&s->consumer)));
}

/* Entries delivered once are read again together; those that did not end well twice, one by one, so that of several only the
 * one that does the harm is delivered again and again. */
static void on_page(struct redis_stream *s, const struct redisReply *r)
{
    struct stream *st = stream_now(s);
    struct stream_pending p;
    st->page_n = 0;
    if (!stream_reply_pending(r, 0, &p)) {
        if (!st->claimed)
            s->step = STEP_CLAIM;
        else
            stream_mended(s);
        return;
    }
    st->at = p.id;
    st->deliveries = p.deliveries;
    if (p.deliveries >= REDIS_STREAM_DELIVERIES_MAX) {
        s->step = STEP_BODY;
        return;
    }
    do
        st->page_n++;
    while (p.deliveries < 2 && stream_reply_pending(r, st->page_n, &p) && p.deliveries < 2);
    s->step = STEP_AGAIN;
}

static void send_again(struct redis_stream *s)
{
    struct stream *st = stream_now(s);
    char from[STREAM_ID_BYTES], n[24];
    (void)snprintf(n, sizeof n, "%zu", st->page_n);
    stream_ask(s, WORDS(STR_LIT("XREADGROUP"), STR_LIT("GROUP"), buf_str(&s->group), buf_str(&s->consumer),
                        STR_LIT("COUNT"), str_of(n), STR_LIT("STREAMS"), st->key, stream_id_print(from, st->cursor)));
}

static void on_again(struct redis_stream *s, const struct redisReply *r)
{
    struct stream *st = stream_now(s);
    struct stream_id last = stream_take(s, st, stream_reply_at(stream_reply_at(r, 0), 1), true);
    st->cursor = stream_id_cmp(last, st->cursor) > 0 ? last : st->at;
    s->step = STEP_PAGE;
}

static void send_body(struct redis_stream *s)
{
    struct stream *st = stream_now(s);
    char id[STREAM_ID_BYTES];
    struct str at = stream_id_print(id, st->at);
    stream_ask(s, WORDS(STR_LIT("XRANGE"), st->key, at, at));
}

/* First a row of the quarantine and the position, then Redis: a crash between leaves it pending, and it comes here again. */
static void on_body(struct redis_stream *s, const struct redisReply *r)
{
    struct stream *st = stream_now(s);
    char what[160], id[STREAM_ID_BYTES];
    const struct redisReply *fields = stream_reply_at(stream_reply_at(r, 0), 1);
    struct flying *f = stream_flying(s, st);
    st->body.n = 0;
    st->body_n = stream_reply_n(fields);
    for (size_t i = 0; i < st->body_n; i++)
        redis_put_arg(&st->body, stream_reply_text(fields->element[i]));
    st->cursor = st->at;
    s->step = st->body_n ? STEP_BURY : STEP_PAGE;
    if (st->body_n) {
        st->dead_n++;
        log_line(LOG_LEVEL_ERROR, "stream_dead", "stream=%.*s id=%s deliveries=%" PRId64 " moved=%.*s:dead",
                 STR_ARG(st->key), stream_id_print(id, st->at).p, st->deliveries, STR_ARG(st->key));
        (void)snprintf(what, sizeof what,
                       "delivered %" PRId64 " times and never finished, expected once; moved to the stream %.*s:dead",
                       st->deliveries, (int)(st->key.n < 60 ? st->key.n : 60), st->key.p);
        stream_entry_refuse(f->batch, st->key, st->at, what);
    } else {
        stream_put_id(f, st->at);
        if (stream_id_cmp(st->at, st->position) > 0)
            stream_lose(f, st->at, 1);
    }
    struct stream_id none = {0};
    stream_take_off(s, f, stream_id_is(st->rewound) ? none : st->at);
}

static void send_bury(struct redis_stream *s)
{
    struct stream *st = stream_now(s);
    struct buf key = {0};
    char id[STREAM_ID_BYTES], deliveries[24];
    (void)snprintf(deliveries, sizeof deliveries, "%" PRId64, st->deliveries);
    buf_put_str(&key, st->key);
    buf_put_str(&key, STR_LIT(":dead"));
    struct str head[] = {STR_LIT("XADD"),       buf_str(&key),     STR_LIT("MAXLEN"), STR_LIT("~"),
                         STR_LIT(DEAD_MAX_N),   STR_LIT("*"),      STR_LIT("id"),     stream_id_print(id, st->at),
                         STR_LIT("deliveries"), str_of(deliveries)};
    s->scratch.n = 0;
    redis_put_count(&s->scratch, sizeof head / sizeof *head + st->body_n);
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        redis_put_arg(&s->scratch, head[i]);
    buf_put_str(&s->scratch, buf_str(&st->body));
    stream_send(s);
    buf_fini(&key);
}

static void on_bury(struct redis_stream *s, const struct redisReply *r)
{
    (void)r;
    stream_acknowledge_one(s, stream_now(s), stream_now(s)->at);
    s->step = STEP_PAGE;
}

/* ---- what is idle with others ---- */

static void send_claim(struct redis_stream *s)
{
    struct stream *st = stream_now(s);
    char from[STREAM_ID_BYTES], n[8];
    (void)snprintf(n, sizeof n, "%d", PAGE_N);
    stream_ask(s,
               WORDS(STR_LIT("XAUTOCLAIM"), st->key, buf_str(&s->group), buf_str(&s->consumer), buf_str(&s->claim_ms),
                     stream_id_print(from, st->claim), STR_LIT("COUNT"), str_of(n), STR_LIT("JUSTID")));
}

static void on_claim(struct redis_stream *s, const struct redisReply *r)
{
    struct stream *st = stream_now(s);
    const struct redisReply *gone = stream_reply_at(r, 2);
    struct stream_id first;
    size_t n = stream_reply_n(stream_reply_at(r, 1));
    st->claimed_n += n;
    st->found = st->found || n;
    if (stream_reply_id(stream_reply_at(gone, 0), &first)) {
        struct flying *f = stream_flying(s, st);
        stream_lose(f, first, stream_reply_n(gone));
        stream_take_off(s, f, (struct stream_id){0});
    }
    if (!stream_reply_id(stream_reply_at(r, 0), &st->claim) || !stream_id_is(st->claim)) {
        st->claimed = true;
        st->cursor = (struct stream_id){0};
        if (st->found)
            s->step = STEP_PAGE;
        else
            stream_mended(s);
    }
}

const struct stream_step stream_steps[STEP_READ] = {
    [STEP_ABOUT] = {send_about, on_about, "no such key"},
    [STEP_GROUP] = {send_group, on_group, NULL},
    [STEP_MAKE] = {send_make, to_probe, "BUSYGROUP"},
    [STEP_COUNTED] = {send_counted, to_probe, NULL},
    [STEP_PROBE] = {send_probe, on_probe, NULL},
    [STEP_NEXT] = {send_next, on_next, NULL},
    [STEP_OURS] = {send_ours, on_ours, NULL},
    [STEP_REWIND] = {send_rewind, to_page, NULL},
    [STEP_PAGE] = {send_page, on_page, NULL},
    [STEP_AGAIN] = {send_again, on_again, NULL},
    [STEP_BODY] = {send_body, on_body, NULL},
    [STEP_BURY] = {send_bury, on_bury, NULL},
    [STEP_CLAIM] = {send_claim, on_claim, NULL},
};
