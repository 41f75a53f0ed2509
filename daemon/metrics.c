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

static void put_sources(struct buf *out, const struct sources *s)
{
    size_t n = sources_n(s) < SOURCES_SHOWN ? sources_n(s) : SOURCES_SHOWN;
    buf_put_str(out, STR_LIT("# HELP kefud_source_events_total Events of a source.\n"
                             "# TYPE kefud_source_events_total counter\n"));
    for (size_t i = 0; i < n; i++) {
        struct source_count c = sources_at(s, i);
        buf_put_str(out, STR_LIT("kefud_source_events_total{source=\""));
        put_label(out, c.source);
        buf_printf(out, "\"} %" PRIu64 "\n", c.events_n);
    }
    buf_put_str(out, STR_LIT("# HELP kefud_source_last_event_milliseconds Latest stamp of a source's events.\n"
                             "# TYPE kefud_source_last_event_milliseconds gauge\n"));
    for (size_t i = 0; i < n; i++) {
        struct source_count c = sources_at(s, i);
        buf_put_str(out, STR_LIT("kefud_source_last_event_milliseconds{source=\""));
        put_label(out, c.source);
        buf_printf(out, "\"} %" PRId64 "\n", c.last_ts);
    }
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
    put_sources(out, pipeline_sources(d->pipeline));
}

void metrics_answer(struct call *c)
{
    struct buf out = {0};
    metrics_print(&out, c->d);
    http_answer(c->r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&out));
    buf_fini(&out);
}
