/* 美洽: webhooks that carry the whole conversation each time.
 *
 * Keeps true: a message is known by its own id, or by its place and time, so that it counts once however often the conversation
 * is sent. Rows of conv_content that do not say who wrote and when are refused one by one. It does not make up ratings: the
 * webhook's documentation names none. */
#include <inttypes.h>

#include "kefu/collectors/peek.h"
#include "kefu/collectors/platforms.h"

static int check(const struct collector *c, const struct delivery *d, const struct sign *s, struct err *why)
{
    uint8_t mac[SIGN_SHA1_BYTES];
    struct buf all = {0};
    struct str given = delivery_header(d, "Meiqia-Signature");
    given = given.n ? given : delivery_header(d, "Meiqia-Sign");
    buf_put_str(&all, d->body);
    buf_put_str(&all, c->secret);
    sign_sha1(s, mac, buf_str(&all));
    buf_fini(&all);
    return sign_is_hex(given, mac, sizeof(mac))
               ? 0
               : err_set(why, "Meiqia-Signature", "there is none, or it does not fit the body under our secret");
}

static bool is(struct str s, const char *word)
{
    return str_eq(s, str_of(word));
}

struct talk {
    const cJSON *json;
    struct str id, agent, customer;
    struct peek_id rooms[3];
};

static void put(struct turned *out, const struct talk *t, const char *type, int64_t ts)
{
    turned_begin(out, type, ts);
    turned_own(out, "conversation", t->id);
}

static const char *from_of(struct str word)
{
    static const char *const words[][2] = {{"client", "customer"}, {"customer", "customer"}, {"visitor", "customer"},
                                           {"agent", "agent"},     {"bot", "bot"},           {"robot", "bot"},
                                           {"system", "system"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (is(word, words[i][0])) {
            return words[i][1];
        }
    }
    return NULL;
}

static int64_t time_of(const cJSON *row)
{
    static const char *const names[] = {"timestamp", "created_on", "created_at", "time", "tm"};
    int64_t ms = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !ms; i++) {
        ms = peek_ms(row, names[i]);
    }
    return ms;
}

static void take_row(struct turned *out, const struct talk *t, const cJSON *row, int at)
{
    struct peek_id id, who;
    const char *from = from_of(peek_text(row, "from"));
    int64_t ts = time_of(row);
    struct str own = peek_id(row, "id", &id), agent = peek_id(row, "agent_ID", &who);
    agent = agent.n ? agent : t->agent;
    if (!from || !ts || (is(str_of(from), "agent") && !agent.n)) {
        turned_refuse(
            out, "conv_content[%d]: expected from (client, agent, bot or system), a time, and whose if an agent's", at);
        return;
    }
    put(out, t, "message", ts);
    if (own.n) {
        turned_id(out, "m%.*s", STR_ARG(own));
    } else {
        turned_id(out, "c%.60s:%d:%" PRId64, t->id.p, at, ts);
    }
    turned_own(out, "customer", t->customer);
    turned_text(out, "from", str_of(from));
    if (is(str_of(from), "agent")) {
        turned_agent(out, "agent", agent);
    }
    turned_html(out, "text", peek_text(row, "content"));
    turned_end(out, "%s wrote", from);
}

static void take_rows(struct turned *out, const struct talk *t)
{
    const cJSON *row = NULL;
    int at = 0;
    cJSON_ArrayForEach(row, peek(t->json, "conv_content"))
    {
        take_row(out, t, row, at++);
    }
}

static void on_created(struct turned *out, const struct talk *t)
{
    int64_t ts = peek_ms(t->json, "conv_start_tm");
    if (!ts) {
        turned_refuse(out, "conv_start_tm: expected the time at which it began");
        return;
    }
    put(out, t, "conversation.opened", ts);
    turned_id(out, "c%.*s:opened", STR_ARG(t->id));
    turned_own(out, "customer", t->customer);
    turned_end(out, "the conversation began");
    take_rows(out, t);
}

static void on_scheduled(struct turned *out, const struct talk *t, int64_t told_ms)
{
    if (!t->agent.n || !told_ms) {
        turned_refuse(out, "agent_ID, created_at: expected who has it, and since when");
        return;
    }
    put(out, t, "conversation.assigned", told_ms);
    turned_id(out, "c%.*s:scheduled", STR_ARG(t->id));
    turned_agent(out, "agent", t->agent);
    turned_end(out, "it was given to its first agent");
}

static void on_closed(struct turned *out, const struct talk *t)
{
    int64_t ts = peek_ms(t->json, "conv_end_tm");
    take_rows(out, t);
    if (!ts) {
        turned_refuse(out, "conv_end_tm: expected the time at which it ended");
        return;
    }
    put(out, t, "conversation.resolved", ts);
    turned_id(out, "c%.*s:resolved", STR_ARG(t->id));
    turned_text(out, "by", STR_LIT("agent"));
    turned_end(out, "it ended, by hand or by itself: 美洽 does not tell which");
}

static void turn(const struct collector *c, const cJSON *payload, struct turned *out)
{
    struct talk t = {.json = peek(payload, "conversation")};
    struct str event = peek_text(payload, "event");
    (void)c;
    t.id = peek_id(t.json, "conv_id", &t.rooms[0]);
    t.agent = peek_id(t.json, "agent_ID", &t.rooms[1]);
    t.customer = peek_id(t.json, "client_id", &t.rooms[2]);
    if (event.n > 13 && memcmp(event.p, "conversation.", 13) == 0 && (!t.id.n || t.id.n > 60)) {
        turned_refuse(out, "conversation.conv_id: expected the conversation's");
    } else if (is(event, "conversation.created")) {
        on_created(out, &t);
    } else if (is(event, "conversation.scheduled")) {
        on_scheduled(out, &t, peek_ms(payload, "created_at"));
    } else if (is(event, "conversation.closed")) {
        on_closed(out, &t);
    } else if (is(event, "conversation.updated")) {
        turned_ignore(out, "event conversation.updated: an agent wrote a summary");
    } else if (event.n > 0 && event.n <= 64) {
        turned_ignore(out, "event %.*s: nothing a figure needs", STR_ARG(event));
    } else {
        turned_refuse(out, "event: expected the name of a topic of 美洽");
    }
}

static void take(const struct collector *c, const struct delivery *d, const struct sign *s, struct turned *out)
{
    (void)s;
    delivery_take_json(d, c, turn, out);
}

const struct platform platform_meiqia = {
    .name = "meiqia", .title = "美洽", .must = SETTING_SECRET, .answer = "", .check = check, .take = take};
