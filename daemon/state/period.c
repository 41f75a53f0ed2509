/* Sums and counts of days and months, kept together: a month is never summed up from its days. */
#include "kefu/state/period.h"

#include <stdlib.h>

#include "kefu/base/mem.h"

enum { GOOD_MILLI = 4000 }; /* a rating of four stars of five and more is good */

static void periods_fini(struct periods *p)
{
    for (size_t i = 0; i < p->n; i++)
        hist_fini(&p->list[i].responses);
    free(p->list);
    *p = (struct periods){0};
}

void agent_totals_fini(struct agent_totals *t)
{
    periods_fini(&t->days);
    periods_fini(&t->months);
    shops_fini(&t->shops);
}

/* Where the period stands or would stand. Nearly always it is the last one. */
static size_t place_of(const struct periods *p, int32_t period)
{
    size_t lo = 0;
    size_t hi = p->n;
    if (hi && p->list[hi - 1].period < period)
        return hi;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (p->list[mid].period < period)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct totals *periods_find(const struct periods *p, int32_t period)
{
    if (p->n && p->list[p->n - 1].period == period)
        return &p->list[p->n - 1];
    size_t k = place_of(p, period);
    return k < p->n && p->list[k].period == period ? &p->list[k] : NULL;
}

struct totals *periods_at(struct periods *p, int32_t period)
{
    struct totals *t = (struct totals *)periods_find(p, period);
    size_t k = t ? (size_t)(t - p->list) : place_of(p, period);
    if (k < p->saved_n)
        p->saved_n = k; /* who asks for it is about to change it */
    if (t)
        return t;
    p->cut_n += k < p->cut_n;
    xgrow(&p->list, &p->cap, p->n + 1, sizeof *p->list);
    memmove(&p->list[k + 1], &p->list[k], (p->n - k) * sizeof *p->list);
    p->list[k] = (struct totals){.period = period};
    p->n++;
    return &p->list[k];
}

static struct totals *day_at(struct agent_totals *t, int32_t day)
{
    if (!t->days.n || t->day != day) {
        t->day = day;
        t->month = civil_month(day);
    }
    return periods_at(&t->days, day);
}

/* The month of the day that day_at was asked for. */
static struct totals *month_at(struct agent_totals *t)
{
    return periods_at(&t->months, t->month);
}

static void count_response(struct hist *h, int64_t ms, int64_t sign)
{
    if (sign > 0)
        hist_add(h, ms);
    else
        hist_remove(h, ms);
}

static void add_answer(struct totals *t, const struct fact *f, int64_t sign)
{
    t->figures.answered += sign;
    t->figures.within += f->within ? sign : 0;
    t->figures.response_sum += sign * f->ms;
    count_response(&t->responses, f->ms, sign);
    if (!f->first)
        return;
    t->figures.first_n += sign;
    t->figures.first_sum += sign * f->ms;
    t->figures.first_within += f->within ? sign : 0;
}

static void add_rating(struct figures *f, int64_t milli, int64_t sign)
{
    f->rating_n += sign;
    f->rating_sum += sign * milli;
    f->rating_good += milli >= GOOD_MILLI ? sign : 0;
}

static void add_fact(struct totals *t, const struct fact *f, int64_t sign)
{
    if (f->kind == FACT_ANSWER)
        add_answer(t, f, sign);
    else if (f->kind == FACT_MISS)
        t->figures.missed += sign;
    else if (f->kind == FACT_IDLE)
        t->figures.handled += sign;
    else if (f->kind == FACT_RATING)
        add_rating(&t->figures, f->ms, sign);
}

void totals_fact(struct agent_totals *t, const struct fact *f, int64_t sign)
{
    add_fact(day_at(t, f->day), f, sign);
    add_fact(month_at(t), f, sign);
}

static void add_episode(struct figures *f, const struct episode *e, int64_t sign)
{
    f->handled += sign;
    if (!(e->flags & EPISODE_RESOLVED))
        return;
    f->resolved += sign;
    f->resolve_sum += sign * e->resolve_ms;
    f->fcr_pass += e->fcr == FCR_PASS ? sign : 0;
    f->fcr_fail += e->fcr == FCR_FAIL ? sign : 0;
    f->fcr_pending += e->fcr == FCR_PENDING ? sign : 0;
    f->resolved_within += e->flags & EPISODE_IN_TIME && e->fcr != FCR_FAIL ? sign : 0;
}

void totals_episode(struct agent_totals *t, const struct episode *e, int64_t sign)
{
    if (!(e->flags & EPISODE_COUNTED))
        return;
    add_episode(&day_at(t, e->day)->figures, e, sign);
    add_episode(&month_at(t)->figures, e, sign);
}

void totals_shop(struct agent_totals *t, int32_t day, uint32_t shop, int64_t sign)
{
    int32_t month = t->days.n && t->day == day ? t->month : civil_month(day);
    (void)periods_at(&t->months, month); /* they lie on the shelf together */
    shops_add(&t->shops, month, shop, sign);
}

static void add_order(struct figures *f, int64_t amount_fen, int64_t sign)
{
    f->cross += sign;
    f->cross_fen += sign * amount_fen;
}

void totals_order(struct agent_totals *t, int32_t day, int64_t amount_fen, int64_t sign)
{
    add_order(&day_at(t, day)->figures, amount_fen, sign);
    add_order(&month_at(t)->figures, amount_fen, sign);
}

void totals_encode(struct buf *out, const struct totals *t)
{
#define X(name) buf_put_svar(out, t->figures.name);
    FIGURES(X)
#undef X
    uint32_t before = 0;
    buf_put_uvar(out, t->responses.n);
    for (size_t i = 0; i < t->responses.n; i++) {
        buf_put_uvar(out, t->responses.buckets[i].index - before);
        buf_put_uvar(out, t->responses.buckets[i].count);
        before = t->responses.buckets[i].index;
    }
}

int totals_decode(struct totals *t, struct cursor *in)
{
#define X(name) t->figures.name = cursor_svar(in);
    FIGURES(X)
#undef X
    struct hist *h = &t->responses;
    uint64_t n = cursor_uvar(in);
    uint32_t index = 0;
    xgrow(&h->buckets, &h->cap, n < HIST_BUCKETS_MAX ? n : 1, sizeof *h->buckets);
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        index += (uint32_t)cursor_uvar(in);
        struct hist_bucket b = {.index = index, .count = (uint32_t)cursor_uvar(in)};
        if (h->n == h->cap)
            return -1;
        h->buckets[h->n++] = b;
        h->total += b.count;
    }
    return in->bad ? -1 : 0;
}
