/* The simulated team against a running daemon: a past month at once, then in real time. */
#ifndef KEFU_CTL_LIVE_H
#define KEFU_CTL_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/ctl/cli.h"
#include "kefu/ctl/simulation.h"

struct live_options {
    struct simulation_options team; /* start_ms is set here: the past begins so many days ago */
    int64_t days;
    int64_t speed_percent;
    int64_t seconds; /* ends by itself after so long; 0: not */
};

/* Refuses a daemon that is no demo. Runs until SIGINT, SIGTERM or `seconds`, and prints now and then whose score moved. */
enum cli_exit live_run(const struct cli *c, const struct live_options *o);

/* Whom to push: of the members whose score (milli-points; INT64_MIN: none) is near a border of the default rulebook's tiers,
 * the nearest four get a mood that drives them across (1 up, -1 down), all others 0. Pure. */
void live_steer(const int64_t *score_milli, size_t n, int *moods);

#endif
