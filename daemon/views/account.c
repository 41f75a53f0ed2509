/* Gathers items. It computes nothing of its own: what an item adds is what the totals would have added. */
#include "kefu/views/account.h"

#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/base/tz.h"
#include "kefu/state/period.h"

#define DAY_MS INT64_C(86400000)

void account_fini(struct account *a)
{
    free(a->items);
    arena_fini(&a->arena);
    a->items = NULL;
    a->n = a->cap = 0;
}

static bool is_of(const struct account *a, uint32_t agent, int32_t day)
{
    if (a->agent != UINT32_MAX && agent != a->agent)
        return false;
    return a->kind == PERIOD_DAY ? day == a->period : civil_month(day) == a->period;
}

/* Items of one subject come one after the other, and share its key. */
static struct str keep(struct account *a, struct str key, bool is_order)
{
    const struct account_item *last = a->n ? &a->items[a->n - 1] : NULL;
    if (last && last->is_order == is_order && str_eq(last->key, key))
        return last->key;
    return arena_copy(&a->arena, key);
}

static struct account_item *add(struct account *a, enum account_kind kind, struct str key)
{
    bool is_order = kind == ACCOUNT_ORDER;
    struct str kept = keep(a, key, is_order);
    xgrow(&a->items, &a->cap, a->n + 1, sizeof *a->items);
    struct account_item *i = &a->items[a->n++];
    *i = (struct account_item){.kind = kind, .is_order = is_order, .key = kept, .conversation = kept};
    return i;
}

static void add_fact(void *arg, struct str conversation, const struct fact *f)
{
    struct account *a = arg;
    if (is_of(a, f->agent, f->day))
        add(a, ACCOUNT_FACT, conversation)->as.fact = *f;
}

static void add_episode(void *arg, struct str conversation, const struct episode *e)
{
    struct account *a = arg;
    if (is_of(a, e->owner, e->day))
        add(a, ACCOUNT_EPISODE, conversation)->as.episode = *e;
}

static void add_order(void *arg, const struct told_order *o)
{
    struct account *a = arg;
    if (!is_of(a, o->agent, o->day))
        return;
    struct account_item *i = add(a, ACCOUNT_ORDER, o->order);
    i->conversation = arena_copy(&a->arena, o->conversation);
    i->as.order = *o;
    i->as.order.order = i->key;
    i->as.order.conversation = i->conversation;
}

struct teller account_teller(struct account *a)
{
    return (struct teller){add_fact, add_episode, add_order, a};
}

/* Keys whose items are to go, sorted. */
struct keys {
    struct account_item *list; /* owned; of each only the key counts */
    size_t n, cap;
};

static int by_key(const void *a, const void *b)
{
    const struct account_item *x = a, *y = b;
    return x->is_order != y->is_order ? (int)x->is_order - (int)y->is_order : str_cmp(x->key, y->key);
}

static void note(void *arg, struct str key, bool is_order)
{
    struct keys *k = arg;
    xgrow(&k->list, &k->cap, k->n + 1, sizeof *k->list);
    k->list[k->n++] = (struct account_item){.key = key, .is_order = is_order};
}

void account_catch_up(struct account *a, struct site *s)
{
    struct keys gone = {0};
    struct teller t = account_teller(a);
    size_t n = 0;
    site_each_watched(s, note, &gone);
    if (gone.n) {
        qsort(gone.list, gone.n, sizeof *gone.list, by_key);
        for (size_t i = 0; i < a->n; i++)
            if (!bsearch(&a->items[i], gone.list, gone.n, sizeof *gone.list, by_key))
                a->items[n++] = a->items[i];
        a->n = n;
        site_tell_watched(s, &t);
    }
    free(gone.list);
}

void account_figures(const struct account_item *i, struct figures *out)
{
    struct agent_totals t = {0};
    if (i->kind == ACCOUNT_FACT && i->as.fact.kind != FACT_TURN)
        totals_fact(&t, &i->as.fact, 1);
    else if (i->kind == ACCOUNT_EPISODE)
        totals_episode(&t, &i->as.episode, 1);
    else if (i->kind == ACCOUNT_ORDER && i->as.order.counts)
        totals_order(&t, i->as.order.day, i->as.order.amount_fen, 1);
    *out = t.days.n ? t.days.list[0].figures : (struct figures){0};
    agent_totals_fini(&t);
}

int32_t account_day(const struct account_item *i)
{
    if (i->kind == ACCOUNT_FACT)
        return i->as.fact.day;
    return i->kind == ACCOUNT_EPISODE ? i->as.episode.day : i->as.order.day;
}

uint32_t account_agent(const struct account_item *i)
{
    if (i->kind == ACCOUNT_FACT)
        return i->as.fact.agent;
    return i->kind == ACCOUNT_EPISODE ? i->as.episode.owner : i->as.order.agent;
}

int64_t account_at(const struct account_item *i)
{
    if (i->kind == ACCOUNT_EPISODE)
        return i->as.episode.ended_at;
    if (i->kind == ACCOUNT_ORDER)
        return i->as.order.at;
    const struct fact *f = &i->as.fact;
    if (f->to != INT64_MAX)
        return f->to;
    return f->from != NEVER ? f->from : (f->day + INT64_C(1)) * DAY_MS - 1;
}
