/* One SQLite connection, set up so that a COMMIT that answered is on disk, and rows with checksums.
 *
 * The file is never opened by anything but SQLite (closing another descriptor of it would drop SQLite's locks); its mode
 * is set by path. No memory map: a read error there would be a signal instead of an error code. */
#include "kefu/store/db.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kefu/base/digest.h"
#include "kefu/base/mem.h"

int db_err(struct db *db, struct err *e, const char *doing)
{
    int rc = sqlite3_errcode(db->sql) & 0xff;
    const char *mend = "";
    if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
        mend = "; the file is damaged: put the latest backup in its place";
    else if (rc == SQLITE_FULL)
        mend = "; make room on the disk";
    else if (rc == SQLITE_BUSY)
        mend = "; another program has the database open: end it";
    return err_set(e, db->path, "%s: %s (SQLite %d)%s", doing, sqlite3_errmsg(db->sql),
                   sqlite3_extended_errcode(db->sql), mend);
}

int db_open(struct db *db, const char *path, const char *vfs, struct err *e)
{
    *db = (struct db){.path = xstrndup(path, strlen(path))};
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &db->sql, flags, vfs) != SQLITE_OK)
        return db_err(db, e, "opening");
    /* The write-ahead log and its index take their mode from the database, so this comes before they are made. */
    if (chmod(path, 0600))
        return err_set(e, path, "cannot set mode 0600: %s", strerror(errno));
    sqlite3_busy_timeout(db->sql, DB_BUSY_MS);
    return 0;
}

int db_open_read_only(struct db *db, const char *path, const char *vfs, struct err *e)
{
    *db = (struct db){.path = xstrndup(path, strlen(path))};
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &db->sql, flags, vfs) != SQLITE_OK)
        return db_err(db, e, "opening");
    sqlite3_busy_timeout(db->sql, DB_BUSY_MS);
    /* It could not anyway, having no right to write; two that checkpoint at once can spoil the file. */
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    static const char *const settings = "PRAGMA query_only = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
                                        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";
    return db_exec(db, settings) == SQLITE_OK ? 0 : db_err(db, e, "opening");
}

void db_close(struct db *db)
{
    for (int i = 0; i < SQL_N; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->sql);
    free(db->path);
    *db = (struct db){0};
}

int db_configure(struct db *db, struct err *e)
{
    char *mode = NULL;
    /* Heeded only while the file is empty: pages that the journal leaves can then be given back. */
    if (db_exec(db, "PRAGMA auto_vacuum = INCREMENTAL") != SQLITE_OK)
        return db_err(db, e, "setting up");
    if (db_ask_text(db, "PRAGMA journal_mode = WAL", &mode, e))
        return -1;
    bool wal = str_eq(str_of(mode), STR_LIT("wal"));
    free(mode);
    if (!wal)
        return err_set(e, db->path, "this file system cannot hold a write-ahead log; keep the state on a local disk");
    /* Pages are 4 KiB: a cache of 4 MiB holds all inner pages of a large journal. The log file shrinks to 16 MiB. */
    static const char *const settings = "PRAGMA synchronous = FULL; PRAGMA cache_size = -4096; PRAGMA mmap_size = 0;"
                                        "PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY;"
                                        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";
    if (db_exec(db, settings) != SQLITE_OK)
        return db_err(db, e, "setting up");
    /* We checkpoint ourselves: SQLite's own automatic checkpoint drops its errors. */
    sqlite3_wal_autocheckpoint(db->sql, 0);
    return 0;
}

int db_prepare(struct db *db, bool all, struct err *e)
{
    for (int i = 0; i < SQL_N; i++)
        if (sqlite3_prepare_v3(db->sql, schema_sql((enum sql)i), -1, SQLITE_PREPARE_PERSISTENT, &db->statements[i],
                               NULL) != SQLITE_OK &&
            (all || sqlite3_errcode(db->sql) != SQLITE_ERROR))
            return db_err(db, e, "reading the schema");
    return 0;
}

int db_exec(struct db *db, const char *sql)
{
    return sqlite3_exec(db->sql, sql, NULL, NULL, NULL);
}

/* A statement standing on its first row, or NULL with e. */
static sqlite3_stmt *ask(struct db *db, const char *sql, struct err *e)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        return stmt;
    (void)db_err(db, e, sql);
    sqlite3_finalize(stmt);
    return NULL;
}

int db_ask_int(struct db *db, const char *sql, int64_t *value, struct err *e)
{
    sqlite3_stmt *stmt = ask(db, sql, e);
    if (!stmt)
        return -1;
    *value = sqlite3_column_int64(stmt, 0);
    return sqlite3_finalize(stmt) == SQLITE_OK ? 0 : db_err(db, e, sql);
}

int db_ask_text(struct db *db, const char *sql, char **text, struct err *e)
{
    sqlite3_stmt *stmt = ask(db, sql, e);
    if (!stmt)
        return -1;
    struct str found = column_str(stmt, 0);
    *text = xstrndup(found.n ? found.p : "", found.n);
    sqlite3_finalize(stmt);
    return 0;
}

struct db_row row_of(struct db *db, enum sql which)
{
    return (struct db_row){.stmt = db->statements[which], .rc = SQLITE_OK};
}

/* Counts a bound column in; returns its place. */
static int row_next(struct db_row *r, uint64_t type, uint64_t value)
{
    assert(r->bound_n < DB_COLUMNS_MAX);
    r->sums[r->bound_n] = (struct db_sum){type, value};
    return ++r->bound_n;
}

static void row_note(struct db_row *r, int rc)
{
    if (r->rc == SQLITE_OK)
        r->rc = rc;
}

void row_int(struct db_row *r, int64_t value)
{
    row_note(r, sqlite3_bind_int64(r->stmt, row_next(r, SQLITE_INTEGER, (uint64_t)value), value));
}

void row_uint(struct db_row *r, uint64_t value)
{
    assert(value <= INT64_MAX);
    row_int(r, (int64_t)value);
}

void row_text(struct db_row *r, struct str value)
{
    int place = row_next(r, SQLITE_TEXT, digest_checksum(value));
    row_note(r, sqlite3_bind_text64(r->stmt, place, value.n ? value.p : "", value.n, SQLITE_STATIC, SQLITE_UTF8));
}

void row_blob(struct db_row *r, struct str value)
{
    if (!value.n) {
        row_note(r, sqlite3_bind_null(r->stmt, row_next(r, SQLITE_NULL, 0)));
        return;
    }
    int place = row_next(r, SQLITE_BLOB, digest_checksum(value));
    row_note(r, sqlite3_bind_blob64(r->stmt, place, value.p, value.n, SQLITE_STATIC));
}

static uint64_t sum_of(const struct db_sum *sums, int columns_n)
{
    return digest_checksum((struct str){(const char *)sums, (size_t)columns_n * sizeof *sums});
}

int row_save(struct db_row *r)
{
    uint64_t sum = sum_of(r->sums, r->bound_n);
    row_note(r, sqlite3_bind_int64(r->stmt, r->bound_n + 1, (int64_t)sum));
    return row_run(r);
}

int row_run(struct db_row *r)
{
    if (r->rc == SQLITE_OK) {
        int rc = sqlite3_step(r->stmt);
        row_note(r, rc == SQLITE_DONE ? SQLITE_OK : rc);
    }
    (void)sqlite3_reset(r->stmt); /* says again what the step has said */
    return r->rc;
}

/* A column as row_next counted it when it was written. */
static struct db_sum column_sum(sqlite3_stmt *stmt, int column)
{
    int type = sqlite3_column_type(stmt, column);
    struct db_sum sum = {.type = (uint64_t)type};
    if (type == SQLITE_INTEGER)
        sum.value = (uint64_t)sqlite3_column_int64(stmt, column);
    else if (type != SQLITE_NULL)
        sum.value = digest_checksum(column_str(stmt, column));
    return sum;
}

bool row_sound(sqlite3_stmt *stmt)
{
    struct db_sum sums[DB_COLUMNS_MAX];
    int n = sqlite3_column_count(stmt) - 1;
    assert(n > 0 && n <= DB_COLUMNS_MAX);
    for (int i = 0; i < n; i++)
        sums[i] = column_sum(stmt, i);
    return sqlite3_column_int64(stmt, n) == (int64_t)sum_of(sums, n);
}

struct str column_str(sqlite3_stmt *stmt, int column)
{
    const void *p = sqlite3_column_blob(stmt, column); /* first: it may convert, which settles the length */
    return (struct str){p, (size_t)sqlite3_column_bytes(stmt, column)};
}
