/* kefuctl backtest: the last months under another rulebook. Who would change tier, and what it would cost.
 *
 * It counts a copy of the store twice, in a folder of its own that it takes away: by the rulebooks that judged, and by the new
 * one alone. A running daemon does not notice. Money is printed: this command is for those who pay. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kefu/base/clock.h"
#include "kefu/base/folder.h"
#include "kefu/base/json.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/ctl/ask.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/look.h"
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
    bool rulebook_bad; /* it was read, and is none */
    struct err e;
};

static void on_damage(void *arg, const struct err *e)
{
    cli_say_err(arg, e);
}

/* --- the copy ----------------------------------------------------------------------------------------------------- */

/* A copy that fills the disk would stop the daemon, too: there must be room for two. */
static int check_room(const char *db_path, const char *tmp, struct err *e)
{
    struct stat db;
    struct statvfs room;
    if (stat(db_path, &db) < 0 || statvfs(tmp, &room) < 0)
        return err_set(e, tmp, "cannot be looked at: %s", strerror(errno));
    uint64_t free_bytes = (uint64_t)room.f_bavail * room.f_frsize, need_bytes = 2 * (uint64_t)db.st_size;
    return free_bytes >= need_bytes ? 0
                                    : err_set(e, tmp,
                                              "found %" PRIu64 " bytes free, expected %" PRIu64
                                              " for a copy of the store; TMPDIR can name another folder",
                                              free_bytes, need_bytes);
}

static int copy_store(struct call *b)
{
    char state[REACH_PATH_MAX], path[REACH_PATH_MAX + 16], copy[300];
    struct reader r;
    struct reader_watch w = {.damage = on_damage, .arg = (void *)(uintptr_t)b->cli};
    if (reach_state(b->cli, state, sizeof state, &b->e))
        return -1;
    snprintf(path, sizeof path, "%s/kefu.db", state);
    b->months = months_look(path, &b->e);
    if (!b->months || check_room(path, folder_for_temporaries(), &b->e) || reader_open(&r, path, &b->e))
        return -1;
    if (folder_make(b->dir, sizeof b->dir, "kefu-backtest", &b->e)) {
        reader_close(&r);
        return -1;
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

/* Of a file, or what comes on standard input ("-"); the caller's. */
static int read_text(const char *file, char **text, size_t *n, struct err *e)
{
    if (strcmp(file, "-") != 0)
        return json_read_file(file, RULEBOOK_MAX_BYTES, text, n, e);
    *text = xcalloc(1, RULEBOOK_MAX_BYTES + 1);
    *n = fread(*text, 1, RULEBOOK_MAX_BYTES + 1, stdin);
    if (*n <= RULEBOOK_MAX_BYTES && !ferror(stdin))
        return 0;
    free(*text);
    *text = NULL;
    return err_set(e, "standard input", "it is longer than %zu bytes, or cannot be read", RULEBOOK_MAX_BYTES);
}

static int read_new(struct call *b, const char *file)
{
    char *text;
    size_t n;
    if (read_text(file, &text, &n, &b->e))
        return -1;
    struct rulebook *seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &b->e);
    struct rulebook *r = seed ? own(b, rulebook_read((struct str){text, n}, file, seed, &b->e)) : NULL;
    rulebook_free(seed);
    free(text);
    if (r)
        b->then = (struct rulebooks){.list = {r}, .n = 1};
    b->rulebook_bad = !r;
    return r ? 0 : -1;
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

struct sum {
    int64_t was_fen, then_fen, changed_n;
};

/* What is told: a table for people, or JSON. */
struct told {
    bool json;
    struct grid grid;
    struct buf rows, months; /* of JSON: arrays without their brackets */
    struct sum all;
};

/* One agent's month under both. */
struct pair {
    const struct book_row *was, *then; /* was NULL: had no row */
    int32_t month;
};

static int64_t was_fen(const struct pair *p)
{
    return p->was ? p->was->bonus_fen : 0;
}

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

static void tell_line(struct grid *g, const struct pair *p)
{
    char month[16];
    civil_print_month(month, sizeof month, p->month);
    grid_put(g, str_of(month));
    grid_put(g, p->then->agent);
    score_cell(g, p->was);
    score_cell(g, p->then);
    tier_cell(g, p->was);
    tier_cell(g, p->then);
    fen_cell(g, p->then->bonus_fen - was_fen(p));
}

static void put_side(struct buf *out, const char *name, const struct book_row *r)
{
    buf_printf(out, ",\"%s\":{\"total_milli\":", name);
    if (r && r->total_milli != SCORE_NONE)
        buf_printf(out, "%" PRId64, r->total_milli);
    else
        buf_put_str(out, STR_LIT("null"));
    buf_put_str(out, STR_LIT(",\"tier\":"));
    if (r && r->tier.n)
        buf_put_json(out, r->tier);
    else
        buf_put_str(out, STR_LIT("null"));
    buf_printf(out, ",\"bonus_fen\":%" PRId64 "}", r ? r->bonus_fen : 0);
}

static void tell_json(struct buf *out, const struct pair *p)
{
    char month[16];
    civil_print_month(month, sizeof month, p->month);
    buf_printf(out, "%s{\"month\":\"%s\",\"agent\":", out->n ? "," : "", month);
    buf_put_json(out, p->then->agent);
    buf_put_str(out, STR_LIT(",\"name\":"));
    buf_put_json(out, p->then->name);
    buf_put_str(out, STR_LIT(",\"team\":"));
    buf_put_json(out, p->then->team);
    put_side(out, "was", p->was);
    put_side(out, "then", p->then);
    buf_printf(out, ",\"difference_fen\":%" PRId64 "}", p->then->bonus_fen - was_fen(p));
}

static void put_sum(struct buf *out, const struct sum *s)
{
    buf_printf(out, "\"changed\":%" PRId64 ",\"was_fen\":%" PRId64 ",\"then_fen\":%" PRId64, s->changed_n, s->was_fen,
               s->then_fen);
}

static void compare_month(struct told *t, const struct month_draft *was, const struct month_draft *then)
{
    char month[16];
    struct sum sum = {0};
    civil_print_month(month, sizeof month, then->month);
    for (size_t i = 0; i < then->rows_n; i++) {
        const struct book_row *new = &then->rows[i];
        struct pair p = {months_find(was->rows, was->rows_n, new->agent), new, then->month};
        bool changed = !p.was || !str_eq(p.was->tier, new->tier);
        sum.was_fen += was_fen(&p);
        sum.then_fen += new->bonus_fen;
        sum.changed_n += changed;
        if (!changed && was_fen(&p) == new->bonus_fen)
            continue;
        if (t->json)
            tell_json(&t->rows, &p);
        else
            tell_line(&t->grid, &p);
    }
    buf_printf(&t->months, "%s{\"month\":\"%s\",", t->months.n ? "," : "", month);
    put_sum(&t->months, &sum);
    buf_put_byte(&t->months, '}');
    t->all.was_fen += sum.was_fen;
    t->all.then_fen += sum.then_fen;
    t->all.changed_n += sum.changed_n;
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

static void say_sum(const struct sum *sum)
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

static void say_json(const struct told *t, const struct rulebook *r)
{
    struct buf out = {0};
    buf_put_str(&out, STR_LIT("{\"rulebook\":"));
    buf_put_json(&out, r->name);
    buf_put_byte(&out, ',');
    put_sum(&out, &t->all);
    buf_printf(&out, ",\"months\":[%.*s],\"rows\":[%.*s]}", STR_ARG(buf_str(&t->months)), STR_ARG(buf_str(&t->rows)));
    printf("%.*s\n", STR_ARG(buf_str(&out)));
    buf_fini(&out);
}

static void say(struct told *t, const struct rulebook *r)
{
    if (t->json) {
        grid_fini(&t->grid);
        say_json(t, r);
    } else {
        ask_print(&t->grid);
        say_sum(&t->all);
    }
    buf_fini(&t->rows);
    buf_fini(&t->months);
}

static void compare(const struct call *b, const struct backtest *was, const struct backtest *then, int32_t asked)
{
    static const char *const titles[] = {"month", "agent", "score", "then", "tier", "then", "difference"};
    struct told told = {.json = b->cli->json, .grid = {.right = {[2] = true, [3] = true, [6] = true}}};
    struct month_draft before[2] = {{0}}, now[2];
    int32_t first, last;
    choose_months(b, was->site, asked, &first, &last);
    ask_titles(&told.grid, titles, sizeof titles / sizeof *titles);
    backtest_month(was, first - 1, NULL, &before[0]); /* for months in a row */
    backtest_month(then, first - 1, NULL, &before[1]);
    for (int32_t month = first; month <= last; month++) {
        backtest_month(was, month, &before[0], &now[0]);
        backtest_month(then, month, &before[1], &now[1]);
        compare_month(&told, &now[0], &now[1]);
        for (int i = 0; i < 2; i++) {
            month_draft_free(&before[i]);
            before[i] = now[i];
        }
    }
    month_draft_free(&before[0]);
    month_draft_free(&before[1]);
    say(&told, then->rulebooks->list[0]);
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
    folder_remove(b->dir);
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
    if (look_note(c, month, NULL))
        return CLI_FAILED;
    log_set_level(LOG_LEVEL_ERROR); /* that it counts anew is no news */
    b.tz = tz_load(str_of(zone ? zone : "Asia/Shanghai"), &b.e);
    int bad = !b.tz || copy_store(&b) || read_adopted(&b) || read_new(&b, file) || run_both(&b, asked);
    if (bad)
        cli_say_err(c, &b.e);
    stop(&b);
    return b.rulebook_bad ? CLI_BAD_INPUT : bad ? CLI_FAILED : CLI_OK;
}

static const struct cli_option options[] = {
    {"rulebook", "FILE",
     "the rulebook to try (- is standard input); it may give only what differs from the default one"},
    {"month", "MONTH", "only this month (default: the last three that have ended and have figures)"},
    {"timezone", "NAME", "the site's zone, if it is not Asia/Shanghai"},
    {NULL, NULL, NULL},
};

const struct command command_backtest = {
    .name = "backtest",
    .arguments = "--rulebook FILE [--month MONTH] [--json]",
    .summary = "the last months under another rulebook: who would change tier, and what it would cost",
    .help =
        "Counts a copy of the store anew, under $TMPDIR, which needs room for it; a running daemon does not\n"
        "notice. Prints every agent whose tier or bonus would be another one. What was decided when the events\n"
        "came, such as which messages are closers, stays as it was. Shows pay. Exit status 2: the rulebook is none.\n",
    .options = options,
    .run = run,
};
