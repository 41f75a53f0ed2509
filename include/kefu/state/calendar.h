/* Days, months, and working time: which rulebook judges a day, and what part of a stretch is inside the service hours.
 *
 * Working time is additive: each local day has the hours of the rulebook in force on that day, so worked(a, c) =
 * worked(a, b) + worked(b, c) whatever lies between (SPEC.md, Working time). Instants are milliseconds since 1970 UTC. */
#ifndef KEFU_STATE_CALENDAR_H
#define KEFU_STATE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/tz.h"
#include "kefu/model/rulebook.h"

struct calendar {
    const struct tz *tz;               /* borrowed */
    const struct rulebooks *rulebooks; /* borrowed, n >= 1 */
    /* the day looked up last: events come in runs of the same day */
    int32_t day;
    int64_t day_from, day_to;
    /* facts of all rulebooks together */
    bool always_open;     /* none has hours or special days: working time is time */
    bool ever_open;       /* some weekday of some rulebook is open */
    int32_t last_special; /* the last special day of all, INT32_MIN: none */
    int64_t fcr_window_max_ms;
};

/* Borrows both, which must outlive c. A month whose rulebook changes is told by calendar_refresh. */
void calendar_init(struct calendar *c, const struct tz *tz, const struct rulebooks *rulebooks);
/* To be called when the rulebooks pointed to have changed (a new one adopted for a month not begun). */
void calendar_refresh(struct calendar *c);

/* What the functions below do when the answer is not at hand. */
int32_t calendar_day_anew(struct calendar *c, int64_t at_ms);
int64_t calendar_worked_by_hours(struct calendar *c, int64_t from, int64_t to);
int64_t calendar_after_by_hours(struct calendar *c, int64_t from, int64_t need_ms);

/* The local day (days since 1970-01-01) of an instant, and below the rulebook that judges it (borrowed). */
static inline int32_t calendar_day(struct calendar *c, int64_t at_ms)
{
    return at_ms >= c->day_from && at_ms < c->day_to ? c->day : calendar_day_anew(c, at_ms);
}

static inline const struct rulebook *calendar_rulebook(struct calendar *c, int64_t at_ms)
{
    if (c->rulebooks->n == 1)
        return c->rulebooks->list[0];
    return rulebooks_for_day(c->rulebooks, calendar_day(c, at_ms));
}

/* Working milliseconds in [from, to); 0 if to <= from. */
static inline int64_t calendar_worked(struct calendar *c, int64_t from, int64_t to)
{
    if (to <= from)
        return 0;
    return c->always_open ? to - from : calendar_worked_by_hours(c, from, to);
}

/* Is the instant inside the service hours? */
static inline bool calendar_open(struct calendar *c, int64_t at_ms)
{
    return calendar_worked(c, at_ms, at_ms + 1) > 0;
}

/* The first instant t >= from with worked(from, t) >= need_ms; INT64_MAX: never. need_ms <= 0 gives from. */
static inline int64_t calendar_after(struct calendar *c, int64_t from, int64_t need_ms)
{
    if (need_ms <= 0)
        return from;
    return c->always_open ? from + need_ms : calendar_after_by_hours(c, from, need_ms);
}

#endif
