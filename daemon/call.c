/* What all handlers of /v1/ have in common. */
#include "kefu/daemon/call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/json_put.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/base/utf8.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/show.h"

#define JSON            "application/json"
#define ROWS_BY_DEFAULT 100

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char small = (char)(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/* -1: no escape. */
static int escaped_byte(struct str text, size_t at)
{
    int high = at + 2 < text.n ? digit_of(text.p[at + 1]) : -1;
    int low = at + 2 < text.n ? digit_of(text.p[at + 2]) : -1;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_utf8(struct str text)
{
    const char *p = text.p, *end = text.p + text.n;
    size_t n = 1;
    while (p < end && n > 0) {
        n = utf8_length(p, end);
        p += n;
    }
    return n > 0;
}

struct str call_unescape(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        int byte = (unsigned char)text.p[i];
        if (byte == '%') {
            byte = escaped_byte(text, i);
            i += 2;
        }
        if (byte <= 0) {
            return (struct str){0};
        }
        out[n++] = (char)byte;
    }
    out[n] = 0;
    struct str whole = {out, n};
    return is_utf8(whole) ? whole : (struct str){0};
}

struct str call_query(struct call *c, const char *name)
{
    struct str q = http_request_head(c->r)->query;
    size_t name_n = strlen(name);
    for (size_t at = 0; at < q.n;) {
        const char *end = memchr(q.p + at, '&', q.n - at);
        size_t n = end ? (size_t)(end - q.p) - at : q.n - at;
        if (n > name_n && memcmp(q.p + at, name, name_n) == 0 && q.p[at + name_n] == '=') {
            return call_unescape(&c->arena, (struct str){q.p + at + name_n + 1, n - name_n - 1});
        }
        at += n + 1;
    }
    return (struct str){0};
}

bool call_page(struct call *c, struct call_page *out)
{
    struct str limit = call_query(c, "limit");
    int64_t n = ROWS_BY_DEFAULT;
    if (limit.n && (fix_parse_whole(limit, &n) < 0 || n < 1 || n > CALL_ROWS_MAX)) {
        call_bad(c, "limit: expected a whole number from 1 to 500");
        return false;
    }
    *out = (struct call_page){(size_t)n, call_query(c, "after")};
    return true;
}

bool call_may_agent(const struct call *c, uint32_t agent)
{
    struct agent_now now;
    site_agent_now(c->d->site, agent, &now);
    return rights_may(&c->who.caller, c->part, &(struct about){site_agent_id(c->d->site, agent), now.team});
}

bool call_may_team(const struct call *c, struct str team)
{
    return rights_may(&c->who.caller, c->part, &(struct about){.team = team});
}

uint32_t call_agent(struct call *c)
{
    uint32_t agent = c->args[0].n ? site_agent_find(c->d->site, c->args[0]) : 0;
    if (agent && call_may_agent(c, agent)) {
        return agent;
    }
    call_not_found(c->r);
    return 0;
}

static int by_id(const void *a, const void *b, void *site)
{
    return str_cmp(site_agent_id(site, *(const uint32_t *)a), site_agent_id(site, *(const uint32_t *)b));
}

static bool fits(const struct call *c, uint32_t agent, struct str team)
{
    struct agent_now now;
    site_agent_now(c->d->site, agent, &now);
    return (!team.n || str_eq(team, now.team)) && call_may_agent(c, agent);
}

uint32_t *call_agents(struct call *c, const struct call_page *page, struct str team, size_t *n)
{
    const struct site *s = c->d->site;
    uint32_t *list = xcalloc(site_agents_n(s) + (size_t)1, sizeof(*list));
    *n = 0;
    for (uint32_t a = 1; a <= site_agents_n(s); a++) {
        bool before = page->after.n && str_cmp(site_agent_id(s, a), page->after) <= 0;
        if (!before && fits(c, a, team)) {
            list[(*n)++] = a;
        }
    }
    qsort_r(list, *n, sizeof(*list), by_id, c->d->site);
    return list;
}

void call_show_next(struct call *c, struct buf *out, const uint32_t *agents, size_t n, size_t limit)
{
    buf_put_str(out, STR_LIT("],\"next\":"));
    show_text(out, n > limit ? site_agent_id(c->d->site, agents[limit - 1]) : (struct str){0});
    buf_put_byte(out, '}');
}

bool call_month(struct call *c, struct str text, int32_t *month)
{
    if (civil_parse_month(text, month) == 0 && *month <= pipeline_month(c->d->pipeline)) {
        return true;
    }
    call_not_found(c->r);
    return false;
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

/* {"error", "code"?, "value"?} */
static void answer_err(struct http_request *r, int status, const struct err *e)
{
    char text[sizeof(e->where) + sizeof(e->what) + 4];
    struct buf out = {0};
    snprintf(text, sizeof(text), "%s%s%s", e->where, *e->where ? ": " : "", e->what);
    buf_put_byte(&out, '{');
    json_put_text(&out, "error", str_of(text));
    json_put_known(&out, "code", str_of(e->code));
    json_put_known(&out, "value", str_of(e->value));
    buf_put_str(&out, STR_LIT("}\n"));
    http_answer(r, status, JSON, buf_str(&out));
    buf_fini(&out);
}

/* --- acts --------------------------------------------------------------------------------------------------------- */

struct str call_actor(const struct call *c)
{
    const struct token *t = c->who.token;
    return t->login.n ? t->login : t->role == ROLE_AGENT ? t->subject : (struct str){0};
}

bool call_may_post(struct call *c)
{
    if (!who_same_origin(c->r)) {
        http_answer_error(c->r, 403, "a page of another site asked for this");
        return false;
    }
    if (!call_actor(c).n) {
        struct err e;
        err_refuse(
            &e, "nameless", "",
            "this token names nobody, and what you do here stands under a name for good; ask for one with a name: "
            "kefuctl token add --login NAME");
        answer_err(c->r, 403, &e);
        return false;
    }
    return true;
}

cJSON *call_body(struct call *c)
{
    struct err e;
    struct str body = http_request_body(c->r);
    cJSON *tree = body.n && body.n <= CALL_BODY_MAX ? json_parse(body, &e) : NULL;
    if (cJSON_IsObject(tree)) {
        return tree;
    }
    cJSON_Delete(tree);
    call_bad(c, "expected a JSON object of at most 8192 bytes");
    return NULL;
}

struct str call_text(const cJSON *tree, const char *name)
{
    return str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, name)));
}

void call_refused(struct call *c, const struct err *e)
{
    bool moved = e->code && (strcmp(e->code, "moved") == 0 || strcmp(e->code, "no_adjustment") == 0);
    if (!*e->where) {
        http_retry_after(c->r, 1);
    }
    answer_err(c->r, moved ? 409 : *e->where ? 400 : 503, e);
}

void call_full(struct http_request *r)
{
    struct err e;
    err_refuse(&e, "disk_full", "", "the disk is full; nothing was changed");
    answer_err(r, 503, &e);
}

void call_failed(struct call *c, const struct err *e)
{
    log_line(LOG_LEVEL_ERROR, "http_read", "where=\"%s\" error=\"%s\"", e->where, e->what);
    call_busy(c->r, "it cannot be read at this moment; the daemon's log says why", 5);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

void call_not_found(struct http_request *r)
{
    http_answer_error(r, 404, "there is nothing here");
}

void call_wrong(struct http_request *r, int wait_s, const char *text)
{
    if (wait_s) {
        http_retry_after(r, wait_s);
    }
    http_answer_error(r, wait_s ? 429 : 401, wait_s ? HTTP_WRONG_TOKENS : text);
}

void call_log_in(struct call *c)
{
    call_wrong(c->r, c->who.wait_s, "log in first: POST /v1/session, or send Authorization: Bearer TOKEN");
}

void call_bad(struct call *c, const char *text)
{
    http_answer_error(c->r, 400, text);
}

void call_busy(struct http_request *r, const char *text, int wait_s)
{
    http_retry_after(r, wait_s);
    http_answer_error(r, 503, text);
}

void call_answer(struct call *c, struct buf *body)
{
    buf_put_byte(body, '\n');
    http_answer(c->r, 200, JSON, buf_str(body));
    buf_fini(body);
}

void call_answer_tagged(struct call *c, struct buf *body, size_t tagged_from)
{
    char tag[32];
    struct str tagged = {body->p + tagged_from, body->n - tagged_from};
    snprintf(tag, sizeof(tag), "W/\"%016" PRIx64 "\"", digest_checksum(tagged));
    struct str had = http_head_find(http_request_head(c->r), "If-None-Match");
    http_add_header(c->r, "ETag", tag);
    http_set_cache(c->r, "private, no-cache");
    if (had.n && memmem(had.p, had.n, tag + 2, strlen(tag) - 2)) {
        http_answer(c->r, 304, JSON, (struct str){0});
        buf_fini(body);
        return;
    }
    call_answer(c, body);
}
