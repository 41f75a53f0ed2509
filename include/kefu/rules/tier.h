/* The live tier: follows the month-to-date score with hysteresis and dwell, so that a score swinging around a border makes
 * one change (SPEC.md, Live tier). Pure: state, memory and time in; memory and effects out. */
#ifndef KEFU_RULES_TIER_H
#define KEFU_RULES_TIER_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/score.h"

/* What the rule remembers of an agent. Zeroed = nothing known. */
struct tier_memory {
    int32_t month;    /* the month it is about */
    bool rated;       /* the tier has stood firm, not provisional, at some moment of the month */
    bool provisional; /* now */
    int tier;         /* index in the rulebook's tiers of the live tier, -1: not rated */
    int beyond;       /* the tier nearest to the live one that the score has stood in since beyond_since_ms, always on
                         one side of it; -1: the score stands in the live tier */
    int64_t beyond_since_ms;
    char rulebook[129]; /* name of the rulebook the index is of; "": nothing known */
};

struct tier_change {
    bool changed;  /* a firm tier changed, or became firm for the first time in the month (from -1): an effect is due.
                      Never while provisional, nor by a new month's start */
    bool remember; /* memory changed and must be kept */
    int from, to;  /* tier indexes; from may be -1 */
    int64_t look_again_ms; /* when the dwell ends; INT64_MAX: no need */
};

/* Brings m up to date with the score at now_ms of `month` and says what follows. */
struct tier_change tier_step(struct tier_memory *m, const struct rulebook *r, const struct score *s, int32_t month,
                             int64_t now_ms);
/* The memory as a blob of the memory table, and back (-1 with e: damaged or of an unknown version). */
void tier_memory_encode(struct buf *out, const struct tier_memory *m);
int tier_memory_decode(struct str blob, struct tier_memory *m, struct err *e);

#endif
