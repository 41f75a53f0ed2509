/* What the files of `kefuctl month` share: the book of a store, opened for looking, and options of months. */
#ifndef KEFU_CTL_MONTH_H
#define KEFU_CTL_MONTH_H

#include "kefu/base/err.h"
#include "kefu/ctl/cli.h"
#include "kefu/daemon/months.h"

/* Opens the book of the store that the command line names. NULL after a message. */
struct months *month_open(const struct cli *c);
/* The month that argument `at` gives. -1 after a message. */
int month_argument(const struct cli *c, size_t at, int32_t *month);
/* Prints rows as a table or, with --json, as they are; money with --pay alone. */
void month_show_rows(const struct cli *c, const struct book_row *rows, size_t n);
/* The actions export and slip (ctl/month_export.c). */
enum cli_exit month_run_export(const struct cli *c);
enum cli_exit month_run_slip(const struct cli *c);

#endif
