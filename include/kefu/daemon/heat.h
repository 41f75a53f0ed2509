/* Turns of a day by the local hour in which the agent's clock began, for every agent; shown team by team. */
#ifndef KEFU_DAEMON_HEAT_H
#define KEFU_DAEMON_HEAT_H

#include <stdint.h>

#include "kefu/base/tz.h"
#include "kefu/state/tell.h"

struct daemon;
struct heat;

/* An empty count of `day`; tz borrowed. */
struct heat *heat_new(const struct tz *tz, int32_t day, int64_t as_of);
void heat_free(struct heat *h); /* NULL too */
/* Counts the answers and misses it is told of. */
struct teller heat_teller(struct heat *h);
/* Gives every team its hours (live_heat). */
void heat_tell(const struct heat *h, struct daemon *d);

#endif
