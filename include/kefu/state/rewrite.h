/* A frozen subject with other names in it: what erasing a person does to the shelf. Needs no site.
 *
 * Every event of its list is handed out to be changed (state/freeze.h says what a frozen subject is); how it stands in the totals
 * stays as it is, so that no figure changes. Times and sources are not to be changed: the order of the list hangs on them. */
#ifndef KEFU_STATE_REWRITE_H
#define KEFU_STATE_REWRITE_H

#include <stdbool.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/model/event.h"
#include "kefu/model/shelf.h"

/* Changes names in an event; what it puts there must live until the call of shelf_row_rewrite returns. True: it did. */
struct rewriter {
    bool (*event)(void *arg, struct event *e);
    struct str (*agent)(void *arg, struct str id); /* of an order: who it counts for */
    void *arg;
};
/* 1: *blob is the row's anew (appended); 0: nothing changed; -1 with e: its bytes do not fit together. */
int shelf_row_rewrite(const struct shelf_row *row, const struct rewriter *w, struct buf *blob, struct err *e);

#endif
