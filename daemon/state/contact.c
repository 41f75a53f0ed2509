/* Sorted arrays of contacts and endings. In order, which is nearly always, an entry goes to the end. */
#include "kefu/state/contact.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

void groups_fini(struct groups *g)
{
    for (size_t i = 0; i < g->n; i++) {
        free(g->list[i].firsts.list);
        free(g->list[i].endings.list);
    }
    free(g->list);
    free(g->free);
    table_fini(&g->by_key);
    *g = (struct groups){0};
}

struct key {
    const struct groups *groups;
    uint32_t pair[2];
};

static bool is_group(const void *arg, uint32_t value)
{
    const struct key *k = arg;
    const struct group *g = &k->groups->list[value];
    return g->shop == k->pair[0] && g->customer == k->pair[1];
}

static uint64_t hash_of(const struct groups *g, const struct key *key)
{
    return table_hash((struct str){(const char *)key->pair, sizeof key->pair}, g->seed);
}

static uint32_t new_group(struct groups *g, const struct key *key)
{
    uint32_t number = (uint32_t)g->n;
    if (g->free_n) {
        number = g->free[--g->free_n];
    } else {
        xgrow(&g->list, &g->cap, g->n + 1, sizeof *g->list);
        g->n++;
    }
    g->list[number] = (struct group){.shop = key->pair[0], .customer = key->pair[1], .warm_from = INT64_MAX};
    table_add(&g->by_key, hash_of(g, key), number);
    return number;
}

uint32_t groups_take(struct groups *g, uint32_t shop, uint32_t customer)
{
    if (!customer)
        return GROUP_NONE;
    struct key key = {.groups = g, .pair = {shop, customer}};
    uint32_t number = table_find(&g->by_key, hash_of(g, &key), is_group, &key);
    if (number == TABLE_NONE)
        number = new_group(g, &key);
    g->list[number].users_n++;
    return number;
}

void groups_give_back(struct groups *g, uint32_t group)
{
    if (group == GROUP_NONE || --g->list[group].users_n)
        return;
    struct group *gone = &g->list[group];
    struct key key = {.groups = g, .pair = {gone->shop, gone->customer}};
    assert(!gone->firsts.n && !gone->endings.n);
    table_remove(&g->by_key, hash_of(g, &key), group);
    free(gone->firsts.list);
    free(gone->endings.list);
    *gone = (struct group){0};
    xgrow(&g->free, &g->free_cap, g->free_n + 1, sizeof *g->free);
    g->free[g->free_n++] = group;
}

static int cmp(const struct contact *a, const struct contact *b)
{
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    if (a->conversation != b->conversation)
        return a->conversation < b->conversation ? -1 : 1;
    return (a->what > b->what) - (a->what < b->what);
}

/* The first entry that is not before x. */
static uint32_t place_of(const struct contacts *c, const struct contact *x)
{
    uint32_t lo = 0;
    uint32_t hi = c->n;
    if (hi && cmp(&c->list[hi - 1], x) < 0)
        return hi;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (cmp(&c->list[mid], x) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

uint32_t contacts_from(const struct contacts *c, int64_t at)
{
    return place_of(c, &(struct contact){.at = at});
}

void contacts_put(struct contacts *c, struct contact x)
{
    uint32_t k = place_of(c, &x);
    if (c->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 1;
        c->list = xrealloc(c->list, c->cap * sizeof *c->list);
    }
    memmove(&c->list[k + 1], &c->list[k], (c->n - k) * sizeof *c->list);
    c->list[k] = x;
    c->n++;
}

void contacts_take(struct contacts *c, struct contact x)
{
    uint32_t k = place_of(c, &x);
    assert(k < c->n && cmp(&c->list[k], &x) == 0);
    memmove(&c->list[k], &c->list[k + 1], (c->n - k - 1) * sizeof *c->list);
    c->n--;
}

int64_t group_settled(const struct group *g, struct contact x, int64_t from)
{
    const struct contact *last = NULL;
    for (uint32_t k = place_of(&g->firsts, &x); k-- > 0 && g->firsts.list[k].at >= from;) {
        const struct contact *y = &g->firsts.list[k];
        if (y->what && y->what != x.what)
            continue; /* some whom x repeats are none to y */
        if (last && last->conversation != y->conversation)
            return y->at;
        last = last ? last : y;
    }
    return from - 1;
}

bool group_repeats(const struct group *g, const struct repeat_question *q)
{
    for (uint32_t k = contacts_from(&g->firsts, q->from); k < g->firsts.n && g->firsts.list[k].at < q->to; k++) {
        const struct contact *x = &g->firsts.list[k];
        if (x->conversation != q->conversation && topics_agree(x->what, q->topic))
            return true;
    }
    return false;
}
