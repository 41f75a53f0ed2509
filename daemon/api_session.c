/* Log in, log out, who am I. The clear text of a token is read once, compared, and goes with the request. */
#include "kefu/daemon/api.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kefu/base/json.h"
#include "kefu/base/log.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/session.h"
#include "kefu/daemon/show.h"

#define SESSION_BODY_MAX 1024

static void show_teams(struct buf *out, const struct who *w)
{
    if (w->caller.role != ROLE_LEAD) {
        buf_put_str(out, STR_LIT("null"));
        return;
    }
    buf_put_byte(out, '[');
    for (size_t i = 0; i < w->caller.teams_n; i++) {
        if (i) {
            buf_put_byte(out, ',');
        }
        buf_put_json(out, w->caller.teams[i]);
    }
    buf_put_byte(out, ']');
}

/* The parts that pages show; "payroll" is the same page as "pay" and needs no word of its own. */
static void show_sees(struct buf *out, const struct caller *c)
{
    const char *comma = "";
    buf_put_byte(out, '[');
    for (int p = PART_NONE + 1; p < PART_N; p++) {
        enum rights_reach reach = rights_reach(c->role, (enum part)p);
        bool off = reach == REACH_SETTING && !c->leaderboard;
        bool myself = p == PART_AGENTS && reach == REACH_OWN; /* that is "me" */
        if (p == PART_PAYROLL || reach == REACH_NONE || off || myself) {
            continue;
        }
        buf_printf(out, "%s\"%.*s\"", comma, STR_ARG(part_name((enum part)p)));
        comma = ",";
    }
    buf_put_byte(out, ']');
}

static void answer_session(struct call *c)
{
    struct daemon *d = c->d;
    const struct who *w = &c->who;
    struct buf out = {0};
    buf_printf(&out, "{\"role\":\"%.*s\",\"agent\":", STR_ARG(role_name(w->caller.role)));
    show_text(&out, w->caller.agent);
    buf_put_str(&out, STR_LIT(",\"teams\":"));
    show_teams(&out, w);
    buf_put_str(&out, STR_LIT(",\"login\":"));
    show_text(&out, w->token->login);
    buf_put_str(&out, STR_LIT(",\"sees\":"));
    show_sees(&out, &w->caller);
    buf_put_str(&out, STR_LIT(",\"site\":"));
    buf_put_json(&out, d->settings->config.site);
    buf_put_str(&out, STR_LIT(",\"timezone\":"));
    buf_put_json(&out, d->settings->config.timezone);
    buf_printf(&out, ",\"leaderboard\":%s,\"version\":\"%s\",", w->caller.leaderboard ? "true" : "false", KEFU_VERSION);
    show_time(&out, "now", clock_wall_ms(&d->clock));
    buf_put_byte(&out, ',');
    show_time(&out, "expires", w->until_ms);
    buf_put_byte(&out, '}');
    call_answer(c, &out);
}

void api_session(struct call *c)
{
    answer_session(c);
}

static void set_cookie(struct call *c, const char *value, int64_t seconds)
{
    char text[256];
    snprintf(text, sizeof(text), WHO_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%" PRId64 "%s", value,
             seconds, who_secure(c->d, c->r) ? "; Secure" : "");
    http_add_header(c->r, "Set-Cookie", text);
}

/* The token of the body, whose tree the caller deletes. */
static struct str token_of(struct call *c, cJSON **tree)
{
    struct err e;
    struct str body = http_request_body(c->r);
    *tree = body.n && body.n <= SESSION_BODY_MAX ? json_parse(body, &e) : NULL;
    return str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(*tree, "token")));
}

static bool is_json(const struct call *c)
{
    static const struct str json = STR_LIT("application/json");
    struct str type = http_head_find(http_request_head(c->r), "Content-Type");
    return type.n >= json.n && memcmp(type.p, json.p, json.n) == 0 && (type.n == json.n || type.p[json.n] == ';');
}

static void try_token(struct call *c, struct str clear)
{
    struct daemon *d = c->d;
    int64_t now_ms = clock_wall_ms(&d->clock);
    char value[SESSION_BYTES];
    const struct token *t = access_check(&d->settings->tokens, clear, now_ms);
    if (!t || t->role == ROLE_INGEST) {
        call_wrong(c->r, who_was_wrong(d, c->r),
                   "this token opens no board: it is unknown, has expired, or is for sending events");
        return;
    }
    sessions_open(d->sessions, t->id, now_ms, value);
    set_cookie(c, value, d->settings->config.session_h * 3600);
    log_line(LOG_LEVEL_INFO, "log_in", "token=%.*s role=%.*s", STR_ARG(t->id), STR_ARG(role_name(t->role)));
    struct who_kept kept = {.token = ""};
    snprintf(kept.session, sizeof(kept.session), "%s", value);
    who_still(d, &kept, &c->who);
    answer_session(c);
}

void api_log_in(struct call *c)
{
    cJSON *tree = NULL;
    if (!who_same_origin(c->r)) {
        http_answer_error(c->r, 403, "a page of another site asked for this");
        return;
    }
    struct str clear = is_json(c) ? token_of(c, &tree) : (struct str){0};
    if (clear.n) {
        try_token(c, clear);
    } else {
        call_bad(c, "expected Content-Type: application/json and {\"token\": \"kefu_…\"}");
    }
    cJSON_Delete(tree);
}

void api_log_out(struct call *c)
{
    if (!who_same_origin(c->r)) {
        http_answer_error(c->r, 403, "a page of another site asked for this");
        return;
    }
    if (who_asks(c->d, c->r, &c->who) && c->who.session.n) {
        sessions_close(c->d->sessions, c->who.session);
    }
    set_cookie(c, "", 0);
    http_answer(c->r, 204, "", (struct str){0});
}
