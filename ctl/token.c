/* kefuctl token: who may send events and read. A token is shown once, when it is made; only its hash is kept. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kefu/base/buf.h"
#include "kefu/ctl/ask.h"
#include "kefu/ctl/commands.h"

static void put_list(struct buf *request, const char *list)
{
    buf_put_str(request, STR_LIT(",\"sources\":["));
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ",");
        if (p != list)
            buf_put_byte(request, ',');
        ask_put_typed(request, (struct str){p, n});
        p += n + (p[n] == ',');
    }
    buf_put_byte(request, ']');
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

static void print_tokens(const cJSON *answer)
{
    static const char *const columns[] = {"id", "role", "subject", "sources", "expires"};
    struct grid g = {0};
    ask_titles(&g, columns, 5);
    const cJSON *t, *source;
    cJSON_ArrayForEach(t, cJSON_GetObjectItemCaseSensitive(answer, "tokens"))
    {
        for (size_t i = 0; i < 3; i++)
            ask_cell(&g, t, columns[i]);
        struct buf sources = {0};
        cJSON_ArrayForEach(source, cJSON_GetObjectItemCaseSensitive(t, "sources"))
        {
            if (cJSON_IsString(source))
                buf_printf(&sources, "%s%s", sources.n ? "," : "", source->valuestring);
        }
        grid_put(&g, sources.n ? buf_str(&sources) : STR_LIT("all"));
        buf_fini(&sources);
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
    const char *role = cli_value(c, "role"), *subject = cli_value(c, "subject"), *sources = cli_value(c, "sources");
    if (cli_number(c, "days", 1, 36500, &days) != 0)
        return CLI_BAD_INPUT;
    if (!role) {
        cli_say(c, "--role is missing; a sender of events has the role ingest");
        return CLI_BAD_INPUT;
    }
    struct buf request = {0};
    buf_put_str(&request, STR_LIT("{\"do\":\"token_add\",\"role\":"));
    ask_put_typed(&request, str_of(role));
    if (subject) {
        buf_put_str(&request, STR_LIT(",\"subject\":"));
        ask_put_typed(&request, str_of(subject));
    }
    if (sources)
        put_list(&request, sources);
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
    {"role", "ROLE", "what it may do; ingest: send events"},
    {"subject", "WHO", "the person or system it is for"},
    {"sources", "A,B", "the sources it may write (default: all)"},
    {"days", "N", "how long it is good (default: until revoked)"},
    {NULL, NULL, NULL},
};

const struct command command_token = {
    .name = "token",
    .arguments = "add --role ROLE [--subject WHO] [--sources A,B] [--days N] | list | revoke ID",
    .summary = "who may send events: make, list and take back tokens",
    .help = "",
    .options = options,
    .run = run,
};
