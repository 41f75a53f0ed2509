/* Formats by name. A workbook is written by its library to a path: here to a file in memory, that no disk sees. */
#include "kefu/daemon/month_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct {
    const char *name, *type, *ext;
} formats[] = {
    [FORMAT_CSV] = {"csv", "text/csv; charset=utf-8", "csv"},
    [FORMAT_XLSX] = {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
    [FORMAT_PAYROLL] = {"payroll", "text/csv; charset=utf-8", "csv"},
    [FORMAT_SLIPS] = {"slips", "text/html; charset=utf-8", "html"},
};
#define FORMATS_N (sizeof formats / sizeof *formats)

enum month_format month_format_find(struct str name)
{
    for (size_t i = FORMAT_CSV; i < FORMATS_N; i++)
        if (str_eq(name, str_of(formats[i].name)))
            return (enum month_format)i;
    return FORMAT_NONE;
}

static int read_whole(int fd, struct buf *out, struct err *e)
{
    char piece[16384];
    ssize_t n;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_set(e, "workbook", "cannot be read back: %s", strerror(errno));
    while ((n = read(fd, piece, sizeof piece)) > 0)
        buf_put(out, piece, (size_t)n);
    return n < 0 ? err_set(e, "workbook", "cannot be read back: %s", strerror(errno)) : 0;
}

static int make_workbook(struct buf *out, const struct export_month *m, struct err *e)
{
    char path[40];
    int fd = memfd_create("kefud-workbook", MFD_CLOEXEC);
    if (fd < 0)
        return err_set(e, "workbook", "no file can be made in memory: %s", strerror(errno));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int bad = export_xlsx(path, m, e) || read_whole(fd, out, e) ? -1 : 0;
    close(fd);
    return bad;
}

static int make_payroll(struct month_file *f, const struct export_month *m, const struct export_payroll *asked,
                        struct err *e)
{
    struct export_payroll p = {asked->columns ? asked->columns : "plain",
                               asked->component ? asked->component : "Performance Bonus",
                               asked->deduction ? asked->deduction : "Performance Bonus Deduction"};
    return export_payroll_csv(&f->bytes, m, &p, &f->without_n, e);
}

static int make_slips(struct month_file *f, const struct export_month *m, const struct month_file_ask *ask,
                      struct err *e)
{
    f->slips_n = export_slips(&f->bytes, m, ask->agent, !ask->english);
    return f->slips_n ? 0 : err_set(e, "slip", "nobody of this name has a row in the month");
}

int month_file_make(struct month_file *f, const struct export_month *m, const struct month_file_ask *ask, struct err *e)
{
    int bad = 0;
    *f = (struct month_file){.type = formats[ask->format].type, .ext = formats[ask->format].ext};
    switch (ask->format) {
    case FORMAT_CSV: export_csv(&f->bytes, m); break;
    case FORMAT_XLSX: bad = make_workbook(&f->bytes, m, e); break;
    case FORMAT_PAYROLL: bad = make_payroll(f, m, &ask->payroll, e); break;
    case FORMAT_SLIPS: bad = make_slips(f, m, ask, e); break;
    case FORMAT_NONE: bad = err_set(e, "format", "expected csv, xlsx, payroll or slips"); break;
    }
    if (bad)
        buf_fini(&f->bytes);
    return bad;
}
