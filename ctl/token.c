/* kefuctl token: who may send events and who sees what on the board. A token is shown once, when it is made; only its hash is kept. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kefu/base/buf.h"
#include "kefu/ctl/ask.h"
#include "kefu/ctl/commands.h"

static void put_list(struct buf *request, const char *name, const char *list)
{
    if (!list)
        return;
    buf_printf(request, ",\"%s\":[", name);
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ",");
        if (p != list)
            buf_put_byte(request, ',');
        ask_put_typed(request, (struct str){p, n});
        p += n + (p[n] == ',');
    }
    buf_put_byte(request, ']');
}

static void put_text(struct buf *request, const char *name, const char *text)
{
    if (!text)
        return;
    buf_printf(request, ",\"%s\":", name);
    ask_put_typed(request, str_of(text));
}

static void print_token(const cJSON *answer)
{
    const char *token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "token"));
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(answer, "id");
    printf("%s\n", token ? token : "");
    if (cJSON_IsString(id))
        fprintf(stderr, "Shown this once; only its hash is kept. To take it back: kefuctl token revoke %s\n",
                id->valuestring);
}

static void list_cell(struct grid *g, const cJSON *list, const char *when_empty)
{
    struct buf names = {0};
    const cJSON *one;
    cJSON_ArrayForEach(one, list)
    {
        if (cJSON_IsString(one))
            buf_printf(&names, "%s%s", names.n ? "," : "", one->valuestring);
    }
    grid_put(g, names.n ? buf_str(&names) : str_of(when_empty));
    buf_fini(&names);
}

static void print_tokens(const cJSON *answer)
{
    static const char *const columns[] = {"id", "role", "subject", "login", "teams", "sources", "expires"};
    struct grid g = {0};
    ask_titles(&g, columns, 7);
    const cJSON *t;
    cJSON_ArrayForEach(t, cJSON_GetObjectItemCaseSensitive(answer, "tokens"))
    {
        const char *role = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(t, "role"));
        bool sends = role && strcmp(role, "ingest") == 0;
        for (size_t i = 0; i < 4; i++)
            ask_cell(&g, t, columns[i]);
        list_cell(&g, cJSON_GetObjectItemCaseSensitive(t, "teams"), "");
        list_cell(&g, cJSON_GetObjectItemCaseSensitive(t, "sources"), sends ? "all" : "");
        ask_time_cell(&g, t, "expires");
    }
    ask_print(&g);
}

static void print_done(const cJSON *answer)
{
    (void)answer;
    puts("Revoked: it is refused from now on.");
}

static enum cli_exit add(const struct cli *c)
{
    int64_t days = 0;
    const char *role = cli_value(c, "role");
    if (cli_number(c, "days", 1, 36500, &days) != 0)
        return CLI_BAD_INPUT;
    if (!role) {
        cli_say(c, "--role is missing; a sender of events has the role ingest");
        return CLI_BAD_INPUT;
    }
    struct buf request = {0};
    buf_put_str(&request, STR_LIT("{\"do\":\"token_add\",\"role\":"));
    ask_put_typed(&request, str_of(role));
    put_text(&request, "subject", cli_value(c, "subject"));
    put_text(&request, "login", cli_value(c, "login"));
    put_list(&request, "sources", cli_value(c, "sources"));
    put_list(&request, "teams", cli_value(c, "teams"));
    if (days)
        buf_printf(&request, ",\"days\":%" PRId64, days);
    buf_put_byte(&request, '}');
    enum cli_exit status = ask(c, buf_str(&request), print_token);
    buf_fini(&request);
    return status;
}

static enum cli_exit revoke(const struct cli *c)
{
    struct buf request = {0};
    buf_put_str(&request, STR_LIT("{\"do\":\"token_revoke\",\"id\":"));
    ask_put_typed(&request, str_of(c->args[1]));
    buf_put_byte(&request, '}');
    enum cli_exit status = ask(c, buf_str(&request), print_done);
    buf_fini(&request);
    return status;
}

static enum cli_exit run(const struct cli *c)
{
    const char *what = c->args_n > 0 ? c->args[0] : "";
    if (c->args_n == 1 && strcmp(what, "add") == 0)
        return add(c);
    if (c->args_n == 1 && strcmp(what, "list") == 0)
        return ask(c, STR_LIT("{\"do\":\"token_list\"}"), print_tokens);
    if (c->args_n == 2 && strcmp(what, "revoke") == 0)
        return revoke(c);
    cli_say(c, "expected: add --role ROLE, list, or revoke ID");
    return CLI_BAD_INPUT;
}

static const struct cli_option options[] = {
    {"role", "ROLE", "agent, lead, payroll, hr or admin: what the board shows; ingest: send events"},
    {"subject", "WHO", "agent: the agent's id; else a note of whose it is"},
    {"teams", "A,B", "lead: the teams it sees"},
    {"login", "NAME", "the person's name at a proxy for single sign-on (option sso_header)"},
    {"sources", "A,B", "the sources it may write (default: all)"},
    {"days", "N", "how long it is good (default: until revoked)"},
    {NULL, NULL, NULL},
};

const struct command command_token = {
    .name = "token",
    .arguments =
        "add --role ROLE [--subject WHO] [--teams A,B] [--login NAME] [--sources A,B] [--days N] | list | revoke ID",
    .summary = "who may send events and see the board: make, list and take back tokens",
    .help = "",
    .options = options,
    .run = run,
};
