/* kefuctl collector: how the platforms fare, who is bound to nobody, and what a payload becomes.
 *
 * `test` asks no daemon and counts nothing. It shows every item with its reason; message text is never shown, only how the
 * door has read it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/json.h"
#include "kefu/collectors/roster.h"
#include "kefu/ctl/ask.h"
#include "kefu/ctl/commands.h"
#include "kefu/daemon/directory.h"
#include "kefu/rules/seed.h"

#define PAYLOAD_MAX_BYTES ((size_t)16 << 20)

/* --- list, unbound ------------------------------------------------------------------------------------------------ */

static void print_rows(const cJSON *rows, const char *const *columns, size_t columns_n, unsigned times)
{
    struct grid g = {.right = {false}};
    const cJSON *row;
    ask_titles(&g, columns, columns_n);
    cJSON_ArrayForEach(row, rows)
    {
        for (size_t i = 0; i < columns_n; i++) {
            if (times >> i & 1)
                ask_time_cell(&g, row, columns[i]);
            else
                ask_cell(&g, row, columns[i]);
        }
    }
    ask_print(&g);
}

static void print_list(const cJSON *answer)
{
    static const char *const columns[] = {"name",     "platform", "heard_at", "deliveries", "accepted", "duplicate",
                                          "rejected", "ignored",  "refused",  "asked_at",   "trouble"};
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(answer, "collectors");
    if (cJSON_GetArraySize(rows) == 0)
        puts("No collector is configured; see collectors_file in kefud.json(5).");
    else
        print_rows(rows, columns, sizeof columns / sizeof *columns, 1u << 2 | 1u << 9);
}

static void print_unbound(const cJSON *answer)
{
    static const char *const columns[] = {"account", "answered", "handled"};
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(answer, "unbound");
    if (cJSON_GetArraySize(rows) == 0)
        puts("Every account that has been seen is bound to an agent.");
    else
        print_rows(rows, columns, 3, 0);
}

/* --- test --------------------------------------------------------------------------------------------------------- */

struct trial {
    const struct cli *cli;
    struct rulebook *seed;
    struct sign *sign;
    struct config config;
    struct directory *directory;
    struct collector of_platform; /* where no file is given */
    const struct collector *c;
    char *body;
    size_t body_n;
};

/* With -c the collector of that name; else a bare one of the platform of that name. */
static int find_collector(struct trial *t, struct str name, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (!t->cli->config) {
        t->of_platform = (struct collector){.platform = platform_find(name), .name = name, .is_signed = true};
        t->c = &t->of_platform;
        return t->c->platform
                   ? 0
                   : err_set(e, "", "there is no platform \"%.*s\"; for a collector of yours give -c kefud.json",
                             STR_ARG(name));
    }
    if (json_read_file(t->cli->config, (size_t)4 << 20, &text, &n, e) < 0)
        return -1;
    int bad = config_read(&t->config, (struct str){text, n}, t->cli->config, e);
    free(text);
    t->directory = bad ? NULL : directory_load(&t->config, true, e);
    if (!t->directory)
        return -1;
    t->c = roster_find(&t->directory->roster, name);
    return t->c ? 0 : err_set(e, t->config.collectors_file.p, "has no collector \"%.*s\"", STR_ARG(name));
}

static int start(struct trial *t, struct err *e)
{
    if (find_collector(t, str_of(t->cli->args[1]), e) < 0 || !(t->sign = sign_new(e)))
        return -1;
    t->seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, e);
    return t->seed ? json_read_file(t->cli->args[2], PAYLOAD_MAX_BYTES, &t->body, &t->body_n, e) : -1;
}

static void finish(struct trial *t)
{
    free(t->body);
    rulebook_free(t->seed);
    sign_free(t->sign);
    directory_free(t->directory);
    config_fini(&t->config);
}

static void put_member(struct buf *out, const char *name, struct str text)
{
    buf_printf(out, "\"%s\": ", name);
    buf_put_json(out, text);
}

/* What the door makes of one item: the event without its text, or why it is none. */
static void put_item(struct buf *out, const struct trial *t, const struct turned_item *item)
{
    static const uint8_t no_key[DIGEST_KEY_BYTES];
    static const char *const kinds[] = {"", "event", "ignored", "refused"};
    struct decode_context context = {
        .now_ms = INT64_MAX, .rulebook = t->seed, .customer_key = no_key, .default_source = t->c->name};
    struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
    if (item->kind == TURNED_EVENT)
        decode_one(b, item->json, &context);
    bool refused = b->refusals_n > 0;
    buf_put_byte(out, '{');
    put_member(out, "as", str_of(refused ? "refused" : kinds[item->kind]));
    buf_put_str(out, STR_LIT(", "));
    put_member(out, "why", refused ? b->refusals[0].reason : item->why);
    if (b->events_n) {
        buf_put_str(out, STR_LIT(", \"event\": "));
        event_print_json(out, &b->events[0]);
    }
    buf_put_byte(out, '}');
    batch_free(b);
}

static void print_trial(const struct trial *t, const struct turned *out)
{
    struct buf text = {0};
    for (size_t i = 0; i < out->n; i++) {
        text.n = 0;
        put_item(&text, t, &out->items[i]);
        printf("%.*s\n", (int)text.n, text.p);
    }
    if (out->ring.p)
        puts("{\"as\": \"bell\", \"why\": \"the platform says that there is something; it is asked at once\"}");
    buf_fini(&text);
}

static enum cli_exit run_test(const struct cli *cli)
{
    struct trial t = {.cli = cli};
    struct err e;
    struct turned out;
    const char *query = cli_value(cli, "query");
    if (start(&t, &e) < 0) {
        cli_say_err(cli, &e);
        finish(&t);
        return CLI_FAILED;
    }
    struct delivery d = {NULL, str_of(query), {t.body, t.body_n}, INT64_MAX};
    turned_init(&out, t.c->name, t.c->people);
    t.c->platform->take(t.c, &d, t.sign, &out);
    print_trial(&t, &out);
    bool refused = turned_count(&out, TURNED_REFUSED) > 0;
    turned_fini(&out);
    finish(&t);
    return refused ? CLI_BAD_INPUT : CLI_OK;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static enum cli_exit run(const struct cli *c)
{
    if (c->args_n == 3 && strcmp(c->args[0], "test") == 0)
        return run_test(c);
    if (c->args_n == 0 || (c->args_n == 1 && strcmp(c->args[0], "list") == 0))
        return ask(c, STR_LIT("{\"do\":\"collectors\"}"), print_list);
    if (c->args_n == 1 && strcmp(c->args[0], "unbound") == 0)
        return ask(c, STR_LIT("{\"do\":\"unbound\"}"), print_unbound);
    cli_say(c, "expected list, unbound, or test NAME FILE");
    return CLI_BAD_INPUT;
}

static const struct cli_option options[] = {
    {"query", "TEXT", "test: what stands behind the '?' of the hook's address, where a platform says something there"},
    {NULL, NULL, NULL},
};

const struct command command_collector = {
    .name = "collector",
    .arguments = "[list] [--json] | unbound [--json] | test NAME FILE [--query TEXT]",
    .summary = "the platforms kefud listens to; unbound: whose accounts nobody has claimed; test: try a payload",
    .help = "test shows what a payload becomes and why, a JSON line an item; it asks no daemon and counts\n"
            "nothing. NAME is a collector of the collectors_file that -c kefud.json names; without -c it is\n"
            "the name of a platform. Signatures are not looked at. Message text is never shown.\n",
    .options = options,
    .run = run,
};
