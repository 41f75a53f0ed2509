/* The journal: rows of event records, one row a transaction, numbered by the sequence of their first event.
 *
 * A payload is a version byte (1: records as event_encode writes them, one after the other) and the records; another
 * version may later pack them. Every row is checked whole before its events are handed out: checksum, version, count,
 * and that its sequence follows the row before it. */
#ifndef KEFU_STORE_JOURNAL_H
#define KEFU_STORE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/model/commit.h"
#include "kefu/store/db.h"
#include "kefu/store/store.h"

/* Sequence of the last event, 0 without any. -1 with e. */
int journal_last(struct db *db, uint64_t *last_seq, struct err *e);
/* Adds the events of all commits as one row from first_seq on; nothing if they have none. `payload` is room to work in.
 * SQLite's result code. */
int journal_add(struct db *db, struct commit *const *commits, size_t n, uint64_t first_seq, struct buf *payload);
/* store_replay, with what the store knows: the last sequence. */
int journal_replay(struct db *db, uint64_t from_seq, uint64_t last_seq, const struct store_replay *r, struct err *e);

#endif
