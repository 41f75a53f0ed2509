/* An agent as shown outside: what Redis, and later the board, hold. Plain data, complete in itself. No pay. */
#ifndef KEFU_MODEL_VIEW_H
#define KEFU_MODEL_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/str.h"
#include "kefu/model/figures.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/score.h"

#define VIEW_NONE INT64_MIN /* no data: no field */

struct agent_view {
    struct str agent;
    struct str name; /* absent: unknown */
    struct str team; /* absent: none */
    const struct rulebook *rulebook;
    int32_t month; /* the period: month to date */
    struct figures month_to_date;
    struct score score;   /* exact rule, month to date */
    struct str live_tier; /* name of the live tier; absent: not rated */
    bool provisional;
    int64_t response_p50_ms; /* VIEW_NONE: no data */
    int64_t response_p90_ms;
    int64_t open_n;         /* open conversations this agent is assigned to */
    int64_t waiting_n;      /* customers waiting for this agent */
    int64_t oldest_wait_at; /* since when (at_ms), VIEW_NONE: nobody waits */
    int64_t as_of;
    uint64_t seq; /* rises with every snapshot of the site, also over restarts */
};

#endif
