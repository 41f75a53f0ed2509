/* What is counted stands here once, a line each. It keeps true that nothing in it is about a person. */
#include "kefu/daemon/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kefu/daemon/daemon.h"
#include "kefu/daemon/live.h"
#include "kefu/daemon/session.h"
#include "kefu/state/freeze.h"

#define SOURCES_SHOWN 100

static void put(struct buf *out, const char *name_type, const char *help, int64_t value)
{
    int name_n = (int)strcspn(name_type, " ");
    buf_printf(out, "# HELP kefud_%.*s %s\n# TYPE kefud_%s\nkefud_%.*s %" PRId64 "\n", name_n, name_type, help,
               name_type, name_n, name_type, value);
}

static void put_site(struct buf *out, const struct daemon *d)
{
    struct site_counts n;
    site_counts(d->site, &n);
    put(out, "events_total counter", "Events accepted, over the life of the store.", (int64_t)n.events_n);
    put(out, "conversations gauge", "Conversations ever met.", (int64_t)n.conversations_n);
    put(out, "conversations_in_memory gauge", "Of these, in memory.", (int64_t)site_in_memory_n(d->site));
    put(out, "conversations_open gauge", "With an open episode.", (int64_t)n.open_n);
    put(out, "conversations_waiting gauge", "With a customer who waits.", (int64_t)n.waiting_n);
    put(out, "agents gauge", "Agents ever named.", site_agents_n(d->site));
    put(out, "orders gauge", "Orders ever met.", (int64_t)n.orders_n);
    put(out, "as_of_milliseconds gauge", "What figures count up to.", site_as_of(d->site));
}

static void put_store(struct buf *out, const struct daemon *d)
{
    struct checkpoint_status s;
    struct scrub_state scrub = {0};
    checkpoint_status(pipeline_checkpoint(d->pipeline), &s);
    put(out, "journal_last_sequence counter", "Sequence of the latest event in the journal.",
        (int64_t)store_last_seq(d->store));
    put(out, "journal_set_aside gauge", "Events set aside by hand.", (int64_t)store_aside_n(d->store));
    put(out, "checkpoint_sequence counter", "Events up to this one are in the latest checkpoint.", (int64_t)s.seq);
    put(out, "journal_unreadable_total counter", "Unreadable places of the journal that checkpoints went over.",
        (int64_t)s.damages_n);
    put(out, "checkpoint_unsaved gauge", "Subjects changed since.", (int64_t)s.unsaved_n);
    put(out, "writer_silent_milliseconds gauge", "For so long the writer owes an answer.",
        pipeline_silent_ms(d->pipeline));
    put(out, "quarantine_rows gauge", "Refused events kept for a look.",
        (int64_t)quarantine_n(pipeline_quarantine(d->pipeline)));
    if (d->scrub) {
        scrub_state(d->scrub, &scrub);
        put(out, "damage_found_total counter", "Damages found by the background look.", (int64_t)scrub.damages_n);
    }
}

static void put_redis(struct buf *out, const struct daemon *d)
{
    struct publisher_state s = {0};
    if (!d->publisher) {
        return;
    }
    publisher_state(d->publisher, &s);
    put(out, "redis_live gauge", "1: what changes goes to Redis.", s.live);
    put(out, "redis_backlog gauge", "Tier changes and alerts on their way.", (int64_t)pipeline_backlog(d->pipeline));
    put(out, "redis_snapshots_total counter", "Agents' snapshots written.", (int64_t)s.snapshots_n);
    put(out, "redis_errors_total counter", "Answers of Redis that were errors.", (int64_t)s.errors_n);
}

static void put_boards(struct buf *out, const struct daemon *d)
{
    struct live_counts n;
    live_counts(d->live, &n);
    put(out, "http_connections gauge", "Connections of HTTP, boards too.", (int64_t)http_connections_n(d->http));
    put(out, "sessions gauge", "Log-ins that are good.", (int64_t)sessions_n(d->sessions));
    put(out, "boards gauge", "Boards that are open.", (int64_t)n.boards_n);
    put(out, "board_pushes_total counter", "Events sent to boards.", (int64_t)n.pushes_n);
    put(out, "board_bytes_total counter", "Bytes of these.", (int64_t)n.bytes_n);
    put(out, "board_skipped_total counter", "Events left out because a board did not read.", (int64_t)n.skipped_n);
    put(out, "boards_cut_total counter", "Boards cut off because they did not read.", (int64_t)n.cut_n);
}

static void put_label(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n') {
            buf_put_str(out, STR_LIT("\\n"));
            continue;
        }
        if (text.p[i] == '"' || text.p[i] == '\\') {
            buf_put_byte(out, '\\');
        }
        buf_put_byte(out, (uint8_t)text.p[i]);
    }
}

/* A metric with one value for each of several things; `of` says what the i-th is called and has. */
struct family {
    const char *name_type;
    const char *help;
    const char *label;
    int64_t (*of)(const struct daemon *d, size_t i, struct str *name);
};

static void put_family(struct buf *out, const struct daemon *d, const struct family *f, size_t n)
{
    int name_n = (int)strcspn(f->name_type, " ");
    if (n) {
        buf_printf(out, "# HELP kefud_%.*s %s\n# TYPE kefud_%s\n", name_n, f->name_type, f->help, f->name_type);
    }
    for (size_t i = 0; i < n; i++) {
        struct str name;
        int64_t value = f->of(d, i, &name);
        buf_printf(out, "kefud_%.*s{%s=\"", name_n, f->name_type, f->label);
        put_label(out, name);
        buf_printf(out, "\"} %" PRId64 "\n", value);
    }
}

/* X(function, struct that is read, what reads it into `s`, its name, the value) */
#define FAMILY_VALUES(X)                                                                                               \
    X(source_events, source_count, s = sources_at(pipeline_sources(d->pipeline), i), s.source, s.events_n)             \
    X(source_last, source_count, s = sources_at(pipeline_sources(d->pipeline), i), s.source, s.last_ts)                \
    X(collector_taken, collect_state, collect_at(d->collect, i, &s), s.name, s.deliveries_n)                           \
    X(collector_refused, collect_state, collect_at(d->collect, i, &s), s.name, s.refused_n + s.full_n)                 \
    X(collector_heard, collect_state, collect_at(d->collect, i, &s), s.name, s.heard_at_ms)                            \
    X(collector_asked, collect_state, collect_at(d->collect, i, &s), s.name, s.asked_at_ms)                            \
    X(collector_trouble, collect_state, collect_at(d->collect, i, &s), s.name, s.trouble[0] != 0)                      \
    X(collector_gap, collect_state, collect_at(d->collect, i, &s), s.name, s.gap_to_ms - s.gap_from_ms)                \
    X(stream_entries, redis_stream_state, redis_stream_state(d->streams.reader, i, &s), s.key, s.entries_n)            \
    X(stream_lost, redis_stream_state, redis_stream_state(d->streams.reader, i, &s), s.key, s.lost_n)                  \
    X(stream_dead, redis_stream_state, redis_stream_state(d->streams.reader, i, &s), s.key, s.dead_n)
#define X(function, type, read, called, value)                                                                         \
    static int64_t function(const struct daemon *d, size_t i, struct str *name)                                        \
    {                                                                                                                  \
        struct type s;                                                                                                 \
        read;                                                                                                          \
        *name = called;                                                                                                \
        return (int64_t)(value);                                                                                       \
    }
FAMILY_VALUES(X)
#undef X

static void put_families(struct buf *out, const struct daemon *d, const struct family *list, size_t list_n, size_t n)
{
    for (size_t i = 0; i < list_n; i++) {
        put_family(out, d, &list[i], n);
    }
}

/* The watermarks of all ways in. */
static void put_ways_in(struct buf *out, const struct daemon *d)
{
    static const struct family of_source[] = {
        {"source_events_total counter", "Events of a source.", "source", source_events},
        {"source_last_event_milliseconds gauge", "Latest stamp of a source's events.", "source", source_last},
    };
    static const struct family of_collector[] = {
        {"collector_deliveries_total counter", "Webhooks taken.", "collector", collector_taken},
        {"collector_refused_total counter", "Webhooks refused.", "collector", collector_refused},
        {"collector_heard_milliseconds gauge", "When the last one was taken; 0: none yet.", "collector",
         collector_heard},
        {"collector_asked_milliseconds gauge", "When asking last succeeded; 0: not yet.", "collector", collector_asked},
        {"collector_trouble gauge", "1: asking fails now.", "collector", collector_trouble},
        {"collector_gap_milliseconds gauge", "Length of the last stretch that is lost.", "collector", collector_gap},
    };
    static const struct family of_stream[] = {
        {"stream_entries_total counter", "Entries read from a Redis stream.", "stream", stream_entries},
        {"stream_lost_total counter", "Entries that were trimmed before they were read.", "stream", stream_lost},
        {"stream_dead_total counter", "Entries given up, moved to the dead letters.", "stream", stream_dead},
    };
#define N(list) (sizeof(list) / sizeof((list)[0]))
    size_t sources = sources_n(pipeline_sources(d->pipeline));
    put_families(out, d, of_source, N(of_source), sources < SOURCES_SHOWN ? sources : SOURCES_SHOWN);
    put_families(out, d, of_collector, N(of_collector), d->collect ? collect_n(d->collect) : 0);
    put_families(out, d, of_stream, N(of_stream), d->streams.reader ? redis_stream_n(d->streams.reader) : 0);
#undef N
}

struct counting {
    enum alert_severity severity;
    int64_t n;
};

static void count_on(void *arg, const struct alert_view *v)
{
    struct counting *c = arg;
    c->n += v->rule->severity == c->severity && v->memory->state != STATE_PENDING;
}

static int64_t alerts_on(const struct daemon *d, size_t i, struct str *name)
{
    struct counting c = {(enum alert_severity)(SEVERITY_INFO + i), 0};
    alerts_each(pipeline_alerts(d->pipeline), clock_wall_ms(&d->clock), count_on, &c);
    *name = alert_severity_name(c.severity);
    return c.n;
}

static int64_t channel_waiting(const struct daemon *d, size_t i, struct str *name)
{
    *name = d->settings->channels.list[i].name;
    return (int64_t)hub_waiting_n(d->hub, i);
}

static int64_t channel_taken(const struct daemon *d, size_t i, struct str *name)
{
    *name = d->settings->channels.list[i].name;
    return (int64_t)hub_counts(d->hub, i).taken_n;
}

static int64_t channel_failed(const struct daemon *d, size_t i, struct str *name)
{
    *name = d->settings->channels.list[i].name;
    return (int64_t)hub_counts(d->hub, i).failed_n;
}

static int64_t channel_stuck(const struct daemon *d, size_t i, struct str *name)
{
    struct alerts_own own = {0};
    hub_own(d->hub, &own);
    *name = d->settings->channels.list[i].name;
    return own.stuck_ms[i];
}

static void put_alerts(struct buf *out, const struct daemon *d)
{
    static const struct family on = {"alerts_on gauge", "Alerts that are on, by severity.", "severity", alerts_on};
    static const struct family of_channel[] = {
        {"channel_waiting gauge", "Messages that wait for a channel.", "channel", channel_waiting},
        {"channel_messages_total counter", "Messages a channel has taken.", "channel", channel_taken},
        {"channel_failures_total counter", "Calls refused, put off or not answered.", "channel", channel_failed},
        {"channel_stuck_milliseconds gauge", "For so long it has taken nothing though something waits.", "channel",
         channel_stuck},
    };
    struct alerts_counts n;
    alerts_counts(pipeline_alerts(d->pipeline), &n);
    put(out, "alerts_raised_total counter", "Alerts raised.", (int64_t)n.raised_n);
    put(out, "alerts_resolved_total counter", "Alerts that came to their end.", (int64_t)n.resolved_n);
    put(out, "silences gauge", "Silences in force.", (int64_t)n.silences_n);
    put_family(out, d, &on, SEVERITY_CRITICAL);
    put_families(out, d, of_channel, sizeof(of_channel) / sizeof(of_channel[0]), d->settings->channels.n);
}

/* Pages in memory, from the kernel; 0: not told. */
static int64_t resident_bytes(void)
{
    char text[128] = "", *rest = NULL;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) {
        return 0;
    }
    bool told = fgets(text, sizeof(text), f) != NULL;
    fclose(f);
    (void)strtoll(text, &rest, 10); /* all there are; then those in memory */
    return told ? strtoll(rest, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

static int64_t open_files_n(void)
{
    int64_t n = -3; /* . and .. and the folder itself */
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) {
        return 0;
    }
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    return n;
}

void metrics_print(struct buf *out, struct daemon *d)
{
    buf_printf(out, "# HELP kefud_info Which kefud this is.\n# TYPE kefud_info gauge\nkefud_info{version=\"%s\"} 1\n",
               KEFU_VERSION);
    put(out, "uptime_seconds gauge", "Since the process was started.",
        (clock_mono_ms(&d->clock) - d->started_mono_ms) / 1000);
    put(out, "resident_bytes gauge", "Memory in use.", resident_bytes());
    put(out, "open_files gauge", "File descriptors in use.", open_files_n());
    put_site(out, d);
    put_store(out, d);
    put_redis(out, d);
    put_boards(out, d);
    put_ways_in(out, d);
    put_alerts(out, d);
}

void metrics_answer(struct call *c)
{
    struct buf out = {0};
    metrics_print(&out, c->d);
    http_answer(c->r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&out));
    buf_fini(&out);
}
