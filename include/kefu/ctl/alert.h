/* kefuctl alert try: a dry run of alert rules. */
#ifndef KEFU_CTL_ALERT_H
#define KEFU_CTL_ALERT_H

#include "kefu/ctl/cli.h"

/* Replays the events of the files against the rules and prints, for each rule, how often it would have fired, for how many
 * subjects, for how long in all, and how many messages channels would have been sent. */
enum cli_exit alert_try(const struct cli *c);

#endif
