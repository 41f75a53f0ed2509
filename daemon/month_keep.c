/* Keeps true: what is let go of was closed by the book, and all before it too, at least the configured time ago. */
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

/* The first month whose evidence stays; INT32_MIN: all of it does. Months without a figure go with a closed one behind them. */
static int32_t first_kept(const struct months *m, int64_t now_ms)
{
    int32_t month, last, kept = INT32_MIN;
    months_range(m, &month, &last);
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
