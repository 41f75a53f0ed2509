/* Runs the machine over a list, and finds what was taken back.
 *
 * A recalled customer message never was if the recall comes before any human or bot message after it; a voided rating does
 * not count; an excused turn counts for nobody, or not for an agent; and a decision of a person may be undone. All of these
 * look back, so a list that holds any is always run from the start. */
#include "kefu/state/conversation.h"

#include <stdlib.h>

struct look_back {
    struct item *items;
    uint32_t n;
    uint32_t *by_identity; /* numbers of items, by (source, id) */
    uint32_t *next_reply;  /* for each item: the first human or bot message after it, n: none */
    bool *out;             /* items to leave out */
    bool *undone;          /* decisions that were undone */
    struct arena *scratch;
};

bool conversation_looks_back(const struct item *i)
{
    return i->type == EVENT_RECALLED || i->type == EVENT_VOIDED || i->type == EVENT_EXCUSED || i->type == EVENT_UNDONE;
}

static int cmp_identity(const struct item *a, uint32_t source, struct str id)
{
    if (a->source != source)
        return a->source < source ? -1 : 1;
    return str_cmp(a->id, id);
}

static int cmp_numbers(const void *a, const void *b, void *items)
{
    const struct item *all = items;
    const struct item *other = &all[*(const uint32_t *)b];
    return cmp_identity(&all[*(const uint32_t *)a], other->source, other->id);
}

static uint32_t find(const struct look_back *l, uint32_t source, struct str id)
{
    uint32_t lo = 0;
    uint32_t hi = l->n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (cmp_identity(&l->items[l->by_identity[mid]], source, id) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    bool found = lo < l->n && cmp_identity(&l->items[l->by_identity[lo]], source, id) == 0;
    return found ? l->by_identity[lo] : l->n;
}

static bool is_reply(const struct item *i)
{
    return i->type == EVENT_MESSAGE && (i->how == FROM_AGENT || i->how == FROM_BOT) &&
           !(i->flags & (EVENT_PRIVATE | EVENT_AUTO | EVENT_PLACEHOLDER));
}

/* Who the turn of the target is not counted for: one more. */
static void excuse(const struct look_back *l, struct item *target, uint32_t agent)
{
    uint32_t *list = arena_alloc(l->scratch, (target->excused_n + 1) * sizeof *list);
    if (target->excused_n)
        memcpy(list, target->excused, target->excused_n * sizeof *list);
    list[target->excused_n++] = agent;
    target->excused = list;
}

static void undo(const struct look_back *l, uint32_t k)
{
    const struct item *i = &l->items[k];
    uint32_t target = i->type == EVENT_UNDONE ? find(l, i->num[EVENT_REF_SOURCE], i->ref) : l->n;
    if (target < l->n && (l->items[target].type == EVENT_VOIDED || l->items[target].type == EVENT_EXCUSED))
        l->undone[target] = true;
}

static void take_back(const struct look_back *l, uint32_t k)
{
    const struct item *i = &l->items[k];
    uint32_t target = find(l, i->num[EVENT_REF_SOURCE], i->ref);
    if (target == l->n || l->undone[k])
        return;
    struct item *t = &l->items[target];
    if (i->type == EVENT_EXCUSED)
        excuse(l, t, i->num[EVENT_AGENT]);
    else if (i->type == EVENT_VOIDED)
        l->out[target] |= t->type == EVENT_RATING;
    else if (i->type == EVENT_RECALLED)
        l->out[target] |= t->type == EVENT_MESSAGE && t->how == FROM_CUSTOMER && k < l->next_reply[target];
}

static void look_back(struct look_back *l, struct arena *scratch)
{
    l->by_identity = arena_alloc(scratch, l->n * sizeof *l->by_identity);
    l->next_reply = arena_alloc(scratch, l->n * sizeof *l->next_reply);
    l->undone = arena_alloc(scratch, l->n + 1);
    memset(l->undone, 0, l->n + 1);
    l->scratch = scratch;
    uint32_t reply = l->n;
    for (uint32_t k = l->n; k-- > 0;) {
        l->by_identity[k] = k;
        l->next_reply[k] = reply;
        if (is_reply(&l->items[k]))
            reply = k;
    }
    qsort_r(l->by_identity, l->n, sizeof *l->by_identity, cmp_numbers, l->items);
    for (uint32_t k = 0; k < l->n; k++)
        undo(l, k);
    for (uint32_t k = 0; k < l->n; k++)
        if (conversation_looks_back(&l->items[k]))
            take_back(l, k);
}

uint32_t conversation_run(struct machine *m, const struct list *l, uint32_t n, int64_t as_of, const struct run *how)
{
    struct item *items = list_items(l, how->scratch);
    struct look_back back = {.items = items};
    bool looks_back = false;
    while (back.n < n && items[back.n].ts <= as_of)
        looks_back |= conversation_looks_back(&items[back.n++]);
    back.out = arena_alloc(how->scratch, back.n + 1);
    memset(back.out, 0, back.n + 1);
    if (looks_back)
        look_back(&back, how->scratch);
    for (uint32_t k = 0; k < back.n; k++)
        if (!back.out[k])
            machine_step(m, &items[k], how->calendar, how->sink);
    return back.n;
}
