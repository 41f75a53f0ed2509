/* kefuctl audit: who looked at pay, and whether the log of it is whole. Reads the store beside a running daemon. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kefu/ctl/commands.h"
#include "kefu/ctl/reach.h"
#include "kefu/store/audit.h"
#include "kefu/store/reader.h"

static void print_row(void *arg, const struct audit_row *row)
{
    (void)arg;
    printf("{\"number\":%" PRId64 ",\"hash\":\"%.*s\",\"line\":%.*s}\n", row->number, STR_ARG(row->hash),
           STR_ARG(row->line));
}

static enum cli_exit list(const struct cli *c, struct reader *r)
{
    struct err e;
    if (audit_each(&r->db, print_row, NULL, &e) < 0) {
        cli_say_err(c, &e);
        return CLI_BAD_INPUT;
    }
    return CLI_OK;
}

static enum cli_exit verify(const struct cli *c, struct reader *r)
{
    struct err e;
    int64_t n;
    char head[DIGEST_SHA256_HEX];
    if (audit_verify(&r->db, &n, head, &e) < 0) {
        cli_say_err(c, &e);
        return CLI_BAD_INPUT;
    }
    printf(c->json ? "{\"lines\":%" PRId64 ",\"head\":\"%s\"}\n" : "%" PRId64 " lines are whole; the head is %s\n", n,
           head);
    return CLI_OK;
}

static enum cli_exit run(const struct cli *c)
{
    char dir[REACH_PATH_MAX], path[REACH_PATH_MAX + 16];
    struct reader r;
    struct err e;
    const char *what = c->args_n == 1 ? c->args[0] : "";
    bool lists = strcmp(what, "list") == 0;
    if (!lists && strcmp(what, "verify") != 0) {
        cli_say(c, "expected: list or verify");
        return CLI_BAD_INPUT;
    }
    if (reach_state(c, dir, sizeof dir, &e)) {
        cli_say_err(c, &e);
        return CLI_FAILED;
    }
    snprintf(path, sizeof path, "%s/kefu.db", dir);
    if (reader_open(&r, path, &e)) {
        cli_say_err(c, &e);
        return CLI_FAILED;
    }
    enum cli_exit status = lists ? list(c, &r) : verify(c, &r);
    reader_close(&r);
    return status;
}

static const struct cli_option options[] = {{NULL, NULL, NULL}};

const struct command command_audit = {
    .name = "audit",
    .arguments = "list | verify [--json]",
    .summary = "who looked at pay or acted upon it; whether the log of it is whole",
    .help =
        "list prints a line of JSON for each look, the oldest first. verify counts the chain through and prints its\n"
        "head, which is that of the latest look in the daemon's log (evt=audit). Exit status 2 if the chain breaks.\n"
        "The daemon may run.\n",
    .options = options,
    .run = run,
};
