/* New settings for a running daemon, whole or not at all. */
#ifndef KEFU_DAEMON_RELOAD_H
#define KEFU_DAEMON_RELOAD_H

#include "kefu/base/err.h"
#include "kefu/model/access.h"

struct daemon;

/* Reads all files again. Taken over are tokens, platforms, channels, log_level, and rulebooks for months that have not begun. -1
 * with e, and nothing has changed: a file is not well, an option that needs a restart differs, or a rulebook of before is
 * gone or another (under one name a rulebook never changes). Logs which. */
int reload(struct daemon *d, struct err *e);

/* Reads the tokens file as it is now, lets `change` work on the list, writes it back in one step, and takes it over. -1
 * with e (from change, too): nothing has changed. */
int reload_change_tokens(struct daemon *d, int (*change)(void *arg, struct tokens *t, struct err *e), void *arg,
                         struct err *e);

#endif
