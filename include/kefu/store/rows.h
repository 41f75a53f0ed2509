/* The small tables beside the journal: positions, quarantine, rule memory, outbox, and the marks never to be reused.
 *
 * Writers return SQLite's result code and run inside the store's transaction; readers check each row's checksum and
 * refuse a damaged one with its table and key. */
#ifndef KEFU_STORE_ROWS_H
#define KEFU_STORE_ROWS_H

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/model/commit.h"
#include "kefu/store/db.h"
#include "kefu/store/store.h"

/* All of a commit but its events; raises *marks and writes them when they have risen. `room` is room to work in. */
int rows_add(struct db *db, const struct commit *c, struct store_marks *marks, struct buf *room);

int rows_marks(struct db *db, struct store_marks *marks, struct err *e);
int rows_each_memory(struct db *db, void (*each)(void *, const struct memory_row *), void *arg, struct err *e);
int rows_each_quarantined(struct db *db, void (*each)(void *, const struct quarantined *), void *arg, struct err *e);
int rows_each_unsent(struct db *db, void (*each)(void *, const struct effect *), void *arg, struct err *e);
/* The same of those that were sent, with numbers above `above`. */
int rows_each_sent(struct db *db, uint64_t above, void (*each)(void *, const struct effect *), void *arg,
                   struct err *e);

/* Sets a row of rule memory, or drops it (no blob). SQLite's result code. */
int rows_memory(struct db *db, const struct memory_row *m);

/* A value by name, in `meta` or, under "position/", in `position`; absent: removes. SQLite's result code. */
int rows_set(struct db *db, struct str key, struct str value);
/* The value malloc'ed, or absent. -1 with e. */
int rows_get(struct db *db, struct str key, struct str *value, struct err *e);

/* The one number that a statement without arguments answers; 0 if it is NULL. SQLite's result code. */
int rows_ask_number(struct db *db, enum sql which, int64_t *number);

#endif
