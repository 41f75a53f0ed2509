/* kefuctl quarantine: what was refused and why, and another try for what can be mended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/ctl/ask.h"
#include "kefu/ctl/commands.h"

static void print_rows(const cJSON *answer)
{
    static const char *const columns[] = {"row", "at", "kind", "way", "id", "bytes", "reason"};
    const size_t columns_n = sizeof columns / sizeof *columns;
    struct grid g = {.right = {[0] = true, [5] = true}};
    ask_titles(&g, columns, columns_n);
    const cJSON *row, *rows = cJSON_GetObjectItemCaseSensitive(answer, "rows");
    cJSON_ArrayForEach(row, rows)
    {
        for (size_t i = 0; i < columns_n; i++) {
            if (i == 1)
                ask_time_cell(&g, row, columns[i]);
            else
                ask_cell(&g, row, columns[i]);
        }
    }
    if (cJSON_GetArraySize(rows) == 0) {
        puts("Nothing is in quarantine.");
        grid_fini(&g);
        return;
    }
    ask_print(&g);
}

static void print_retried(const cJSON *answer)
{
    static const char *const titles[] = {"accepted", "duplicate", "rejected"};
    struct grid g = {.right = {true, true, true}};
    ask_titles(&g, titles, 3);
    for (size_t i = 0; i < 3; i++)
        ask_cell(&g, answer, titles[i]);
    ask_print(&g);
}

static enum cli_exit retry(const struct cli *c)
{
    char request[96] = "{\"do\":\"quarantine_retry\"}";
    if (c->args_n == 2) {
        const char *row = c->args[1];
        if (strlen(row) > 18 || row[0] == '\0' || row[strspn(row, "0123456789")] != '\0') {
            cli_say(c, "found \"%s\", expected the number of a row, as kefuctl quarantine lists it", row);
            return CLI_BAD_INPUT;
        }
        snprintf(request, sizeof request, "{\"do\":\"quarantine_retry\",\"row\":%s}", row);
    }
    return ask(c, str_of(request), print_retried);
}

static enum cli_exit run(const struct cli *c)
{
    if (c->args_n > 0 && c->args_n <= 2 && strcmp(c->args[0], "retry") == 0)
        return retry(c);
    int64_t limit = 50;
    if (c->args_n > 0) {
        cli_say(c, "found \"%s\", expected nothing, or: retry [ROW]", c->args[0]);
        return CLI_BAD_INPUT;
    }
    if (cli_number(c, "limit", 1, 100000, &limit) != 0)
        return CLI_BAD_INPUT;
    char request[96];
    snprintf(request, sizeof request, "{\"do\":\"quarantine\",\"limit\":%" PRId64 "}", limit);
    return ask(c, str_of(request), print_rows);
}

static const struct cli_option options[] = {
    {"limit", "N", "so many rows, the newest first (default: 50)"},
    {NULL, NULL, NULL},
};

const struct command command_quarantine = {
    .name = "quarantine",
    .arguments = "[--limit N] [--json] | retry [ROW]",
    .summary = "what was refused and why; retry: try it again",
    .help = "Events from the future are tried again by themselves. What was no event at all cannot be:\n"
            "its content is not kept; send it again, mended. retry ends with status 2 if any was refused again.\n",
    .options = options,
    .run = run,
};
