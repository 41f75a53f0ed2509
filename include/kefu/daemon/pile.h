/* Rows and totals of the shelf copied out of the site, to lie still while the writer borrows them. */
#ifndef KEFU_DAEMON_PILE_H
#define KEFU_DAEMON_PILE_H

#include <stddef.h>

#include "kefu/base/arena.h"
#include "kefu/model/shelf.h"

struct pile { /* a zeroed one is a valid empty one */
    struct arena arena;
    struct shelf_row *rows; /* owned; what they point to is in the arena, as of totals */
    size_t n, cap;
    struct shelf_total *totals; /* owned */
    size_t totals_n, totals_cap;
    size_t done_n, totals_done_n; /* given to pile_next */
};

void pile_fini(struct pile *p);
void pile_clear(struct pile *p);             /* keeps a little room */
void pile_reserve(struct pile *p, size_t n); /* room for n rows in all */
void pile_add(struct pile *p, const struct shelf_row *row);
void pile_add_total(struct pile *p, const struct shelf_total *total);
/* The next n at most of either go into the work. False: there are none left. */
bool pile_next(struct pile *p, size_t n, struct shelf_work *work);

#endif
