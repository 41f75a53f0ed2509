/* Who is told, when, and of what together.
 *
 * Keeps true: what channels have not been told stays marked in the alert's memory until the commit that holds the message,
 * so that no crash between loses it; one message of a rule for a team at a time. What is muted waits, and is dropped if it
 * ends meanwhile. */
#include "kefu/daemon/alert_inside.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/mem.h"
#include "kefu/publish/alert_text.h"

#define GATHER_MS   300   /* the first of a group waits for company */
#define PAUSE_MS    30000 /* between two messages of a group */
#define CRITICAL_MS 5000  /* the same for critical ones */

/* --- the stream --------------------------------------------------------------------------------------------------- */

static struct str print(struct judgement *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct str print(struct judgement *g, const char *format, ...)
{
    char room[64];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(room, sizeof(room), format, args);
    va_end(args);
    return arena_copy(&g->arena, (struct str){room, (size_t)n});
}

static struct str printed_value(struct judgement *g, int64_t micro)
{
    struct buf b = {0};
    alert_put_decimal(&b, micro, 3);
    struct str s = arena_copy(&g->arena, buf_str(&b));
    buf_fini(&b);
    return s;
}

static void pair(struct effect *f, const char *field, struct str value)
{
    if (value.n) {
        effect_pair(f, field, value);
    }
}

struct effect *alert_effect(const struct turn *t, const struct alert *x, const char *state)
{
    static const char *const fields[] = {"", "agent", "team", "source", "channel"};
    struct judgement *g = t->g;
    const struct alert_rule *r = x->rule;
    struct effect *f =
        judge_effect(t->j, g, &(struct effect){.kind = EFFECT_ALERT, .stream = STR_LIT("alerts")}, t->now_ms);
    uint64_t number = str_eq(str_of(state), STR_LIT("firing")) ? f->number : x->work.number;
    pair(f, "alert", print(g, "%" PRIu64, number));
    pair(f, "state", str_of(state));
    pair(f, "rule", (struct str){x->name, x->rule_n});
    pair(f, "severity", r ? alert_severity_name(r->severity) : (struct str){NULL, 0});
    if (x->subject.of != OF_SITE) {
        pair(f, fields[x->subject.of], x->subject.id);
    }
    if (x->subject.of == OF_AGENT) {
        pair(f, "team", arena_copy(&g->arena, alert_team_of(t->a, &x->subject)));
    }
    pair(f, "value", printed_value(g, x->work.value_micro));
    pair(f, "since", print(g, "%" PRId64, x->work.since_ms));
    pair(f, "at", print(g, "%" PRId64, t->now_ms));
    pair(f, "by", arena_copy(&g->arena, str_of(x->acked_by)));
    pair(f, "muted", x->rule ? alert_muted(t->a, x, t->now_ms) : (struct str){NULL, 0});
    return f;
}

/* --- muting ------------------------------------------------------------------------------------------------------- */

/* A source that cannot be asked and never sent anything hides nothing of what others send. */
static bool is_trouble(const struct alerts *a, const struct alert *x, int64_t now_ms)
{
    int64_t last_ms;
    bool own = x->rule && alert_is(x->rule, TRAIT_OWN) && alert_is_raised(x);
    return own && (x->subject.of != OF_SOURCE || alert_source_last(a, x->rule, x->subject.id, now_ms, &last_ms));
}

static bool is_in_trouble(const struct alerts *a, int64_t now_ms)
{
    bool trouble = a->own.full;
    for (size_t i = 0; i < a->n && !trouble; i++) {
        trouble = is_trouble(a, a->list[i], now_ms);
    }
    return trouble;
}

static bool is_silenced(const struct alerts *a, const struct alert *x, int64_t now_ms)
{
    struct str agent = x->subject.of == OF_AGENT ? x->subject.id : (struct str){NULL, 0};
    for (size_t i = 0; i < a->silences_n; i++) {
        const struct alert_silence *s = &a->silences[i]->s;
        bool rule = str_eq(s->rule, STR_LIT("*")) || str_eq(s->rule, x->rule->name);
        bool whom =
            (!s->agent.n || str_eq(s->agent, agent)) && (!s->team.n || str_eq(s->team, alert_team_of(a, &x->subject)));
        if (rule && whom && s->until_ms > now_ms) {
            return true;
        }
    }
    return false;
}

static bool is_quiet(const struct alerts *a, const struct alert_rule *r, int64_t now_ms)
{
    if (!r->quiet || r->severity == SEVERITY_CRITICAL || !site_has_hours(a->o.site)) {
        return false;
    }
    int64_t open_ms = site_next_open(a->o.site, now_ms);
    return open_ms > now_ms && open_ms != INT64_MAX;
}

struct str alert_muted(const struct alerts *a, const struct alert *x, int64_t now_ms)
{
    bool of_people = x->subject.of == OF_AGENT || x->subject.of == OF_TEAM;
    if (is_silenced(a, x, now_ms)) {
        return STR_LIT("silenced");
    }
    if (of_people && a->trouble) {
        return STR_LIT("own trouble");
    }
    return is_quiet(a, x->rule, now_ms) ? STR_LIT("quiet hours") : (struct str){NULL, 0};
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

static struct group *group_of(struct alerts *a, const struct alert *x)
{
    bool own = x->rule->hears == HEARS_AGENT && x->subject.of == OF_AGENT;
    uint32_t agent = own ? x->subject.agent : 0, team = intern_put(&a->teams, alert_team_of(a, &x->subject));
    for (size_t i = 0; i < a->groups_n; i++) {
        struct group *g = &a->groups[i];
        if (g->rule == x->rule && g->team == team && g->agent == agent) {
            return g;
        }
    }
    xgrow(&a->groups, &a->groups_cap, a->groups_n + 1, sizeof(*a->groups));
    a->groups[a->groups_n] = (struct group){x->rule, team, agent, INT64_MAX, 0, false};
    return &a->groups[a->groups_n++];
}

static int64_t group_due(const struct group *g, int64_t now_ms)
{
    int64_t pause_ms = g->rule->severity == SEVERITY_CRITICAL ? CRITICAL_MS : PAUSE_MS;
    int64_t gathered_ms = g->first_ms + GATHER_MS;
    int64_t rested_ms = g->last_ms <= now_ms ? g->last_ms + pause_ms : 0; /* a clock that went back holds nothing */
    return gathered_ms > rested_ms ? gathered_ms : rested_ms;
}

static bool is_to_be_told(const struct turn *t, const struct alert *x)
{
    return x->rule && x->work.untold && !alert_muted(t->a, x, t->now_ms).n;
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static struct str agent_of(const struct alert *x)
{
    return x->subject.of == OF_AGENT ? x->subject.id : (struct str){NULL, 0};
}

static struct alert_item item_of(const struct alert *x)
{
    enum alert_told_as as = x->work.untold & UNTOLD_RESOLVED ? TOLD_RESOLVED
                            : x->work.untold & UNTOLD_AGAIN  ? TOLD_AGAIN
                                                             : TOLD_RAISED;
    return (struct alert_item){x->subject.id, as, as == TOLD_RAISED ? x->work.value_micro : x->value_micro,
                               x->work.number};
}

struct items {
    struct alert_item *list; /* owned */
    size_t n, cap;
};

static void gather(const struct turn *t, const struct group *g, const struct channel *c, struct items *out)
{
    for (size_t i = 0; i < t->a->n; i++) {
        const struct alert *x = t->a->list[i];
        if (!is_to_be_told(t, x) || group_of(t->a, x) != g ||
            !channel_hears(c, x->rule, agent_of(x), alert_team_of(t->a, &x->subject))) {
            continue;
        }
        xgrow(&out->list, &out->cap, out->n + 1, sizeof(*out->list));
        out->list[out->n++] = item_of(x);
    }
}

static struct str printed(const struct turn *t, void (*put)(struct buf *, const struct alert_notice *),
                          const struct alert_notice *a)
{
    struct buf b = {0};
    put(&b, a);
    struct str s = arena_copy(&t->g->arena, buf_str(&b));
    buf_fini(&b);
    return s;
}

static void send(const struct turn *t, const struct group *g, const struct channel *c, const struct items *items)
{
    struct str team = g->agent ? (struct str){NULL, 0} : intern_name(&t->a->teams, g->team);
    struct alert_notice n = {g->rule, team, items->list, items->n, c->english};
    struct str stream = arena_copy(&t->g->arena, c->stream); /* the list may be another when the commit is back */
    struct effect *f = judge_effect(t->j, t->g, &(struct effect){.kind = EFFECT_NOTICE, .stream = stream}, t->now_ms);
    pair(f, "title", printed(t, alert_title, &n));
    pair(f, "text", printed(t, alert_text, &n));
    pair(f, "severity", alert_severity_name(g->rule->severity));
    pair(f, "rule", g->rule->name);
    pair(f, "team", arena_copy(&t->g->arena, team));
    pair(f, "alerts", printed(t, alert_items_json, &n));
    pair(f, "at", print(t->g, "%" PRId64, t->now_ms));
}

static void tell_group(const struct turn *t, const struct group *g)
{
    const struct channels *all = t->a->o.channels;
    for (size_t i = 0; all && i < all->n; i++) {
        struct items items = {0};
        gather(t, g, &all->list[i], &items);
        if (items.n) {
            send(t, g, &all->list[i], &items);
        }
        free(items.list);
    }
}

/* Notes since when each group has something to tell. */
static void note_groups(const struct turn *t)
{
    for (size_t i = 0; i < t->a->groups_n; i++) {
        t->a->groups[i].flush = false;
    }
    for (size_t i = 0; i < t->a->n; i++) {
        const struct alert *x = t->a->list[i];
        if (!is_to_be_told(t, x)) {
            bool muted = x->rule && x->work.untold;
            int64_t again_ms = t->now_ms + ALERT_TICK_MS;
            t->a->tell_ms = muted && again_ms < t->a->tell_ms ? again_ms : t->a->tell_ms;
            continue;
        }
        struct group *g = group_of(t->a, x);
        g->first_ms = g->first_ms > t->now_ms ? t->now_ms : g->first_ms;
        int64_t due_ms = group_due(g, t->now_ms);
        g->flush = due_ms <= t->now_ms;
        t->a->tell_ms = !g->flush && due_ms < t->a->tell_ms ? due_ms : t->a->tell_ms;
    }
}

void alert_tell(const struct turn *t)
{
    struct alerts *a = t->a;
    a->tell_ms = INT64_MAX;
    a->trouble = is_in_trouble(a, t->now_ms);
    note_groups(t);
    for (size_t i = 0; i < a->groups_n; i++) {
        if (a->groups[i].flush) {
            tell_group(t, &a->groups[i]);
        }
    }
    for (size_t i = 0; i < a->n; i++) {
        struct alert *x = a->list[i];
        if (is_to_be_told(t, x) && group_of(a, x)->flush) {
            alert_told(&x->work, t->now_ms);
            x->changed = true;
        }
    }
    for (size_t i = 0; i < a->groups_n; i++) {
        struct group *g = &a->groups[i];
        if (g->flush) {
            g->first_ms = INT64_MAX;
            g->last_ms = t->now_ms;
        }
    }
}
