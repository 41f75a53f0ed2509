/* kefuctl backtest: the last months under another rulebook. Who would change tier, and what it would cost.
 *
 * It counts a copy of the store twice, in a folder of its own that it takes away: by the rulebooks that judged, and by the new
 * one alone. A running daemon does not notice. Money is printed: this command is for those who pay. */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/clock.h"
#include "kefu/base/json.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/ctl/ask.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/month.h"
#include "kefu/ctl/reach.h"
#include "kefu/daemon/backtest.h"
#include "kefu/daemon/month_export.h"
#include "kefu/rules/seed.h"
#include "kefu/store/backup.h"
#include "kefu/store/book.h"

#define RULEBOOK_MAX_BYTES ((size_t)1 << 20)
#define MONTHS_SHOWN       3
#define RULEBOOKS_MAX      64

struct call {
    const struct cli *cli;
    char dir[256]; /* of the copy; "" while there is none */
    struct tz *tz;
    struct months *months; /* of the store, for its rulebooks */
    struct rulebook *owned[RULEBOOKS_MAX + 1];
    size_t owned_n;
    struct rulebooks was, then;
    struct err e;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void on_damage(void *arg, const struct err *e)
{
    cli_say_err(arg, e);
}

/* --- the copy ----------------------------------------------------------------------------------------------------- */

static int copy_store(struct call *b)
{
    char state[REACH_PATH_MAX], path[REACH_PATH_MAX + 16], copy[300];
    struct reader r;
    struct reader_watch w = {.damage = on_damage, .arg = (void *)(uintptr_t)b->cli};
    const char *tmp = getenv("TMPDIR");
    if (reach_state(b->cli, state, sizeof state, &b->e))
        return -1;
    snprintf(path, sizeof path, "%s/kefu.db", state);
    b->months = months_look(path, &b->e);
    if (!b->months || reader_open(&r, path, &b->e))
        return -1;
    snprintf(b->dir, sizeof b->dir, "%.200s/kefu-backtest-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(b->dir)) {
        b->dir[0] = 0;
        reader_close(&r);
        return err_set(&b->e, tmp ? tmp : "/tmp", "no folder can be made there: %s", strerror(errno));
    }
    snprintf(copy, sizeof copy, "%s/kefu.db", b->dir);
    int bad = backup_make(&r, copy, &w, &b->e);
    reader_close(&r);
    return bad;
}

/* --- the rulebooks ------------------------------------------------------------------------------------------------ */

struct naming {
    struct call *b;
    struct str names[RULEBOOKS_MAX];
    size_t n;
    struct arena arena;
};

static void take_name(void *arg, const struct book_rulebook *r)
{
    struct naming *n = arg;
    if (n->n < RULEBOOKS_MAX && r->month != BOOK_TAKEN_AWAY)
        n->names[n->n++] = arena_copy(&n->arena, r->name); /* in the order of their months */
}

static struct rulebook *own(struct call *b, struct rulebook *r)
{
    if (r)
        b->owned[b->owned_n++] = r;
    return r;
}

static int read_adopted(struct call *b)
{
    struct naming n = {.b = b};
    int bad = book_each_rulebook(months_db(b->months), take_name, &n, &b->e);
    for (size_t i = 0; !bad && i < n.n; i++) {
        struct rulebook *r = own(b, month_rulebook(b->months, n.names[i], &b->e));
        bad = r ? 0 : -1;
        if (r)
            b->was.list[b->was.n++] = r;
    }
    arena_fini(&n.arena);
    if (!bad && b->was.n == 0)
        return err_set(&b->e, "store", "it remembers no rulebook: let this version's kefud run on it once");
    return bad;
}

static int read_new(struct call *b, const char *file)
{
    char *text;
    size_t n;
    if (json_read_file(file, RULEBOOK_MAX_BYTES, &text, &n, &b->e))
        return -1;
    struct rulebook *seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &b->e);
    struct rulebook *r = seed ? own(b, rulebook_read((struct str){text, n}, file, seed, &b->e)) : NULL;
    rulebook_free(seed);
    free(text);
    if (r)
        b->then = (struct rulebooks){.list = {r}, .n = 1};
    return r ? 0 : -1;
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

struct totals_of {
    int64_t was_fen, then_fen, changed_n;
};

static void tier_cell(struct grid *g, const struct book_row *r)
{
    grid_put(g, r && r->tier.n ? r->tier : STR_LIT("-"));
}

static void score_cell(struct grid *g, const struct book_row *r)
{
    if (!r || r->total_milli == SCORE_NONE)
        grid_put(g, STR_LIT("-"));
    else
        grid_printf(g, "%" PRId64 ".%02" PRId64, r->total_milli / 1000, r->total_milli % 1000 / 10);
}

static void fen_cell(struct grid *g, int64_t fen)
{
    struct buf text = {0};
    export_put_fen(&text, fen);
    grid_put(g, buf_str(&text));
    buf_fini(&text);
}

static void compare_month(struct grid *g, const struct month_draft *was, const struct month_draft *then,
                          struct totals_of *sum)
{
    char month[16];
    civil_print_month(month, sizeof month, then->month);
    for (size_t i = 0; i < then->rows_n; i++) {
        const struct book_row *new = &then->rows[i], *old = months_find(was->rows, was->rows_n, new->agent);
        int64_t old_fen = old ? old->bonus_fen : 0;
        bool changed = !old || !str_eq(old->tier, new->tier);
        sum->was_fen += old_fen;
        sum->then_fen += new->bonus_fen;
        sum->changed_n += changed;
        if (!changed && old_fen == new->bonus_fen)
            continue;
        grid_put(g, str_of(month));
        grid_put(g, new->agent);
        score_cell(g, old);
        score_cell(g, new);
        tier_cell(g, old);
        tier_cell(g, new);
        fen_cell(g, new->bonus_fen - old_fen);
    }
}

/* The months to compare: the one asked for, or the last ones that have ended and have figures. */
static void choose_months(const struct call *b, const struct site *s, int32_t asked, int32_t *first, int32_t *last)
{
    *first = *last = asked;
    if (asked != INT32_MIN)
        return;
    *last = civil_month(tz_day(b->tz, site_as_of(s))) - 1;
    bool any = false;
    for (; !any && *last > 0; *last -= !any)
        for (uint32_t a = 1; !any && a <= site_agents_n(s); a++)
            any = site_figures(s, a, PERIOD_MONTH, *last) != NULL;
    *first = *last - MONTHS_SHOWN + 1;
}

static void say_sum(const struct totals_of *sum)
{
    struct buf text = {0};
    buf_printf(&text, "\n%" PRId64 " tiers change; the bonuses are ", sum->changed_n);
    export_put_fen(&text, sum->was_fen);
    buf_put_str(&text, STR_LIT(" as they are, "));
    export_put_fen(&text, sum->then_fen);
    buf_put_str(&text, STR_LIT(" under the new rulebook: "));
    export_put_fen(&text, sum->then_fen - sum->was_fen);
    printf(
        "%.*s\nWhat was decided when the events came (which messages are closers or placeholders) stays as it was.\n",
        STR_ARG(buf_str(&text)));
    buf_fini(&text);
}

static void compare(const struct call *b, const struct backtest *was, const struct backtest *then, int32_t asked)
{
    static const char *const titles[] = {"month", "agent", "score", "then", "tier", "then", "difference"};
    struct grid g = {.right = {[2] = true, [3] = true, [6] = true}};
    struct totals_of sum = {0};
    struct month_draft before[2] = {{0}}, now[2];
    int32_t first, last;
    choose_months(b, was->site, asked, &first, &last);
    ask_titles(&g, titles, sizeof titles / sizeof *titles);
    backtest_month(was, first - 1, NULL, &before[0]); /* for months in a row */
    backtest_month(then, first - 1, NULL, &before[1]);
    for (int32_t month = first; month <= last; month++) {
        backtest_month(was, month, &before[0], &now[0]);
        backtest_month(then, month, &before[1], &now[1]);
        compare_month(&g, &now[0], &now[1], &sum);
        for (int i = 0; i < 2; i++) {
            month_draft_free(&before[i]);
            before[i] = now[i];
        }
    }
    month_draft_free(&before[0]);
    month_draft_free(&before[1]);
    ask_print(&g);
    say_sum(&sum);
}

/* One store, opened twice in turn: its lock is its own. */
static int run_both(struct call *b, int32_t asked)
{
    struct clock clock = clock_real();
    int64_t now_ms = clock_wall_ms(&clock);
    struct backtest was = {0}, then = {0};
    int bad = backtest_open(&was, b->dir, &b->was, b->tz, &b->e);
    if (!bad) {
        backtest_run(&was, now_ms);
        store_close(was.store); /* the totals are all that is needed from here on */
        was.store = NULL;
        bad = backtest_open(&then, b->dir, &b->then, b->tz, &b->e);
    }
    if (!bad) {
        backtest_run(&then, now_ms);
        compare(b, &was, &then, asked);
    }
    backtest_close(&then);
    backtest_close(&was);
    return bad;
}

static void stop(struct call *b)
{
    for (size_t i = 0; i < b->owned_n; i++)
        rulebook_free(b->owned[i]);
    months_free(b->months);
    if (b->tz)
        tz_free(b->tz);
    if (b->dir[0])
        nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static enum cli_exit run(const struct cli *c)
{
    struct call b = {.cli = c};
    const char *file = cli_value(c, "rulebook"), *month = cli_value(c, "month"), *zone = cli_value(c, "timezone");
    int32_t asked = INT32_MIN;
    if (!file || c->args_n || (month && civil_parse_month(str_of(month), &asked))) {
        cli_say(c, "expected --rulebook FILE, and a month such as 2026-03 after --month if one is given");
        return CLI_BAD_INPUT;
    }
    log_set_level(LOG_LEVEL_ERROR); /* that it counts anew is no news */
    b.tz = tz_load(str_of(zone ? zone : "Asia/Shanghai"), &b.e);
    int bad = !b.tz || copy_store(&b) || read_adopted(&b) || read_new(&b, file) || run_both(&b, asked);
    if (bad)
        cli_say_err(c, &b.e);
    stop(&b);
    return bad ? CLI_FAILED : CLI_OK;
}

static const struct cli_option options[] = {
    {"rulebook", "FILE", "the rulebook to try; it may give only what differs from the default one"},
    {"month", "MONTH", "only this month (default: the last three that have ended and have figures)"},
    {"timezone", "NAME", "the site's zone, if it is not Asia/Shanghai"},
    {NULL, NULL, NULL},
};

const struct command command_backtest = {
    .name = "backtest",
    .arguments = "--rulebook FILE [--month MONTH]",
    .summary = "the last months under another rulebook: who would change tier, and what it would cost",
    .help = "Counts a copy of the store anew, under $TMPDIR, which needs room for it; a running daemon does not\n"
            "notice. Prints every agent whose tier or bonus would be another one. What was decided when the events\n"
            "came, such as which messages are closers, stays as it was. Shows pay.\n",
    .options = options,
    .run = run,
};
