/* A look at pay by kefuctl stands in the audit log before anything is shown. */
#ifndef KEFU_CTL_LOOK_H
#define KEFU_CTL_LOOK_H

#include "kefu/ctl/cli.h"

/* Notes that the Unix user who runs this looks at pay, of a month and an agent (NULL: of all): by the
 * daemon, who asks the socket who it is, or, if none runs, in the store itself. -1, said: it cannot be noted, so nothing may be shown. */
int look_note(const struct cli *c, const char *month, const char *agent);

#endif
