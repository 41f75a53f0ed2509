/* A ring of minutes and a ring of days, each place with the number of what stands in it. */
#include "kefu/state/window.h"

#include <stddef.h>

#include "kefu/base/fix.h"
#include "kefu/base/mem.h"

enum { PLACES = 64, HALF_STARS = 10, HALF_STAR_MILLI = 500, MINUTE_MS = 60000 };

struct minute {
    int64_t number; /* since 1970; 0: empty */
    int32_t answered, within, missed;
    int64_t response_sum_ms;
};

struct rated_day {
    int32_t day; /* INT32_MIN: none */
    uint32_t n[HALF_STARS];
};

struct window {
    struct minute minutes[PLACES];
    struct rated_day days[2];
};

static struct window *window_at(struct window **w)
{
    if (!*w) {
        *w = xcalloc(1, sizeof **w);
        (*w)->days[0].day = (*w)->days[1].day = INT32_MIN;
    }
    return *w;
}

/* The place of a fact's minute; NULL: a later minute has it. */
static struct minute *minute_at(struct window *w, int64_t at_ms)
{
    int64_t number = fix_div_floor(at_ms, MINUTE_MS);
    struct minute *m = &w->minutes[(uint64_t)number % PLACES];
    if (m->number > number)
        return NULL;
    if (m->number < number)
        *m = (struct minute){.number = number};
    return m;
}

static void count_turn(struct window *w, const struct fact *f, int64_t sign)
{
    struct minute *m = minute_at(w, f->at);
    int32_t one = (int32_t)sign;
    if (!m)
        return;
    if (f->kind == FACT_MISS) {
        m->missed += one;
        return;
    }
    m->answered += one;
    m->within += f->within ? one : 0;
    m->response_sum_ms += sign * f->ms;
}

static int half_star(int64_t milli)
{
    int64_t k = (milli + HALF_STAR_MILLI - 1) / HALF_STAR_MILLI - 1;
    return k < 0 ? 0 : k >= HALF_STARS ? HALF_STARS - 1 : (int)k;
}

static void count_rating(struct window *w, const struct fact *f, int64_t sign)
{
    struct rated_day *d = &w->days[f->day & 1];
    if (d->day > f->day)
        return;
    if (d->day < f->day)
        *d = (struct rated_day){.day = f->day};
    d->n[half_star(f->ms)] += (uint32_t)sign;
}

void window_fact(struct window **w, const struct fact *f, int64_t sign)
{
    if (f->kind == FACT_ANSWER || f->kind == FACT_MISS)
        count_turn(window_at(w), f, sign);
    else if (f->kind == FACT_RATING)
        count_rating(window_at(w), f, sign);
}

void window_sums(const struct window *w, int64_t now_ms, int64_t minutes, struct window_sums *out)
{
    int64_t now = fix_div_floor(now_ms, MINUTE_MS);
    *out = (struct window_sums){0};
    for (int64_t number = now - minutes + 1; w && number <= now; number++) {
        const struct minute *m = &w->minutes[(uint64_t)number % PLACES];
        if (m->number != number)
            continue;
        out->answered += m->answered;
        out->within += m->within;
        out->missed += m->missed;
        out->response_sum_ms += m->response_sum_ms;
    }
}

uint32_t window_ratings(const struct window *w, int32_t day, int64_t most_milli)
{
    uint32_t n = 0;
    if (!w || w->days[day & 1].day != day)
        return 0;
    for (int k = 0; k < HALF_STARS && (int64_t)(k + 1) * HALF_STAR_MILLI <= most_milli; k++)
        n += w->days[day & 1].n[k];
    return n;
}
