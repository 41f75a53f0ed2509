/* Erasing a person from the store: every name of an agent, or of a customer and that customer's conversations and orders, is replaced
 * by a pseudonym wherever it stands. No figure changes, and the chains of the book and of the audit log still hold.
 *
 * It is asked for by an act (an event, and a task in the same transaction) and done by the next start, before anything is read, so
 * that no part of the daemon can still hold the name: the daemon starts anew by itself. The work is one transaction, then the
 * database is written anew (VACUUM) and the log emptied. What cannot be reached from there (Redis) the task still names. */
#ifndef KEFU_DAEMON_ERASE_H
#define KEFU_DAEMON_ERASE_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/digest.h"
#include "kefu/base/err.h"
#include "kefu/model/commit.h"
#include "kefu/store/store.h"

#define ERASE_RULE STR_LIT("erase") /* tasks are rows of rule memory, by pseudonym */

enum erase_stage { ERASE_ASKED = 1, ERASE_TIDY = 2, ERASE_REDIS = 3, ERASE_DONE = 4 };

struct erase_task {
    enum erase_stage stage;
    bool customer;
    struct str person;            /* the pseudonym */
    struct str id;                /* ASKED only, as the two below: customers' as they are sent */
    struct str name, employee_no; /* of an agent; absent: never told */
    struct str actor, reason;
    int64_t at_ms;
    int64_t rows_n; /* changed, once done */
};

/* A task as a row, its bytes in the arena; and back (borrows from the blob). -1: it is none. */
struct memory_row erase_row(const struct erase_task *t, struct arena *arena);
int erase_read(const struct memory_row *row, struct erase_task *t);

/* At a start, after the key and before anything else is read: does what was asked for. *redis: something is to be taken out of
 * Redis. -1 with e: nothing was done, or it was but for the writing anew, which the next start does. */
int erase_at_start(struct store *s, const uint8_t key[DIGEST_KEY_BYTES], bool *redis, struct err *e);

#endif
