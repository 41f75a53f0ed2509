/* What the pipeline itself has to write, besides batches: memory and effects of a judgement, marks of effects sent, rows of
 * conflicts found only at the fold, rows of the quarantine that had to go, reservations of snapshot numbers.
 *
 * Things gather on the desk; desk_fill puts them into one commit; desk_settle clears it, or, if nothing was written, puts
 * them back for the next one. One commit at a time. */
#ifndef KEFU_DAEMON_DESK_H
#define KEFU_DAEMON_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/daemon/judge.h"
#include "kefu/daemon/numbering.h"
#include "kefu/daemon/outbox.h"
#include "kefu/model/commit.h"

struct desk_pile {
    struct quarantined *rows; /* owned; strings in the arena */
    size_t rows_n, rows_cap;
    uint64_t *drops; /* owned */
    size_t drops_n, drops_cap;
    struct arena arena;
};

struct desk {
    struct desk_pile pile; /* gathers */
    struct desk_pile out;  /* in the commit under way */
    struct judgement judgement;
    struct numbering numbers;
    uint64_t *sent; /* owned */
    size_t sent_n;
    struct commit commit;
    bool is_out;
};

void desk_fini(struct desk *d);                                   /* a zeroed desk is a valid empty one */
void desk_add_row(struct desk *d, const struct quarantined *row); /* copied */
void desk_add_drops(struct desk *d, const uint64_t *rows, size_t n);
bool desk_has_pile(const struct desk *d); /* something waits that is no matter of the rules */
/* Makes d->commit of the pile, of d->judgement (filled before) and of what the outbox knows as sent. False: there is
 * nothing to write, and the desk is clear. Otherwise is_out. */
bool desk_fill(struct desk *d, struct outbox *o, int64_t now_ms);
/* The commit is back. The judgement is freed either way. */
void desk_settle(struct desk *d, struct outbox *o, bool durable);

#endif
