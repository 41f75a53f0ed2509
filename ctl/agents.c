/* kefuctl agent, agents, report: scores and figures as the daemon has them now. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/ctl/ask.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/reach.h"

static void put_request(struct buf *request, const char *what, const char *key, const char *value)
{
    buf_printf(request, "{\"do\":\"%s\"", what);
    if (value) {
        buf_printf(request, ",\"%s\":", key);
        ask_put_typed(request, str_of(value));
    }
    buf_put_byte(request, '}');
}

/* A row for each member, those inside others with the names of the way there. An element of a list goes by its "name",
 * which is then no row of its own. parent: what holds the object. */
static void put_members(struct grid *g, const char *prefix, const cJSON *object, const cJSON *parent)
{
    const cJSON *m;
    cJSON_ArrayForEach(m, object)
    {
        char name[128];
        const char *own = m->string ? m->string : cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(m, "name"));
        snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] ? " " : "", own ? own : "");
        if (cJSON_IsObject(m) || cJSON_IsArray(m)) {
            put_members(g, name, m, object);
        } else if (strcmp(name, "ok") != 0 && !(own && cJSON_IsArray(parent) && strcmp(own, "name") == 0)) {
            grid_put(g, str_of(name));
            if (m->string && (strcmp(m->string, "as_of") == 0 || strcmp(m->string, "oldest_wait_at") == 0))
                ask_time_cell(g, object, m->string);
            else
                ask_cell(g, object, m->string);
        }
    }
}

static void print_agent(const cJSON *answer)
{
    struct grid g = {.columns_n = 2};
    put_members(&g, "", answer, NULL);
    ask_print(&g);
}

/* A score or a mean, cut to two places and never rounded up. whole: the number is in thousandths already. */
static void put_milli(struct grid *g, const cJSON *row, const char *key, bool whole)
{
    char literal[40];
    int64_t milli;
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(row, key);
    struct str text = cJSON_IsNumber(n) ? json_literal(n, literal, sizeof literal) : (struct str){NULL, 0};
    if (text.n == 0 || (whole ? fix_parse_whole(text, &milli) : fix_parse_milli(text, &milli)) != 0)
        grid_put(g, STR_LIT("-"));
    else
        grid_printf(g, "%" PRId64 ".%02" PRId64, milli / 1000, milli % 1000 / 10);
}

static void print_agents(const cJSON *answer)
{
    static const char *const columns[] = {"agent",       "name",        "team",   "score",  "tier",
                                          "provisional", "answered",    "within", "missed", "open",
                                          "waiting",     "rating_mean", "rated"};
    const size_t columns_n = sizeof columns / sizeof *columns;
    struct grid g = {.right = {[3] = true}};
    for (size_t i = 6; i < columns_n; i++)
        g.right[i] = true;
    ask_titles(&g, columns, columns_n);
    const cJSON *a;
    cJSON_ArrayForEach(a, cJSON_GetObjectItemCaseSensitive(answer, "agents"))
    {
        for (size_t i = 0; i < columns_n; i++) {
            if (i == 3 || i == 11)
                put_milli(&g, a, columns[i], false);
            else
                ask_cell(&g, a, columns[i]);
        }
    }
    ask_print(&g);
}

static void print_report(const cJSON *answer)
{
    static const char *const titles[] = {"agent",        "period",   "answered", "within",   "missed",
                                         "handled",      "resolved", "in_limit", "fcr_fail", "rated",
                                         "response_p90", "cross",    "score",    "tier"};
    static const char *const keys[] = {"agent",    "period",          "answered", "within",   "missed",       "handled",
                                       "resolved", "resolved_within", "fcr_fail", "rating_n", "response_p90", "cross"};
    struct grid g = {0};
    for (size_t i = 2; i < 13; i++)
        g.right[i] = true;
    ask_titles(&g, titles, sizeof titles / sizeof *titles);
    const cJSON *row, *report = cJSON_GetObjectItemCaseSensitive(answer, "report");
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(report, "rows"))
    {
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            ask_cell(&g, row, keys[i]);
        put_milli(&g, row, "score_milli", true);
        ask_cell(&g, row, "tier");
    }
    ask_print(&g);
}

/* Prints JSON of one line with each row of "rows" on a line of its own, as kefuctl compute does. */
static void print_rows_apart(struct str json)
{
    int depth = 0;
    bool inside = false; /* a string */
    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        if (inside) {
            putchar(c);
            if (c == '\\' && i + 1 < json.n)
                putchar(json.p[++i]);
            inside = c != '"';
            continue;
        }
        inside = c == '"';
        if ((c == '{' || c == ']') && depth == 2)
            putchar('\n');
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        putchar(c);
    }
    putchar('\n');
}

static enum cli_exit report_json(const struct cli *c, struct str request)
{
    struct reach r;
    struct err e;
    struct str raw;
    struct json_member members[8];
    size_t n = 0;
    if (reach_open(&r, c, &e) != 0) {
        cli_say_err(c, &e);
        return CLI_UNREACHABLE;
    }
    cJSON *answer = reach_ask(&r, request, &raw, &e);
    enum cli_exit status = answer && json_members(raw, members, 8, &n, &e) == 0 ? CLI_OK : CLI_FAILED;
    if (status != CLI_OK)
        cli_say_err(c, &e);
    for (size_t i = 0; status == CLI_OK && i < n && i < 8; i++) {
        if (str_eq(members[i].key, STR_LIT("report")))
            print_rows_apart(members[i].value);
    }
    cJSON_Delete(answer);
    reach_close(&r);
    return status;
}

static enum cli_exit run_agent(const struct cli *c)
{
    if (c->args_n != 1) {
        cli_say(c, "name one agent; kefuctl agents lists them");
        return CLI_BAD_INPUT;
    }
    struct buf request = {0};
    put_request(&request, "agent", "agent", c->args[0]);
    enum cli_exit status = ask(c, buf_str(&request), print_agent);
    buf_fini(&request);
    return status;
}

static enum cli_exit run_agents(const struct cli *c)
{
    return ask(c, STR_LIT("{\"do\":\"agents\"}"), print_agents);
}

static enum cli_exit run_report(const struct cli *c)
{
    const char *by = cli_value(c, "by");
    if (by && strcmp(by, "day") != 0 && strcmp(by, "month") != 0) {
        cli_say(c, "--by: found \"%s\", expected day or month", by);
        return CLI_BAD_INPUT;
    }
    struct buf request = {0};
    put_request(&request, "report", "by", by ? by : "month");
    enum cli_exit status = c->json ? report_json(c, buf_str(&request)) : ask(c, buf_str(&request), print_report);
    buf_fini(&request);
    return status;
}

static const struct cli_option none[] = {{NULL, NULL, NULL}};
static const struct cli_option by_options[] = {{"by", "day|month", "the period of a row (default: month)"},
                                               {NULL, NULL, NULL}};

const struct command command_agent = {
    .name = "agent",
    .arguments = "ID [--json]",
    .summary = "an agent's score, and the figures of today and of the month",
    .help = "",
    .options = none,
    .run = run_agent,
};

const struct command command_agents = {
    .name = "agents",
    .arguments = "[--json]",
    .summary = "all agents, best score first",
    .help = "",
    .options = none,
    .run = run_agents,
};

const struct command command_report = {
    .name = "report",
    .arguments = "[--by day|month] [--json]",
    .summary = "the figures of all agents and periods; --json as kefuctl compute prints them",
    .help = "",
    .options = by_options,
    .run = run_report,
};
