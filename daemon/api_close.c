/* What is to be looked at before and after a month is closed: the list of months, the review, what came late, what is proposed
 * about people, what is contested, and who did what.
 *
 * Money leaves by the adjustments alone, with its line in the audit log. */
#include "kefu/daemon/api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/daemon/appeal.h"
#include "kefu/daemon/audited.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/month_adjust.h"
#include "kefu/daemon/month_print.h"
#include "kefu/daemon/month_propose.h"
#include "kefu/daemon/show.h"
#include "kefu/store/audit.h"

#define LOOKS_READ  5000 /* lines of the audit log, the newest, of which … */
#define LOOKS_SHOWN 200  /* so many of the month are shown */

static void begin_month(struct buf *out, int32_t month)
{
    char text[16];
    civil_print_month(text, sizeof(text), month);
    buf_printf(out, "{\"month\":\"%s\"", text);
}

/* Answers with what was made, or with what went wrong (bad). `did`: money is in it, and this is what the audit log calls the look. */
struct made {
    struct buf *out; /* taken */
    int32_t month;
    const char *did; /* NULL: no money */
    size_t tagged;
};

static void answer(struct call *c, const struct made *m, int bad, const struct err *e)
{
    if (bad) {
        buf_fini(m->out);
        call_failed(c, e);
    } else if (m->did) {
        audited_answer(c, &(struct audited){m->did, {0}, m->month, NULL}, m->out);
    } else {
        call_answer_tagged(c, m->out, m->tagged);
    }
}

/* --- months ------------------------------------------------------------------------------------------------------- */

void api_months(struct call *c)
{
    struct months *m = c->d->months;
    struct buf out = {0};
    int32_t first, last;
    const char *comma = "";
    months_range(m, &first, &last);
    buf_printf(&out, "{\"head\":\"%s\",\"months\":[", months_head(m));
    for (int32_t month = last; month >= first; month--) {
        if (months_has(m, month)) {
            buf_put_str(&out, str_of(comma));
            month_print_state(&out, m, month, false);
            comma = ",";
        }
    }
    buf_put_str(&out, STR_LIT("]}"));
    call_answer_tagged(c, &out, 0);
}

/* What is open about the people whom the caller sees. */
struct pending {
    int64_t rows_n, fcr_n, waiting_n;
};

static bool sees_agent(void *arg, struct str id)
{
    struct call *c = arg;
    uint32_t agent = id.n ? site_agent_find(c->d->site, id) : 0;
    return agent && call_may_agent(c, agent);
}

static struct pending count_pending(struct call *c, const struct month_draft *d)
{
    struct pending p = {0};
    for (size_t i = 0; i < d->rows_n; i++) {
        struct agent_now now;
        if (!sees_agent(c, d->rows[i].agent)) {
            continue;
        }
        site_agent_now(c->d->site, site_agent_find(c->d->site, d->rows[i].agent), &now);
        p.rows_n++;
        p.fcr_n += d->rows[i].figures.fcr_pending;
        p.waiting_n += now.waiting_n;
    }
    return p;
}

static void show_review(struct buf *out, struct call *c, int32_t month, const struct month_draft *d)
{
    struct pending p = count_pending(c, d);
    bool all = rights_reach(c->who.caller.role, c->part) == REACH_ALL;
    int64_t ends = tz_at(c->d->settings->tz, civil_month_first(month + 1), 0);
    buf_put_byte(out, ',');
    show_time(out, "ends", ends);
    buf_put_byte(out, ',');
    show_time(out, "settled", ends + d->rulebook->fcr_window_ms);
    buf_printf(out,
               ",\"rows\":%" PRId64 ",\"fcr_pending\":%" PRId64 ",\"waiting\":%" PRId64 ",\"quarantined\":", p.rows_n,
               p.fcr_n, p.waiting_n);
    show_number(out, all ? (int64_t)quarantine_n(pipeline_quarantine(c->d->pipeline)) : VIEW_NONE);
    buf_printf(out, ",\"appeal_days\":%" PRId64 ",\"rulebook\":", d->rulebook->appeal_days);
    buf_put_json(out, d->rulebook->name);
    buf_put_str(out, STR_LIT(",\"rulebook_sha256\":"));
    buf_put_json(out, str_of(d->rulebook->sha256));
}

void api_month_review(struct call *c)
{
    struct buf out = {0};
    struct month_draft d;
    struct err e;
    int32_t month;
    if (!call_month(c, c->args[0], &month)) {
        return;
    }
    if (months_draft(c->d->months, month, &d, &e) < 0) {
        call_failed(c, &e);
        return;
    }
    buf_put_byte(&out, '{');
    show_time(&out, "as_of", site_as_of(c->d->site));
    size_t tagged = out.n;
    buf_put_str(&out, STR_LIT(",\"status\":"));
    month_print_state(&out, c->d->months, month, false);
    show_review(&out, c, month, &d);
    buf_put_byte(&out, '}');
    month_draft_free(&d);
    call_answer_tagged(c, &out, tagged);
}

/* --- after the closing -------------------------------------------------------------------------------------------- */

/* A list of a closed month, "NAME":[…]; of one that is not closed there is none. */
struct closed_list {
    const char *name;
    const char *did; /* as in struct made */
    int (*print)(struct buf *out, struct call *c, int32_t month, struct err *e);
};

static void answer_list(struct call *c, const struct closed_list *l)
{
    struct buf out = {0};
    struct err e;
    int32_t month;
    int bad = 0;
    if (!call_month(c, c->args[0], &month)) {
        return;
    }
    begin_month(&out, month);
    buf_printf(&out, ",\"%s\":", l->name);
    if (months_closing(c->d->months, month)) {
        bad = l->print(&out, c, month, &e);
    } else {
        buf_put_str(&out, STR_LIT("[]"));
    }
    buf_put_byte(&out, '}');
    answer(c, &(struct made){&out, month, l->did, 0}, bad, &e);
}

static int print_differences(struct buf *out, struct call *c, int32_t month, struct err *e)
{
    struct month_differences d = {0};
    int bad = month_differences(c->d->months, month, &d, e);
    month_print_differences(out, &d);
    month_differences_free(&d);
    return bad;
}

void api_month_adjustments(struct call *c)
{
    answer_list(c, &(struct closed_list){"adjustments", "adjustments.read", print_differences});
}

static int print_proposals(struct buf *out, struct call *c, int32_t month, struct err *e)
{
    return month_print_proposals(out, c->d->months, month, &(struct month_sight){sees_agent, c}, e);
}

void api_month_proposals(struct call *c)
{
    answer_list(c, &(struct closed_list){"proposals", NULL, print_proposals});
}

static int print_perks(struct buf *out, struct call *c, int32_t month, struct err *e)
{
    return month_print_perks(out, c->d->months, month, e);
}

void api_month_perks(struct call *c)
{
    answer_list(c, &(struct closed_list){"perks", "perks.read", print_perks});
}

static bool sees_number(void *arg, uint32_t agent)
{
    return call_may_agent(arg, agent);
}

/* ?since=MONTH: those of this month or later, and what is open. */
void api_appeals(struct call *c)
{
    struct buf out = {0};
    struct str since = call_query(c, "since");
    struct appeal_query q = {.sees = sees_number, .arg = c, .since_ms = INT64_MIN};
    int32_t month;
    if (since.n && !call_month(c, since, &month)) {
        return;
    }
    if (since.n) {
        q.since_ms = tz_at(c->d->settings->tz, civil_month_first(month), 0);
    }
    pipeline_catch_up(c->d->pipeline);
    buf_put_str(&out, STR_LIT("{\"appeals\":"));
    appeal_print_list(&out, c->d->site, &q);
    buf_put_byte(&out, '}');
    call_answer_tagged(c, &out, 0);
}

/* --- who did what ------------------------------------------------------------------------------------------------- */

/* Whom an adjustment or a proposal is about. */
static int show_entry(struct buf *out, const struct months *m, const struct book_entry *entry, struct err *e)
{
    struct month_rows rows = {0};
    bool of_one = entry->kind == BOOK_ADJUSTED || entry->kind == BOOK_PROPOSAL;
    int bad = of_one ? months_entry_rows(m, entry->number, &rows, e) : 0;
    buf_put_str(out, STR_LIT("{\"agent\":"));
    show_text(out, rows.n ? rows.list[0].agent : (struct str){0});
    buf_put_str(out, STR_LIT(",\"entry\":"));
    month_print_entry(out, entry, false);
    buf_put_byte(out, '}');
    month_rows_fini(&rows);
    return bad;
}

struct looks {
    struct buf *out;
    char month[40]; /* as it stands in a line */
    size_t n;
};

static void show_look(void *arg, const struct audit_row *row)
{
    struct looks *l = arg;
    if (l->n == LOOKS_SHOWN || !memmem(row->line.p, row->line.n, l->month, strlen(l->month))) {
        return;
    }
    buf_put_str(l->out, l->n++ ? STR_LIT(",") : STR_LIT(""));
    buf_put_str(l->out, row->line);
}

/* Those about what was in the month. */
static void show_appeals(struct buf *out, struct call *c, int32_t month)
{
    const struct tz *tz = c->d->settings->tz;
    buf_put_str(out, STR_LIT(",\"appeals\":"));
    appeal_print_list(out, c->d->site,
                      &(struct appeal_query){.sees = sees_number,
                                             .arg = c,
                                             .since_ms = INT64_MIN,
                                             .about_ms = tz_at(tz, civil_month_first(month), 0),
                                             .until_ms = tz_at(tz, civil_month_first(month + 1), 0)});
}

static int show_trail(struct buf *out, struct call *c, int32_t month, struct err *e)
{
    size_t n, shown_n = 0;
    char text[16];
    struct months *m = c->d->months;
    const struct book_entry *list = months_entries(m, &n);
    int bad = 0;
    buf_printf(out, ",\"head\":\"%s\",\"entries\":[", months_head(m));
    for (size_t i = 0; i < n && !bad; i++) {
        if (list[i].month == month) {
            buf_put_str(out, shown_n++ ? STR_LIT(",") : STR_LIT(""));
            bad = show_entry(out, m, &list[i], e);
        }
    }
    civil_print_month(text, sizeof(text), month);
    struct looks l = {.out = out};
    snprintf(l.month, sizeof(l.month), "\"month\":\"%s\"", text);
    buf_put_byte(out, ']');
    show_appeals(out, c, month);
    buf_put_str(out, STR_LIT(",\"looks\":["));
    bad = bad || audit_recent(months_db(m), LOOKS_READ, show_look, &l, e);
    buf_put_str(out, STR_LIT("]}"));
    return bad ? -1 : 0;
}

void api_month_trail(struct call *c)
{
    struct buf out = {0};
    struct err e;
    int32_t month;
    if (!call_month(c, c->args[0], &month)) {
        return;
    }
    pipeline_catch_up(c->d->pipeline);
    begin_month(&out, month);
    int bad = show_trail(&out, c, month, &e);
    answer(c, &(struct made){&out, month, NULL, 0}, bad, &e);
}
