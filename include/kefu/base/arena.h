/* Memory that dies together: the strings of a batch, what one turn of the loop needs.
 *
 * Blocks grow by doubling from 4 KiB to 4 MiB. Nothing is freed singly. Not shared between threads at one time. */
#ifndef KEFU_BASE_ARENA_H
#define KEFU_BASE_ARENA_H

#include <stddef.h>

#include "kefu/base/str.h"

struct arena_block;
struct arena {
    struct arena_block *block; /* owned, newest first */
    size_t used_n;             /* bytes used of the newest block */
    size_t total_n;            /* bytes handed out since the last reset */
};

void arena_fini(struct arena *a);                     /* a zeroed arena is a valid empty one */
void arena_reset(struct arena *a);                    /* forgets all that was handed out, keeps one block */
void *arena_alloc(struct arena *a, size_t n);         /* aligned to 16, not zeroed, never NULL */
char *arena_bytes(struct arena *a, size_t n);         /* the same for bytes, which need no alignment: no gaps */
struct str arena_copy(struct arena *a, struct str s); /* a copy with a zero byte behind it; absent stays absent */

#endif
