/* Two piles that change places: one gathers while the other is being written. */
#include "kefu/daemon/desk.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

static void pile_fini(struct desk_pile *p)
{
    arena_fini(&p->arena);
    free(p->rows);
    free(p->drops);
    *p = (struct desk_pile){0};
}

void desk_fini(struct desk *d)
{
    pile_fini(&d->pile);
    pile_fini(&d->out);
    judgement_fini(&d->judgement);
    free(d->sent);
    *d = (struct desk){0};
}

void desk_add_row(struct desk *d, const struct quarantined *row)
{
    struct desk_pile *p = &d->pile;
    struct quarantined copy = *row;
    copy.way = arena_copy(&p->arena, row->way);
    copy.id = arena_copy(&p->arena, row->id);
    copy.reason = arena_copy(&p->arena, row->reason);
    copy.record = arena_copy(&p->arena, row->record);
    xgrow(&p->rows, &p->rows_cap, p->rows_n + 1, sizeof(*p->rows));
    p->rows[p->rows_n++] = copy;
}

void desk_add_drops(struct desk *d, const uint64_t *rows, size_t n)
{
    struct desk_pile *p = &d->pile;
    xgrow(&p->drops, &p->drops_cap, p->drops_n + n, sizeof(*p->drops));
    for (size_t i = 0; i < n; i++) {
        p->drops[p->drops_n++] = rows[i];
    }
}

bool desk_has_pile(const struct desk *d)
{
    return d->pile.rows_n || d->pile.drops_n || numbering_wants(&d->numbers);
}

bool desk_fill(struct desk *d, struct outbox *o, int64_t now_ms)
{
    const struct judgement *g = &d->judgement;
    assert(!d->is_out);
    d->out = d->pile;
    d->pile = (struct desk_pile){0};
    d->sent = outbox_take_sent(o, &d->sent_n);
    d->commit = (struct commit){.at_ms = now_ms,
                                .quarantine_add = d->out.rows,
                                .quarantine_add_n = d->out.rows_n,
                                .quarantine_drop = d->out.drops,
                                .quarantine_drop_n = d->out.drops_n,
                                .memory = g->memory,
                                .memory_n = g->memory_n,
                                .outbox_add = g->effects,
                                .outbox_add_n = g->effects_n,
                                .outbox_sent = d->sent,
                                .outbox_sent_n = d->sent_n};
    if (numbering_wants(&d->numbers)) {
        numbering_fill(&d->numbers, &d->commit);
    }
    d->is_out = d->out.rows_n || d->out.drops_n || d->sent_n || g->memory_n || g->effects_n || d->commit.position_key.n;
    if (!d->is_out) {
        desk_settle(d, o, true);
    }
    return d->is_out;
}

static void put_back(struct desk *d, struct outbox *o)
{
    for (size_t i = 0; i < d->out.rows_n; i++) {
        desk_add_row(d, &d->out.rows[i]);
    }
    desk_add_drops(d, d->out.drops, d->out.drops_n);
    outbox_untake(o, d->sent, d->sent_n);
}

void desk_settle(struct desk *d, struct outbox *o, bool durable)
{
    if (!durable) {
        put_back(d, o);
    }
    numbering_settle(&d->numbers, durable);
    pile_fini(&d->out);
    judgement_fini(&d->judgement);
    free(d->sent);
    d->sent = NULL;
    d->sent_n = 0;
    d->is_out = false;
}
