/* The collectors of a running daemon: who they are, what came, and the asking for what did not.
 *
 * One question a collector is under way at a time. What an answer brings is made durable together with the position
 * ("position/pull/NAME" of the store), then the next is asked; a failure is tried again after 1 s, 2 s, … 300 s. Counts are
 * those since the daemon's start. One thread: the loop's. */
#ifndef KEFU_DAEMON_COLLECT_H
#define KEFU_DAEMON_COLLECT_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/clock.h"
#include "kefu/base/err.h"
#include "kefu/collectors/hook.h"
#include "kefu/collectors/roster.h"

struct collect;

struct collect_options {
    struct event_base *base; /* borrowed, like all */
    struct ingest *ingest;
    struct clock clock;
    const char *db_path; /* where positions are read from; copied */
};

/* Never NULL; listens to nobody yet. */
struct collect *collect_new(const struct collect_options *o);
/* After the pipeline was finished: batches under way must have come back. c may be NULL. */
void collect_free(struct collect *c);
/* From now on these collectors, and no others. The roster is borrowed until the next call. -1 with e: a library or the store
 * does not do its part; then the old ones go on. */
int collect_adopt(struct collect *c, const struct roster *roster, struct err *e);
/* Asks nothing more. */
void collect_stop(struct collect *c);
/* The door for webhooks; borrowed. */
struct hook_door *collect_door(struct collect *c);

/* How a collector fares. */
struct collect_state {
    struct str name, platform;
    uint64_t deliveries_n, refused_n, full_n; /* of the hook */
    uint64_t accepted_n, duplicate_n, rejected_n, ignored_n;
    int64_t heard_at_ms; /* wall time of the last delivery that was taken; 0: none yet */
    int64_t last_ts;     /* latest stamp of an event from there; INT64_MIN: none yet */
    bool asks;           /* it is asked for what was missed */
    int64_t asked_at_ms; /* wall time of the last good answer; 0: none yet */
    uint64_t asked_n, failed_n;
    const char *trouble;            /* why asking fails now; "": it does not */
    int64_t failing_since_ms;       /* wall time since which it fails; 0: it does not */
    int64_t gap_from_ms, gap_to_ms; /* the last stretch of which nothing can be known; 0, 0: none */
    uint64_t gaps_n;                /* how many there were */
};
size_t collect_n(const struct collect *c);
void collect_at(const struct collect *c, size_t i, struct collect_state *out);

#endif
