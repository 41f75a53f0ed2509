/* The commands of the lane, carried out on an array of entries: XADD, XRANGE, XINFO STREAM, PUBLISH. */
#include "fake_redis.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"

#define WORDS_MAX    48
#define COMMANDS_MAX 1000

struct fake_command {
    char *bytes; /* owned */
    size_t n;
    struct redis_call call;
};

int __wrap_redis_conn_send(struct redis_conn *c, struct str encoded, const struct redis_call *call);
void __wrap_redis_conn_drop(struct redis_conn *c, const char *why);

static struct fake_redis *redis_of(struct redis_conn *c)
{
    return (struct fake_redis *)(void *)c;
}

struct redis_conn *fake_redis_conn(struct fake_redis *r)
{
    return (struct redis_conn *)(void *)r;
}

int __wrap_redis_conn_send(struct redis_conn *c, struct str encoded, const struct redis_call *call)
{
    struct fake_redis *r = redis_of(c);
    if (!r->connected || r->commands_n == COMMANDS_MAX)
        return -1;
    xgrow(&r->commands, &r->commands_cap, r->commands_n + 1, sizeof *r->commands);
    r->commands[r->commands_n++] = (struct fake_command){xstrndup(encoded.p, encoded.n), encoded.n, *call};
    return 0;
}

/* The lane drops a connection only to a server that is a replica, which this one never is. */
void __wrap_redis_conn_drop(struct redis_conn *c, const char *why)
{
    (void)c;
    (void)why;
    abort();
}

/* --- words ------------------------------------------------------------------------------------------------------- */

static const char *line_end(const char *p)
{
    return strchr(p, '\n') + 1;
}

static size_t split(const struct fake_command *c, struct str *words)
{
    const char *p = c->bytes, *end = c->bytes + c->n;
    assert(*p == '*');
    size_t n = strtoul(p + 1, NULL, 10);
    assert(n > 0 && n <= WORDS_MAX);
    p = line_end(p);
    for (size_t i = 0; i < n; i++) {
        assert(p < end && *p == '$');
        size_t bytes_n = strtoul(p + 1, NULL, 10);
        p = line_end(p);
        words[i] = (struct str){p, bytes_n};
        p += bytes_n + 2;
    }
    assert(p == end);
    return n;
}

static bool is(struct str word, const char *text)
{
    return str_eq(word, str_of(text));
}

static bool read_id(struct str s, int64_t *ms, uint64_t *n)
{
    char text[64], *dash;
    (void)snprintf(text, sizeof text, "%.*s", STR_ARG(s));
    *ms = strtoll(text, &dash, 10);
    if (*dash != '-')
        return false;
    *n = strtoull(dash + 1, NULL, 10);
    return true;
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static redisReply *answer(int type, const char *text, size_t n)
{
    redisReply *a = calloc(1, sizeof *a);
    a->type = type;
    if (text) {
        a->str = xstrndup(text, n);
        a->len = n;
    }
    return a;
}

static redisReply *text_of(const char *text)
{
    return answer(REDIS_REPLY_STRING, text, strlen(text));
}

static redisReply *list_of(size_t n)
{
    redisReply *a = answer(REDIS_REPLY_ARRAY, NULL, 0);
    a->elements = n;
    a->element = calloc(n ? n : 1, sizeof(redisReply *));
    return a;
}

static void free_answer(redisReply *a)
{
    for (size_t i = 0; i < a->elements; i++)
        free_answer(a->element[i]);
    free(a->element);
    free(a->str);
    free(a);
}

static redisReply *entry_of(const struct told *t)
{
    char id[64];
    redisReply *a = list_of(2);
    snprintf(id, sizeof id, "%" PRId64 "-%" PRIu64, t->ms, t->n);
    a->element[0] = text_of(id);
    a->element[1] = list_of(t->strings_n);
    const char *p = t->pairs.p;
    for (size_t i = 0; i < t->strings_n; i++, p += strlen(p) + 1)
        a->element[1]->element[i] = text_of(p);
    return a;
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

static struct str join(struct fake_redis *r, const struct str *words, size_t n)
{
    struct buf b = {0};
    for (size_t i = 0; i < n; i++) {
        buf_put_str(&b, words[i]);
        buf_put_byte(&b, 0);
    }
    struct str kept = arena_copy(&r->arena, buf_str(&b));
    buf_fini(&b);
    return kept;
}

/* XADD key MAXLEN ~ max id field value … */
static redisReply *xadd(struct fake_redis *r, const struct str *words, size_t n)
{
    static const char small[] = "ERR The ID specified in XADD is equal or smaller than the target stream top item";
    struct told t = {.flushes_n = r->flushes_n, .strings_n = n - 6};
    assert(n > 7 && read_id(words[5], &t.ms, &t.n));
    if (t.ms < r->top_ms || (t.ms == r->top_ms && t.n <= r->top_n))
        return answer(REDIS_REPLY_ERROR, small, sizeof small - 1);
    t.pairs = join(r, words + 6, n - 6);
    xgrow(&r->told, &r->told_cap, r->told_n + 1, sizeof *r->told);
    r->told[r->told_n++] = t;
    r->top_ms = t.ms;
    r->top_n = t.n;
    if (r->trim_n && r->told_n - r->first > r->trim_n)
        r->first = r->told_n - r->trim_n;
    return answer(REDIS_REPLY_STRING, words[5].p, words[5].n);
}

/* XRANGE key ID ID, or XRANGE key - + COUNT 1. */
static redisReply *xrange(struct fake_redis *r, const struct str *words)
{
    int64_t ms = 0;
    uint64_t n = 0;
    bool one = !is(words[2], "-") && read_id(words[2], &ms, &n);
    for (size_t i = r->first; i < r->told_n; i++) {
        if (one && (r->told[i].ms != ms || r->told[i].n != n))
            continue;
        redisReply *a = list_of(1);
        a->element[0] = entry_of(&r->told[i]);
        return a;
    }
    r->gone_n += one;
    return list_of(0);
}

static redisReply *xinfo(struct fake_redis *r)
{
    static const char missing[] = "ERR no such key";
    char top[64];
    if (r->top_ms == 0)
        return answer(REDIS_REPLY_ERROR, missing, sizeof missing - 1);
    redisReply *a = list_of(4);
    snprintf(top, sizeof top, "%" PRId64 "-%" PRIu64, r->top_ms, r->top_n);
    a->element[0] = text_of("length");
    a->element[1] = answer(REDIS_REPLY_INTEGER, NULL, 0);
    a->element[1]->integer = (long long)(r->told_n - r->first);
    a->element[2] = text_of("last-generated-id");
    a->element[3] = text_of(top);
    return a;
}

static redisReply *carry_out(struct fake_redis *r, const struct fake_command *c)
{
    struct str words[WORDS_MAX];
    size_t n = split(c, words);
    bool tiers = n > 1 && (is(words[1], "{kefu}:tiers") || (n > 2 && is(words[2], "{kefu}:tiers")));
    if (is(words[0], "XADD"))
        return xadd(r, words, n);
    if (is(words[0], "XRANGE"))
        return xrange(r, words);
    if (is(words[0], "XINFO") && tiers)
        return xinfo(r);
    if (is(words[0], "XINFO"))
        return answer(REDIS_REPLY_ERROR, "ERR no such key", strlen("ERR no such key"));
    assert(is(words[0], "PUBLISH"));
    return answer(REDIS_REPLY_INTEGER, NULL, 0);
}

/* --- running ----------------------------------------------------------------------------------------------------- */

static struct fake_command take_first(struct fake_redis *r)
{
    struct fake_command c = r->commands[0];
    r->commands_n--;
    memmove(r->commands, r->commands + 1, r->commands_n * sizeof *r->commands);
    return c;
}

void fake_redis_run(struct fake_redis *r)
{
    while (r->connected && r->commands_n && !*r->dead) {
        r->step(r->arg);
        if (*r->dead || !r->connected)
            return;
        struct fake_command c = take_first(r);
        redisReply *a = carry_out(r, &c);
        r->step(r->arg);
        if (c.call.back && !*r->dead)
            c.call.back(c.call.arg, c.call.tag, r->connected ? a : NULL);
        free_answer(a);
        free(c.bytes);
    }
}

void fake_redis_lose(struct fake_redis *r, size_t done_n)
{
    r->connected = false;
    while (r->commands_n) {
        struct fake_command c = take_first(r);
        if (done_n) {
            free_answer(carry_out(r, &c));
            done_n--;
        }
        if (c.call.back && !*r->dead)
            c.call.back(c.call.arg, c.call.tag, NULL);
        free(c.bytes);
    }
}

void fake_redis_flush(struct fake_redis *r)
{
    r->first = r->told_n;
    r->top_ms = 0;
    r->top_n = 0;
    r->epoch = 0;
    r->flushes_n++;
}

void fake_redis_fini(struct fake_redis *r)
{
    for (size_t i = 0; i < r->commands_n; i++)
        free(r->commands[i].bytes);
    free(r->commands);
    free(r->told);
    arena_fini(&r->arena);
    *r = (struct fake_redis){0};
}
