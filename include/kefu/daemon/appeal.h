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
    const struct rulebook *rulebook; /* for the decoder; any */
};

/* Makes the batch of an act; `event` is its JSON without id, source and ts. done and owner as in struct batch; the caller
 * submits it. NULL with e: what is wrong with it. */
struct batch *appeal_batch(const struct appeal_options *o, const cJSON *event, void (*done)(struct batch *),
                           void *owner, struct err *e);
/* Appends [{"agent", "id", "at", "conversation", "about", "message", "reason", "actor", "state", "decided_by"?, "decided_at"?,
 * "decision"?}] of all agents, and then [{"agent", "opened", "accepted", "rejected"}]. */
void appeal_print_list(struct buf *out, const struct site *s);
void appeal_print_counts(struct buf *out, const struct site *s);

#endif
