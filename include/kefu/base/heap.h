/* Deadlines in order: a binary min-heap of (time, what).
 *
 * Lazy by design: the caller keeps the true deadline of each thing and a note of the earliest entry it has in the heap;
 * an entry that comes up too early is pushed again with the true time. So a deadline that moves later costs nothing. */
#ifndef KEFU_BASE_HEAP_H
#define KEFU_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_entry {
    int64_t at_ms;
    uint32_t what;
};

struct heap {
    struct heap_entry *entries; /* owned */
    size_t n;
    size_t cap;
};

void heap_fini(struct heap *h); /* a zeroed heap is a valid empty one */
void heap_push(struct heap *h, int64_t at_ms, uint32_t what);
/* The earliest entry, if any; equal times come in the order of `what`. */
bool heap_peek(const struct heap *h, struct heap_entry *out);
bool heap_pop(struct heap *h, struct heap_entry *out);

#endif
