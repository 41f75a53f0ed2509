/* The audit log: who looked at pay, and whatever else must never be forgotten or told otherwise.
 *
 * Append-only: a line is JSON on one line, its hash is SHA-256 over the hash before it, a line feed and the line, so that a line
 * that is changed, taken out or put in breaks every hash behind it. That the end was cut off shows against the head that is
 * noted elsewhere: each look is in the daemon's log with the hash it got. */
#ifndef KEFU_STORE_AUDIT_H
#define KEFU_STORE_AUDIT_H

#include <stdint.h>

#include "kefu/base/digest.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"
#include "kefu/store/db.h"

/* The hash before the first line. */
#define AUDIT_START "0000000000000000000000000000000000000000000000000000000000000000"

/* Appends a line, inside the store's transaction; its hash goes into head. SQLite's result code. */
int audit_add(struct db *db, struct str line, char head[DIGEST_SHA256_HEX]);
/* The hash of a line behind the one with the hash `before`. */
void audit_hash(char out[DIGEST_SHA256_HEX], struct str before, struct str line);

struct audit_row {
    int64_t number;
    struct str line, hash; /* borrowed for the call */
};
/* Every line from the first on. -1 with e: it cannot be read, or a row's checksum does not fit. */
int audit_each(struct db *db, void (*each)(void *arg, const struct audit_row *row), void *arg, struct err *e);
/* The latest `n` lines, the newest first; a row whose checksum does not fit ends it like a row that cannot be read. */
int audit_recent(struct db *db, int64_t n, void (*each)(void *arg, const struct audit_row *row), void *arg,
                 struct err *e);
/* The chain, whole: 0, *n lines, and the head's hash. -1 with e: where = the number of the first line that does not fit. */
int audit_verify(struct db *db, int64_t *n, char head[DIGEST_SHA256_HEX], struct err *e);

#endif
