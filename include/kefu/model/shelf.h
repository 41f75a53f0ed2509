/* The shelf: what of the state is kept on disk, so that a start need not fold everything again and conversations at rest
 * need not stay in memory. Plain data between state (which freezes and thaws), store (which keeps) and daemon (which says when).
 *
 * A subject (conversation, order, agent) lies there frozen: its list and how it stands in the totals, as one blob that
 * leans on nothing else (state/freeze.h). `cold` ones are not read at a start: they are asked for by key, by the identity
 * of an event in their list, or by their customer. */
#ifndef KEFU_MODEL_SHELF_H
#define KEFU_MODEL_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/base/str.h"
#include "kefu/model/event.h"

struct shelf_row {
    enum subject_kind kind;
    bool cold;
    struct str key;
    uint64_t group;  /* hash of (shop, customer), 0: none; conversations only */
    int64_t last_ts; /* of its latest event */
    struct str blob;
    const uint64_t *identities; /* of one that is about to be cold: hashes of (source, id) of its events */
    size_t identities_n;
};

struct shelf_pointer { /* an identity, and the subject in whose list it is, by the store's number */
    uint64_t hash;
    int64_t subject;
};

enum shelf_period { SHELF_NONE = 0, SHELF_DAY = 1, SHELF_MONTH = 2, SHELF_ORDERS_DAY = 3, SHELF_ORDERS_MONTH = 4 };
struct shelf_total { /* of an agent in a period; the agent is "" for nobody and for the site's orders */
    struct str agent;
    enum shelf_period kind;
    int32_t period;
    struct str blob;
};

/* What the state asks when it needs what has left memory. */
struct shelf_question {
    enum { SHELF_BY_NONE = 0, SHELF_BY_KEY, SHELF_BY_IDENTITY, SHELF_BY_GROUP, SHELF_BY_GONE } by;
    struct str key; /* BY_KEY: of a conversation */
    uint64_t
        hash; /* BY_IDENTITY, BY_GROUP; BY_GONE: of the key of an order that was let go of, answered by an empty row */
    int64_t from; /* BY_GROUP: only those with last_ts >= from */
};
struct shelf {
    /* Hands out the rows (borrowed for the call). Does not fail: without its store a daemon has ended. */
    void (*ask)(void *arg, const struct shelf_question *q, void (*each)(void *, const struct shelf_row *), void *to);
    void *arg;
    uint64_t seed; /* of the hashes above and of the filters; the store's for life */
};

#define SHELF_POINTS 4000 /* identities that one POINT writes, about */

/* One step of a checkpoint, as a commit carries it to the writer (model/commit.h). Rows and totals of a checkpoint first lie
 * beside the shelf (FRESH); the FLIP makes them the shelf's in one small transaction, whatever their number; MERGE moves them in. What is to leave memory is first
 * pointed at: FIND looks up where subjects lie, POINT writes identities in the order of their hashes, so that those of many
 * subjects share pages; CHILL then writes the rows. */
struct shelf_work {
    enum {
        SHELF_WORK_NONE = 0,
        SHELF_FRESH,
        SHELF_FLIP,
        SHELF_MERGE,
        SHELF_TRIM,
        SHELF_FILTER,
        SHELF_FIND,
        SHELF_POINT,
        SHELF_CHILL,
        SHELF_LET_GO, /* drops what the site has let go of (store/let_go.h) */
        SHELF_TIDY    /* gives free pages back; at the end of them the write-ahead log too */
    } step;
    const struct shelf_row *rows; /* FRESH; FIND: keys and identities; CHILL: cold ones, straight into the shelf */
    size_t rows_n;
    struct shelf_pointer *pointers; /* FIND: room for those of the rows, filled. POINT: all of a round */
    size_t pointers_n;              /* FIND: out. POINT: all */
    size_t from_n;      /* POINT: so many, from the first, are written; 0 at the beginning, it moves on by itself */
    uint64_t from_hash; /* POINT: as from_n */
    const struct shelf_total *totals; /* FRESH */
    size_t totals_n;
    bool whole;        /* FLIP: the fresh totals are all there are; what lies there of others is void */
    struct str head;   /* FLIP: opaque */
    uint64_t seq;      /* FLIP: everything up to it is in rows and totals. TRIM: of the last flip */
    int64_t before_ms; /* TRIM: journal rows committed before that may go. LET_GO: what happened before that goes */
    int32_t month;     /* LET_GO: that instant's, from which on evidence is kept */
    int stage;         /* LET_GO: how far it is, with `from`; 0 at the beginning */
    int64_t from;
    int64_t until; /* CHILL: no cold row has a later event */
    int filter;    /* FILTER: which, the number of the part, its bytes, hashes in its layer */
    uint64_t part;
    struct str bytes;
    uint64_t hashes_n;
    uint64_t from_seq; /* TRIM: rows from here on; out: moved behind rows that cannot be read, */
    bool damaged;      /* out. TRIM: because there were some */
    bool more;         /* out. MERGE, POINT, TRIM, TIDY, LET_GO: there is more to do */
    size_t moved_n;    /* out. MERGE: rows and totals that it moved in or dropped */
};

#endif
