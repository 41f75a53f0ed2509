/* What one KPI alone would have to reach for the next tier, the others staying as they are. Pure; by the score's own functions. */
#ifndef KEFU_RULES_WHATIF_H
#define KEFU_RULES_WHATIF_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/model/figures.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/score.h"

#define WHATIF_MORE_MAX 100000 /* more good ones in a row than that are "not reachable" */

struct whatif {
    const struct rulebook *rulebook;
    const struct figures *figures; /* month to date */
    bool had_orders;
    const struct score *score; /* of these */
};

struct whatif_step {
    bool reachable;           /* alone */
    int64_t need_score_milli; /* least points of the KPI that suffice; SCORE_NONE: not even 100 do */
    int64_t need_value_micro; /* the metric's value that gives them; INT64_MIN: no value does */
    int64_t more;             /* good ones in a row that suffice; -1: none do, or the metric is a mean of times */
};

/* The tier above the one that the score has, as if enough had been handled; without data, above the lowest. -1: it is the highest. */
int whatif_next_tier(const struct whatif *w);
/* KPI k towards tier `tier`. tier_min_handled is left aside: whoever shows this shows what is missing to it. */
void whatif_step(const struct whatif *w, size_t k, int tier, struct whatif_step *out);

#endif
