/* A closed month as a file of bytes: the one way from a name of a format to its bytes, for kefuctl and for the daemon's HTTP, so
 * that both give the same. All of it holds pay. */
#ifndef KEFU_DAEMON_MONTH_FILE_H
#define KEFU_DAEMON_MONTH_FILE_H

#include "kefu/publish/month_export.h"

enum month_format { FORMAT_NONE = 0, FORMAT_CSV, FORMAT_XLSX, FORMAT_PAYROLL, FORMAT_SLIPS };
enum month_format month_format_find(struct str name); /* "csv", "xlsx", "payroll", "slips" */

struct month_file_ask {
    enum month_format format;
    struct export_payroll payroll; /* NULL: plain, and the names of docs/months.md */
    struct str agent;              /* slips: this agent's; absent: everybody's */
    bool english;                  /* slips: in English, else in Chinese */
};
struct month_file {
    struct buf bytes;       /* the caller's */
    const char *type, *ext; /* of HTTP and of file names; static */
    size_t without_n;       /* payroll: rows left out for want of an employee number */
    size_t slips_n;
};
/* -1 with e: columns that are none, nobody of this name, or no memory file could be made. bytes are then empty. */
int month_file_make(struct month_file *f, const struct export_month *m, const struct month_file_ask *ask,
                    struct err *e);

#endif
