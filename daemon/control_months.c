/* Months over the control socket: list, draft, close, open again. Who may open it may see pay. An act is answered when it is
 * durable; if the peer leaves before, it is done all the same. */
#include "kefu/daemon/control_ops.h"

#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/audited.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/month_adjust.h"
#include "kefu/daemon/month_deed.h"
#include "kefu/daemon/month_print.h"
#include "kefu/daemon/month_propose.h"

static int read_month(struct control_call *c, int32_t *month, struct err *e)
{
    struct str text;
    if (control_text(c->request, "month", &text, e) < 0) {
        return -1;
    }
    if (civil_parse_month(text, month) < 0) {
        return err_set(e, "month", "found \"%.*s\", expected a month such as \"2026-03\"", STR_ARG(text));
    }
    return 0;
}

enum control_outcome control_month_list(struct control_call *c, struct err *e)
{
    struct months *m = c->d->months;
    int32_t first, last;
    (void)e;
    months_range(m, &first, &last);
    buf_printf(c->out, ", \"head\": \"%s\", \"months\": [", months_head(m));
    for (int32_t month = last; month >= first; month--) {
        if (!months_has(m, month)) {
            continue;
        }
        buf_put_str(c->out, month < last ? STR_LIT(", ") : STR_LIT(""));
        month_print_state(c->out, m, month, true);
    }
    buf_put_byte(c->out, ']');
    return CONTROL_ANSWERED;
}

/* What a closing would freeze, and what is to be looked at before. */
enum control_outcome control_month_draft(struct control_call *c, struct err *e)
{
    struct daemon *d = c->d;
    struct month_draft draft;
    struct site_counts n;
    int32_t month;
    if (read_month(c, &month, e) < 0 || months_draft(d->months, month, &draft, e) < 0) {
        return CONTROL_REFUSED;
    }
    site_counts(d->site, &n);
    buf_put_str(c->out, STR_LIT(", \"status\": "));
    month_print_state(c->out, d->months, month, true);
    buf_printf(c->out,
               ", \"as_of\": %" PRId64 ", \"fcr_pending\": %" PRId64 ", \"bonus_fen\": %" PRId64
               ", \"waiting\": %" PRIu64 ", \"quarantined\": %zu, \"rulebook\": ",
               site_as_of(d->site), draft.pending_n, draft.bonus_fen, n.waiting_n,
               quarantine_n(pipeline_quarantine(d->pipeline)));
    buf_put_json(c->out, draft.rulebook->name);
    buf_put_str(c->out, STR_LIT(", \"rows\": "));
    month_print_rows(c->out, draft.rows, draft.rows_n, true);
    month_draft_free(&draft);
    return CONTROL_ANSWERED;
}

/* --- acts --------------------------------------------------------------------------------------------------------- */

struct asked {
    struct daemon *d;
    struct control_conn *conn;
};

static void on_done(void *arg, const struct book_entry *entry)
{
    struct asked *a = arg;
    struct buf members = {0};
    if (entry) {
        buf_put_str(&members, STR_LIT(", \"done\": true, \"entry\": "));
        month_print_entry(&members, entry, true);
    } else {
        buf_put_str(&members, STR_LIT(", \"done\": false"));
    }
    control_finish(a->conn, buf_str(&members));
    buf_fini(&members);
    free(a);
}

static void on_gone(void *arg)
{
    struct asked *a = arg;
    months_forget(a->d->months, a);
    free(a);
}

static int read_act(struct control_call *c, struct month_act *act, struct err *e)
{
    act->done = on_done;
    return read_month(c, &act->month, e) < 0 || control_text(c->request, "actor", &act->actor, e) < 0 ||
                   month_act_read(c->request, act, e) < 0
               ? -1
               : 0;
}

/* Already so: the entry that made it so is the answer. */
static void put_already(struct control_call *c, int32_t month)
{
    const struct book_entry *closing = months_closing(c->d->months, month);
    buf_put_str(c->out, STR_LIT(", \"done\": true, \"already\": true"));
    if (closing) {
        buf_put_str(c->out, STR_LIT(", \"entry\": "));
        month_print_entry(c->out, closing, true);
    }
}

static enum control_outcome act(struct control_call *c, enum month_deed deed, struct err *e)
{
    struct month_act act = {0};
    struct buf line = {0};
    struct asked *a = xcalloc(1, sizeof(*a));
    *a = (struct asked){c->d, c->conn};
    act.arg = a;
    enum month_outcome out = MONTH_REFUSED;
    if (read_act(c, &act, e) == 0) {
        struct audited what = {month_did(deed, act.accept), act.agent, act.month, NULL};
        control_print_act(c, act.actor, &what, &line);
        act.audit = buf_str(&line);
        out = month_do(c->d->months, deed, &act, e);
    }
    buf_fini(&line);
    if (out == MONTH_UNDER_WAY) {
        control_wait(c->conn, on_gone, a);
        return CONTROL_LATER;
    }
    free(a);
    if (out == MONTH_ALREADY) {
        put_already(c, act.month);
    }
    return out == MONTH_ALREADY ? CONTROL_ANSWERED : CONTROL_REFUSED;
}

enum control_outcome control_month_close(struct control_call *c, struct err *e)
{
    return act(c, DEED_CLOSE, e);
}

enum control_outcome control_month_adjust(struct control_call *c, struct err *e)
{
    return act(c, DEED_ADJUST, e);
}

enum control_outcome control_month_propose(struct control_call *c, struct err *e)
{
    return act(c, DEED_PROPOSE, e);
}

/* What a closed month proposes and brings. */
enum control_outcome control_month_proposals(struct control_call *c, struct err *e)
{
    int32_t month;
    if (read_month(c, &month, e) < 0) {
        return CONTROL_REFUSED;
    }
    buf_put_str(c->out, STR_LIT(", \"proposals\": "));
    int bad = month_print_proposals(c->out, c->d->months, month, NULL, e);
    buf_put_str(c->out, STR_LIT(", \"perks\": "));
    bad = bad || month_print_perks(c->out, c->d->months, month, e);
    return bad ? CONTROL_REFUSED : CONTROL_ANSWERED;
}

enum control_outcome control_month_bonus(struct control_call *c, struct err *e)
{
    int32_t month;
    if (read_month(c, &month, e) < 0) {
        return CONTROL_REFUSED;
    }
    buf_put_str(c->out, STR_LIT(", \"bonus\": "));
    return month_print_bonus(c->out, c->d->months, month, e) ? CONTROL_REFUSED : CONTROL_ANSWERED;
}

/* What came late for a closed month and is not decided. */
enum control_outcome control_month_adjustments(struct control_call *c, struct err *e)
{
    struct month_differences d = {0};
    int32_t month;
    int status = read_month(c, &month, e) < 0 || month_differences(c->d->months, month, &d, e) < 0 ? -1 : 0;
    if (status == 0) {
        buf_put_str(c->out, STR_LIT(", \"adjustments\": "));
        month_print_differences(c->out, &d);
    }
    month_differences_free(&d);
    return status < 0 ? CONTROL_REFUSED : CONTROL_ANSWERED;
}

enum control_outcome control_month_reopen(struct control_call *c, struct err *e)
{
    return act(c, DEED_REOPEN, e);
}
