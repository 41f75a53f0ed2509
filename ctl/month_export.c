/* kefuctl month export and slip: a closed month as files, from the store itself.
 *
 * Keeps true: a file is there whole or as it was before; its mode is 0600, for it holds pay. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/ctl/month.h"
#include "kefu/ctl/reach.h"
#include "kefu/daemon/month_export.h"
#include "kefu/daemon/month_file.h"

static const char *option_or(const struct cli *c, const char *name, const char *otherwise)
{
    const char *v = cli_value(c, name);
    return v ? v : otherwise;
}

static int fail(const struct cli *c, const struct err *e)
{
    cli_say_err(c, e);
    return -1;
}

/* Writes beside the file, and only then calls it FILE. */
static int write_file(const struct cli *c, const char *path, struct str bytes)
{
    char part[REACH_PATH_MAX + 8];
    struct err e;
    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part)
        return fail(c, (err_set(&e, path, "the path is too long"), &e));
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool bad = fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n || fsync(fd) != 0 || rename(part, path) != 0;
    if (bad)
        err_set(&e, part, "cannot be written: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return bad ? fail(c, &e) : 0;
}

static int put_out(const struct cli *c, struct str bytes)
{
    const char *path = option_or(c, "out", "-");
    if (strcmp(path, "-") != 0)
        return write_file(c, path, bytes);
    if (fwrite(bytes.p, 1, bytes.n, stdout) == bytes.n && fflush(stdout) == 0)
        return 0;
    cli_say(c, "the export could not be written whole");
    return -1;
}

static enum cli_exit put_file(const struct cli *c, const struct export_month *m, const struct month_file_ask *ask)
{
    struct month_file f;
    struct err e;
    if (month_file_make(&f, m, ask, &e))
        return fail(c, &e) ? CLI_FAILED : CLI_OK;
    int bad = put_out(c, buf_str(&f.bytes));
    buf_fini(&f.bytes);
    if (f.without_n)
        cli_say(c,
                "%zu agents to be paid have no employee number and are not in the file; kefuctl month show names them",
                f.without_n);
    return bad ? CLI_FAILED : f.without_n ? CLI_BAD_INPUT : CLI_OK;
}

static enum cli_exit put_slips(const struct cli *c, const struct export_month *m)
{
    struct month_file_ask ask = {.format = FORMAT_SLIPS,
                                 .agent = str_of(c->args_n > 2 ? c->args[2] : NULL),
                                 .english = strcmp(option_or(c, "lang", "zh"), "en") == 0};
    return put_file(c, m, &ask);
}

static enum cli_exit put_export(const struct cli *c, const struct export_month *m)
{
    const char *format = option_or(c, "format", "csv"), *path = option_or(c, "out", "-");
    struct month_file_ask ask = {
        .format = month_format_find(str_of(format)),
        .payroll = {cli_value(c, "columns"), cli_value(c, "component"), cli_value(c, "deduction")}};
    if (ask.format == FORMAT_NONE || ask.format == FORMAT_SLIPS) {
        cli_say(c, "--format: found \"%s\", expected csv, xlsx or payroll", format);
        return CLI_BAD_INPUT;
    }
    if (ask.format == FORMAT_XLSX && strcmp(path, "-") == 0) {
        cli_say(c, "a workbook needs --out FILE");
        return CLI_FAILED;
    }
    return put_file(c, m, &ask);
}

static enum cli_exit with_month(const struct cli *c,
                                enum cli_exit (*how)(const struct cli *, const struct export_month *))
{
    struct month_export x = {0};
    struct err e;
    int32_t month;
    int64_t version = 0;
    if (month_argument(c, 1, &month) || cli_number(c, "version", 1, 1000000, &version))
        return CLI_BAD_INPUT;
    struct months *m = month_open(c);
    if (!m)
        return CLI_FAILED;
    enum cli_exit status = CLI_FAILED;
    if (month_export_read(&x, m, month, version, &e))
        cli_say_err(c, &e);
    else
        status = how(c, &x.month);
    month_export_fini(&x);
    months_free(m);
    return status;
}

enum cli_exit month_run_export(const struct cli *c)
{
    return with_month(c, put_export);
}

enum cli_exit month_run_slip(const struct cli *c)
{
    const char *lang = option_or(c, "lang", "zh");
    if (strcmp(lang, "zh") == 0 || strcmp(lang, "en") == 0)
        return with_month(c, put_slips);
    cli_say(c, "--lang: found \"%s\", expected zh or en", lang);
    return CLI_BAD_INPUT;
}
