/* Differences between closed rows and the totals of now.
 *
 * Keeps true: the totals stay a function of all events and the closed rows stay as they are; an adjustment is what lies
 * between. One that was rejected is not proposed again until the figures change once more. */
#include "kefu/daemon/month_adjust.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/json_put.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/month_book.h"
#include "kefu/daemon/month_keep.h"
#include "kefu/daemon/month_print.h"

static bool same_figures(const struct figures *a, const struct figures *b)
{
    return memcmp(a, b, sizeof *a) == 0; /* numbers alone, no padding */
}

static bool same_words(const struct str *a, size_t a_n, const struct str *b, size_t b_n)
{
    size_t i = 0;
    while (i < a_n && i < b_n && str_eq(a[i], b[i]))
        i++;
    return i == a_n && i == b_n;
}

/* What a row brought, here and in the months after it: these hang on how many there were in a row. */
static bool same_outcome(const struct book_row *a, const struct book_row *b)
{
    return same_figures(&a->figures, &b->figures) && a->total_milli == b->total_milli && str_eq(a->tier, b->tier) &&
           a->bonus_fen == b->bonus_fen && a->unqualified_months == b->unqualified_months &&
           a->top_months == b->top_months && same_words(a->perks, a->perks_n, b->perks, b->perks_n) &&
           same_words(a->actions, a->actions_n, b->actions, b->actions_n);
}

struct comparing {
    struct months *m;
    struct month_differences *out;
    const struct book_entry *closing;
};

static int add_difference(struct comparing *c, const struct book_row *now, const struct book_row *seen, struct err *e)
{
    static const struct book_row none = {.total_milli = SCORE_NONE};
    struct month_differences *out = c->out;
    const struct book_row *paid = months_find(out->paid.list, out->paid.n, now->agent);
    xgrow(&out->list, &out->cap, out->n + 1, sizeof *out->list);
    struct month_difference *d = &out->list[out->n++];
    *d = (struct month_difference){.paid = paid ? *paid : none, .now = *now};
    d->difference_fen = now->bonus_fen - d->paid.bonus_fen;
    struct month_late_question q = {out->month, now->agent, month_known_by(c->m, c->closing, seen)};
    return month_evidence(c->m, &q, &out->arena, &d->evidence, e);
}

/* Who had a row and would have none now: neither employed nor with any figure. */
static int compare_gone(struct comparing *c, const struct month_draft *d, struct err *e)
{
    const struct month_rows *seen = &c->out->seen;
    for (size_t i = 0; i < seen->n; i++) {
        const struct book_row *s = &seen->list[i];
        if (!s->agent.n || months_find(d->rows, d->rows_n, s->agent) || (!s->tier.n && !figures_any(&s->figures)))
            continue;
        struct book_row now = {.agent = s->agent,
                               .name = s->name,
                               .employee_no = s->employee_no,
                               .hired_on = s->hired_on,
                               .left_on = s->left_on,
                               .team = s->team,
                               .days = s->days,
                               .total_milli = SCORE_NONE};
        if (add_difference(c, &now, s, e))
            return -1;
    }
    return 0;
}

/* A row whose agent was closed, or who has figures now. */
static int compare(struct comparing *c, struct month_draft *d, struct err *e)
{
    static const struct book_row none = {.total_milli = SCORE_NONE};
    for (size_t i = 0; i < d->rows_n; i++) {
        const struct book_row *now = &d->rows[i];
        const struct book_row *seen = months_find(c->out->seen.list, c->out->seen.n, now->agent);
        if (!seen && !figures_any(&now->figures))
            continue; /* hired for then afterwards: no figure, no pay */
        if (!same_outcome(seen ? seen : &none, now) && add_difference(c, now, seen, e))
            return -1;
    }
    return compare_gone(c, d, e);
}

int month_differences(struct months *m, int32_t month, struct month_differences *out, struct err *e)
{
    const struct book_entry *closing = months_closing(m, month);
    struct comparing c = {.m = m, .out = out, .closing = closing};
    struct month_draft d;
    char text[16];
    *out = (struct month_differences){.month = month};
    civil_print_month(text, sizeof text, month);
    if (!closing)
        return err_refuse(e, "month_not_closed", text, "the month is not closed");
    if (month_is_let_go(m, month))
        return 0; /* what was not decided by then lapses */
    int bad = months_rows_now(m, month, &out->paid, e) || months_rows_seen(m, month, &out->seen, e) ||
              months_draft(m, month, &d, e);
    if (!bad) {
        bad = compare(&c, &d, e);
        free(d.rows);
        out->draft_arena = d.arena; /* the rows' strings */
    }
    return bad ? -1 : 0;
}

void month_differences_free(struct month_differences *d)
{
    free(d->list);
    month_rows_fini(&d->paid);
    month_rows_fini(&d->seen);
    arena_fini(&d->arena);
    arena_fini(&d->draft_arena);
    *d = (struct month_differences){0};
}

static void print_changed(struct buf *out, const struct book_row *a, const struct book_row *b)
{
    struct str names[64];
    size_t n = 0;
#define X(name)                                                                                                        \
    if (a->figures.name != b->figures.name)                                                                            \
        names[n++] = STR_LIT(#name);
    FIGURES(X)
#undef X
    if (a->unqualified_months != b->unqualified_months)
        names[n++] = STR_LIT("unqualified_months");
    if (a->top_months != b->top_months)
        names[n++] = STR_LIT("top_months");
    if (!same_words(a->perks, a->perks_n, b->perks, b->perks_n))
        names[n++] = STR_LIT("perks");
    if (!same_words(a->actions, a->actions_n, b->actions, b->actions_n))
        names[n++] = STR_LIT("actions");
    json_put_texts(out, "changed", names, n);
}

static void print_evidence(struct buf *out, const struct month_evidence *e)
{
    buf_put_str(out, STR_LIT(",\"evidence\":["));
    for (size_t i = 0; i < e->n; i++)
        buf_printf(out, "%s[%.*s]", i ? "," : "", STR_ARG(e->words[i]));
    buf_printf(out, "],\"evidence_all\":%" PRId64, e->all_n);
}

void month_print_differences(struct buf *out, const struct month_differences *d)
{
    buf_put_byte(out, '[');
    for (size_t i = 0; i < d->n; i++) {
        const struct month_difference *x = &d->list[i];
        buf_put_str(out, i ? STR_LIT(",{\"agent\":") : STR_LIT("{\"agent\":"));
        buf_put_json(out, x->now.agent);
        buf_put_str(out, STR_LIT(",\"from\":"));
        month_print_row(out, &x->paid, true);
        buf_put_str(out, STR_LIT(",\"to\":"));
        month_print_row(out, &x->now, true);
        buf_printf(out, ",\"difference_fen\":%" PRId64, x->difference_fen);
        print_changed(out, &x->paid, &x->now);
        print_evidence(out, &x->evidence);
        buf_put_byte(out, '}');
    }
    buf_put_byte(out, ']');
}

/* --- deciding ----------------------------------------------------------------------------------------------------- */

static const struct month_difference *find(const struct month_differences *d, struct str agent)
{
    for (size_t i = 0; i < d->n; i++)
        if (str_eq(d->list[i].now.agent, agent))
            return &d->list[i];
    return NULL;
}

static enum month_outcome send(struct months *m, const struct month_act *act, struct month_difference *x, struct err *e)
{
    struct event event = {.type = EVENT_ADJUSTMENT_DECIDED, .how = act->accept ? DECIDED_ACCEPTED : DECIDED_REJECTED};
    const struct book_entry *closing = months_closing(m, act->month);
    struct month_parcel *p = month_parcel_new(m, act, BOOK_ADJUSTED);
    x->paid.agent = x->now.agent; /* of one who had no row, too */
    event.strs[EVENT_AGENT] = x->now.agent;
    month_parcel_row(p, &x->paid);
    month_parcel_row(p, &x->now);
    p->entry.decision = act->accept ? STR_LIT("accepted") : STR_LIT("rejected");
    p->entry.bonus_fen = act->accept ? x->difference_fen : 0;
    p->entry.as_of = site_as_of(m->o.site);
    p->entry.last_seq = checkpoint_seq(pipeline_checkpoint(m->o.pipeline));
    p->entry.rulebook = closing->rulebook;
    p->entry.rulebook_sha256 = closing->rulebook_sha256;
    p->entry.evidence_n = x->evidence.n;
    p->entry.evidence_all_n = x->evidence.all_n;
    for (size_t i = 0; i < x->evidence.n; i++)
        p->entry.evidence[i] = x->evidence.words[i];
    return month_book_send(p, &event, e);
}

/* May it be decided? -1 with e. */
static int check(const struct months *m, const struct month_act *act, const struct month_difference *x, struct err *e)
{
    if (!x && month_is_let_go(m, act->month))
        return err_refuse(e, "month_let_go", "month",
                          "its evidence was let go of (evidence_months): its closed rows are final");
    if (!x)
        return err_refuse(e, "no_adjustment", "agent", "\"%.*s\" has no open adjustment in this month",
                          STR_ARG(act->agent));
    if (!act->has_seen)
        return err_set(e, "difference_fen", "expected the difference that is decided about");
    if (act->seen_fen != x->difference_fen)
        return err_refuse(e, "moved", "difference_fen", "the difference is another one by now; look at it again");
    if (month_late_is_owed(m))
        return err_refuse(e, "act_busy", "", "its evidence is on its way to the disk; ask again in a moment");
    return 0;
}

enum month_outcome months_adjust(struct months *m, const struct month_act *act, struct err *e)
{
    struct month_differences d = {0};
    enum month_outcome out = MONTH_REFUSED;
    if (month_book_check(m, act, e) == 0 && month_differences(m, act->month, &d, e) == 0) {
        struct month_difference *x = (struct month_difference *)find(&d, act->agent);
        out = check(m, act, x, e) < 0 ? MONTH_REFUSED : send(m, act, x, e);
    }
    month_differences_free(&d);
    return out;
}
