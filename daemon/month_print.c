/* What the book holds, for those who ask. Keeps true: what is absent is not there, and no money without `pay`. */
#include "kefu/daemon/month_print.h"

#include <inttypes.h>

#include "kefu/daemon/month_hold.h"
#include "kefu/daemon/month_keep.h"

static void put_text(struct buf *out, const char *name, struct str s)
{
    if (!s.n)
        return;
    buf_printf(out, ",\"%s\":", name);
    buf_put_json(out, s);
}

static void put_whole(struct buf *out, const char *name, int64_t v)
{
    buf_printf(out, ",\"%s\":%" PRId64, name, v);
}

static void put_month(struct buf *out, int32_t month)
{
    char text[16];
    civil_print_month(text, sizeof text, month);
    put_text(out, "month", str_of(text));
}

void month_print_words(struct buf *out, const char *name, const struct str *words, size_t n)
{
    buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_put_byte(out, ',');
        buf_put_json(out, words[i]);
    }
    buf_put_byte(out, ']');
}

void month_print_entry(struct buf *out, const struct book_entry *e, bool pay)
{
    buf_printf(out, "{\"number\":%" PRId64, e->number);
    put_text(out, "kind", book_kind_word(e->kind));
    put_month(out, e->month);
    put_whole(out, "version", e->version);
    put_text(out, "actor", e->actor);
    put_text(out, "reason", e->reason);
    put_text(out, "decision", e->decision);
    put_text(out, "proposal", e->proposal);
    if (e->kind == BOOK_ADJUSTED)
        month_print_words(out, "evidence", e->evidence, e->evidence_n);
    put_whole(out, "at", e->at_ms);
    put_whole(out, "as_of", e->as_of);
    put_whole(out, "last_seq", (int64_t)e->last_seq);
    put_text(out, "rulebook", e->rulebook);
    put_text(out, "rulebook_sha256", e->rulebook_sha256);
    put_whole(out, "fcr_pending", e->pending_n);
    put_whole(out, "rows", e->rows_n);
    if (pay)
        put_whole(out, "bonus_fen", e->bonus_fen);
    put_text(out, "prev", e->prev);
    put_text(out, "sha256", e->sha256);
    buf_put_byte(out, '}');
}

void month_print_row(struct buf *out, const struct book_row *row, bool pay)
{
    buf_printf(out, "{\"number\":%" PRId64, row->number);
    put_text(out, "agent", row->agent);
    put_text(out, "name", row->name);
    put_text(out, "employee_no", row->employee_no);
    put_text(out, "hired_on", row->hired_on);
    put_text(out, "left_on", row->left_on);
    put_text(out, "person", row->person);
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
    char text[16];
    const struct book_entry *closing = months_closing(m, month);
    civil_print_month(text, sizeof text, month);
    buf_printf(out, "{\"month\":\"%s\",\"state\":\"%s\",\"version\":%" PRId64, text,
               month_state_word(months_state(m, month)), months_version(m, month));
    if (closing) {
        buf_put_str(out, STR_LIT(",\"closed\":"));
        month_print_entry(out, closing, pay);
    }
    month_print_holds(out, m, month);
    if (month_is_let_go(m, month))
        buf_put_str(out, STR_LIT(",\"let_go\":true"));
    buf_put_byte(out, '}');
}
