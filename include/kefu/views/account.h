/* An account of figures: the things that made them, as the site tells them (state/tell.h), for one agent in one period.
 *
 * What every item adds is computed by the functions that made the totals, so that the items sum up to the figures exactly. It is
 * gathered in any number of steps; at the end account_catch_up replaces what has changed since. */
#ifndef KEFU_VIEWS_ACCOUNT_H
#define KEFU_VIEWS_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/model/figures.h"
#include "kefu/model/period.h"
#include "kefu/state/site.h"
#include "kefu/state/tell.h"

enum account_kind { ACCOUNT_NONE = 0, ACCOUNT_FACT, ACCOUNT_EPISODE, ACCOUNT_ORDER };

struct account_item {
    enum account_kind kind;
    bool is_order;           /* key is an order's, else a conversation's */
    struct str key;          /* in the arena */
    struct str conversation; /* the same, or of an order; may be absent */
    union {
        struct fact fact;
        struct episode episode;
        struct told_order order; /* its strings are the two above */
    } as;
};

struct account {
    uint32_t agent; /* whose; UINT32_MAX: everybody's */
    enum period_kind kind;
    int32_t period;
    struct account_item *items; /* owned */
    size_t n, cap;
    struct arena arena;
};

/* agent, kind and period are the caller's to fill, the rest zeroed. account_fini frees. */
void account_fini(struct account *a);
/* Adds what it is told and is of the agent and period. */
struct teller account_teller(struct account *a);
/* Replaces what the site's watch has noted. */
void account_catch_up(struct account *a, struct site *s);
/* What an item adds; of a turn that counts for nothing, nothing. */
void account_figures(const struct account_item *i, struct figures *out);
int32_t account_day(const struct account_item *i);
uint32_t account_agent(const struct account_item *i);
/* When it ended, if that is known, else began, else about the end of its day: for putting the newest first. */
int64_t account_at(const struct account_item *i);

#endif
