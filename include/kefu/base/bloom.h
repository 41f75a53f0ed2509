/* A filter that says of a 64-bit hash "never added" or "perhaps": what is asked before a disk is.
 *
 * Twenty bits a hash in blocks of one cache line, so that a question costs one miss and is wrongly answered "perhaps" about
 * once in a thousand times: a disk is a thousand times slower. It grows by adding a layer twice as large as the last, whose memory
 * bloom_prepare has made ready before: to touch it all in one go would take milliseconds. Nothing can be taken out. It is kept
 * on disk in parts of BLOOM_PART_BYTES: a part that has changed since it was last taken is `dirty`. */
#ifndef KEFU_BASE_BLOOM_H
#define KEFU_BASE_BLOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/str.h"

#define BLOOM_PART_BYTES ((size_t)1 << 16)
#define BLOOM_LAYERS_MAX 32

struct bloom_layer {
    uint8_t *bytes; /* owned */
    bool *dirty;    /* owned; of each part */
    size_t parts_n; /* a power of two */
    uint64_t n;     /* hashes added */
};

struct bloom { /* a zeroed one is a valid empty one */
    struct bloom_layer layers[BLOOM_LAYERS_MAX];
    size_t layers_n;
    size_t ready_n; /* parts of the layer to come that have been touched; 0: it is not even there */
};

void bloom_fini(struct bloom *b);
void bloom_add(struct bloom *b, uint64_t hash); /* the hash must be a good one: its bits are used as they are */
/* One more part of the layer to come, if the last one fills: a fraction of a millisecond. False: there was nothing to do. Nothing
 * breaks without; the layer is then made when it is needed. */
bool bloom_prepare(struct bloom *b);
bool bloom_may_hold(const struct bloom *b, uint64_t hash);
/* Brings near what a bloom_may_hold that comes soon will read. Changes nothing. */
void bloom_prefetch(const struct bloom *b, uint64_t hash);

/* Parts are numbered through all layers. */
size_t bloom_parts_n(const struct bloom *b);
/* The next dirty part at or after `from`, which is clean from then on; bloom_parts_n: none. *bytes is borrowed until the
 * filter is freed and changes with it; *n is how many hashes its layer holds. */
size_t bloom_take_dirty(struct bloom *b, size_t from, struct str *bytes, uint64_t *n);
/* Puts a part back, parts in their order from 0; -1: it does not fit. */
int bloom_put_part(struct bloom *b, size_t part, struct str bytes, uint64_t n);

#endif
