/* kefuctl alert try: a dry run of alert rules. */
#ifndef KEFU_CTL_ALERT_H
#define KEFU_CTL_ALERT_H

#include "kefu/ctl/cli.h"

/* Replays the events of the files against the rules and prints, for each rule, how often it would have fired, the most on
 * a day, and how many messages a channel that hears everything would have been sent; with --list each change of an alert too. */
enum cli_exit alert_try(const struct cli *c);

#endif
