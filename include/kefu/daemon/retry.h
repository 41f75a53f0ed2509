/* Refused events tried again: by themselves when their time has come, or because somebody asks.
 *
 * A row goes through the same door as an event that comes in (`ingest`); it is taken out of the quarantine by the commit
 * that makes its event durable. Holds nothing of its own: what is due stands in the quarantine. */
#ifndef KEFU_DAEMON_RETRY_H
#define KEFU_DAEMON_RETRY_H

#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/daemon/quarantine.h"
#include "kefu/model/batch.h"

struct retry {
    struct ingest *ingest; /* borrowed, both */
    struct quarantine *quarantine;
};

/* Hands in what is due, a bounded number a call; what the door refuses is due again in a second. */
void retry_due(struct retry *r);
/* As pipeline_retry. */
int retry_row(struct retry *r, uint64_t row, void (*done)(struct batch *), void *owner, struct err *e);

#endif
