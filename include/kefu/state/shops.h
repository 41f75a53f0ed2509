/* How many of an agent's handled conversations were of which shop, by month: what a bonus is split by (docs/months.md).
 *
 * A short array sorted by (month, shop), of shops that were named alone: what was handled for no shop is what a month's
 * `handled` has beyond these. What is empty leaves the array. Shops are numbers of the site's words; on the shelf, behind a
 * month's totals, they are names. */
#ifndef KEFU_STATE_SHOPS_H
#define KEFU_STATE_SHOPS_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/intern.h"

struct shop_count {
    int32_t month;
    uint32_t shop;   /* number in words, never 0 */
    int64_t handled; /* never 0 */
};

struct shops {
    struct shop_count *list; /* owned */
    size_t n, cap;
};

void shops_fini(struct shops *s);
/* Adds (sign 1) a conversation handled for the shop, or takes it out (sign -1). */
void shops_add(struct shops *s, int32_t month, uint32_t shop, int64_t sign);
/* Those of a month, *n of them, by number; borrowed until the next change. */
const struct shop_count *shops_of(const struct shops *s, int32_t month, size_t *n);

/* The counts of a month as bytes, none if there are none; and back, in place of those
 * that are there. -1: not such bytes. */
void shops_encode(struct buf *out, const struct shops *s, int32_t month, const struct intern *words);
int shops_decode(struct shops *s, int32_t month, struct cursor *in, struct intern *words);

#endif
