/* kefuctl month: what payroll does at the end of a month.
 *
 * Acts ask the daemon; what is closed is read from the store itself, so that it can be shown and verified without one. Keeps
 * true: money is printed only where --pay asks for it. */
#include "kefu/ctl/look.h"
#include "kefu/ctl/month.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/json.h"
#include "kefu/ctl/ask.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/reach.h"
#include "kefu/daemon/month_print.h"
#include "kefu/store/book.h"

struct months *month_open(const struct cli *c)
{
    char dir[REACH_PATH_MAX], path[REACH_PATH_MAX + 16];
    struct err e;
    struct months *m = NULL;
    if (reach_state(c, dir, sizeof dir, &e) == 0) {
        snprintf(path, sizeof path, "%s/kefu.db", dir);
        m = months_look(path, &e);
    }
    if (!m)
        cli_say_err(c, &e);
    return m;
}

int month_argument(const struct cli *c, size_t at, int32_t *month)
{
    if (c->args_n > at && civil_parse_month(str_of(c->args[at]), month) == 0)
        return 0;
    cli_say(c, "name a month, such as 2026-03; kefuctl month list shows them");
    return -1;
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static void score_cell(struct grid *g, int64_t milli)
{
    if (milli == SCORE_NONE)
        grid_put(g, STR_LIT("-"));
    else
        grid_printf(g, "%" PRId64 ".%02" PRId64, milli / 1000, milli % 1000 / 10); /* cut, never rounded up */
}

static void text_cell(struct grid *g, struct str s)
{
    grid_put(g, s.n ? s : STR_LIT("-"));
}

static void row_cells(struct grid *g, const struct book_row *r, bool pay)
{
    text_cell(g, r->agent.n ? r->agent : (struct str){r->person.p, r->person.n ? 12 : 0});
    text_cell(g, r->name);
    text_cell(g, r->employee_no);
    text_cell(g, r->team);
    grid_printf(g, "%" PRId64, r->figures.handled);
    score_cell(g, r->total_milli);
    text_cell(g, r->tier);
    if (pay)
        grid_printf(g, "%" PRId64 ".%02" PRId64, r->bonus_fen / 100, r->bonus_fen % 100);
}

static void print_table(const struct book_row *rows, size_t n, bool pay)
{
    static const char *const titles[] = {"agent", "name", "employee_no", "team", "handled", "score", "tier", "bonus"};
    struct grid g = {.right = {[4] = true, [5] = true, [7] = true}};
    ask_titles(&g, titles, pay ? 8 : 7);
    for (size_t i = 0; i < n; i++)
        row_cells(&g, &rows[i], pay);
    ask_print(&g);
}

void month_show_rows(const struct cli *c, const struct book_row *rows, size_t n)
{
    struct buf out = {0};
    bool pay = cli_flag(c, "pay");
    if (!c->json) {
        print_table(rows, n, pay);
        return;
    }
    month_print_rows(&out, rows, n, pay);
    printf("%.*s\n", STR_ARG(buf_str(&out)));
    buf_fini(&out);
}

/* --- list --------------------------------------------------------------------------------------------------------- */

/* What a month waits for, as the daemon calls it (month_hold.h). */
static void held_cell(struct grid *g, const cJSON *state)
{
    struct buf text = {0};
    const cJSON *x;
    cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(state, "held"))
    {
        const char *why = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(x, "why"));
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(x, "name"));
        buf_printf(&text, "%s%s%s%s", text.n ? " " : "", why ? why : "?", name ? ":" : "", name ? name : "");
    }
    grid_put(g, text.n ? buf_str(&text) : STR_LIT("-"));
    buf_fini(&text);
}

static void print_list(const cJSON *answer)
{
    static const char *const titles[] = {"month", "state", "version", "closed_at", "by", "agents", "head", "waits for"};
    struct grid g = {.right = {[2] = true, [5] = true}};
    const cJSON *m;
    ask_titles(&g, titles, sizeof titles / sizeof *titles);
    cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(answer, "months"))
    {
        const cJSON *closed = cJSON_GetObjectItemCaseSensitive(m, "closed");
        ask_cell(&g, m, "month");
        ask_cell(&g, m, "state");
        ask_cell(&g, m, "version");
        ask_time_cell(&g, closed, "at");
        ask_cell(&g, closed, "actor");
        ask_cell(&g, closed, "rows");
        const char *sha256 = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(closed, "sha256"));
        grid_put(&g, sha256 ? (struct str){sha256, 16} : STR_LIT("-"));
        held_cell(&g, m);
    }
    ask_print(&g);
}

static enum cli_exit run_list(const struct cli *c)
{
    return ask(c, STR_LIT("{\"do\":\"month_list\"}"), print_list);
}

/* --- review, close, reopen ---------------------------------------------------------------------------------------- */

void month_put_request(struct buf *out, const char *what, const struct cli *c)
{
    static const char *const options[][2] = {{"by", "actor"}, {"reason", "reason"}};
    buf_printf(out, "{\"do\":\"%s\",\"month\":", what);
    ask_put_typed(out, str_of(c->args[1]));
    for (size_t i = 0; i < 2; i++) {
        const char *value = cli_value(c, options[i][0]);
        if (value) {
            buf_printf(out, ",\"%s\":", options[i][1]);
            ask_put_typed(out, str_of(value));
        }
    }
    if (c->args_n > 2) {
        buf_put_str(out, STR_LIT(",\"agent\":"));
        ask_put_typed(out, str_of(c->args[2]));
        bool accept = strcmp(c->args[0], "accept") == 0 || strcmp(c->args[0], "confirm") == 0;
        buf_put_str(out, accept ? STR_LIT(",\"accept\":true") : STR_LIT(""));
    }
    if (c->args_n > 3) {
        buf_put_str(out, STR_LIT(",\"proposal\":"));
        ask_put_typed(out, str_of(c->args[3]));
    }
    buf_put_str(out, cli_flag(c, "force") ? STR_LIT(",\"force\":true") : STR_LIT(""));
}

void month_fen_cell(struct grid *g, const cJSON *row, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, key);
    int64_t fen = cJSON_IsNumber(v) ? (int64_t)v->valuedouble : 0;
    grid_printf(g, "%s%" PRId64 ".%02" PRId64, fen < 0 ? "-" : "", (fen < 0 ? -fen : fen) / 100,
                (fen < 0 ? -fen : fen) % 100);
}

void month_milli_cell(struct grid *g, const cJSON *row)
{
    const cJSON *total = cJSON_GetObjectItemCaseSensitive(row, "total_milli");
    score_cell(g, cJSON_IsNumber(total) ? (int64_t)total->valuedouble : SCORE_NONE);
}

void month_tier_cell(struct grid *g, const cJSON *row)
{
    text_cell(g, str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "tier"))));
}

static void print_draft(const cJSON *answer, bool pay)
{
    static const char *const titles[] = {"agent", "name", "team", "score", "tier", "bonus"};
    struct grid g = {.right = {[3] = true, [5] = true}};
    const cJSON *row;
    ask_titles(&g, titles, pay ? 6 : 5);
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(answer, "rows"))
    {
        ask_cell(&g, row, "agent");
        ask_cell(&g, row, "name");
        ask_cell(&g, row, "team");
        month_milli_cell(&g, row);
        month_tier_cell(&g, row);
        if (pay)
            month_fen_cell(&g, row, "bonus_fen");
    }
    ask_print(&g);
}

static void print_counts(const cJSON *answer)
{
    static const char *const keys[] = {"fcr_pending", "waiting", "quarantined", "rulebook"};
    struct grid g = {.columns_n = 2};
    grid_put(&g, STR_LIT("state"));
    ask_cell(&g, cJSON_GetObjectItemCaseSensitive(answer, "status"), "state");
    grid_put(&g, STR_LIT("waits for"));
    held_cell(&g, cJSON_GetObjectItemCaseSensitive(answer, "status"));
    grid_put(&g, STR_LIT("as_of"));
    ask_time_cell(&g, answer, "as_of");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        grid_put(&g, str_of(keys[i]));
        ask_cell(&g, answer, keys[i]);
    }
    ask_print(&g);
    putchar('\n');
}

static void print_review(const cJSON *answer)
{
    print_counts(answer);
    print_draft(answer, false);
}

static void print_review_pay(const cJSON *answer)
{
    print_counts(answer);
    print_draft(answer, true);
}

void month_print_act(const cJSON *answer)
{
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(answer, "entry");
    const char *sha256 = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "sha256"));
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(answer, "done")))
        printf("The disk or the queue is full: nothing was done.\n");
    else
        printf("%s%s%s\n",
               cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "already")) ? "It is so already" : "Done",
               sha256 ? "; the head of the book is " : "", sha256 ? sha256 : "");
}

enum cli_exit month_ask(const struct cli *c, const char *what, void (*print)(const cJSON *))
{
    struct buf request = {0};
    int32_t month;
    if (month_argument(c, 1, &month))
        return CLI_BAD_INPUT;
    month_put_request(&request, what, c);
    buf_put_byte(&request, '}');
    enum cli_exit status = ask(c, buf_str(&request), print);
    buf_fini(&request);
    return status;
}

static enum cli_exit run_review(const struct cli *c)
{
    return month_ask(c, "month_draft", cli_flag(c, "pay") ? print_review_pay : print_review);
}

int month_named(const struct cli *c)
{
    if (cli_flag(c, "by"))
        return 0;
    cli_say(c, "say who does this: --by NAME");
    return -1;
}

static enum cli_exit run_act(const struct cli *c, const char *what)
{
    return month_named(c) ? CLI_BAD_INPUT : month_ask(c, what, month_print_act);
}

static enum cli_exit run_close(const struct cli *c)
{
    return run_act(c, "month_close");
}

static void print_proposals(const cJSON *answer)
{
    static const char *const keys[] = {"agent", "proposal", "months", "confirm_from", "state", "decided_by"};
    static const char *const perks[] = {"agent", "perk", "since"};
    ask_print_list(cJSON_GetObjectItemCaseSensitive(answer, "proposals"), keys, 6);
    putchar('\n');
    ask_print_list(cJSON_GetObjectItemCaseSensitive(answer, "perks"), perks, 3);
}

/* A row a part, and one of all. The last two columns are money, those before are called as they are in the answer. */
static void print_parts(const cJSON *bonus, const char *of, const char *const *titles, size_t n)
{
    const cJSON *part = NULL;
    struct grid g = {.right = {[1] = true, [2] = true, [3] = true, [4] = true}};
    ask_titles(&g, titles, n);
    cJSON_ArrayForEach(part, cJSON_GetObjectItemCaseSensitive(bonus, of))
    {
        text_cell(&g, str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(part, titles[0]))));
        for (size_t i = 1; i < n - 2; i++)
            ask_cell(&g, part, titles[i]);
        month_fen_cell(&g, part, "bonus_fen");
        month_fen_cell(&g, part, "projected_fen");
    }
    for (size_t i = 0; i < n - 2; i++)
        grid_put(&g, i ? STR_LIT("") : STR_LIT("all"));
    month_fen_cell(&g, bonus, "bonus_fen");
    month_fen_cell(&g, bonus, "projected_fen");
    ask_print(&g);
}

static void print_bonus(const cJSON *answer)
{
    static const char *const by_team[] = {"team", "agents", "bonus", "projected"};
    static const char *const by_shop[] = {"shop", "agents", "handled", "bonus", "projected"};
    const cJSON *bonus = cJSON_GetObjectItemCaseSensitive(answer, "bonus");
    print_parts(bonus, "teams", by_team, 4);
    putchar('\n');
    print_parts(bonus, "shops", by_shop, 5);
}

static enum cli_exit run_proposals(const struct cli *c)
{
    return month_ask(c, "month_proposals", print_proposals);
}

static enum cli_exit run_bonus(const struct cli *c)
{
    return month_ask(c, "month_bonus", print_bonus);
}

static enum cli_exit run_propose(const struct cli *c)
{
    return run_act(c, "month_propose");
}

static enum cli_exit run_reopen(const struct cli *c)
{
    return run_act(c, "month_reopen");
}

/* --- show, verify ------------------------------------------------------------------------------------------------- */

/* The closing that is meant: of --version, or the one in force. NULL: none. */
static const struct book_entry *closing_of(const struct months *m, int32_t month, int64_t version)
{
    size_t n;
    const struct book_entry *list = months_entries(m, &n);
    for (size_t i = 0; version && i < n; i++)
        if (list[i].kind == BOOK_CLOSED && list[i].month == month && list[i].version == version)
            return &list[i];
    return version ? NULL : months_closing(m, month);
}

static enum cli_exit show(const struct cli *c, const struct months *m, int32_t month)
{
    struct month_rows rows;
    struct err e;
    int64_t version = 0;
    if (cli_number(c, "version", 1, 1000000, &version))
        return CLI_BAD_INPUT;
    const struct book_entry *closing = closing_of(m, month, version);
    if (!closing) {
        cli_say(c, "%s is not closed%s; kefuctl month review shows how it stands", c->args[1],
                version ? " in this version" : "");
        return CLI_FAILED;
    }
    int bad = months_entry_rows(m, closing->number, &rows, &e);
    if (bad)
        cli_say_err(c, &e);
    else
        month_show_rows(c, rows.list, rows.n);
    if (!bad && !c->json)
        printf("\nclosed by %.*s, version %" PRId64 ", rulebook %.*s, head %.*s\n", STR_ARG(closing->actor),
               closing->version, STR_ARG(closing->rulebook), STR_ARG(closing->sha256));
    month_rows_fini(&rows);
    return bad ? CLI_FAILED : CLI_OK;
}

static enum cli_exit run_show(const struct cli *c)
{
    int32_t month;
    struct months *m = month_argument(c, 1, &month) ? NULL : month_open(c);
    enum cli_exit status = m ? show(c, m, month) : CLI_FAILED;
    months_free(m);
    return status;
}

static void on_damage(void *arg, const struct err *e)
{
    cli_say_err(arg, e);
}

static enum cli_exit run_verify(const struct cli *c)
{
    char dir[REACH_PATH_MAX], path[REACH_PATH_MAX + 16];
    struct book_found found = {0};
    struct db db = {0};
    struct err e;
    if (reach_state(c, dir, sizeof dir, &e)) {
        cli_say_err(c, &e);
        return CLI_FAILED;
    }
    snprintf(path, sizeof path, "%s/kefu.db", dir);
    int bad = book_look(&db, path, &e);
    if (bad)
        cli_say_err(c, &e);
    else
        book_verify(&db, on_damage, (void *)c, &found);
    book_close(&db);
    if (bad)
        return CLI_FAILED;
    printf(c->json ? "{\"entries\":%" PRId64 ",\"rows\":%" PRId64 ",\"forgotten\":%" PRId64 ",\"damages\":%" PRId64
                     ",\"head\":\"%s\"}\n"
                   : "%" PRId64 " entries and %" PRId64 " rows looked at, of %" PRId64
                     " the person is forgotten, %" PRId64 " places are damaged\nhead %s\n",
           found.entries_n, found.rows_n, found.forgotten_n, found.damages_n, found.head);
    return found.damages_n ? CLI_BAD_INPUT : CLI_OK;
}

/* When it shows pay, so that the look stands in the audit log: never, with --pay, also with --json (which is all the daemon says),
 * or always. Acts are noted by the daemon. */
enum shows { NO_PAY = 0, IF_ASKED, IF_ASKED_OR_JSON, IF_JSON, PAY };

static const struct {
    const char *name;
    size_t args_n;
    enum cli_exit (*run)(const struct cli *c);
    enum shows shows;
} actions[] = {
    {"list", 1, run_list, IF_JSON},
    {"review", 2, run_review, IF_ASKED_OR_JSON},
    {"close", 2, run_close, NO_PAY},
    {"reopen", 2, run_reopen, NO_PAY},
    {"show", 2, run_show, IF_ASKED},
    {"verify", 1, run_verify, NO_PAY},
    {"adjustments", 2, month_run_adjustments, IF_ASKED_OR_JSON},
    {"accept", 3, month_run_decide, NO_PAY},
    {"reject", 3, month_run_decide, NO_PAY},
    {"proposals", 2, run_proposals, NO_PAY},
    {"confirm", 4, run_propose, NO_PAY},
    {"dismiss", 4, run_propose, NO_PAY},
    {"bonus", 2, run_bonus, PAY},
    {"export", 2, month_run_export, PAY},
    {"slip", 2, month_run_slip, PAY},
    {"slip", 3, month_run_slip, PAY},
};

static bool shows_pay(const struct cli *c, enum shows s)
{
    bool asked = (s == IF_ASKED || s == IF_ASKED_OR_JSON) && cli_flag(c, "pay");
    return s == PAY || asked || ((s == IF_JSON || s == IF_ASKED_OR_JSON) && c->json);
}

static enum cli_exit run(const struct cli *c)
{
    for (size_t i = 0; c->args_n && i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(c->args[0], actions[i].name) != 0 || c->args_n != actions[i].args_n)
            continue;
        if (shows_pay(c, actions[i].shows) &&
            look_note(c, c->args_n > 1 ? c->args[1] : NULL, c->args_n > 2 ? c->args[2] : NULL))
            return CLI_FAILED;
        return actions[i].run(c);
    }
    cli_say(c, "expected one of the actions and its month; see kefuctl help month");
    return CLI_BAD_INPUT;
}

static const struct cli_option options[] = {
    {"by", "NAME", "close, reopen, accept, reject: who does it; stands in the book for good"},
    {"reason", "TEXT", "close, reopen: why; reopening needs one"},
    {"difference", "AMOUNT", "accept, reject: the difference that is decided about, as adjustments --pay shows it"},
    {"force", NULL, "close: though first contacts may still fail; what comes of them is an adjustment"},
    {"pay", NULL, "review, show: with the bonus of each agent"},
    {"version", "N", "show: this version of a month that was opened again (default: the one in force)"},
    {"format", "csv|xlsx|payroll", "export: a table, a workbook, or a file for a payroll program (default: csv)"},
    {"out", "FILE", "export, slip: write it there, mode 0600 (default: standard output)"},
    {"columns", "LIST", "export payroll: \"Title=field, …\", frappe, or plain (default)"},
    {"component", "NAME", "export payroll: what the field component says (default: Performance Bonus)"},
    {"deduction", "NAME", "export payroll: the same of an amount below 0 (default: Performance Bonus Deduction)"},
    {"lang", "zh|en", "slip: in Chinese (default) or in English"},
    {NULL, NULL, NULL},
};

const struct command command_month = {
    .name = "month",
    .arguments = "list | review MONTH | close MONTH --by NAME | reopen MONTH --by NAME --reason TEXT |\n"
                 "                     show MONTH [--pay] [--version N] | verify | adjustments MONTH [--pay] |\n"
                 "                     accept MONTH AGENT [--difference AMOUNT] --by NAME |\n"
                 "                     reject MONTH AGENT [--difference AMOUNT] --by NAME |\n"
                 "                     proposals MONTH | confirm MONTH AGENT PROPOSAL --by NAME |\n"
                 "                     dismiss MONTH AGENT PROPOSAL --by NAME | bonus MONTH |\n"
                 "                     export MONTH [--format csv|xlsx|payroll] [--out FILE] | slip MONTH [AGENT]",
    .summary = "months for payroll: look at them, close them, check that nothing was changed since",
    .help =
        "A month is open until it has ended and its first contacts cannot fail any more, then in review until\n"
        "it is closed. Closing freezes a row an agent and chains it to what was closed before; it can be\n"
        "done again and again with one result. The head that close prints is the proof: keep it.\n"
        "What comes after the closing changes nothing of it: it is an adjustment, which a person accepts (it is\n"
        "then paid with the next month) or rejects. Which difference is meant is said by --difference, or shown and\n"
        "asked at a terminal; if it is another one by now, nothing is done.\n"
        "What hurts a person (training required, a transfer) is a proposal: confirm takes it only after the\n"
        "rulebook's days of appeal, dismiss drops it.\n"
        "bonus is the total by team and by shop, as it is and as projected: each bonus is split by the\n"
        "conversations handled for each shop.\n"
        "What still comes in of a month that has ended stands under \"waits for\" in list and review; the calendar waits\n"
        "for it, a person who closes decides.\n"
        "show and verify read the store itself and need no daemon. verify: exit status 0 if every row and\n"
        "link is whole, else 2, with the month and the agent of each that is not.\n",
    .options = options,
    .run = run,
};
