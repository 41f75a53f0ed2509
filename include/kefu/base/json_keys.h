/* The keys of the JSON objects a scanner is inside of, to find one given twice. Part of base/json_scan.
 *
 * A stack: an object that begins remembers `n`, one that ends pops down to it. Keys compare with their escapes undone.
 * The usual object needs no memory; a hostile one of n keys costs n log n. */
#ifndef KEFU_BASE_JSON_KEYS_H
#define KEFU_BASE_JSON_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "kefu/base/str.h"

#define JSON_KEYS_INLINE 32

struct json_key {
    struct str undone; /* escapes undone */
    const char *at;    /* where the literal stands in the text */
    bool owned;        /* undone.p is on the heap */
};

struct json_keys {
    struct json_key *list; /* borrows from inline_list, or is owned */
    size_t n;
    size_t cap;
    struct json_key inline_list[JSON_KEYS_INLINE];
};

void json_keys_init(struct json_keys *k);
void json_keys_fini(struct json_keys *k);
/* literal: with its quotes, checked; borrowed until popped. */
void json_keys_push(struct json_keys *k, struct str literal, bool escaped);
/* Takes off all but the first `down_to`. Among those taken, was one there twice? Its second place, or NULL. */
const char *json_keys_pop(struct json_keys *k, size_t down_to);

#endif
