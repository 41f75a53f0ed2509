/* Checkpoints: the state laid on the shelf as of one event, a little at a time, and what rests taken out of memory.
 *
 *   wait ─▶ cut ─▶ freeze ─▶ flip ─▶ merge ─▶ trim ─▶ [mark ─▶ find ─▶ point ─▶ chill] ─▶ wait
 *
 * At the cut totals and subjects that changed are noted; they are copied and written a few at a time while
 * events go on being folded (state/freeze.h keeps each as it stood at the cut). The flip makes it count, in one row: from then on
 * a start reads this cut and replays the journal from the next event on. A step does as much as two milliseconds allow. Then rows move in, the journal loses what the retention
 * allows, and if many conversations rest they are written cold and leave memory. One commit of it is under way at a time, so
 * ingest waits for a few milliseconds of it at most. A full disk makes it wait and try again. */
#ifndef KEFU_DAEMON_CHECKPOINT_H
#define KEFU_DAEMON_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/clock.h"
#include "kefu/base/err.h"
#include "kefu/daemon/sources.h"
#include "kefu/state/let_go.h"
#include "kefu/state/site.h"
#include "kefu/store/store.h"
#include "kefu/store/writer.h"

struct checkpoint;

struct checkpoint_options {
    uint64_t events_max;     /* a cut after so many events at the latest */
    int64_t every_ms;        /* and so long after the last one, if anything changed */
    int64_t rest_ms;         /* a conversation at rest whose last event is older may leave memory */
    size_t memory_min;       /* so many conversations stay at least, resting or not */
    int64_t journal_keep_ms; /* journal that the last flip has passed is kept so long */
};

/* All borrowed. A site without a shelf is never cut. */
struct checkpoint *checkpoint_new(struct site *s, struct sources *sources, const struct checkpoint_options *o);
void checkpoint_free(struct checkpoint *c);

/* Gives an empty site what the last flip holds; *next_seq is where the journal goes on. If the rulebooks or the zone by which
 * the totals were made have changed, all is counted anew from the lists, which is logged. -1 with e: damaged. */
int checkpoint_load(struct checkpoint *c, struct store *store, uint64_t *next_seq, struct err *e);

/* Was the event of the journal, behind what was loaded, probed when all was folded that lies on the shelf by now? */
bool checkpoint_vouches(const struct checkpoint *c, uint64_t seq);

/* The events of the journal up to this one are folded. */
void checkpoint_folded(struct checkpoint *c, uint64_t seq);
uint64_t checkpoint_seq(const struct checkpoint *c); /* the last event that is folded */
/* One step, if one is due; after site_advance. */
struct checkpoint_now {
    int64_t wall_ms, mono_ms;
    struct writer *writer;
    const struct clock *clock; /* work_us bounds the step */
};
void checkpoint_turn(struct checkpoint *c, const struct checkpoint_now *now);
/* Monotonic ms at which it wants a turn at the latest; INT64_MAX: none. */
int64_t checkpoint_due_ms(const struct checkpoint *c);
/* No commit of it is under way. */
bool checkpoint_is_idle(const struct checkpoint *c);

/* Evidence of months before this one is to be let go of (state/let_go.h): the next cut does. Never goes back. */
void checkpoint_keep_from(struct checkpoint *c, int32_t month);

/* Wants a whole one now; done(arg) is called in a later turn, when a start would go on from an event folded after this call or
 * from the last one before it. */
void checkpoint_want(struct checkpoint *c, void (*done)(void *arg), void *arg);
/* The call will not come. */
void checkpoint_unwant(struct checkpoint *c, void *arg);

struct checkpoint_status {
    uint64_t seq;  /* of the last flip; 0: none yet */
    int64_t at_ms; /* wall time of its end in this run; 0: none in this run */
    bool busy;
    bool full;            /* the disk is: what is under way waits, and is tried again */
    const char *doing;    /* the step that is under way or comes next; "wait": none is */
    size_t done_n, all_n; /* of what this step goes through; 0 of 0: it does not say */
    size_t damages_n; /* of the journal that it went over in this run: rows it holds that cannot be read, and stay */
    size_t unsaved_n, in_memory_n;
};
void checkpoint_status(const struct checkpoint *c, struct checkpoint_status *out);

#endif
