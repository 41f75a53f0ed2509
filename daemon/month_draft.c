/* Rows of a month out of the site.
 *
 * Keeps true: who was employed has a row, also without any figure; nobody's waits are nobody's row and are left out. The team
 * is the one told last before the month's end; one told only later, if none was told before. */
#include "kefu/daemon/month_draft.h"

#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/rules/pay.h"

/* What an agent's own events say of the month. */
struct told {
    const struct month_request *q;
    struct arena *arena;
    struct book_row *row;
    int64_t from_ms, to_ms; /* of the month */
    int64_t first_ts;
    struct str last_team; /* ever */
    bool team_known;      /* told before the month's end */
    bool exempt[32];      /* days of the month, from 0 */
};

static void take_team(struct told *t, const struct event *e)
{
    struct book_row *row = t->row;
    struct str team = e->strs[EVENT_TEAM];
    t->last_team = arena_copy(t->arena, team);
    if (e->ts >= t->to_ms)
        return;
    if (e->ts >= t->from_ms && t->team_known && !str_eq(team, row->team) && row->moves_n < BOOK_WORDS_MAX)
        row->moves[row->moves_n++] = (struct book_move){tz_day(t->q->tz, e->ts), t->last_team};
    row->team = t->last_team;
    t->team_known = true;
}

/* Later ones say what counts of a day. */
static void take_exemption(struct told *t, const struct event *e)
{
    int32_t from, to, first = civil_month_first(t->q->month), last = civil_month_first(t->q->month + 1) - 1;
    if (civil_parse_day(e->strs[EVENT_HIRED_ON], &from) < 0 || civil_parse_day(e->strs[EVENT_LEFT_ON], &to) < 0)
        return;
    from = from > first ? from : first;
    to = to < last ? to : last;
    for (int32_t day = from; day <= to; day++)
        t->exempt[day - first] = e->how != EXEMPT_NONE;
}

static void take_event(void *arg, const struct event *e)
{
    struct told *t = arg;
    if (t->first_ts == INT64_MAX)
        t->first_ts = e->ts;
    if (e->type == EVENT_PROFILE && e->strs[EVENT_TEAM].n)
        take_team(t, e);
    else if (e->type == EVENT_EXEMPT)
        take_exemption(t, e);
}

static int32_t day_or(struct str date, int32_t otherwise)
{
    int32_t day;
    return date.n && civil_parse_day(date, &day) == 0 ? day : otherwise;
}

/* Days come in order: one that follows the last makes that span longer. */
static void add_exempt(struct book_row *row, int32_t day)
{
    struct book_span *last = row->exempt_n ? &row->exempt[row->exempt_n - 1] : NULL;
    row->exempt_days++;
    if (last && last->to == day - 1)
        last->to = day;
    else if (row->exempt_n < BOOK_WORDS_MAX)
        row->exempt[row->exempt_n++] = (struct book_span){day, day};
}

/* From hiring to leaving; who left before being hired was hired again, and not there in between. */
static bool is_there(int32_t hired, int32_t left, int32_t day)
{
    return left < hired ? day <= left || day >= hired : day >= hired && day <= left;
}

/* The days of the month on which the agent was employed, those of exemptions among them, and whether it is one of grace. */
static void count_days(struct book_row *row, const struct told *t, int64_t grace_months)
{
    int32_t month = t->q->month;
    int32_t first = civil_month_first(month), hired = day_or(row->hired_on, INT32_MIN);
    int32_t left = day_or(row->left_on, INT32_MAX);
    row->days = civil_month_first(month + 1) - first;
    for (int32_t k = 0; k < row->days; k++)
        if (is_there(hired, left, first + k)) {
            row->employed_days++;
            if (t->exempt[k])
                add_exempt(row, first + k);
        }
    row->grace = hired != INT32_MIN && month < civil_month(hired) + grace_months &&
                 (left >= hired || month > civil_month(left)); /* not before having left */
}

static const struct rulebook *rulebook_of(const struct month_request *q)
{
    return rulebooks_for_day(q->rulebooks, civil_month_first(q->month));
}

/* Figures are kept by day, so those of exempt days can be told from the rest. */
static void leave_out(struct book_row *row, const struct told *t, uint32_t agent)
{
    if (!rulebook_of(t->q)->exempt_days_left_out)
        return;
    int32_t first = civil_month_first(t->q->month);
    for (int32_t k = 0; k < row->days; k++) {
        const struct figures *f = site_figures(t->q->site, agent, PERIOD_DAY, first + k);
        if (t->exempt[k] && f)
            figures_add(&row->figures, f, -1);
    }
}

static int64_t fill_person(struct book_row *row, const struct month_request *q, uint32_t agent, struct arena *arena)
{
    struct agent_now now;
    struct told t = {.q = q, .arena = arena, .row = row, .first_ts = INT64_MAX};
    t.from_ms = tz_at(q->tz, civil_month_first(q->month), 0);
    t.to_ms = tz_at(q->tz, civil_month_first(q->month + 1), 0);
    site_agent_now(q->site, agent, &now);
    row->agent = arena_copy(arena, site_agent_id(q->site, agent));
    row->name = arena_copy(arena, now.name);
    row->employee_no = arena_copy(arena, now.employee_no);
    row->hired_on = arena_copy(arena, now.hired_on);
    row->left_on = arena_copy(arena, now.left_on);
    site_agent_events(q->site, agent, take_event, &t);
    if (!t.team_known)
        row->team = t.last_team;
    count_days(row, &t, rulebook_of(q)->grace_months);
    leave_out(row, &t, agent);
    return t.first_ts;
}

static void fill_figures(struct book_row *row, const struct month_request *q, uint32_t agent, struct arena *arena)
{
    const struct figures *f = site_figures(q->site, agent, PERIOD_MONTH, q->month);
    if (f)
        figures_add(&row->figures, f, 1);
    row->shops = site_shops(q->site, agent, q->month, arena, &row->shops_n);
    bool had_orders = site_had_orders(q->site, PERIOD_MONTH, q->month);
    pay_row(rulebook_of(q), had_orders, q->before ? q->before(q->arg, row->agent) : NULL, row);
}

void month_draft_row(struct book_row *row, const struct month_request *q, uint32_t agent, struct arena *arena)
{
    *row = (struct book_row){0};
    (void)fill_person(row, q, agent, arena);
    fill_figures(row, q, agent, arena);
}

/* Has the agent figures in this month or an earlier one? */
static bool worked_by(const struct month_request *q, uint32_t agent)
{
    size_t n;
    const struct totals *t = site_totals(q->site, agent, PERIOD_MONTH, &n);
    for (size_t i = 0; i < n && t[i].period <= q->month; i++)
        if (figures_any(&t[i].figures))
            return true;
    return false;
}

/* Hired by the month's end and not left before it began. Of whom no such day of hiring is known: from when we first heard. */
static bool is_employed(const struct book_row *row, const struct month_request *q, uint32_t agent, int64_t first_ts)
{
    if (row->employed_days == 0)
        return false;
    int32_t next = civil_month_first(q->month + 1);
    return day_or(row->hired_on, INT32_MAX) < next || first_ts < tz_at(q->tz, next, 0) || worked_by(q, agent);
}

static void add_row(struct month_draft *d, const struct month_request *q, uint32_t agent)
{
    struct book_row *row = &d->rows[d->rows_n];
    *row = (struct book_row){0};
    int64_t first_ts = fill_person(row, q, agent, &d->arena);
    const struct figures *f = site_figures(q->site, agent, PERIOD_MONTH, q->month);
    if (!is_employed(row, q, agent, first_ts) && !(f && figures_any(f)))
        return;
    fill_figures(row, q, agent, &d->arena);
    d->rows_n++;
    d->pending_n += row->figures.fcr_pending;
    d->bonus_fen += row->bonus_fen;
}

static int by_agent(const void *a, const void *b)
{
    return str_cmp(((const struct book_row *)a)->agent, ((const struct book_row *)b)->agent);
}

void month_draft_make(struct month_draft *d, const struct month_request *q)
{
    uint32_t n = site_agents_n(q->site);
    *d = (struct month_draft){.month = q->month, .rulebook = rulebook_of(q)};
    d->rows = xcalloc(n, sizeof *d->rows);
    for (uint32_t agent = 1; agent <= n; agent++)
        add_row(d, q, agent);
    qsort(d->rows, d->rows_n, sizeof *d->rows, by_agent);
    for (size_t i = 0; i < d->rows_n; i++)
        d->rows[i].number = (int64_t)i + 1;
}

void month_draft_free(struct month_draft *d)
{
    free(d->rows);
    arena_fini(&d->arena);
    *d = (struct month_draft){0};
}
