/* kefuctl: the command line beside the daemon.
 *
 * A table of commands, nothing more: what each does is in its own file. `compute` and `simulate --out` need no daemon;
 * the others ask it over the sockets in its state directory. Exit statuses: enum cli_exit. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/mem.h"
#include "kefu/ctl/cli.h"
#include "kefu/ctl/commands.h"

static const struct command *const commands[] = {
    &command_status, &command_agents,  &command_agent,  &command_report,   &command_quarantine, &command_checkpoint,
    &command_load,   &command_compute, &command_token,  &command_reload,   &command_simulate,   &command_journal,
    &command_backup, &command_restore, &command_verify, &command_watch,    &command_audit,      &command_collector,
    &command_import, &command_month,   &command_appeal, &command_backtest, &command_alert,      &command_person,
};
#define COMMANDS_N (sizeof commands / sizeof *commands)

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS_N; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static void help_all(FILE *out)
{
    fprintf(out, "kefuctl %s, the command line of kefud\n\nUsage: kefuctl COMMAND …\n\n", KEFU_VERSION);
    for (size_t i = 0; i < COMMANDS_N; i++)
        fprintf(out, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "  %-11s %s\n  %-11s %s\n", "help", "what a command does: kefuctl help COMMAND", "--version",
            "the version");
    fprintf(out, "\nExit status: 0 done, 1 refused or failed, 2 wrong usage or some input lines refused,\n"
                 "3 no daemon answers. Where the daemon is: -c kefud.json, --state DIR or $KEFU_STATE.\n");
}

static enum cli_exit unknown(const char *name)
{
    fprintf(stderr, "kefuctl: there is no command \"%s\"; see kefuctl --help\n", name);
    return CLI_BAD_INPUT;
}

static enum cli_exit help(int argc, char **argv)
{
    if (argc < 3) {
        help_all(stdout);
        return (int)CLI_OK;
    }
    const struct command *command = find(argv[2]);
    if (!command)
        return unknown(argv[2]);
    cli_help(command);
    return CLI_OK;
}

static bool asks_help(int argc, char **argv)
{
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static enum cli_exit run(const struct command *command, int argc, char **argv)
{
    struct cli c;
    const char **args = xcalloc((size_t)argc + 1, sizeof *args);
    enum cli_exit status = CLI_BAD_INPUT;
    if (cli_read(&c, command, argc - 1, argv + 1, args) == 0)
        status = command->run(&c);
    free(args);
    /* What could not be written (a full disk, a closed pipe) must not look like success. */
    if (fflush(stdout) != 0 && status == CLI_OK) {
        perror("kefuctl: standard output");
        status = CLI_FAILED;
    }
    return status;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    digest_start();
    if (argc < 2) {
        help_all(stderr);
        return (int)CLI_BAD_INPUT;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return (int)help(argc, argv);
    if (strcmp(argv[1], "--version") == 0) {
        printf("kefuctl %s\n", KEFU_VERSION);
        return (int)CLI_OK;
    }
    const struct command *command = find(argv[1]);
    if (!command)
        return (int)unknown(argv[1]);
    if (asks_help(argc, argv)) {
        cli_help(command);
        return (int)CLI_OK;
    }
    return (int)run(command, argc, argv);
}
