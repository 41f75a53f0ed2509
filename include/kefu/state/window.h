/* The last hour of an agent, minute by minute, and the ratings of two days: what alerts look at.
 *
 * Fed by the same facts as the totals, with both signs, so that it is a function of the facts whatever their order: what is
 * taken out is what was put in. A minute's place is used again 64 minutes later; facts of a minute that has lost its place
 * are passed over, going in and coming out alike. No figure hangs on it, and it lies on no shelf: conversations of the last
 * hour are in memory after a start, and feed it again. */
#ifndef KEFU_STATE_WINDOW_H
#define KEFU_STATE_WINDOW_H

#include <stdint.h>

#include "kefu/state/fact.h"

#define WINDOW_MINUTES 60

struct window;

struct window_sums {
    int64_t answered, within, missed, response_sum_ms;
};

/* Puts a fact in (sign 1) or takes it out (-1); *w is made when it is first needed. The caller owns *w, freed by free(). */
void window_fact(struct window **w, const struct fact *f, int64_t sign);
/* Sums of the minutes that end in (now - minutes, now]: the running one and the minutes - 1 before. w may be NULL. */
void window_sums(const struct window *w, int64_t now_ms, int64_t minutes, struct window_sums *out);
/* Ratings of a day of at most so many milli-stars (in steps of half a star); only of the last two days that had any. */
uint32_t window_ratings(const struct window *w, int32_t day, int64_t most_milli);

#endif
