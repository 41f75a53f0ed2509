/* Adjustments: what came after a month was closed, as the difference between how an agent counts by now and how the agent was
 * paid. A person accepts it, and it is paid with the next month, or rejects it. */
#ifndef KEFU_DAEMON_MONTH_ADJUST_H
#define KEFU_DAEMON_MONTH_ADJUST_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/daemon/month_late.h"
#include "kefu/daemon/months.h"

struct month_difference {
    struct book_row paid; /* as closed, with what was accepted since; zeroed if there was no row */
    struct book_row now;
    int64_t difference_fen; /* to be paid: of the bonus */
    struct month_evidence evidence;
};

struct month_differences {
    int32_t month;
    struct month_difference *list; /* owned; by agent, and then those who would have no row now */
    size_t n, cap;
    struct month_rows paid, seen;    /* what it was compared with, and what was last looked at */
    struct arena arena, draft_arena; /* strings */
};

/* All that is undecided of a closed month; catches the site up first. month_differences_free is due either way. -1 with e:
 * the month is not closed, or the book is damaged. */
int month_differences(struct months *m, int32_t month, struct month_differences *out, struct err *e);
void month_differences_free(struct month_differences *d);
/* [{"agent", "from": row, "to": row, "difference_fen", "changed": [names of figures, and of what they brought that no money is],
 * "evidence": [[kind, id], …], "evidence_all"}] */
void month_print_differences(struct buf *out, const struct month_differences *d);

#endif
