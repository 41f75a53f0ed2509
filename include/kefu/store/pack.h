/* Squeezing of journal rows, by zstd.
 *
 * What does not get smaller is not squeezed, so that a row of one event costs no more than its record. Opening wants the
 * exact length beforehand: no bytes can make it fill memory. One `struct pack` is one thread's; a zeroed one is valid. */
#ifndef KEFU_STORE_PACK_H
#define KEFU_STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "kefu/base/buf.h"
#include "kefu/base/str.h"

struct pack {
    void *squeezer, *opener; /* owned; made at the first use */
};

void pack_fini(struct pack *p);
/* Appends `s` squeezed to out; false: it would not be smaller, and nothing was appended. */
bool pack_squeeze(struct pack *p, struct str s, struct buf *out);
/* Puts what `squeezed` opens to, exactly `bytes` of it, into out instead of what was there; -1: it is not that. */
int pack_open(struct pack *p, struct str squeezed, size_t bytes, struct buf *out);

#endif
