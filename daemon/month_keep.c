/* Keeps true: what is let go of was closed by the book at least the configured time ago, or came before the first month that was
 * closed at all, and goes with that one: it can be closed no more, so keeping it for that would be for ever. */
#include "kefu/daemon/month_keep.h"

#include "kefu/base/log.h"
#include "kefu/daemon/month_book.h"
#include "kefu/state/let_go.h"

#define LOOK_AGAIN_MS INT64_C(3600000)

bool month_is_let_go(const struct months *m, int32_t month)
{
    return m->o.site && month < site_kept_month(m->o.site);
}

/* The same day so many months later, or the last one of a shorter month. */
static int32_t months_later(int32_t day, int64_t months)
{
    int32_t month = civil_month(day);
    int32_t to = month + (int32_t)months;
    int32_t same = civil_month_first(to) + (day - civil_month_first(month)), last = civil_month_first(to + 1) - 1;
    return same < last ? same : last;
}

static bool may_go(const struct months *m, const struct book_entry *closing, int64_t now_ms)
{
    int32_t closed_on = tz_day(m->o.tz, closing->at_ms);
    return tz_at(m->o.tz, months_later(closed_on, m->o.evidence_months), 0) <= now_ms;
}

/* The first month in the book, be it closed now or opened again; INT32_MAX: there is none. */
static int32_t first_booked(const struct months *m)
{
    size_t n;
    int32_t first = INT32_MAX;
    const struct book_entry *list = months_entries(m, &n);
    for (size_t i = 0; i < n; i++)
        if (list[i].kind == BOOK_CLOSED && list[i].month < first)
            first = list[i].month;
    return first;
}

/* The first month whose evidence stays; INT32_MIN: all of it does. Months without a figure go with a closed one behind them. */
static int32_t first_kept(const struct months *m, int64_t now_ms)
{
    int32_t month = first_booked(m), last, kept = INT32_MIN, unused;
    months_range(m, &unused, &last);
    for (; month < last; month++) {
        const struct book_entry *closing = months_closing(m, month);
        if (closing ? !may_go(m, closing, now_ms) : months_has(m, month))
            break;
        kept = closing ? month + 1 : kept;
    }
    return kept;
}

void month_keep_turn(struct months *m)
{
    int64_t now_ms = months_now(m);
    if (m->o.evidence_months == 0 || now_ms < m->keep_at_ms)
        return;
    m->keep_at_ms = now_ms + LOOK_AGAIN_MS;
    int32_t month = first_kept(m, now_ms);
    if (month <= site_kept_month(m->o.site))
        return;
    char text[16];
    civil_print_month(text, sizeof text, month);
    log_line(LOG_LEVEL_NOTE, "evidence", "kept_from=%s", text);
    checkpoint_keep_from(pipeline_checkpoint(m->o.pipeline), month);
}
