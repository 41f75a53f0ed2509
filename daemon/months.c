/* When a month may be closed, and opened again.
 *
 * Keeps true: a month is closed once, whoever asks how often and whatever the clock does; months are closed in their order;
 * what is closed is what the site says at that instant, with the sequence up to which the journal is in it. */
#include "kefu/daemon/months.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/log.h"
#include "kefu/daemon/month_book.h"
#include "kefu/daemon/month_hold.h"
#include "kefu/daemon/month_keep.h"

#define DAY_MS            INT64_C(86400000)
#define CALENDAR_AGAIN_MS INT64_C(3600000)

int64_t months_now(const struct months *m)
{
    struct ingest *in = pipeline_ingest(m->o.pipeline);
    int64_t now_ms = in->now_ms(in), as_of = site_as_of(pipeline_site(m->o.pipeline));
    return now_ms > as_of ? now_ms : as_of;
}

const struct book_entry *months_entries(const struct months *m, size_t *n)
{
    *n = m->entries_n;
    return m->entries;
}

const char *months_head(const struct months *m)
{
    return m->head;
}

/* The last entry that closed this month or opened it again. */
static const struct book_entry *last_of(const struct months *m, int32_t month)
{
    for (size_t i = m->entries_n; i-- > 0;) {
        const struct book_entry *e = &m->entries[i];
        if (e->month == month && (e->kind == BOOK_CLOSED || e->kind == BOOK_REOPENED))
            return e;
    }
    return NULL;
}

const struct book_entry *months_closing(const struct months *m, int32_t month)
{
    const struct book_entry *e = last_of(m, month);
    return e && e->kind == BOOK_CLOSED ? e : NULL;
}

int64_t months_version(const struct months *m, int32_t month)
{
    const struct book_entry *e = last_of(m, month);
    return !e ? 1 : e->version + (e->kind == BOOK_REOPENED);
}

int64_t month_ends_at(const struct months *m, int32_t month)
{
    return tz_at(m->o.tz, civil_month_first(month + 1), 0);
}

const char *month_state_word(enum month_state s)
{
    static const char *const words[] = {"ahead", "open", "review", "closed"};
    return words[s];
}

int64_t month_settled_ms(const struct months *m, int32_t month)
{
    return month_ends_at(m, month) + rulebooks_for_day(m->o.rulebooks, civil_month_first(month))->fcr_window_ms;
}

/* The site's time, which the figures are of, tells. */
enum month_state months_state(const struct months *m, int32_t month)
{
    int64_t now_ms = months_now(m);
    if (months_closing(m, month))
        return MONTH_CLOSED;
    if (month_ends_at(m, month - 1) > now_ms)
        return MONTH_AHEAD;
    return month_settled_ms(m, month) > now_ms ? MONTH_OPEN : MONTH_REVIEW;
}

/* The latest closed month; INT32_MIN: none. */
int32_t month_last_closed(const struct months *m)
{
    int32_t last = INT32_MIN;
    for (size_t i = 0; i < m->entries_n; i++) {
        int32_t month = m->entries[i].month;
        if (month > last && months_closing(m, month))
            last = month;
    }
    return last;
}

void months_range(const struct months *m, int32_t *first, int32_t *last)
{
    const struct site *s = pipeline_site(m->o.pipeline);
    *first = *last = civil_month(tz_day(m->o.tz, months_now(m)));
    for (uint32_t agent = 0; agent <= site_agents_n(s); agent++) {
        size_t n;
        const struct totals *t = site_totals(s, agent, PERIOD_MONTH, &n);
        if (n && t[0].period < *first)
            *first = t[0].period;
    }
    for (size_t i = 0; i < m->entries_n; i++)
        if (m->entries[i].month < *first)
            *first = m->entries[i].month;
}

static bool has_figures(const struct months *m, int32_t month)
{
    const struct site *s = pipeline_site(m->o.pipeline);
    for (uint32_t agent = 0; agent <= site_agents_n(s); agent++) {
        const struct figures *f = site_figures(s, agent, PERIOD_MONTH, month);
        if (f && figures_any(f))
            return true;
    }
    return false;
}

bool months_has(const struct months *m, int32_t month)
{
    return last_of(m, month) || has_figures(m, month) || month == civil_month(tz_day(m->o.tz, months_now(m)));
}

/* --- drafts ------------------------------------------------------------------------------------------------------- */

static const struct book_row *find_before(void *arg, struct str agent)
{
    const struct month_rows *before = arg;
    return months_find(before->list, before->n, agent);
}

int months_draft(struct months *m, int32_t month, struct month_draft *d, struct err *e)
{
    struct month_rows before;
    int bad = months_rows_now(m, month - 1, &before, e);
    if (!bad) {
        pipeline_catch_up(m->o.pipeline);
        month_late_look(m);
        month_draft_make(d, &(struct month_request){.site = pipeline_site(m->o.pipeline),
                                                    .rulebooks = m->o.rulebooks,
                                                    .tz = m->o.tz,
                                                    .month = month,
                                                    .before = find_before,
                                                    .arg = &before});
    }
    month_rows_fini(&before);
    return bad;
}

/* --- closing ------------------------------------------------------------------------------------------------------ */

/* The earliest month up to this one that was opened again; this one if none was. */
static int32_t first_reopened(const struct months *m, int32_t month)
{
    int32_t first = month;
    for (size_t i = 0; i < m->entries_n; i++) {
        int32_t of = m->entries[i].month;
        if (of < first && last_of(m, of)->kind == BOOK_REOPENED)
            first = of;
    }
    return first;
}

static int check_order(const struct months *m, int32_t month, struct err *e)
{
    char text[16], next[16];
    int32_t last = month_last_closed(m);
    civil_print_month(text, sizeof text, month);
    if (month_ends_at(m, month) > months_now(m))
        return err_refuse(e, "month_running", text, "the month has not ended");
    int32_t due = last == INT32_MIN ? first_reopened(m, month) : last + 1;
    if (month == due)
        return 0;
    civil_print_month(next, sizeof next, due);
    err_refuse(e, "month_order", text, "months are closed in their order: %s is next", next);
    return err_value(e, next);
}

/* What is closed was in review first, unless by force. */
static int check_review(const struct months *m, const struct month_draft *d, const struct month_act *act, struct err *e)
{
    char text[16], until[32];
    int64_t until_ms = month_settled_ms(m, act->month);
    if (act->force || months_state(m, act->month) != MONTH_OPEN)
        return 0;
    civil_print_month(text, sizeof text, act->month);
    rfc3339_print(until, sizeof until, until_ms);
    err_refuse(e, "month_windows", text,
               "it is open until %s: %" PRId64
               " first contacts may still fail, and more may come; close then, or by force: what comes of them is then "
               "an adjustment",
               until, d->pending_n);
    snprintf(until, sizeof until, "%" PRId64, until_ms);
    return err_value(e, until);
}

static enum month_outcome send_closing(struct months *m, const struct month_act *act, struct month_draft *d,
                                       struct err *e)
{
    struct event event = {.type = EVENT_MONTH_CLOSED};
    struct month_parcel *p = month_parcel_new(m, act, BOOK_CLOSED);
    for (size_t i = 0; i < d->rows_n; i++)
        month_parcel_row(p, &d->rows[i]);
    p->entry.as_of = site_as_of(pipeline_site(m->o.pipeline));
    p->entry.last_seq = checkpoint_seq(pipeline_checkpoint(m->o.pipeline));
    p->entry.rulebook = d->rulebook->name;
    p->entry.rulebook_sha256 = str_of(d->rulebook->sha256);
    p->entry.pending_n = d->pending_n;
    p->entry.bonus_fen = d->bonus_fen;
    enum month_outcome out = month_book_send(p, &event, e);
    if (out == MONTH_UNDER_WAY)
        site_close_before(m->o.site, act->month + 1); /* what is folded from here on is not in it */
    return out;
}

enum month_outcome months_close(struct months *m, const struct month_act *act, struct err *e)
{
    struct month_draft d;
    if (months_closing(m, act->month))
        return MONTH_ALREADY;
    if (month_book_check(m, act, e) || check_order(m, act->month, e) || months_draft(m, act->month, &d, e))
        return MONTH_REFUSED;
    enum month_outcome out = check_review(m, &d, act, e) ? MONTH_REFUSED : send_closing(m, act, &d, e);
    month_draft_free(&d);
    return out;
}

/* --- opening again ------------------------------------------------------------------------------------------------ */

static bool has_accepted(const struct months *m, const struct book_entry *closing)
{
    for (size_t i = 0; i < m->entries_n; i++) {
        const struct book_entry *e = &m->entries[i];
        if (e->number > closing->number && e->month == closing->month && e->kind == BOOK_ADJUSTED &&
            str_eq(e->decision, STR_LIT("accepted")))
            return true;
    }
    return false;
}

static int check_reopen(const struct months *m, const struct month_act *act, struct err *e)
{
    char text[16];
    const struct book_entry *closing = months_closing(m, act->month);
    civil_print_month(text, sizeof text, act->month);
    if (act->reason.n == 0)
        return err_refuse(e, "reopen_reason", text, "opening a closed month again needs a reason");
    if (month_is_let_go(m, act->month))
        return err_refuse(e, "month_let_go", text,
                          "its evidence was let go of (evidence_months): its closed rows are final");
    if (month_last_closed(m) != act->month)
        return err_refuse(e, "month_later_closed", text,
                          "a later month is closed; what came late for this one is an adjustment");
    if (has_accepted(m, closing))
        return err_refuse(e, "month_paid", text,
                          "adjustments of it were accepted and are paid; what comes now is an adjustment too");
    return 0;
}

enum month_outcome months_reopen(struct months *m, const struct month_act *act, struct err *e)
{
    struct event event = {.type = EVENT_MONTH_REOPENED};
    const struct book_entry *last = last_of(m, act->month);
    char text[16];
    civil_print_month(text, sizeof text, act->month);
    if (!last)
        return (enum month_outcome)err_refuse(e, "month_not_closed", text, "the month is not closed");
    if (last->kind == BOOK_REOPENED)
        return MONTH_ALREADY;
    if (month_book_check(m, act, e) || check_reopen(m, act, e))
        return MONTH_REFUSED;
    struct month_parcel *p = month_parcel_new(m, act, BOOK_REOPENED);
    p->entry.as_of = site_as_of(m->o.site);
    p->entry.last_seq = checkpoint_seq(pipeline_checkpoint(m->o.pipeline));
    return month_book_send(p, &event, e);
}

/* --- the calendar ------------------------------------------------------------------------------------------------- */

/* The month that is next: after the last one closed, also one without figures, for some may come and would then be an
 * adjustment; or the first there is. */
static int32_t calendar_month(const struct months *m, int64_t now_ms)
{
    int32_t month, running, last = month_last_closed(m), ended = civil_month(tz_day(m->o.tz, now_ms)) - 1;
    months_range(m, &month, &running);
    if (last != INT32_MIN)
        return last + 1;
    while (month < ended && !has_figures(m, month) && !last_of(m, month))
        month++;
    return month;
}

void months_turn(struct months *m)
{
    struct err e;
    struct month_hold held[MONTH_HOLDS_MAX];
    int64_t now_ms = months_now(m);
    month_late_turn(m);
    month_keep_turn(m);
    if (m->o.close_days == 0 || m->under_way || now_ms < m->calendar_at_ms)
        return;
    int32_t month = calendar_month(m, now_ms);
    int64_t due_ms = month_ends_at(m, month) + m->o.close_days * DAY_MS, again_ms = now_ms + CALENDAR_AGAIN_MS;
    m->calendar_at_ms = now_ms < due_ms && due_ms < again_ms ? due_ms : again_ms;
    if (now_ms < due_ms)
        return;
    const struct book_entry *is = last_of(m, month);
    if (is && is->kind == BOOK_REOPENED)
        return; /* who opened it closes it */
    if (month_holds(m, month, held) > 0) {
        month_log_holds(m, month);
        return;
    }
    struct month_act act = {.month = month, .actor = STR_LIT("calendar")};
    if (months_close(m, &act, &e) == MONTH_REFUSED)
        log_line(LOG_LEVEL_WARN, "month_not_closed", "where=\"%s\" error=\"%s\"", e.where, e.what);
}
