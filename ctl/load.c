/* kefuctl load: files of events into the running daemon.
 *
 * Keeps true: what it counts as done is durable; a refused line is named with its file and number and makes the exit
 * status 2; loading the same file again is harmless. Goes on by itself when the daemon has been restarted. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/clock.h"
#include "kefu/base/mem.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/feed.h"
#include "kefu/ctl/lines.h"

#define PAINT_EVERY_MS 200
#define BAR_COLUMNS    24

struct load {
    const struct cli *cli;
    struct clock clock;
    struct feed feed;
    struct lines lines;
    size_t file;          /* index of the file being read in cli->args */
    uint64_t *first_line; /* owned; lines before each file */
    int64_t total_bytes;  /* of all files; -1: unknown */
    int64_t began_mono_ms;
    int64_t paint_mono_ms;
    bool bar; /* standard error is a terminal */
};

static void clear_bar(const struct load *l)
{
    if (l->bar)
        fputs("\r\033[K", stderr);
}

static void say_rejected(void *arg, uint64_t line, const char *id, const char *reason)
{
    struct load *l = arg;
    size_t file = l->file < l->cli->args_n ? l->file : l->cli->args_n - 1;
    while (file > 0 && l->first_line[file] >= line)
        file--;
    clear_bar(l);
    fprintf(stderr, "%s:%" PRIu64 ": %s%s%s%s\n", lines_title(l->cli->args[file]), line - l->first_line[file], reason,
            id[0] ? " (id " : "", id, id[0] ? ")" : "");
}

static void put_time(char *out, size_t out_n, int64_t s)
{
    snprintf(out, out_n, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
}

static void paint(struct load *l, int64_t mono_ms)
{
    if (!l->bar || mono_ms < l->paint_mono_ms)
        return;
    l->paint_mono_ms = mono_ms + PAINT_EVERY_MS;
    int64_t spent_ms = mono_ms - l->began_mono_ms + 1, done = (int64_t)l->feed.acked_bytes;
    fprintf(stderr, "\r\033[K%9" PRIu64 " lines  %7" PRId64 "/s", l->feed.acked_n,
            (int64_t)l->feed.acked_n * 1000 / spent_ms);
    if (l->total_bytes > 0 && done > 0) {
        char bar[BAR_COLUMNS + 1], left[32];
        int64_t filled = done < l->total_bytes ? done * BAR_COLUMNS / l->total_bytes : BAR_COLUMNS;
        memset(bar, '.', BAR_COLUMNS);
        memset(bar, '#', (size_t)filled);
        bar[BAR_COLUMNS] = '\0';
        int64_t rest = l->total_bytes > done ? l->total_bytes - done : 0;
        put_time(left, sizeof left, (int64_t)((__int128)rest * spent_ms / done / 1000));
        fprintf(stderr, "  [%s] %3" PRId64 " %%  %s left", bar, done * 100 / l->total_bytes, left);
    }
    if (l->feed.fd < 0)
        fputs("  (waiting for the daemon)", stderr);
    fflush(stderr);
}

/* Opens all files once, so that a wrong name is told before anything is loaded, and adds up their sizes. */
static int look_at_files(struct load *l, struct err *e)
{
    for (size_t i = 0; i < l->cli->args_n; i++) {
        struct lines look;
        if (lines_open(&look, l->cli->args[i], e) != 0)
            return -1;
        l->total_bytes = look.size_bytes < 0 || l->total_bytes < 0 ? -1 : l->total_bytes + look.size_bytes;
        if (strcmp(l->cli->args[i], "-") != 0)
            lines_close(&look);
    }
    return lines_open(&l->lines, l->cli->args[0], e);
}

static int next_file(struct load *l, struct err *e)
{
    lines_close(&l->lines);
    if (++l->file == l->cli->args_n) {
        feed_end(&l->feed);
        return 0;
    }
    l->first_line[l->file] = l->feed.lines_n;
    return lines_open(&l->lines, l->cli->args[l->file], e);
}

static int read_more(struct load *l, struct err *e)
{
    struct str block;
    int more = lines_next(&l->lines, &block, e);
    if (more < 0)
        return -1;
    if (more == 0)
        return next_file(l, e);
    feed_put(&l->feed, block, l->lines.next_line - l->lines.line);
    return 0;
}

/* Would reading give something at once? Of files, always. */
static bool has_input(const struct load *l)
{
    struct pollfd at = {.fd = l->lines.fd, .events = POLLIN};
    return poll(&at, 1, 0) > 0;
}

static int run_all(struct load *l, struct err *e)
{
    while (!feed_done(&l->feed)) {
        int64_t mono_ms = clock_mono_ms(&l->clock);
        bool wants = feed_wants(&l->feed);
        bool reads = wants && has_input(l);
        if (reads && read_more(l, e) != 0)
            return -1;
        l->feed.wake_fd = wants && !reads ? l->lines.fd : -1;
        if (feed_turn(&l->feed, mono_ms, reads ? 0 : PAINT_EVERY_MS, e) != 0)
            return -1;
        paint(l, mono_ms);
    }
    return 0;
}

static void print_summary(const struct load *l)
{
    const struct feed *f = &l->feed;
    int64_t spent_ms = clock_mono_ms(&l->clock) - l->began_mono_ms + 1;
    if (l->cli->json) {
        printf("{\"lines\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"duplicate\":%" PRIu64 ",\"rejected\":%" PRIu64
               ",\"ms\":%" PRId64 "}\n",
               f->acked_n, f->accepted_n, f->duplicate_n, f->rejected_n, spent_ms);
        return;
    }
    printf("%" PRIu64 " lines in %" PRId64 ".%" PRId64 " s: %" PRIu64 " new, %" PRIu64 " known already, %" PRIu64
           " refused\n",
           f->acked_n, spent_ms / 1000, spent_ms % 1000 / 100, f->accepted_n, f->duplicate_n, f->rejected_n);
}

static enum cli_exit finish(struct load *l, int failed, const struct err *e)
{
    clear_bar(l);
    print_summary(l);
    if (!failed)
        return l->feed.rejected_n > 0 ? CLI_BAD_INPUT : CLI_OK;
    cli_say_err(l->cli, e);
    cli_say(l->cli, "stopped; load the same again when that is mended: what is known already does not count twice");
    return l->feed.fd < 0 ? CLI_UNREACHABLE : CLI_FAILED;
}

static enum cli_exit run(const struct cli *c)
{
    struct err e;
    struct load l = {.cli = c, .clock = clock_real(), .bar = isatty(STDERR_FILENO) && !cli_flag(c, "quiet")};
    if (c->args_n == 0) {
        cli_say(c, "no file given; name files of events, or - for standard input");
        return CLI_BAD_INPUT;
    }
    if (look_at_files(&l, &e) != 0) {
        cli_say_err(c, &e);
        return CLI_FAILED;
    }
    if (feed_open(&l.feed, c, &e) != 0) {
        cli_say_err(c, &e);
        lines_close(&l.lines);
        return CLI_UNREACHABLE;
    }
    l.feed.rejected = say_rejected;
    l.feed.arg = &l;
    l.first_line = xcalloc(c->args_n, sizeof *l.first_line);
    l.began_mono_ms = clock_mono_ms(&l.clock);
    enum cli_exit status = finish(&l, run_all(&l, &e), &e);
    lines_close(&l.lines);
    feed_close(&l.feed);
    free(l.first_line);
    return status;
}

static const struct cli_option options[] = {
    {"quiet", NULL, "no progress bar, also on a terminal"},
    {NULL, NULL, NULL},
};

const struct command command_load = {
    .name = "load",
    .arguments = "FILE… | -",
    .summary = "load files of events (NDJSON) into the daemon",
    .help = "One event a line. Ends when every line is durable or refused; refused lines are listed with\n"
            "their file and number. The same file loaded twice counts once. When the daemon is restarted\n"
            "meanwhile, loading goes on by itself. Compressed files: zcat FILE | kefuctl load -\n",
    .options = options,
    .run = run,
};
