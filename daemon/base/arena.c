/* Bump allocation in blocks.
 *
 * It keeps true that every address of arena_alloc is aligned to 16, and that all stay until reset or fini. A request larger than a block
 * gets a block of its own size; such a block is not kept at a reset, so one large batch costs nothing afterwards. */
#include "kefu/base/arena.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

#define BLOCK_FIRST_BYTES ((size_t)4096)
#define BLOCK_MAPPED_BYTES                                                                                             \
    (2 * MEM_LARGE_BYTES) /* with its head: the largest of the usual blocks, not of the allocator */
#define ALIGNED ((size_t)16)

struct arena_block {
    struct arena_block *older; /* owned */
    size_t size;               /* of data */
    _Alignas(16) unsigned char data[];
};

#define BLOCK_MAX_BYTES (BLOCK_MAPPED_BYTES - sizeof(struct arena_block))

static void free_chain(struct arena_block *block)
{
    while (block) {
        struct arena_block *older = block->older;
        if (block->size == BLOCK_MAX_BYTES)
            mem_unmap(block, BLOCK_MAPPED_BYTES);
        else
            free(block);
        block = older;
    }
}

void arena_fini(struct arena *a)
{
    free_chain(a->block);
    *a = (struct arena){0};
}

void arena_reset(struct arena *a)
{
    struct arena_block *kept = a->block;
    if (kept && kept->size <= BLOCK_MAX_BYTES) {
        free_chain(kept->older);
        kept->older = NULL;
    } else {
        free_chain(kept);
        kept = NULL;
    }
    *a = (struct arena){.block = kept};
}

static void add_block(struct arena *a, size_t n)
{
    size_t size = a->block ? a->block->size * 2 : BLOCK_FIRST_BYTES;
    if (size > BLOCK_MAX_BYTES)
        size = BLOCK_MAX_BYTES;
    if (size < n)
        size = (n + ALIGNED - 1) & ~(ALIGNED - 1); /* what is used never rounds up to more */
    struct arena_block *block = size == BLOCK_MAX_BYTES ? mem_map(BLOCK_MAPPED_BYTES) : xmalloc(sizeof *block + size);
    block->older = a->block;
    block->size = size;
    a->block = block;
    a->used_n = 0;
}

static char *take(struct arena *a, size_t n)
{
    assert(n <= SIZE_MAX / 4);
    if (!a->block || n > a->block->size - a->used_n)
        add_block(a, n);
    char *p = (char *)a->block->data + a->used_n;
    a->used_n += n;
    a->total_n += n;
    return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
    a->used_n = (a->used_n + ALIGNED - 1) & ~(ALIGNED - 1);
    return take(a, n ? n : 1); /* addresses differ */
}

char *arena_bytes(struct arena *a, size_t n)
{
    return take(a, n);
}

struct str arena_copy(struct arena *a, struct str s)
{
    if (!s.n)
        return (struct str){0};
    char *p = arena_alloc(a, s.n + 1);
    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct str){p, s.n};
}
