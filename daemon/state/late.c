/* What changes the figures of closed months: which agent's, and by which subject.
 *
 * Facts that go out and come in again the same leave no trace: each is a number, added when it comes in and taken off when it
 * goes out, and only a sum that is not zero is told. */
#include "kefu/state/inside.h"

#include <stdlib.h>

#include "kefu/base/mem.h"

uint64_t late_mix(uint64_t into, int64_t value)
{
    uint64_t z = (into ^ (uint64_t)value) + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

struct question {
    const struct late *late;
    struct late_mark mark;
};

static bool is_same(const void *arg, uint32_t at)
{
    const struct question *q = arg;
    const struct late_mark *m = &q->late->list[at];
    return m->agent == q->mark.agent && m->month == q->mark.month && m->ref == q->mark.ref;
}

void late_add(struct site *s, struct late_mark mark)
{
    struct late *l = &s->late;
    mark.ref = l->ref;
    struct question q = {l, mark};
    uint64_t hash = late_mix(late_mix(mark.agent, mark.month), mark.ref);
    uint32_t at = table_find(&l->places, hash, is_same, &q);
    if (at == TABLE_NONE) {
        xgrow(&l->list, &l->cap, l->n + 1, sizeof *l->list);
        at = (uint32_t)l->n++;
        l->list[at] = mark;
        table_add(&l->places, hash, at);
        return;
    }
    l->list[at].sum += mark.sum;
}

void site_close_before(struct site *s, int32_t month)
{
    s->late.before_day = month == INT32_MIN ? INT32_MIN : civil_month_first(month);
}

bool site_has_late(const struct site *s)
{
    return s->late.n > 0 || s->late.owed;
}

void site_owe_late(struct site *s, bool owes)
{
    s->late.owed = owes;
}

void site_take_late(struct site *s, void (*each)(void *arg, const struct site_late *late), void *arg)
{
    struct late *l = &s->late;
    for (size_t i = 0; i < l->n; i++) {
        const struct late_mark *m = &l->list[i];
        if (m->sum == 0)
            continue;
        struct site_late late = {intern_name(&s->names.agents, m->agent), m->month, ref_kind(m->ref),
                                 subject_key(s, m->ref)};
        each(arg, &late);
    }
    late_fini(s);
}

void late_fini(struct site *s)
{
    free(s->late.list);
    table_fini(&s->late.places);
    s->late.list = NULL;
    s->late.n = s->late.cap = 0;
}
