/* Lists of idle runs, one a size.
 *
 * It keeps true that a run is aligned to nothing but its own use as bytes and pointers, and that memory once taken is used
 * again before more is asked for. Sizes that are no multiple of the step are above the steps: malloc's. */
#include "kefu/base/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"

#define LARGEST ((size_t)POOL_STEP * POOL_SIZES_N)

void pool_fini(struct pool *p)
{
    arena_fini(&p->memory);
    *p = (struct pool){0};
}

size_t pool_size(size_t n)
{
    if (n > LARGEST)
        return n + n / 4;
    return (n + POOL_STEP - 1) / POOL_STEP * POOL_STEP;
}

static void **idle_of(struct pool *p, size_t size)
{
    assert(size && size % POOL_STEP == 0);
    return &p->idle[size / POOL_STEP - 1];
}

static void *get(struct pool *p, size_t size)
{
    void **idle = idle_of(p, size);
    void *run = *idle;
    if (!run)
        return arena_alloc(&p->memory, size);
    memcpy(idle, run, sizeof *idle);
    return run;
}

void pool_put(struct pool *p, void *run, size_t size)
{
    if (!run)
        return;
    if (size > LARGEST) {
        free(run);
        return;
    }
    void **idle = idle_of(p, size);
    memcpy(run, idle, sizeof *idle);
    *idle = run;
}

void *pool_grow(struct pool *p, void *old, size_t old_size, size_t new_size)
{
    if (old_size > LARGEST)
        return xrealloc(old, new_size);
    void *run = new_size > LARGEST ? xmalloc(new_size) : get(p, new_size);
    if (old)
        memcpy(run, old, old_size);
    pool_put(p, old, old_size);
    return run;
}
