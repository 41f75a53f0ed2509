/* Dropping rows a few at a time, by the order in which they lie, so that no step reads much.
 *
 * It keeps true that of an order that is dropped the hash is there in the same transaction. */
#include "kefu/store/let_go.h"

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/buf.h"
#include "kefu/base/table.h"
#include "kefu/base/tz.h"
#include "kefu/store/pointer.h"
#include "kefu/store/rows.h"

#define KEY_DONE STR_LIT("shelf_let_go")
#define KEY_SEED STR_LIT("shelf_seed")

enum stage { STAGE_SUBJECTS = 0, STAGE_POINTERS, STAGE_TOTALS, STAGE_LATE, STAGE_OUTBOX, STAGE_END };

static int run_number(struct db *db, enum sql which, int64_t number)
{
    struct db_row row = row_of(db, which);
    row_int(&row, number);
    return row_run(&row);
}

static int ask_top(struct db *db, enum sql which, int64_t *top)
{
    sqlite3_stmt *stmt = db->statements[which];
    int rc = sqlite3_step(stmt);
    *top = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The same hash as the state's of a key (cold_key_hash). */
static int remember(struct db *db, struct str key, uint64_t seed)
{
    struct db_row row = row_of(db, SQL_GONE_ADD);
    row_int(&row, (int64_t)table_hash(key, seed));
    return row_save(&row);
}

static int drop_subject(struct db *db, sqlite3_stmt *at, uint64_t seed)
{
    int rc = SQLITE_OK;
    if (sqlite3_column_int(at, 1) == SUBJECT_ORDER)
        rc = remember(db, column_str(at, 2), seed);
    return rc == SQLITE_OK ? run_number(db, SQL_SUBJECT_DROP, sqlite3_column_int64(at, 0)) : rc;
}

static int read_seed(struct db *db, uint64_t *seed)
{
    struct err e;
    struct str value;
    if (rows_get(db, KEY_SEED, &value, &e) < 0)
        return SQLITE_CORRUPT;
    if (value.n == sizeof *seed)
        memcpy(seed, value.p, sizeof *seed);
    free((void *)(uintptr_t)value.p);
    return SQLITE_OK;
}

/* The rows of one range of numbers. */
static int drop_subjects(struct db *db, struct shelf_work *w)
{
    sqlite3_stmt *stmt = db->statements[SQL_SUBJECT_OLD];
    uint64_t seed = 0;
    int64_t top = 0;
    int rc = ask_top(db, SQL_SUBJECT_TOP, &top);
    rc = rc == SQLITE_OK ? read_seed(db, &seed) : rc;
    sqlite3_bind_int64(stmt, 1, w->from);
    sqlite3_bind_int64(stmt, 2, w->before_ms);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        rc = drop_subject(db, stmt, seed);
    sqlite3_reset(stmt);
    w->from += SCHEMA_OLD_ROWS;
    if (w->from >= top) {
        w->stage = STAGE_POINTERS;
        w->from = 0;
    }
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool is_there(void *arg, int64_t subject)
{
    struct db *db = arg;
    sqlite3_stmt *stmt = db->statements[SQL_SUBJECT_IS];
    sqlite3_bind_int64(stmt, 1, subject);
    bool is = sqlite3_step(stmt) != SQLITE_DONE; /* in doubt it stays: its asker sees what is not there */
    sqlite3_reset(stmt);
    return is;
}

static int drop_pointers(struct db *db, struct shelf_work *w)
{
    int64_t top = 0;
    int rc = ask_top(db, SQL_POINTER_TOP, &top);
    size_t looked_n = 0;
    while (rc == SQLITE_OK && w->from <= top && looked_n < SHELF_POINTS)
        rc = pointer_sift(db, (uint64_t)w->from++, is_there, db, &looked_n);
    if (w->from > top)
        w->stage = STAGE_TOTALS;
    return rc;
}

/* At most so many as the statement takes at a time; when it found none, the next stage. */
static int drop_some(struct db *db, struct db_row *row, struct shelf_work *w)
{
    int rc = row_run(row);
    if (rc == SQLITE_OK && sqlite3_changes(db->sql) == 0)
        w->stage++;
    return rc;
}

static int drop_late(struct db *db, struct shelf_work *w)
{
    char month[16], first[24];
    struct db_row row = row_of(db, SQL_LATE_DROP);
    civil_print_month(month, sizeof month, w->month);
    snprintf(first, sizeof first, "[\"%s\"", month); /* subjects begin so, and years have four digits */
    row_text(&row, str_of(first));
    return drop_some(db, &row, w);
}

static int drop_before(struct db *db, enum sql which, int64_t before, struct shelf_work *w)
{
    struct db_row row = row_of(db, which);
    row_int(&row, before);
    return drop_some(db, &row, w);
}

static int end(struct db *db, const struct shelf_work *w)
{
    struct buf month = {0};
    buf_put_svar(&month, w->month);
    int rc = rows_set(db, KEY_DONE, buf_str(&month));
    buf_fini(&month);
    return rc;
}

int let_go_step(struct db *db, struct shelf_work *w)
{
    w->more = w->stage < STAGE_END;
    switch (w->stage) {
    case STAGE_SUBJECTS: return drop_subjects(db, w);
    case STAGE_POINTERS: return drop_pointers(db, w);
    case STAGE_TOTALS: return drop_before(db, SQL_TOTAL_DROP, civil_month_first(w->month), w);
    case STAGE_LATE: return drop_late(db, w);
    case STAGE_OUTBOX: return drop_before(db, SQL_OUTBOX_OLD, w->before_ms, w);
    default: return end(db, w);
    }
}

int let_go_done(struct store *s, int32_t *month, struct err *e)
{
    struct str value;
    *month = INT32_MIN;
    if (store_get(s, KEY_DONE, &value, e) < 0)
        return -1;
    struct cursor in = cursor_of(value);
    if (value.n)
        *month = (int32_t)cursor_svar(&in);
    free((void *)(uintptr_t)value.p);
    return 0;
}
