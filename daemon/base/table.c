/* Linear probing over eight-byte slots that stand in the order of their tags.
 *
 * A tag's home is its share of the table, so the whole is a sorted list with gaps. That keeps true that a search for what is
 * not there ends at the first larger tag, that growing reads and writes memory from one end to the other and asks nobody
 * for keys, and that removal leaves no graves: what follows is shifted back into the hole. The last slot is always empty. */
#include "kefu/base/table.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define CAP_FIRST 16u
#define CAP_LARGE (1u << 20)
#define BEHIND_N  16u /* slots behind the last home; more are added when they are full */

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

static size_t home_of(const struct table *t, uint32_t tag)
{
    return (size_t)((uint64_t)tag * t->cap >> 32);
}

/* Room for a run that has reached the last slot. */
static void add_slots(struct table *t)
{
    t->slots = xrealloc(t->slots, (t->all_n + BEHIND_N) * sizeof *t->slots);
    memset(t->slots + t->all_n, 0xff, BEHIND_N * sizeof *t->slots); /* every value TABLE_NONE */
    t->all_n += BEHIND_N;
}

/* Moves the run that begins at `at` one slot on. */
static void make_hole(struct table *t, size_t at)
{
    size_t end = at;
    while (t->slots[end].value != TABLE_NONE)
        end++;
    if (end + 1 == t->all_n)
        add_slots(t);
    memmove(&t->slots[at + 1], &t->slots[at], (end - at) * sizeof *t->slots);
}

static size_t next_cap(size_t cap)
{
    if (cap < CAP_LARGE)
        return cap ? cap * 2 : CAP_FIRST;
    return cap + cap / 4;
}

/* Twice the homes; while a table is large, a quarter more. */
static void grow(struct table *t)
{
    struct table old = *t;
    *t = (struct table){.cap = next_cap(old.cap), .n = old.n};
    t->all_n = t->cap + BEHIND_N;
    t->slots = xmalloc(t->all_n * sizeof *t->slots);
    memset(t->slots, 0xff, t->all_n * sizeof *t->slots);
    size_t next = 0; /* the first slot behind those placed so far */
    for (size_t i = 0; i < old.all_n; i++) {
        if (old.slots[i].value == TABLE_NONE)
            continue;
        size_t home = home_of(t, old.slots[i].tag);
        next = home > next ? home : next;
        if (next + 1 == t->all_n)
            add_slots(t);
        t->slots[next++] = old.slots[i];
    }
    free(old.slots);
}

void table_add(struct table *t, uint64_t hash, uint32_t value)
{
    assert(value != TABLE_NONE);
    if ((t->n + 1) * 5 > t->cap * 4)
        grow(t);
    struct table_slot slot = {tag_of(hash), value};
    size_t at = home_of(t, slot.tag);
    while (t->slots[at].value != TABLE_NONE && t->slots[at].tag <= slot.tag)
        at++;
    make_hole(t, at);
    t->slots[at] = slot;
    t->n++;
}

/* Shifts back what stands behind the hole and is not at home. */
static void close_hole(struct table *t, size_t hole)
{
    size_t end = hole + 1;
    while (t->slots[end].value != TABLE_NONE && home_of(t, t->slots[end].tag) < end)
        end++;
    memmove(&t->slots[hole], &t->slots[hole + 1], (end - hole - 1) * sizeof *t->slots);
    t->slots[end - 1] = (struct table_slot){UINT32_MAX, TABLE_NONE};
}

bool table_remove(struct table *t, uint64_t hash, uint32_t value)
{
    if (!t->n)
        return false;
    assert(value != TABLE_NONE);
    uint32_t tag = tag_of(hash);
    for (size_t at = home_of(t, tag); t->slots[at].value != TABLE_NONE && t->slots[at].tag <= tag; at++) {
        if (t->slots[at].tag != tag || t->slots[at].value != value)
            continue;
        close_hole(t, at);
        t->n--;
        return true;
    }
    return false;
}
