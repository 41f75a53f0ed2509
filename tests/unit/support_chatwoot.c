/* Each step changes the conversation as Chatwoot does, writes the canonical event of it, and the webhooks, whose snapshots are
 * often of a moment later. */
#include "support_chatwoot.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"
#include "kefu/base/tz.h"

enum { SECOND = 1000, MINUTE = 60000, HOUR = 3600000 };
#define ACCOUNT 7

/* --- as JSON ------------------------------------------------------------------------------------------------------ */

static void put_iso(struct buf *out, const char *key, int64_t ms)
{
    char at[32];
    rfc3339_print(at, sizeof at, ms);
    buf_printf(out, "\"%s\":\"%s\",", key, at);
}

static void put_sender(struct buf *out, const struct life_message *m, bool listed)
{
    static const char *const types[] = {"contact", "user", "agent_bot"};
    static const char *const classes[] = {"\"Contact\"", "\"User\"", "\"AgentBot\"", "null"};
    if (listed)
        buf_printf(out, "\"sender_type\":%s,", classes[m->sender]);
    if (m->sender == 3)
        buf_printf(out, "\"sender\":null,");
    else if (m->sender == 0 && !listed)
        buf_printf(out, "\"sender\":{\"id\":%" PRId64 ",\"name\":\"x\"},", m->sender_id);
    else
        buf_printf(out, "\"sender\":{\"id\":%" PRId64 ",\"name\":\"x\",\"type\":\"%s\"},", m->sender_id,
                   types[m->sender]);
}

static void put_attributes(struct buf *out, const struct life_message *m)
{
    buf_printf(out, "\"content_type\":\"%s\",\"content_attributes\":{", m->type == 3 ? "input_csat" : "text");
    if (m->rating)
        buf_printf(out, "\"submitted_values\":{\"csat_survey_response\":{\"rating\":%d}}", m->rating);
    buf_printf(out, "},\"content\":\"some words\",\"private\":%s,", m->private ? "true" : "false");
}

/* As messages are listed: numbers for words and whole seconds. */
static void put_listed(struct buf *out, const struct life_message *m)
{
    buf_printf(out, "{\"id\":%" PRId64 ",\"message_type\":%d,\"created_at\":%" PRId64 ",", m->id, m->type,
               m->ts_ms / 1000);
    put_iso(out, "updated_at", m->rated_ms ? m->rated_ms : m->ts_ms);
    put_attributes(out, m);
    put_sender(out, m, true);
    buf_printf(out, "\"source_id\":null}");
}

static void put_talk_members(struct buf *out, const struct life_talk *t)
{
    const struct life_message *last = t->messages_n ? &t->messages[t->messages_n - 1] : NULL;
    buf_printf(out, "\"id\":%" PRId64 ",\"channel\":\"Channel::WebWidget\",\"status\":\"%s\",", t->id, t->status);
    buf_printf(out, "\"contact_inbox\":{\"contact_id\":%" PRId64 "},\"meta\":{\"sender\":{\"id\":%" PRId64 "},",
               t->contact, t->contact);
    if (t->assignee)
        buf_printf(out, "\"assignee\":{\"id\":%" PRId64 "}},", t->assignee);
    else
        buf_printf(out, "\"assignee\":null},");
    buf_printf(out, "\"messages\":[");
    if (last)
        put_listed(out, last);
    buf_printf(out, "],\"last_activity_at\":%" PRId64 ",\"created_at\":%" PRId64 ",\"updated_at\":%" PRId64 ".%03d,",
               (last ? last->ts_ms : t->created_ms) / 1000, t->created_ms / 1000, t->updated_ms / 1000,
               (int)(t->updated_ms % 1000));
    buf_printf(out, "\"account\":{\"id\":%d}", ACCOUNT);
}

/* --- deliveries --------------------------------------------------------------------------------------------------- */

static void add_hook(struct life *l, struct life_hook h, struct buf *body)
{
    h.body = arena_copy(&l->arena, buf_str(body));
    xgrow(&l->hooks, &l->hooks_cap, l->hooks_n + 1, sizeof *l->hooks);
    l->hooks[l->hooks_n++] = h;
    buf_fini(body);
}

static void hook_message(struct life *l, const struct life_talk *t, const struct life_message *m)
{
    static const char *const types[] = {"incoming", "outgoing", "activity", "template"};
    struct buf b = {0};
    buf_printf(&b, "{\"event\":\"%s\",\"id\":%" PRId64 ",\"message_type\":\"%s\",",
               m->rating ? "message_updated" : "message_created", m->id, types[m->type]);
    put_iso(&b, "created_at", m->ts_ms);
    put_attributes(&b, m);
    put_sender(&b, m, false);
    buf_printf(&b, "\"account\":{\"id\":%d},\"conversation\":{", ACCOUNT);
    put_talk_members(&b, t);
    buf_printf(&b, "}}");
    add_hook(l, (struct life_hook){.kind = m->rating ? LIFE_RATING : LIFE_MESSAGE, .whole = m->ts_ms % 1000 == 0}, &b);
}

static void hook_talk(struct life *l, const struct life_talk *t, const char *event, const char *change)
{
    struct buf b = {0};
    buf_printf(&b, "{\"event\":\"%s\",", event);
    put_talk_members(&b, t);
    if (!strcmp(event, "conversation_status_changed"))
        buf_printf(&b, ",\"changed_attributes\":null");
    if (change) {
        buf_printf(&b, ",\"changed_attributes\":[%s,{\"updated_at\":{", change);
        put_iso(&b, "current_value", t->updated_ms);
        b.n--;
        buf_printf(&b, "}}]");
    }
    buf_printf(&b, "}");
    add_hook(l, (struct life_hook){.kind = LIFE_STATE, .twin = !strcmp(event, "conversation_status_changed")}, &b);
}

/* What was put off goes out with the conversation as it is now. */
static void send_late(struct life *l, const struct life_talk *t)
{
    for (int i = 0; i < l->late_n; i++) {
        if (l->late[i].is_message)
            hook_message(l, t, &l->late[i].message);
        else
            hook_talk(l, t, "conversation_status_changed", NULL);
    }
    l->late_n = 0;
}

/* At once, with a snapshot of before, or one step later. */
static void send_message(struct life *l, const struct life_talk *before, const struct life_talk *t)
{
    const struct life_message *m = &t->messages[t->messages_n - 1];
    uint32_t dice = support_below(&l->random, 6);
    send_late(l, t);
    if (dice < 2)
        l->late[l->late_n++] = (struct life_late){true, *m};
    else
        hook_message(l, dice == 2 && before->messages_n ? before : t, m);
}

/* --- canonical ---------------------------------------------------------------------------------------------------- */

static void say(struct life *l, const struct life_talk *t, const char *type, int64_t ts, const char *rest)
{
    static int n;
    buf_printf(&l->canonical,
               "{\"source\":\"plain\",\"id\":\"%d\",\"type\":\"%s\",\"ts\":%" PRId64 ",\"conversation\":\"cw7:%" PRId64
               "\"%s}\n",
               ++n, type, ts, t->id, rest);
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void step_message(struct life *l, struct life_talk *t, struct life_message m)
{
    static const char *const from[] = {"customer", "agent", "bot", "system"};
    char rest[200], agent[48] = "";
    struct life_talk before = *t;
    assert(t->messages_n < 64);
    m.id = l->next_message++;
    t->messages[t->messages_n++] = m;
    t->updated_ms = m.ts_ms + 5;
    if (m.sender == 1)
        snprintf(agent, sizeof agent, ",\"agent\":\"cw7:%" PRId64 "\"", m.sender_id);
    snprintf(rest, sizeof rest, ",\"from\":\"%s\",\"customer\":\"cw7:%" PRId64 "\"%s,\"text\":\"some words\"%s",
             from[m.sender], t->contact, agent, m.private ? ",\"private\":true" : "");
    if (m.type != 3)
        say(l, t, "message", m.ts_ms, rest);
    send_message(l, &before, t);
}

static void step_status(struct life *l, struct life_talk *t, const char *status, int64_t ts)
{
    char change[120];
    bool from_bot = !strcmp(t->status, "pending");
    snprintf(change, sizeof change, "{\"status\":{\"previous_value\":\"%s\",\"current_value\":\"%s\"}}", t->status,
             status);
    t->status = status;
    t->updated_ms = ts;
    if (!strcmp(status, "resolved"))
        say(l, t, "conversation.resolved", ts, from_bot ? ",\"by\":\"bot\"" : ",\"by\":\"agent\"");
    else if (strcmp(status, "pending") != 0)
        say(l, t, from_bot ? "conversation.handoff" : "conversation.reopened", ts, "");
    send_late(l, t);
    hook_talk(l, t, "conversation_updated", change);
    if (support_below(&l->random, 3))
        hook_talk(l, t, "conversation_status_changed", NULL);
    else
        l->late[l->late_n++] = (struct life_late){.is_message = false};
}

static void step_assign(struct life *l, struct life_talk *t, int64_t agent, int64_t ts)
{
    char change[120], rest[64] = ",\"agent\":null";
    if (agent)
        snprintf(rest, sizeof rest, ",\"agent\":\"cw7:%" PRId64 "\"", agent);
    snprintf(change, sizeof change, "{\"assignee_id\":{\"previous_value\":null,\"current_value\":%s%" PRId64 "}}", "",
             agent);
    if (!agent)
        snprintf(change, sizeof change, "{\"assignee_id\":{\"previous_value\":1,\"current_value\":null}}");
    t->assignee = agent;
    t->updated_ms = ts;
    say(l, t, "conversation.assigned", ts, rest);
    send_late(l, t);
    hook_talk(l, t, "conversation_updated", change);
}

static void step_rate(struct life *l, struct life_talk *t, int score, int64_t ts)
{
    char rest[48];
    struct life_message *m = &t->messages[t->messages_n - 1];
    m->rating = score;
    m->rated_ms = ts;
    t->updated_ms = ts;
    snprintf(rest, sizeof rest, ",\"score\":%d,\"scale\":5", score);
    say(l, t, "rating", ts, rest);
    send_late(l, t);
    hook_message(l, t, m);
}

static uint32_t below(struct life *l, uint32_t n)
{
    return support_below(&l->random, n);
}

/* Half of all messages are stamped on a whole second. */
static int64_t later(struct life *l, int64_t ts, uint32_t most_ms)
{
    ts += 2 * SECOND + below(l, most_ms);
    return below(l, 2) ? ts / 1000 * 1000 : ts | 1;
}

/* What was ended opens again; with a bot in the house, sometimes for the bot, which ends it or gives it to people. */
static int64_t ask(struct life *l, struct life_talk *t, int64_t ts)
{
    bool closed = !strcmp(t->status, "resolved"), for_bot = closed && below(l, 3) == 0;
    step_message(l, t, (struct life_message){.ts_ms = ts, .sender_id = t->contact});
    if (closed)
        step_status(l, t, for_bot ? "pending" : "open", ts + 60);
    if (for_bot)
        step_status(l, t, below(l, 2) ? "open" : "resolved", ts = later(l, ts, MINUTE) + 7);
    return ts;
}

static int64_t round_of(struct life *l, struct life_talk *t, int64_t ts)
{
    int64_t agent = 31 + below(l, 3);
    ts = ask(l, t, later(l, ts, 20 * MINUTE));
    if (below(l, 3) == 0)
        step_assign(l, t, below(l, 5) ? agent : 0, ts = later(l, ts, 50 * SECOND));
    if (below(l, 6) == 0)
        step_message(
            l, t,
            (struct life_message){
                .ts_ms = ts = later(l, ts, 9 * SECOND), .type = 1, .sender = 1, .sender_id = 33, .private = true});
    if (below(l, 8) == 0)
        step_message(l, t, (struct life_message){.ts_ms = ts = later(l, ts, SECOND), .type = 1, .sender = 3});
    if (below(l, 7)) {
        int64_t who = t->assignee && below(l, 5) ? t->assignee : agent;
        step_message(
            l, t,
            (struct life_message){.ts_ms = ts = later(l, ts, 80 * SECOND), .type = 1, .sender = 1, .sender_id = who});
    }
    return ts;
}

static int64_t finish(struct life *l, struct life_talk *t, int64_t ts)
{
    ts = later(l, ts, 10 * MINUTE);
    step_status(l, t, "resolved", ts + 300);
    if (below(l, 2)) {
        step_message(l, t, (struct life_message){.ts_ms = ts += 2 * SECOND, .type = 3, .sender = 3});
        if (below(l, 2))
            step_rate(l, t, 1 + (int)below(l, 5), ts = later(l, ts, 5 * MINUTE));
    }
    return ts;
}

static int64_t bot_begins(struct life *l, struct life_talk *t, int64_t ts)
{
    ts = ask(l, t, ts + SECOND);
    step_message(l, t,
                 (struct life_message){.ts_ms = ts = later(l, ts, SECOND), .type = 1, .sender = 2, .sender_id = 2});
    step_status(l, t, below(l, 3) ? "open" : "resolved", ts = later(l, ts, MINUTE) + 7);
    return ts;
}

static void live(struct life *l, struct life_talk *t)
{
    int64_t ts = t->created_ms;
    say(l, t, "conversation.opened", ts, "");
    hook_talk(l, t, "conversation_created", NULL);
    if (!strcmp(t->status, "pending"))
        ts = bot_begins(l, t, ts);
    for (uint32_t episodes = 1 + below(l, 3); episodes > 0; episodes--) {
        for (uint32_t rounds = 1 + below(l, 4); rounds > 0; rounds--)
            ts = round_of(l, t, ts);
        if (below(l, 8))
            ts = finish(l, t, ts);
        ts += below(l, 3 * HOUR);
    }
    send_late(l, t);
    l->end_ms = ts > l->end_ms ? ts : l->end_ms;
}

void life_make(struct life *l, size_t n)
{
    l->talks = xcalloc(n, sizeof *l->talks);
    l->talks_n = n;
    l->next_message = 70001;
    l->start_ms = l->end_ms = T0;
    for (size_t i = 0; i < n; i++) {
        l->talks[i] = (struct life_talk){.id = 1500 + (int64_t)i,
                                         .contact = 9000 + (int64_t)below(l, (uint32_t)n),
                                         .status = below(l, 4) ? "open" : "pending",
                                         .created_ms = T0 + (int64_t)below(l, 2 * 24 * 3600) * 1000};
        l->talks[i].updated_ms = l->talks[i].created_ms;
        live(l, &l->talks[i]);
    }
}

void life_fini(struct life *l)
{
    arena_fini(&l->arena);
    buf_fini(&l->canonical);
    free(l->hooks);
    free(l->talks);
}

/* --- REST --------------------------------------------------------------------------------------------------------- */

static int64_t activity(const struct life_talk *t)
{
    return t->messages_n ? t->messages[t->messages_n - 1].ts_ms : t->created_ms;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = activity(*(struct life_talk *const *)a), y = activity(*(struct life_talk *const *)b);
    return (x < y) - (x > y);
}

static int answer_page(const struct life *l, int page, struct buf *body)
{
    struct life_talk **list = xcalloc(l->talks_n, sizeof *list);
    for (size_t i = 0; i < l->talks_n; i++)
        list[i] = &l->talks[i];
    qsort(list, l->talks_n, sizeof *list, newest_first);
    buf_printf(body, "{\"data\":{\"meta\":{},\"payload\":[");
    size_t from = (size_t)(page - 1) * 25;
    for (size_t i = from; i < from + 25 && i < l->talks_n; i++) {
        buf_printf(body, i > from ? ",{" : "{");
        put_talk_members(body, list[i]);
        buf_printf(body, "}");
    }
    buf_printf(body, "]}}");
    free(list);
    return 200;
}

/* Twenty at a time, the oldest first. */
static int answer_messages(const struct life_talk *t, int64_t before, struct buf *body)
{
    int end = 0;
    while (end < t->messages_n && (!before || t->messages[end].id < before))
        end++;
    buf_printf(body, "{\"meta\":{\"contact\":{\"id\":%" PRId64 "}},\"payload\":[", t->contact);
    int from = end > 20 ? end - 20 : 0;
    for (int i = from; i < end; i++) {
        buf_printf(body, i > from ? "," : "");
        put_listed(body, &t->messages[i]);
    }
    buf_printf(body, "]}");
    return 200;
}

/* The number behind a word; false: the word is not there. */
static bool number_behind(const char *text, const char *word, int64_t *out)
{
    const char *at = strstr(text, word);
    *out = at ? strtoll(at + strlen(word), NULL, 10) : 0;
    return at != NULL;
}

int life_answer(const struct life *l, struct str path, struct buf *body)
{
    static const char list[] =
        "/api/v1/accounts/7/conversations?status=all&assignee_type=all&sort_by=last_activity_at_desc&page=";
    char text[300];
    int64_t page, id, before;
    snprintf(text, sizeof text, "%.*s", STR_ARG(path));
    if (number_behind(text, list, &page))
        return answer_page(l, (int)page, body);
    number_behind(text, "?before=", &before);
    if (strstr(text, "/messages") && number_behind(text, "/api/v1/accounts/7/conversations/", &id) && id >= 1500 &&
        id < 1500 + (int64_t)l->talks_n)
        return answer_messages(&l->talks[id - 1500], before, body);
    return 404;
}
