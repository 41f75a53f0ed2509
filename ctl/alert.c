/* kefuctl alert: what is on, who takes it on, what is silenced, does a channel work; and `try`, in ctl/alert_try.c. */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/buf.h"
#include "kefu/ctl/alert.h"
#include "kefu/ctl/ask.h"
#include "kefu/ctl/commands.h"

static void print_rows(const cJSON *answer, const char *list, const char *const *columns, size_t n)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(answer, list), *row;
    struct grid g = {0};
    if (!cJSON_GetArraySize(rows))
        return;
    ask_titles(&g, columns, n);
    cJSON_ArrayForEach(row, rows)
    {
        for (size_t i = 0; i < n; i++) {
            bool time = !strcmp(columns[i], "since") || !strcmp(columns[i], "until");
            if (time)
                ask_time_cell(&g, row, columns[i]);
            else
                ask_cell(&g, row, columns[i]);
        }
    }
    ask_print(&g);
}

static void print_list(const cJSON *answer)
{
    static const char *const alerts[] = {"alert", "severity", "state", "rule",  "agent",    "subject",
                                         "team",  "value",    "unit",  "since", "acked_by", "muted"};
    static const char *const silences[] = {"silence", "rule", "agent", "team", "actor", "reason", "until"};
    static const char *const channels[] = {"channel", "kind", "waiting", "stuck_s"};
    if (!cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer, "alerts")))
        puts("No alert is on.");
    print_rows(answer, "alerts", alerts, sizeof alerts / sizeof *alerts);
    print_rows(answer, "silences", silences, sizeof silences / sizeof *silences);
    print_rows(answer, "channels", channels, sizeof channels / sizeof *channels);
}

static void print_done(const cJSON *answer)
{
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "id"));
    bool done = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "done"));
    printf("%s (%s)\n", done ? "Done" : "Not done: the disk is full", id ? id : "");
}

static void print_test(const cJSON *answer)
{
    const char *verdict = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "verdict"));
    const char *why = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "why"));
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(answer, "code");
    printf("%s (code %.0f)%s%s\n", verdict ? verdict : "", cJSON_IsNumber(code) ? code->valuedouble : 0.0,
           why ? ": " : "", why ? why : "");
}

static void put_member(struct buf *request, const char *name, const char *value)
{
    if (value) {
        buf_printf(request, ",\"%s\":", name);
        ask_put_typed(request, str_of(value));
    }
}

/* Who acts: --by, or whose process this is (a session without a terminal has no other name). */
static const char *actor_of(const struct cli *c)
{
    const char *given = cli_value(c, "by");
    const struct passwd *user = getpwuid(geteuid());
    return given ? given : user ? user->pw_name : NULL;
}

static enum cli_exit act(const struct cli *c, const char *what, const char *subject)
{
    struct buf request = {0};
    int64_t minutes = 0;
    if (cli_number(c, "minutes", 1, 44640, &minutes) != 0)
        return CLI_BAD_INPUT;
    buf_printf(&request, "{\"do\":\"alert_%s\"", what);
    put_member(&request, subject, c->args[1]);
    put_member(&request, "agent", cli_value(c, "agent"));
    put_member(&request, "team", cli_value(c, "team"));
    put_member(&request, "reason", cli_value(c, "reason"));
    put_member(&request, "actor", actor_of(c));
    if (minutes)
        buf_printf(&request, ",\"minutes\":%" PRId64, minutes);
    buf_put_byte(&request, '}');
    enum cli_exit status = ask(c, buf_str(&request), print_done);
    buf_fini(&request);
    return status;
}

static enum cli_exit test(const struct cli *c)
{
    struct buf request = {0};
    buf_put_str(&request, STR_LIT("{\"do\":\"alert_test\""));
    put_member(&request, "channel", c->args[1]);
    buf_put_byte(&request, '}');
    enum cli_exit status = ask(c, buf_str(&request), print_test);
    buf_fini(&request);
    return status;
}

static enum cli_exit run(const struct cli *c)
{
    const char *what = c->args_n > 0 ? c->args[0] : "";
    if (c->args_n == 1 && strcmp(what, "list") == 0)
        return ask(c, STR_LIT("{\"do\":\"alert_list\"}"), print_list);
    if (c->args_n == 2 && strcmp(what, "ack") == 0)
        return act(c, "ack", "alert");
    if (c->args_n == 2 && strcmp(what, "silence") == 0)
        return act(c, "silence", "rule");
    if (c->args_n == 2 && strcmp(what, "unsilence") == 0)
        return act(c, "unsilence", "silence");
    if (c->args_n == 2 && strcmp(what, "test") == 0)
        return test(c);
    if (c->args_n >= 2 && strcmp(what, "try") == 0)
        return alert_try(c);
    cli_say(c, "expected: list, ack ALERT, silence RULE, unsilence SILENCE, test CHANNEL, or try FILE…");
    return CLI_BAD_INPUT;
}

static const struct cli_option options[] = {
    {"minutes", "N", "how long a silence holds, up to 44640 (31 days)"},
    {"reason", "TEXT", "why; a silence needs one"},
    {"agent", "ID", "silence: of this agent alone"},
    {"team", "NAME", "silence: of this team alone"},
    {"by", "NAME", "who does it (default: your user name)"},
    {"rulebook", "FILE", "try: rules that differ from seed"},
    {"list", NULL, "try: print each change of an alert too"},
    {NULL, NULL, NULL},
};

const struct command command_alert = {
    .name = "alert",
    .arguments =
        "list | ack ALERT | silence RULE --minutes N --reason TEXT | unsilence SILENCE | test CHANNEL | try FILE…",
    .summary = "alerts: what is on, take it on, silence, test a channel, try rules",
    .help =
        "silence takes the name of a rule, or \"*\" for all. try replays events (as `kefuctl journal export` writes\n"
        "them, or NDJSON) against the alert rules of --rulebook and says what would have fired and how often;\n"
        "it needs no daemon.\n",
    .options = options,
    .run = run,
};
