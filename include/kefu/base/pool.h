/* Memory for very many small runs of bytes that grow: no header and no gap beside them, and few pages touched.
 *
 * Sizes come in steps of 32 bytes; what is given back serves the next of its size. Larger runs are malloc's. Whoever holds
 * a run keeps its size, which is what pool_size made of it. */
#ifndef KEFU_BASE_POOL_H
#define KEFU_BASE_POOL_H

#include <stddef.h>

#include "kefu/base/arena.h"

#define POOL_STEP    32
#define POOL_SIZES_N 32

struct pool {
    struct arena memory;
    void *idle[POOL_SIZES_N]; /* of each size, those given back: each begins with a pointer to the next */
};

void pool_fini(
    struct pool *p); /* a zeroed pool is a valid empty one; runs larger than the steps are to be given back before */
size_t pool_size(size_t n); /* the size to ask for where n bytes are needed, n > 0 */
/* A run of new_size that begins with what `old` (NULL: none) holds, which is given back; never NULL. */
void *pool_grow(struct pool *p, void *old, size_t old_size, size_t new_size);
void pool_put(struct pool *p, void *run, size_t size); /* gives back; NULL is nothing */

#endif
