/* Chance for the simulator. Keeps true: no floating point, so that a seed gives the same throws everywhere. */
#include "kefu/ctl/dice.h"

uint64_t dice_throw(struct dice *d)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t dice_below(struct dice *d, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)dice_throw(d) * n) >> 64);
}

int64_t dice_between(struct dice *d, int64_t from, int64_t to)
{
    return from + (int64_t)dice_below(d, (uint64_t)(to - from) + 1);
}

bool dice_chance(struct dice *d, int64_t share)
{
    return (int64_t)dice_below(d, 10000) < share;
}

/* -log2 of a throw in (0, 1]: its leading zeros, and between powers of two log2(1 + x), which is near x + 0.343 x (1 - x).
 * Times ln 2 that is exponential with mean 1; in units of 1/65536. */
int64_t dice_wait(struct dice *d, int64_t mean)
{
    uint64_t u = dice_throw(d) | 1;
    int zeros = __builtin_clzll(u);
    int64_t x = (int64_t)((u << zeros) << 1 >> 48);
    int64_t curved = x + (22479 * ((x * (65536 - x)) >> 16) >> 16);
    int64_t log2_65536 = ((int64_t)zeros + 1) * 65536 - curved;
    return (int64_t)((__int128)mean * log2_65536 * 45426 >> 32);
}
