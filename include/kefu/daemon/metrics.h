/* /metrics: how the daemon itself fares, as Prometheus reads it. Counts and sizes alone: no figure of an agent, no name, no pay. */
#ifndef KEFU_DAEMON_METRICS_H
#define KEFU_DAEMON_METRICS_H

#include "kefu/base/buf.h"
#include "kefu/daemon/call.h"

struct daemon;

void metrics_print(struct buf *out, struct daemon *d);
void metrics_answer(struct call *c);

#endif
