/* Rows of the shelf copied out of the site, to lie still while the writer borrows them. */
#ifndef KEFU_DAEMON_PILE_H
#define KEFU_DAEMON_PILE_H

#include <stddef.h>

#include "kefu/base/arena.h"
#include "kefu/model/shelf.h"

struct pile { /* a zeroed one is a valid empty one */
    struct arena arena;
    struct shelf_row *rows; /* owned; what they point to is in the arena */
    size_t n, cap;
};

void pile_fini(struct pile *p);
void pile_clear(struct pile *p); /* keeps a little room */
void pile_add(struct pile *p, const struct shelf_row *row);

#endif
