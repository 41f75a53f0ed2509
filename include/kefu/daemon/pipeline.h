/* The way of every event, in this order and in no other:
 *
 *   decode → probe → commit → fold → acknowledge → rules → commit {memory, outbox} → publish → mark sent
 *
 * The pipeline takes batches (as a `struct ingest`), sends them to the writer, folds what has come back durable, gives the
 * batch back to its collector, lets the rules look once a turn, and hands views and effects out. It retries what came from
 * the future when its time has come. It has no timer and no descriptor of its own: whoever turns it, a loop or a test,
 * waits for pipeline_fd or as long as pipeline_turn said. One thread. */
#ifndef KEFU_DAEMON_PIPELINE_H
#define KEFU_DAEMON_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/clock.h"
#include "kefu/base/err.h"
#include "kefu/base/tz.h"
#include "kefu/daemon/alerts.h"
#include "kefu/daemon/checkpoint.h"
#include "kefu/daemon/outbox.h"
#include "kefu/daemon/quarantine.h"
#include "kefu/daemon/sources.h"
#include "kefu/model/batch.h"
#include "kefu/model/effect.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/view.h"
#include "kefu/state/site.h"
#include "kefu/store/store.h"
#include "kefu/store/writer.h"

struct pipeline;

/* Where views and effects go. Both are borrowed for the call. An effect that
 * cannot go out now is asked for again by pipeline_resend, as are those on their way after a start; an effect counts as gone when pipeline_sent is told its number. */
struct pipeline_out {
    void (*agent)(void *arg, const struct agent_view *v);
    void (*effect)(void *arg, const struct effect *f);
    void *arg;
};

struct pipeline_options {
    struct site *site; /* all pointers borrowed */
    struct store *store;
    const struct tz *tz;
    const struct rulebooks *rulebooks;
    const uint8_t *customer_key;
    struct clock clock;
    struct pipeline_out out;
    struct writer_options writer;
    struct checkpoint_options checkpoint;
    /* Told now and then how far a replay is. NULL: nobody asks. */
    void (*progress)(void *arg, uint64_t done_n, uint64_t all_n);
    void *progress_arg;
    void (*replaying)(void *arg, uint64_t seq); /* as in struct recovery; NULL: nobody asks */
    void *replaying_arg;
    size_t events_max;     /* under way at one time; a batch that does not fit is refused */
    size_t quarantine_max; /* rows kept */
    uint64_t seed;
    bool alerts;                     /* the rulebook's alert rules are looked after; with a rolling site */
    const struct channels *channels; /* that are told; NULL: none */
    void (*own)(void *arg, struct alerts_own *own); /* NULL: all is well */
    void *own_arg;
};

/* Copies the options and borrows what they point to; touches neither disk nor site yet. Never NULL. */
struct pipeline *pipeline_new(const struct pipeline_options *o);
/* Finishes first if that was not done: what was handed in is answered. p may be NULL. */
void pipeline_free(struct pipeline *p);

/* Brings the site to where the store is: last checkpoint, journal from there on, memory, outbox, quarantine, then time. Starts the writer. -1 with e:
 * the store is damaged where a start reads it. */
int pipeline_start(struct pipeline *p, struct err *e);
/* Does all there is to do now; returns after how many ms to come again at the latest (0: at once). */
int64_t pipeline_turn(struct pipeline *p);
/* Monotonic ms for which the writer has owed an answer (writer_silent_ms); ask often. */
int64_t pipeline_silent_ms(const struct pipeline *p);
/* Readable when commits have come back. Only after pipeline_start. */
int pipeline_fd(const struct pipeline *p);
/* Takes no more batches. */
void pipeline_close(struct pipeline *p);
/* Nothing is under way and nothing waits to be written. */
bool pipeline_is_idle(const struct pipeline *p);
/* Ends the writer after all that was pushed is durable, folds and answers it. */
void pipeline_finish(struct pipeline *p);

/* The door for collectors. */
struct ingest *pipeline_ingest(struct pipeline *p);
/* An effect is outside for good. */
void pipeline_sent(struct pipeline *p, uint64_t number);
/* Effects again: those on their way, and those retained above a stream id. */
void pipeline_resend(struct pipeline *p, const struct outbox_from *from);
/* The rulebooks have changed: everybody is looked at again. */
void pipeline_rejudge(struct pipeline *p);
/* A commit of somebody else's, with `back` and `owner` set, for rows that go with no event (an audit line). -1: the queue is full
 * or closed, it stays the caller's. */
int pipeline_commit(struct pipeline *p, struct commit *c);
/* Tries a quarantined row again. `done` as in struct batch, owner too. -1 with e: no such row, it cannot be tried again (or
 * not yet), or the queue is full. */
int pipeline_retry(struct pipeline *p, uint64_t row, void (*done)(struct batch *), void *owner, struct err *e);

/* Counts all that was folded and all that fell due until now, however long it takes: before a report is asked for. */
void pipeline_catch_up(struct pipeline *p);

/* For status; borrowed, for reading. */
const struct site *pipeline_site(const struct pipeline *p);
const struct quarantine *pipeline_quarantine(const struct pipeline *p);
struct checkpoint *pipeline_checkpoint(struct pipeline *p); /* to want one, too; turned by the pipeline */
struct alerts *pipeline_alerts(const struct pipeline *p);   /* NULL: none wanted */
bool pipeline_is_full(const struct pipeline *p);            /* the last commit found no room on the disk */
const struct sources *pipeline_sources(const struct pipeline *p);
int32_t pipeline_month(const struct pipeline *p);
const struct rulebook *pipeline_rulebook(const struct pipeline *p);             /* in force this month */
size_t pipeline_backlog(const struct pipeline *p);                              /* effects on their way */
void pipeline_view(struct pipeline *p, uint32_t agent, struct agent_view *out); /* seq: of the last snapshot shown */

/* Hands everybody's snapshot out, changed or not. */
void pipeline_show_all(struct pipeline *p);

#endif
