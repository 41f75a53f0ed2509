/* Intercom's notifications: the conversation as it is, with the one part that the topic is about.
 *
 * Keeps true: a part is one message, however often it is shown; what the topic says is believed and what the conversation's own
 * state says is not, for it may be of a later moment. Texts are HTML and are read without their marks. */
#include <inttypes.h>

#include "kefu/collectors/peek.h"
#include "kefu/collectors/platforms.h"

static int check(const struct collector *c, const struct delivery *d, const struct sign *s, struct err *why)
{
    uint8_t mac[SIGN_SHA1_BYTES];
    struct str given = delivery_header(d, "X-Hub-Signature");
    if (given.n <= 5 || memcmp(given.p, "sha1=", 5) != 0) {
        return err_set(why, "X-Hub-Signature", "there is none");
    }
    sign_hmac_sha1(s, mac, c->secret, d->body);
    if (!sign_is_hex((struct str){given.p + 5, given.n - 5}, mac, sizeof(mac))) {
        return err_set(why, "X-Hub-Signature", "it does not fit the body under our secret");
    }
    return 0;
}

/* --- what an item holds ------------------------------------------------------------------------------------------- */

struct talk {
    const cJSON *item;
    const cJSON *part; /* the last one; NULL: none */
    struct str id, part_id;
    struct peek_id id_room, part_room;
    int64_t part_ms;
};

static bool is(struct str s, const char *word)
{
    return str_eq(s, str_of(word));
}

static void read_talk(struct talk *t, const cJSON *event)
{
    t->item = peek(event, "data.item");
    const cJSON *parts = peek(t->item, "conversation_parts.conversation_parts");
    t->part = cJSON_GetArrayItem(parts, cJSON_GetArraySize(parts) - 1);
    t->id = peek_id(t->item, "id", &t->id_room);
    t->part_id = peek_id(t->part, "id", &t->part_room);
    t->part_ms = peek_ms(t->part, "created_at");
}

static const char *from_of(const cJSON *message)
{
    struct str type = peek_text(message, "author.type");
    if (is(type, "admin") || is(type, "team")) {
        return "agent";
    }
    return is(type, "bot") ? "bot" : "customer";
}

static void put_message(struct turned *out, const struct talk *t, const cJSON *message, const char *mark, int64_t ts)
{
    struct peek_id room, who, customer;
    const char *from = from_of(message);
    turned_begin(out, "message", ts);
    turned_id(out, "%s%.*s", mark, STR_ARG(peek_id(message, "id", &room)));
    turned_own(out, "conversation", t->id);
    struct str user = peek_id(t->item, "user.id", &customer);
    turned_own(out, "customer", user.n ? user : peek_id(t->item, "source.author.id", &customer));
    turned_text(out, "from", str_of(from));
    if (is(str_of(from), "agent")) {
        turned_agent(out, "agent", peek_id(message, "author.id", &who));
    }
    turned_html(out, "text", peek_text(message, "body"));
    turned_true(out, "private", is(peek_text(message, "part_type"), "note"));
    turned_end(out, "%s wrote", from);
}

/* The first message stands apart from the parts. */
static void take_first(struct turned *out, const struct talk *t)
{
    struct peek_id room;
    const cJSON *first = peek(t->item, "conversation_message");
    int64_t ts = peek_ms(t->item, "created_at");
    first = first ? first : peek(t->item, "source");
    if (!ts || !peek_id(first, "id", &room).n) {
        turned_refuse(out, "item: expected created_at and the first message with its id");
        return;
    }
    turned_begin(out, "conversation.opened", ts);
    turned_id(out, "c%.*s:opened", STR_ARG(t->id));
    turned_own(out, "conversation", t->id);
    turned_end(out, "the conversation began");
    put_message(out, t, first, "m", ts);
}

static void put_state(struct turned *out, const struct talk *t, const char *type, const char *mark)
{
    turned_begin(out, type, t->part_ms);
    turned_id(out, "p%.*s:%s", STR_ARG(t->part_id), mark);
    turned_own(out, "conversation", t->id);
}

static void take_words(struct turned *out, const struct talk *t)
{
    if (peek_text(t->part, "body").n || cJSON_GetArraySize(peek(t->part, "attachments")) > 0) {
        put_message(out, t, t->part, "p", t->part_ms);
    }
}

static void take_reopened(struct turned *out, const struct talk *t)
{
    put_state(out, t, "conversation.reopened", "reopened");
    turned_end(out, "it was opened again");
}

static void take_assigned(struct turned *out, const struct talk *t)
{
    struct peek_id room, author;
    bool to_person = is(peek_text(t->part, "assigned_to.type"), "admin");
    struct str agent = to_person ? peek_id(t->part, "assigned_to.id", &room) : (struct str){NULL, 0};
    bool claims = agent.n && str_eq(agent, peek_id(t->part, "author.id", &author));
    put_state(out, t, "conversation.assigned", "assigned");
    turned_agent(out, "agent", agent);
    turned_text(out, "by", claims ? STR_LIT("agent") : STR_LIT("supervisor"));
    turned_end(out, agent.n ? claims ? "an agent took it" : "it was given to an agent" : "it was taken from everybody");
}

/* --- topics ------------------------------------------------------------------------------------------------------- */

static void on_replied(struct turned *out, const struct talk *t)
{
    if (is(peek_text(t->part, "part_type"), "open")) {
        take_reopened(out, t);
    }
    take_words(out, t);
}

static void on_assigned(struct turned *out, const struct talk *t)
{
    take_assigned(out, t);
    take_words(out, t);
}

static void on_opened(struct turned *out, const struct talk *t)
{
    take_reopened(out, t);
    if (peek(t->part, "assigned_to")) {
        take_assigned(out, t);
    }
    take_words(out, t);
}

static void on_closed(struct turned *out, const struct talk *t)
{
    struct peek_id room;
    const char *from = from_of(t->part);
    take_words(out, t);
    put_state(out, t, "conversation.resolved", "resolved");
    turned_text(out, "by", str_of(from));
    if (is(str_of(from), "agent")) {
        turned_agent(out, "agent", peek_id(t->part, "author.id", &room));
    }
    turned_end(out, "%s closed it", from);
}

static void on_rated(struct turned *out, const struct talk *t)
{
    struct peek_id room;
    const cJSON *rating = peek(t->item, "conversation_rating");
    int64_t score = peek_whole(rating, "rating", 0), ts = peek_ms(rating, "created_at");
    ts = ts ? ts : peek_ms(t->item, "updated_at");
    if (score < 1 || score > 5 || !ts) {
        turned_refuse(out, "conversation_rating: expected rating 1 to 5 and a time");
        return;
    }
    turned_begin(out, "rating", ts);
    turned_id(out, "c%.*s:rating:%" PRId64 ":%" PRId64, STR_ARG(t->id), score, ts);
    turned_own(out, "conversation", t->id);
    turned_number(out, "score", score);
    turned_number(out, "scale", 5);
    struct str agent = peek_id(rating, "teammate.id", &room);
    if (agent.n) {
        turned_agent(out, "agent", agent);
    }
    turned_end(out, "the customer rated the conversation");
}

static const struct {
    const char *topic;
    void (*take)(struct turned *out, const struct talk *t); /* NULL: nothing in it for us */
    bool of_part;
    const char *why;
} topics[] = {
    {"conversation.user.created", take_first, false, NULL},
    {"conversation.admin.single.created", take_first, false, NULL},
    {"conversation.user.replied", on_replied, true, NULL},
    {"conversation.admin.replied", on_replied, true, NULL},
    {"conversation.operator.replied", on_replied, true, NULL},
    {"conversation.admin.noted", take_words, true, NULL},
    {"conversation.admin.assigned", on_assigned, true, NULL},
    {"conversation.admin.opened", on_opened, true, NULL},
    {"conversation.admin.closed", on_closed, true, NULL},
    {"conversation.rating.added", on_rated, false, NULL},
    {"conversation.admin.snoozed", NULL, false, "a snooze ends nothing"},
    {"conversation.admin.unsnoozed", NULL, false, "a snooze ended nothing"},
    {"conversation_part.tag.created", NULL, false, "a tag; its part was told before"},
    {"ping", NULL, false, "Intercom asks whether we are there"},
};

static void turn(const struct collector *c, const cJSON *event, struct turned *out)
{
    struct talk t;
    struct str topic = peek_text(event, "topic");
    (void)c;
    read_talk(&t, event);
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        if (!is(topic, topics[i].topic)) {
            continue;
        }
        if (!topics[i].take) {
            turned_ignore(out, "topic %s: %s", topics[i].topic, topics[i].why);
        } else if (!t.id.n || (topics[i].of_part && (!t.part_id.n || !t.part_ms))) {
            turned_refuse(out, "data.item: expected the conversation's id%s",
                          topics[i].of_part ? " and a part with id and created_at" : "");
        } else {
            topics[i].take(out, &t);
        }
        return;
    }
    if (topic.n > 0 && topic.n <= 64) {
        turned_ignore(out, "topic %.*s is not known here", STR_ARG(topic));
    } else {
        turned_refuse(out, "topic: expected the name of a topic of Intercom");
    }
}

static void take(const struct collector *c, const struct delivery *d, const struct sign *s, struct turned *out)
{
    (void)s;
    delivery_take_json(d, c, turn, out);
}

const struct platform platform_intercom = {
    .name = "intercom", .title = "Intercom", .must = SETTING_SECRET, .answer = "", .check = check, .take = take};
