/* Batches: arrays that grow, and one arena for all their strings.
 *
 * Pointers into the arrays are good until the next add; strings of the arena until the batch is freed. Each event has its
 * input index and its verdict at the same place in the arrays beside it. */
#include "kefu/model/batch.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

struct batch *batch_new(struct str way, void (*done)(struct batch *), void *owner)
{
    struct batch *b = xcalloc(1, sizeof *b);
    b->way = arena_copy(&b->arena, way);
    b->done = done;
    b->owner = owner;
    return b;
}

void batch_free(struct batch *b)
{
    if (!b) {
        return;
    }
    arena_fini(&b->arena);
    free(b->events);
    free(b->event_index);
    free(b->verdicts);
    free(b->refusals);
    free(b);
}

void batch_again(struct batch *b, struct str way)
{
    struct batch was = *b;
    arena_reset(&was.arena);
    *b = (struct batch){.arena = was.arena,
                        .events = was.events,
                        .event_index = was.event_index,
                        .events_cap = was.events_cap,
                        .verdicts = was.verdicts,
                        .refusals = was.refusals,
                        .refusals_cap = was.refusals_cap,
                        .done = was.done,
                        .owner = was.owner};
    b->way = arena_copy(&b->arena, way);
}

static void grow_events(struct batch *b)
{
    xgrow(&b->events, &b->events_cap, b->events_n + 1, sizeof *b->events);
    b->event_index = xrealloc(b->event_index, b->events_cap * sizeof *b->event_index);
    b->verdicts = xrealloc(b->verdicts, b->events_cap * sizeof *b->verdicts);
}

struct event *batch_add_event(struct batch *b)
{
    if (b->events_n == b->events_cap) {
        grow_events(b);
    }
    size_t at = b->events_n++;
    b->events[at] = (struct event){0};
    b->event_index[at] = b->inputs_n;
    b->verdicts[at] = VERDICT_NONE;
    return &b->events[at];
}

struct refusal *batch_add_refusal(struct batch *b)
{
    xgrow(&b->refusals, &b->refusals_cap, b->refusals_n + 1, sizeof *b->refusals);
    struct refusal *r = &b->refusals[b->refusals_n++];
    *r = (struct refusal){.index = b->inputs_n};
    return r;
}

void batch_drop_event(struct batch *b)
{
    assert(b->events_n > 0);
    b->events_n--;
}
