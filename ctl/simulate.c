/* kefuctl simulate: a simulated team's events, into a file or into a demo daemon. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kefu/ctl/commands.h"
#include "kefu/ctl/live.h"
#include "kefu/ctl/simulation.h"

#define DAY_MS                INT64_C(86400000)
#define DEFAULT_START_MS      INT64_C(1772294400000) /* 2026-03-01 00:00 in Shanghai */
#define EVENTS_PER_CHAT       16                     /* about; only spreads --events over the days */
#define CHATS_PER_MEMBER      13                     /* a day */
#define CHATS_PER_MEMBER_LIVE 4                      /* fewer, so that one conversation more moves a score visibly */
#define MANY                  INT64_C(1000000000000)
#define WRITE_BYTES           ((size_t)1 << 16)

struct wish {
    struct live_options live;
    int64_t agents, conversations, events;
};

static int read_options(const struct cli *c, struct wish *w)
{
    int64_t seed = 1, start_ms = DEFAULT_START_MS, per_day = 0;
    if (cli_number(c, "seed", 0, INT64_MAX, &seed) != 0 || cli_time(c, "start", &start_ms) != 0 ||
        cli_number(c, "days", 1, 36500, &w->live.days) != 0 || cli_number(c, "agents", 1, 100000, &w->agents) != 0 ||
        cli_number(c, "conversations", 1, MANY, &w->conversations) != 0 ||
        cli_number(c, "events", 1, MANY, &w->events) != 0 || cli_number(c, "per-day", 1, MANY, &per_day) != 0 ||
        cli_number(c, "speed", 1, 100000, &w->live.speed_percent) != 0 ||
        cli_number(c, "seconds", 1, MANY, &w->live.seconds) != 0)
        return -1;
    const char *ids = cli_value(c, "ids");
    if (ids && strcmp(ids, "short") != 0 && strcmp(ids, "long") != 0) {
        cli_say(c, "--ids: found \"%s\", expected short or long", ids);
        return -1;
    }
    if (!per_day && w->conversations)
        per_day = w->conversations / w->live.days;
    else if (!per_day && w->events)
        per_day = w->events / EVENTS_PER_CHAT / w->live.days;
    else if (!per_day)
        per_day = w->agents * (cli_flag(c, "live") ? CHATS_PER_MEMBER_LIVE : CHATS_PER_MEMBER);
    bool counted = w->conversations > 0 || w->events > 0;
    w->live.team = (struct simulation_options){.seed = (uint64_t)seed,
                                               .start_ms = start_ms,
                                               .end_ms = counted ? INT64_MAX : start_ms + w->live.days * DAY_MS,
                                               .conversations_max = (uint64_t)w->conversations,
                                               .per_day = per_day > 0 ? per_day : 1,
                                               .agents_n = (uint32_t)w->agents,
                                               .short_ids = ids && ids[0] == 's'};
    return 0;
}

/* The length of the first n lines. */
static size_t lines_bytes(const struct buf *b, size_t n)
{
    const char *p = b->p;
    while (n-- > 0)
        p = (const char *)memchr(p, '\n', b->n - (size_t)(p - b->p)) + 1;
    return (size_t)(p - b->p);
}

/* Writes until the period is over or there are enough events. -1: could not be written. */
static int write_all(struct simulation *s, const struct wish *w, FILE *out)
{
    struct buf lines = {0};
    int64_t left = w->events ? w->events : INT64_MAX;
    int status = 0;
    while (left > 0 && simulation_next_ms(s) < w->live.team.end_ms && status == 0) {
        size_t before = lines.n;
        int64_t n = (int64_t)simulation_step(s, &lines);
        if (n > left) {
            struct buf last = {lines.p + before, lines.n - before, 0};
            lines.n = before + lines_bytes(&last, (size_t)left);
        }
        left -= n;
        if (lines.n < WRITE_BYTES && left > 0)
            continue;
        status = fwrite(lines.p, 1, lines.n, out) == lines.n ? 0 : -1;
        lines.n = 0;
    }
    if (lines.n > 0 && status == 0)
        status = fwrite(lines.p, 1, lines.n, out) == lines.n ? 0 : -1;
    buf_fini(&lines);
    return status;
}

static enum cli_exit write_file(const struct cli *c, const struct wish *w, const char *name)
{
    bool standard = strcmp(name, "-") == 0;
    FILE *out = standard ? stdout : fopen(name, "we");
    if (!out) {
        cli_say(c, "%s: %m", name);
        return CLI_FAILED;
    }
    struct simulation *s = simulation_new(&w->live.team);
    int status = write_all(s, w, out);
    simulation_free(s);
    if (standard ? fflush(out) != 0 : fclose(out) != 0)
        status = -1;
    if (status != 0)
        cli_say(c, "%s: %m", name);
    return status == 0 ? CLI_OK : CLI_FAILED;
}

static enum cli_exit run(const struct cli *c)
{
    struct wish w = {.live = {.days = 30, .speed_percent = 100}, .agents = 12};
    const char *out = cli_value(c, "out");
    if (c->args_n > 0 || (out != NULL) == cli_flag(c, "live")) {
        cli_say(c, "say either --out FILE (or --out -) or --live");
        return CLI_BAD_INPUT;
    }
    if (read_options(c, &w) != 0)
        return CLI_BAD_INPUT;
    return out ? write_file(c, &w, out) : live_run(c, &w.live);
}

static const struct cli_option options[] = {
    {"out", "FILE", "write the events to a file; - is standard output"},
    {"live", NULL, "load the past days into a demo daemon, then go on in real time"},
    {"seed", "N", "another seed, other events (default: 1)"},
    {"start", "TIME", "the first event's time with --out (default: 2026-03-01 in Shanghai)"},
    {"days", "N", "how many days (default: 30)"},
    {"agents", "N", "the size of the team (default: 12)"},
    {"per-day", "N", "conversations a day (default: 13 a member, 4 with --live)"},
    {"conversations", "N", "exactly so many, spread over the days, all to their end"},
    {"events", "N", "exactly so many lines, spread over the days"},
    {"ids", "short|long", "short: ids of 16 bytes, as in the benchmarks; long: readable (default)"},
    {"speed", "PERCENT", "with --live: how fast people write (default: 100)"},
    {"seconds", "N", "with --live: end after so long"},
    {NULL, NULL, NULL},
};

const struct command command_simulate = {
    .name = "simulate",
    .arguments = "--out FILE | --live  [options]",
    .summary = "events of an invented team, for demos and benchmarks",
    .help = "The same options give the same events, byte for byte. --live refuses a daemon whose\n"
            "configuration does not say \"demo\": true, so that nobody is paid by invented figures.\n",
    .options = options,
    .run = run,
};
