/* A histogram of durations with at most 1 % error, sparse and mergeable, from which things can be taken out again.
 *
 * Values below 256 ms have a bucket each; above, every octave has 128 buckets, so a bucket is at most 1/128 of its
 * value wide and its middle at most 0.4 % off. Counts are exact: adding and removing the same value leaves nothing. */
#ifndef KEFU_BASE_HIST_H
#define KEFU_BASE_HIST_H

#include <stddef.h>
#include <stdint.h>

#define HIST_BUCKETS_MAX (256u + (63u - 8u + 1u) * 128u)

struct hist_bucket {
    uint32_t index;
    uint32_t count;
};

struct hist {
    struct hist_bucket *buckets; /* owned, by index, counts > 0 */
    size_t n;
    size_t cap;
    int64_t total; /* sum of counts */
};

void hist_fini(struct hist *h);                     /* a zeroed hist is a valid empty one */
void hist_add(struct hist *h, int64_t value_ms);    /* value_ms >= 0 */
void hist_remove(struct hist *h, int64_t value_ms); /* must have been added */
void hist_merge(struct hist *into, const struct hist *from);
/* The nearest-rank percentile (the ceil(total * permille / 1000)-th smallest, permille 1 … 1000), or -1 when empty. */
int64_t hist_percentile(const struct hist *h, int permille);
/* How many are of at most value_ms, give or take those of one bucket. */
int64_t hist_upto(const struct hist *h, int64_t value_ms);

#endif
