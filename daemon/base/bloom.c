/* Layers of blocked Bloom filters.
 *
 * It keeps true that a hash once added is held for ever, through growing and through being written and read in parts. A
 * layer of 2^k parts holds 2^k × PART_HASHES hashes; layer k has 2^k parts, so parts are numbered 0, 1-2, 3-6, … */
#include "kefu/base/bloom.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"

#define BLOCK_BYTES 64u
#define PART_BLOCKS (BLOOM_PART_BYTES / BLOCK_BYTES)
#define PART_HASHES (BLOOM_PART_BYTES * 8 / 20)
#define PROBES      6

void bloom_fini(struct bloom *b)
{
    for (size_t i = 0; i < b->layers_n + (b->ready_n > 0); i++) {
        free(b->layers[i].bytes);
        free(b->layers[i].dirty);
    }
    *b = (struct bloom){0};
}

static struct bloom_layer *make_layer(struct bloom *b, void *(*zeroed)(size_t count, size_t n))
{
    assert(b->layers_n < BLOOM_LAYERS_MAX);
    struct bloom_layer *l = &b->layers[b->layers_n];
    l->parts_n = (size_t)1 << b->layers_n;
    l->bytes = zeroed(l->parts_n, BLOOM_PART_BYTES);
    l->dirty = xcalloc(l->parts_n, sizeof *l->dirty);
    return l;
}

static struct bloom_layer *add_layer(struct bloom *b)
{
    if (!b->ready_n)
        make_layer(b, xcalloc);
    b->ready_n = 0;
    return &b->layers[b->layers_n++];
}

bool bloom_prepare(struct bloom *b)
{
    const struct bloom_layer *last = b->layers_n ? &b->layers[b->layers_n - 1] : NULL;
    if (!last || last->n < last->parts_n * PART_HASHES * 3 / 4)
        return false;
    if (!b->ready_n)
        make_layer(b, xcalloc_by_pages);
    struct bloom_layer *l = &b->layers[b->layers_n];
    if (b->ready_n == l->parts_n)
        return false;
    memset(l->bytes + b->ready_n++ * BLOOM_PART_BYTES, 0, BLOOM_PART_BYTES);
    if (b->ready_n == l->parts_n)
        xlarge(l->bytes, l->parts_n * BLOOM_PART_BYTES); /* the kernel gathers them when it has time */
    return true;
}

/* The high half chooses the block, the low half the bits in it: nine bits a probe. */
static size_t block_of(const struct bloom_layer *l, uint64_t hash)
{
    return (size_t)(hash >> 32) & (l->parts_n * PART_BLOCKS - 1);
}

static uint64_t bits_of(uint64_t hash)
{
    return (hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 10; /* 54 bits: six times nine */
}

static bool layer_holds(const struct bloom_layer *l, uint64_t hash)
{
    const uint8_t *block = l->bytes + block_of(l, hash) * BLOCK_BYTES;
    uint64_t bits = bits_of(hash);
    for (int i = 0; i < PROBES; i++, bits >>= 9)
        if (!(block[(bits & 511) >> 3] & 1u << (bits & 7)))
            return false;
    return true;
}

void bloom_prefetch(const struct bloom *b, uint64_t hash)
{
    for (size_t i = 0; i < b->layers_n; i++)
        __builtin_prefetch(b->layers[i].bytes + block_of(&b->layers[i], hash) * BLOCK_BYTES);
}

bool bloom_may_hold(const struct bloom *b, uint64_t hash)
{
    for (size_t i = b->layers_n; i-- > 0;)
        if (layer_holds(&b->layers[i], hash))
            return true;
    return false;
}

void bloom_add(struct bloom *b, uint64_t hash)
{
    if (bloom_may_hold(b, hash))
        return; /* nothing would change */
    struct bloom_layer *l = b->layers_n ? &b->layers[b->layers_n - 1] : NULL;
    if (!l || l->n >= l->parts_n * PART_HASHES)
        l = add_layer(b);
    size_t at = block_of(l, hash);
    uint8_t *block = l->bytes + at * BLOCK_BYTES;
    uint64_t bits = bits_of(hash);
    for (int i = 0; i < PROBES; i++, bits >>= 9)
        block[(bits & 511) >> 3] |= (uint8_t)(1u << (bits & 7));
    l->dirty[at / PART_BLOCKS] = true;
    l->n++;
}

size_t bloom_parts_n(const struct bloom *b)
{
    return ((size_t)1 << b->layers_n) - 1;
}

static struct bloom_layer *layer_of(struct bloom *b, size_t part, size_t *within)
{
    size_t k = 63u - (size_t)__builtin_clzll(part + 1);
    *within = part + 1 - ((size_t)1 << k);
    return &b->layers[k];
}

size_t bloom_take_dirty(struct bloom *b, size_t from, struct str *bytes, uint64_t *n)
{
    size_t within;
    for (size_t part = from; part < bloom_parts_n(b); part++) {
        struct bloom_layer *l = layer_of(b, part, &within);
        if (!l->dirty[within])
            continue;
        l->dirty[within] = false;
        *bytes = (struct str){(const char *)l->bytes + within * BLOOM_PART_BYTES, BLOOM_PART_BYTES};
        *n = l->n;
        return part;
    }
    return bloom_parts_n(b);
}

int bloom_put_part(struct bloom *b, size_t part, struct str bytes, uint64_t n)
{
    size_t within;
    if (bytes.n != BLOOM_PART_BYTES || part > bloom_parts_n(b) + ((size_t)1 << b->layers_n))
        return -1;
    while (part >= bloom_parts_n(b))
        add_layer(b);
    struct bloom_layer *l = layer_of(b, part, &within);
    memcpy(l->bytes + within * BLOOM_PART_BYTES, bytes.p, BLOOM_PART_BYTES);
    l->n = n > l->n ? n : l->n;
    return 0;
}
