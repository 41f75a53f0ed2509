/* Writing the shelf a step at a time, reading it at a start, and asking it for what has left memory.
 *
 * It keeps true: what a start reads is one cut, whole, whatever crashed; the journal keeps every row behind the last flip, and
 * its very last row always (sequences go on from it). It refuses a row whose checksum does not fit. */
#include "kefu/store/shelf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kefu/base/buf.h"
#include "kefu/base/digest.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/store/fresh.h"
#include "kefu/store/journal.h"
#include "kefu/store/let_go.h"
#include "kefu/store/pointer.h"
#include "kefu/store/rows.h"

#define KEY_UNTIL  STR_LIT("shelf_until")
#define KEY_SEED   STR_LIT("shelf_seed")
#define TRIM_ROWS  64
#define OLD_SHIFT  16  /* 48 bits of a hash stand in the table identity, which earlier kefuds wrote */
#define FREE_PAGES 256 /* stay for what comes next */
#define EXIT_LOST  74  /* EX_IOERR */

/* --- one step ------------------------------------------------------------------------------------------------------ */

/* Where a subject lies, for each of its identities. */
static int find_row(struct db *db, const struct shelf_row *r, struct shelf_work *w)
{
    sqlite3_stmt *stmt = db->statements[SQL_SUBJECT_ID];
    sqlite3_bind_int(stmt, 1, (int)r->kind);
    sqlite3_bind_text64(stmt, 2, r->key.p, r->key.n, SQLITE_STATIC, SQLITE_UTF8);
    int rc = sqlite3_step(stmt);
    int64_t id = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    for (size_t k = 0; k < r->identities_n; k++)
        w->pointers[w->pointers_n++] = (struct shelf_pointer){pointer_hash(r->identities[k]), id};
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int find(struct db *db, struct shelf_work *w)
{
    int rc = SQLITE_OK;
    w->pointers_n = 0;
    for (size_t i = 0; rc == SQLITE_OK && i < w->rows_n; i++)
        rc = find_row(db, &w->rows[i], w);
    return rc;
}

static int point(struct db *db, struct shelf_work *w)
{
    struct shelf_pointer *p = w->pointers + w->from_n;
    size_t n = pointer_sort_some(p, w->pointers_n - w->from_n, SHELF_POINTS, &w->from_hash);
    w->from_n += n;
    w->more = w->from_n < w->pointers_n;
    return pointer_add(db, p, n);
}

static int chill(struct db *db, const struct shelf_work *w)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < w->rows_n; i++)
        rc = fresh_put_row(db, SQL_SUBJECT_CHILL, &w->rows[i]);
    struct buf until = {0};
    buf_put_svar(&until, w->until);
    if (rc == SQLITE_OK)
        rc = rows_set(db, KEY_UNTIL, buf_str(&until));
    buf_fini(&until);
    return rc;
}

static int put_filter(struct db *db, const struct shelf_work *w)
{
    struct db_row row = row_of(db, SQL_FILTER_SET);
    row_int(&row, w->filter);
    row_uint(&row, w->part);
    row_uint(&row, w->hashes_n);
    row_blob(&row, w->bytes);
    return row_save(&row);
}

/* From the oldest on, and only what has another row behind it; the first one that must stay ends it. *upto: as far as it
 * came. */
static int trim(struct db *db, struct shelf_work *w, int64_t *upto)
{
    sqlite3_stmt *stmt = db->statements[SQL_JOURNAL_OLDEST];
    int64_t before = 0;
    int rc;
    size_t n = 0;
    sqlite3_bind_int64(stmt, 1, (int64_t)w->from_seq);
    for (; (rc = sqlite3_step(stmt)) == SQLITE_ROW; n++) {
        *upto = before; /* the row before this one has a row behind it */
        if ((uint64_t)sqlite3_column_int64(stmt, 1) > w->seq || sqlite3_column_int64(stmt, 2) >= w->before_ms)
            break;
        before = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_reset(stmt);
    bool cut_short = (rc & 0xff) == SQLITE_CORRUPT && *upto; /* what was read may go first */
    w->more = n > TRIM_ROWS || cut_short;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE && !cut_short)
        return rc;
    if (!*upto)
        return SQLITE_OK;
    struct db_row row = row_of(db, SQL_JOURNAL_TRIM);
    row_uint(&row, w->from_seq);
    row_int(&row, *upto);
    return row_run(&row);
}

/* A page of the journal that cannot be read holds nothing that a start would want: its rows stay, and it goes on behind them. */
static int go_over(struct db *db, struct shelf_work *w, int64_t upto)
{
    struct journal journal = {.db = db};
    struct err e;
    uint64_t from = upto > (int64_t)w->from_seq ? (uint64_t)upto : w->from_seq, after;
    w->damaged = true;
    if (journal_after(&journal, from, w->seq, &after, &e) < 0)
        after = w->seq + 1; /* nothing behind it can be read either */
    w->from_seq = after;
    w->more = after <= w->seq;
    return SQLITE_OK;
}

int shelf_trim(struct db *db, struct shelf_work *w)
{
    int64_t upto = 0;
    w->damaged = w->more = false;
    int rc = db_exec(db, "BEGIN IMMEDIATE");
    rc = rc == SQLITE_OK ? trim(db, w, &upto) : rc;
    rc = rc == SQLITE_OK ? db_exec(db, "COMMIT") : rc;
    if (rc == SQLITE_OK)
        return SQLITE_OK;
    int back = sqlite3_get_autocommit(db->sql) ? SQLITE_OK : db_exec(db, "ROLLBACK");
    if (back != SQLITE_OK)
        return back;
    if ((rc & 0xff) == SQLITE_CORRUPT)
        return go_over(db, w, upto);
    w->more = false; /* on a full disk the next checkpoint tries again */
    return rc == SQLITE_FULL ? SQLITE_OK : rc;
}

/* Files that hold no more than they must: a few pages a transaction, since each is moved. A store made before pages could be
 * given back keeps them for later rows. */
static int tidy(struct db *db, struct shelf_work *w)
{
    int64_t free_n = 0, left_n = 0;
    int rc = rows_ask_number(db, SQL_FREE_PAGES, &free_n);
    if (rc != SQLITE_OK || free_n <= FREE_PAGES)
        return rc;
    rc = db_exec(db, "PRAGMA incremental_vacuum(64)");
    if (rc == SQLITE_OK)
        rc = rows_ask_number(db, SQL_FREE_PAGES, &left_n);
    w->more = left_n > FREE_PAGES && left_n < free_n;
    return rc;
}

int shelf_do(struct db *db, struct shelf_work *w)
{
    w->more = w->step == SHELF_TRIM && w->more;
    switch (w->step) {
    case SHELF_FRESH: return fresh_add(db, w);
    case SHELF_FLIP: return fresh_flip(db, w);
    case SHELF_MERGE: return fresh_merge(db, w);
    case SHELF_FIND: return find(db, w);
    case SHELF_POINT: return point(db, w);
    case SHELF_CHILL: return chill(db, w);
    case SHELF_FILTER: return put_filter(db, w);
    case SHELF_TRIM: return SQLITE_OK; /* shelf_trim has */
    case SHELF_TIDY: return tidy(db, w);
    case SHELF_LET_GO: return let_go_step(db, w);
    case SHELF_WORK_NONE: break;
    }
    return SQLITE_OK;
}

/* --- at a start ---------------------------------------------------------------------------------------------------- */

static int in_transaction(struct db *db, struct shelf_work *w, struct err *e)
{
    int rc = db_exec(db, "BEGIN IMMEDIATE");
    rc = rc == SQLITE_OK ? shelf_do(db, w) : rc;
    rc = rc == SQLITE_OK ? db_exec(db, "COMMIT") : rc;
    return rc == SQLITE_OK ? 0 : db_err(db, e, "ending a checkpoint that was under way");
}

int shelf_recover(struct store *s, struct err *e)
{
    struct db *db = store_db(s);
    struct shelf_work w = {.step = SHELF_MERGE, .more = true};
    bool flipped;
    if (fresh_is_flipped(db, &flipped, e) < 0)
        return -1;
    if (!flipped)
        return fresh_clear(db) == SQLITE_OK ? 0 : db_err(db, e, "clearing the shelf");
    while (w.more)
        if (in_transaction(db, &w, e) < 0)
            return -1;
    return 0;
}

int shelf_seed(struct store *s, uint64_t *seed, struct err *e)
{
    struct str value;
    if (store_get(s, KEY_SEED, &value, e) < 0)
        return -1;
    if (value.n != sizeof *seed) {
        free((void *)(uintptr_t)value.p);
        digest_random(seed, sizeof *seed);
        return store_set(s, KEY_SEED, (struct str){(const char *)seed, sizeof *seed}, e);
    }
    memcpy(seed, value.p, sizeof *seed);
    free((void *)(uintptr_t)value.p);
    return 0;
}

int shelf_head(struct store *s, uint64_t *seq, struct str *head, struct err *e)
{
    struct str value;
    *seq = 0;
    *head = (struct str){0};
    if (store_get(s, FRESH_KEY_HEAD, &value, e) < 0)
        return -1;
    if (!value.n)
        return 0;
    struct cursor in = cursor_of(value);
    *seq = cursor_uvar(&in);
    size_t n = (size_t)(in.end - in.p);
    char *copy = xmalloc(n); /* there are zero bytes in it */
    memcpy(copy, in.p, n);
    *head = (struct str){copy, n};
    free((void *)(uintptr_t)value.p);
    return 0;
}

int shelf_until(struct store *s, int64_t *until, struct err *e)
{
    struct str value;
    *until = INT64_MIN;
    if (store_get(s, KEY_UNTIL, &value, e) < 0)
        return -1;
    struct cursor in = cursor_of(value);
    if (value.n)
        *until = cursor_svar(&in);
    free((void *)(uintptr_t)value.p);
    return 0;
}

static struct shelf_row row_at(sqlite3_stmt *stmt)
{
    return (struct shelf_row){.kind = (enum subject_kind)sqlite3_column_int(stmt, 0),
                              .key = column_str(stmt, 1),
                              .group = (uint64_t)sqlite3_column_int64(stmt, 2),
                              .last_ts = sqlite3_column_int64(stmt, 3),
                              .cold = sqlite3_column_int(stmt, 4) != 0,
                              .blob = column_str(stmt, 5)};
}

/* What stands in a row goes to whoever reads it. */
static int hand_out(enum sql which, sqlite3_stmt *stmt, const struct shelf_reading *r, struct err *e)
{
    if (which == SQL_TOTAL_EACH) {
        struct shelf_total t = {.agent = column_str(stmt, 0),
                                .kind = (enum shelf_period)sqlite3_column_int(stmt, 1),
                                .period = sqlite3_column_int(stmt, 2),
                                .blob = column_str(stmt, 3)};
        return r->total(r->arg, &t, e);
    }
    if (which == SQL_FILTER_EACH) {
        struct shelf_work part = {.filter = sqlite3_column_int(stmt, 0),
                                  .part = (uint64_t)sqlite3_column_int64(stmt, 1),
                                  .hashes_n = (uint64_t)sqlite3_column_int64(stmt, 2),
                                  .bytes = column_str(stmt, 3)};
        return r->filter(r->arg, &part, e);
    }
    struct shelf_row row = row_at(stmt);
    return r->row(r->arg, &row, e);
}

static int each(struct db *db, enum sql which, const struct shelf_reading *r, struct err *e)
{
    sqlite3_stmt *stmt = db->statements[which];
    int rc, bad = 0;
    while (!bad && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (row_sound(stmt))
            bad = hand_out(which, stmt, r, e);
        else
            bad = err_set(e, db->path,
                          "the shelf is damaged (a checksum does not fit); put the latest backup in its place");
    }
    if (!bad && rc != SQLITE_DONE)
        bad = db_err(db, e, "reading the shelf");
    sqlite3_reset(stmt);
    return bad;
}

int shelf_look(struct db *db, uint64_t *seq, const struct shelf_reading *r, struct err *e)
{
    struct str head;
    *seq = 0;
    if (!db->statements[SQL_SHELF_ROWS])
        return 0; /* an older schema, without a shelf */
    if (rows_get(db, FRESH_KEY_HEAD, &head, e) < 0)
        return -1;
    struct cursor in = cursor_of(head);
    *seq = head.n ? cursor_uvar(&in) : 0;
    free((void *)(uintptr_t)head.p);
    return each(db, SQL_SHELF_ROWS, r, e);
}

int shelf_each_row(struct store *s, bool cold_too, const struct shelf_reading *r, struct err *e)
{
    return each(store_db(s), cold_too ? SQL_SUBJECT_ALL : SQL_SUBJECT_WARM, r, e);
}

int shelf_each_total(struct store *s, const struct shelf_reading *r, struct err *e)
{
    return each(store_db(s), SQL_TOTAL_EACH, r, e);
}

int shelf_each_filter(struct store *s, const struct shelf_reading *r, struct err *e)
{
    return each(store_db(s), SQL_FILTER_EACH, r, e);
}

/* --- those by time ------------------------------------------------------------------------------------------------- */

struct shelf_scan {
    sqlite3 *sql;
    sqlite3_stmt *stmt;
};

struct shelf_scan *shelf_scan_open(struct store *s, int64_t since, struct err *e)
{
    const char *path = store_db(s)->path;
    struct shelf_scan *scan = xcalloc(1, sizeof *scan);
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &scan->sql, flags, store_vfs(s)) == SQLITE_OK &&
        sqlite3_prepare_v3(scan->sql, schema_sql(SQL_SUBJECT_COLD), -1, 0, &scan->stmt, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(scan->stmt, 1, since);
        return scan;
    }
    (void)err_set(e, path, "opening it once more, for an explanation: %s", sqlite3_errmsg(scan->sql));
    shelf_scan_close(scan);
    return NULL;
}

void shelf_scan_close(struct shelf_scan *scan)
{
    if (!scan)
        return;
    sqlite3_finalize(scan->stmt);
    sqlite3_close(scan->sql);
    free(scan);
}

int shelf_scan_next(struct shelf_scan *scan, struct shelf_row *row, struct err *e)
{
    int rc = sqlite3_step(scan->stmt);
    if (rc == SQLITE_DONE)
        return 0;
    if (rc != SQLITE_ROW)
        return err_set(e, "shelf", "reading it for an explanation: %s", sqlite3_errmsg(scan->sql));
    if (!row_sound(scan->stmt))
        return err_set(e, "shelf", "a row is damaged (its checksum does not fit); put the latest backup in its place");
    *row = row_at(scan->stmt);
    return 1;
}

/* --- by what is asked for ------------------------------------------------------------------------------------------ */

struct shelf_reader {
    sqlite3 *sql;
    sqlite3_stmt *by_key, *by_old_identity, *by_group, *by_number, *pointer, *gone;
};

static _Noreturn void lost(struct shelf_reader *r, const char *what)
{
    log_line(LOG_LEVEL_ERROR, "store_lost", "step=shelf detail=\"%s: %s\"", what, sqlite3_errmsg(r->sql));
    _exit(EXIT_LOST);
}

static bool prepare(struct shelf_reader *r, enum sql which, sqlite3_stmt **stmt)
{
    return sqlite3_prepare_v3(r->sql, schema_sql(which), -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) == SQLITE_OK;
}

struct shelf_reader *shelf_reader_open(struct store *s, struct err *e)
{
    const char *path = store_db(s)->path;
    struct shelf_reader *r = xcalloc(1, sizeof *r);
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    bool ok = sqlite3_open_v2(path, &r->sql, flags, store_vfs(s)) == SQLITE_OK &&
              prepare(r, SQL_SUBJECT_BY_KEY, &r->by_key) && prepare(r, SQL_SUBJECT_BY_IDENTITY, &r->by_old_identity) &&
              prepare(r, SQL_SUBJECT_BY_GROUP, &r->by_group) && prepare(r, SQL_SUBJECT_BY_NUMBER, &r->by_number) &&
              prepare(r, SQL_POINTER_GET, &r->pointer) && prepare(r, SQL_GONE_IS, &r->gone);
    if (ok)
        return r;
    (void)err_set(e, path, "opening it a second time, for reading: %s", sqlite3_errmsg(r->sql));
    shelf_reader_free(r);
    return NULL;
}

void shelf_reader_free(struct shelf_reader *r)
{
    if (!r)
        return;
    sqlite3_finalize(r->by_key);
    sqlite3_finalize(r->by_old_identity);
    sqlite3_finalize(r->by_group);
    sqlite3_finalize(r->by_number);
    sqlite3_finalize(r->pointer);
    sqlite3_finalize(r->gone);
    sqlite3_close(r->sql);
    free(r);
}

/* An answer on its way: who asked, and for whom. */
struct asking {
    struct shelf_reader *reader;
    void (*each)(void *, const struct shelf_row *);
    void *to;
    int64_t numbers[16]; /* of subjects; hashes so seldom meet that more at a time are a wonder */
    size_t numbers_n;
};

static void hand_out_rows(struct asking *a, sqlite3_stmt *stmt)
{
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!row_sound(stmt))
            lost(a->reader, "a checksum does not fit");
        struct shelf_row row = row_at(stmt);
        a->each(a->to, &row);
    }
    if (rc != SQLITE_DONE)
        lost(a->reader, "reading");
    sqlite3_reset(stmt);
}

static void note_number(void *arg, int64_t subject)
{
    struct asking *a = arg;
    if (a->numbers_n == sizeof a->numbers / sizeof a->numbers[0])
        lost(a->reader, "a hash with more subjects than can be");
    a->numbers[a->numbers_n++] = subject;
}

static void ask_identity(struct asking *a, uint64_t hash)
{
    struct shelf_reader *r = a->reader;
    if (pointer_find(r->pointer, hash, note_number, a) != SQLITE_OK)
        lost(r, "reading pointers");
    for (size_t i = 0; i < a->numbers_n; i++) {
        sqlite3_bind_int64(r->by_number, 1, a->numbers[i]);
        hand_out_rows(a, r->by_number);
    }
    sqlite3_bind_int64(r->by_old_identity, 1, (int64_t)(hash >> OLD_SHIFT));
    hand_out_rows(a, r->by_old_identity);
}

static void ask_gone(struct asking *a, uint64_t hash)
{
    sqlite3_stmt *stmt = a->reader->gone;
    sqlite3_bind_int64(stmt, 1, (int64_t)hash);
    int rc = sqlite3_step(stmt);
    bool sound = rc != SQLITE_ROW || row_sound(stmt);
    sqlite3_reset(stmt);
    if (!sound || (rc != SQLITE_ROW && rc != SQLITE_DONE))
        lost(a->reader, "reading what was let go of");
    if (rc == SQLITE_ROW)
        a->each(a->to, &(struct shelf_row){0});
}

void shelf_reader_ask(void *reader, const struct shelf_question *q, void (*to_each)(void *, const struct shelf_row *),
                      void *to)
{
    struct shelf_reader *r = reader;
    struct asking a = {.reader = r, .each = to_each, .to = to};
    switch (q->by) {
    case SHELF_BY_KEY:
        sqlite3_bind_text64(r->by_key, 1, q->key.p, q->key.n, SQLITE_STATIC, SQLITE_UTF8);
        hand_out_rows(&a, r->by_key);
        break;
    case SHELF_BY_IDENTITY: ask_identity(&a, q->hash); break;
    case SHELF_BY_GROUP:
        sqlite3_bind_int64(r->by_group, 1, (int64_t)q->hash);
        sqlite3_bind_int64(r->by_group, 2, q->from);
        hand_out_rows(&a, r->by_group);
        break;
    case SHELF_BY_GONE: ask_gone(&a, q->hash); break;
    case SHELF_BY_NONE: break;
    }
}
