/* For tests of the state: events in a line each, a rulebook like the seed without reading JSON, random histories. */
#ifndef KEFU_TESTS_SUPPORT_SITE_H
#define KEFU_TESTS_SUPPORT_SITE_H

#include "kefu/base/arena.h"
#include "kefu/model/event.h"
#include "kefu/state/site.h"

#define T0 INT64_C(1772409600000) /* 2026-03-02 08:00 in Shanghai */

/* A rulebook with the seed's limits, open all week; change what the test needs. Phrases and KPIs are left out. */
struct rulebook support_rulebook(void);

/* Random numbers of a seed: KEFU_SEED if set, else of the clock; printed once. */
struct support_random {
    uint64_t state;
};
struct support_random support_random(void);
uint32_t support_below(struct support_random *r, uint32_t n);

/* A history of n events over a few conversations, orders and agents, with ties, transfers, bots, recalls, voids, refunds,
 * reopenings, and customers who come back. Strings live in the arena. */
struct event *support_history(struct support_random *r, struct arena *a, size_t n);
void support_shuffle(struct support_random *r, struct event *events, size_t n);

/* All figures of a site as text, for comparing: a line an agent and period. malloc'ed. */
char *support_print_site(const struct site *s);
/* Those of one agent. malloc'ed. */
char *support_print_agent(const struct site *s, uint32_t agent);

#endif
