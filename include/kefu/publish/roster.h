/* The latest snapshot of every agent, and whose turn it is to be sent.
 *
 * Each snapshot has a version; the roster knows which version is the latest, which is on its way and which is confirmed.
 * An agent comes up for sending when the latest is not on its way and nothing was sent for it within the last 100 ms: so
 * the first change goes at once and the following ones at most once per 100 ms, always the latest. */
#ifndef KEFU_PUBLISH_ROSTER_H
#define KEFU_PUBLISH_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/str.h"
#include "kefu/model/view.h"
#include "kefu/publish/snapshot.h"

struct event_base;
struct roster;

struct shown {
    const struct snapshot *snapshot; /* borrowed until the next put of this agent */
    uint64_t version;
    uint32_t agent; /* number of the agent in the roster, from 1 */
};

/* due(arg) is called from the loop when an agent has come up by the passing of time. Borrows base and arg. */
struct roster *roster_new(struct event_base *base, struct str prefix, void (*due)(void *arg), void *arg);
void roster_free(struct roster *r);

/* Replaces the agent's snapshot. Copies the view but its rulebook, which must stay as long as any view of the roster names it. */
void roster_put(struct roster *r, const struct agent_view *v);
/* The agent is no more: its snapshot becomes the one that takes it out of Redis. */
void roster_take_out(struct roster *r, struct str agent, uint64_t seq);
bool roster_knows(const struct roster *r, struct str agent);

/* The agent whose turn it is; false: nobody's. The same until roster_sent. */
bool roster_next(struct roster *r, struct shown *out);
/* The one of roster_next is on its way. */
void roster_sent(struct roster *r);
/* The version is in Redis. */
void roster_confirm(struct roster *r, uint32_t agent, uint64_t version);
/* What was sent for this agent was not taken, or nobody knows: it comes up again after roster_retry. */
void roster_refuse(struct roster *r, uint32_t agent);
/* All whose latest version is not on its way come up, the refused too. */
void roster_retry(struct roster *r);
/* The connection ended: what was not confirmed was not sent. From scratch: nothing was confirmed either. */
void roster_unsend(struct roster *r, bool from_scratch);

/* How many agents are shown, and of how many the latest version is not confirmed. */
void roster_count(const struct roster *r, size_t *shown_n, size_t *waiting_n);

#endif
