/* What a way in hands to the pipeline: decoded events, what was refused, where to answer.
 *
 * A batch is made by a collector, taken by the pipeline (`ingest->submit`), and comes back to the collector through
 * `done`, after commit and fold, with a verdict for every event. The collector then answers its peer and frees it. */
#ifndef KEFU_MODEL_BATCH_H
#define KEFU_MODEL_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/err.h"
#include "kefu/model/book.h"
#include "kefu/model/event.h"

enum verdict {
    VERDICT_NONE = 0,
    VERDICT_ACCEPTED,  /* new, durable, folded */
    VERDICT_DUPLICATE, /* the same event is here already (and durable) */
    VERDICT_REJECTED   /* a conflict (the same identity with other content is here already), or of a month let go of */
};

/* One input line or array element that was no acceptable event. */
enum refusal_kind {
    REFUSAL_NONE = 0,
    REFUSAL_BAD = 1,     /* no event, or one that comes too late for good: cannot be retried */
    REFUSAL_FUTURE = 2,  /* an event stamped too far ahead: retried by itself when its time has come */
    REFUSAL_CONFLICT = 3 /* an event whose identity is taken by another */
};
struct refusal {
    enum refusal_kind kind;
    size_t index;        /* which input, from 0, among all inputs of the batch */
    size_t input_bytes;  /* length of the input */
    struct str id;       /* of the event, if it could be read */
    struct str reason;   /* "ts: found "soon", expected integer milliseconds or RFC 3339 with an offset" */
    struct event *event; /* FUTURE and CONFLICT: the event (in the arena); BAD: NULL */
};

enum batch_result {
    BATCH_NONE = 0,
    BATCH_STORED, /* durable and folded; look at verdicts and refusals */
    BATCH_FULL    /* nothing of it was taken: disk or queue is full; the peer may send it again */
};

struct batch {
    struct arena arena;   /* strings of all below */
    struct event *events; /* owned array; in order of input */
    size_t *event_index;  /* owned: which input (from 0) event i was */
    size_t events_n;
    size_t events_cap;
    enum verdict *verdicts;   /* owned, events_n of them, filled by the pipeline */
    struct refusal *refusals; /* owned array; by input index; the pipeline adds conflicts */
    size_t refusals_n;
    size_t refusals_cap;
    size_t inputs_n;         /* how many inputs there were */
    struct str way;          /* "http", "socket", "quarantine"…: for logs and quarantine */
    struct str position_key; /* if set: a source whose position is committed in the same transaction */
    struct str position;
    /* An event whose identity is here already is a duplicate, whatever its content: for platforms that tell one thing by two ways
     * which differ in a detail (whole seconds, milliseconds). What came first stays, as always. */
    bool first_wins;
    const struct book_work
        *book;        /* what the act of a person adds to the book, in the same transaction; NULL: nothing */
    struct str audit; /* a line for the audit log (store/audit.h), in the same transaction; absent: none */
    char audit_head[DIGEST_SHA256_HEX]; /* its hash, once stored */
    uint64_t retry_of; /* quarantine row this batch retries (deleted in the same transaction); 0: none */
    enum batch_result result;
    void (*done)(struct batch *b); /* called once, in the loop */
    void *owner;                   /* the collector's own, borrowed */
};

struct batch *batch_new(struct str way, void (*done)(struct batch *), void *owner);
void batch_free(struct batch *b);
/* As batch_new would give it, for the same `done` and owner, in the room that b has grown to. */
void batch_again(struct batch *b, struct str way);
/* Room for one more event or refusal (zeroed, input index = inputs_n at the time of the call is set). Valid until the next. */
struct event *batch_add_event(struct batch *b);
struct refusal *batch_add_refusal(struct batch *b);
/* Takes back the event added last. */
void batch_drop_event(struct batch *b);

/* Where collectors put batches. submit takes the batch; -1: the queue is full, the batch stays the caller's and nothing of
 * it was taken. now_ms and the rulebook are what decoding needs. */
struct rulebook;
struct ingest {
    int (*submit)(struct ingest *in, struct batch *b);
    int64_t (*now_ms)(struct ingest *in);
    const struct rulebook *(*rulebook)(struct ingest *in); /* in force now: its phrase lists read texts at the door */
    const uint8_t *customer_key;                           /* DIGEST_KEY_BYTES */
};

#endif
