/* 网易七鱼: what its message interface and its end-of-session data push to the shop's server.
 *
 * Keeps true: a customer (uid) is one conversation, its sessions are episodes. Sessions carry no time of their own; they take
 * that of the first delivery, and a repeat changes nothing. It does not make up what 七鱼 does not push: the customer's own
 * words, which the shop's server has sent there itself and must tell us too (docs/collectors.md). */
#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/collectors/peek.h"
#include "kefu/collectors/platforms.h"

#define UNREAD INT64_MIN

static int check(const struct collector *c, const struct delivery *d, const struct sign *s, struct err *why)
{
    uint8_t md5[SIGN_MD5_BYTES], mac[SIGN_SHA1_BYTES];
    struct buf stamp = {0}, given = {0}, all = {0};
    struct str time = delivery_query(d, "time", &stamp);
    sign_md5(s, md5, d->body);
    buf_put_str(&all, c->secret);
    sign_put_hex(&all, md5, sizeof(md5));
    buf_put_str(&all, time);
    sign_sha1(s, mac, buf_str(&all));
    int status = sign_is_hex(delivery_query(d, "checksum", &given), mac, sizeof(mac))
                     ? delivery_check_stamp(d, time, why)
                     : err_set(why, "checksum", "there is none, or it does not fit the body under our appSecret");
    buf_fini(&stamp);
    buf_fini(&given);
    buf_fini(&all);
    return status;
}

static bool is(struct str s, const char *word)
{
    return str_eq(s, str_of(word));
}

/* A whole number, as one or as its digits; `otherwise` if nothing stands there, UNREAD if something else does. */
static int64_t whole_of(const cJSON *at, const char *path, int64_t otherwise)
{
    int64_t number;
    struct str text = peek_text(at, path);
    if (text.n) {
        return fix_parse_whole(text, &number) == 0 ? number : UNREAD;
    }
    return peek(at, path) ? peek_whole(at, path, UNREAD) : otherwise;
}

/* Milliseconds, as a number or as its digits; 0: none (七鱼 writes -1). */
static int64_t ms_of(const cJSON *at, const char *path)
{
    int64_t ms = whole_of(at, path, 0);
    return ms > 0 ? ms : 0;
}

struct session {
    const cJSON *json;
    struct str uid, id, staff;
    struct peek_id rooms[3];
    int64_t told_ms; /* when the delivery was signed */
    int64_t kind;    /* staffType, or of a session's data interaction */
    bool by_human;
};

static void put(struct turned *out, const struct session *s, const char *type, int64_t ts)
{
    turned_begin(out, type, ts);
    turned_own(out, "conversation", s->uid);
}

static void on_message(struct turned *out, const struct session *s)
{
    struct peek_id room;
    struct str id = peek_id(s->json, "msgId", &room);
    int64_t ts = ms_of(s->json, "timeStamp");
    if (!id.n || !ts) {
        turned_refuse(out, "MSG: expected msgId and timeStamp");
        return;
    }
    put(out, s, "message", ts);
    turned_id(out, "%.*s", STR_ARG(id));
    turned_own(out, "customer", s->uid);
    turned_text(out, "from", s->staff.n ? STR_LIT("agent") : STR_LIT("bot"));
    if (s->staff.n) {
        turned_agent(out, "agent", s->staff);
    }
    if (is(peek_text(s->json, "msgType"), "TEXT")) {
        turned_text(out, "text", peek_text(s->json, "content"));
    }
    turned_end(out, s->staff.n ? "an agent wrote" : "the bot wrote");
}

static void on_start(struct turned *out, const struct session *s)
{
    if (!s->by_human) {
        put(out, s, "conversation.opened", s->told_ms);
        turned_id(out, "s%.*s:opened", STR_ARG(s->id));
        turned_own(out, "customer", s->uid);
        turned_end(out, "a session with the bot began");
        return;
    }
    put(out, s, "conversation.assigned", s->told_ms);
    turned_id(out, "s%.*s:assigned", STR_ARG(s->id));
    turned_agent(out, "agent", s->staff);
    turned_end(out, "a session with an agent began");
}

static void on_end(struct turned *out, const struct session *s)
{
    static const char *const by[] = {[0] = "agent", [1] = "customer", [2] = "timeout", [4] = "timeout"};
    int64_t reason = whole_of(s->json, "closeReason", UNREAD);
    if (reason == 3) {
        put(out, s, "conversation.handoff", s->told_ms);
        turned_id(out, "s%.*s:handoff", STR_ARG(s->id));
        turned_end(out, "closeReason 3: the bot gave it to people");
    } else if (reason == 5) {
        turned_ignore(out, "closeReason 5: passed on; the next session tells to whom");
    } else if (reason < 0 || reason > 4) {
        turned_refuse(out, "closeReason: expected 0 to 5");
    } else {
        const char *who = s->by_human ? by[reason] : "bot";
        put(out, s, "conversation.resolved", s->told_ms);
        turned_id(out, "s%.*s:resolved", STR_ARG(s->id));
        turned_text(out, "by", str_of(who));
        if (is(str_of(who), "agent")) {
            turned_agent(out, "agent", s->staff);
        }
        turned_end(out, "closeReason %" PRId64 ": the session ended", reason);
    }
}

/* The value that a customer chose, of any of the three models, in stars; 0: none. */
static int stars_of(int64_t value)
{
    return value == 100 ? 5 : value == 75 ? 4 : value == 50 ? 3 : value == 25 ? 2 : value == 1 ? 1 : 0;
}

/* The data of a session that has ended: of all it tells, the rating alone is not told otherwise. */
static void on_data(struct turned *out, const struct session *s)
{
    int64_t value = whole_of(s->json, "evaluation", 0);
    int stars = stars_of(value);
    int64_t ts = ms_of(s->json, "userJoinEvaluateTime");
    ts = ts ? ts : ms_of(s->json, "endTime");
    if (!stars && (value > 0 || value == UNREAD)) {
        turned_refuse(out, "evaluation: expected a value of one of the three models, 1 to 100");
    } else if (!stars) {
        turned_ignore(out, "the data of a session that was not rated");
    } else if (!ts) {
        turned_refuse(out, "userJoinEvaluateTime, endTime: expected the time of the rating");
    } else {
        put(out, s, "rating", ts);
        turned_id(out, "s%.*s:rating:%d", STR_ARG(s->id), stars);
        turned_number(out, "score", stars);
        turned_number(out, "scale", 5);
        if (s->by_human) {
            turned_agent(out, "agent", s->staff);
        }
        turned_end(out, "the customer rated the session");
    }
}

static void read_session(struct session *s, const cJSON *json, int64_t told_ms)
{
    bool is_data = peek(json, "interaction") != NULL;
    *s = (struct session){.json = json, .told_ms = told_ms};
    s->uid = peek_id(json, "uid", &s->rooms[0]);
    s->uid = s->uid.n ? s->uid : peek_id(json, "foreignId", &s->rooms[0]);
    s->id = peek_id(json, is_data ? "id" : "sessionId", &s->rooms[1]);
    s->staff = peek_id(json, "staffId", &s->rooms[2]);
    s->kind = whole_of(json, is_data ? "interaction" : "staffType", 1);
    s->by_human = s->kind == (is_data ? 0 : 1) && s->staff.n;
}

static void route(struct turned *out, struct str type, const struct session *s)
{
    bool of_session = is(type, "SESSION_START") || is(type, "SESSION_END");
    if (is(type, "EVA_INVITATION")) {
        turned_ignore(out, "eventType EVA_INVITATION: the question for a rating, not yet an answer");
    } else if (!s->uid.n) {
        turned_refuse(out, "uid: expected the customer's");
    } else if (s->kind == UNREAD) {
        turned_refuse(out, "staffType, interaction: expected a number");
    } else if (is(type, "MSG")) {
        on_message(out, s);
    } else if (of_session && (!s->id.n || !s->told_ms)) {
        turned_refuse(out, "sessionId, time: expected the session and, in the address, when it was told");
    } else if (is(type, "SESSION_START")) {
        on_start(out, s);
    } else if (is(type, "SESSION_END")) {
        on_end(out, s);
    } else if (peek(s->json, "interaction") && s->id.n) {
        on_data(out, s);
    } else {
        turned_ignore(out, "eventType %.40s is not known here", type.n ? type.p : "without a name");
    }
}

static void take(const struct collector *c, const struct delivery *d, const struct sign *s, struct turned *out)
{
    struct err e;
    struct buf type = {0}, stamp = {0};
    struct session session;
    (void)c;
    (void)s;
    cJSON *json = json_parse(d->body, &e);
    struct str name = delivery_query(d, "eventType", &type), time = delivery_query(d, "time", &stamp);
    buf_put_byte(&stamp, 0);
    if (!cJSON_IsObject(json)) {
        turned_refuse(out, "body: %s", json ? "expected a JSON object" : e.what);
    } else {
        read_session(&session, json, time.n && time.n < 12 ? strtoll(stamp.p, NULL, 10) * 1000 : 0);
        buf_put_byte(&type, 0);
        route(out, (struct str){type.p, name.n}, &session);
    }
    cJSON_Delete(json);
    buf_fini(&type);
    buf_fini(&stamp);
}

const struct platform platform_qiyu = {
    .name = "qiyu", .title = "网易七鱼", .must = SETTING_SECRET, .answer = "", .check = check, .take = take};
