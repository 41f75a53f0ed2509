/* The background look for damage: a thread that reads all of the store again and again, slowly, over a connection of its own.
 *
 * A pass reads every row of every table and checks its checksum; each finding is logged (evt=damage) and told by
 * scrub_state. It begins again after a pause, with a new connection, so that nothing it holds hides what is on the disk. */
#ifndef KEFU_STORE_SCRUB_H
#define KEFU_STORE_SCRUB_H

#include <stdint.h>

#include "kefu/base/err.h"

struct scrub;

struct scrub_options {
    const char *path; /* of the database; copied */
    int64_t rows_s;   /* rows of the journal a second, more or less; > 0 */
    int64_t pause_ms; /* between passes */
};

/* Never NULL (a thread that cannot start ends the process). */
struct scrub *scrub_start(const struct scrub_options *o);
void scrub_stop(struct scrub *s); /* ends the thread within a step; NULL is nothing to stop */

struct scrub_state {
    uint64_t passes_n;  /* whole ones */
    uint64_t damages_n; /* in the last whole pass, or in this one if it is more */
    struct err last;    /* what was found last; empty while nothing was */
};
void scrub_state(struct scrub *s, struct scrub_state *out);

#endif
