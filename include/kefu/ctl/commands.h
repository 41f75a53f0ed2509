/* The commands of kefuctl, each defined in the file of its name (those that only ask the daemon: ctl/ask.c). */
#ifndef KEFU_CTL_COMMANDS_H
#define KEFU_CTL_COMMANDS_H

#include "kefu/ctl/cli.h"

extern const struct command command_compute;
extern const struct command command_load;
extern const struct command command_simulate;
extern const struct command command_status;
extern const struct command command_agent;
extern const struct command command_agents;
extern const struct command command_report;
extern const struct command command_quarantine;
extern const struct command command_checkpoint;
extern const struct command command_token;
extern const struct command command_reload;
extern const struct command command_watch;
extern const struct command command_journal;
extern const struct command command_appeal;
extern const struct command command_backtest;
extern const struct command command_month;
extern const struct command command_alert;
extern const struct command command_backup;
extern const struct command command_restore; /* ctl/backup.c */
extern const struct command command_audit;
extern const struct command command_verify; /* ctl/backup.c */
extern const struct command command_collector;
extern const struct command command_import;
extern const struct command command_person;

#endif
