/* kefuctl journal: the events on disk, as lines for people and other programs; their check; a damaged row out of the way.
 *
 * Export and verify only look (a running daemon does not notice); set-aside needs the store for itself. Keeps true: what an
 * export leaves out (texts, and which phrases a closer was told by) it says in a form that gives the same figures. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/ctl/bar.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/reach.h"
#include "kefu/state/freeze.h"
#include "kefu/store/reader.h"
#include "kefu/store/shelf.h"

struct journal_call {
    const struct cli *cli;
    struct bar bar;
    struct reader reader;
    struct buf line;
    uint64_t events_n;
};

static int open_reader(struct journal_call *j, struct err *e)
{
    char path[REACH_PATH_MAX + 16], dir[REACH_PATH_MAX];
    if (reach_state(j->cli, dir, sizeof dir, e))
        return -1;
    snprintf(path, sizeof path, "%s/kefu.db", dir);
    return reader_open(&j->reader, path, e);
}

static void on_progress(void *arg, uint64_t done_n, uint64_t all_n)
{
    bar_paint(&((struct journal_call *)arg)->bar, "events", done_n, all_n);
}

/* ---- export ---- */

/* What was read from the text at the door stands in for the text: a closer says `closing`, a placeholder `auto`, which the
 * figures treat alike. */
static void print_event(void *arg, const struct event *e)
{
    struct journal_call *j = arg;
    struct event shown = *e;
    if (e->flags & EVENT_CLOSER)
        shown.flags |= EVENT_CLOSING_TRUE;
    if (e->flags & EVENT_PLACEHOLDER)
        shown.flags |= EVENT_AUTO;
    j->line.n = 0;
    event_print_json(&j->line, &shown);
    buf_put_byte(&j->line, '\n');
    j->events_n++;
    if (!ferror(stdout))
        fwrite(j->line.p, 1, j->line.n, stdout);
}

static void print_row(void *arg, uint64_t seq, const struct event *e)
{
    (void)seq;
    print_event(arg, e);
}

static int print_subject(void *arg, const struct shelf_row *row, struct err *e)
{
    struct journal_call *j = arg;
    bar_paint(&j->bar, "events", j->events_n, j->reader.last_seq);
    return shelf_row_events(row, print_event, j, e);
}

/* What is no longer in the journal lies on the shelf; *from is then the first that does not. */
static int print_shelf(struct journal_call *j, uint64_t *from, struct err *e)
{
    struct shelf_reading r = {.row = print_subject, .arg = j};
    uint64_t seq;
    if (shelf_look(&j->reader.db, &seq, &r, e))
        return -1;
    *from = seq + 1;
    return 0;
}

/* The range asked for; what the journal has no longer, or not yet, is refused if it was named. */
static int read_range(const struct journal_call *j, uint64_t *from, uint64_t *to)
{
    const struct reader *r = &j->reader;
    int64_t first = (int64_t)r->first_seq, last = (int64_t)r->last_seq;
    int64_t a = first, b = last;
    if (cli_number(j->cli, "from", first, last, &a) || cli_number(j->cli, "to", first, last, &b))
        return -1;
    *from = (uint64_t)a;
    *to = (uint64_t)b;
    return 0;
}

static uint64_t gaps_in(const struct journal *journal, uint64_t from, uint64_t to)
{
    uint64_t n = 0;
    for (size_t i = 0; i < journal->gaps_n; i++) {
        uint64_t a = journal->gaps[i].seq, b = a + journal->gaps[i].n - 1;
        a = a > from ? a : from;
        b = b < to ? b : to;
        n += a <= b ? b - a + 1 : 0;
    }
    return n;
}

/* All there is, or the part of the journal that was asked for. */
static int print_all(struct journal_call *j, uint64_t from, uint64_t to, struct err *e)
{
    struct store_replay r = {.each = print_row, .progress = on_progress, .arg = j, .progress_arg = j};
    bool part = cli_flag(j->cli, "from") || cli_flag(j->cli, "to");
    if (!part && from > 1 && print_shelf(j, &from, e))
        return -1;
    return to >= from ? journal_replay(&j->reader.journal, from, to, &r, e) : 0;
}

static enum cli_exit run_export(struct journal_call *j)
{
    struct err e;
    uint64_t from = 0, to = 0;
    int bad = reader_begin(&j->reader, &e);
    if (!bad && read_range(j, &from, &to))
        return CLI_BAD_INPUT;
    bad = bad || print_all(j, from, to, &e);
    reader_end(&j->reader);
    bar_clear(&j->bar);
    if (bad)
        cli_say_err(j->cli, &e);
    uint64_t aside_n = gaps_in(&j->reader.journal, from, to);
    if (aside_n)
        cli_say(j->cli, "%" PRIu64 " events in this range are set aside and not in the export", aside_n);
    if (fflush(stdout) || ferror(stdout)) {
        cli_say(j->cli, "the export could not be written whole");
        return CLI_FAILED;
    }
    return bad ? CLI_FAILED : CLI_OK;
}

/* ---- verify ---- */

static void on_damage(void *arg, const struct err *e)
{
    struct journal_call *j = arg;
    bar_clear(&j->bar);
    cli_say_err(j->cli, e);
}

static void on_step(void *arg, const char *what, uint64_t done_n, uint64_t all_n)
{
    bar_paint(&((struct journal_call *)arg)->bar, what, done_n, all_n);
}

static enum cli_exit run_verify(struct journal_call *j)
{
    struct reader *r = &j->reader;
    struct reader_found found = {0};
    struct reader_watch watch = {on_damage, on_step, j};
    for (uint64_t next = r->first_seq; next <= r->last_seq;)
        reader_check_journal(r, &next, &watch, &found);
    bar_clear(&j->bar);
    uint64_t aside_n = gaps_in(&r->journal, r->first_seq, r->last_seq);
    if (j->cli->json)
        printf("{\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\"events\":%" PRIu64 ",\"set_aside\":%" PRIu64
               ",\"damages\":%" PRIu64 "}\n",
               r->first_seq, r->last_seq, found.events_n, aside_n, found.damages_n);
    else
        printf("%" PRIu64 " events from %" PRIu64 " to %" PRIu64 " are whole, %" PRIu64 " are set aside, %" PRIu64
               " places are damaged\n",
               found.events_n, r->first_seq, r->last_seq, aside_n, found.damages_n);
    return found.damages_n ? CLI_BAD_INPUT : CLI_OK;
}

/* ---- set-aside ---- */

static enum cli_exit set_aside(const struct cli *c)
{
    struct clock clock = clock_real();
    struct store_aside what = {.at_ms = clock_wall_ms(&clock), .force = cli_flag(c, "force")};
    char dir[REACH_PATH_MAX], *end = NULL;
    struct err e;
    what.seq = c->args_n == 2 ? strtoull(c->args[1], &end, 10) : 0;
    if (!what.seq || *end || strlen(c->args[1]) > 18) {
        cli_say(c, "set-aside: expected the sequence that the daemon's message names");
        return CLI_BAD_INPUT;
    }
    struct store *s = reach_state(c, dir, sizeof dir, &e) ? NULL : store_open(dir, &e);
    int bad = s ? store_set_aside(s, &what, &e) : -1;
    store_close(s);
    if (bad) {
        cli_say_err(c, &e);
        return CLI_FAILED;
    }
    printf("The events %" PRIu64 " to %" PRIu64 " are set aside (table aside of kefu.db) and count in no figure.\n",
           what.seq, what.seq + what.n - 1);
    return CLI_OK;
}

static enum cli_exit look(const struct cli *c, enum cli_exit (*how)(struct journal_call *j))
{
    struct journal_call j = {.cli = c};
    struct err e;
    bar_init(&j.bar);
    if (open_reader(&j, &e)) {
        cli_say_err(c, &e);
        return CLI_FAILED;
    }
    enum cli_exit status = how(&j);
    reader_close(&j.reader);
    buf_fini(&j.line);
    return status;
}

static enum cli_exit run(const struct cli *c)
{
    const char *what = c->args_n ? c->args[0] : "";
    if (strcmp(what, "export") == 0 && c->args_n == 1)
        return look(c, run_export);
    if (strcmp(what, "verify") == 0 && c->args_n == 1)
        return look(c, run_verify);
    if (strcmp(what, "set-aside") == 0)
        return set_aside(c);
    cli_say(c, "expected export, verify, or set-aside SEQ; see kefuctl help journal");
    return CLI_BAD_INPUT;
}

static const struct cli_option options[] = {
    {"from", "SEQ", "export: of the journal alone, from this sequence on (default: its first)"},
    {"to", "SEQ", "export: of the journal alone, up to this one (default: its last)"},
    {"force", NULL, "set-aside: also a row that is sound"},
    {NULL, NULL, NULL},
};

const struct command command_journal = {
    .name = "journal",
    .arguments = "export [--from SEQ] [--to SEQ] | verify [--json] | set-aside SEQ [--force]",
    .summary = "the events on disk: print them, check them, put a damaged row out of the way",
    .help = "export prints all events, one a line, as kefuctl load takes them: those that a checkpoint holds by\n"
            "conversation, those of the journal as they came; all as of one moment. Texts are not kept and so\n"
            "not in it: a closer is told as \"closing\": true, a placeholder as \"auto\": true, a text's length as\n"
            "\"text_bytes\", which is ignored by whoever reads it. A customer is the hash of the id. Loaded\n"
            "into an empty store it gives the same figures; where the events are already, those that had a\n"
            "text are refused as conflicts, and count as they did.\n"
            "verify reads every row whole: exit status 0 if all are, else 2.\n"
            "set-aside takes a row that stops the daemon from starting out of the journal, into the table\n"
            "\"aside\"; its events then count no more. Only while no daemon runs on the store; restoring a\n"
            "backup is better where there is one.\n",
    .options = options,
    .run = run,
};
