/* Rulebooks that are or were in force, as the store remembers them: under one name a rulebook never changes, and a new one
 * holds from a month that has not begun (SPEC.md, Scores).
 *
 * A store without events takes any. One that was adopted for a month that has not begun may be taken away at a start: it is
 * remembered so, and put back only as a new one is; its name stays taken. */
#ifndef KEFU_DAEMON_ADOPTED_H
#define KEFU_DAEMON_ADOPTED_H

#include "kefu/base/err.h"
#include "kefu/model/rulebook.h"

struct daemon;

/* The settings against the open store, before the site is made. -1 with e: which rulebook, and what to do. */
int adopted_at_start(struct daemon *d, struct err *e);
/* The same of rulebooks of a reload, against all names ever taken. */
int adopted_check(struct daemon *d, const struct rulebooks *fresh, struct err *e);
/* Has the store remember those that are new, and those that are gone before they held, soon; a full disk leaves it to the next start. */
void adopted_remember(struct daemon *d, const struct rulebooks *list);

#endif
