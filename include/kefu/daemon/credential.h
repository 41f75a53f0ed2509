/* Secrets that the service manager hands over: "credential:NAME" where kefud.json asks for the file of a secret.
 *
 * It means the file NAME in the folder that $CREDENTIALS_DIRECTORY names (LoadCredential= of a systemd unit): readable by
 * the service alone, never swapped out, gone when it stops. The secret itself is never in the environment. */
#ifndef KEFU_DAEMON_CREDENTIAL_H
#define KEFU_DAEMON_CREDENTIAL_H

#include <limits.h>
#include <stdbool.h>

#include "kefu/base/err.h"

/* Does a path of the configuration name a credential? */
bool credential_is(const char *path);
/* Is there a folder of credentials at all? Not when a person runs kefud by hand. */
bool credentials_are_here(void);
/* The file that a path of the configuration means: of a credential its file, else the path itself. -1 with e: the name is
 * empty or leads elsewhere, there is no folder, or the result is longer than PATH_MAX. Whether the file is there is not
 * looked at. */
int credential_file(const char *path, char file[PATH_MAX], struct err *e);

#endif
