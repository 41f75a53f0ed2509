/* A month as it would be closed now: a row for every agent who was employed in it, and for whoever has figures in it.
 *
 * Read from the site's totals alone; nothing is kept. Holds pay. */
#ifndef KEFU_DAEMON_MONTH_DRAFT_H
#define KEFU_DAEMON_MONTH_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/tz.h"
#include "kefu/model/book.h"
#include "kefu/model/rulebook.h"
#include "kefu/state/site.h"

struct month_draft {
    int32_t month;
    const struct rulebook *rulebook;
    struct book_row *rows; /* owned; by the bytes of the agents' ids; person is absent */
    size_t rows_n;
    int64_t pending_n;  /* first contacts whose windows are open */
    int64_t bonus_fen;  /* of all rows */
    struct arena arena; /* strings */
};

/* All pointers borrowed for the call. The site must be caught up. `before` answers the agent's row of the month before, or
 * NULL. */
struct month_request {
    const struct site *site;
    const struct rulebooks *rulebooks;
    const struct tz *tz;
    int32_t month;
    const struct book_row *(*before)(void *arg, struct str agent);
    void *arg;
};
void month_draft_make(struct month_draft *d, const struct month_request *q);
/* The row of one agent, whether employed or not, its strings copied to the arena. */
void month_draft_row(struct book_row *row, const struct month_request *q, uint32_t agent, struct arena *arena);
void month_draft_free(struct month_draft *d);

#endif
