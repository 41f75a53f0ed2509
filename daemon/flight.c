/* Probing before, folding after. Keeps true: a batch given back unwritten is as it came; a batch given back written has a
 * verdict for every event, and every rejected event has a refusal with its reason. */
#include "kefu/daemon/flight.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/state/let_go.h"

#define CONFLICT_REASON                                                                                                \
    STR_LIT(                                                                                                           \
        "id: found an event of other content accepted under this source and id, expected a new id or the same event")

#define LET_GO_REASON                                                                                                  \
    STR_LIT(                                                                                                           \
        "ts: the evidence of that month was let go of (evidence_months), its closed rows are final; expected a later event")

static struct refusal *refuse(struct batch *b, size_t i, enum refusal_kind kind, struct str reason)
{
    struct refusal *r = batch_add_refusal(b);
    r->kind = kind;
    r->index = b->event_index[i];
    r->input_bytes = 0;
    r->id = b->events[i].id;
    r->reason = reason;
    return r;
}

static void refuse_conflict(struct batch *b, size_t i)
{
    refuse(b, i, REFUSAL_CONFLICT, CONFLICT_REASON)->event = &b->events[i];
}

static int by_index(const void *a, const void *b)
{
    const struct refusal *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

static void sort_refusals(struct batch *b)
{
    qsort(b->refusals, b->refusals_n, sizeof(*b->refusals), by_index);
}

/* What the site says of an event, as the batch wants it taken. */
static enum verdict judged(const struct batch *b, enum verdict v)
{
    return v == VERDICT_REJECTED && b->first_wins ? VERDICT_DUPLICATE : v;
}

static void probe(struct flight *f, struct site *s)
{
    struct batch *b = f->batch;
    f->events = xcalloc(b->events_n, sizeof(struct event *));
    f->which = xcalloc(b->events_n, sizeof(size_t));
    for (size_t i = 0; i < b->events_n; i++) {
        if (i + SITE_AHEAD < b->events_n) {
            site_prefetch_probe(s, &b->events[i + SITE_AHEAD]);
        }
        site_alias(s, &b->events[i]);
        b->verdicts[i] = judged(b, site_probe(s, &b->events[i]));
        if (b->verdicts[i] == VERDICT_ACCEPTED && site_is_let_go(s, &b->events[i])) {
            b->verdicts[i] = VERDICT_REJECTED;
            (void)refuse(b, i, REFUSAL_BAD, LET_GO_REASON);
        } else if (b->verdicts[i] == VERDICT_ACCEPTED) {
            f->which[f->commit.events_n] = i;
            f->events[f->commit.events_n++] = &b->events[i];
        } else if (b->verdicts[i] == VERDICT_REJECTED) {
            refuse_conflict(b, i);
        }
    }
    f->commit.events = f->events;
}

static void add_drop(struct flight *f, uint64_t row)
{
    xgrow(&f->drops, &f->drops_cap, f->commit.quarantine_drop_n + 1, sizeof(*f->drops));
    f->drops[f->commit.quarantine_drop_n++] = row;
    f->commit.quarantine_drop = f->drops;
}

/* A row that came over the bound and had to go at once is not written at all. */
static bool forget_own(struct flight *f, uint64_t row)
{
    for (size_t i = f->commit.quarantine_add_n; i-- > 0;) {
        if (f->rows[i].row == row) {
            f->commit.quarantine_add_n--;
            memmove(f->rows + i, f->rows + i + 1, (f->commit.quarantine_add_n - i) * sizeof(*f->rows));
            return true;
        }
    }
    return false;
}

static void quarantine_refusals(struct flight *f, struct site *s, struct quarantine *q, int64_t now_ms)
{
    struct batch *b = f->batch;
    f->rows = xcalloc(b->refusals_n, sizeof(*f->rows));
    for (size_t i = 0; i < b->refusals_n; i++) {
        struct quarantined row;
        if (!quarantine_add(q, &(struct refused){b, &b->refusals[i], now_ms}, &f->arena, &row)) {
            continue;
        }
        f->rows[f->commit.quarantine_add_n++] = row;
        uint64_t gone = quarantine_overflow(q, site_kept_ms(s));
        if (gone && !forget_own(f, gone)) {
            add_drop(f, gone);
        }
    }
    f->commit.quarantine_add = f->rows;
}

/* What was retried leaves the quarantine, unless it is the same conflict as before. */
static void drop_retried(struct flight *f, const struct quarantine *q)
{
    const struct batch *b = f->batch;
    const struct quarantined *row = b->retry_of ? quarantine_find(q, b->retry_of) : NULL;
    if (row && (b->refusals_n == 0 || row->kind != REFUSAL_CONFLICT)) {
        add_drop(f, row->row);
    }
}

struct flight *flight_new(struct batch *b, struct site *s, struct quarantine *q, int64_t now_ms)
{
    struct flight *f = xcalloc(1, sizeof(*f));
    f->batch = b;
    f->refusals_was_n = b->refusals_n;
    f->commit.at_ms = now_ms;
    f->commit.book = b->book;
    f->commit.audit = &b->audit;
    f->commit.audit_n = b->audit.n > 0;
    f->commit.audit_head = b->audit_head;
    f->commit.position_key = b->position_key;
    f->commit.position = b->position;
    probe(f, s);
    quarantine_refusals(f, s, q, now_ms);
    drop_retried(f, q);
    return f;
}

void flight_free(struct flight *f)
{
    arena_fini(&f->arena);
    free(f->events);
    free(f->which);
    free(f->rows);
    free(f->drops);
    free(f);
}

bool flight_has_work(const struct flight *f)
{
    const struct commit *c = &f->commit;
    return f->commit.book || c->events_n || c->quarantine_add_n || c->quarantine_drop_n || c->position_key.n;
}

void flight_undo(struct flight *f, struct quarantine *q)
{
    for (size_t i = 0; i < f->commit.quarantine_add_n; i++) {
        quarantine_drop(q, f->rows[i].row);
    }
    /* Conflicts of our own were added behind those the batch came with. */
    f->batch->refusals_n = f->refusals_was_n;
}

static void land_event(struct flight *f, size_t i, const struct landing *to)
{
    struct batch *b = f->batch;
    size_t at = f->which[i];
    b->verdicts[at] = judged(b, site_fold(to->site, f->events[i], to->now_ms));
    if (b->verdicts[at] == VERDICT_ACCEPTED) {
        sources_saw(to->sources, f->events[i], to->now_ms);
    } else if (b->verdicts[at] == VERDICT_REJECTED) {
        refuse_conflict(b, at);
        to->late(to->arg, b, &b->refusals[b->refusals_n - 1]);
    }
}

void flight_land(struct flight *f, const struct landing *to)
{
    struct batch *b = f->batch;
    struct site_ahead ahead = {0};
    for (size_t i = 0; i < f->commit.events_n; i++) {
        if (i + SITE_AHEAD < f->commit.events_n) {
            site_prefetch(to->site, &ahead, f->events[i + SITE_AHEAD]);
        }
        land_event(f, i, to);
    }
    if (b->refusals_n > f->refusals_was_n) {
        sort_refusals(b);
    }
}
