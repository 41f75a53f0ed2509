/* The door of the state: folds events, moves as_of, answers questions.
 *
 * An event that comes in order takes one step; any other makes its subject pending, and pending subjects are run again
 * from their lists, once, however many events came: late, duplicate, recalled and voided events have no path of their own. */
#include "kefu/state/site.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/state/inside.h"

/* Every number that names an agent has a place in agents[]; nobody has place 0. */
void site_make_agents(struct site *s)
{
    size_t need = (size_t)intern_count(&s->names.agents) + 1;
    if (need <= s->agents_n)
        return;
    xgrow(&s->agents, &s->agents_cap, need, sizeof *s->agents);
    for (; s->agents_n < need; s->agents_n++) {
        s->agents[s->agents_n] = (struct agent){.oldest_wait = CONVERSATION_NONE,
                                                .gone_wait = CONVERSATION_NONE,
                                                .gone_latest = INT64_MIN,
                                                .timer = {.due_ms = INT64_MAX, .in_heap_ms = INT64_MAX}};
        if (s->agents_n)
            site_touch(s, ref_of(SUBJECT_AGENT, (uint32_t)s->agents_n)); /* who was once named is always known */
    }
}

struct site *site_new(const struct site_options *o)
{
    struct site *s = xcalloc(1, sizeof *s);
    s->seed = o->seed;
    s->rolling = o->rolling;
    s->quiet_ms = o->quiet_ms;
    s->aliases = o->aliases;
    s->as_of = INT64_MIN;
    s->groups.seed = o->seed + 3;
    calendar_init(&s->calendar, o->tz, o->rulebooks);
    names_init(&s->names, o->seed);
    s->cold.shelf = o->shelf;
    s->cold.now = SAVE_A;
    s->cold.until = INT64_MIN;
    s->late.before_day = INT32_MIN;
    s->kept = (struct kept){INT32_MIN, INT64_MIN};
    site_make_agents(s);
    return s;
}

void site_free(struct site *s)
{
    if (!s)
        return;
    subjects_fini(s);
    cold_fini(s);
    late_fini(s);
    free(s->free.list);
    agent_totals_fini(&s->order_events);
    names_fini(&s->names);
    table_fini(&s->identities);
    table_fini(&s->conversation_ids);
    table_fini(&s->order_ids);
    groups_fini(&s->groups);
    heap_fini(&s->heap);
    arena_fini(&s->scratch);
    free(s->pending);
    free(s->dirty);
    free(s);
}

void site_rulebooks_changed(struct site *s)
{
    calendar_refresh(&s->calendar);
    if (s->calendar.always_open)
        return; /* deadlines do not hang on hours */
    for (uint32_t i = 0; i < s->conversations_n; i++)
        if (conversation_at(s, i)->machine.running.open)
            conversation_set_due(s, i);
}

void site_alias(const struct site *s, struct event *e)
{
    aliases_apply(s->aliases, e);
}

bool site_customer_is_here(const struct site *s, struct str hash)
{
    uint32_t customer = intern_find(&s->names.customers, hash);
    for (uint32_t i = 0; customer && i < s->conversations_n; i++) {
        const struct conversation *c = conversation_at(s, i);
        if (c->machine.customer == customer && part_of(c).open)
            return true;
    }
    return false;
}

enum verdict site_probe(struct site *s, const struct event *e)
{
    if (event_subject_kind(e->type) >= SUBJECT_MONTH)
        return VERDICT_ACCEPTED; /* its maker gives it an identity of its own, and the book says what was done */
    struct item found;
    struct list_cursor cursor;
    uint32_t ref = identity_find(s, e, &found, &cursor);
    if (ref == TABLE_NONE)
        return VERDICT_ACCEPTED;
    bool same = ref_kind(ref) == event_subject_kind(e->type) && str_eq(subject_key(s, ref), e->subject) &&
                item_same(&found, e, &s->names);
    return same ? VERDICT_DUPLICATE : VERDICT_REJECTED;
}

/* May the machine simply go on with this item, which was just appended? */
static bool in_order(const struct site *s, const struct conversation *c, const struct item *i)
{
    return !c->pending && !c->looks_back && i->ts <= s->as_of && c->run_n + 1 == c->list.n &&
           c->list.sorted_n == c->list.n;
}

static void join_conversation(struct site *s, uint32_t number, const struct item *i)
{
    struct conversation *c = conversation_at(s, number);
    c->looks_back |= conversation_looks_back(i);
    if (in_order(s, c, i))
        conversation_go_on(s, number, i);
    else
        site_mark_pending(s, ref_of(SUBJECT_CONVERSATION, number));
}

/* Events of a conversation name the same people again and again. */
static void expect_names(struct site *s, uint32_t number)
{
    const struct machine *m = &conversation_at(s, number)->machine;
    s->names.likely[EVENT_AGENT] = m->assignee.agent;
    s->names.likely[EVENT_CUSTOMER] = m->customer;
    if (m->shop)
        s->names.likely[EVENT_SHOP] = m->shop;
}

enum verdict site_fold(struct site *s, const struct event *e, int64_t now_ms)
{
    if (now_ms > s->as_of)
        s->as_of = now_ms;
    enum verdict verdict = site_probe(s, e);
    if (verdict != VERDICT_ACCEPTED || event_subject_kind(e->type) >= SUBJECT_MONTH)
        return verdict;
    uint32_t ref = subject_get(s, e);
    if (ref_kind(ref) == SUBJECT_CONVERSATION)
        expect_names(s, ref_number(ref));
    struct item i;
    item_of_event(&i, e, &s->names);
    site_make_agents(s);
    site_touch(s, ref);
    list_append(subject_list(s, ref), &i, &s->names);
    identity_add(s, &i, ref);
    s->events_n++;
    if (ref_kind(ref) == SUBJECT_CONVERSATION)
        join_conversation(s, ref_number(ref), &i);
    else if (ref_kind(ref) == SUBJECT_AGENT)
        agent_go_on(s, ref_number(ref), &i);
    else
        site_mark_pending(s, ref);
    return VERDICT_ACCEPTED;
}

uint32_t site_agents_n(const struct site *s)
{
    return intern_count(&s->names.agents);
}

struct str site_agent_id(const struct site *s, uint32_t agent)
{
    return intern_name(&s->names.agents, agent);
}

uint32_t site_agent_find(const struct site *s, struct str id)
{
    return intern_find(&s->names.agents, id);
}

int64_t site_as_of(const struct site *s)
{
    return s->as_of;
}

static const struct periods *periods_of(const struct agent_totals *t, enum period_kind kind)
{
    assert(kind == PERIOD_DAY || kind == PERIOD_MONTH);
    return kind == PERIOD_DAY ? &t->days : &t->months;
}

const struct figures *site_figures(const struct site *s, uint32_t agent, enum period_kind kind, int32_t period)
{
    const struct totals *t = periods_find(periods_of(&s->agents[agent].totals, kind), period);
    return t ? &t->figures : NULL;
}

const struct hist *site_responses(const struct site *s, uint32_t agent, enum period_kind kind, int32_t period)
{
    const struct totals *t = periods_find(periods_of(&s->agents[agent].totals, kind), period);
    return t ? &t->responses : NULL;
}

const struct totals *site_totals(const struct site *s, uint32_t agent, enum period_kind kind, size_t *n)
{
    const struct periods *p = periods_of(&s->agents[agent].totals, kind);
    *n = p->n;
    return p->list;
}

static int by_shop(const void *a, const void *b)
{
    return str_cmp(((const struct shop_handled *)a)->shop, ((const struct shop_handled *)b)->shop);
}

struct shop_handled *site_shops(const struct site *s, uint32_t agent, int32_t month, struct arena *arena, size_t *n)
{
    const struct shop_count *named = shops_of(&s->agents[agent].totals.shops, month, n);
    if (!*n)
        return NULL;
    struct shop_handled *out = arena_alloc(arena, (*n + 1) * sizeof *out);
    int64_t rest = site_figures(s, agent, PERIOD_MONTH, month)->handled;
    for (size_t i = 0; i < *n; i++) {
        out[i] =
            (struct shop_handled){arena_copy(arena, intern_name(&s->names.words, named[i].shop)), named[i].handled};
        rest -= named[i].handled;
    }
    qsort(out, *n, sizeof *out, by_shop);
    if (rest)
        out[(*n)++] = (struct shop_handled){.handled = rest};
    return out;
}

bool site_had_orders(const struct site *s, enum period_kind kind, int32_t period)
{
    const struct totals *t = periods_find(periods_of(&s->order_events, kind), period);
    return t && t->figures.cross > 0;
}

void site_counts(const struct site *s, struct site_counts *out)
{
    *out = (struct site_counts){.events_n = s->events_n,
                                .conversations_n = s->known_n,
                                .open_n = s->open_n,
                                .waiting_n = s->waiting_n,
                                .customers_n = intern_count(&s->names.customers),
                                .orders_n = s->orders_n};
}
