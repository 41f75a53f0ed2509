/* Proposals, perks, and the bonus of a team.
 *
 * Keeps true: nothing that hurts a person happens by the calendar or before the days of appeal are over; each is decided once. */
#include "kefu/daemon/month_propose.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/month_book.h"
#include "kefu/daemon/month_shops.h"
#include "kefu/rules/pay.h"

#define DAY_MS INT64_C(86400000)

/* A closed month with what was decided about its proposals. */
struct looking {
    const struct months *m;
    const struct book_entry *closing;
    struct month_rows rows;
    int64_t appeal_ms;
};

static int look(struct looking *l, struct months *m, int32_t month, struct err *e)
{
    char text[16];
    *l = (struct looking){.m = m, .closing = months_closing(m, month)};
    civil_print_month(text, sizeof text, month);
    if (!l->closing)
        return err_refuse(e, "month_not_closed", text, "the month is not closed");
    const struct rulebook *r = rulebooks_for_day(m->o.rulebooks, civil_month_first(month));
    l->appeal_ms = r->appeal_days * DAY_MS;
    return months_rows_now(m, month, &l->rows, e);
}

static void look_end(struct looking *l)
{
    month_rows_fini(&l->rows);
}

/* The entry that decided; NULL: none did. */
static const struct book_entry *decided(struct looking *l, struct str agent, struct str proposal)
{
    const struct book_entry *found = NULL;
    for (size_t i = 0; i < l->m->entries_n; i++) {
        const struct book_entry *e = &l->m->entries[i];
        struct month_rows rows;
        struct err unread;
        if (e->kind != BOOK_PROPOSAL || e->month != l->closing->month || e->number < l->closing->number ||
            !str_eq(e->proposal, proposal))
            continue;
        if (months_entry_rows(l->m, e->number, &rows, &unread) == 0 && rows.n && str_eq(rows.list[0].agent, agent))
            found = e;
        month_rows_fini(&rows);
    }
    return found;
}

static bool hurts(struct str proposal)
{
    return !str_eq(proposal, PAY_TEAM_LEAD);
}

/* The days of appeal begin when it was first known: with the closing, or with the adjustment by which the row is as it is. */
static int64_t confirm_from(const struct looking *l, const struct book_row *r, struct str proposal)
{
    const struct book_entry *known = month_known_by(l->m, l->closing, r);
    return known->at_ms + (hurts(proposal) ? l->appeal_ms : 0);
}

static void print_proposal(struct buf *out, struct looking *l, const struct book_row *r, struct str proposal)
{
    const struct book_entry *by = decided(l, r->agent, proposal);
    int64_t months = str_eq(proposal, PAY_TEAM_LEAD) ? r->top_months : r->unqualified_months;
    buf_put_str(out, STR_LIT("{\"agent\":"));
    buf_put_json(out, r->agent);
    buf_put_str(out, STR_LIT(",\"proposal\":"));
    buf_put_json(out, proposal);
    buf_printf(out, ",\"months\":%" PRId64 ",\"confirm_from\":%" PRId64 ",\"state\":", months,
               confirm_from(l, r, proposal));
    buf_put_json(out, by ? by->decision : STR_LIT("open"));
    if (by) {
        buf_put_str(out, STR_LIT(",\"decided_by\":"));
        buf_put_json(out, by->actor);
        buf_printf(out, ",\"decided_at\":%" PRId64 ",\"reason\":", by->at_ms);
        buf_put_json(out, by->reason);
    }
    buf_put_byte(out, '}');
}

static bool is_told(const struct month_sight *sight, const struct book_row *r)
{
    return r->agent.n && (!sight || sight->sees(sight->arg, r->agent));
}

int month_print_proposals(struct buf *out, struct months *m, int32_t month, const struct month_sight *sight,
                          struct err *e)
{
    struct looking l;
    size_t n = 0;
    int bad = look(&l, m, month, e);
    buf_put_byte(out, '[');
    for (size_t i = 0; !bad && i < l.rows.n; i++)
        for (size_t k = 0; is_told(sight, &l.rows.list[i]) && k < l.rows.list[i].actions_n; k++) {
            if (n++)
                buf_put_byte(out, ',');
            print_proposal(out, &l, &l.rows.list[i], l.rows.list[i].actions[k]);
        }
    buf_put_byte(out, ']');
    look_end(&l);
    return bad;
}

static bool has_word(const struct str *list, size_t n, struct str word)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i], word))
            return true;
    return false;
}

static int check_proposal(struct looking *l, const struct month_act *act, const struct book_row **row, struct err *e)
{
    char at[32];
    *row = months_find(l->rows.list, l->rows.n, act->agent);
    struct ingest *in = pipeline_ingest(l->m->o.pipeline);
    if (!*row || !has_word((*row)->actions, (*row)->actions_n, act->proposal))
        return err_refuse(e, "no_proposal", "proposal", "the month proposes no \"%.*s\" for \"%.*s\"",
                          STR_ARG(act->proposal), STR_ARG(act->agent));
    if (decided(l, act->agent, act->proposal))
        return err_refuse(e, "proposal_decided", "proposal", "is decided already");
    int64_t from_ms = confirm_from(l, *row, act->proposal);
    if (!act->accept || in->now_ms(in) >= from_ms)
        return 0;
    rfc3339_print(at, sizeof at, from_ms);
    err_refuse(e, "proposal_early", "proposal", "can be confirmed from %s on, when the days of appeal are over", at);
    snprintf(at, sizeof at, "%" PRId64, from_ms);
    return err_value(e, at);
}

enum month_outcome months_propose(struct months *m, const struct month_act *act, struct err *e)
{
    struct event event = {.type = EVENT_PROPOSAL_DECIDED, .how = act->accept ? DECIDED_ACCEPTED : DECIDED_REJECTED};
    struct looking l = {0};
    const struct book_row *row;
    enum month_outcome out = MONTH_REFUSED;
    if (month_book_check(m, act, e) || look(&l, m, act->month, e) || check_proposal(&l, act, &row, e))
        goto out;
    struct book_row copy = *row;
    struct month_parcel *p = month_parcel_new(m, act, BOOK_PROPOSAL);
    event.strs[EVENT_AGENT] = act->agent;
    event.strs[EVENT_REF] = act->proposal;
    month_parcel_row(p, &copy);
    p->entry.decision = act->accept ? STR_LIT("accepted") : STR_LIT("rejected");
    p->entry.proposal = act->proposal;
    p->entry.as_of = l.closing->as_of;
    p->entry.last_seq = l.closing->last_seq;
    p->entry.rulebook = l.closing->rulebook;
    p->entry.rulebook_sha256 = l.closing->rulebook_sha256;
    out = month_book_send(p, &event, e);
out:
    look_end(&l);
    return out;
}

/* --- perks -------------------------------------------------------------------------------------------------------- */

/* The first of the months in a row, up to `month`, that brought the agent this perk. */
static int32_t since(struct months *m, int32_t month, struct str agent, struct str perk)
{
    bool has = true;
    while (has && months_closing(m, month - 1)) {
        struct month_rows rows;
        struct err unread;
        int bad = months_rows_now(m, month - 1, &rows, &unread);
        const struct book_row *r = bad ? NULL : months_find(rows.list, rows.n, agent);
        has = r && has_word(r->perks, r->perks_n, perk);
        month -= has;
        month_rows_fini(&rows);
    }
    return month;
}

int month_print_perks(struct buf *out, struct months *m, int32_t month, struct err *e)
{
    struct looking l;
    char text[16];
    size_t n = 0;
    int bad = look(&l, m, month, e);
    buf_put_byte(out, '[');
    for (size_t i = 0; !bad && i < l.rows.n; i++)
        for (size_t k = 0; l.rows.list[i].agent.n && k < l.rows.list[i].perks_n; k++) {
            civil_print_month(text, sizeof text, since(m, month, l.rows.list[i].agent, l.rows.list[i].perks[k]));
            buf_put_str(out, n++ ? STR_LIT(",{\"agent\":") : STR_LIT("{\"agent\":"));
            buf_put_json(out, l.rows.list[i].agent);
            buf_put_str(out, STR_LIT(",\"perk\":"));
            buf_put_json(out, l.rows.list[i].perks[k]);
            buf_printf(out, ",\"since\":\"%s\"}", text);
        }
    buf_put_byte(out, ']');
    look_end(&l);
    return bad;
}

/* --- the bonus of teams ------------------------------------------------------------------------------------------- */

struct team {
    struct str name;
    int64_t agents_n, bonus_fen, projected_fen;
};

struct teams {
    struct team *list; /* owned; in the order in which they are met */
    size_t n, cap;
    struct team all;
    struct shop_sums shops;
};

static void add_to(struct team *t, int64_t bonus_fen, int64_t projected_fen)
{
    t->agents_n++;
    t->bonus_fen += bonus_fen;
    t->projected_fen += projected_fen;
}

static void add_row(struct teams *t, const struct book_row *r, int64_t projected_fen)
{
    size_t i = 0;
    while (i < t->n && !str_eq(t->list[i].name, r->team))
        i++;
    if (i == t->n) {
        xgrow(&t->list, &t->cap, t->n + 1, sizeof *t->list);
        t->list[t->n++] = (struct team){.name = r->team};
    }
    add_to(&t->list[i], r->bonus_fen, projected_fen);
    add_to(&t->all, r->bonus_fen, projected_fen);
    shop_sums_add(&t->shops, r, projected_fen);
}

/* As if the month went on as so far: of its days, `past` are over. */
static int64_t project(const struct rulebook *r, const struct book_row *row, bool had_orders, int64_t past)
{
    struct book_row at_end = {.figures = row->figures,
                              .days = row->days,
                              .employed_days = row->employed_days,
                              .exempt_days = row->exempt_days,
                              .grace = row->grace};
    if (past > 0 && past < row->days) {
        at_end.figures.handled = fix_div_round((__int128)row->figures.handled * row->days, past);
        at_end.figures.cross = fix_div_round((__int128)row->figures.cross * row->days, past);
        at_end.figures.resolved = fix_div_round((__int128)row->figures.resolved * row->days, past);
        at_end.figures.resolved_within = fix_div_round((__int128)row->figures.resolved_within * row->days, past);
    }
    pay_row(r, had_orders, NULL, &at_end);
    return at_end.bonus_fen;
}

static void print_team(struct buf *out, const struct team *t)
{
    buf_put_str(out, STR_LIT("{\"team\":"));
    buf_put_json(out, t->name);
    buf_printf(out, ",\"agents\":%" PRId64 ",\"bonus_fen\":%" PRId64 ",\"projected_fen\":%" PRId64 "}", t->agents_n,
               t->bonus_fen, t->projected_fen);
}

static void add_draft(struct teams *t, const struct months *m, const struct month_draft *d)
{
    int64_t past = tz_day(m->o.tz, site_as_of(m->o.site)) - civil_month_first(d->month) + 1;
    bool had_orders = site_had_orders(m->o.site, PERIOD_MONTH, d->month);
    for (size_t i = 0; i < d->rows_n; i++)
        add_row(t, &d->rows[i], project(d->rulebook, &d->rows[i], had_orders, past));
}

int month_print_bonus(struct buf *out, struct months *m, int32_t month, struct err *e)
{
    struct teams t = {0};
    struct looking l = {0};
    struct month_draft d = {0};
    shop_sums_init(&t.shops);
    int bad = months_closing(m, month) ? look(&l, m, month, e) : months_draft(m, month, &d, e);
    if (!bad) {
        for (size_t i = 0; i < l.rows.n; i++)
            add_row(&t, &l.rows.list[i], l.rows.list[i].bonus_fen);
        if (!l.closing)
            add_draft(&t, m, &d);
        buf_printf(out, "{\"bonus_fen\":%" PRId64 ",\"projected_fen\":%" PRId64 ",\"teams\":[", t.all.bonus_fen,
                   t.all.projected_fen);
        for (size_t i = 0; i < t.n; i++) {
            if (i)
                buf_put_byte(out, ',');
            print_team(out, &t.list[i]);
        }
        buf_put_str(out, STR_LIT("],\"shops\":"));
        shop_sums_print(out, &t.shops);
        buf_put_byte(out, '}');
    }
    free(t.list);
    shop_sums_fini(&t.shops);
    look_end(&l);
    month_draft_free(&d);
    return bad;
}
