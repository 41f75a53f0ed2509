/* The numbers of snapshots (`seq` in Redis): they rise with every snapshot of the site, over restarts too, whatever becomes of
 * the clock, and stay under 2^53.
 *
 * Numbers are reserved some millions ahead, and only what a durable reservation covers is given out; a start goes on behind
 * the last reservation, or from the clock, whichever is higher. */
#ifndef KEFU_DAEMON_NUMBERING_H
#define KEFU_DAEMON_NUMBERING_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/model/commit.h"
#include "kefu/store/store.h"

#define NUMBERING_STEP (UINT64_C(1) << 24) /* reserved at a time: as many as the clock gives in 17 seconds */

struct numbering {
    uint64_t last;     /* given */
    uint64_t reserved; /* the highest that may be given */
    uint64_t asked;    /* in the commit under way; 0: none */
    char text[24];     /* of it */
};

/* Before the writer starts: reads the last reservation and makes the next. -1 with e: damaged, or the disk is full. */
int numbering_start(struct numbering *n, struct store *s, int64_t now_ms, struct err *e);
/* Gives the next number; false: none is reserved durably, come again later. */
bool numbering_take(struct numbering *n, uint64_t *seq);
/* The next reservation is due. */
bool numbering_wants(const struct numbering *n);
/* Puts it into a commit that carries no other position; borrowed until numbering_settle. */
void numbering_fill(struct numbering *n, struct commit *c);
void numbering_settle(struct numbering *n, bool durable);

#endif
