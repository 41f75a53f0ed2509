/* What the book holds, for those who ask. Keeps true: what is absent is not there, and no money without `pay`. */
#include "kefu/daemon/month_print.h"

#include <inttypes.h>

#include "kefu/base/json_put.h"
#include "kefu/daemon/month_hold.h"
#include "kefu/daemon/month_keep.h"

static void put_month(struct buf *out, int32_t month)
{
    char text[16];
    civil_print_month(text, sizeof text, month);
    json_put_known(out, "month", str_of(text));
}

void month_print_entry(struct buf *out, const struct book_entry *e, bool pay)
{
    buf_put_byte(out, '{');
    json_put_whole(out, "number", e->number);
    json_put_known(out, "kind", book_kind_word(e->kind));
    put_month(out, e->month);
    json_put_whole(out, "version", e->version);
    json_put_known(out, "actor", e->actor);
    json_put_known(out, "reason", e->reason);
    json_put_known(out, "decision", e->decision);
    json_put_known(out, "proposal", e->proposal);
    if (e->kind == BOOK_ADJUSTED)
        json_put_texts(out, "evidence", e->evidence, e->evidence_n);
    json_put_whole(out, "at", e->at_ms);
    json_put_whole(out, "as_of", e->as_of);
    json_put_whole(out, "last_seq", (int64_t)e->last_seq);
    json_put_known(out, "rulebook", e->rulebook);
    json_put_known(out, "rulebook_sha256", e->rulebook_sha256);
    json_put_whole(out, "fcr_pending", e->pending_n);
    json_put_whole(out, "rows", e->rows_n);
    if (pay)
        json_put_whole(out, "bonus_fen", e->bonus_fen);
    json_put_known(out, "prev", e->prev);
    json_put_known(out, "sha256", e->sha256);
    buf_put_byte(out, '}');
}

void month_print_row(struct buf *out, const struct book_row *row, bool pay)
{
    buf_put_byte(out, '{');
    json_put_whole(out, "number", row->number);
    json_put_known(out, "agent", row->agent);
    json_put_known(out, "name", row->name);
    json_put_known(out, "employee_no", row->employee_no);
    json_put_known(out, "hired_on", row->hired_on);
    json_put_known(out, "left_on", row->left_on);
    json_put_known(out, "person", row->person);
    book_print_members(out, row, pay);
    buf_put_byte(out, '}');
}

void month_print_rows(struct buf *out, const struct book_row *rows, size_t n, bool pay)
{
    buf_put_byte(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_put_byte(out, ',');
        month_print_row(out, &rows[i], pay);
    }
    buf_put_byte(out, ']');
}

void month_print_state(struct buf *out, const struct months *m, int32_t month, bool pay)
{
    const struct book_entry *closing = months_closing(m, month);
    buf_put_byte(out, '{');
    put_month(out, month);
    json_put_text(out, "state", str_of(month_state_word(months_state(m, month))));
    json_put_whole(out, "version", months_version(m, month));
    if (closing) {
        json_put_name(out, "closed");
        month_print_entry(out, closing, pay);
    }
    month_print_holds(out, m, month);
    if (month_is_let_go(m, month))
        json_put_truth(out, "let_go", true);
    buf_put_byte(out, '}');
}
