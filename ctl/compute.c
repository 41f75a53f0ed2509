/* kefuctl compute: the figures of files of events, by the same decoder and fold as the daemon's, in memory.
 *
 * Keeps true: the first of two events with one identity wins; whatever is refused is named with file, line and reason
 * and makes the exit status 2, and all the rest is computed. Nothing is kept but the folded state. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/json.h"
#include "kefu/collectors/decode.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/lines.h"
#include "kefu/daemon/report.h"
#include "kefu/rules/seed.h"
#include "kefu/state/site.h"

#define RULEBOOK_MAX_BYTES ((size_t)1 << 20)
#define ADVANCE_STEPS      100000

struct compute {
    const struct cli *cli;
    struct rulebook *seed;  /* owned */
    struct rulebook *given; /* owned; NULL: seed alone */
    struct rulebooks books;
    struct tz *tz;     /* owned */
    struct site *site; /* owned */
    int64_t as_of;     /* INT64_MIN: the latest event's time */
    enum period_kind by;
    uint64_t bad_n;
    struct decode_context context;
};

static const uint8_t no_key[DIGEST_KEY_BYTES];

static int read_rulebooks(struct compute *m, struct err *e)
{
    m->seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, e);
    if (!m->seed)
        return -1;
    const char *file = cli_value(m->cli, "rulebook");
    if (file) {
        char *text;
        size_t n;
        if (json_read_file(file, RULEBOOK_MAX_BYTES, &text, &n, e) != 0)
            return -1;
        m->given = rulebook_read((struct str){text, n}, file, m->seed, e);
        free(text);
        if (!m->given)
            return -1;
    }
    m->books = (struct rulebooks){.list = {m->given ? m->given : m->seed}, .n = 1};
    m->tz = tz_load(m->books.list[0]->timezone, e);
    return m->tz ? 0 : -1;
}

static int start(struct compute *m)
{
    struct err e;
    if (read_rulebooks(m, &e) != 0) {
        cli_say_err(m->cli, &e);
        return -1;
    }
    struct site_options o = {.tz = m->tz, .rulebooks = &m->books};
    digest_random(&o.seed, sizeof o.seed);
    m->site = site_new(&o);
    m->context = (struct decode_context){.now_ms = INT64_MAX,
                                         .rulebook = m->books.list[0],
                                         .customer_key = no_key,
                                         .default_source = STR_LIT("default"),
                                         .acts = true};
    return 0;
}

static void say_bad(struct compute *m, const struct lines *l, size_t index, struct str reason)
{
    m->bad_n++;
    fprintf(stderr, "%s:%" PRIu64 ": %.*s\n", lines_title(l->name), l->line + index, STR_ARG(reason));
}

/* Folds at as_of, or, while that is to be the latest event's time, at the latest so far. */
static bool fold(struct compute *m, const struct event *e)
{
    bool follow = cli_value(m->cli, "as-of") == NULL;
    if (follow && e->ts > m->as_of && site_probe(m->site, e) == VERDICT_ACCEPTED)
        m->as_of = e->ts;
    return site_fold(m->site, e, m->as_of) != VERDICT_REJECTED;
}

static void take_block(struct compute *m, const struct lines *l, struct str block)
{
    struct batch *b = batch_new(STR_LIT("compute"), NULL, NULL);
    decode_lines(b, block, &m->context);
    size_t r = 0;
    for (size_t i = 0; i < b->events_n; i++) {
        for (; r < b->refusals_n && b->refusals[r].index < b->event_index[i]; r++)
            say_bad(m, l, b->refusals[r].index, b->refusals[r].reason);
        if (!fold(m, &b->events[i])) {
            char reason[512];
            snprintf(reason, sizeof reason,
                     "id: \"%.*s\" of source \"%.*s\" came before with other content; the first one counts",
                     STR_ARG(b->events[i].id), STR_ARG(b->events[i].source));
            say_bad(m, l, b->event_index[i], str_of(reason));
        }
    }
    for (; r < b->refusals_n; r++)
        say_bad(m, l, b->refusals[r].index, b->refusals[r].reason);
    batch_free(b);
}

static int take_file(struct compute *m, const char *name)
{
    struct lines l;
    struct err e;
    struct str block;
    int more;
    if (lines_open(&l, name, &e) != 0) {
        cli_say_err(m->cli, &e);
        return -1;
    }
    while ((more = lines_next(&l, &block, &e)) > 0)
        take_block(m, &l, block);
    if (more < 0)
        cli_say_err(m->cli, &e);
    lines_close(&l);
    return more;
}

static void print(struct compute *m)
{
    while (m->as_of != INT64_MIN && site_advance(m->site, m->as_of, ADVANCE_STEPS) <= m->as_of)
        ;
    struct buf out = {0};
    struct report_request r = {m->site, &m->books, m->tz, m->by, m->as_of, false};
    report_print(&out, &r);
    fwrite(out.p, 1, out.n, stdout);
    buf_fini(&out);
}

static void stop(struct compute *m)
{
    if (m->site)
        site_free(m->site);
    if (m->tz)
        tz_free(m->tz);
    if (m->given)
        rulebook_free(m->given);
    if (m->seed)
        rulebook_free(m->seed);
}

static int read_options(struct compute *m)
{
    const char *by = cli_value(m->cli, "by");
    if (by && strcmp(by, "day") != 0 && strcmp(by, "month") != 0) {
        cli_say(m->cli, "--by: found \"%s\", expected day or month", by);
        return -1;
    }
    m->by = by && by[0] == 'd' ? PERIOD_DAY : PERIOD_MONTH;
    if (m->cli->args_n == 0) {
        cli_say(m->cli, "no file given; name files of events, or - for standard input");
        return -1;
    }
    return cli_time(m->cli, "as-of", &m->as_of);
}

static enum cli_exit run(const struct cli *c)
{
    struct compute m = {.cli = c, .as_of = INT64_MIN};
    if (read_options(&m) != 0)
        return CLI_BAD_INPUT;
    enum cli_exit status = CLI_FAILED;
    if (start(&m) != 0)
        goto out;
    for (size_t i = 0; i < c->args_n; i++) {
        if (take_file(&m, c->args[i]) != 0)
            goto out;
    }
    print(&m);
    if (m.bad_n > 0)
        cli_say(c, "%" PRIu64 " line%s of the input not counted", m.bad_n, m.bad_n == 1 ? "" : "s");
    status = m.bad_n > 0 ? CLI_BAD_INPUT : CLI_OK;
out:
    stop(&m);
    return status;
}

static const struct cli_option options[] = {
    {"rulebook", "FILE", "a rulebook; it may give only what differs from the default one"},
    {"as-of", "TIME", "judge at this time, and leave out what is later (default: the latest event's)"},
    {"by", "day|month", "the period of a row (default: month)"},
    {NULL, NULL, NULL},
};

const struct command command_compute = {
    .name = "compute",
    .arguments = "[--rulebook FILE] [--as-of TIME] [--by day|month] FILE… | -",
    .summary = "the figures of files of events, computed here, without a daemon",
    .help = "Prints one JSON object with a row for every agent and period. The same file loaded into a\n"
            "daemon gives the same rows. Refused lines are listed on standard error and make the exit\n"
            "status 2; the others are computed. TIME: milliseconds since 1970 UTC, or RFC 3339.\n",
    .options = options,
    .run = run,
};
