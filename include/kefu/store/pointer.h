/* Where the events of cold subjects lie: from the hash of an identity to the numbers of the subjects that may hold it.
 *
 * The table `pointer` has a row for each of 2^14 ranges of hashes, with its pointers packed in order, some five bytes each
 * (a row of its own for each pointer took fifteen). Hashes are cut to 32 bits: a look-up may name a subject too many, which
 * its asker sees, and never one too few. */
#ifndef KEFU_STORE_POINTER_H
#define KEFU_STORE_POINTER_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/model/shelf.h"
#include "kefu/store/db.h"

/* What a pointer keeps of a hash. */
uint64_t pointer_hash(uint64_t hash);
/* Adds pointers, sorted by hash and subject, that are not there yet; inside a transaction. SQLite's result code; SQLITE_CORRUPT if
 * a checksum does not fit. */
int pointer_add(struct db *db, const struct shelf_pointer *p, size_t n);
/* Takes out of one range the pointers to subjects of which `stays` says no, inside a transaction; adds to *looked_n how many it
 * has looked at, and one. SQLite's result code. */
int pointer_sift(struct db *db, uint64_t range, bool (*stays)(void *arg, int64_t subject), void *arg, size_t *looked_n);
/* Brings about `some` of n pointers in any order to the front, those of the next ranges, and sorts them; how many they are: 0 only
 * of 0. *from: where these ranges begin, 0 at first, and then end. */
size_t pointer_sort_some(struct shelf_pointer *p, size_t n, size_t some, uint64_t *from);
/* Hands out the subjects that may hold an identity (whole hash). `get` is SQL_POINTER_GET, prepared by the caller on a
 * connection of its own. SQLite's result code; SQLITE_CORRUPT as above. */
int pointer_find(sqlite3_stmt *get, uint64_t hash, void (*each)(void *arg, int64_t subject), void *arg);

#endif
