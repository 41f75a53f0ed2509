/* Looking at a store without being its daemon: over a read-only connection, beside a running daemon or on a stopped one, and
 * on backups.
 *
 * It sees what was durable when it looked. Read transactions are short, so that the write-ahead log of a running daemon stays
 * bounded; only the whole check and a backup keep one for as long as they take. One thread. */
#ifndef KEFU_STORE_READER_H
#define KEFU_STORE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/store/db.h"
#include "kefu/store/journal.h"

struct reader {
    struct db db;
    struct journal journal;
    uint64_t first_seq, last_seq; /* of the journal when it was opened */
};

/* Opens a database file. -1 with e: it is not there, not ours, of a newer kefud, or damaged where this reads it. */
int reader_open(struct reader *r, const char *path, struct err *e);
void reader_close(struct reader *r);

/* Keeps one moment in view until reader_end: all that is read in between is as of now. Journal ends are read anew. -1 with e. */
int reader_begin(struct reader *r, struct err *e);
void reader_end(struct reader *r);

/* What looking finds. Both are borrowed for the call; progress may be NULL. */
struct reader_watch {
    void (*damage)(void *arg, const struct err *e);
    void (*progress)(void *arg, const char *what, uint64_t done_n, uint64_t all_n);
    void *arg;
};
struct reader_found {
    uint64_t rows_n;   /* of the small tables, and groups of rows of the journal */
    uint64_t events_n; /* of the journal, whole */
    uint64_t damages_n;
};

/* The steps of a look; each adds to *found. The journal: one transaction's rows from *next_seq on, which goes behind them,
 * damaged ones too; at the end it is above last_seq. */
void reader_check_journal(struct reader *r, uint64_t *next_seq, const struct reader_watch *w,
                          struct reader_found *found);
/* One of schema_tables: the checksum of every row, or, of a large one if `from` is given, of the rows behind *from, which goes
 * on; true: there may be more. */
bool reader_check_table(struct reader *r, size_t table, int64_t *from, const struct reader_watch *w,
                        struct reader_found *found);
/* SQLite's integrity_check: every page and every order of keys. Keeps a read transaction for as long as it takes. */
void reader_check_pages(struct reader *r, const struct reader_watch *w, struct reader_found *found);
/* All of these. */
void reader_check(struct reader *r, const struct reader_watch *w, struct reader_found *found);

#endif
