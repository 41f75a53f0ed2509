/* Zendesk's event webhooks about tickets: an event and the ticket as it is.
 *
 * Keeps true: an event is known by what Zendesk calls it, which stays the same when it is sent again. A ticket's first words come
 * with its creation and may come again as a comment: a second line of one customer in one wait changes nothing. It does not
 * make up what is not told: satisfaction is in no event of a ticket. */
#include <inttypes.h>

#include "kefu/base/tz.h"
#include "kefu/collectors/peek.h"
#include "kefu/collectors/platforms.h"

#define PREFIX "zen:event-type:ticket."

/* The stamp is RFC 3339 here. */
static int check_stamp(const struct delivery *d, struct str stamp, struct err *why)
{
    int64_t at_ms;
    if (rfc3339_parse(stamp, &at_ms, NULL) < 0) {
        return err_set(why, "stamp", "it is no time");
    }
    int64_t off_ms = d->now_ms - at_ms;
    if (off_ms > PLATFORM_STAMP_MS || off_ms < -PLATFORM_STAMP_MS) {
        return err_set(why, "stamp", "it is %" PRId64 " s off our clock, more than 300", off_ms / 1000);
    }
    return 0;
}

static int check(const struct collector *c, const struct delivery *d, const struct sign *s, struct err *why)
{
    uint8_t mac[SIGN_SHA256_BYTES];
    struct str stamp = delivery_header(d, "X-Zendesk-Webhook-Signature-Timestamp");
    struct str parts[] = {stamp, d->body};
    (void)s;
    sign_hmac_sha256(mac, c->secret, parts, 2);
    if (!sign_is_base64(delivery_header(d, "X-Zendesk-Webhook-Signature"), mac, sizeof(mac))) {
        return err_set(why, "X-Zendesk-Webhook-Signature",
                       "there is none, or it does not fit the body under our secret");
    }
    return check_stamp(d, stamp, why);
}

struct ticket {
    const cJSON *event, *detail;
    int64_t ts;
    struct str id, event_id, requester, actor;
    struct peek_id rooms[4];
};

static bool is(struct str s, const char *word)
{
    return str_eq(s, str_of(word));
}

static void put(struct turned *out, const struct ticket *t, const char *type, int64_t ts)
{
    turned_begin(out, type, ts);
    turned_own(out, "conversation", t->id);
}

static void put_words(struct turned *out, const struct ticket *t, const char *from, struct str who)
{
    turned_own(out, "customer", t->requester);
    turned_text(out, "channel", peek_text(t->detail, "via.channel"));
    turned_text(out, "from", str_of(from));
    if (is(str_of(from), "agent")) {
        turned_agent(out, "agent", who);
    }
}

static void on_created(struct turned *out, const struct ticket *t)
{
    struct peek_id room;
    struct str submitter = peek_id(t->detail, "submitter_id", &room);
    const char *from = str_eq(submitter, t->requester) || !submitter.n ? "customer" : "agent";
    int64_t ts = peek_ms(t->detail, "created_at");
    ts = ts ? ts : t->ts;
    put(out, t, "conversation.opened", ts);
    turned_id(out, "t%.*s:opened", STR_ARG(t->id));
    turned_end(out, "the ticket was made");
    put(out, t, "message", ts);
    turned_id(out, "t%.*s:first", STR_ARG(t->id));
    put_words(out, t, from, submitter);
    turned_text(out, "text", peek_text(t->detail, "description"));
    turned_end(out, "its first words, of the %s", from);
}

static void on_comment(struct turned *out, const struct ticket *t)
{
    struct peek_id id, who;
    const cJSON *comment = peek(t->event, "comment");
    const cJSON *is_public = peek(comment, "is_public");
    struct str name = peek_id(comment, "id", &id), author = peek_id(comment, "author.id", &who);
    const char *from = !author.n ? "system" : peek_true(comment, "author.is_staff") ? "agent" : "customer";
    if (!comment || !cJSON_IsBool(is_public)) {
        turned_refuse(out, "event.comment: expected a comment with author and is_public");
        return;
    }
    put(out, t, "message", t->ts);
    turned_id(out, "k%.*s", STR_ARG(name.n ? name : t->event_id));
    put_words(out, t, from, author);
    turned_text(out, "text", peek_text(comment, "body"));
    turned_true(out, "private", cJSON_IsFalse(is_public));
    turned_end(out, "%s wrote%s", from, cJSON_IsFalse(is_public) ? " a note for colleagues" : "");
}

/* Who did it: the customer, a machine (an automation, a trigger), or an agent. */
static const char *by_whom(const struct ticket *t)
{
    if (!t->actor.n) {
        return "timeout";
    }
    return str_eq(t->actor, t->requester) ? "customer" : "agent";
}

static void on_status(struct turned *out, const struct ticket *t)
{
    struct str now = peek_text(t->event, "current"), before = peek_text(t->event, "previous");
    bool was_over = is(before, "SOLVED") || is(before, "CLOSED");
    if (is(now, "SOLVED") || (is(now, "CLOSED") && !was_over)) {
        const char *by = by_whom(t);
        put(out, t, "conversation.resolved", t->ts);
        turned_id(out, "e%.*s", STR_ARG(t->event_id));
        turned_text(out, "by", str_of(by));
        if (is(str_of(by), "agent")) {
            turned_agent(out, "agent", t->actor);
        }
        turned_end(out, "it was solved, by %s", by);
    } else if (was_over && !is(now, "CLOSED")) {
        put(out, t, "conversation.reopened", t->ts);
        turned_id(out, "e%.*s", STR_ARG(t->event_id));
        turned_end(out, "it was solved and is not any more");
    } else {
        turned_ignore(out, "status %.20s ends nothing and begins nothing", now.n ? now.p : "without a name");
    }
}

static void on_assigned(struct turned *out, const struct ticket *t)
{
    struct peek_id room;
    struct str agent = peek_id(t->event, "current", &room);
    put(out, t, "conversation.assigned", t->ts);
    turned_id(out, "e%.*s", STR_ARG(t->event_id));
    turned_agent(out, "agent", agent);
    turned_text(out, "by", agent.n && str_eq(agent, t->actor) ? STR_LIT("agent") : STR_LIT("system"));
    turned_end(out, agent.n ? "it was given to an agent" : "it was taken from everybody");
}

static const struct {
    const char *name;
    void (*take)(struct turned *out, const struct ticket *t);
} events[] = {
    {"created", on_created},
    {"comment_added", on_comment},
    {"status_changed", on_status},
    {"agent_assignment_changed", on_assigned},
};

static void read_ticket(struct ticket *t, const cJSON *payload)
{
    struct str actor;
    t->event = peek(payload, "event");
    t->detail = peek(payload, "detail");
    t->ts = peek_ms(payload, "time");
    t->id = peek_id(t->detail, "id", &t->rooms[0]);
    t->event_id = peek_id(payload, "id", &t->rooms[1]);
    t->requester = peek_id(t->detail, "requester_id", &t->rooms[2]);
    actor = peek_id(t->detail, "actor_id", &t->rooms[3]);
    t->actor = is(actor, "-1") ? (struct str){NULL, 0} : actor;
}

static void turn(const struct collector *c, const cJSON *payload, struct turned *out)
{
    struct ticket t;
    struct str type = peek_text(payload, "type");
    (void)c;
    read_ticket(&t, payload);
    bool about_ticket = type.n > sizeof(PREFIX) - 1 && type.n <= 96 && memcmp(type.p, PREFIX, sizeof(PREFIX) - 1) == 0;
    for (size_t i = 0; about_ticket && i < sizeof(events) / sizeof(events[0]); i++) {
        if (is((struct str){type.p + sizeof(PREFIX) - 1, type.n - sizeof(PREFIX) + 1}, events[i].name)) {
            if (t.id.n && t.event_id.n && t.ts) {
                events[i].take(out, &t);
            } else {
                turned_refuse(out, "payload: expected id, time and detail.id");
            }
            return;
        }
    }
    if (about_ticket) {
        turned_ignore(out, "type %.*s: nothing a figure needs", STR_ARG(type));
    } else {
        turned_refuse(out, "type: expected an event of a ticket; subscribe to events of tickets, not by a trigger");
    }
}

static void take(const struct collector *c, const struct delivery *d, const struct sign *s, struct turned *out)
{
    (void)s;
    delivery_take_json(d, c, turn, out);
}

const struct platform platform_zendesk = {
    .name = "zendesk", .title = "Zendesk", .must = SETTING_SECRET, .answer = "", .check = check, .take = take};
