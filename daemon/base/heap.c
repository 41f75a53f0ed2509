/* The binary min-heap of deadlines.
 *
 * It keeps true that entries come up by (time, what), so that equal input gives equal order in every run. */
#include "kefu/base/heap.h"

#include <stdlib.h>

#include "kefu/base/mem.h"

static bool before(struct heap_entry a, struct heap_entry b)
{
    return a.at_ms < b.at_ms || (a.at_ms == b.at_ms && a.what < b.what);
}

void heap_fini(struct heap *h)
{
    free(h->entries);
    *h = (struct heap){0};
}

void heap_push(struct heap *h, int64_t at_ms, uint32_t what)
{
    struct heap_entry entry = {at_ms, what};
    xgrow(&h->entries, &h->cap, h->n + 1, sizeof *h->entries);
    size_t hole = h->n++;
    while (hole > 0 && before(entry, h->entries[(hole - 1) / 2])) {
        h->entries[hole] = h->entries[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    h->entries[hole] = entry;
}

bool heap_peek(const struct heap *h, struct heap_entry *out)
{
    if (!h->n)
        return false;
    *out = h->entries[0];
    return true;
}

/* Lets the entry sink from the top to its place. */
static void sink(struct heap *h, struct heap_entry entry)
{
    size_t hole = 0;
    for (;;) {
        size_t child = hole * 2 + 1;
        if (child >= h->n)
            break;
        if (child + 1 < h->n && before(h->entries[child + 1], h->entries[child]))
            child++;
        if (!before(h->entries[child], entry))
            break;
        h->entries[hole] = h->entries[child];
        hole = child;
    }
    h->entries[hole] = entry;
}

bool heap_pop(struct heap *h, struct heap_entry *out)
{
    if (!heap_peek(h, out))
        return false;
    h->n--;
    if (h->n)
        sink(h, h->entries[h->n]);
    return true;
}
