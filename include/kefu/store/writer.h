/* The writer thread: owns the store while it runs, groups commits, hands them back.
 *
 * The loop and the writer share two bounded mailboxes and an eventfd each, nothing else; neither polls. A group closes when the mailbox
 * is empty, at group_max events, or group_ms after its first commit came; then one transaction, one fdatasync. */
#ifndef KEFU_STORE_WRITER_H
#define KEFU_STORE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/model/commit.h"
#include "kefu/store/store.h"

struct writer;

struct writer_options {
    size_t queue_max; /* commits waiting, being written, or done and not yet taken back; more are refused */
    size_t group_max; /* events in one transaction, more or less */
    int64_t group_ms; /* how long a group waits for company; 0: not at all */
    /* No thread: writer_take writes what waits, in the same groups. For simulations, which must come out the same for the
     * same seed, and a thread closes its groups when the scheduler lets it. Never in the daemon: the loop would wait. */
    bool in_caller;
};

/* Starts the thread on a store it borrows. Never NULL (a thread that cannot start ends the process). */
struct writer *writer_start(struct store *store, const struct writer_options *o);
/* Writes all that was pushed, ends the thread, frees. Take back what is done before and after: writer_take still answers
 * between writer_finish and writer_free. */
void writer_finish(struct writer *w);
void writer_free(struct writer *w);
/* Readable when commits are done, in_caller also when some wait (level-triggered until writer_take has emptied the
 * mailbox). */
int writer_fd(const struct writer *w);
/* Takes the commit; -1: the queue is full (nothing was taken). */
int writer_push(struct writer *w, struct commit *c);
/* Next finished commit in the order pushed, or NULL. Its `result` is set; the loop calls c->back(c). */
struct commit *writer_take(struct writer *w);
/* Events of the commits that were pushed and have not been taken back: their sequences are the next ones. */
uint64_t writer_events_n(struct writer *w);
/* Monotonic ms since the writer last answered or had nothing to do, as seen by the calls of this function: the watchdog
 * asks often. A full disk is an answer. */
int64_t writer_silent_ms(struct writer *w, int64_t mono_ms);

#endif
