/* How long the evidence of closed months is kept: so many months after the closing, then the closed rows stay alone (and the sums
 * of the months in the totals). A month that is not closed is never let go of, nor is any month after it; but months before the first that
 * was closed at all, which can be closed no more, go with that one. */
#ifndef KEFU_DAEMON_MONTH_KEEP_H
#define KEFU_DAEMON_MONTH_KEEP_H

#include "kefu/daemon/months.h"

/* Tells the checkpoint what may go now; looks once an hour. Part of months_turn. */
void month_keep_turn(struct months *m);
/* The evidence of this month was let go of: what is closed cannot be explained or adjusted any more. */
bool month_is_let_go(const struct months *m, int32_t month);

#endif
