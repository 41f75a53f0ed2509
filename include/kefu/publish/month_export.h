/* A closed month as files for payroll: a table as CSV, a workbook, a payroll file, a slip a person.
 *
 * Plain functions of what the book holds and nothing else, not the clock either: the same month gives the same bytes each
 * time. All of it holds pay. Texts are UTF-8. A cell of text that a spreadsheet might take for a formula (it begins with
 * = + - @, also in their wide forms, or a control character) gets an apostrophe in front in CSV; in a workbook it is a text cell, which is none. */
#ifndef KEFU_PUBLISH_MONTH_EXPORT_H
#define KEFU_PUBLISH_MONTH_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/model/book.h"
#include "kefu/model/rulebook.h"

struct export_adjustment { /* accepted after the month before was closed: paid with this one */
    const struct book_entry *entry;
    const struct book_row *from, *to;
};

struct export_month { /* all borrowed */
    const struct book_entry *closing;
    const struct book_row *rows; /* as closed, by number */
    size_t rows_n;
    const struct export_adjustment *adjustments; /* in the order in which they were accepted */
    size_t adjustments_n;
    const struct rulebook *rulebook; /* of the closing */
};

/* Whoever was adjusted but has no row in this month any more is paid too: the agent of adjustment `at` as a row without figures;
 * false: the agent has a row, or was met at an adjustment before. */
bool export_leaver(const struct export_month *m, size_t at, struct book_row *out);
/* What of the adjustments is the agent's, in fen. */
int64_t export_adjusted_fen(const struct export_month *m, const struct book_row *row);
/* -12.34 of -1234. */
void export_put_fen(struct buf *out, int64_t fen);
/* Milli or micro units with all places. */
void export_put_decimal(struct buf *out, int64_t value, int places);

/* A row an agent (leavers with adjustments last), CRLF, with the byte order mark that Excel wants. */
void export_csv(struct buf *out, const struct export_month *m);

/* A payroll file: columns as "Title=field, Title=field …". Fields: agent, name, employee_no, team, tier, score, bonus,
 * adjustment, amount (both), amount_abs, component (of a payment), month, month_end (its last day), head, or 'a text'. Rows
 * whose amount is 0 are left out. `component` and `deduction` are what `component` says of amounts above and below 0. */
struct export_payroll {
    const char *columns; /* a list as above, or the name of one: "frappe", "plain" */
    const char *component, *deduction;
};
extern const char export_columns_frappe[], export_columns_plain[];
/* *without_n: rows that were left out for want of an employee number, if a column asks for one. -1 with e: the columns are
 * not as above. */
int export_payroll_csv(struct buf *out, const struct export_month *m, const struct export_payroll *p, size_t *without_n,
                       struct err *e);

/* Slips as one HTML page, a sheet a person: the agent's, or everybody's if the agent is absent. `zh`: in Chinese, else in
 * English. Returns how many there are. */
size_t export_slips(struct buf *out, const struct export_month *m, struct str agent, bool zh);

/* A workbook at `path`: summary, KPIs, adjustments, rulebook. -1 with e: it could not be written. */
int export_xlsx(const char *path, const struct export_month *m, struct err *e);

#endif
