/* What was refused at the door, in memory as on disk: a bounded mirror of the quarantine table.
 *
 * Rows that wait for their time (FUTURE) come up by themselves. The same refused thing sent again makes no second row. When
 * there are more than rows_max, the oldest that can never be retried (BAD) go first, then conflicts, then future ones.
 * The mirror never writes: what a commit has to add or drop is handed out here and the pipeline writes it. */
#ifndef KEFU_DAEMON_QUARANTINE_H
#define KEFU_DAEMON_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/model/batch.h"
#include "kefu/model/commit.h"

struct quarantine;

/* last_row is the highest row number ever given. */
struct quarantine *quarantine_new(size_t rows_max, uint64_t last_row);
void quarantine_free(struct quarantine *q);

/* A row read at start; copied. */
void quarantine_load(struct quarantine *q, const struct quarantined *row);
/* Makes a row of a refusal, with its number, and keeps a copy. *row borrows from the batch, its record is in the arena.
 * False: the same is there already, there is nothing to write. */
struct refused {
    const struct batch *batch;
    const struct refusal *refusal;
    int64_t at_ms;
};
bool quarantine_add(struct quarantine *q, const struct refused *r, struct arena *arena, struct quarantined *row);
/* Forgets a row; true if it was there. */
bool quarantine_drop(struct quarantine *q, uint64_t row);
/* Takes out one row: one refused before `before_ms`, whose evidence is let go of, or, over rows_max, the least useful; 0: there
 * is none such. */
uint64_t quarantine_overflow(struct quarantine *q, int64_t before_ms);

/* When the next future row may be tried again (INT64_MAX: none), and that row if it is due; it does not come up again
 * unless quarantine_later puts it back. NULL: none is due. Borrowed until the mirror changes. */
int64_t quarantine_due_ms(struct quarantine *q);
const struct quarantined *quarantine_take_due(struct quarantine *q, int64_t now_ms);
void quarantine_later(struct quarantine *q, uint64_t row, int64_t due_ms);

size_t quarantine_n(const struct quarantine *q);
/* Row i from the oldest, 0 … n-1. Borrowed until the mirror changes. */
const struct quarantined *quarantine_at(const struct quarantine *q, size_t i);
/* NULL: there is no such row. */
const struct quarantined *quarantine_find(const struct quarantine *q, uint64_t row);

/* "bad", "future", "conflict". */
struct str quarantine_kind_name(enum refusal_kind kind);

#endif
