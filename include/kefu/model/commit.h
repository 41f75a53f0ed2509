/* What one step of the pipeline wants on disk, in one transaction: the parcel between the loop and the writer thread.
 *
 * Made by the loop, taken by the writer, given back with `result`. Everything in it is borrowed from its owner (a batch, an
 * arena) which lives until the commit is back. Either all of it is durable (COMMIT_DONE) or nothing is there (COMMIT_FULL).
 * Third outcomes do not exist: if durability is in doubt, the process ends (SPEC.md, promise 1). */
#ifndef KEFU_MODEL_COMMIT_H
#define KEFU_MODEL_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/model/batch.h"
#include "kefu/model/book.h"
#include "kefu/model/effect.h"
#include "kefu/model/event.h"
#include "kefu/model/shelf.h"

/* A row of the quarantine. */
struct quarantined {
    uint64_t row;  /* its number; given by the loop, rising, never reused */
    int64_t at_ms; /* when it was refused */
    enum refusal_kind kind;
    struct str way; /* by which way it came */
    struct str id;  /* of the event, if known */
    struct str reason;
    size_t input_bytes;
    struct str record; /* event_encode of the event, or absent */
    int64_t due_ms;    /* FUTURE: when it may be tried again */
};

/* What a rule remembers about a subject: an opaque blob under (rule, subject). */
struct memory_row {
    struct str rule;
    struct str subject;
    struct str blob; /* absent: delete the row */
};

enum commit_result { COMMIT_NONE = 0, COMMIT_DONE, COMMIT_FULL };

struct commit {
    const struct event **events; /* to the journal, in this order */
    size_t events_n;
    int64_t at_ms;           /* wall time of the commit, for the journal row */
    struct str position_key; /* with position: replaces the stored position of that source */
    struct str position;
    const struct quarantined *quarantine_add;
    size_t quarantine_add_n;
    const uint64_t *quarantine_drop; /* row numbers */
    size_t quarantine_drop_n;
    const struct memory_row *memory;
    size_t memory_n;
    const struct effect *outbox_add;
    size_t outbox_add_n;
    const uint64_t *outbox_sent; /* effect numbers that have gone out */
    size_t outbox_sent_n;
    const struct str *audit; /* lines for the audit log (store/audit.h) */
    size_t audit_n;
    char *audit_head;             /* with them: room for DIGEST_SHA256_HEX, filled with the hash of the last */
    struct shelf_work *shelf;     /* a step of a checkpoint, or NULL */
    const struct book_work *book; /* an entry of the book, or NULL */
    /* filled by the writer */
    enum commit_result result;
    uint64_t first_seq; /* sequence of events[0]; the others follow. From 1, without gaps */
    /* the loop's own */
    void (*back)(struct commit *c);
    void *owner;
};

#endif
