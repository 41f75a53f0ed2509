/* What the files of `kefuctl month` share: the book of a store, opened for looking, and options of months. */
#ifndef KEFU_CTL_MONTH_H
#define KEFU_CTL_MONTH_H

#include "kefu/base/err.h"
#include "kefu/ctl/ask.h"
#include "kefu/ctl/cli.h"
#include "kefu/daemon/months.h"

/* Opens the book of the store that the command line names. NULL after a message. */
struct months *month_open(const struct cli *c);
/* The month that argument `at` gives. -1 after a message. */
int month_argument(const struct cli *c, size_t at, int32_t *month);
/* Prints rows as a table or, with --json, as they are; money with --pay alone. */
void month_show_rows(const struct cli *c, const struct book_row *rows, size_t n);
/* Appends what the command line asks the daemon to do, open at its end: the caller appends more members and the brace. */
void month_put_request(struct buf *out, const char *what, const struct cli *c);
/* Asks that of the month in args[1] and prints the answer. */
enum cli_exit month_ask(const struct cli *c, const char *what, void (*print)(const cJSON *answer));
/* Does the command line say who acts? -1 after a message. */
int month_named(const struct cli *c);
void month_print_act(const cJSON *answer);
/* Cells of a row as the daemon prints it: money, points, the tier. */
void month_fen_cell(struct grid *g, const cJSON *row, const char *key);
void month_milli_cell(struct grid *g, const cJSON *row);
void month_tier_cell(struct grid *g, const cJSON *row);
/* The actions adjustments, accept and reject (ctl/month_decide.c). */
enum cli_exit month_run_adjustments(const struct cli *c);
enum cli_exit month_run_decide(const struct cli *c);
/* The actions export and slip (ctl/month_export.c). */
enum cli_exit month_run_export(const struct cli *c);
enum cli_exit month_run_slip(const struct cli *c);

#endif
