/* What is kept on disk: one SQLite database in the state directory, and the lock that makes it ours alone.
 *
 * Tables: meta, journal (batches of event records, squeezed and checksummed), aside, position, quarantine, memory (of rules), outbox.
 * WAL, synchronous=FULL: one fdatasync a transaction. One read-write connection in the process. Refuses to open a store
 * that another process has open, that is damaged where a start reads it, or that a newer kefud has written. */
#ifndef KEFU_STORE_STORE_H
#define KEFU_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/base/str.h"
#include "kefu/model/commit.h"
#include "kefu/model/effect.h"
#include "kefu/model/event.h"

struct store;

/* Opens or makes the store in `dir` (made with mode 0700 if it is not there), takes the lock, migrates the schema, settles
 * the write-ahead log (a commit whose end was unknown is then known). NULL with e. */
struct store *store_open(const char *dir, struct err *e);
/* The same over a named SQLite VFS (NULL: SQLite's own), which is how tests make disks fail. */
struct store *store_open_vfs(const char *dir, const char *vfs, struct err *e);
void store_close(struct store *s);
/* For the other files of store/: its connection, and the VFS it was opened over. */
struct db;
struct db *store_db(struct store *s);
const char *store_vfs(const struct store *s);

uint64_t store_bytes(const struct store *s); /* of the database as it lies there, its log aside */
/* Sequence of the last event in the journal; 0: none. May be asked from any thread. */
uint64_t store_last_seq(const struct store *s);
/* To be called once before the replay of a start: -1 with e (sequence and mend) if the last starts all vanished while they
 * folded the same sequence (store/attempt.h). The next store_replay then tells how far it is. */
int store_count_start(struct store *s, struct err *e);
/* Reads the journal from a sequence on, in order, over what was set aside. `each`, if set, borrows the event for the call.
 * Checks every record: -1 with e (sequence and mend) at the first damaged one. `progress`, if set, is told (done, all) now and then. */
struct store_replay {
    void (*each)(void *arg, uint64_t seq, const struct event *e);
    void (*progress)(void *arg, uint64_t done_n, uint64_t all_n);
    void *arg;          /* of each and ahead */
    void *progress_arg; /* of progress */
    /* If set, is told of each event STORE_AHEAD events before `each`, or when its row begins: borrowed for the call. */
    void (*ahead)(void *arg, const struct event *e);
    /* Rows are read, proved and decoded by a thread of its own, a few ahead of those whose events are handed out, which is
     * always done by the caller. */
    bool beside;
};
#define STORE_AHEAD 12
int store_replay(struct store *s, uint64_t from_seq, const struct store_replay *r, struct err *e);
/* Events of the journal that have been set aside: they count in no figure. May be asked from any thread. */
uint64_t store_aside_n(const struct store *s);

/* Puts the row of the journal that holds `seq` out of the way, into the table aside, so that a start goes on over it. `seq`
 * and `n` are then what the gap holds. Only right after store_open, and the store is good for nothing but store_close
 * afterwards. -1 with e: there is no such row, or it is sound, no start ended at it and `force` is not given. */
struct store_aside {
    uint64_t seq, n;
    int64_t at_ms; /* wall time, now */
    bool force;
};
int store_set_aside(struct store *s, struct store_aside *a, struct err *e);

/* Rows at start; `each` borrows for the call. -1 with e: damaged. */
int store_each_memory(struct store *s, void (*each)(void *arg, const struct memory_row *row), void *arg, struct err *e);
int store_each_quarantined(struct store *s, void (*each)(void *arg, const struct quarantined *q), void *arg,
                           struct err *e);
/* Effects not yet sent, by number. */
int store_each_unsent(struct store *s, void (*each)(void *arg, const struct effect *f), void *arg, struct err *e);
/* Effects that were sent and are retained, with numbers above `above`, by number: for a Redis that lost its streams. */
int store_each_sent(struct store *s, uint64_t above, void (*each)(void *arg, const struct effect *f), void *arg,
                    struct err *e);
/* Highest effect number, stream id and quarantine row ever given. */
struct store_marks {
    uint64_t effect_number;
    int64_t stream_ms;
    uint64_t stream_n;
    uint64_t quarantine_row;
};
int store_marks(struct store *s, struct store_marks *m, struct err *e);
/* A small value by name (positions of sources too, under "position/KEY"); -1: e filled; 0 and *value absent: not there.
 * The value is malloc'ed, the caller frees value->p. */
int store_get(struct store *s, struct str key, struct str *value, struct err *e);
int store_set(struct store *s, struct str key, struct str value, struct err *e); /* only before writer_start */

/* Writes commits in one transaction: all or nothing. COMMIT_DONE or COMMIT_FULL is set in each. If durability is in doubt
 * (anything fails but a full disk), logs evt=store_lost and ends the process with status 74: no acknowledgement is given. */
void store_write(struct store *s, struct commit **commits, size_t n);
/* Upkeep, to be called after what store_write wrote has been handed back: moves the write-ahead log into the database when
 * it has grown, so that it stays bounded. A full disk is no error here; anything else ends the process as above. */
void store_tidy(struct store *s);

#endif
