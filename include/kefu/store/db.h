/* SQLite as the store uses it: one connection, its prepared statements, rows that carry their own checksum.
 *
 * SQLite does not notice a flipped byte in a value, so every row we keep ends in a checksum over all its other columns in
 * the order of the statement; a row written by row_save is read back by a SELECT of the same columns in the same order and
 * asked by row_sound. Functions that write return SQLite's result codes (SQLITE_OK: done); the caller judges them. */
#ifndef KEFU_STORE_DB_H
#define KEFU_STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "kefu/base/err.h"
#include "kefu/base/str.h"
#include "kefu/store/schema.h"

#define DB_COLUMNS_MAX 16
#define DB_BUSY_MS     5000 /* how long we wait for a stranger (a person with a shell) to let go of the database */

struct db {
    sqlite3 *sql;                    /* owned */
    sqlite3_stmt *statements[SQL_N]; /* owned; NULL before db_prepare */
    char *path;                      /* owned: of the database file, for messages */
};

/* Opens (and makes, mode 0600) the file, without changing one that is there. `vfs` NULL: SQLite's own. -1 with e. */
int db_open(struct db *db, const char *path, const char *vfs, struct err *e);
/* The same for looking only: never makes a file, never writes one, and may be used beside a running daemon. */
int db_open_read_only(struct db *db, const char *path, const char *vfs, struct err *e);
void db_close(struct db *db);
/* WAL, synchronous=FULL and the other settings; only once it is known that the file is ours. -1 with e. */
int db_configure(struct db *db, struct err *e);
/* Prepares every statement of the schema; fails where a table is missing or misshapen, or, if not `all` (a database of an
 * older version), leaves NULL what finds no table. -1 with e. */
int db_prepare(struct db *db, bool all, struct err *e);

/* Runs SQL without results. SQLite's result code. */
int db_exec(struct db *db, const char *sql);
/* First column of the first row, as a whole number or as text (malloc'ed). -1 with e: no such row, or SQLite's error. */
int db_ask_int(struct db *db, const char *sql, int64_t *value, struct err *e);
int db_ask_text(struct db *db, const char *sql, char **text, struct err *e);
/* Fills e with the database's path, `doing` and what SQLite says (damage gets its mend); returns -1. */
int db_err(struct db *db, struct err *e, const char *doing);

/* What a column adds to its row's checksum: its type (SQLITE_INTEGER …), and its value or the value's checksum. */
struct db_sum {
    uint64_t type;
    uint64_t value;
};

/* Binding a row to a prepared statement, column after column; what is bound is borrowed until row_save or row_run. */
struct db_row {
    sqlite3_stmt *stmt;
    int bound_n;
    int rc; /* the first thing that went wrong */
    struct db_sum sums[DB_COLUMNS_MAX];
};
struct db_row row_of(struct db *db, enum sql which);
void row_int(struct db_row *r, int64_t value);
void row_uint(struct db_row *r, uint64_t value);   /* at most INT64_MAX */
void row_text(struct db_row *r, struct str value); /* absent: '' */
void row_blob(struct db_row *r, struct str value); /* absent: NULL */
int row_save(struct db_row *r);                    /* binds the checksum last, runs to the end, resets */
int row_run(struct db_row *r);                     /* the same without a checksum */

/* The row a statement stands on: does its last column hold the checksum of the others? */
bool row_sound(sqlite3_stmt *stmt);
struct str column_str(sqlite3_stmt *stmt, int column); /* borrowed until the next step; NULL is absent */

#endif
