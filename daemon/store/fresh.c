/* Rows and totals beside the shelf.
 *
 * It keeps true that one row of meta, set by the flip, says whether they count: a crash before it leaves the cut before as it was,
 * one behind it is gone on with. No step writes more than some hundred rows, for ingest waits behind it. */
#include "kefu/store/fresh.h"

#include <stdlib.h>

#include "kefu/base/buf.h"
#include "kefu/store/rows.h"

#define KEY_MERGING STR_LIT("shelf_merging")
#define WHOLE       STR_LIT("whole") /* the totals that lie there go before the fresh ones come */
#define MOVING      STR_LIT("1")
#define MERGE_ROWS  256 /* a transaction: some milliseconds */

int fresh_put_row(struct db *db, enum sql which, const struct shelf_row *r)
{
    struct db_row row = row_of(db, which);
    row_int(&row, r->kind);
    row_text(&row, r->key);
    row_uint(&row, r->group);
    row_int(&row, r->last_ts);
    row_int(&row, r->cold);
    row_blob(&row, r->blob);
    return row_save(&row);
}

static int put_total(struct db *db, const struct shelf_total *t)
{
    struct db_row row = row_of(db, SQL_FRESH_TOTAL_ADD);
    row_text(&row, t->agent);
    row_int(&row, t->kind);
    row_int(&row, t->period);
    row_blob(&row, t->blob);
    return row_save(&row);
}

int fresh_add(struct db *db, const struct shelf_work *w)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < w->rows_n; i++)
        rc = fresh_put_row(db, SQL_FRESH_ADD, &w->rows[i]);
    for (size_t i = 0; rc == SQLITE_OK && i < w->totals_n; i++)
        rc = put_total(db, &w->totals[i]);
    return rc;
}

int fresh_flip(struct db *db, const struct shelf_work *w)
{
    struct buf head = {0};
    buf_put_uvar(&head, w->seq);
    buf_put_str(&head, w->head);
    int rc = rows_set(db, FRESH_KEY_HEAD, buf_str(&head));
    if (rc == SQLITE_OK)
        rc = rows_set(db, KEY_MERGING, w->whole ? WHOLE : MOVING);
    buf_fini(&head);
    return rc;
}

static int run_with(struct db *db, enum sql which, int64_t number)
{
    struct db_row row = row_of(db, which);
    row_int(&row, number);
    return row_run(&row);
}

/* The statements of one of the two tables. */
struct table {
    enum sql first, merge, drop;
};

/* Moves a few of them in; *moved_n of them. */
static int move(struct db *db, const struct table *t, size_t *moved_n)
{
    int64_t first = 0;
    int rc = rows_ask_number(db, t->first, &first);
    *moved_n = 0;
    if (rc != SQLITE_OK || !first)
        return rc;
    rc = run_with(db, t->merge, first + MERGE_ROWS - 1);
    if (rc == SQLITE_OK)
        rc = run_with(db, t->drop, first + MERGE_ROWS - 1);
    *moved_n = (size_t)sqlite3_changes(db->sql);
    return rc;
}

static int merge(struct db *db, struct shelf_work *w)
{
    const struct table totals = {SQL_FRESH_TOTAL_FIRST, SQL_FRESH_TOTAL_MERGE, SQL_FRESH_TOTAL_DROP};
    const struct table rows = {SQL_FRESH_FIRST, SQL_FRESH_MERGE, SQL_FRESH_DROP};
    int rc = move(db, &totals, &w->moved_n);
    if (rc == SQLITE_OK && !w->moved_n)
        rc = move(db, &rows, &w->moved_n);
    w->more = w->moved_n > 0;
    return rc == SQLITE_OK && !w->more ? rows_set(db, KEY_MERGING, (struct str){0}) : rc;
}

static int clear_totals(struct db *db)
{
    struct db_row some = row_of(db, SQL_TOTAL_CLEAR);
    int rc = row_run(&some);
    return rc == SQLITE_OK && !sqlite3_changes(db->sql) ? rows_set(db, KEY_MERGING, MOVING) : rc;
}

int fresh_merge(struct db *db, struct shelf_work *w)
{
    struct str merging;
    struct err e;
    w->moved_n = 0;
    w->more = true;
    if (rows_get(db, KEY_MERGING, &merging, &e) < 0)
        return SQLITE_CORRUPT;
    bool whole = str_eq(merging, WHOLE);
    free((void *)(uintptr_t)merging.p);
    return whole ? clear_totals(db) : merge(db, w);
}

int fresh_is_flipped(struct db *db, bool *flipped, struct err *e)
{
    struct str merging;
    if (rows_get(db, KEY_MERGING, &merging, e) < 0)
        return -1;
    free((void *)(uintptr_t)merging.p);
    *flipped = merging.n > 0;
    return 0;
}

int fresh_clear(struct db *db)
{
    int rc = db_exec(db, "DELETE FROM fresh");
    return rc == SQLITE_OK ? db_exec(db, "DELETE FROM fresh_total") : rc;
}
