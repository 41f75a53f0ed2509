/* Chance for the simulator: one 64-bit state (splitmix64), whole numbers only, the same throws for the same seed on every
 * machine. Not for secrets. */
#ifndef KEFU_CTL_DICE_H
#define KEFU_CTL_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state; /* any value is a seed */
};

uint64_t dice_throw(struct dice *d);
/* 0 … n - 1, even to within n / 2^64; n > 0. */
uint64_t dice_below(struct dice *d, uint64_t n);
/* from … to, both included; from <= to. */
int64_t dice_between(struct dice *d, int64_t from, int64_t to);
/* True in `share` of 10,000 throws; below 0 never, over 10,000 always. */
bool dice_chance(struct dice *d, int64_t share);
/* A waiting time of this mean, exponentially distributed to within 2 %; mean >= 0. */
int64_t dice_wait(struct dice *d, int64_t mean);

#endif
