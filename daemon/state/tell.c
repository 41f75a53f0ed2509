/* Tells what stands in the totals. It computes nothing: standing.c tells conversations, order.c orders. */
#include "kefu/state/tell.h"

#include <stdlib.h>

#include "kefu/state/inside.h"

/* One conversation told to a teller. */
struct telling {
    const struct teller *to;
    struct str conversation;
};

static void tell_fact(void *arg, const struct fact *f)
{
    const struct telling *t = arg;
    t->to->fact(t->to->arg, t->conversation, f);
}

static void tell_episode(void *arg, const struct episode *e)
{
    const struct telling *t = arg;
    t->to->episode(t->to->arg, t->conversation, e);
    if (e->rated.day == INT32_MIN)
        return;
    struct fact f = rating_fact(&e->rated, e->credit, WHY_OWNER);
    tell_fact(arg, &f);
}

static void tell(struct site *s, const struct conversation *c, struct str key, const struct teller *to)
{
    struct telling t = {to, key};
    struct listener l = {.sink = {.fact = tell_fact, .arg = &t, .turns = true}, .episode = tell_episode};
    conversation_tell(s, c, &l);
    arena_reset(&s->scratch);
}

static bool is_told(const struct conversation *c, int64_t since)
{
    return c->key && c->applied && c->list.last_ts >= since;
}

uint32_t site_tell_conversations(struct site *s, uint32_t place, size_t n, int64_t since, const struct teller *to)
{
    for (; n > 0 && place < s->conversations_n; place++, n--) {
        const struct conversation *c = conversation_at(s, place);
        if (is_told(c, since))
            tell(s, c, (struct str){c->key, c->key_n}, to);
    }
    return place < s->conversations_n ? place : UINT32_MAX;
}

static void tell_order(struct site *s, uint32_t number, const struct teller *to)
{
    struct told_order o;
    order_tell(s, number, &o);
    if (o.day != INT32_MIN)
        to->order(to->arg, &o);
}

uint32_t site_tell_orders(struct site *s, uint32_t place, size_t n, int64_t since, const struct teller *to)
{
    for (; n > 0 && place < s->orders_n; place++, n--)
        if (s->orders[place].list.last_ts >= since)
            tell_order(s, place, to);
    return place < s->orders_n ? place : UINT32_MAX;
}

bool site_tell_row(struct site *s, const struct shelf_row *row, const struct teller *to)
{
    struct conversation c;
    if (conversation_find(s, row->key) != TABLE_NONE)
        return true;
    bool ok = thaw_apart(s, row, &c);
    if (ok)
        tell(s, &c, row->key, to);
    thaw_apart_fini(s, &c);
    return ok;
}

void site_watch(struct site *s, bool on)
{
    s->cold.watching = on;
    s->cold.watched.n = 0;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Each conversation and order once. */
static void tidy(struct refs *w)
{
    size_t n = 0;
    if (!w->n)
        return;
    qsort(w->list, w->n, sizeof *w->list, by_number);
    for (size_t i = 0; i < w->n; i++)
        if (ref_kind(w->list[i]) != SUBJECT_AGENT && (!n || w->list[n - 1] != w->list[i]))
            w->list[n++] = w->list[i];
    w->n = n;
}

void site_each_watched(struct site *s, void (*each)(void *arg, struct str key, bool is_order), void *arg)
{
    struct refs *w = &s->cold.watched;
    tidy(w);
    for (size_t i = 0; i < w->n; i++)
        each(arg, subject_key(s, w->list[i]), ref_kind(w->list[i]) == SUBJECT_ORDER);
}

void site_tell_watched(struct site *s, const struct teller *to)
{
    const struct refs *w = &s->cold.watched;
    for (size_t i = 0; i < w->n; i++) {
        uint32_t number = ref_number(w->list[i]);
        if (ref_kind(w->list[i]) == SUBJECT_ORDER)
            tell_order(s, number, to);
        else if (conversation_at(s, number)->applied)
            tell(s, conversation_at(s, number), subject_key(s, w->list[i]), to);
    }
}
