/* Files of a closed month, as kefuctl makes them (month_file.h): the table, the workbook, the payroll file, pay slips. Each is a line
 * in the audit log before it leaves. Nothing of it is kept by browsers or proxies. */
#include "kefu/daemon/api.h"

#include <stdio.h>
#include <string.h>

#include "kefu/base/fix.h"
#include "kefu/daemon/audited.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/month_file.h"
#include "kefu/daemon/month_export.h"
#include "kefu/daemon/show.h"

static const struct {
    const char *did;
    const char *zh; /* what the file is called */
} names[] = {
    [FORMAT_CSV] = {"export.csv", "绩效"},
    [FORMAT_XLSX] = {"export.xlsx", "绩效"},
    [FORMAT_PAYROLL] = {"export.payroll", "工资导入"},
    [FORMAT_SLIPS] = {"slip.read", "工资条"},
};

/* The name in ASCII for those who know no other, and in UTF-8: "绩效 晨光小店 2026-03.xlsx". */
static void name_file(struct call *c, const struct month_file_ask *ask, const char *ext)
{
    struct buf name = {0}, header = {0};
    struct str month = c->args[c->part == PART_PAY];
    buf_printf(&name, "%s %.*s %.*s", names[ask->format].zh, STR_ARG(c->d->settings->config.site), STR_ARG(month));
    if (ask->agent.n) {
        buf_printf(&name, " %.*s", STR_ARG(ask->agent));
    }
    buf_printf(&header, "%s; filename=\"kefud-%.*s.%s\"; filename*=UTF-8''",
               ask->format == FORMAT_SLIPS ? "inline" : "attachment", STR_ARG(month), ext);
    show_percent(&header, buf_str(&name));
    buf_printf(&header, ".%s", ext);
    buf_put_byte(&header, 0);
    http_add_header(c->r, "Content-Disposition", header.p);
    if (ask->format == FORMAT_SLIPS) {
        http_add_header(c->r, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    }
    buf_fini(&name);
    buf_fini(&header);
}

/* ?version=; 0: the one in force. False: answered. */
static bool read_version(struct call *c, int64_t *version)
{
    struct str text = call_query(c, "version");
    *version = 0;
    if (!text.n || (fix_parse_whole(text, version) == 0 && *version > 0 && *version <= 1000000)) {
        return true;
    }
    call_bad(c, "version: expected a whole number from 1 on");
    return false;
}

static const char *option_of(struct call *c, const char *name)
{
    return call_query(c, name).p; /* ends in a zero byte; NULL: not given */
}

static void answer_file(struct call *c, int32_t month, const struct month_file_ask *ask)
{
    struct month_export x = {0};
    struct month_file f;
    struct err e;
    int64_t version;
    char without[24];
    if (!read_version(c, &version)) {
        return;
    }
    int bad = month_export_read(&x, c->d->months, month, version, &e) < 0 || month_file_make(&f, &x.month, ask, &e) < 0;
    month_export_fini(&x);
    if (bad) {
        call_refused(c, &e);
        return;
    }
    name_file(c, ask, f.ext);
    snprintf(without, sizeof(without), "%zu", f.without_n);
    if (f.without_n) {
        http_add_header(c->r, "X-Kefud-Without-Employee-No", without);
    }
    audited_answer(c, &(struct audited){names[ask->format].did, ask->agent, month, f.type}, &f.bytes);
}

/* zh or en. False: answered. */
static bool read_language(struct call *c, bool *english)
{
    struct str lang = call_query(c, "lang");
    *english = str_eq(lang, STR_LIT("en"));
    if (!lang.n || *english || str_eq(lang, STR_LIT("zh"))) {
        return true;
    }
    call_bad(c, "lang: expected zh or en");
    return false;
}

void api_month_file(struct call *c)
{
    int32_t month;
    struct month_file_ask ask = {.format = month_format_find(c->args[1])};
    if (!call_month(c, c->args[0], &month)) {
        return;
    }
    if (ask.format == FORMAT_NONE) {
        call_not_found(c->r);
        return;
    }
    if (read_language(c, &ask.english)) {
        ask.payroll =
            (struct export_payroll){option_of(c, "columns"), option_of(c, "component"), option_of(c, "deduction")};
        answer_file(c, month, &ask);
    }
}

/* An agent's own, or any for payroll. */
void api_slip(struct call *c)
{
    int32_t month;
    struct month_file_ask ask = {.format = FORMAT_SLIPS, .agent = c->args[0]};
    if (!call_agent(c) || !call_month(c, c->args[1], &month)) {
        return;
    }
    if (read_language(c, &ask.english)) {
        answer_file(c, month, &ask);
    }
}
