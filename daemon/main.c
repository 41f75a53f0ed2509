/* kefud: reads its arguments and files, starts the daemon, and says with its exit status how it ended (sysexits.h): 0 stopped
 * as asked, 64 the arguments were wrong, 70 a bug or no memory, 74 store or sockets, 78 something in its files is not well. */
#include <event2/event.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "kefu/base/digest.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"

#define CONFIG_FILE "/etc/kefud/kefud.json"

static const char usage[] =
    "Usage: kefud [-c FILE] [-t]\n"
    "Turns customer-service chat events into live scores.\n"
    "\n"
    "  -c, --config FILE  the configuration (" CONFIG_FILE ")\n"
    "  -t, --test         check the configuration and all files it names, say what is not well, and end\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n"
    "\n"
    "Signals: TERM and INT stop it after what was taken is durable; HUP reads its files again, whole or not at all.\n"
    "Exit status: 0 stopped as asked; 64 wrong arguments; 70 a bug; 74 store or sockets; 78 something in its files.\n";

struct arguments {
    const char *config;
    bool test;
};

/* -1: go on; else the status to exit with. */
static int read_arguments(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"test", no_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "c:thV", options, NULL)) != -1) {
        switch (c) {
        case 'c': a->config = optarg; break;
        case 't': a->test = true; break;
        case 'h': fputs(usage, stdout); return 0;
        case 'V': puts("kefud " KEFU_VERSION); return 0;
        default: fputs("Try kefud --help.\n", stderr); return EX_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "kefud: found \"%s\", expected options only. Try kefud --help.\n", argv[optind]);
        return EX_USAGE;
    }
    return -1;
}

static int fail(int status, const struct err *e)
{
    log_line(LOG_LEVEL_ERROR, "start", "done=0 where=\"%s\" error=\"%s\"", e->where, e->what);
    return status;
}

/* One daemon's life; *supervise is handed on from one to the next. -1: another one is to begin. */
static int live(const char *config, struct supervise **supervise)
{
    struct err e;
    int status = 0;
    struct settings *s = settings_load(config, &e);
    if (!s) {
        return fail(EX_CONFIG, &e);
    }
    log_set_level((enum log_level)s->config.log_level);
    struct daemon *d = daemon_new(s, *supervise, clock_real(), &status, &e);
    *supervise = NULL;
    if (!d) {
        return fail(status, &e);
    }
    daemon_run(d);
    *supervise = daemon_leave(d);
    daemon_free(d);
    if (*supervise) {
        log_line(LOG_LEVEL_NOTE, "start_anew", "why=\"a person was erased\"");
        return -1;
    }
    log_line(LOG_LEVEL_NOTE, "stopped", "status=0");
    return 0;
}

static int run(const char *config)
{
    struct supervise *supervise = NULL;
    int status;
    do {
        status = live(config, &supervise);
    } while (status < 0);
    supervise_free(supervise);
    return status;
}

/* Boards are connections: as many as the system lets us have, where a shell gives 1,024 by habit. */
static void raise_files(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l); /* then it stays as it is */
    }
}

int main(int argc, char **argv)
{
    struct arguments a = {.config = CONFIG_FILE};
    int status = read_arguments(argc, argv, &a);
    if (status >= 0) {
        return status;
    }
    umask(077);
    raise_files();
    event_set_mem_functions(xmalloc, xrealloc, free);
    digest_start();
    if (a.test) {
        return settings_check(a.config) ? EX_CONFIG : 0;
    }
    return run(a.config);
}
