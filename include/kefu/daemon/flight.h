/* A batch on its way to the disk and back: what it adds to journal and quarantine, and what becomes of each event.
 *
 * Before: every event is asked of the site (new, here already, or in conflict); only the new go into the commit. After: they
 * are folded, which has the last word (the original of a duplicate may have been under way at the same time). */
#ifndef KEFU_DAEMON_FLIGHT_H
#define KEFU_DAEMON_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/daemon/quarantine.h"
#include "kefu/daemon/sources.h"
#include "kefu/model/batch.h"
#include "kefu/model/commit.h"
#include "kefu/state/site.h"

struct flight {
    struct commit commit;
    struct batch *batch; /* borrowed; goes back to its collector */
    struct arena arena;
    const struct event **events; /* owned: to the journal; which[i] is its place in the batch */
    size_t *which;
    struct quarantined *rows; /* owned */
    uint64_t *drops;          /* owned */
    size_t drops_cap;
    size_t refusals_was_n; /* refusals the batch came with */
};

/* Makes the commit of a batch; rows are in the quarantine's mirror from now on. */
struct flight *flight_new(struct batch *b, struct site *s, struct quarantine *q, int64_t now_ms);
void flight_free(struct flight *f);
/* Is there anything to write at all? */
bool flight_has_work(const struct flight *f);
/* Nothing was written: takes rows and conflicts back, so that the batch is as it came. Rows that had to go for it stay
 * gone from the mirror: their numbers are f->drops. */
void flight_undo(struct flight *f, struct quarantine *q);
/* It is durable: folds, and gives every event its verdict. Calls late(arg, refusal) for events found in conflict only now. */
struct landing {
    struct site *site;
    struct sources *sources;
    int64_t now_ms;
    void (*late)(void *arg, const struct batch *b, const struct refusal *r);
    void *arg;
};
void flight_land(struct flight *f, const struct landing *to);

#endif
