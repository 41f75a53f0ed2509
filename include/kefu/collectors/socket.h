/* NDJSON over a unix stream socket, the fastest way in.
 *
 * The peer sends lines; it is told, as they become durable, {"ack": N, "accepted": a, "duplicate": d, "rejected":
 * [{"line", "id", "reason"}]}: the first N lines of this connection are durable, but the rejected; a, d and rejected are
 * those since the last such answer. When the peer shuts its side, a last answer comes (with all its lines acknowledged)
 * and the connection is closed. When the queue or the disk is full, nothing is read until there is room again: the
 * peer's writes block. What was not acknowledged when the connection ends may be sent again: it is a duplicate at worst. */
#ifndef KEFU_COLLECTORS_SOCKET_H
#define KEFU_COLLECTORS_SOCKET_H

#include <event2/event.h>

#include "kefu/base/err.h"
#include "kefu/model/batch.h"

struct socket_door;

/* Listens on `path` (mode 0660), or, if fd is not -1, on that listening socket, whose file then stays when we go; fd is ours
 * from the call on. NULL with e. base and ingest are borrowed. */
struct socket_door *socket_open(struct event_base *base, const char *path, int fd, struct ingest *ingest,
                                struct err *e);
/* Where; borrowed from the door. */
const char *socket_path(const struct socket_door *d);
/* No new connections; nothing more is read of the old ones. What is under way is still acknowledged. */
void socket_stop(struct socket_door *d);
/* Closes all. Batches still under way come back without anybody to tell. */
void socket_free(struct socket_door *d);

#endif
