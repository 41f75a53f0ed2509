/* The sparse histogram.
 *
 * It keeps true that the buckets lie in order without empty ones, so that equal contents are equal bytes whatever was
 * added and taken out on the way, and that a bucket's middle is within 1/256 of every value in it. */
#include "kefu/base/hist.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"

#define EXACT_BELOW  256
#define OCTAVE_BITS  7 /* 128 buckets an octave */
#define FIRST_OCTAVE 8

static uint32_t index_of(int64_t value_ms)
{
    assert(value_ms >= 0);
    if (value_ms < EXACT_BELOW)
        return (uint32_t)value_ms;
    uint32_t octave = 63u - (uint32_t)__builtin_clzll((unsigned long long)value_ms);
    uint32_t within = (uint32_t)(value_ms >> (octave - OCTAVE_BITS)) & ((1u << OCTAVE_BITS) - 1);
    return EXACT_BELOW + ((octave - FIRST_OCTAVE) << OCTAVE_BITS) + within;
}

static int64_t middle_of(uint32_t index)
{
    if (index < EXACT_BELOW)
        return index;
    uint32_t octave = ((index - EXACT_BELOW) >> OCTAVE_BITS) + FIRST_OCTAVE;
    int64_t within = (index - EXACT_BELOW) & ((1u << OCTAVE_BITS) - 1);
    uint32_t width_bits = octave - OCTAVE_BITS;
    int64_t start = (within + (INT64_C(1) << OCTAVE_BITS)) << width_bits;
    return start + ((INT64_C(1) << width_bits) - 1) / 2;
}

/* Where the bucket is, or would have to be put. */
static size_t place_of(const struct hist *h, uint32_t index)
{
    size_t low = 0;
    size_t high = h->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->buckets[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void hist_fini(struct hist *h)
{
    free(h->buckets);
    *h = (struct hist){0};
}

/* The bucket of an index, made with count 0 if it is not there; the caller counts at once. */
static struct hist_bucket *bucket(struct hist *h, uint32_t index)
{
    size_t at = place_of(h, index);
    if (at < h->n && h->buckets[at].index == index)
        return &h->buckets[at];
    xgrow(&h->buckets, &h->cap, h->n + 1, sizeof *h->buckets);
    memmove(&h->buckets[at + 1], &h->buckets[at], (h->n - at) * sizeof *h->buckets);
    h->buckets[at] = (struct hist_bucket){index, 0};
    h->n++;
    return &h->buckets[at];
}

void hist_add(struct hist *h, int64_t value_ms)
{
    bucket(h, index_of(value_ms))->count++;
    h->total++;
}

void hist_remove(struct hist *h, int64_t value_ms)
{
    uint32_t index = index_of(value_ms);
    size_t at = place_of(h, index);
    assert(at < h->n && h->buckets[at].index == index);
    h->total--;
    if (--h->buckets[at].count > 0)
        return;
    h->n--;
    memmove(&h->buckets[at], &h->buckets[at + 1], (h->n - at) * sizeof *h->buckets);
}

void hist_merge(struct hist *into, const struct hist *from)
{
    assert(into != from);
    for (size_t i = 0; i < from->n; i++)
        bucket(into, from->buckets[i].index)->count += from->buckets[i].count;
    into->total += from->total;
}

int64_t hist_percentile(const struct hist *h, int permille)
{
    assert(permille >= 1 && permille <= 1000);
    if (h->total == 0)
        return -1;
    int64_t rank = (h->total * permille + 999) / 1000;
    size_t i = 0;
    for (int64_t seen = h->buckets[0].count; seen < rank; seen += h->buckets[i].count)
        i++;
    return middle_of(h->buckets[i].index);
}

int64_t hist_upto(const struct hist *h, int64_t value_ms)
{
    int64_t n = 0;
    for (size_t i = 0; i < h->n && middle_of(h->buckets[i].index) <= value_ms; i++)
        n += h->buckets[i].count;
    return n;
}
