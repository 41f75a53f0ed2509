/* A conversation: its packed list, and the machine that steps over it.
 *
 * The tally of a conversation is a pure function of its list, of the first contacts of its customer and of as_of. The
 * machine steps once over each item in order; `conversation_run` does so from the start, `conversation_step` goes on from
 * where it stood: the same code. Facts that no later event in order can change leave through the sink; ended episodes are
 * kept in `episodes`; what depends on as_of is the tail (conversation_tail). */
#ifndef KEFU_STATE_CONVERSATION_H
#define KEFU_STATE_CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/state/calendar.h"
#include "kefu/state/episode.h"
#include "kefu/state/fact.h"
#include "kefu/state/list.h"
#include "kefu/state/wait.h"

/* What the machine knows after the items so far. */
struct machine {
    struct assignee assignee;
    bool replied;                   /* a human or a bot has written (closers are ignored from then on) */
    bool any_episode;               /* there was an episode before or is one */
    uint32_t customer, shop, topic; /* the first ones named */
    struct running running;
    struct wait wait;
    struct episode *episodes; /* owned; ended ones */
    uint32_t episodes_n;
    uint32_t episodes_cap;
    uint32_t asked; /* the last ended one with a customer message that is not ignored, counted from 1; 0: none */
};

void machine_fini(struct machine *m);
/* One item in order. Recalled messages and voided ratings are left out by the caller. */
void machine_step(struct machine *m, const struct item *i, struct calendar *c, const struct sink *sink);
/* Which ended episode a rating that comes now is for: its index, or -1 (the open one, or none yet). */
int64_t machine_rating_episode(const struct machine *m);
/* Facts that stand at as_of and may fall with the next event. */
void machine_tail(const struct machine *m, struct calendar *c, int64_t as_of, const struct sink *sink);
/* The next instant after as_of at which the tail changes by itself; INT64_MAX: none. */
int64_t machine_due(const struct machine *m, struct calendar *c, int64_t as_of);

/* Runs a fresh machine over the first n items of a sorted list that are not later than as_of, with recalled messages and
 * voided ratings left out; returns how many items it stepped over. */
struct run {
    const struct names *names;
    struct calendar *calendar;
    struct arena *scratch;
    const struct sink *sink;
};
uint32_t conversation_run(struct machine *m, const struct list *l, uint32_t n, int64_t as_of, const struct run *how);
/* Does this item change what items before it mean (so that the machine must run again)? */
bool conversation_looks_back(const struct item *i);

#endif
