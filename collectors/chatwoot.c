/* Chatwoot's webhooks. They come in any order, twice, or not at all; a snapshot of the conversation comes along that may be
 * older or newer than what it is told with.
 *
 * Keeps true: what an event is called follows from what it is about (message, state and its time), never from the delivery, so
 * that a repeat is a duplicate. A state is believed where the event itself says so; from a snapshot only an end is taken, with
 * the time at which the snapshot had it, since an end told twice is one. It does not make up what Chatwoot does not tell:
 * who ended a conversation, and since when one was assigned whose assignment was lost. */
#include "kefu/collectors/chatwoot.h"

#include <inttypes.h>
#include <stdio.h>

#include "kefu/collectors/peek.h"
#include "kefu/collectors/platforms.h"

enum { INCOMING = 0, OUTGOING = 1, ACTIVITY = 2, TEMPLATE = 3, UNKNOWN = -1 };

/* --- signature ---------------------------------------------------------------------------------------------------- */

static int check(const struct collector *c, const struct delivery *d, const struct sign *s, struct err *why)
{
    uint8_t mac[SIGN_SHA256_BYTES];
    (void)s;
    if (!c->is_signed) {
        return delivery_check_key(c, d, why);
    }
    struct str stamp = delivery_header(d, "X-Chatwoot-Timestamp");
    struct str given = delivery_header(d, "X-Chatwoot-Signature");
    struct str parts[] = {stamp, STR_LIT("."), d->body};
    if (given.n <= 7 || memcmp(given.p, "sha256=", 7) != 0) {
        return err_set(why, "X-Chatwoot-Signature",
                       "there is none; Chatwoot signs since 2026, see \"signed\" for older ones");
    }
    sign_hmac_sha256(mac, c->secret, parts, 3);
    if (!sign_is_hex((struct str){given.p + 7, given.n - 7}, mac, sizeof(mac))) {
        return err_set(why, "X-Chatwoot-Signature", "it does not fit the body under our secret");
    }
    return delivery_check_stamp(d, stamp, why);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static bool is(struct str s, const char *word)
{
    return str_eq(s, str_of(word));
}

/* By name where the message is the event, by number where it is listed. */
static int message_type(const cJSON *message)
{
    static const char *const names[] = {"incoming", "outgoing", "activity", "template"};
    struct str name = peek_text(message, "message_type");
    for (int i = 0; i < 4; i++) {
        if (is(name, names[i])) {
            return i;
        }
    }
    int64_t number = peek_whole(message, "message_type", UNKNOWN);
    return number >= INCOMING && number <= TEMPLATE ? (int)number : UNKNOWN;
}

enum sender { SENDER_NONE = 0, SENDER_CONTACT, SENDER_AGENT, SENDER_BOT };

static enum sender sender_of(const cJSON *message)
{
    struct str type = peek_text(message, "sender.type");
    type = type.n ? type : peek_text(message, "sender_type");
    if (is(type, "user") || is(type, "User")) {
        return SENDER_AGENT;
    }
    if (is(type, "agent_bot") || is(type, "AgentBot") || is(type, "captain_assistant") ||
        is(type, "Captain::Assistant")) {
        return SENDER_BOT;
    }
    /* A contact comes without a type. */
    return type.n || peek(message, "sender.id") ? SENDER_CONTACT : SENDER_NONE;
}

/* "Channel::WebWidget" is webwidget. */
static struct str channel_of(const cJSON *conversation, char room[64])
{
    struct str whole = peek_text(conversation, "channel");
    size_t at = whole.n > 9 && memcmp(whole.p, "Channel::", 9) == 0 ? 9 : 0, n = 0;
    for (; at < whole.n && n < 63; at++, n++) {
        room[n] = (char)(whole.p[at] >= 'A' && whole.p[at] <= 'Z' ? whole.p[at] + ('a' - 'A') : whole.p[at]);
    }
    return (struct str){room, n};
}

static struct str customer_of(const cJSON *conversation, struct peek_id *room)
{
    struct str id = peek_id(conversation, "contact_inbox.contact_id", room);
    id = id.n ? id : peek_id(conversation, "contact_id", room);
    id = id.n ? id : peek_id(conversation, "contact.id", room);
    return id.n ? id : peek_id(conversation, "meta.sender.id", room);
}

static void put_customer(struct turned *out, const cJSON *conversation)
{
    struct peek_id room;
    char channel[64];
    turned_own(out, "customer", customer_of(conversation, &room));
    turned_text(out, "channel", channel_of(conversation, channel));
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static const char *from_of(const cJSON *message, int type, const char **why)
{
    enum sender sender = sender_of(message);
    if (sender == SENDER_BOT) {
        *why = "a bot wrote";
        return "bot";
    }
    if (type == INCOMING) {
        *why = "the customer wrote";
        return "customer";
    }
    if (sender == SENDER_AGENT) {
        *why = "an agent wrote";
        return "agent";
    }
    *why = "sent by no person (automation, campaign, API): the platform's own words";
    return "system";
}

static void put_message(struct turned *out, const cJSON *message, int type)
{
    struct peek_id id, sender;
    const char *why;
    const char *from = from_of(message, type, &why);
    turned_id(out, "m%.*s", STR_ARG(peek_id(message, "id", &id)));
    turned_text(out, "from", str_of(from));
    if (strcmp(from, "agent") == 0) {
        struct str who = peek_id(message, "sender.id", &sender);
        turned_agent(out, "agent", who.n ? who : peek_id(message, "sender_id", &sender));
    }
    turned_text(out, "text", peek_text(message, "content"));
    turned_true(out, "private", peek_true(message, "private"));
    turned_true(out, "auto", peek(message, "content_attributes.automation_rule_id") != NULL);
    turned_end(out, "%s%s", why, peek_true(message, "private") ? " a note for colleagues" : "");
}

bool chatwoot_is_survey(const cJSON *message)
{
    return is(peek_text(message, "content_type"), "input_csat");
}

void chatwoot_message(struct turned *out, const cJSON *message, struct str conversation_id, const cJSON *conversation)
{
    struct peek_id room;
    int type = message_type(message);
    int64_t ts = peek_ms(message, "created_at");
    if (chatwoot_is_survey(message)) {
        turned_ignore(out, "the question for a rating, not yet an answer");
    } else if (type == ACTIVITY || type == TEMPLATE) {
        turned_ignore(out, "message_type %s: the platform's own words", type == ACTIVITY ? "activity" : "template");
    } else if (peek_true(message, "content_attributes.deleted")) {
        turned_ignore(out, "a message that was deleted; what it was is counted already");
    } else if (type == UNKNOWN) {
        turned_refuse(out, "message_type: expected incoming, outgoing, activity or template");
    } else if (!ts || !peek_id(message, "id", &room).n || !conversation_id.n) {
        turned_refuse(out, "message: expected id, created_at and the id of its conversation");
    } else {
        turned_begin(out, "message", ts);
        turned_own(out, "conversation", conversation_id);
        put_customer(out, conversation);
        put_message(out, message, type);
    }
}

/* A rating's own time: when the survey's message was changed, if the snapshot has it, else when the snapshot was. */
static int64_t rated_ms(const cJSON *message, const cJSON *conversation)
{
    struct peek_id mine, other;
    struct str id = peek_id(message, "id", &mine);
    int64_t asked_ms = peek_ms(message, "created_at");
    const cJSON *listed = NULL;
    cJSON_ArrayForEach(listed, peek(conversation, "messages"))
    {
        int64_t at_ms = peek_ms(listed, "updated_at");
        if (at_ms >= asked_ms && str_eq(peek_id(listed, "id", &other), id)) {
            return at_ms;
        }
    }
    int64_t at_ms = peek_ms(conversation, "updated_at");
    return at_ms >= asked_ms ? at_ms : asked_ms;
}

/* True: the message carries a rating. */
static bool take_rating(struct turned *out, const cJSON *message, struct str conversation_id, const cJSON *conversation)
{
    struct peek_id room;
    const cJSON *response = peek(message, "content_attributes.submitted_values.csat_survey_response");
    int64_t score = peek_whole(response, "rating", 0), ts = rated_ms(message, conversation);
    if (!response) {
        return false;
    }
    if (score < 1 || score > 5 || !ts) {
        turned_refuse(out, "csat_survey_response.rating: expected 1 to 5, and a time");
        return true;
    }
    turned_begin(out, "rating", ts);
    turned_id(out, "m%.*s:rating:%" PRId64, STR_ARG(peek_id(message, "id", &room)), score);
    turned_own(out, "conversation", conversation_id);
    turned_number(out, "score", score);
    turned_number(out, "scale", 5);
    turned_end(out, "the customer answered the survey");
    return true;
}

void chatwoot_asked_message(struct turned *out, const cJSON *message, struct str conversation_id, const cJSON *meta)
{
    if (!take_rating(out, message, conversation_id, NULL)) {
        chatwoot_message(out, message, conversation_id, meta);
    }
}

/* --- states ------------------------------------------------------------------------------------------------------- */

/* What changed, as Chatwoot lists it: [{"status": {"previous_value", "current_value"}}], or [{"attribute": "status", …}]. */
static const cJSON *change_of(const cJSON *event, const char *what)
{
    const cJSON *change = NULL, *list = peek(event, "changed_attributes");
    cJSON_ArrayForEach(change, list)
    {
        const cJSON *inside = peek(change, what);
        if (inside || is(peek_text(change, "attribute"), what)) {
            return inside ? inside : change;
        }
    }
    return NULL;
}

/* When what the event tells came about; 0: it does not say. */
static int64_t changed_ms(const cJSON *event)
{
    int64_t ms = peek_ms(change_of(event, "updated_at"), "current_value");
    ms = ms ? ms : peek_ms(event, "updated_at");
    return ms ? ms : peek_ms(event, "timestamp");
}

/* Did the customer write in the second of the snapshot? Then it may be one of the moment before Chatwoot opens it again. */
static bool just_written(const cJSON *conversation, int64_t ts)
{
    const cJSON *list = peek(conversation, "messages");
    const cJSON *last = cJSON_GetArrayItem(list, cJSON_GetArraySize(list) - 1);
    return last && message_type(last) == INCOMING && peek_ms(last, "created_at") / 1000 >= ts / 1000 - 1;
}

static void put_state_as(struct turned *out, const char *type, const char *word, struct str conversation_id, int64_t ts)
{
    turned_begin(out, type, ts);
    turned_id(out, "c%.*s:%s:%" PRId64, STR_ARG(conversation_id), word, ts);
    turned_own(out, "conversation", conversation_id);
}

static void put_state(struct turned *out, const char *type, struct str conversation_id, int64_t ts)
{
    put_state_as(out, type, strchr(type, '.') + 1, conversation_id, ts);
}

/* One end is told twice, and only conversation_updated knows that it was the bot's. Were both one event, who comes first would
 * decide whose end it is; so the bot's has an id of its own, which sorts before the other's ('-' before ':'), and the second end
 * of an episode changes nothing. */
static void put_bots_end(struct turned *out, struct str conversation_id, int64_t ts)
{
    put_state_as(out, "conversation.resolved", "resolved-bot", conversation_id, ts);
    turned_text(out, "by", STR_LIT("bot"));
    turned_end(out, "the bot ended it");
}

static void take_status(struct turned *out, struct str id, struct str now, struct str before, int64_t ts)
{
    bool from_bot = is(before, "pending");
    if (is(now, "resolved") && from_bot) {
        put_bots_end(out, id, ts);
    } else if (is(now, "resolved")) {
        put_state(out, "conversation.resolved", id, ts);
        turned_text(out, "by", STR_LIT("agent"));
        turned_end(out, "it was ended; Chatwoot does not tell by whom");
    } else if (is(now, "open") && from_bot) {
        put_state(out, "conversation.handoff", id, ts);
        turned_end(out, "from pending to open: the bot gave it to people");
    } else if (is(now, "open")) {
        put_state(out, "conversation.reopened", id, ts);
        turned_end(out, "it is open (again)");
    } else if (is(now, "pending") || is(now, "snoozed")) {
        turned_ignore(out, "status %.*s ends nothing and begins nothing", STR_ARG(now));
    } else {
        turned_refuse(out, "status: expected open, resolved, pending or snoozed");
    }
}

static void take_assignee(struct turned *out, struct str id, struct str agent, int64_t ts)
{
    put_state(out, "conversation.assigned", id, ts);
    turned_agent(out, "agent", agent);
    turned_end(out, agent.n ? "it was given to an agent" : "it was taken from everybody");
}

void chatwoot_opened(struct turned *out, const cJSON *conversation, struct str conversation_id)
{
    int64_t ts = peek_ms(conversation, "created_at");
    if (!ts) {
        turned_refuse(out, "created_at: expected the time at which the conversation began");
        return;
    }
    turned_begin(out, "conversation.opened", ts);
    turned_id(out, "c%.*s:opened", STR_ARG(conversation_id));
    turned_own(out, "conversation", conversation_id);
    put_customer(out, conversation);
    turned_end(out, "the conversation began");
}

void chatwoot_ended(struct turned *out, const cJSON *conversation, struct str conversation_id)
{
    int64_t ts = peek_ms(conversation, "updated_at");
    if (ts && is(peek_text(conversation, "status"), "resolved") && !just_written(conversation, ts)) {
        put_state(out, "conversation.resolved", conversation_id, ts);
        turned_text(out, "by", STR_LIT("agent"));
        turned_end(out, "the snapshot shows it ended");
    }
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void on_message(const cJSON *event, struct turned *out)
{
    struct peek_id room;
    const cJSON *conversation = peek(event, "conversation");
    struct str id = peek_id(conversation, "id", &room);
    id = id.n ? id : peek_id(event, "conversation_id", &room);
    if (id.n && take_rating(out, event, id, conversation)) {
        return;
    }
    chatwoot_message(out, event, id, conversation);
    if (id.n && message_type(event) != INCOMING) {
        chatwoot_ended(out, conversation, id);
    }
}

static void on_created(const cJSON *event, struct turned *out)
{
    struct peek_id room, agent;
    struct str id = peek_id(event, "id", &room), who = peek_id(event, "meta.assignee.id", &agent);
    int64_t ts = changed_ms(event);
    chatwoot_opened(out, event, id);
    if (who.n && ts) {
        take_assignee(out, id, who, ts);
    }
}

static void on_status(const cJSON *event, struct turned *out, struct str now, bool is_old_name)
{
    struct peek_id room;
    int64_t ts = changed_ms(event);
    if (!ts) {
        turned_refuse(out, "updated_at: expected the time of the change");
        return;
    }
    const cJSON *change = change_of(event, "status");
    if (!change && !is_old_name && is(now, "resolved") && just_written(event, ts)) {
        turned_ignore(out, "the customer has just written: it may be about to open again");
        return;
    }
    take_status(out, peek_id(event, "id", &room), now, peek_text(change, "previous_value"), ts);
}

static void on_status_changed(const cJSON *event, struct turned *out)
{
    on_status(event, out, peek_text(event, "status"), false);
}

/* The old names: the event is believed, its snapshot is known to lag. */
static void on_resolved(const cJSON *event, struct turned *out)
{
    on_status(event, out, STR_LIT("resolved"), true);
}

static void on_opened(const cJSON *event, struct turned *out)
{
    on_status(event, out, STR_LIT("open"), true);
}

static void on_updated(const cJSON *event, struct turned *out)
{
    struct peek_id room, agent;
    struct str id = peek_id(event, "id", &room);
    const cJSON *assignee = change_of(event, "assignee_id"), *status = change_of(event, "status");
    int64_t ts = changed_ms(event);
    size_t before_n = out->n;
    if (ts && assignee) {
        take_assignee(out, id, peek_id(assignee, "current_value", &agent), ts);
    }
    if (ts && status) {
        take_status(out, id, peek_text(status, "current_value"), peek_text(status, "previous_value"), ts);
    } else {
        chatwoot_ended(out, event, id);
    }
    if (out->n == before_n) {
        turned_ignore(out, "nothing changed that a figure needs");
    }
}

static const struct {
    const char *name;
    void (*take)(const cJSON *event, struct turned *out); /* NULL: there is nothing in it for us */
    bool of_conversation;                                 /* its id is the conversation's */
} events[] = {
    {"message_created", on_message, false},
    {"message_updated", on_message, false},
    {"conversation_created", on_created, true},
    {"conversation_updated", on_updated, true},
    {"conversation_status_changed", on_status_changed, true},
    {"conversation_resolved", on_resolved, true},
    {"conversation_opened", on_opened, true},
    {"contact_created", NULL, false},
    {"contact_updated", NULL, false},
    {"webwidget_triggered", NULL, false},
    {"conversation_typing_on", NULL, false},
    {"conversation_typing_off", NULL, false},
    {"inbox_created", NULL, false},
    {"inbox_updated", NULL, false},
};

static bool is_other_account(const struct collector *c, const cJSON *event)
{
    struct peek_id room;
    struct str account = peek_id(event, "account.id", &room);
    return c->account.n && account.n && !str_eq(c->account, account);
}

static void turn(const struct collector *c, const cJSON *event, struct turned *out)
{
    struct peek_id room;
    struct str name = peek_text(event, "event");
    if (is_other_account(c, event)) {
        turned_refuse(out, "account.id: this is another account than the collector's; give each account its own");
        return;
    }
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (!is(name, events[i].name)) {
            continue;
        }
        if (!events[i].take) {
            turned_ignore(out, "event %s: nothing a figure needs", events[i].name);
        } else if (events[i].of_conversation && !peek_id(event, "id", &room).n) {
            turned_refuse(out, "id: expected the conversation's");
        } else {
            events[i].take(event, out);
        }
        return;
    }
    if (name.n > 0 && name.n <= 64) {
        turned_ignore(out, "event %.*s is not known here", STR_ARG(name));
    } else {
        turned_refuse(out, "event: expected the name of a webhook of Chatwoot");
    }
}

static void take(const struct collector *c, const struct delivery *d, const struct sign *s, struct turned *out)
{
    (void)s;
    delivery_take_json(d, c, turn, out);
}

const struct platform platform_chatwoot = {
    .name = "chatwoot",
    .title = "Chatwoot",
    .must = SETTING_SECRET,
    .may = SETTING_SIGNED | SETTING_ACCOUNT | SETTING_URL | SETTING_TOKEN | SETTING_EVERY | SETTING_PRIVATE,
    .ask_every_s = 600,
    .answer = "",
    .check = check,
    .take = take,
    .puller = &puller_chatwoot,
};
