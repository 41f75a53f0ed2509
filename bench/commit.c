/* What one durable row costs, beside P3 and P5. commit DIR MILLISECONDS
 *
 * SQLite as the store uses it (WAL, synchronous=FULL), in DIR: transactions of one row of 205 bytes, one after the other. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "kefu/base/mem.h"

#define ROW_BYTES 205
#define MOST_N    1000000

static sqlite3 *open_in(const char *dir)
{
    char path[4096];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/commit.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db,
                                                             "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                                             "CREATE TABLE t(id INTEGER PRIMARY KEY, row BLOB)",
                                                             NULL, NULL, NULL) != SQLITE_OK)
        bench_die("%s: %s", path, sqlite3_errmsg(db));
    return db;
}

static int64_t commit_ns(sqlite3 *db, sqlite3_stmt *insert)
{
    int64_t ns = -bench_wall_ns();
    if (sqlite3_step(insert) != SQLITE_DONE || sqlite3_reset(insert) != SQLITE_OK)
        bench_die("commit: %s", sqlite3_errmsg(db));
    return ns + bench_wall_ns();
}

int main(int argc, char **argv)
{
    if (argc != 3)
        bench_die("usage: commit DIR MILLISECONDS");
    char row[ROW_BYTES];
    memset(row, 'x', sizeof row);
    int64_t *ns = xcalloc(MOST_N, sizeof *ns);
    size_t n = 0;
    sqlite3 *db = open_in(argv[1]);
    sqlite3_stmt *insert;
    if (sqlite3_prepare_v2(db, "INSERT INTO t(row) VALUES(?)", -1, &insert, NULL) != SQLITE_OK)
        bench_die("%s", sqlite3_errmsg(db));
    sqlite3_bind_blob(insert, 1, row, sizeof row, SQLITE_STATIC);
    int64_t until_ns = bench_wall_ns() + bench_number(argv[2], 1) * 1000000;
    do {
        ns[n++] = commit_ns(db, insert);
    } while (n < MOST_N && bench_wall_ns() < until_ns);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    bench_sort(ns, n);
    printf("{\"commits\":%zu,\"p50_ns\":%" PRId64 ",\"p99_ns\":%" PRId64 "}\n", n, bench_rank(ns, n, 50),
           bench_rank(ns, n, 99));
    free(ns);
    return 0;
}
