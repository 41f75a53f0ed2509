/* Duplicate keys, found at the end of each object.
 *
 * Small objects compare each key with each, which beats any cleverness for the ten keys of an event; larger ones are sorted,
 * so that a megabyte of keys is no way to hold the loop. */
#include "kefu/base/json_keys.h"

#include <stdlib.h>
#include <string.h>

#include "kefu/base/json_scan.h"
#include "kefu/base/mem.h"

#define QUADRATIC_MAX 16

void json_keys_init(struct json_keys *k)
{
    k->list = k->inline_list;
    k->n = 0;
    k->cap = JSON_KEYS_INLINE;
}

static void forget(struct json_keys *k, size_t down_to)
{
    while (k->n > down_to) {
        struct json_key *key = &k->list[--k->n];
        if (key->owned) {
            free((void *)(uintptr_t)key->undone.p);
        }
    }
}

void json_keys_fini(struct json_keys *k)
{
    forget(k, 0);
    if (k->list != k->inline_list) {
        free(k->list);
    }
}

static void grow(struct json_keys *k)
{
    if (k->list == k->inline_list) {
        k->list = xmalloc(2 * sizeof k->inline_list);
        k->cap = (size_t)2 * JSON_KEYS_INLINE;
        memcpy(k->list, k->inline_list, sizeof k->inline_list);
    } else {
        xgrow(&k->list, &k->cap, k->n + 1, sizeof *k->list);
    }
}

void json_keys_push(struct json_keys *k, struct str literal, bool escaped)
{
    if (k->n == k->cap) {
        grow(k);
    }
    struct json_key *key = &k->list[k->n++];
    *key = (struct json_key){{literal.p + 1, literal.n - 2}, literal.p, escaped};
    if (escaped) {
        char *undone = xmalloc(literal.n);
        key->undone = (struct str){undone, json_unescape(literal, undone)};
    }
}

static int by_key_then_place(const void *va, const void *vb)
{
    const struct json_key *a = va;
    const struct json_key *b = vb;
    int c = str_cmp(a->undone, b->undone);
    return c ? c : (a->at > b->at) - (a->at < b->at);
}

static const char *twice_sorted(struct json_key *keys, size_t n)
{
    qsort(keys, n, sizeof *keys, by_key_then_place);
    for (size_t i = 1; i < n; i++) {
        if (str_eq(keys[i - 1].undone, keys[i].undone)) {
            return keys[i].at;
        }
    }
    return NULL;
}

/* Most keys differ in length or first byte; asking that here saves nearly all calls. */
static bool same_key(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || (a.p[0] == b.p[0] && memcmp(a.p, b.p, a.n) == 0));
}

static const char *twice(struct json_key *keys, size_t n)
{
    if (n > QUADRATIC_MAX) {
        return twice_sorted(keys, n);
    }
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (same_key(keys[i].undone, keys[j].undone)) {
                return keys[i].at;
            }
        }
    }
    return NULL;
}

const char *json_keys_pop(struct json_keys *k, size_t down_to)
{
    const char *at = twice(k->list + down_to, k->n - down_to);
    forget(k, down_to);
    return at;
}
