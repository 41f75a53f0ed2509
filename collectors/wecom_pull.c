/* Asking WeCom what was said: sync_msg from a cursor on, until it says that there is no more, and again when the bell rings or
 * some time has passed.
 *
 * The position is the cursor with the time at which it was got. WeCom keeps three days: if more time than that has passed
 * since, what lies between is lost for good, and that is told. An empty list with has_more is no end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/collectors/peek.h"
#include "kefu/collectors/platforms.h"
#include "kefu/collectors/wecom.h"

#define KEPT_MS      INT64_C(259200000) /* by WeCom */
#define BELL_MS      INT64_C(600000)    /* its token is good for so long */
#define EARLY_MS     INT64_C(300000)    /* a fresh access token so long before the old one ends */
#define STANDING_MS  INT64_C(1000)      /* has_more, but the cursor does not move */
#define ROWS_A_TIME  1000
#define CURSOR_BYTES 512

enum { TOKEN_INVALID = 40014, TOKEN_EXPIRED = 42001, TOKEN_MISSING = 41001 };

struct talk {
    const struct collector *c;
    char cursor[CURSOR_BYTES], next_cursor[CURSOR_BYTES]; /* committed; and the one that `take` brought */
    int64_t cursor_ms;                                    /* when it was got; 0: never */
    char access[CURSOR_BYTES];
    int64_t access_until_ms, now_ms;
    char bell[192];
    int64_t bell_ms;
    int64_t due_ms;
    bool more, moved;
    bool heard; /* the last answer was one of messages */
    bool rung;  /* since the last question */
};

static void read_position(struct talk *t, struct str position)
{
    char text[CURSOR_BYTES + 32];
    if (position.n == 0 || position.n >= sizeof(text)) {
        return;
    }
    snprintf(text, sizeof(text), "%.*s", STR_ARG(position));
    char *blank = NULL;
    t->cursor_ms = strtoll(text, &blank, 10);
    if (*blank == ' ') {
        snprintf(t->cursor, sizeof(t->cursor), "%.*s", CURSOR_BYTES - 1, blank + 1);
    }
}

static void *start(const struct collector *c, struct str position, int64_t now_ms)
{
    struct talk *t = xcalloc(1, sizeof(*t));
    t->c = c;
    t->due_ms = now_ms;
    read_position(t, position);
    return t;
}

static void end(void *state)
{
    free(state);
}

static void ring(void *state, struct str token)
{
    struct talk *t = state;
    snprintf(t->bell, sizeof(t->bell), "%.*s", token.n < sizeof(t->bell) ? (int)token.n : 0, token.n ? token.p : "");
    t->bell_ms = t->now_ms;
    t->rung = true;
    t->due_ms = 0;
}

/* Appends s as a value of a query. */
static void put_coded(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i];
        bool plain = (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') || b == '-' || b == '_';
        buf_printf(out, plain ? "%c" : "%%%02X", b);
    }
}

static void ask_access(const struct talk *t, struct pull_ask *ask)
{
    buf_printf(&ask->url, "%.*s/cgi-bin/gettoken?corpid=", STR_ARG(t->c->url));
    put_coded(&ask->url, t->c->account);
    buf_put_str(&ask->url, STR_LIT("&corpsecret="));
    put_coded(&ask->url, t->c->token);
}

static void ask_messages(struct talk *t, int64_t now_ms, struct pull_ask *ask)
{
    ask->post = true;
    buf_printf(&ask->url, "%.*s/cgi-bin/kf/sync_msg?access_token=", STR_ARG(t->c->url));
    put_coded(&ask->url, str_of(t->access));
    buf_put_str(&ask->body, STR_LIT("{\"cursor\":"));
    buf_put_json(&ask->body, str_of(t->cursor));
    if (t->bell[0] && now_ms < t->bell_ms + BELL_MS) {
        buf_put_str(&ask->body, STR_LIT(",\"token\":"));
        buf_put_json(&ask->body, str_of(t->bell));
    }
    buf_printf(&ask->body, ",\"limit\":%d}", ROWS_A_TIME);
    t->rung = false;
}

static bool next(void *state, int64_t now_ms, struct pull_ask *ask, int64_t *due_ms)
{
    struct talk *t = state;
    t->now_ms = now_ms;
    if (!t->more && now_ms < t->due_ms) {
        *due_ms = t->due_ms;
        return false;
    }
    if (t->more && !t->moved && now_ms < t->due_ms) {
        *due_ms = t->due_ms;
        return false;
    }
    if (!t->access[0] || now_ms >= t->access_until_ms) {
        ask_access(t, ask);
    } else {
        ask_messages(t, now_ms, ask);
    }
    return true;
}

/* What lies between the last time we asked and what WeCom still has. */
static void tell_gap(const struct talk *t, struct pull_got *got)
{
    if (t->cursor_ms && t->now_ms - t->cursor_ms > KEPT_MS) {
        got->gap_from_ms = t->cursor_ms;
        got->gap_to_ms = t->now_ms - KEPT_MS;
    }
}

static int take_access(struct talk *t, const cJSON *answer, struct err *why)
{
    struct str token = peek_text(answer, "access_token");
    if (token.n == 0 || token.n >= sizeof(t->access)) {
        return err_set(why, "gettoken", "the answer has no access_token");
    }
    snprintf(t->access, sizeof(t->access), "%.*s", STR_ARG(token));
    int64_t lasts_ms = peek_whole(answer, "expires_in", 7200) * 1000;
    t->access_until_ms = t->now_ms + (lasts_ms > 2 * EARLY_MS ? lasts_ms - EARLY_MS : lasts_ms / 2);
    snprintf(t->next_cursor, sizeof(t->next_cursor), "%s", t->cursor);
    t->more = t->moved = true; /* the question itself comes now */
    t->heard = false;
    return 0;
}

static int take_messages(struct talk *t, const cJSON *answer, struct pull_got *got, struct err *why)
{
    struct str cursor = peek_text(answer, "next_cursor");
    if (cursor.n >= sizeof(t->next_cursor) || !cJSON_IsArray(peek(answer, "msg_list"))) {
        return err_set(why, "sync_msg", "the answer has no msg_list, or a next_cursor longer than 511 bytes");
    }
    wecom_turn(got->out, answer);
    t->heard = true;
    tell_gap(t, got);
    snprintf(t->next_cursor, sizeof(t->next_cursor), "%.*s", cursor.n ? (int)cursor.n : (int)strlen(t->cursor),
             cursor.n ? cursor.p : t->cursor);
    t->more = peek_whole(answer, "has_more", 0) != 0;
    t->moved = strcmp(t->cursor, t->next_cursor) != 0;
    buf_printf(&got->position, "%" PRId64 " %s", t->now_ms, t->next_cursor);
    return 0;
}

static int take(void *state, const struct fetch_answer *a, struct pull_got *got, struct err *why)
{
    struct talk *t = state;
    if (a->status != 200) {
        return err_set(why, "WeCom", "answered %d", a->status);
    }
    cJSON *answer = json_parse_mended(a->body, why);
    int64_t code = peek_whole(answer, "errcode", 0);
    int status = -1;
    if (!answer) {
        return -1;
    }
    if (code == TOKEN_INVALID || code == TOKEN_EXPIRED || code == TOKEN_MISSING) {
        t->access[0] = 0;
    }
    if (code != 0) {
        err_set(why, "WeCom", "errcode %" PRId64 "; see its list of error codes (全局错误码)", code);
    } else if (peek(answer, "access_token")) {
        status = take_access(t, answer, why);
    } else {
        status = take_messages(t, answer, got, why);
    }
    cJSON_Delete(answer);
    return status;
}

static void stored(void *state, int64_t now_ms)
{
    struct talk *t = state;
    memcpy(t->cursor, t->next_cursor, sizeof(t->cursor));
    if (t->more && t->moved) {
        t->due_ms = now_ms;
    } else {
        t->due_ms = t->rung ? now_ms : now_ms + (t->more ? STANDING_MS : t->c->ask_every_s * 1000);
    }
    t->cursor_ms = t->heard ? now_ms : t->cursor_ms;
}

const struct puller puller_wecom = {
    .start = start, .end = end, .next = next, .take = take, .stored = stored, .ring = ring};
