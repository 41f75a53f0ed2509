/* Working time over local days.
 *
 * A stretch is walked day by day from the day before it begins (its night shift may run into it); spans come in the order
 * of their starts, and `covered` remembers how far time has been counted, so that overlapping hours count once. Where no
 * rulebook has any hours the walk is not made at all. */
#include "kefu/state/calendar.h"

#include <limits.h>

void calendar_init(struct calendar *c, const struct tz *tz, const struct rulebooks *rulebooks)
{
    *c = (struct calendar){.tz = tz, .rulebooks = rulebooks};
    calendar_refresh(c);
}

void calendar_refresh(struct calendar *c)
{
    c->day_from = c->day_to = 0;
    c->always_open = true;
    c->ever_open = false;
    c->last_special = INT32_MIN;
    c->fcr_window_max_ms = 0;
    for (size_t i = 0; i < c->rulebooks->n; i++) {
        const struct rulebook *r = c->rulebooks->list[i];
        c->always_open = c->always_open && r->always_open && r->special_n == 0;
        for (int w = 0; w < 7; w++)
            c->ever_open = c->ever_open || r->week[w].n > 0;
        if (r->special_n && r->special[r->special_n - 1].day > c->last_special)
            c->last_special = r->special[r->special_n - 1].day;
        if (r->fcr_window_ms > c->fcr_window_max_ms)
            c->fcr_window_max_ms = r->fcr_window_ms;
    }
}

int32_t calendar_day_anew(struct calendar *c, int64_t at_ms)
{
    c->day = tz_day(c->tz, at_ms);
    c->day_from = tz_at(c->tz, c->day, 0);
    c->day_to = tz_at(c->tz, c->day + 1, 0);
    return c->day;
}

/* The hours that start on a day: a special day's, else the weekday's. */
static const struct day_hours *hours_of(const struct calendar *c, int32_t day)
{
    const struct rulebook *r = rulebooks_for_day(c->rulebooks, day);
    size_t lo = 0;
    size_t hi = r->special_n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (r->special[mid].day == day)
            return &r->special[mid].hours;
        if (r->special[mid].day < day)
            lo = mid + 1;
        else
            hi = mid;
    }
    return &r->week[civil_weekday(day)];
}

/* A walk over open time from `from` on: each call of `next_open` gives one more piece [from, to) of it, in order, never twice. */
struct walk {
    const struct calendar *calendar;
    int32_t day;
    int32_t span;
    int64_t covered; /* time before this is done with */
};

static struct walk walk_from(struct calendar *c, int64_t from)
{
    return (struct walk){.calendar = c, .day = calendar_day(c, from) - 1, .covered = from};
}

/* False: nothing more starts on or before last_day. */
static bool next_open(struct walk *w, int32_t last_day, int64_t *from, int64_t *to)
{
    for (; w->day <= last_day; w->day++, w->span = 0) {
        const struct day_hours *h = hours_of(w->calendar, w->day);
        while (w->span < h->n) {
            const struct span *s = &h->spans[w->span++];
            int64_t start = tz_at(w->calendar->tz, w->day, s->start_min);
            int64_t end = tz_at(w->calendar->tz, w->day, s->end_min);
            if (end <= w->covered)
                continue;
            *from = start > w->covered ? start : w->covered;
            *to = end;
            w->covered = end;
            return true;
        }
    }
    return false;
}

int64_t calendar_worked_by_hours(struct calendar *c, int64_t from, int64_t to)
{
    int32_t last_day = calendar_day(c, to);
    struct walk w = walk_from(c, from);
    int64_t sum = 0;
    int64_t a = 0;
    int64_t b = 0;
    while (next_open(&w, last_day, &a, &b) && a < to)
        sum += (b < to ? b : to) - a;
    return sum;
}

/* The last day worth looking at: beyond the special days every week is alike, and a week that is closed stays closed. */
static int32_t last_day_of_interest(struct calendar *c, int64_t from)
{
    if (c->ever_open)
        return INT32_MAX;
    int32_t day = calendar_day(c, from);
    return c->last_special > day ? c->last_special : day;
}

int64_t calendar_after_by_hours(struct calendar *c, int64_t from, int64_t need_ms)
{
    int32_t last_day = last_day_of_interest(c, from);
    int32_t horizon = calendar_day(c, from) + 36525; /* a hundred years: the zone's data ends there too */
    if (last_day > horizon)
        last_day = horizon;
    struct walk w = walk_from(c, from);
    int64_t a = 0;
    int64_t b = 0;
    while (next_open(&w, last_day, &a, &b)) {
        if (b - a >= need_ms)
            return a + need_ms;
        need_ms -= b - a;
    }
    return INT64_MAX;
}
