/* WeCom customer service (微信客服): its callback is only a bell, what was said is asked for (collectors/wecom_pull.c).
 *
 * Keeps true: a bell that does not open under our key and name our company is no bell. A conversation is a customer with one
 * account of ours, for as long as both exist; its sessions are episodes. It does not make up what WeCom does not tell: what a
 * bot has sent through the API, ratings, and why a session ended. */
#include "kefu/collectors/wecom.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/collectors/peek.h"
#include "kefu/collectors/platforms.h"

/* --- the envelope ------------------------------------------------------------------------------------------------- */

/* What stands between <TAG> and </TAG>, a CDATA's brackets taken off; absent if there is no such element. WeCom's envelopes
 * are flat and hold no markup inside. */
static struct str xml_text(struct str xml, const char *tag)
{
    char open[64], close[64];
    int open_n = snprintf(open, sizeof(open), "<%s>", tag), close_n = snprintf(close, sizeof(close), "</%s>", tag);
    const char *from = xml.n ? memmem(xml.p, xml.n, open, (size_t)open_n) : NULL;
    if (!from) {
        return (struct str){NULL, 0};
    }
    from += open_n;
    const char *to = memmem(from, (size_t)(xml.p + xml.n - from), close, (size_t)close_n);
    struct str text = {from, to ? (size_t)(to - from) : 0};
    if (text.n >= 12 && memcmp(text.p, "<![CDATA[", 9) == 0 && memcmp(text.p + text.n - 3, "]]>", 3) == 0) {
        text = (struct str){text.p + 9, text.n - 12};
    }
    return text;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Is msg_signature of the query the SHA-1 of token, timestamp, nonce and the sealed text, sorted? */
static bool is_signed(const struct collector *c, const struct delivery *d, const struct sign *s, struct str sealed)
{
    struct buf stamp = {0}, nonce = {0}, given = {0}, all = {0};
    uint8_t mac[SIGN_SHA1_BYTES];
    struct str parts[] = {c->secret, delivery_query(d, "timestamp", &stamp), delivery_query(d, "nonce", &nonce),
                          sealed};
    qsort(parts, 4, sizeof(parts[0]), by_bytes);
    for (size_t i = 0; i < 4; i++) {
        buf_put_str(&all, parts[i]);
    }
    sign_sha1(s, mac, buf_str(&all));
    bool same = sign_is_hex(delivery_query(d, "msg_signature", &given), mac, sizeof(mac));
    buf_fini(&stamp);
    buf_fini(&nonce);
    buf_fini(&given);
    buf_fini(&all);
    return same;
}

/* 16 random bytes, four of length, the text, our company's id; filled up to whole 32 bytes. -1: it is not that. */
static int unwrap(struct str plain, struct str account, struct str *text)
{
    unsigned pad = plain.n ? (unsigned char)plain.p[plain.n - 1] : 0;
    if (pad < 1 || pad > 32 || plain.n < 20u + pad) {
        return -1;
    }
    const unsigned char *p = (const unsigned char *)plain.p;
    size_t n = (size_t)p[16] << 24 | (size_t)p[17] << 16 | (size_t)p[18] << 8 | p[19], left = plain.n - 20 - pad;
    if (n > left) {
        return -1;
    }
    *text = (struct str){plain.p + 20, n};
    return str_eq((struct str){text->p + n, left - n}, account) ? 0 : -1;
}

/* The 32 bytes that EncodingAESKey stands for. Its 43rd character holds two bits more than they need, which WeCom sets at random. */
static int read_key(struct str text, struct buf *raw)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char whole[45] = "";
    const char *last = text.n == 43 ? strchr(alphabet, text.p[42]) : NULL;
    if (!last || !*last) {
        return -1;
    }
    memcpy(whole, text.p, 42);
    whole[42] = alphabet[(last - alphabet) & ~3];
    whole[43] = '=';
    return sign_put_base64_of(raw, (struct str){whole, 44});
}

/* Opens a sealed text into *room; absent and -1 if it does not open under our key or is for another company. */
static int unseal(const struct collector *c, const struct sign *s, struct str sealed, struct buf *room,
                  struct str *text)
{
    struct buf raw = {0}, box = {0};
    int status = -1;
    *text = (struct str){NULL, 0};
    if (read_key(c->key, &raw) == 0 && raw.n == SIGN_AES_BYTES && sign_put_base64_of(&box, sealed) == 0 &&
        sign_aes_open(s, (const uint8_t *)raw.p, buf_str(&box), room) == 0) {
        status = unwrap(buf_str(room), c->account, text);
    }
    buf_fini(&raw);
    buf_fini(&box);
    return status;
}

static int check_sealed(const struct collector *c, const struct delivery *d, const struct sign *s, struct str sealed,
                        struct err *why)
{
    struct buf stamp = {0};
    int status = 0;
    if (!sealed.n || !is_signed(c, d, s, sealed)) {
        status = err_set(why, "msg_signature", "it does not fit what was sent under our token");
    } else {
        status = delivery_check_stamp(d, delivery_query(d, "timestamp", &stamp), why);
    }
    buf_fini(&stamp);
    return status;
}

static int check(const struct collector *c, const struct delivery *d, const struct sign *s, struct err *why)
{
    struct buf room = {0};
    struct str sealed = xml_text(d->body, "Encrypt"), text;
    int status = check_sealed(c, d, s, sealed, why);
    if (status == 0 && unseal(c, s, sealed, &room, &text) < 0) {
        status = err_set(why, "Encrypt", "it does not open under key_file, or is not for the company of account");
    }
    buf_fini(&room);
    return status;
}

static int greet(const struct collector *c, const struct delivery *d, const struct sign *s, struct buf *answer,
                 struct err *why)
{
    struct buf echo = {0}, room = {0};
    struct str sealed = delivery_query(d, "echostr", &echo), text;
    int status = check_sealed(c, d, s, sealed, why);
    if (status == 0 && unseal(c, s, sealed, &room, &text) < 0) {
        status = err_set(why, "echostr", "it does not open under key_file, or is not for the company of account");
    }
    if (status == 0) {
        buf_put_str(answer, text);
    }
    buf_fini(&echo);
    buf_fini(&room);
    return status;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

struct row {
    const cJSON *json; /* the row */
    const cJSON *of;   /* where its ids stand: the row, or its event */
    int64_t ts;
    struct str id, account, customer;
};

static bool is(struct str s, const char *word)
{
    return str_eq(s, str_of(word));
}

static void put_conversation(struct turned *out, const struct row *r)
{
    char id[128];
    int n = snprintf(id, sizeof(id), "%.*s/%.*s", STR_ARG(r->account), STR_ARG(r->customer));
    turned_own(out, "conversation", (struct str){id, n < (int)sizeof(id) ? (size_t)n : 0});
}

/* An event's own id if it has one; else what it is and when. */
static void put_event_id(struct turned *out, const struct row *r, const char *what)
{
    if (r->id.n) {
        turned_id(out, "%.*s%s%s", STR_ARG(r->id), *what ? ":" : "", what);
    } else {
        turned_id(out, "%s:%.40s:%.60s:%" PRId64, what, r->account.n ? r->account.p : "",
                  r->customer.n ? r->customer.p : "", r->ts);
    }
}

static void take_message(struct turned *out, const struct row *r)
{
    int64_t origin = peek_whole(r->json, "origin", 0);
    struct str servicer = peek_text(r->json, "servicer_userid");
    if (origin < 3 || origin > 5 || (origin == 5 && !servicer.n)) {
        turned_refuse(out, "origin: expected 3 (customer), 4 (system) or 5 (agent, with servicer_userid)");
        return;
    }
    turned_begin(out, "message", r->ts);
    turned_id(out, "%.*s", STR_ARG(r->id));
    put_conversation(out, r);
    turned_own(out, "customer", r->customer);
    turned_text(out, "channel", STR_LIT("wechat"));
    turned_text(out, "from", origin == 3 ? STR_LIT("customer") : origin == 5 ? STR_LIT("agent") : STR_LIT("system"));
    if (origin == 5) {
        turned_agent(out, "agent", servicer);
    }
    turned_text(out, "text", peek_text(r->json, "text.content"));
    turned_end(out, origin == 3 ? "the customer wrote" : origin == 5 ? "an agent wrote" : "WeCom's own words");
}

static void put_assigned(struct turned *out, const struct row *r, const char *why)
{
    struct str agent = peek_text(r->of, "new_servicer_userid");
    if (!agent.n) {
        turned_refuse(out, "new_servicer_userid: expected the agent who has it now");
        return;
    }
    turned_begin(out, "conversation.assigned", r->ts);
    put_event_id(out, r, "assigned");
    put_conversation(out, r);
    turned_agent(out, "agent", agent);
    turned_end(out, "%s", why);
}

static void put_resolved(struct turned *out, const struct row *r)
{
    struct str agent = peek_text(r->of, "old_servicer_userid");
    turned_begin(out, "conversation.resolved", r->ts);
    put_event_id(out, r, "resolved");
    put_conversation(out, r);
    turned_text(out, "by", STR_LIT("agent"));
    if (agent.n) {
        turned_agent(out, "agent", agent);
    }
    turned_end(out, "change_type 3: the session ended; WeCom does not tell why");
}

static void take_session(struct turned *out, const struct row *r)
{
    switch (peek_whole(r->of, "change_type", 0)) {
    case 1: put_assigned(out, r, "change_type 1: from the pool to an agent"); break;
    case 2: put_assigned(out, r, "change_type 2: passed on to another agent"); break;
    case 3: put_resolved(out, r); break;
    case 4:
        turned_begin(out, "conversation.reopened", r->ts);
        put_event_id(out, r, "reopened");
        put_conversation(out, r);
        turned_end(out, "change_type 4: an ended session was taken up again");
        put_assigned(out, r, "change_type 4: by this agent");
        break;
    default: turned_refuse(out, "change_type: expected 1 to 4");
    }
}

static void take_status(struct turned *out, const struct row *r)
{
    struct str agent = peek_text(r->of, "servicer_userid");
    int64_t status = peek_whole(r->of, "status", 0);
    bool rests = peek_whole(r->of, "stop_type", 0) == 1;
    if (!agent.n || status < 1 || status > 2) {
        turned_refuse(out, "servicer_status_change: expected servicer_userid and status 1 or 2");
        return;
    }
    turned_begin(out, "agent.status", r->ts);
    if (r->id.n) {
        turned_id(out, "%.*s", STR_ARG(r->id));
    } else {
        turned_id(out, "status:%.*s:%" PRId64, STR_ARG(agent), r->ts);
    }
    turned_agent(out, "agent", agent);
    turned_text(out, "status", status == 1 ? STR_LIT("online") : rests ? STR_LIT("away") : STR_LIT("offline"));
    turned_end(out, status == 1 ? "the agent takes customers" : "the agent takes no more customers");
}

static void take_recall(struct turned *out, const struct row *r)
{
    struct str message = peek_text(r->of, "recall_msgid");
    if (!message.n) {
        turned_refuse(out, "recall_msgid: expected the message that was taken back");
        return;
    }
    turned_begin(out, "message.recalled", r->ts);
    turned_id(out, "recalled:%.*s", STR_ARG(message));
    put_conversation(out, r);
    turned_text(out, "message", message);
    turned_end(out, "the customer took a message back");
}

static const struct {
    const char *name;
    void (*take)(struct turned *out, const struct row *r); /* NULL: nothing in it for us */
    bool of_conversation;
    const char *why;
} events[] = {
    {"session_status_change", take_session, true, NULL},
    {"servicer_status_change", take_status, false, NULL},
    {"user_recall_msg", take_recall, true, NULL},
    {"servicer_recall_msg", NULL, false, "an agent's message that was taken back stays an answer"},
    {"enter_session", NULL, false, "the customer came in and has said nothing yet"},
    {"msg_send_fail", NULL, false,
     "a message did not get through; WeCom tells the sender, and we have no event for it"},
};

static void take_event(struct turned *out, const struct row *r)
{
    struct str name = peek_text(r->of, "event_type");
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (!is(name, events[i].name)) {
            continue;
        }
        if (!events[i].take) {
            turned_ignore(out, "event_type %s: %s", events[i].name, events[i].why);
        } else if (!r->ts || (events[i].of_conversation && (!r->account.n || !r->customer.n))) {
            turned_refuse(out, "event_type %s: expected send_time, and in the event open_kfid and external_userid",
                          events[i].name);
        } else {
            events[i].take(out, r);
        }
        return;
    }
    turned_ignore(out, "event_type %.*s is not known here", name.n > 60 ? 60 : (int)name.n, name.n ? name.p : "");
}

static void take_row(struct turned *out, const cJSON *json)
{
    const cJSON *event = peek(json, "event");
    struct str type = peek_text(json, "msgtype");
    const cJSON *of = event ? event : json;
    struct row r = {.json = json,
                    .of = of,
                    .ts = peek_ms(json, "send_time"),
                    .id = peek_text(json, "msgid"),
                    .account = peek_text(of, "open_kfid"),
                    .customer = peek_text(of, "external_userid")};
    if (is(type, "event")) {
        take_event(out, &r);
    } else if (!type.n || !r.ts || !r.id.n || !r.account.n || !r.customer.n) {
        turned_refuse(out, "row: expected msgtype, msgid, send_time, open_kfid and external_userid");
    } else {
        take_message(out, &r);
    }
}

void wecom_turn(struct turned *out, const cJSON *answer)
{
    const cJSON *row = NULL, *list = peek(answer, "msg_list");
    if (!cJSON_IsArray(list)) {
        turned_refuse(out, "msg_list: expected the list of an answer of sync_msg");
        return;
    }
    cJSON_ArrayForEach(row, list)
    {
        take_row(out, row);
    }
    if (cJSON_GetArraySize(list) == 0) {
        turned_ignore(out, "an empty list");
    }
}

static void turn(const struct collector *c, const cJSON *answer, struct turned *out)
{
    (void)c;
    wecom_turn(out, answer);
}

/* --- the bell ----------------------------------------------------------------------------------------------------- */

static void take_bell(struct turned *out, struct str xml)
{
    struct str event = xml_text(xml, "Event");
    if (is(event, "kf_msg_or_event")) {
        out->ring = arena_copy(&out->arena, xml_text(xml, "Token"));
        out->ring = out->ring.p ? out->ring : STR_LIT("");
        turned_ignore(out, "event kf_msg_or_event: a bell; what was said is asked for");
    } else if (event.n && event.n <= 64) {
        turned_ignore(out, "event %.*s: nothing a figure needs", STR_ARG(event));
    } else {
        turned_refuse(out, "Event: expected the name of a callback");
    }
}

/* A sealed envelope; to show what would become of them, also what is inside one, or an answer of sync_msg. */
static void take(const struct collector *c, const struct delivery *d, const struct sign *s, struct turned *out)
{
    struct buf room = {0};
    struct str sealed = xml_text(d->body, "Encrypt"), text;
    if (d->body.n && d->body.p[0] == '{') {
        delivery_take_json(d, c, turn, out);
    } else if (!sealed.n) {
        take_bell(out, d->body);
    } else if (unseal(c, s, sealed, &room, &text) < 0) {
        turned_refuse(out, "Encrypt: it does not open under key_file, or is not for the company of account");
    } else {
        take_bell(out, text);
    }
    buf_fini(&room);
}

const struct platform platform_wecom = {
    .name = "wecom",
    .title = "微信客服 (WeCom)",
    .must = SETTING_SECRET | SETTING_KEY | SETTING_TOKEN | SETTING_ACCOUNT,
    .may = SETTING_URL | SETTING_EVERY | SETTING_PRIVATE,
    .url = "https://qyapi.weixin.qq.com",
    .ask_every_s = 60,
    .answer = "success",
    .check = check,
    .take = take,
    .greet = greet,
    .puller = &puller_wecom,
};
