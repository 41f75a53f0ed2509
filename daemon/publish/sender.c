/* A queue with one call at its head.
 *
 * It keeps true: an entry leaves only when it was taken, or, a test, when it was tried; while a call is under way nothing is
 * put before what it carries. Tokens fill by monotonic time, signatures are of wall time. */
#include "kefu/publish/sender.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"

enum { DIGEST_MAX = 200, TEXT_LEAST_BYTES = 200, TIMEOUT_MS = 10000, ANSWER_MAX_BYTES = 65536 };

#define FIRST_PAUSE_MS  1000
#define LONGEST_MS      300000 /* between two tries of what may pass */
#define REFUSED_MS      600000 /* the same of what somebody must mend */
#define AROUND_TITLE_N  16     /* bytes that a message adds to title and text */
#define LAST_LINE_BYTES 60
#define SPREAD_MS       5000 /* between those who wait for the end of a crowded minute */

struct entry {
    struct effect effect; /* number 0: of the house */
    struct arena arena;
    struct sender_test test; /* told NULL: no test */
    bool is_test;
};

struct sender {
    struct sender_options o;
    struct channel channel;  /* o's; what it points to is borrowed */
    struct fetch_call *call; /* under way, or NULL */
    struct entry **queue;    /* owned */
    size_t queue_n, queue_cap;
    size_t carried_n; /* of the head, by the call under way */
    int64_t tokens_n, filled_mono_ms;
    int64_t not_before_mono_ms, pause_ms;
    int64_t stuck_since_mono_ms; /* INT64_MAX: it is not */
    size_t text_max_bytes;
    int64_t mono_ms; /* of the last turn */
    uint64_t random;
    int64_t spread_ms;
    struct sender_counts counts;
};

struct sender *sender_new(const struct sender_options *o)
{
    struct sender *s = xcalloc(1, sizeof *s);
    s->o = *o;
    s->channel = *o->channel;
    s->o.channel = &s->channel;
    s->tokens_n = 1; /* what an earlier process sent within this minute is not known */
    s->filled_mono_ms = INT64_MIN;
    s->not_before_mono_ms = INT64_MIN;
    s->stuck_since_mono_ms = INT64_MAX;
    s->text_max_bytes = robot_text_max(o->channel->kind);
    s->random = o->seed | 1;
    s->spread_ms = (int64_t)(o->seed % SPREAD_MS);
    return s;
}

static void entry_free(struct entry *x)
{
    arena_fini(&x->arena);
    free(x);
}

void sender_free(struct sender *s)
{
    if (!s)
        return;
    if (s->call)
        fetch_cancel(s->call);
    for (size_t i = 0; i < s->queue_n; i++)
        entry_free(s->queue[i]);
    free(s->queue);
    free(s);
}

/* --- the queue ---------------------------------------------------------------------------------------------------- */

static void insert(struct sender *s, size_t at, struct entry *x)
{
    xgrow(&s->queue, &s->queue_cap, s->queue_n + 1, sizeof(struct entry *));
    memmove(&s->queue[at + 1], &s->queue[at], (s->queue_n - at) * sizeof(struct entry *));
    s->queue[at] = x;
    s->queue_n++;
}

static void drop_head(struct sender *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        entry_free(s->queue[i]);
    s->queue_n -= n;
    memmove(s->queue, s->queue + n, s->queue_n * sizeof(struct entry *));
}

void sender_add(struct sender *s, const struct effect *notice)
{
    size_t at = s->queue_n;
    while (at > 0 && s->queue[at - 1]->effect.number > notice->number)
        at--;
    if (at > 0 && s->queue[at - 1]->effect.number == notice->number)
        return;
    at = at < s->carried_n ? s->carried_n : at;
    struct entry *x = xcalloc(1, sizeof *x);
    x->effect = *notice;
    for (size_t i = 0; i < notice->pairs_n; i++)
        x->effect.pairs[i] = arena_copy(&x->arena, notice->pairs[i]);
    insert(s, at, x);
}

static struct entry *add_own(struct sender *s, struct str title, struct str text)
{
    struct entry *x = xcalloc(1, sizeof *x);
    x->effect = (struct effect){.kind = EFFECT_NOTICE, .pairs_n = 6};
    x->effect.pairs[0] = STR_LIT("title");
    x->effect.pairs[1] = arena_copy(&x->arena, title);
    x->effect.pairs[2] = STR_LIT("text");
    x->effect.pairs[3] = arena_copy(&x->arena, text);
    x->effect.pairs[4] = STR_LIT("severity");
    x->effect.pairs[5] = STR_LIT("critical");
    insert(s, s->carried_n, x);
    return x;
}

void sender_urgent(struct sender *s, struct str title, struct str text)
{
    add_own(s, title, text);
    s->not_before_mono_ms = INT64_MIN;
}

void sender_test(struct sender *s, const struct sender_test *t)
{
    struct entry *x = add_own(s, t->title, t->text);
    x->is_test = true;
    x->test = *t;
    s->not_before_mono_ms = INT64_MIN;
}

void sender_forget_test(struct sender *s, const void *arg)
{
    for (size_t i = 0; i < s->queue_n; i++)
        if (s->queue[i]->is_test && s->queue[i]->test.arg == arg)
            s->queue[i]->test.told = NULL;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void end_test(struct sender *s, const struct robot_answer *a, const char *why)
{
    struct entry *x = s->queue[0];
    if (x->test.told)
        x->test.told(x->test.arg, a, why);
    drop_head(s, 1);
}

static void taken(struct sender *s)
{
    size_t n = s->carried_n;
    for (size_t i = 0; i < n; i++)
        if (s->queue[i]->effect.number) {
            s->counts.taken_n++;
            s->o.sent(s->o.arg, s->queue[i]->effect.number);
        }
    drop_head(s, n);
    s->pause_ms = 0;
    s->stuck_since_mono_ms = INT64_MAX;
    s->text_max_bytes = robot_text_max(s->o.channel->kind);
}

/* Up to a quarter more, so that many do not come back at one time. */
static int64_t jittered(struct sender *s, int64_t ms)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return ms + (int64_t)(s->random % (uint64_t)(ms / 4 + 1));
}

static void put_off(struct sender *s, const struct robot_answer *a, const char *why)
{
    bool first = s->stuck_since_mono_ms == INT64_MAX;
    s->counts.failed_n++;
    s->stuck_since_mono_ms = first ? s->mono_ms : s->stuck_since_mono_ms;
    s->pause_ms = s->pause_ms ? s->pause_ms * 2 : FIRST_PAUSE_MS;
    s->pause_ms = s->pause_ms > LONGEST_MS ? LONGEST_MS : s->pause_ms;
    int64_t wait_ms = a->wait_ms > s->pause_ms ? a->wait_ms : s->pause_ms;
    if (a->verdict == ROBOT_TOO_LONG && s->text_max_bytes > TEXT_LEAST_BYTES) {
        s->text_max_bytes /= 2;
        wait_ms = FIRST_PAUSE_MS;
    }
    wait_ms = a->verdict == ROBOT_REFUSED ? REFUSED_MS : wait_ms;
    s->not_before_mono_ms = s->mono_ms + jittered(s, wait_ms);
    if (first || a->verdict == ROBOT_REFUSED)
        log_line(LOG_LEVEL_WARN, "channel_stuck",
                 "channel=%.*s kind=%.*s code=%" PRId64 " wait_s=%" PRId64 " waiting=%zu%s%s%s",
                 STR_ARG(s->o.channel->name), STR_ARG(channel_kind_name(s->o.channel->kind)), a->code, wait_ms / 1000,
                 s->queue_n, *why ? " error=\"" : "", why, *why ? "\"" : "");
}

static void answered(struct sender *s, const struct robot_answer *a, const char *why)
{
    if (s->queue[0]->is_test)
        end_test(s, a, why);
    else if (a->verdict == ROBOT_TAKEN)
        taken(s);
    else
        put_off(s, a, why);
    s->carried_n = 0;
}

static void on_answer(void *arg, const struct fetch_answer *f)
{
    struct sender *s = arg;
    struct robot_answer a = robot_read(s->o.channel->kind, f);
    s->call = NULL;
    answered(s, &a, f->status ? "" : f->why.what);
    s->o.wake(s->o.arg);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static size_t length_of(const struct entry *x)
{
    return x->effect.pairs[1].n + x->effect.pairs[3].n + AROUND_TITLE_N;
}

/* How many of the head go together: as many as fit whole, at least one. A test and a webhook's message go alone. */
static size_t choose(const struct sender *s)
{
    size_t n = 1, bytes = length_of(s->queue[0]);
    bool alone = s->o.channel->kind == CHANNEL_WEBHOOK || s->queue[0]->is_test;
    while (!alone && n < s->queue_n && n < DIGEST_MAX && !s->queue[n]->is_test) {
        bytes += length_of(s->queue[n]);
        if (bytes + LAST_LINE_BYTES > s->text_max_bytes)
            break;
        n++;
    }
    return n;
}

static void fill_tokens(struct sender *s, int64_t mono_ms)
{
    struct robot_pace p = robot_pace(s->o.channel->kind);
    if (s->filled_mono_ms == INT64_MIN)
        s->filled_mono_ms = mono_ms;
    int64_t more_n = (mono_ms - s->filled_mono_ms) / p.refill_ms;
    s->tokens_n += more_n;
    s->filled_mono_ms += more_n * p.refill_ms;
    if (s->tokens_n >= p.burst_n) {
        s->tokens_n = p.burst_n;
        s->filled_mono_ms = mono_ms;
    }
}

static void post(struct sender *s, const struct sender_now *now)
{
    const struct channel *c = s->o.channel;
    const struct effect *notices[DIGEST_MAX];
    struct robot_call call = {0};
    struct err e = {0};
    s->carried_n = choose(s);
    for (size_t i = 0; i < s->carried_n; i++)
        notices[i] = &s->queue[i]->effect;
    struct robot_message m = {notices, s->carried_n, s->text_max_bytes};
    if (robot_write(&call, c, &m, now->wall_ms, &e) == 0)
        s->call = fetch_send(s->o.fetch,
                             &(struct fetch_request){.method = "POST",
                                                     .url = buf_str(&call.url),
                                                     .headers = call.headers,
                                                     .headers_n = call.headers_n,
                                                     .body = buf_str(&call.body),
                                                     .reach = {c->hosts, c->hosts_n, c->allow_private},
                                                     .timeout_ms = TIMEOUT_MS,
                                                     .answer_max_bytes = ANSWER_MAX_BYTES,
                                                     .done = on_answer,
                                                     .arg = s},
                             &e);
    robot_call_fini(&call);
    s->tokens_n--;
    if (!s->call)
        answered(s, &(struct robot_answer){ROBOT_REFUSED, 0, 0}, e.what);
}

/* --- another list of channels ------------------------------------------------------------------------------------- */

static void end_call(struct sender *s)
{
    if (s->call)
        fetch_cancel(s->call);
    s->call = NULL;
    s->carried_n = 0;
}

void sender_adopt(struct sender *s, const struct channel *c)
{
    bool elsewhere = s->o.channel->kind != c->kind || !str_eq(s->o.channel->url, c->url);
    bool same = channel_is_same(s->o.channel, c);
    s->channel = *c;
    if (same)
        return;
    s->text_max_bytes = robot_text_max(c->kind);
    s->not_before_mono_ms = INT64_MIN; /* what was refused is mended, perhaps */
    s->pause_ms = 0;
    if (elsewhere) {
        end_call(s);
        s->tokens_n = 1;
        s->filled_mono_ms = INT64_MIN;
    }
}

size_t sender_give_up(struct sender *s)
{
    size_t n = 0;
    end_call(s);
    while (s->queue_n) {
        uint64_t number = s->queue[0]->effect.number;
        if (s->queue[0]->is_test) {
            end_test(s, &(struct robot_answer){ROBOT_REFUSED, 0, 0}, "the channel was taken off the list");
            continue;
        }
        drop_head(s, 1);
        n += number != 0;
        if (number)
            s->o.sent(s->o.arg, number);
    }
    return n;
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

/* For so long nothing that waits is pressing enough for a crowded minute. */
static int64_t crowd_ms(const struct sender *s, int64_t wall_ms)
{
    int64_t ms = robot_crowd_ms(s->o.channel->kind, wall_ms, s->spread_ms);
    for (size_t i = 0; i < s->queue_n && ms; i++) {
        const struct effect *f = &s->queue[i]->effect;
        for (size_t k = 0; k < f->pairs_n; k += 2)
            if (str_eq(f->pairs[k], STR_LIT("severity")) && str_eq(f->pairs[k + 1], STR_LIT("critical")))
                ms = 0;
    }
    return ms;
}

int64_t sender_turn(struct sender *s, const struct sender_now *now)
{
    s->mono_ms = now->mono_ms;
    fill_tokens(s, now->mono_ms);
    if (s->call || !s->queue_n)
        return INT64_MAX;
    if (now->mono_ms < s->not_before_mono_ms)
        return s->not_before_mono_ms - now->mono_ms;
    if (s->tokens_n <= 0)
        return s->filled_mono_ms + robot_pace(s->o.channel->kind).refill_ms - now->mono_ms;
    int64_t wait_ms = crowd_ms(s, now->wall_ms);
    if (wait_ms)
        return wait_ms;
    post(s, now);
    return s->call ? INT64_MAX : FIRST_PAUSE_MS;
}

struct sender_counts sender_counts(const struct sender *s)
{
    return s->counts;
}

size_t sender_waiting_n(const struct sender *s)
{
    return s->queue_n;
}

int64_t sender_stuck_ms(const struct sender *s, int64_t mono_ms)
{
    return s->stuck_since_mono_ms == INT64_MAX || !s->queue_n ? 0 : mono_ms - s->stuck_since_mono_ms;
}
