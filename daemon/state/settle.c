/* Keeps the totals up with the lists and with time: pending subjects, deadlines, dirty agents. */
#include "kefu/base/mem.h"
#include "kefu/state/inside.h"

static bool *pending_flag(const struct site *s, uint32_t ref)
{
    uint32_t number = ref_number(ref);
    if (ref_kind(ref) == SUBJECT_CONVERSATION)
        return &conversation_at(s, number)->pending;
    return ref_kind(ref) == SUBJECT_ORDER ? &s->orders[number].pending : &s->agents[number].pending;
}

void site_mark_pending(struct site *s, uint32_t ref)
{
    bool *flag = pending_flag(s, ref);
    if (*flag)
        return;
    *flag = true;
    xgrow(&s->pending, &s->pending_cap, s->pending_n + 1, sizeof *s->pending);
    s->pending[s->pending_n++] = ref;
}

void site_add_dirty(struct site *s, uint32_t agent)
{
    s->agents[agent].dirty = true;
    xgrow(&s->dirty, &s->dirty_cap, s->dirty_n + 1, sizeof *s->dirty);
    s->dirty[s->dirty_n++] = agent;
}

const uint32_t *site_dirty(const struct site *s, size_t *n)
{
    *n = s->dirty_n;
    return s->dirty;
}

void site_clean(struct site *s)
{
    for (size_t i = 0; i < s->dirty_n; i++)
        s->agents[s->dirty[i]].dirty = false;
    s->dirty_n = 0;
}

void site_set_due(struct site *s, struct timer *t, uint32_t ref, int64_t due_ms)
{
    t->due_ms = due_ms;
    if (due_ms >= t->in_heap_ms)
        return;
    t->in_heap_ms = due_ms;
    heap_push(&s->heap, due_ms, ref);
}

static struct timer *timer_of(const struct site *s, uint32_t ref)
{
    uint32_t number = ref_number(ref);
    if (ref_kind(ref) == SUBJECT_CONVERSATION)
        return &conversation_at(s, number)->timer;
    return ref_kind(ref) == SUBJECT_ORDER ? &s->orders[number].timer : &s->agents[number].timer;
}

static void settle(struct site *s, uint32_t ref)
{
    *pending_flag(s, ref) = false;
    if (ref_kind(ref) == SUBJECT_CONVERSATION)
        conversation_settle(s, ref_number(ref));
    else if (ref_kind(ref) == SUBJECT_ORDER)
        order_settle(s, ref_number(ref));
    else
        agent_settle(s, ref_number(ref));
}

/* A subject's time has come: items that waited for as_of join, else only its tail moves. */
static void fall_due(struct site *s, uint32_t ref)
{
    const struct conversation *c = ref_kind(ref) == SUBJECT_CONVERSATION ? conversation_at(s, ref_number(ref)) : NULL;
    if (c && c->run_n == c->list.n && !c->pending)
        conversation_refresh(s, ref_number(ref));
    else
        site_mark_pending(s, ref);
}

/* Takes one entry of the heap that is not after as_of; false: there is none. */
static bool pop_due(struct site *s)
{
    struct heap_entry e;
    if (!heap_peek(&s->heap, &e) || e.at_ms > s->as_of)
        return false;
    heap_pop(&s->heap, &e);
    struct timer *t = timer_of(s, e.what);
    if (e.at_ms != t->in_heap_ms)
        return true; /* an earlier one has taken its place since */
    t->in_heap_ms = INT64_MAX;
    if (t->due_ms > s->as_of)
        site_set_due(s, t, e.what, t->due_ms);
    else
        fall_due(s, e.what);
    return true;
}

int64_t site_advance(struct site *s, int64_t now_ms, size_t max_steps)
{
    if (now_ms > s->as_of)
        s->as_of = now_ms;
    for (size_t steps = 0; steps < max_steps; steps++) {
        if (s->pending_n)
            settle(s, s->pending[--s->pending_n]);
        else if (!pop_due(s))
            break;
    }
    struct heap_entry e;
    if (s->pending_n)
        return s->as_of;
    return heap_peek(&s->heap, &e) ? e.at_ms : INT64_MAX;
}
