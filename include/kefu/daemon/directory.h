/* The files that say which platforms a daemon listens to and whose accounts are whose: collectors_file and agents_file. */
#ifndef KEFU_DAEMON_DIRECTORY_H
#define KEFU_DAEMON_DIRECTORY_H

#include <stdbool.h>

#include "kefu/base/err.h"
#include "kefu/collectors/people.h"
#include "kefu/collectors/roster.h"
#include "kefu/model/config.h"

struct directory {
    struct roster roster; /* with its secrets, and its people */
    struct people *people;
};

/* Reads both files, if kefud.json names them, and every file of a secret that they name. NULL with e: where = "file:line
 * field". With `check`, credentials that only the service is given are not looked for. The caller owns. */
struct directory *directory_load(const struct config *c, bool check, struct err *e);
void directory_free(struct directory *w);

#endif
