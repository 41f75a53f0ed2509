/* Months as JSON for kefuctl and the board. Money is printed only where `pay` says so: to payroll, and to whom it concerns. */
#ifndef KEFU_DAEMON_MONTH_PRINT_H
#define KEFU_DAEMON_MONTH_PRINT_H

#include <stdbool.h>

#include "kefu/base/buf.h"
#include "kefu/daemon/month_draft.h"
#include "kefu/daemon/months.h"
#include "kefu/model/book.h"

/* {"number", "kind", "month", "version", "actor", "reason", "decision", "at", "as_of", "last_seq", "rulebook",
 * "rulebook_sha256", "fcr_pending", "rows", "prev", "sha256"[, "bonus_fen"]} */
void month_print_entry(struct buf *out, const struct book_entry *e, bool pay);
/* The row as in the book, with the person: {"agent", "name", "employee_no", "hired_on", "left_on", "person", "team", "moves",
 * "days", "employed_days", "exempt_days", "grace", "figures"[, "shops"], "kpis", "score_milli", "tier"[, "bonus_fen"], "perks", "actions",
 * "unqualified_months", "top_months"} */
void month_print_row(struct buf *out, const struct book_row *row, bool pay);
void month_print_rows(struct buf *out, const struct book_row *rows, size_t n, bool pay); /* [row, …] */
/* {"month", "state", "version"[, "closed": entry][, "held": […]]} (month_hold.h) */
void month_print_state(struct buf *out, const struct months *m, int32_t month, bool pay);

#endif
