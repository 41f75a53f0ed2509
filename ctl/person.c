/* kefuctl person: what is kept of an agent or a customer, and its end.
 *
 * export only looks, over a read-only connection. erase asks the daemon, which does it by starting anew; so the way back is to ask
 * again until it says how far it is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kefu/base/digest.h"
#include "kefu/base/json.h"
#include "kefu/base/utf8.h"
#include "kefu/ctl/ask.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/look.h"
#include "kefu/ctl/person.h"
#include "kefu/ctl/reach.h"

#define POLL_MS     200
#define WAIT_S      600
#define PERSON_HEX  ((size_t)12)
#define PERSON_HEAD "erased-"

/* --- erase -------------------------------------------------------------------------------------------------------- */

static void make_person(char out[24])
{
    uint8_t bytes[PERSON_HEX / 2];
    digest_random(bytes, sizeof bytes);
    snprintf(out, 24, PERSON_HEAD "%02x%02x%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
             bytes[5]);
}

static bool is_confirmed(const struct cli *c)
{
    char line[16] = "";
    if (cli_flag(c, "yes"))
        return true;
    if (isatty(STDIN_FILENO) != 1) {
        cli_say(c, "erasing cannot be undone: say --yes");
        return false;
    }
    fprintf(stderr, "Erase %s %s for good? Backups are not touched. (yes/no) ", c->args[1], c->args[2]);
    return fgets(line, sizeof line, stdin) && strcmp(line, "yes\n") == 0;
}

static void put_member(struct buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(out, ",\"%s\":", name);
    ask_put_typed(out, str_of(value));
}

/* 0: asked for, or the daemon ended before it answered; -1 with e: refused. */
static int ask_for_it(const struct cli *c, const char *person, struct err *e)
{
    struct buf request = {0};
    struct reach r;
    int status = reach_open(&r, c, e);
    if (status)
        return status;
    buf_put_str(&request, STR_LIT("{\"do\":\"person_erase\""));
    put_member(&request, "kind", c->args[1]);
    put_member(&request, "id", c->args[2]);
    put_member(&request, "person", person);
    put_member(&request, "actor", cli_value(c, "by"));
    put_member(&request, "reason", cli_value(c, "reason"));
    buf_put_str(&request, cli_flag(c, "early") ? STR_LIT(",\"early\":true}") : STR_LIT("}"));
    cJSON *answer = reach_ask(&r, buf_str(&request), NULL, e);
    bool hung_up = !answer && strcmp(e->where, "control socket") == 0;
    status = hung_up || cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "done")) ? 0 : -1;
    if (answer && status)
        err_set(e, "", "the disk is full: nothing was done");
    cJSON_Delete(answer);
    buf_fini(&request);
    reach_close(&r);
    return status;
}

/* Its row, the caller's; NULL: the daemon is not there yet, or knows of none. */
static cJSON *look_up(const struct cli *c, const char *person)
{
    struct reach r;
    struct err e;
    cJSON *found = NULL, *x;
    if (reach_open(&r, c, &e) == 0) {
        cJSON *answer = reach_ask(&r, STR_LIT("{\"do\":\"person_list\"}"), NULL, &e);
        cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(answer, "persons"))
        {
            const char *is = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(x, "person"));
            if (is && strcmp(is, person) == 0)
                found = cJSON_Duplicate(x, true);
        }
        cJSON_Delete(answer);
    }
    reach_close(&r);
    return found;
}

static const char *stage_of(const cJSON *row)
{
    const char *stage = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "stage"));
    return stage ? stage : "";
}

/* Why the start could not do it; NULL: it could, or is at it. */
static const char *why_of(const cJSON *row)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "why"));
}

/* Waits until the store is done; then a moment for Redis. */
static cJSON *wait_for(const struct cli *c, const char *person)
{
    cJSON *row = NULL;
    int64_t redis_ms = 0;
    for (int64_t ms = 0; ms < WAIT_S * INT64_C(1000) && redis_ms < 10000; ms += POLL_MS) {
        struct timespec pause = {0, POLL_MS * 1000000L};
        cJSON_Delete(row);
        row = look_up(c, person);
        if (strcmp(stage_of(row), "done") == 0 || why_of(row))
            break;
        redis_ms += strcmp(stage_of(row), "redis") == 0 ? POLL_MS : 0;
        nanosleep(&pause, NULL);
    }
    return row;
}

static enum cli_exit say_outcome(const struct cli *c, const char *person, const cJSON *row)
{
    char literal[40];
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(row, "rows");
    bool done = strcmp(stage_of(row), "done") == 0, redis = strcmp(stage_of(row), "redis") == 0;
    if (why_of(row)) {
        cli_say(
            c,
            "asked for as %s, and not done: %s. Then start kefud anew (systemctl restart kefud): it does what is left",
            person, why_of(row));
        return CLI_FAILED;
    }
    if (!done && !redis) {
        cli_say(c, "asked for as %s, but the daemon has not done it yet; kefuctl person list tells", person);
        return CLI_FAILED;
    }
    struct str number = cJSON_IsNumber(rows) ? json_literal(rows, literal, sizeof literal) : STR_LIT("0");
    char n[40];
    snprintf(n, sizeof n, "%.*s", STR_ARG(number));
    if (c->json) {
        printf("{\"person\":\"%s\",\"rows\":%s,\"redis\":%s}\n", person, n, done ? "true" : "false");
        return CLI_OK;
    }
    printf("%s %s is now %s: %s rows of the store were changed, and the file was written anew.\n", c->args[1],
           c->args[2], person, n);
    printf(
        done ? "Redis holds the name no more; its files do until it writes them anew: redis-cli BGREWRITEAOF, BGSAVE.\n"
             : "Redis is away: it is cleaned when it is back (kefuctl person list).\n");
    printf("Not reached: backups, exports and slips, logs, Redis streams that kefud reads, agents.json.\n");
    return CLI_OK;
}

static enum cli_exit erase(const struct cli *c)
{
    char person[24];
    struct err e;
    if (c->args_n != 3 || !cli_flag(c, "by")) {
        cli_say(c, "erase: expected agent or customer, an id and --by NAME; see kefuctl help person");
        return CLI_BAD_INPUT;
    }
    if (!is_confirmed(c))
        return CLI_FAILED;
    make_person(person);
    if (ask_for_it(c, person, &e)) {
        cli_say_err(c, &e);
        return CLI_FAILED;
    }
    cJSON *row = wait_for(c, person);
    enum cli_exit status = say_outcome(c, person, row);
    cJSON_Delete(row);
    return status;
}

/* --- list --------------------------------------------------------------------------------------------------------- */

static void print_list(const cJSON *answer)
{
    static const char *const keys[] = {"person", "kind", "at", "stage", "rows", "actor", "why"};
    ask_print_list(cJSON_GetObjectItemCaseSensitive(answer, "persons"), keys, sizeof keys / sizeof *keys);
}

static enum cli_exit run(const struct cli *c)
{
    const char *what = c->args_n ? c->args[0] : "";
    bool of_kind = c->args_n == 3 && (strcmp(c->args[1], "agent") == 0 || strcmp(c->args[1], "customer") == 0);
    if (strcmp(what, "list") == 0 && c->args_n == 1)
        return ask(c, STR_LIT("{\"do\":\"person_list\"}"), print_list);
    bool customer = of_kind && strcmp(c->args[1], "customer") == 0;
    /* An agent's closed rows hold pay. The line names nobody: who is erased must not come back by being asked for. */
    if (strcmp(what, "export") == 0 && of_kind)
        return !customer && look_note(c, NULL, NULL) ? CLI_FAILED : person_export(c, customer, c->args[2]);
    if (strcmp(what, "erase") == 0 && of_kind)
        return erase(c);
    cli_say(c, "expected list, or export or erase with agent or customer and an id; see kefuctl help person");
    return CLI_BAD_INPUT;
}

static const struct cli_option options[] = {
    {"by", "NAME", "erase: who does it; stands in the event, the book and the audit log"},
    {"reason", "TEXT", "erase: why"},
    {"yes", NULL, "erase: do not ask"},
    {"early", NULL, "erase: though wages of the last two years hang on the name; needs --reason"},
    {"key", "FILE", "export of a customer: the key of customers' ids (default: customer.key in the state folder)"},
    {NULL, NULL, NULL},
};

const struct command command_person = {
    .name = "person",
    .arguments = "export agent|customer ID | erase agent|customer ID --by NAME … | list",
    .summary = "what is kept of a person, and its end",
    .help =
        "export prints all that the store keeps of an agent or a customer, a JSON object a line (docs/privacy.md). The\n"
        "daemon need not run.\n"
        "erase puts a pseudonym in place of every name of the person in the store and in Redis; no figure changes and\n"
        "the closed rows stay, as somebody's. The daemon starts anew for it (a moment; open connections end). An agent\n"
        "must have left, every month with figures of theirs must be closed, two years ago unless --early; no\n"
        "conversation of a customer may be open. It cannot be undone. Backups are not touched.\n"
        "list shows what was erased, by pseudonym, and how far it is.\n",
    .options = options,
    .run = run,
};
