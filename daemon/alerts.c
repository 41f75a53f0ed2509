/* Turns of the alerts, and what is remembered of each.
 *
 * Keeps true: what is durable is what the store holds; a step counts only once its judgement is. Names of subjects, not
 * numbers, are kept, so that a restart finds each alert again. What is looked at: agents when they change (waits, ratings),
 * waits when they reach a limit, all else each few seconds, months each minute. */
#include "kefu/daemon/alert_inside.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

struct alerts *alerts_new(const struct alerts_options *o)
{
    struct alerts *a = xcalloc(1, sizeof(*a));
    a->o = *o;
    a->tick_ms = a->slow_ms = INT64_MIN;
    a->tell_ms = INT64_MIN;
    intern_init(&a->teams, 1);
    return a;
}

/* Forgets the first acts. */
static void free_acts(struct alerts *a, size_t n)
{
    if (n == 0) {
        return;
    }
    struct act **gone = xcalloc(n, sizeof(struct act *)); /* who is told may act again */
    for (size_t i = 0; i < n; i++) {
        gone[i] = a->acts[i];
    }
    a->acts_n -= n;
    a->acts_done_n = 0;
    memmove(a->acts, a->acts + n, a->acts_n * sizeof(struct act *));
    for (size_t i = 0; i < n; i++) {
        if (gone[i]->settled) {
            gone[i]->settled(gone[i]->arg);
        }
        arena_fini(&gone[i]->arena);
        free(gone[i]);
    }
    free(gone);
}

void alerts_free(struct alerts *a)
{
    if (!a) {
        return;
    }
    for (size_t i = 0; i < a->n; i++) {
        free(a->list[i]->name);
        free(a->list[i]->acked_by);
        free(a->list[i]);
    }
    for (size_t i = 0; i < a->silences_n; i++) {
        arena_fini(&a->silences[i]->arena);
        free(a->silences[i]);
    }
    free_acts(a, a->acts_n);
    free(a->acts);
    free(a->silences);
    free(a->list);
    free(a->marked);
    free(a->is_marked);
    free(a->groups);
    table_fini(&a->by_name);
    heap_fini(&a->heap);
    intern_fini(&a->teams);
    free(a);
}

bool alert_is_raised(const struct alert *x)
{
    return x->work.state == STATE_FIRING || x->work.state == STATE_ACKED;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static void queue(struct alerts *a, struct alert *x, int64_t at_ms)
{
    x->look_ms = at_ms;
    if (at_ms < x->queued_ms) {
        x->queued_ms = at_ms;
        heap_push(&a->heap, at_ms, (uint32_t)alert_place(a, x));
    }
}

static void apply(const struct turn *t, struct alert *x, const struct alert_outcome *o)
{
    if (o->change == CHANGE_RAISED) {
        free(x->acked_by);
        x->acked_by = NULL;
        x->work.number = alert_effect(t, x, "firing")->number;
        t->a->fresh.raised_n++;
    } else if (o->change == CHANGE_RESOLVED) {
        alert_effect(t, x, "resolved");
        t->a->fresh.resolved_n++;
    }
    if (o->remember) {
        x->changed = true;
    }
    if (x->work.untold) {
        t->a->tell_ms = INT64_MIN;
    }
}

static void step(const struct turn *t, struct alert *x, const struct alert_seen *seen, bool remember)
{
    struct alert_outcome o = alert_step(&x->work, x->rule, seen, t->now_ms);
    o.remember |= remember;
    if (seen->known || seen->happened) {
        x->value_micro = seen->value_micro;
    }
    bool quiet = x->work.state == STATE_NONE && x->rule->kind == ALERT_WAIT;
    int64_t reaches_ms = quiet ? alert_wait_reaches(t, x) : INT64_MAX;
    int64_t look_ms = o.look_again_ms < reaches_ms ? o.look_again_ms : reaches_ms;
    if (!x->name && !o.remember && look_ms == INT64_MAX) {
        return; /* nothing to be kept of it */
    }
    if (!x->name) {
        char room[ALERT_NAME_MAX];
        x = alert_add(t->a, alert_name(room, x->rule->name, &x->subject), x);
    }
    apply(t, x, &o);
    queue(t->a, x, look_ms);
}

static void look(const struct turn *t, const struct alert_rule *r, const struct subject *s)
{
    char room[ALERT_NAME_MAX];
    struct alert nothing = {.rule = r, .subject = *s, .look_ms = INT64_MAX, .queued_ms = INT64_MAX};
    struct alert_seen seen = {0};
    bool remember = false;
    struct alert *x = alert_find(t->a, alert_name(room, r->name, s));
    x = x ? x : &nothing;
    alert_look(t, x, &seen, &remember);
    step(t, x, &seen, remember);
}

/* Waits and ratings: looked at when the agent changes and by deadline, and while they are on. */
static bool is_at_once(const struct alert_rule *r)
{
    return r->kind == ALERT_WAIT || r->kind == ALERT_RATING;
}

static bool is_slow(const struct alert_rule *r)
{
    return alert_is(r, TRAIT_PRIVATE) && !alert_is(r, TRAIT_EVENT);
}

static void look_at_agents(const struct turn *t, const struct alert_rule *r)
{
    const struct site *s = t->a->o.site;
    for (uint32_t agent = 1; agent <= site_agents_n(s); agent++) {
        look(t, r, &(struct subject){OF_AGENT, agent, site_agent_id(s, agent)});
    }
}

static void look_at_site(const struct turn *t, const struct alert_rule *r)
{
    const struct alerts_options *o = &t->a->o;
    for (size_t i = 0; r->kind == ALERT_SOURCE_SILENT && o->sources && i < sources_n(o->sources); i++) {
        look(t, r, &(struct subject){.of = OF_SOURCE, .id = sources_at(o->sources, i).source});
    }
    bool of_sources = r->kind == ALERT_SOURCE_SILENT || r->kind == ALERT_SOURCE_LOST;
    for (size_t i = 0; of_sources && i < t->a->own.feeds_n; i++) {
        struct alerts_feed f;
        t->a->own.feed(o->own_arg, i, &f);
        look(t, r, &(struct subject){.of = OF_SOURCE, .id = f.name});
    }
    for (size_t i = 0; r->kind == ALERT_CHANNEL && o->channels && i < o->channels->n; i++) {
        look(t, r, &(struct subject){.of = OF_CHANNEL, .id = o->channels->list[i].name});
    }
    if (!of_sources && r->kind != ALERT_CHANNEL) {
        look(t, r, &(struct subject){.of = OF_SITE});
    }
}

/* All rules of one pace. */
static void look_at_all(const struct turn *t, bool slow)
{
    for (size_t i = 0; i < t->a->rulebook->alerts_n; i++) {
        const struct alert_rule *r = &t->a->rulebook->alerts[i];
        if (is_slow(r) != slow || is_at_once(r) || r->kind == ALERT_TIER_UP || r->kind == ALERT_TIER_DOWN) {
            continue;
        }
        if (r->scope == SCOPE_AGENT) {
            look_at_agents(t, r);
        } else if (r->scope == SCOPE_SITE) {
            look_at_site(t, r);
        }
        for (uint32_t team = 1; r->scope == SCOPE_TEAM && team <= intern_count(&t->a->teams); team++) {
            look(t, r, &(struct subject){.of = OF_TEAM, .id = intern_name(&t->a->teams, team)});
        }
    }
}

/* A wait ends for alerts also when the customer has gone, which is nobody's deadline. */
static void look_at_those_on(const struct turn *t)
{
    for (size_t i = 0; i < t->a->n; i++) {
        const struct alert *x = t->a->list[i];
        if (x->rule && is_at_once(x->rule) && x->work.state != STATE_NONE) {
            look(t, x->rule, &x->subject);
        }
    }
}

static void learn_teams(struct alerts *a)
{
    for (uint32_t agent = 1; agent <= site_agents_n(a->o.site); agent++) {
        struct agent_now now;
        site_agent_now(a->o.site, agent, &now);
        intern_put(&a->teams, now.team);
    }
}

/* What must not wait for the next tick: waits and ratings of those who changed. */
static void look_at_marked(const struct turn *t)
{
    struct alerts *a = t->a;
    for (size_t i = 0; i < a->marked_n; i++) {
        uint32_t agent = a->marked[i];
        a->is_marked[agent] = false;
        for (size_t k = 0; k < a->rulebook->alerts_n; k++) {
            const struct alert_rule *r = &a->rulebook->alerts[k];
            bool at_once = is_at_once(r);
            if (at_once && agent && r->scope == SCOPE_AGENT) {
                look(t, r, &(struct subject){OF_AGENT, agent, site_agent_id(a->o.site, agent)});
            } else if (at_once && !agent && r->scope == SCOPE_SITE) {
                look(t, r, &(struct subject){.of = OF_SITE});
            }
        }
    }
    a->marked_n = 0;
}

static void look_at_due(const struct turn *t)
{
    struct alerts *a = t->a;
    struct heap_entry top;
    while (heap_peek(&a->heap, &top) && top.at_ms <= t->now_ms) {
        struct alert *x = a->list[top.what];
        heap_pop(&a->heap, &top);
        x->queued_ms = x->queued_ms == top.at_ms ? INT64_MAX : x->queued_ms;
        if (x->look_ms > t->now_ms) {
            queue(a, x, x->look_ms);
        } else if (x->rule) {
            x->look_ms = INT64_MAX;
            look(t, x->rule, &x->subject);
        }
    }
}

struct change { /* of a tier, as the judge told it */
    struct str agent, from, to;
};

static struct change change_of(const struct effect *f)
{
    struct change c = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    for (size_t k = 0; f->kind == EFFECT_TIER && k < f->pairs_n; k += 2) {
        c.from = str_eq(f->pairs[k], STR_LIT("from")) ? f->pairs[k + 1] : c.from;
        c.to = str_eq(f->pairs[k], STR_LIT("to")) ? f->pairs[k + 1] : c.to;
        c.agent = str_eq(f->pairs[k], STR_LIT("agent")) ? f->pairs[k + 1] : c.agent;
    }
    return c;
}

/* Tiers are numbered from the highest. */
static size_t tier_number(const struct rulebook *b, struct str name)
{
    size_t k = 0;
    while (k < b->tiers_n && !str_eq(b->tiers[k].name, name)) {
        k++;
    }
    return k;
}

static void tier_changed(const struct turn *t, const struct change *c)
{
    const struct rulebook *b = t->a->rulebook;
    bool up = tier_number(b, c->to) < tier_number(b, c->from);
    struct subject s = {OF_AGENT, site_agent_find(t->a->o.site, c->agent), c->agent};
    for (size_t k = 0; k < b->alerts_n; k++) {
        if (b->alerts[k].kind == (up ? ALERT_TIER_UP : ALERT_TIER_DOWN)) {
            char room[ALERT_NAME_MAX];
            struct alert nothing = {.rule = &b->alerts[k], .subject = s};
            struct alert *x = alert_find(t->a, alert_name(room, b->alerts[k].name, &s));
            step(t, x ? x : &nothing, &(struct alert_seen){.happened = true}, true);
        }
    }
}

/* The judge's changes of this turn; the first tier of a month is no rise and no fall. */
static void look_at_tiers(const struct turn *t)
{
    size_t n = t->g->effects_n; /* ours come behind */
    for (size_t i = 0; i < n; i++) {
        struct change c = change_of(&t->g->effects[i]);
        if (c.from.n && c.to.n) {
            tier_changed(t, &c);
        }
    }
}

static void mark_all(struct alerts *a)
{
    for (uint32_t agent = 0; agent <= site_agents_n(a->o.site); agent++) {
        alerts_mark(a, agent);
    }
}

/* --- rules change ------------------------------------------------------------------------------------------------- */

static bool still_about(const struct alert_rule *r, const struct subject *s)
{
    enum alert_scope scope = s->of == OF_AGENT ? SCOPE_AGENT : s->of == OF_TEAM ? SCOPE_TEAM : SCOPE_SITE;
    return r && r->scope == scope && (s->of != OF_AGENT || s->agent);
}

/* A rule that is no more ends its alerts, silently. */
static void take_rulebook(const struct turn *t)
{
    struct alerts *a = t->a;
    const struct rulebook *r = rulebooks_for_day(a->o.rulebooks, tz_day(a->o.tz, t->now_ms));
    if (r == a->rulebook) {
        return;
    }
    a->rulebook = r;
    a->groups_n = 0;
    a->tick_ms = a->slow_ms = INT64_MIN;
    for (size_t i = 0; i < a->n; i++) {
        struct alert *x = a->list[i];
        const struct alert_rule *rule = alert_rule_named(r, (struct str){x->name, x->rule_n});
        bool stays = still_about(rule, &x->subject);
        x->rule = rule ? rule : x->rule;
        if (!stays) {
            struct alert_outcome o = alert_end(&x->work, t->now_ms);
            apply(t, x, &o);
            x->changed |= x->has_row;
            x->work = (struct alert_memory){0};
            x->rule = NULL;
        } else {
            queue(a, x, t->now_ms);
        }
    }
    mark_all(a);
}

/* --- acts --------------------------------------------------------------------------------------------------------- */

void alerts_act(struct alerts *a, const struct event *e)
{
    if (event_subject_kind(e->type) != SUBJECT_ALERT) {
        return;
    }
    struct act *act = xcalloc(1, sizeof(*act));
    act->event = event_copy(e, &act->arena);
    xgrow(&a->acts, &a->acts_cap, a->acts_n + 1, sizeof(struct act *));
    a->acts[a->acts_n++] = act;
}

void alerts_when_settled(struct alerts *a, struct str id, void (*settled)(void *arg), void *arg)
{
    for (size_t i = 0; i < a->acts_n; i++) {
        if (str_eq(a->acts[i]->event.id, id)) {
            a->acts[i]->settled = settled;
            a->acts[i]->arg = arg;
            return;
        }
    }
    settled(arg);
}

bool alerts_has_acts(const struct alerts *a)
{
    return a->acts_n > 0;
}

static void acknowledge(const struct turn *t, const struct event *e)
{
    char number[24];
    for (size_t i = 0; i < t->a->n; i++) {
        struct alert *x = t->a->list[i];
        snprintf(number, sizeof(number), "%" PRIu64, x->work.number);
        if (!x->work.number || !str_eq(e->subject, str_of(number)) || !alert_acknowledge(&x->work)) {
            continue;
        }
        struct str by = e->strs[EVENT_ACTOR];
        free(x->acked_by);
        x->acked_by = xstrndup(by.p, by.n);
        alert_effect(t, x, "acknowledged");
        x->changed = true;
    }
}

static void silence(const struct turn *t, const struct event *e)
{
    struct alert_silence s = {.id = e->id,
                              .rule = e->subject,
                              .agent = e->strs[EVENT_AGENT],
                              .team = e->strs[EVENT_TEAM],
                              .actor = e->strs[EVENT_ACTOR],
                              .reason = e->strs[EVENT_REASON],
                              .from_ms = e->ts,
                              .until_ms = e->ts + e->scale * 60000};
    if (s.until_ms > t->now_ms) {
        alert_keep_silence(t->a, &s);
        alert_write_silence(t, &s);
    }
}

static void unsilence(const struct turn *t, struct str id)
{
    for (size_t i = 0; i < t->a->silences_n; i++) {
        if (str_eq(t->a->silences[i]->s.id, id)) {
            alert_drop_silence(t, i);
            return;
        }
    }
}

static void take_acts(const struct turn *t)
{
    struct alerts *a = t->a;
    for (; a->acts_done_n < a->acts_n; a->acts_done_n++) {
        const struct event *e = &a->acts[a->acts_done_n]->event;
        if (e->type == EVENT_ALERT_ACKED) {
            acknowledge(t, e);
        } else if (e->type == EVENT_ALERT_SILENCED) {
            silence(t, e);
        } else {
            unsilence(t, e->subject);
        }
        a->tell_ms = INT64_MIN;
    }
}

static void end_silences(const struct turn *t)
{
    for (size_t i = t->a->silences_n; i-- > 0;) {
        if (t->a->silences[i]->s.until_ms <= t->now_ms) {
            alert_drop_silence(t, i);
            t->a->tell_ms = INT64_MIN;
        }
    }
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

void alerts_mark(struct alerts *a, uint32_t agent)
{
    xgrow(&a->is_marked, &a->is_marked_cap, (size_t)agent + 1, 1);
    while (a->is_marked_n <= agent) {
        a->is_marked[a->is_marked_n++] = false;
    }
    if (a->is_marked[agent]) {
        return;
    }
    a->is_marked[agent] = true;
    xgrow(&a->marked, &a->marked_cap, a->marked_n + 1, sizeof(*a->marked));
    a->marked[a->marked_n++] = agent;
}

void alerts_channels_changed(struct alerts *a)
{
    for (size_t i = 0; i < a->n; i++) {
        if (a->list[i]->subject.of == OF_CHANNEL && a->list[i]->rule) {
            queue(a, a->list[i], INT64_MIN);
        }
    }
}

int64_t alerts_due_ms(const struct alerts *a)
{
    struct heap_entry top;
    if (a->marked_n || a->acts_done_n < a->acts_n) {
        return INT64_MIN;
    }
    int64_t due_ms = a->tick_ms < a->tell_ms ? a->tick_ms : a->tell_ms;
    return heap_peek(&a->heap, &top) && top.at_ms < due_ms ? top.at_ms : due_ms;
}

/* The clock went back: what was to come in seconds is far away now. */
static bool was_set_back(const struct alerts *a, int64_t now_ms)
{
    return a->tick_ms > now_ms + ALERT_TICK_MS || a->slow_ms > now_ms + ALERT_SLOW_MS;
}

bool alerts_are_due(const struct alerts *a, int64_t now_ms)
{
    return alerts_due_ms(a) <= now_ms || was_set_back(a, now_ms);
}

static void tick(const struct turn *t)
{
    struct alerts *a = t->a;
    bool set_back = was_set_back(a, t->now_ms);
    if (a->tick_ms <= t->now_ms || set_back) {
        a->tick_ms = t->now_ms + ALERT_TICK_MS;
        learn_teams(a);
        end_silences(t);
        look_at_all(t, false);
        look_at_those_on(t);
    }
    if (a->slow_ms <= t->now_ms || set_back) {
        a->slow_ms = t->now_ms + ALERT_SLOW_MS;
        look_at_all(t, true);
    }
    if (set_back) {
        mark_all(a); /* deadlines of a clock that was ahead say nothing */
    }
}

void alerts_run(struct alerts *a, struct judge *j, struct judgement *g, int64_t now_ms)
{
    struct turn t = {a, j, g, now_ms};
    a->own = (struct alerts_own){0};
    a->waited_for.now_ms = INT64_MIN;
    if (a->o.own) {
        a->o.own(a->o.own_arg, &a->own);
    }
    take_rulebook(&t);
    look_at_tiers(&t);
    take_acts(&t);
    look_at_marked(&t);
    look_at_due(&t);
    tick(&t);
    if (a->tell_ms <= now_ms) {
        alert_tell(&t);
    }
    alert_write_rows(&t);
}

void alerts_settle(struct alerts *a, bool durable)
{
    for (size_t i = 0; i < a->n; i++) {
        struct alert *x = a->list[i];
        if (!x->changed) {
            continue;
        }
        x->changed = false;
        if (durable) {
            x->durable = x->work;
            x->has_row = x->will_have_row;
        } else {
            x->work = x->durable;
            alerts_mark(a, x->subject.agent);
        }
    }
    a->counts.raised_n += durable ? a->fresh.raised_n : 0;
    a->counts.resolved_n += durable ? a->fresh.resolved_n : 0;
    a->fresh = (struct alerts_counts){0};
    size_t done_n = a->acts_done_n;
    a->acts_done_n = 0;
    if (durable) {
        free_acts(a, done_n);
    } else {
        a->tick_ms = a->slow_ms = a->tell_ms = INT64_MIN;
    }
}
