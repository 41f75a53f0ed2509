/* Totals of periods: for an agent, a short sorted array of days and one of months.
 *
 * Adding a fact and taking it out again are the same call with the other sign; what is empty stays, with zeros. */
#ifndef KEFU_STATE_PERIOD_H
#define KEFU_STATE_PERIOD_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/state/episode.h"
#include "kefu/state/fact.h"
#include "kefu/state/shops.h"
#include "kefu/state/site.h"

struct periods {
    struct totals *list; /* owned, by period */
    size_t n;
    size_t cap;
    size_t
        saved_n; /* so many, from the first, lie on the shelf as they stand, or will when the cut under way has ended */
    size_t cut_n; /* so many, from the first, this cut has done with; n: all */
};

struct agent_totals {
    struct periods days;
    struct periods months;
    int32_t day, month; /* asked for last (once days has any), and its month */
    struct shops shops;
};

void agent_totals_fini(struct agent_totals *t);
/* Totals of a period, made if need be; borrowed until the next call that makes one. */
struct totals *periods_at(struct periods *p, int32_t period);
const struct totals *periods_find(const struct periods *p, int32_t period); /* NULL: none */

/* As bytes for the shelf, and back into an empty total: figures, then the buckets of the histogram. -1: not such bytes. */
void totals_encode(struct buf *out, const struct totals *t);
int totals_decode(struct totals *t, struct cursor *in);

/* Adds (sign 1) or takes out (sign -1) in the fact's day and its month. */
void totals_fact(struct agent_totals *t, const struct fact *f, int64_t sign);
/* What an ended episode gives its owner, with its first-contact state as in e->fcr. */
void totals_episode(struct agent_totals *t, const struct episode *e, int64_t sign);
/* A handled conversation of this shop (a number of the site's words, not 0) on that day; a month's figures know nothing of it. */
void totals_shop(struct agent_totals *t, int32_t day, uint32_t shop, int64_t sign);
/* A cross-sell order. */
void totals_order(struct agent_totals *t, int32_t day, int64_t amount_fen, int64_t sign);

#endif
