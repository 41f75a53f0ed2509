/* The shelf's tables (model/shelf.h): subject, fresh, total, pointer, filter, and what meta says of the last flip.
 *
 * `fresh` holds the rows of a cut until all are there; the flip says in one small transaction that they count, and they are
 * moved into `subject` a few at a time. A start that finds a flip not yet moved in moves it first; rows without a flip are
 * thrown away. Every row has its checksum but those of `identity`, which only say where to look and which
 * an earlier kefud has left. */
#ifndef KEFU_STORE_SHELF_H
#define KEFU_STORE_SHELF_H

#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/model/shelf.h"
#include "kefu/store/db.h"
#include "kefu/store/store.h"

/* One step, inside the store's transaction; nothing for TRIM. SQLite's result code; fills work->more. */
int shelf_do(struct db *db, struct shelf_work *work);
/* The step TRIM, in a transaction of its own: rows that cannot be read stay, it goes on behind them and says `damaged`. */
int shelf_trim(struct db *db, struct shelf_work *work);

/* --- at a start, before the writer's ------------------------------------------------------------------------------- */

/* Ends what a crash has left half done. -1 with e. */
int shelf_recover(struct store *s, struct err *e);
/* The seed of the hashes, made at the first call of a store's life. -1 with e. */
int shelf_seed(struct store *s, uint64_t *seed, struct err *e);
/* The last flip: its sequence (0: there was none) and its head, malloc'ed. -1 with e. */
int shelf_head(struct store *s, uint64_t *seq, struct str *head, struct err *e);
/* No cold row has a later event; INT64_MIN: there is none. -1 with e. */
int shelf_until(struct store *s, int64_t *until, struct err *e);
/* Rows; `each` answers -1 with e to end it. -1 with e: damaged, or each said so. */
struct shelf_reading {
    int (*row)(void *arg, const struct shelf_row *row, struct err *e); /* borrowed for the call, as all below */
    int (*total)(void *arg, const struct shelf_total *total, struct err *e);
    int (*filter)(void *arg, const struct shelf_work *part, struct err *e);
    void *arg;
};
int shelf_each_row(struct store *s, bool cold_too, const struct shelf_reading *r, struct err *e);
int shelf_each_total(struct store *s, const struct shelf_reading *r, struct err *e);
int shelf_each_filter(struct store *s, const struct shelf_reading *r, struct err *e);

/* For looking, over any connection: all rows that count (*seq: with the events up to it; 0: none), within the transaction
 * that the caller has begun. Only r->row is asked. -1 with e: as above. */
int shelf_look(struct db *db, uint64_t *seq, const struct shelf_reading *r, struct err *e);

/* --- while the writer runs ----------------------------------------------------------------------------------------- */

/* A read-only connection of the loop's own, for what has left memory: a look-up is a few microseconds in SQLite's or the
 * kernel's cache. Its transactions end with each question. NULL with e. */
struct shelf_reader;
struct shelf_reader *shelf_reader_open(struct store *s, struct err *e);
void shelf_reader_free(struct shelf_reader *r);
/* shelf.ask: the arg is a shelf_reader. A row that cannot be read ends the process as store_write does: what is not
 * known must not be taken for new. */
void shelf_reader_ask(void *reader, const struct shelf_question *q, void (*each)(void *, const struct shelf_row *),
                      void *to);

/* All cold conversations that have an event at or after `since`, the oldest first, as of the first call of shelf_scan_next, over a
 * connection of its own: however long it takes, nothing waits for it but the truncation of the log. NULL with e. */
struct shelf_scan;
struct shelf_scan *shelf_scan_open(struct store *s, int64_t since, struct err *e);
void shelf_scan_close(struct shelf_scan *scan);
/* 1: *row is the next, borrowed until the next call. 0: that was all. -1 with e: it cannot be read. */
int shelf_scan_next(struct shelf_scan *scan, struct shelf_row *row, struct err *e);

#endif
