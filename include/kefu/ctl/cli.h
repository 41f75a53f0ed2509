/* What every command of kefuctl shares: how it describes itself, how its arguments are read, how it ends.
 *
 * A command is one const descriptor and one function. Its options are rows of a table, from which both the reading and the
 * help are made, so that an option without help cannot exist. */
#ifndef KEFU_CTL_CLI_H
#define KEFU_CTL_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/err.h"

/* Exit statuses, documented in kefuctl(1). Commands return them. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,     /* refused, or could not be done; nothing was changed unless the message says so */
    CLI_BAD_INPUT = 2,  /* wrong usage, or some lines of the input were refused (the rest was done) */
    CLI_UNREACHABLE = 3 /* no daemon answers */
};

#define CLI_OPTIONS_MAX 24

struct cli_option {
    const char *name;  /* without the dashes; NULL ends the table */
    const char *value; /* what the help calls its value; NULL: a flag */
    const char *help;
};

struct cli;
struct command {
    const char *name;
    const char *arguments; /* as the usage line shows them */
    const char *summary;   /* one line */
    const char *help;      /* paragraphs; ends in a line feed; may be "" */
    const struct cli_option *options;
    enum cli_exit (*run)(const struct cli *c);
};

/* The arguments of one call, read. Everything is borrowed from argv and the environment. */
struct cli {
    const struct command *command;
    const char *values[CLI_OPTIONS_MAX]; /* by the row in command->options; NULL: not given; "" for a flag */
    const char **args;                   /* what is no option, in order */
    size_t args_n;
    const char *config; /* -c, --config */
    const char *state;  /* --state */
    bool json;          /* --json: print for machines */
};

/* Reads argv[1 …] after the command's name. Options may stand anywhere before "--"; `--name value` and `--name=value` are
 * the same. Returns -1 after saying on standard error what is wrong and how to see the help. args must have room for argc
 * pointers. */
int cli_read(struct cli *c, const struct command *command, int argc, char **argv, const char **args);
/* The value of an option of the command's table, or NULL; "" for a given flag. */
const char *cli_value(const struct cli *c, const char *name);
static inline bool cli_flag(const struct cli *c, const char *name)
{
    return cli_value(c, name) != NULL;
}
/* A whole number min … max; *out is left alone if the option is not given. -1 after a message. */
int cli_number(const struct cli *c, const char *name, int64_t min, int64_t max, int64_t *out);
/* Milliseconds since 1970 or RFC 3339 with an offset; *out is left alone if not given. -1 after a message. */
int cli_time(const struct cli *c, const char *name, int64_t *out);
/* Usage, summary, options and help of a command, to standard output. */
void cli_help(const struct command *command);

/* One line on standard error: "kefuctl COMMAND: …". */
void cli_say(const struct cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same of an error, with its place in front if it has one. */
void cli_say_err(const struct cli *c, const struct err *e);

#endif
