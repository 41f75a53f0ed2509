/* What a lead decides about conversations and agents: an act is its event, made here out of what a person asks for, and sent
 * through the pipeline's door.
 *
 * Acts: turn.excused, rating.voided, decision.undone, agent.exempt, appeal.opened, appeal.decided. What they name must be
 * known. An appeal that is accepted brings the event that makes it so (turn.excused or rating.voided) in the same
 * transaction. */
#ifndef KEFU_DAEMON_APPEAL_H
#define KEFU_DAEMON_APPEAL_H

#include <cjson/cJSON.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/daemon/pipeline.h"
#include "kefu/state/site.h"

struct appeal_options { /* borrowed */
    struct pipeline *pipeline;
    struct site *site;
    bool
        *deciding; /* ours: a decision is on its way to the disk. One at a time, since each looks at those before it. */
};

/* Sends an act; `event` is its JSON without id, source and ts. done and owner as in struct batch: who is called owns the batch. -1
 * with e: what is wrong with it, nothing was done (no place in e: the queue is full, or another appeal is being decided). */
struct appeal_act {
    const cJSON *event;
    struct str audit; /* its line for the audit log (daemon/audited.h) */
    void (*done)(struct batch *);
    void *owner;
};
int appeal_send(const struct appeal_options *o, const struct appeal_act *a, struct err *e);
/* "done": true, "ids": [of the events] */
void appeal_print_done(struct buf *out, const struct batch *b);

/* A turn or a rating as explanations show it (docs/openapi.json, Item); its event, which an appeal names. */
struct appeal_thing {
    struct str conversation, agent;
    bool is_rating;
    int64_t asked_ms;    /* turn: when the customer began to wait */
    int32_t day;         /* rating */
    int64_t score_milli; /* rating: milli-stars of five */
};
struct appeal_named {
    struct str id, source; /* in the arena */
};
bool appeal_name(struct site *s, const struct tz *tz, const struct appeal_thing *thing, struct arena *arena,
                 struct appeal_named *out); /* false: there is none */

/* What an accepted appeal of the agent brought: the event to be undone. Strings live in the arena. -1 with e: there is no such
 * appeal, it was not accepted, or it is undone already. */
struct appeal_which {
    uint32_t agent;
    struct str id;
};
struct appeal_came {
    struct str conversation, id, source;
};
int appeal_outcome(struct site *s, const struct appeal_which *which, struct arena *arena, struct appeal_came *out,
                   struct err *e);

/* Which appeals: those of agents of whom sees() says so (NULL: all), open or made at since_ms or later, about what was in a month. */
struct appeal_query {
    bool (*sees)(void *arg, uint32_t agent);
    void *arg;
    int64_t since_ms;           /* INT64_MIN: all */
    int64_t about_ms, until_ms; /* what is contested was then; 0, 0: whenever it was */
};
/* Appends [{"agent", "id", "at", "conversation", "about", "message", "reason", "actor", "state", "decided_by"?, "decided_at"?,
 * "decision"?, "undone"?, "undone_by"?, "undone_at"?}], and of all agents [{"agent", "opened", "accepted", "rejected"}]. */
void appeal_print_list(struct buf *out, struct site *s, const struct appeal_query *q);
void appeal_print_counts(struct buf *out, const struct site *s);

#endif
