/* Listening on a path: makes the socket file with its mode from the first moment, and replaces one that a dead process left,
 * but never one on which somebody still listens. */
#ifndef KEFU_BASE_UNIX_SOCKET_H
#define KEFU_BASE_UNIX_SOCKET_H

#include <sys/types.h>

#include "kefu/base/err.h"

/* A listening stream socket (non-blocking, closed on exec), or -1 with e: the path is too long, somebody listens there, a
 * file that is no socket stands there, or what the system says. */
int unix_listen(const char *path, mode_t mode, struct err *e);

#endif
