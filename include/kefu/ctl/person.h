/* kefuctl person export: all that the store keeps of one person. */
#ifndef KEFU_CTL_PERSON_H
#define KEFU_CTL_PERSON_H

#include <stdbool.h>

#include "kefu/ctl/cli.h"

/* Prints a JSON object a line, over a read-only connection to the store that the command line names. */
enum cli_exit person_export(const struct cli *c, bool customer, const char *id);

#endif
