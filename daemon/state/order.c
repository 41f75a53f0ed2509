/* Orders: a cross-sale counts if it was paid and never refunded, as its latest paid event says (SPEC.md, Cross-sell). */
#include "kefu/state/inside.h"
#include "kefu/state/tell.h"

/* The site's order events of a day: what tells "no cross-sales" from "no order data". A month that gets its first one, or
 * loses its last, changes the scores of all. */
static void count_event(struct site *s, int32_t day, int64_t sign)
{
    if (!is_kept_day(s, day))
        return;
    struct totals *month = periods_at(&s->order_events.months, civil_month(day));
    periods_at(&s->order_events.days, day)->figures.cross += sign;
    month->figures.cross += sign;
    if (month->figures.cross != (sign > 0 ? 1 : 0))
        return;
    for (uint32_t a = 0; a < s->agents_n; a++)
        site_mark_dirty(s, a);
}

/* Counts the first n items as order events of the site, or takes them out. */
static void count_events(struct site *s, const struct order *o, uint32_t n, int64_t sign)
{
    struct list_cursor c;
    struct item i;
    list_first(&c, &o->list);
    for (uint32_t k = 0; k < n && list_next(&c, &i); k++)
        count_event(s, calendar_day(&s->calendar, i.ts), sign);
}

static void enter(struct site *s, const struct order *o, int64_t sign)
{
    if (!o->counts || !is_kept_day(s, o->day))
        return;
    totals_order(cut_totals(s, o->agent, o->day), o->day, o->amount_fen, sign);
    late_note(s, o->agent, o->day, late_mix(1, o->amount_fen), sign);
    site_mark_dirty(s, o->agent);
}

/* What its items up to as_of say of the order; how many they are, and when the next one comes. */
static void judge(struct site *s, struct order *o, int64_t as_of, int64_t *due)
{
    struct list_cursor c;
    struct item i;
    bool refunded = false;
    *due = INT64_MAX;
    o->counts = false;
    o->counted_n = 0;
    list_first(&c, &o->list);
    while (*due == INT64_MAX && list_next(&c, &i)) {
        if (i.ts > as_of) {
            *due = i.ts;
            continue;
        }
        o->counted_n++;
        refunded |= i.how == ORDER_REFUNDED;
        if (i.how != ORDER_PAID)
            continue;
        int64_t least = calendar_rulebook(&s->calendar, i.ts)->cross_sell_min_fen;
        o->counts = i.flags & EVENT_CROSS && i.amount_fen >= least;
        o->agent = i.num[EVENT_AGENT];
        o->day = calendar_day(&s->calendar, i.ts);
        o->amount_fen = i.amount_fen;
    }
    o->counts = o->counts && !refunded;
}

void order_settle(struct site *s, uint32_t number)
{
    struct order *o = &s->orders[number];
    site_touch(s, ref_of(SUBJECT_ORDER, number));
    s->late.ref = ref_of(SUBJECT_ORDER, number);
    enter(s, o, -1);
    count_events(s, o, o->counted_n, -1);
    list_sort(&o->list, &s->names, &s->scratch);
    arena_reset(&s->scratch);
    int64_t due = INT64_MAX;
    judge(s, o, s->as_of, &due);
    count_events(s, o, o->counted_n, 1);
    enter(s, o, 1);
    site_set_due(s, &o->timer, ref_of(SUBJECT_ORDER, number), due);
}

/* The last paid event among the first n items, and what stands against counting it. */
static void find_why(struct site *s, const struct order *o, struct told_order *out)
{
    struct list_cursor c;
    struct item i;
    bool refunded = false;
    list_first(&c, &o->list);
    for (uint32_t k = 0; k < o->counted_n && list_next(&c, &i); k++) {
        refunded |= i.how == ORDER_REFUNDED;
        if (i.how != ORDER_PAID)
            continue;
        bool enough = i.amount_fen >= calendar_rulebook(&s->calendar, i.ts)->cross_sell_min_fen;
        out->why = !(i.flags & EVENT_CROSS) ? ORDER_WHY_NOT_CROSS : enough ? ORDER_WHY_PAID : ORDER_WHY_BELOW;
        out->at = i.ts;
        out->day = calendar_day(&s->calendar, i.ts);
        out->agent = i.num[EVENT_AGENT];
        out->amount_fen = i.amount_fen;
        out->conversation = intern_name(&s->names.words, i.num[EVENT_CONVERSATION]);
    }
    if (refunded && out->why == ORDER_WHY_PAID)
        out->why = ORDER_WHY_REFUNDED;
}

void order_tell(struct site *s, uint32_t number, struct told_order *out)
{
    const struct order *o = &s->orders[number];
    *out = (struct told_order){.order = {o->key, o->key_n}, .day = INT32_MIN, .at = NEVER, .why = ORDER_WHY_NOT_PAID};
    find_why(s, o, out);
    out->counts = o->counts;
    if (!o->counts)
        return;
    out->agent = o->agent; /* as it stands in the totals */
    out->day = o->day;
    out->amount_fen = o->amount_fen;
}
