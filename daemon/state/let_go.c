/* The border behind which there is no evidence, and what goes when it moves.
 *
 * It keeps true that no total of a month before the border changes, and that whatever lies wholly before it is met by nobody,
 * be it still in memory, on the shelf or gone from both: so a crash between makes no difference. */
#include "kefu/state/let_go.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/state/inside.h"

int32_t site_kept_month(const struct site *s)
{
    return s->kept.day == INT32_MIN ? INT32_MIN : civil_month(s->kept.day);
}

int64_t site_kept_ms(const struct site *s)
{
    return s->kept.ms;
}

/* The first n go. */
static void drop_days(struct periods *p, int32_t before)
{
    size_t n = 0;
    for (; n < p->n && p->list[n].period < before; n++)
        hist_fini(&p->list[n].responses);
    if (!n)
        return;
    memmove(p->list, p->list + n, (p->n - n) * sizeof *p->list);
    p->n -= n;
    p->saved_n -= n < p->saved_n ? n : p->saved_n;
}

void site_set_kept(struct site *s, int32_t month)
{
    s->kept.day = civil_month_first(month);
    s->kept.ms = tz_at(s->calendar.tz, s->kept.day, 0);
}

void site_let_go(struct site *s, int32_t month)
{
    assert(!s->cold.freezer);
    if (s->kept.day != INT32_MIN && month <= civil_month(s->kept.day))
        return;
    site_set_kept(s, month);
    for (uint32_t a = 0; a < s->agents_n; a++)
        drop_days(&s->agents[a].totals.days, s->kept.day);
    drop_days(&s->order_events.days, s->kept.day);
}

/* --- out of memory ------------------------------------------------------------------------------------------------ */

static void drop_ref(uint32_t *list, size_t *n, uint32_t ref)
{
    size_t kept_n = 0;
    for (size_t i = 0; i < *n; i++)
        if (list[i] != ref)
            list[kept_n++] = list[i];
    *n = kept_n;
}

/* Nobody is to freeze or to settle it any more. Seldom: what has gone is long saved and settled. */
static void free_of_lists(struct site *s, uint32_t ref, uint8_t save, bool pending)
{
    struct cold *c = &s->cold;
    size_t left_n = c->cut.n - c->cut_done_n; /* of the cut under way */
    if (save == c->now)
        drop_ref(c->unsaved.list, &c->unsaved.n, ref);
    if (save != SAVE_CLEAN && left_n) {
        drop_ref(c->cut.list + c->cut_done_n, &left_n, ref);
        c->cut.n = c->cut_done_n + left_n;
    }
    if (pending)
        drop_ref(s->pending, &s->pending_n, ref);
}

void conversation_take_away(struct site *s, uint32_t number)
{
    const struct conversation *c = conversation_at(s, number);
    free_of_lists(s, ref_of(SUBJECT_CONVERSATION, number), c->save, c->pending);
    if (c->applied) {
        agent_now_leave(s, number);
        conversation_leave(s, number);
    }
    conversation_drop(s, number);
}

static void order_take_away(struct site *s, uint32_t number)
{
    const struct order *o = &s->orders[number];
    free_of_lists(s, ref_of(SUBJECT_ORDER, number), o->save, o->pending);
    order_drop(s, number);
}

/* What still says something of now, or of when the agent was first heard of. */
struct needed {
    uint32_t fields[EVENT_STR_N]; /* the item, from 0, that told a field last … */
    uint32_t status, other;       /* … and the one by which the present status began, with another one before it */
    uint32_t last;                /* of those that told a status */
    enum event_how how;
};

static void need(struct needed *of, const struct item *i, uint32_t k)
{
    if (i->type == EVENT_STATUS && i->how != of->how) {
        of->how = i->how;
        of->status = k;
        of->other = of->last;
    }
    of->last = i->type == EVENT_STATUS ? k : of->last;
    for (int field = 0; i->type == EVENT_PROFILE && field < EVENT_STR_N; field++)
        if (i->num[field])
            of->fields[field] = k;
}

static bool is_needed(const struct needed *of, uint32_t k)
{
    bool is = k == 0 || k == of->status || k == of->other;
    for (int field = 0; field < EVENT_STR_N; field++)
        is |= of->fields[field] == k;
    return is;
}

/* The list without what is before the border and says nothing any more. */
static void thin_out(struct site *s, uint32_t number, const struct needed *of)
{
    struct agent *a = &s->agents[number];
    struct list fresh = {0};
    struct list_cursor cursor;
    struct item i;
    list_first(&cursor, &a->list);
    for (uint32_t k = 0; list_next(&cursor, &i); k++) {
        if (i.ts >= s->kept.ms || is_needed(of, k))
            list_push(&fresh, &i, &s->names);
        else
            identity_drop(s, &i, ref_of(SUBJECT_AGENT, number));
    }
    list_fini(&a->list, &s->names);
    a->list = fresh;
}

static void agent_take_away(struct site *s, uint32_t number)
{
    const struct agent *a = &s->agents[number];
    struct needed of = {.status = 0, .how = HOW_NONE};
    struct list_cursor cursor;
    struct item i;
    uint32_t old_n = 0;
    list_first(&cursor, &a->list);
    while (list_next(&cursor, &i) && i.ts < s->kept.ms)
        need(&of, &i, old_n++);
    if (old_n < 2 || a->pending || a->list.sorted_n < a->list.n)
        return;
    site_touch(s, ref_of(SUBJECT_AGENT, number));
    thin_out(s, number, &of);
}

bool site_take_away(struct site *s, struct let_go *at, size_t n)
{
    if (site_has_late(s) || s->cold.freezer || s->cold.watching)
        return true;
    for (; n && at->conversation < s->conversations_n; at->conversation++, n--) {
        const struct conversation *c = conversation_at(s, at->conversation);
        if (c->key && is_gone(s, &c->list))
            conversation_take_away(s, at->conversation);
    }
    for (; n && at->order < s->orders_n; at->order++, n--)
        if (s->orders[at->order].key && is_gone(s, &s->orders[at->order].list))
            order_take_away(s, at->order);
    for (; n && at->agent < s->agents_n; at->agent++, n--)
        agent_take_away(s, at->agent);
    return at->conversation < s->conversations_n || at->order < s->orders_n || at->agent < s->agents_n;
}

/* --- the door ----------------------------------------------------------------------------------------------------- */

static void note_gone(void *arg, const struct shelf_row *row)
{
    (void)row;
    *(bool *)arg = true;
}

static bool order_is_gone(struct site *s, struct str key)
{
    uint32_t number = order_find(s, key);
    bool gone = false;
    if (number != TABLE_NONE)
        return is_gone(s, &s->orders[number].list);
    s->cold.shelf->ask(s->cold.shelf->arg, &(struct shelf_question){.by = SHELF_BY_GONE, .hash = cold_key_hash(s, key)},
                       note_gone, &gone);
    return gone;
}

bool site_is_let_go(struct site *s, const struct event *e)
{
    enum subject_kind kind = event_subject_kind(e->type);
    if (s->kept.day == INT32_MIN || kind == SUBJECT_AGENT || kind >= SUBJECT_MONTH)
        return false;
    return e->ts < s->kept.ms || (kind == SUBJECT_ORDER && order_is_gone(s, e->subject));
}
