/* Random numbers for tests: the seed is printed, and KEFU_SEED gives it back. Not for secrets. */
#ifndef KEFU_TESTS_SUPPORT_RANDOM_H
#define KEFU_TESTS_SUPPORT_RANDOM_H

#include <stdint.h>

uint64_t random_start(void);           /* the seed: $KEFU_SEED, or another one each time; prints it */
uint64_t random_next(uint64_t *state); /* 64 bits */
/* A length for durations and sizes: small and large ones alike, below 2^bits. */
uint64_t random_scale(uint64_t *state, int bits);

#endif
