/* The mirror: rows by number in an array of pointers, a table from fingerprint to row, a heap of due times.
 *
 * A fingerprint says what a refusal was: for an event its kind and record, else way, id, reason and length. Heap entries
 * are lazy: one whose row is gone, or whose due time is another by now, is passed over. Row numbers fit the 32 bits of
 * table and heap because they rise by one and only the last rows_max of them are about at one time. */
#include "kefu/daemon/quarantine.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/buf.h"
#include "kefu/base/digest.h"
#include "kefu/base/heap.h"
#include "kefu/base/mem.h"
#include "kefu/base/table.h"
#include "kefu/collectors/decode.h"

struct row {
    struct quarantined q;
    uint64_t fingerprint;
    char bytes[]; /* the strings of q */
};

struct quarantine {
    struct row **rows; /* owned, by number */
    size_t n, cap;
    size_t kind_n[REFUSAL_CONFLICT + 1];
    struct table by_fingerprint;
    struct heap due;
    size_t rows_max;
    uint64_t last_row;
};

struct quarantine *quarantine_new(size_t rows_max, uint64_t last_row)
{
    struct quarantine *q = xcalloc(1, sizeof(*q));
    q->rows_max = rows_max ? rows_max : 1;
    q->last_row = last_row;
    return q;
}

void quarantine_free(struct quarantine *q)
{
    if (!q) {
        return;
    }
    for (size_t i = 0; i < q->n; i++) {
        free(q->rows[i]);
    }
    free(q->rows);
    table_fini(&q->by_fingerprint);
    heap_fini(&q->due);
    free(q);
}

static uint64_t fingerprint(const struct quarantined *row)
{
    struct buf b = {0};
    buf_put_uvar(&b, (uint64_t)row->kind);
    if (row->record.n) {
        buf_put_str(&b, row->record);
    } else {
        buf_put_uvar(&b, row->input_bytes);
        buf_put_uvar(&b, row->way.n);
        buf_put_str(&b, row->way);
        buf_put_uvar(&b, row->id.n);
        buf_put_str(&b, row->id);
        buf_put_str(&b, row->reason);
    }
    uint64_t sum = digest_checksum(buf_str(&b));
    buf_fini(&b);
    return sum;
}

static struct str keep(char **to, struct str s)
{
    struct str kept = {s.n ? *to : NULL, s.n};
    if (s.n) {
        memcpy(*to, s.p, s.n);
    }
    *to += s.n;
    return kept;
}

static struct row *row_new(const struct quarantined *from)
{
    struct row *r = xmalloc(sizeof(*r) + from->way.n + from->id.n + from->reason.n + from->record.n);
    char *to = r->bytes;
    r->q = *from;
    r->q.way = keep(&to, from->way);
    r->q.id = keep(&to, from->id);
    r->q.reason = keep(&to, from->reason);
    r->q.record = keep(&to, from->record);
    r->fingerprint = fingerprint(from);
    return r;
}

/* The place of the first row whose number is at least `row`. */
static size_t place(const struct quarantine *q, uint64_t row)
{
    size_t lo = 0, hi = q->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (q->rows[mid]->q.row < row) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static struct row *find(const struct quarantine *q, uint64_t row)
{
    size_t i = place(q, row);
    return i < q->n && q->rows[i]->q.row == row ? q->rows[i] : NULL;
}

/* A row by the low 32 bits of its number. */
static struct row *find_low(const struct quarantine *q, uint32_t low)
{
    if (q->n == 0) {
        return NULL;
    }
    uint64_t oldest = q->rows[0]->q.row;
    return find(q, oldest + (uint32_t)(low - (uint32_t)oldest));
}

struct sought {
    const struct quarantine *q;
    uint64_t fingerprint;
};

static bool same_fingerprint(const void *arg, uint32_t value)
{
    const struct sought *s = arg;
    const struct row *r = find_low(s->q, value);
    return r && r->fingerprint == s->fingerprint;
}

static bool is_here(const struct quarantine *q, uint64_t print)
{
    struct sought s = {q, print};
    return table_find(&q->by_fingerprint, print, same_fingerprint, &s) != TABLE_NONE;
}

/* Entries of rows that went early would stay until their time: with many of those the heap is made anew. */
static void push_due(struct quarantine *q, const struct quarantined *row)
{
    if (q->due.n <= 2 * q->kind_n[REFUSAL_FUTURE] + 64) {
        heap_push(&q->due, row->due_ms, (uint32_t)row->row);
        return;
    }
    q->due.n = 0;
    for (size_t i = 0; i < q->n; i++) {
        if (q->rows[i]->q.kind == REFUSAL_FUTURE) {
            heap_push(&q->due, q->rows[i]->q.due_ms, (uint32_t)q->rows[i]->q.row);
        }
    }
}

void quarantine_load(struct quarantine *q, const struct quarantined *row)
{
    struct row *r = row_new(row);
    size_t at = place(q, row->row);
    assert(row->kind > REFUSAL_NONE && row->kind <= REFUSAL_CONFLICT);
    xgrow(&q->rows, &q->cap, q->n + 1, sizeof(*q->rows));
    memmove(q->rows + at + 1, q->rows + at, (q->n - at) * sizeof(*q->rows));
    q->rows[at] = r;
    q->n++;
    q->kind_n[row->kind]++;
    if (row->row > q->last_row) {
        q->last_row = row->row;
    }
    table_add(&q->by_fingerprint, r->fingerprint, (uint32_t)row->row);
    if (row->kind == REFUSAL_FUTURE) {
        push_due(q, row);
    }
}

bool quarantine_add(struct quarantine *q, const struct refused *of, struct arena *arena, struct quarantined *row)
{
    const struct refusal *r = of->refusal;
    assert(r->event || r->kind == REFUSAL_BAD);
    struct buf record = {0};
    if (r->event) {
        event_encode(&record, r->event);
    }
    *row = (struct quarantined){.row = q->last_row + 1,
                                .at_ms = of->at_ms,
                                .kind = r->kind,
                                .way = of->batch->way,
                                .id = r->id,
                                .reason = r->reason,
                                .input_bytes = r->input_bytes,
                                .record = arena_copy(arena, buf_str(&record)),
                                .due_ms = r->event && r->kind == REFUSAL_FUTURE ? r->event->ts - DECODE_AHEAD_MS : 0};
    buf_fini(&record);
    if (is_here(q, fingerprint(row))) {
        return false;
    }
    quarantine_load(q, row);
    return true;
}

static void drop_at(struct quarantine *q, size_t i)
{
    struct row *r = q->rows[i];
    table_remove(&q->by_fingerprint, r->fingerprint, (uint32_t)r->q.row);
    q->kind_n[r->q.kind]--;
    q->n--;
    memmove(q->rows + i, q->rows + i + 1, (q->n - i) * sizeof(*q->rows));
    free(r);
}

bool quarantine_drop(struct quarantine *q, uint64_t row)
{
    size_t i = place(q, row);
    if (i == q->n || q->rows[i]->q.row != row) {
        return false;
    }
    drop_at(q, i);
    return true;
}

uint64_t quarantine_overflow(struct quarantine *q, int64_t before_ms)
{
    static const enum refusal_kind first[] = {REFUSAL_BAD, REFUSAL_CONFLICT, REFUSAL_FUTURE};
    enum refusal_kind kind = REFUSAL_NONE;
    if (q->n && q->rows[0]->q.at_ms < before_ms) {
        uint64_t row = q->rows[0]->q.row;
        drop_at(q, 0);
        return row;
    }
    if (q->n <= q->rows_max) {
        return 0;
    }
    for (size_t k = 0; k < 3 && !kind; k++) {
        kind = q->kind_n[first[k]] ? first[k] : REFUSAL_NONE;
    }
    for (size_t i = 0; i < q->n; i++) {
        if (q->rows[i]->q.kind == kind) {
            uint64_t row = q->rows[i]->q.row;
            drop_at(q, i);
            return row;
        }
    }
    return 0;
}

/* Throws away entries at the top that mean nothing any more; the row of the top entry, or NULL. */
static struct row *top_due(struct quarantine *q)
{
    struct heap_entry top;
    while (heap_peek(&q->due, &top)) {
        struct row *r = find_low(q, top.what);
        if (r && r->q.kind == REFUSAL_FUTURE && r->q.due_ms == top.at_ms) {
            return r;
        }
        heap_pop(&q->due, &top);
    }
    return NULL;
}

int64_t quarantine_due_ms(struct quarantine *q)
{
    const struct row *r = top_due(q);
    return r ? r->q.due_ms : INT64_MAX;
}

const struct quarantined *quarantine_take_due(struct quarantine *q, int64_t now_ms)
{
    struct heap_entry top;
    const struct row *r = top_due(q);
    if (!r || r->q.due_ms > now_ms) {
        return NULL;
    }
    heap_pop(&q->due, &top);
    return &r->q;
}

void quarantine_later(struct quarantine *q, uint64_t row, int64_t due_ms)
{
    struct row *r = find(q, row);
    if (r && r->q.kind == REFUSAL_FUTURE) {
        r->q.due_ms = due_ms;
        heap_push(&q->due, due_ms, (uint32_t)row);
    }
}

size_t quarantine_n(const struct quarantine *q)
{
    return q->n;
}

const struct quarantined *quarantine_at(const struct quarantine *q, size_t i)
{
    assert(i < q->n);
    return &q->rows[i]->q;
}

const struct quarantined *quarantine_find(const struct quarantine *q, uint64_t row)
{
    const struct row *r = find(q, row);
    return r ? &r->q : NULL;
}

struct str quarantine_kind_name(enum refusal_kind kind)
{
    switch (kind) {
    case REFUSAL_BAD: return STR_LIT("bad");
    case REFUSAL_FUTURE: return STR_LIT("future");
    case REFUSAL_CONFLICT: return STR_LIT("conflict");
    case REFUSAL_NONE: break;
    }
    return STR_LIT("");
}
