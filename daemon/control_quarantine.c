/* Answers about the quarantine: what is in it, and another try for rows that can be tried again. A retry answers when all of its
 * batches are back; if the peer leaves before, the tries go on and nobody is told. */
#include "kefu/daemon/control_ops.h"

#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX     100000
#define RETRY_MAX     1000 /* rows of one request; ask again for more */

static void put_event(struct buf *out, struct str record)
{
    struct cursor in = cursor_of(record);
    struct event event;
    struct err e;
    if (record.n && event_decode(&in, &event, &e) == 0) {
        buf_put_str(out, STR_LIT(", \"event\": "));
        event_print_json(out, &event);
    }
}

static void put_row(struct buf *out, const struct quarantined *q)
{
    buf_printf(out, "{\"row\": %" PRIu64 ", \"at\": %" PRId64 ", \"kind\": \"%.*s\", \"way\": ", q->row, q->at_ms,
               STR_ARG(quarantine_kind_name(q->kind)));
    buf_put_json(out, q->way);
    if (q->id.n) {
        buf_put_str(out, STR_LIT(", \"id\": "));
        buf_put_json(out, q->id);
    }
    buf_put_str(out, STR_LIT(", \"reason\": "));
    buf_put_json(out, q->reason);
    buf_printf(out, ", \"bytes\": %zu", q->input_bytes);
    if (q->kind == REFUSAL_FUTURE) {
        buf_printf(out, ", \"due\": %" PRId64, q->due_ms);
    }
    put_event(out, q->record);
    buf_put_byte(out, '}');
}

enum control_outcome control_quarantine(struct control_call *c, struct err *e)
{
    const struct quarantine *q = pipeline_quarantine(c->d->pipeline);
    int64_t limit;
    if (control_whole(c->request, "limit", LIMIT_DEFAULT, &limit, e) < 0) {
        return CONTROL_REFUSED;
    }
    size_t n = quarantine_n(q), show_n = (size_t)(limit < LIMIT_MAX ? limit : LIMIT_MAX);
    buf_printf(c->out, ", \"total\": %zu, \"rows\": [", n);
    for (size_t i = 0; i < n && i < show_n; i++) {
        buf_put_str(c->out, i ? STR_LIT(", ") : STR_LIT(""));
        put_row(c->out, quarantine_at(q, n - 1 - i));
    }
    buf_put_byte(c->out, ']');
    return CONTROL_ANSWERED;
}

/* A request under way: how many batches are still out, and what came of the others. */
struct retry {
    struct control_conn *conn; /* NULL: the peer has gone */
    size_t out_n;
    size_t accepted_n, duplicate_n, rejected_n;
};

static void put_result(struct buf *out, const struct retry *r)
{
    buf_printf(out, ", \"accepted\": %zu, \"duplicate\": %zu, \"rejected\": %zu", r->accepted_n, r->duplicate_n,
               r->rejected_n);
}

static void retry_release(struct retry *r)
{
    if (--r->out_n > 0) {
        return;
    }
    if (r->conn) {
        struct buf members = {0};
        put_result(&members, r);
        control_finish(r->conn, buf_str(&members));
        buf_fini(&members);
    }
    free(r);
}

static void on_done(struct batch *b)
{
    struct retry *r = b->owner;
    if (b->result == BATCH_STORED) {
        r->accepted_n += b->verdicts[0] == VERDICT_ACCEPTED;
        r->duplicate_n += b->verdicts[0] == VERDICT_DUPLICATE;
    }
    r->rejected_n += b->result != BATCH_STORED || b->verdicts[0] == VERDICT_REJECTED;
    batch_free(b);
    retry_release(r);
}

static void on_gone(void *arg)
{
    struct retry *r = arg;
    r->conn = NULL;
}

static void retry_row(struct daemon *d, struct retry *r, uint64_t row)
{
    struct err e;
    r->out_n++;
    if (pipeline_retry(d->pipeline, row, on_done, r, &e) < 0) {
        r->rejected_n++;
        r->out_n--;
    }
}

static bool may_retry(const struct daemon *d, const struct quarantined *q)
{
    return q->kind == REFUSAL_CONFLICT || (q->kind == REFUSAL_FUTURE && q->due_ms <= clock_wall_ms(&d->clock));
}

/* Row numbers first: a try may change the mirror. */
static void retry_all(struct daemon *d, struct retry *r)
{
    const struct quarantine *q = pipeline_quarantine(d->pipeline);
    uint64_t *rows = xcalloc(RETRY_MAX, sizeof(*rows));
    size_t n = 0;
    for (size_t i = 0; i < quarantine_n(q) && n < RETRY_MAX; i++) {
        if (may_retry(d, quarantine_at(q, i))) {
            rows[n++] = quarantine_at(q, i)->row;
        }
    }
    for (size_t i = 0; i < n; i++) {
        retry_row(d, r, rows[i]);
    }
    free(rows);
}

enum control_outcome control_quarantine_retry(struct control_call *c, struct err *e)
{
    int64_t row;
    if (control_whole(c->request, "row", 0, &row, e) < 0) {
        return CONTROL_REFUSED;
    }
    struct retry *r = xcalloc(1, sizeof(*r));
    r->conn = c->conn;
    r->out_n = 1; /* our own, so that it does not end while we still add to it */
    if (row == 0) {
        retry_all(c->d, r);
    } else if (pipeline_retry(c->d->pipeline, (uint64_t)row, on_done, r, e) < 0) {
        free(r);
        return CONTROL_REFUSED;
    } else {
        r->out_n++;
    }
    if (r->out_n == 1) {
        put_result(c->out, r);
        free(r);
        return CONTROL_ANSWERED;
    }
    r->out_n--;
    control_wait(c->conn, on_gone, r);
    return CONTROL_LATER;
}
