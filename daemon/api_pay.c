/* Pay of a month: of one agent, of everybody, and by team. Of a closed month what the book holds, else what a closing would
 * bring now. Every look is in the audit log, on disk, before the answer leaves (audited.h). */
#include "kefu/daemon/api.h"

#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/json_put.h"
#include "kefu/daemon/audited.h"
#include "kefu/daemon/booked.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/month_print.h"
#include "kefu/daemon/month_propose.h"
#include "kefu/daemon/show.h"

/* What goes with a tier. */
struct extras {
    int64_t bonus_fen; /* VIEW_NONE: not rated */
    const struct str *perks, *actions;
    size_t perks_n, actions_n;
};

static void show_extras(struct buf *out, const struct extras *x)
{
    buf_put_str(out, STR_LIT(",\"bonus_fen\":"));
    show_number(out, x->bonus_fen);
    json_put_texts(out, "perks", x->perks, x->perks_n);
    json_put_texts(out, "actions", x->actions, x->actions_n);
}

static void show_head(struct buf *out, const struct booked *b)
{
    char text[16];
    civil_print_month(text, sizeof(text), b->month);
    buf_printf(out, "\"month\":\"%s\",\"state\":\"%s\"", text, b->closing ? "closed" : "provisional");
}

static void show_pay(struct buf *out, const struct booked *b, const struct book_row *r)
{
    const struct tier *t = booked_tier(b, r);
    int64_t adjusted_fen = booked_adjusted_fen(b, r);
    struct show_who who = {booked_key(r), r->name, r->team, r->employee_no, true};
    buf_put_byte(out, '{');
    show_who(out, &who);
    buf_put_byte(out, ',');
    show_head(out, b);
    buf_put_str(out, STR_LIT(",\"tier\":"));
    show_tier(out, t);
    show_extras(out, &(struct extras){t ? r->bonus_fen : VIEW_NONE, r->perks, r->actions, r->perks_n, r->actions_n});
    buf_printf(out, ",\"adjusted_fen\":%" PRId64 ",\"amount_fen\":%" PRId64 "}", adjusted_fen,
               r->bonus_fen + adjusted_fen);
}

/* The rows of a month that was asked for. False: answered. */
static bool read_booked(struct call *c, int32_t month, struct booked *b)
{
    struct err e;
    if (booked_read(b, c->d->months, month, &e) == 0) {
        booked_add_leavers(b);
        return true;
    }
    booked_fini(b);
    call_failed(c, &e);
    return false;
}

void api_pay(struct call *c)
{
    struct buf out = {0};
    struct booked b;
    int32_t month;
    uint32_t agent = call_agent(c);
    if (!agent || !call_month(c, c->args[1], &month) || !read_booked(c, month, &b)) {
        return;
    }
    struct book_row none = {.agent = c->args[0], .total_milli = SCORE_NONE};
    const struct book_row *row = booked_find(&b, c->args[0]);
    buf_put_byte(&out, '{');
    show_time(&out, "as_of", b.closing ? b.closing->as_of : site_as_of(c->d->site));
    buf_put_str(&out, STR_LIT(",\"pay\":"));
    show_pay(&out, &b, row ? row : &none);
    buf_put_str(&out, STR_LIT(",\"tiers\":["));
    for (size_t i = 0; i < b.rulebook->tiers_n; i++) {
        const struct tier *t = &b.rulebook->tiers[i];
        buf_put_str(&out, i ? STR_LIT(",{\"tier\":") : STR_LIT("{\"tier\":"));
        show_tier(&out, t);
        show_extras(&out, &(struct extras){t->bonus_fen, t->perks, t->actions, t->perks_n, t->actions_n});
        buf_put_byte(&out, '}');
    }
    buf_put_str(&out, STR_LIT("]}"));
    booked_fini(&b);
    audited_answer(c, &(struct audited){"pay.read", c->args[0], month, NULL}, &out);
}

static int64_t sum_of(const struct booked *b)
{
    int64_t sum = 0;
    for (size_t i = 0; i < b->n; i++) {
        sum += b->rows[i].bonus_fen;
    }
    return sum;
}

/* The rows of a page and what follows; the whole list if there is no page. */
static void show_rows(struct buf *out, const struct booked *b, const struct call_page *page)
{
    size_t shown_n = 0, i = 0;
    while (page->after.n && i < b->n && str_cmp(booked_key(&b->rows[i]), page->after) <= 0) {
        i++;
    }
    for (; i < b->n && shown_n < page->limit; i++) {
        buf_put_str(out, shown_n++ ? STR_LIT(",") : STR_LIT(""));
        show_pay(out, b, &b->rows[i]);
    }
    buf_put_str(out, STR_LIT("],\"next\":"));
    show_text(out, i < b->n ? booked_key(&b->rows[i - 1]) : (struct str){0});
    buf_put_byte(out, '}');
}

void api_payroll(struct call *c)
{
    struct call_page page;
    struct booked b;
    struct buf out = {0};
    int32_t month;
    if (!call_month(c, c->args[0], &month) || !call_page(c, &page) || !read_booked(c, month, &b)) {
        return;
    }
    buf_put_byte(&out, '{');
    show_time(&out, "as_of", b.closing ? b.closing->as_of : site_as_of(c->d->site));
    buf_put_byte(&out, ',');
    show_head(&out, &b);
    buf_printf(&out, ",\"signed\":%s,\"total_fen\":%" PRId64 ",\"rows\":[", b.closing ? "true" : "false", sum_of(&b));
    show_rows(&out, &b, &page);
    booked_fini(&b);
    audited_answer(c, &(struct audited){"pay.read", {0}, month, NULL}, &out);
}

void api_bonus(struct call *c)
{
    struct buf out = {0};
    struct err e;
    int32_t month;
    if (!call_month(c, c->args[0], &month)) {
        return;
    }
    if (month_print_bonus(&out, c->d->months, month, &e) < 0) {
        buf_fini(&out);
        call_failed(c, &e);
        return;
    }
    audited_answer(c, &(struct audited){"bonus.read", {0}, month, NULL}, &out);
}
