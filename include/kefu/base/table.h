/* A hash table from a key the caller keeps to a 32-bit number.
 *
 * Open addressing over pairs of (tag: 32 bits of the hash, value: 32 bits): eight bytes a slot, at most four
 * fifths full. Keys are not stored: the caller says, by `eq`, whether the thing that value names is the one meant.
 * Equal tags of different keys are therefore harmless. Values are any uint32_t but TABLE_NONE. */
#ifndef KEFU_BASE_TABLE_H
#define KEFU_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/str.h"

#define TABLE_NONE UINT32_MAX

struct table_slot {
    uint32_t tag;
    uint32_t value; /* TABLE_NONE: empty */
};

struct table {
    struct table_slot *slots; /* owned */
    size_t cap;               /* places that a tag may have as its home; 0 while empty */
    size_t all_n;             /* slots: cap, and room for what stands behind the last home */
    size_t n;                 /* in use */
};

/* The hash of bytes, seeded (the seed is a site's own random number, against crafted collisions). */
uint64_t table_hash(struct str s, uint64_t seed);

void table_fini(struct table *t); /* a zeroed table is a valid empty one */
/* Where a search for the tag begins: the slots of a tag stand together, behind those of smaller ones. The table is not empty. */
static inline const struct table_slot *table_slots_of(const struct table *t, uint32_t tag)
{
    const struct table_slot *s = &t->slots[(uint64_t)tag * t->cap >> 32];
    while (s->tag < tag) /* an empty slot's tag is the largest */
        s++;
    return s;
}
/* The value whose key is meant, or TABLE_NONE. eq(arg, value) is asked for values of equal tag; it borrows. */
static inline uint32_t table_find(const struct table *t, uint64_t hash, bool (*eq)(const void *arg, uint32_t value),
                                  const void *arg)
{
    if (!t->n)
        return TABLE_NONE;
    uint32_t tag = (uint32_t)(hash >> 32);
    const struct table_slot *s = table_slots_of(t, tag);
    for (; s->tag == tag && s->value != TABLE_NONE; s++)
        if (eq(arg, s->value))
            return s->value;
    return TABLE_NONE;
}
/* The first value of equal tag, most likely the one that table_find would give; TABLE_NONE: none. */
static inline uint32_t table_guess(const struct table *t, uint64_t hash)
{
    if (!t->n)
        return TABLE_NONE;
    uint32_t tag = (uint32_t)(hash >> 32);
    const struct table_slot *s = table_slots_of(t, tag);
    return s->tag == tag ? s->value : TABLE_NONE;
}
/* Brings the place of a hash near, for a table_find or table_add that comes soon. Changes nothing. */
static inline void table_prefetch(const struct table *t, uint64_t hash)
{
    if (t->cap)
        __builtin_prefetch(&t->slots[(hash >> 32) * t->cap >> 32]);
}
/* Adds; whether the key is there already is the caller's to know. */
void table_add(struct table *t, uint64_t hash, uint32_t value);
/* Takes out the slot with this hash and value; false: there is none. */
bool table_remove(struct table *t, uint64_t hash, uint32_t value);

#endif
