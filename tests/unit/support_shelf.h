/* For tests of the state: a shelf in memory, which does what the store does on disk. */
#ifndef KEFU_TESTS_SUPPORT_SHELF_H
#define KEFU_TESTS_SUPPORT_SHELF_H

#include <stdbool.h>
#include <stddef.h>

#include "kefu/base/arena.h"
#include "kefu/base/buf.h"
#include "kefu/model/shelf.h"

enum { ROWS_MAX = 4000, TOTALS_MAX = 4000, ENTRIES_MAX = 20000 };

struct entry {
    uint64_t hash;
    size_t row;
};

struct kept {
    struct shelf_row *rows;
    struct shelf_total *totals;
    struct entry *entries; /* identities of cold rows */
    size_t rows_n, totals_n, entries_n;
    struct buf head;
    struct arena arena;
    size_t folded; /* events of the story that the flip holds */
    int64_t until;
    bool flipped;
    bool whole; /* the next flip's totals are all there are */
};

/* Where a row lies; rows_n: nowhere. */
size_t kept_find(const struct kept *k, const struct shelf_row *row);
void kept_put(struct kept *k, const struct shelf_row *row);
void kept_put_total(struct kept *k, const struct shelf_total *t);
void kept_ask(void *arg, const struct shelf_question *q, void (*each)(void *, const struct shelf_row *), void *to);

#endif
