/* Totals as of the cut under way.
 *
 * It keeps true that each total that changed since the cut before is handed out once as it stood at this one: a few at a time in
 * the order of agents, and one that is about to change before its turn ahead of it; only that one, for an agent may have years
 * of them. What begins behind the cut is none of its. */
#include "kefu/state/inside.h"

/* `shops`: of an agent's month, NULL: none. */
static void hand_out(struct site *s, const struct totals *t, const struct shops *shops, struct shelf_total *as)
{
    struct buf *room = &s->cold.blob;
    room->n = 0;
    totals_encode(room, t);
    if (shops)
        shops_encode(room, shops, t->period, &s->names.words);
    s->cold.cut_totals_n--;
    as->period = t->period;
    as->blob = buf_str(room);
    s->cold.freezer->total(s->cold.freezer->arg, as);
}

/* How many of these the cut wants. */
static size_t begin(struct periods *p)
{
    p->cut_n = p->saved_n;
    p->saved_n = p->n; /* once the cut has ended; what changes meanwhile lowers it */
    return p->n - p->cut_n;
}

/* Up to n of them, passing over those that went ahead. How many are left of n. */
static size_t go_on(struct site *s, struct periods *p, const struct shops *shops, struct shelf_total *as, size_t n)
{
    for (; n && p->cut_n < p->n; p->cut_n++, n--) {
        struct totals *t = &p->list[p->cut_n];
        if (!t->ahead)
            hand_out(s, t, shops, as);
        t->ahead = false;
    }
    return n;
}

void cut_begin(struct site *s)
{
    struct shelf_total day = {.kind = SHELF_ORDERS_DAY}, month = {.kind = SHELF_ORDERS_MONTH};
    s->cold.cut_agent = 0;
    s->cold.cut_totals_n = begin(&s->order_events.days) + begin(&s->order_events.months);
    for (size_t a = 0; a < s->agents_n; a++) {
        size_t n = begin(&s->agents[a].totals.days) + begin(&s->agents[a].totals.months);
        s->agents[a].totals_due = n > 0;
        s->cold.cut_totals_n += n;
    }
    (void)go_on(s, &s->order_events.days, NULL, &day, SIZE_MAX); /* the site has but one of each */
    (void)go_on(s, &s->order_events.months, NULL, &month, SIZE_MAX);
}

size_t cut_step(struct site *s, size_t n)
{
    struct cold *c = &s->cold;
    while (n && c->cut_agent < s->agents_n) {
        struct agent *a = &s->agents[c->cut_agent];
        struct shelf_total as = {.agent = intern_name(&s->names.agents, (uint32_t)c->cut_agent), .kind = SHELF_DAY};
        n = a->totals_due ? go_on(s, &a->totals.days, NULL, &as, n) : n;
        as.kind = SHELF_MONTH;
        n = a->totals_due ? go_on(s, &a->totals.months, &a->totals.shops, &as, n) : n;
        a->totals_due &= a->totals.days.cut_n < a->totals.days.n || a->totals.months.cut_n < a->totals.months.n;
        c->cut_agent += !a->totals_due;
    }
    return n;
}

static void send_ahead(struct site *s, struct periods *p, const struct shops *shops, int32_t period,
                       struct shelf_total *as)
{
    bool is_new = !periods_find(p, period);
    struct totals *t = periods_at(p, period);
    if ((size_t)(t - p->list) < p->cut_n || t->ahead)
        return;
    if (!is_new)
        hand_out(s, t, shops, as);
    t->ahead = true;
}

void cut_before_change(struct site *s, uint32_t agent, int32_t day)
{
    struct agent_totals *t = &s->agents[agent].totals;
    struct shelf_total as = {.agent = intern_name(&s->names.agents, agent), .kind = SHELF_DAY};
    send_ahead(s, &t->days, NULL, day, &as);
    as.kind = SHELF_MONTH;
    send_ahead(s, &t->months, &t->shops, civil_month(day), &as);
}
