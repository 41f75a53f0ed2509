/* Linear probing over eight-byte slots.
 *
 * It keeps true that a slot can be placed again from its tag alone (so growing asks nobody for keys), that probing always
 * meets an empty slot, and that removal leaves no graves: what follows is shifted back into the hole. */
#include "kefu/base/table.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define CAP_FIRST 16u

uint64_t table_hash(struct str s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.n ? s.p : "", s.n, seed);
}

void table_fini(struct table *t)
{
    free(t->slots);
    *t = (struct table){0};
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

static void place(struct table *t, struct table_slot slot)
{
    size_t mask = t->cap - 1;
    size_t at = slot.tag & mask;
    while (t->slots[at].value != TABLE_NONE)
        at = (at + 1) & mask;
    t->slots[at] = slot;
}

static void grow(struct table *t)
{
    struct table old = *t;
    t->cap = old.cap ? old.cap * 2 : CAP_FIRST;
    t->slots = xmalloc(t->cap * sizeof *t->slots);
    memset(t->slots, 0xff, t->cap * sizeof *t->slots); /* every value TABLE_NONE */
    for (size_t i = 0; i < old.cap; i++) {
        if (old.slots[i].value != TABLE_NONE)
            place(t, old.slots[i]);
    }
    free(old.slots);
}

uint32_t table_find(const struct table *t, uint64_t hash, bool (*eq)(const void *arg, uint32_t value), const void *arg)
{
    if (!t->n)
        return TABLE_NONE;
    uint32_t tag = tag_of(hash);
    size_t mask = t->cap - 1;
    for (size_t at = tag & mask; t->slots[at].value != TABLE_NONE; at = (at + 1) & mask) {
        if (t->slots[at].tag == tag && eq(arg, t->slots[at].value))
            return t->slots[at].value;
    }
    return TABLE_NONE;
}

void table_add(struct table *t, uint64_t hash, uint32_t value)
{
    assert(value != TABLE_NONE);
    if ((t->n + 1) * 4 > t->cap * 3)
        grow(t);
    place(t, (struct table_slot){tag_of(hash), value});
    t->n++;
}

/* Moves back whatever may stand in the hole: a slot may if its home is not between the hole and itself. */
static void close_hole(struct table *t, size_t hole)
{
    size_t mask = t->cap - 1;
    for (size_t at = (hole + 1) & mask; t->slots[at].value != TABLE_NONE; at = (at + 1) & mask) {
        size_t home = t->slots[at].tag & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            t->slots[hole] = t->slots[at];
            hole = at;
        }
    }
    t->slots[hole].value = TABLE_NONE;
}

bool table_remove(struct table *t, uint64_t hash, uint32_t value)
{
    if (!t->n)
        return false;
    assert(value != TABLE_NONE);
    uint32_t tag = tag_of(hash);
    size_t mask = t->cap - 1;
    for (size_t at = tag & mask; t->slots[at].value != TABLE_NONE; at = (at + 1) & mask) {
        if (t->slots[at].tag != tag || t->slots[at].value != value)
            continue;
        close_hole(t, at);
        t->n--;
        return true;
    }
    return false;
}
