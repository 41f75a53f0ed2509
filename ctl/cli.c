/* Reading of kefuctl's arguments, by the table of each command.
 *
 * Keeps true: an option is known, has its value and is given once, or the call ends with a line that names it. */
#include "kefu/ctl/cli.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/tz.h"

static int usage(const struct cli *c, const char *what, const char *which)
{
    fprintf(stderr, "kefuctl %s: %s%s\nUsage: kefuctl %s %s\nMore:  kefuctl help %s\n", c->command->name, what, which,
            c->command->name, c->command->arguments, c->command->name);
    return -1;
}

/* The value of the option at argv[*i], which is `name` long and may hold "=value" itself; NULL: there is none. */
static const char *take_value(int argc, char **argv, int *i, size_t name_n)
{
    if (argv[*i][name_n] == '=')
        return argv[*i] + name_n + 1;
    return *i + 1 < argc ? argv[++*i] : NULL;
}

static bool is_option(const char *arg, const char *name, size_t *name_n)
{
    size_t n = strlen(name);
    *name_n = n + 2;
    return strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, name, n) == 0 && (arg[n + 2] == '\0' || arg[n + 2] == '=');
}

static int read_common(struct cli *c, int argc, char **argv, int *i)
{
    size_t n;
    const char **into = NULL;
    if (strcmp(argv[*i], "-c") == 0) {
        into = &c->config;
        n = 2;
    } else if (is_option(argv[*i], "config", &n)) {
        into = &c->config;
    } else if (is_option(argv[*i], "state", &n)) {
        into = &c->state;
    } else if (strcmp(argv[*i], "--json") == 0) {
        c->json = true;
        return 0;
    } else {
        return usage(c, "there is no option ", argv[*i]);
    }
    const char *name = argv[*i];
    *into = take_value(argc, argv, i, n);
    return *into ? 0 : usage(c, "a value is missing after ", name);
}

static int read_option(struct cli *c, int argc, char **argv, int *i)
{
    const struct cli_option *o = c->command->options;
    size_t n, row = 0;
    while (o[row].name && !is_option(argv[*i], o[row].name, &n))
        row++;
    if (!o[row].name)
        return read_common(c, argc, argv, i);
    const char *name = argv[*i];
    if (c->values[row])
        return usage(c, "given twice: ", name);
    if (!o[row].value)
        c->values[row] = name[n] == '=' ? NULL : "";
    else
        c->values[row] = take_value(argc, argv, i, n);
    if (!c->values[row])
        return usage(c, o[row].value ? "a value is missing after " : "takes no value: ", name);
    return 0;
}

int cli_read(struct cli *c, const struct command *command, int argc, char **argv, const char **args)
{
    *c = (struct cli){.command = command, .args = args};
    bool only_args = false;
    for (int i = 1; i < argc; i++) {
        if (only_args || argv[i][0] != '-' || argv[i][1] == '\0')
            c->args[c->args_n++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            only_args = true;
        else if (read_option(c, argc, argv, &i) != 0)
            return -1;
    }
    return 0;
}

const char *cli_value(const struct cli *c, const char *name)
{
    const struct cli_option *o = c->command->options;
    size_t row = 0;
    while (o[row].name && strcmp(o[row].name, name) != 0)
        row++;
    assert(o[row].name && row < CLI_OPTIONS_MAX);
    return c->values[row];
}

int cli_number(const struct cli *c, const char *name, int64_t min, int64_t max, int64_t *out)
{
    const char *text = cli_value(c, name);
    if (!text)
        return 0;
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno || end == text || *end || v < min || v > max) {
        cli_say(c, "--%s: found \"%s\", expected a whole number from %" PRId64 " to %" PRId64, name, text, min, max);
        return -1;
    }
    *out = v;
    return 0;
}

int cli_time(const struct cli *c, const char *name, int64_t *out)
{
    const char *text = cli_value(c, name);
    if (!text)
        return 0;
    if (text[0] != '\0' && text[strspn(text, "-0123456789")] == '\0')
        return cli_number(c, name, -INT64_C(9007199254740991), INT64_C(9007199254740991), out);
    struct err e;
    if (rfc3339_parse(str_of(text), out, &e) == 0)
        return 0;
    cli_say(c, "--%s: %s (or milliseconds since 1970 UTC)", name, e.what);
    return -1;
}

static void help_option(const char *name, const char *value, const char *help)
{
    char left[64];
    snprintf(left, sizeof left, "%s%s%s", name, value ? " " : "", value ? value : "");
    printf("  %-24s %s\n", left, help);
}

void cli_help(const struct command *command)
{
    printf("kefuctl %s %s\n\n%s\n", command->name, command->arguments, command->summary);
    if (command->help[0])
        printf("\n%s", command->help);
    printf("\nOptions\n");
    for (const struct cli_option *o = command->options; o->name; o++) {
        char name[40];
        snprintf(name, sizeof name, "--%s", o->name);
        help_option(name, o->value, o->help);
    }
    help_option("-c, --config", "FILE", "kefud.json of the daemon meant; it says where the sockets are");
    help_option("--state", "DIR", "the folder of its sockets (instead of -c; also $KEFU_STATE)");
    help_option("--json", NULL, "print JSON, for machines");
}

void cli_say(const struct cli *c, const char *format, ...)
{
    fprintf(stderr, "kefuctl %s: ", c->command->name);
    va_list ap;
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
}

void cli_say_err(const struct cli *c, const struct err *e)
{
    cli_say(c, "%s%s%s", e->where, e->where[0] ? ": " : "", e->what);
}
