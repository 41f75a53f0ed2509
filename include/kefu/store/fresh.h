/* What a checkpoint lays beside the shelf until all is there, and how it becomes the shelf's (store/shelf.h): rows in `fresh`, totals
 * in `fresh_total`. All within the store's transaction; SQLite's result codes. */
#ifndef KEFU_STORE_FRESH_H
#define KEFU_STORE_FRESH_H

#include <stdbool.h>

#include "kefu/base/err.h"
#include "kefu/model/shelf.h"
#include "kefu/store/db.h"

#define FRESH_KEY_HEAD STR_LIT("shelf") /* in meta: sequence and head of the last flip */

/* A row, by SQL_FRESH_ADD or SQL_SUBJECT_CHILL. */
int fresh_put_row(struct db *db, enum sql which, const struct shelf_row *r);
int fresh_add(struct db *db, const struct shelf_work *w);
/* Two rows of meta, whatever lies there: from now on the fresh ones count, and must be moved in. */
int fresh_flip(struct db *db, const struct shelf_work *w);
/* Moves some in; work->more: there are more, work->moved_n: so many. If they are all there is (work->whole at the flip), the
 * totals that lie there go first. */
int fresh_merge(struct db *db, struct shelf_work *w);

/* At a start: was there a flip whose rows are not all moved in? -1 with e. */
int fresh_is_flipped(struct db *db, bool *flipped, struct err *e);
/* What no flip speaks of goes. */
int fresh_clear(struct db *db);

#endif
