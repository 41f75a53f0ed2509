/* For tests of explanations: everybody's account of a month, gathered a little at a time while events come and conversations leave
 * memory and come back; at its end what was told must sum up to what stands. */
#ifndef KEFU_TESTS_SUPPORT_GATHERING_H
#define KEFU_TESTS_SUPPORT_GATHERING_H

#include <stdbool.h>

#include "kefu/model/shelf.h"
#include "kefu/views/account.h"

struct gathering {
    struct account account; /* account_fini frees */
    uint32_t place;         /* UINT32_MAX: all in memory has been told */
    size_t row;             /* next of the shelf's */
    uint32_t order;
    bool on;
};

struct gathering_shelf { /* borrowed; cold ones count */
    const struct shelf_row *rows;
    size_t rows_n;
};

/* Frees what it held before. */
void gathering_begin(struct gathering *g, struct site *s, int32_t month);
/* False: all has been told. */
bool gathering_step(struct gathering *g, struct site *s, const struct gathering_shelf *shelf, size_t n);
/* Does the sum agree with the site's figures, for every agent and for nobody? */
bool gathering_end(struct gathering *g, struct site *s);

#endif
