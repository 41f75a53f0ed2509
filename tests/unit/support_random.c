/* SplitMix64: one word of state, so a failing case is given back by its seed. */
#include "support_random.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t random_start(void)
{
    struct timespec t;
    const char *given = getenv("KEFU_SEED");
    (void)clock_gettime(CLOCK_REALTIME, &t);
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)t.tv_sec * 1000000007u ^ (uint64_t)t.tv_nsec;
    printf("KEFU_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t random_scale(uint64_t *state, int bits)
{
    uint64_t keep = random_next(state) % (uint64_t)bits + 1;
    return random_next(state) >> (64 - keep);
}
