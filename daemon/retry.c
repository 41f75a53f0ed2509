/* Refused events tried again. Keeps true: a row leaves the quarantine only with the commit that holds its event; a row that
 * the door will not take now is not lost, only later. It refuses rows that were no event. */
#include "kefu/daemon/retry.h"

#include <stdio.h>

#include "kefu/base/log.h"

#define RETRIES_A_TURN 200
#define LATER_MS       1000

static int64_t now_of(const struct retry *r)
{
    return r->ingest->now_ms(r->ingest);
}

static int submit_row(struct retry *r, const struct quarantined *row, void (*done)(struct batch *), void *owner)
{
    struct err e;
    struct event read;
    struct cursor in = cursor_of(row->record);
    struct batch *b = batch_new(STR_LIT("quarantine"), done, owner);
    struct event *to = batch_add_event(b);
    b->retry_of = row->row;
    b->inputs_n = 1;
    if (event_decode(&in, &read, &e) < 0) { /* the store has checked it: this is a bug or broken memory */
        log_line(LOG_LEVEL_ERROR, "quarantine_record", "row=%llu error=\"%s\"", (unsigned long long)row->row, e.what);
        batch_free(b);
        return -1;
    }
    *to = event_copy(&read, &b->arena);
    if (r->ingest->submit(r->ingest, b) < 0) {
        batch_free(b);
        return -1;
    }
    return 0;
}

static void retried(struct batch *b)
{
    struct retry *r = b->owner;
    if (b->result != BATCH_STORED) {
        quarantine_later(r->quarantine, b->retry_of, now_of(r) + LATER_MS);
    }
    batch_free(b);
}

void retry_due(struct retry *r)
{
    for (int i = 0; i < RETRIES_A_TURN; i++) {
        const struct quarantined *row = quarantine_take_due(r->quarantine, now_of(r));
        if (!row) {
            return;
        }
        if (submit_row(r, row, retried, r) < 0) {
            quarantine_later(r->quarantine, row->row, now_of(r) + LATER_MS);
            return;
        }
    }
}

int retry_row(struct retry *r, uint64_t row, void (*done)(struct batch *), void *owner, struct err *e)
{
    const struct quarantined *q = quarantine_find(r->quarantine, row);
    char where[48];
    snprintf(where, sizeof(where), "quarantine row %llu", (unsigned long long)row);
    if (!q) {
        return err_set(e, where, "there is no such row; `kefuctl quarantine` lists what is there");
    }
    if (q->kind == REFUSAL_BAD) {
        return err_set(e, where,
                       "it was no event, so it cannot be tried again; mend it at its sender and send it anew");
    }
    if (q->kind == REFUSAL_FUTURE && q->due_ms > now_of(r)) {
        return err_set(e, where, "it is still ahead of the clock; it is tried by itself when its time has come");
    }
    if (submit_row(r, q, done, owner) < 0) {
        return err_set(e, where, "the queue is full; try again in a moment");
    }
    return 0;
}
