/* The journal: rows of event records, one row a transaction, numbered by the sequence of their first event.
 *
 * A payload is a version byte and, version 1, records as event_encode writes them, one after the other; version 2, their
 * length (a varint) and the same squeezed (store/pack.h). A writer takes whichever is shorter. Every row is checked whole
 * before its events are handed out: checksum over what is stored, then bounds, version, count, and that its sequence follows
 * the row before it. Where rows were set aside there is a gap that readers go over; any other missing row is damage. */
#ifndef KEFU_STORE_JOURNAL_H
#define KEFU_STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/model/commit.h"
#include "kefu/store/attempt.h"
#include "kefu/store/db.h"
#include "kefu/store/pack.h"
#include "kefu/store/store.h"

struct journal_gap {
    uint64_t seq, n; /* events seq … seq + n - 1 are set aside */
};

struct journal {
    struct db *db;           /* borrowed */
    struct attempt *attempt; /* borrowed: told of each row that is handed out; NULL: nobody is */
    struct pack pack;
    struct buf records, payload; /* room to work in */
    struct journal_gap *gaps;    /* owned; rising */
    size_t gaps_n;
    uint64_t damaged_seq; /* of the damage last reported */
};

/* Reads the gaps. db must be prepared. -1 with e: damaged; journal_fini is due all the same. */
int journal_open(struct journal *j, struct db *db, struct err *e);
void journal_fini(struct journal *j);
/* Sequences of the first event there is and of the last one ever given, be it set aside; without any the first is the one to
 * come. -1 with e. */
int journal_ends(struct journal *j, uint64_t *first_seq, uint64_t *last_seq, struct err *e);
/* Adds the events of all commits as one row from first_seq on; nothing if they have none. SQLite's result code. */
int journal_add(struct journal *j, struct commit *const *commits, size_t n, uint64_t first_seq);
/* Hands out the events from_seq (0: 1) … last_seq, all of which must be there or set aside. Ends its read transaction every
 * so many rows. -1 with e at the first damage, whose sequence is then in damaged_seq (0: it is no damage of a row). */
int journal_replay(struct journal *j, uint64_t from_seq, uint64_t last_seq, const struct store_replay *r,
                   struct err *e);
/* A row as it was read, proved and decoded. */
struct journal_row {
    uint64_t seq, n;
    struct event *events; /* owned; they borrow from records */
    size_t cap;
    struct buf records;
    uint64_t from_seq, to_seq; /* what is wanted of it */
};
void journal_row_fini(struct journal_row *row); /* a zeroed row is a valid empty one */
/* Whoever takes rows as they are read: says where to read each to (never NULL), and has it when it is whole. */
struct journal_taker {
    struct journal_row *(*room)(void *arg);
    void (*take)(void *arg, struct journal_row *row);
    void *arg;
};
/* One transaction's worth of rows, from *next_seq on, which goes on to what comes next. -1 as journal_replay. */
int journal_rows(struct journal *j, uint64_t *next_seq, uint64_t last_seq, const struct journal_taker *to,
                 struct err *e);
/* The events of a row that are wanted go to r, each told of STORE_AHEAD before. */
void journal_hand_out(struct journal *j, const struct journal_row *row, const struct store_replay *r);
/* The same for a replay in the caller: one transaction's worth, from *next_seq on, which goes on to what comes next. */
int journal_step(struct journal *j, uint64_t *next_seq, uint64_t last_seq, const struct store_replay *r, struct err *e);
/* Writes every row anew of which `change` changes an event (it says so; what it puts there must live until the next call),
 * inside the caller's transaction; *rows_n rises by their number. -1 with e: damaged, or it could not be written. */
int journal_rewrite(struct journal *j, bool (*change)(void *arg, struct event *e), void *arg, uint64_t *rows_n,
                    struct err *e);
/* Sequence at which the first row behind `seq` that can be read begins, or last_seq + 1. -1 with e: not to be found. */
int journal_after(struct journal *j, uint64_t seq, uint64_t last_seq, uint64_t *after, struct err *e);
bool journal_is_aside(const struct journal *j, uint64_t seq);
/* Moves the row that holds `seq` out of the journal, with its bytes if they can be read, and leaves a gap up to the next row
 * that can; one transaction. -1 with e: there is no damaged or present row at that place, or it could not be written. */
int journal_set_aside(struct journal *j, uint64_t seq, int64_t at_ms, struct journal_gap *gap, struct err *e);

#endif
