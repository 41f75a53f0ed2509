/* Letting go of the evidence of closed months: the lists by which their figures came about.
 *
 * From one cut on the site is without evidence of all before a month. The sums of these months then stay as they are, whatever
 * comes; the sums of their days go. A conversation or an order whose last event lies before is no more: an event that names
 * it later begins it anew (an order: is refused, so that it is not paid twice), and what is stamped before is refused at the door.
 * Conversations that reach over the border stay whole. Of agents the first event stays, what their profile and status say,
 * and all since. What a site holds no longer, the shelf may drop (last_ts tells). */
#ifndef KEFU_STATE_LET_GO_H
#define KEFU_STATE_LET_GO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/state/site.h"

/* Lets go of all before this month; no cut may be under way (the next one holds it). Never goes back. */
void site_let_go(struct site *s, int32_t month);
/* The first month with evidence; INT32_MIN: none was ever let go of. And its first instant (INT64_MIN). */
int32_t site_kept_month(const struct site *s);
int64_t site_kept_ms(const struct site *s);

/* Takes out of memory what is let go of, `n` subjects looked at a step: true: there is more. To be called when nothing came late
 * (site_has_late) and no cut is under way; else it does nothing and says true. */
struct let_go {
    uint32_t conversation, order, agent; /* the next of each; zeroed at the beginning */
};
bool site_take_away(struct site *s, struct let_go *at, size_t n);

/* Would the event change, or stand among, what is let go of? The door refuses it then. An event that is known is none. */
bool site_is_let_go(struct site *s, const struct event *e);

#endif
