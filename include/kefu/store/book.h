/* The book's tables (model/book.h): entries in `book`, their rows in `booked`; and `rulebook`, every rulebook that was ever
 * in force, so that none changes under its name.
 *
 * Written inside the store's transaction, by commits; read over any connection. Every row has its checksum. */
#ifndef KEFU_STORE_BOOK_H
#define KEFU_STORE_BOOK_H

#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/model/book.h"
#include "kefu/store/db.h"
#include "kefu/store/store.h"

/* Adds an entry and its rows; adds rulebooks, or says of known ones from when on they hold. SQLite's result code. */
int book_do(struct db *db, const struct book_work *work);

/* Entries by number; rows of an entry by number. `each` borrows for the call. -1 with e: damaged. A database of an older
 * version holds none. */
int book_each_entry(struct db *db, void (*each)(void *arg, const struct book_text *t), void *arg, struct err *e);
int book_each_row(struct db *db, int64_t entry, void (*each)(void *arg, const struct book_text *t), void *arg,
                  struct err *e);

/* A connection for reading beside the store's own, for one thread. -1 with e; book_close is due all the same. */
int book_open(struct db *db, struct store *s, struct err *e);
/* The same of a database file that need not be of the newest version. */
int book_look(struct db *db, const char *path, struct err *e);
void book_close(struct db *db);

/* Rulebooks that are or were in force. `each` borrows for the call. -1 with e: damaged. */
int book_each_rulebook(struct db *db, void (*each)(void *arg, const struct book_rulebook *r), void *arg, struct err *e);
/* The check of the whole book: every checksum, hash and link of the chain. Each damage is told with its place (month,
 * version, row); *head is the hash of the last entry (zeros without any). Returns how many damages there are. */
struct book_found {
    int64_t entries_n, rows_n, forgotten_n; /* rows whose person was forgotten */
    int64_t damages_n;
    char head[DIGEST_SHA256_HEX];
};
void book_verify(struct db *db, void (*damage)(void *arg, const struct err *e), void *arg, struct book_found *out);

#endif
