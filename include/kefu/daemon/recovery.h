/* From what is on the disk to what was in memory: the way of every event once more, without answers and without rules.
 *
 * In this order: the last checkpoint, the journal behind it, what the rules remember, the quarantine, the outbox. Nothing is
 * written and nothing goes outside. Used once, by pipeline_start, before there is a writer. */
#ifndef KEFU_DAEMON_RECOVERY_H
#define KEFU_DAEMON_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/daemon/alerts.h"
#include "kefu/daemon/checkpoint.h"
#include "kefu/daemon/judge.h"
#include "kefu/daemon/outbox.h"
#include "kefu/daemon/quarantine.h"
#include "kefu/daemon/sources.h"
#include "kefu/model/rulebook.h"
#include "kefu/state/site.h"
#include "kefu/store/store.h"

/* All pointers are borrowed; what they point to is empty before and stands after. */
struct recovery {
    struct store *store;
    struct site *site;
    struct sources *sources;
    struct checkpoint *checkpoint;
    struct alerts *alerts; /* NULL: nobody wants any */
    struct outbox *outbox;
    const struct rulebooks *rulebooks;
    size_t quarantine_max; /* rows; those beyond stay loaded until quarantine_overflow is asked */
    bool beside;           /* read ahead in a thread; a caller that must be deterministic reads in its own */
    int64_t now_ms;        /* wall clock; an event stamped later is folded at its own time */
    /* Told now and then how far the replay is. NULL: nobody asks. */
    void (*progress)(void *arg, uint64_t done_n, uint64_t all_n);
    void *progress_arg;
    /* Told of each event of the journal before it is folded, and with UINT64_MAX when the last one is. NULL: nobody asks. */
    void (*replaying)(void *arg, uint64_t seq);
    void *replaying_arg;
};

/* Makes the judge and the quarantine, which are the caller's to free, also after -1 (NULL if it did not get that far). -1
 * with e: the store is damaged where a start reads it. */
int recovery_run(const struct recovery *r, struct judge **judge, struct quarantine **quarantine, struct err *e);

#endif
