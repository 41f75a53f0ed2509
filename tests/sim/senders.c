/* Senders: each has its list of deliveries, sends what is due in batches, and keeps what it was not answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "kefu/base/mem.h"
#include "sim.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
#define DAY       (INT64_C(24) * HOUR)
#define BATCH_MAX 40

/* What a batch carries: deliveries of one sender, by input. */
struct parcel {
    struct sim *sim;
    struct sender *sender;
    size_t n;
    uint32_t deliveries[BATCH_MAX];
};

void senders_add(struct sim *s, size_t sender, size_t line, int64_t due_ms)
{
    struct sender *to = &s->senders[sender];
    xgrow(&to->list, &to->cap, to->n + 1, sizeof *to->list);
    to->list[to->n++] = (struct delivery){.due_ms = due_ms, .line = (uint32_t)line};
}

/* How long after it happened a line is sent; below zero: before, by a clock that is wrong. */
static int64_t delay(struct sim *s)
{
    if (!sim_maybe(s, s->o.late_percent))
        return (int64_t)sim_below(s, 2 * SECOND);
    switch (sim_below(s, 8)) {
    case 0: return -(int64_t)sim_below(s, 3 * HOUR);
    case 1: return -(int64_t)sim_below(s, 6 * MINUTE);
    case 2:
    case 3: return (int64_t)sim_below(s, 6 * HOUR);
    case 4: return (int64_t)sim_below(s, 6) * DAY + (int64_t)sim_below(s, HOUR);
    default: return (int64_t)sim_below(s, 10 * MINUTE);
    }
}

static int by_due(const void *a, const void *b)
{
    const struct delivery *x = a, *y = b;
    if (x->due_ms != y->due_ms)
        return x->due_ms < y->due_ms ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

void senders_make(struct sim *s, int64_t from_ms)
{
    for (size_t i = 0; i < s->script.n; i++) {
        size_t first = sim_below(s, SENDERS_N);
        size_t copies = sim_maybe(s, 15) ? 1 + sim_below(s, 2) : 0;
        for (size_t k = 0; k <= copies; k++) {
            int64_t due_ms = s->script.lines[i].event.ts + delay(s);
            senders_add(s, (first + k) % SENDERS_N, i, due_ms > from_ms ? due_ms : from_ms);
        }
    }
    for (size_t k = 0; k < SENDERS_N; k++)
        qsort(s->senders[k].list, s->senders[k].n, sizeof(struct delivery), by_due);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void put_back(const struct parcel *p)
{
    for (size_t i = 0; i < p->n; i++) {
        p->sender->list[p->deliveries[i]].state = DELIVERY_WAITING;
        if (p->deliveries[i] < p->sender->first)
            p->sender->first = p->deliveries[i];
    }
}

static struct line *line_of(const struct parcel *p, size_t input)
{
    assert_in_range(input, 0, p->n - 1);
    struct delivery *d = &p->sender->list[p->deliveries[input]];
    d->state = DELIVERY_DONE;
    return &p->sim->script.lines[d->line];
}

static void hear_refusal(struct line *l, const struct refusal *r)
{
    assert_true(r->reason.n > 0);
    assert_true((r->kind == REFUSAL_BAD) == l->bad);
    l->refused |= r->kind == REFUSAL_CONFLICT;
    l->later |= r->kind == REFUSAL_FUTURE;
}

/* What was once acknowledged stays so, and no promise is taken back. */
static void hear(const struct parcel *p, const struct batch *b)
{
    size_t told_n = 0;
    for (size_t i = 0; i < b->events_n; i++) {
        if (b->verdicts[i] == VERDICT_REJECTED)
            continue; /* among the refusals */
        struct line *l = line_of(p, b->event_index[i]);
        if (b->verdicts[i] == VERDICT_ACCEPTED && (l->kept || p->sim->all_told))
            fail_msg("seed %llu: %.*s was acknowledged, and is accepted again", (unsigned long long)p->sim->o.seed,
                     STR_ARG(l->json));
        assert_false(l->refused);
        l->kept = true;
        told_n++;
        p->sim->accepted_n += b->verdicts[i] == VERDICT_ACCEPTED;
        p->sim->duplicates_n += b->verdicts[i] == VERDICT_DUPLICATE;
    }
    for (size_t i = 0; i < b->refusals_n; i++) {
        struct line *l = line_of(p, b->refusals[i].index);
        hear_refusal(l, &b->refusals[i]);
        assert_false(l->refused && l->kept);
        told_n++;
    }
    assert_int_equal(told_n, p->n);
}

/* The batch comes back. It may be that nobody hears the answer: then the sender sends again. */
static void done(struct batch *b)
{
    struct parcel *p = b->owner;
    struct sim *s = p->sim;
    if (!s->dead && ++s->answers_n == s->o.cut_at_answer)
        life_doom(s, 1, s->o.kill);
    if (!s->dead)
        fault_step();
    if (s->dead || (s->o.every_ms && sim_maybe(s, 2))) {
        s->unheard_n += !s->dead;
        put_back(p);
    } else if (b->result == BATCH_FULL) {
        s->refused_n++;
        p->sender->pause_ms = s->true_ms + 5 * SECOND;
        put_back(p);
    } else {
        hear(p, b);
    }
    if (!s->dead)
        fault_step();
    free(p);
    batch_free(b);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static struct parcel *gather(struct sim *s, struct sender *from)
{
    struct parcel *p = xcalloc(1, sizeof *p);
    size_t most = 1 + sim_below(s, BATCH_MAX);
    p->sim = s;
    p->sender = from;
    while (from->first < from->n && from->list[from->first].state == DELIVERY_DONE)
        from->first++;
    for (size_t i = from->first; i < from->n && from->list[i].due_ms <= s->true_ms && p->n < most; i++) {
        if (from->list[i].state != DELIVERY_WAITING)
            continue;
        from->list[i].state = DELIVERY_OUT;
        p->deliveries[p->n++] = (uint32_t)i;
    }
    return p;
}

static struct batch *pack(const struct sim *s, struct parcel *p)
{
    struct ingest *in = pipeline_ingest(s->pipeline);
    struct decode_context c = {.now_ms = in->now_ms(in),
                               .rulebook = in->rulebook(in),
                               .customer_key = in->customer_key,
                               .default_source = STR_LIT("default")};
    struct batch *b = batch_new(STR_LIT("sim"), done, p);
    for (size_t i = 0; i < p->n; i++)
        decode_one(b, s->script.lines[p->sender->list[p->deliveries[i]].line].json, &c);
    return b;
}

/* False: nothing was due, or it was not taken. */
static bool send_one(struct sim *s, struct sender *from)
{
    struct ingest *in = pipeline_ingest(s->pipeline);
    struct parcel *p = gather(s, from);
    if (p->n == 0) {
        free(p);
        return false;
    }
    struct batch *b = pack(s, p);
    if (in->submit(in, b) == 0)
        return true;
    s->refused_n++;
    from->pause_ms = s->true_ms + SECOND;
    put_back(p);
    free(p);
    batch_free(b);
    return false;
}

void senders_send(struct sim *s)
{
    size_t first = sim_below(s, SENDERS_N);
    for (size_t k = 0; k < SENDERS_N; k++) {
        struct sender *from = &s->senders[(first + k) % SENDERS_N];
        for (int batches = 0; batches < 3 && from->pause_ms <= s->true_ms && send_one(s, from); batches++)
            continue;
    }
}

int64_t senders_next_ms(const struct sim *s)
{
    int64_t next_ms = INT64_MAX;
    for (size_t k = 0; k < SENDERS_N; k++) {
        const struct sender *from = &s->senders[k];
        size_t i = from->first;
        while (i < from->n && from->list[i].state != DELIVERY_WAITING)
            i++;
        if (i == from->n)
            continue;
        int64_t at_ms = from->list[i].due_ms > from->pause_ms ? from->list[i].due_ms : from->pause_ms;
        next_ms = at_ms < next_ms ? at_ms : next_ms;
    }
    return next_ms;
}

bool senders_are_done(const struct sim *s)
{
    for (size_t k = 0; k < SENDERS_N; k++)
        for (size_t i = s->senders[k].first; i < s->senders[k].n; i++)
            if (s->senders[k].list[i].state != DELIVERY_DONE)
                return false;
    return true;
}

void sender_repeat(struct sim *s, size_t sender)
{
    struct sender *from = &s->senders[sender];
    for (size_t i = 0; i < from->n && from->list[i].due_ms <= s->true_ms; i++)
        if (from->list[i].state == DELIVERY_DONE)
            from->list[i].state = DELIVERY_WAITING;
    from->first = 0;
}
