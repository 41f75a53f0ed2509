/* kefuctl month adjustments, accept, reject: what came after a closing, and deciding about it.
 *
 * Keeps true: who decides has seen the difference, which goes with the decision; the daemon refuses it if it is another one by
 * then. */
#include "kefu/ctl/month.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/ctl/look.h"
#include "kefu/ctl/reach.h"

#define MICRO_A_FEN 10000

static const cJSON *list_of(const cJSON *answer)
{
    return cJSON_GetObjectItemCaseSensitive(answer, "adjustments");
}

static const char *agent_of(const cJSON *x)
{
    const char *agent = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(x, "agent"));
    return agent ? agent : "";
}

/* A cell of texts, one behind the other. */
static void put_list_cell(struct grid *g, const cJSON *list)
{
    struct buf text = {0};
    const cJSON *v;
    cJSON_ArrayForEach(v, list)
    {
        const cJSON *id = cJSON_IsArray(v) ? cJSON_GetArrayItem(v, 1) : v;
        buf_printf(&text, "%s%s", text.n ? " " : "", cJSON_IsString(id) ? id->valuestring : "");
    }
    grid_put(g, text.n ? buf_str(&text) : STR_LIT("-"));
    buf_fini(&text);
}

/* Those of one agent, or all (NULL). */
static void print_table(const cJSON *list, const char *agent, bool pay)
{
    static const char *const titles[] = {"agent", "score", "now", "tier", "now", "changed", "by", "difference"};
    struct grid g = {.right = {[1] = true, [2] = true, [7] = true}};
    const cJSON *x;
    ask_titles(&g, titles, pay ? 8 : 7);
    cJSON_ArrayForEach(x, list)
    {
        if (agent && strcmp(agent_of(x), agent) != 0)
            continue;
        const cJSON *from = cJSON_GetObjectItemCaseSensitive(x, "from");
        const cJSON *to = cJSON_GetObjectItemCaseSensitive(x, "to");
        ask_cell(&g, x, "agent");
        month_milli_cell(&g, from);
        month_milli_cell(&g, to);
        month_tier_cell(&g, from);
        month_tier_cell(&g, to);
        put_list_cell(&g, cJSON_GetObjectItemCaseSensitive(x, "changed"));
        put_list_cell(&g, cJSON_GetObjectItemCaseSensitive(x, "evidence"));
        if (pay)
            month_fen_cell(&g, x, "difference_fen");
    }
    ask_print(&g);
}

static void print_all(const cJSON *answer)
{
    print_table(list_of(answer), NULL, false);
}

static void print_all_pay(const cJSON *answer)
{
    print_table(list_of(answer), NULL, true);
}

enum cli_exit month_run_adjustments(const struct cli *c)
{
    return month_ask(c, "month_adjustments", cli_flag(c, "pay") ? print_all_pay : print_all);
}

/* --- deciding ----------------------------------------------------------------------------------------------------- */

/* An amount with two places, as it is shown: 12.50, -3, +8.00. -1 after a message. */
static int read_amount(const struct cli *c, const char *typed, int64_t *fen)
{
    int64_t micro = 0;
    if (fix_parse(str_of(typed + (*typed == '+')), &micro) < 0 || micro % MICRO_A_FEN != 0) {
        cli_say(c, "--difference: found \"%s\", expected an amount with two places, such as -12.50", typed);
        return -1;
    }
    *fen = micro / MICRO_A_FEN;
    return 0;
}

static const cJSON *find(const cJSON *list, const char *agent)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, list)
    {
        if (strcmp(agent_of(x), agent) == 0)
            return x;
    }
    return NULL;
}

/* Shows it and has it confirmed. -1: not; a message was printed unless it was refused. */
static int confirm(const struct cli *c, const cJSON *list, int64_t *fen)
{
    char line[16] = "", room[40];
    const cJSON *x = find(list, c->args[2]);
    const cJSON *amount = cJSON_GetObjectItemCaseSensitive(x, "difference_fen");
    if (!cJSON_IsNumber(amount) || fix_parse_whole(json_literal(amount, room, sizeof room), fen) < 0) {
        cli_say(c, "\"%s\" has no open adjustment in this month", c->args[2]);
        return -1;
    }
    print_table(list, c->args[2], true);
    fflush(stdout);
    fprintf(stderr, "%s this difference? (yes/no) ", strcmp(c->args[0], "accept") == 0 ? "Accept" : "Reject");
    return fgets(line, sizeof line, stdin) && strcmp(line, "yes\n") == 0 ? 0 : -1;
}

/* The difference as it is, seen by who sits at the terminal. -1 after a message. */
static int ask_and_confirm(const struct cli *c, int64_t *fen)
{
    struct reach r;
    struct err e;
    struct buf request = {0};
    if (isatty(STDIN_FILENO) != 1) {
        cli_say(c,
                "say which difference you decide about: --difference AMOUNT, as kefuctl month adjustments %s --pay "
                "shows it",
                c->args[1]);
        return -1;
    }
    if (look_note(c, c->args[1], c->args[2]))
        return -1;
    month_put_request(&request, "month_adjustments", c);
    buf_put_byte(&request, '}');
    cJSON *answer = reach_open(&r, c, &e) == 0 ? reach_ask(&r, buf_str(&request), NULL, &e) : NULL;
    int status = answer ? confirm(c, list_of(answer), fen) : -1;
    if (!answer)
        cli_say_err(c, &e);
    cJSON_Delete(answer);
    reach_close(&r);
    buf_fini(&request);
    return status;
}

enum cli_exit month_run_decide(const struct cli *c)
{
    const char *typed = cli_value(c, "difference");
    struct buf request = {0};
    int64_t fen = 0;
    int32_t month;
    if (month_named(c) || month_argument(c, 1, &month) ||
        (typed ? read_amount(c, typed, &fen) : ask_and_confirm(c, &fen)))
        return CLI_BAD_INPUT;
    month_put_request(&request, "month_adjust", c);
    buf_printf(&request, ",\"difference_fen\":%" PRId64 "}", fen);
    enum cli_exit status = ask(c, buf_str(&request), month_print_act);
    buf_fini(&request);
    return status;
}
