/* Listening on a path: makes the socket file with its mode from the first moment, and replaces one that a dead process left,
 * but never one on which somebody still listens. */
#ifndef KEFU_BASE_UNIX_SOCKET_H
#define KEFU_BASE_UNIX_SOCKET_H

#include <sys/types.h>
#include <sys/un.h>

#include "kefu/base/err.h"

#define UNIX_PATH_BYTES (sizeof(((struct sockaddr_un *)0)->sun_path) + 1)

/* A listening stream socket (non-blocking, closed on exec), or -1 with e: the path is too long, somebody listens there, a
 * file that is no socket stands there, or what the system says. */
int unix_listen(const char *path, mode_t mode, struct err *e);

/* Takes over a listening unix socket that somebody else has made: non-blocking from here on. Writes its path; "" if it has
 * none. -1 with e, and the descriptor is closed. */
int unix_take_over(int fd, char path[UNIX_PATH_BYTES], struct err *e);

#endif
