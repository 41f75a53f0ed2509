/* kefuctl backup, restore, verify: copies of the store, and whether it or a copy is sound.
 *
 * The store is looked at by a read-only connection of our own, so a running daemon neither helps nor waits. Restoring wants the
 * store for itself. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kefu/ctl/bar.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/reach.h"
#include "kefu/store/backup.h"

struct backup_call {
    const struct cli *cli;
    struct bar bar;
};

static void on_damage(void *arg, const struct err *e)
{
    struct backup_call *b = arg;
    bar_clear(&b->bar);
    cli_say_err(b->cli, e);
}

static void on_progress(void *arg, const char *what, uint64_t done_n, uint64_t all_n)
{
    bar_paint(&((struct backup_call *)arg)->bar, what, done_n, all_n);
}

static int store_path(const struct cli *c, char *path, size_t path_n, struct err *e)
{
    char dir[REACH_PATH_MAX];
    if (reach_state(c, dir, sizeof dir, e))
        return -1;
    snprintf(path, path_n, "%s/kefu.db", dir);
    return 0;
}

static enum cli_exit fail(struct backup_call *b, const struct err *e)
{
    bar_clear(&b->bar);
    cli_say_err(b->cli, e);
    return CLI_FAILED;
}

static bool wants_one_file(const struct cli *c)
{
    if (c->args_n == 1)
        return true;
    cli_say(c, "expected the name of one file");
    return false;
}

static enum cli_exit run_backup(const struct cli *c)
{
    struct backup_call b = {.cli = c};
    struct reader_watch watch = {on_damage, on_progress, &b};
    struct reader r;
    struct err e;
    char path[REACH_PATH_MAX + 16];
    if (!wants_one_file(c))
        return CLI_BAD_INPUT;
    bar_init(&b.bar);
    if (store_path(c, path, sizeof path, &e) || reader_open(&r, path, &e))
        return fail(&b, &e);
    int bad = backup_make(&r, c->args[0], &watch, &e);
    uint64_t last_seq = r.last_seq;
    reader_close(&r);
    if (bad)
        return fail(&b, &e);
    bar_clear(&b.bar);
    printf("%s holds the store up to at least event %" PRIu64
           " and is sound.\nKeep a copy of the customer key file too: it is"
           " not in it, and without it the store does not start.\n",
           c->args[0], last_seq);
    return CLI_OK;
}

static enum cli_exit run_restore(const struct cli *c)
{
    struct backup_call b = {.cli = c};
    struct reader_watch watch = {on_damage, on_progress, &b};
    struct err e;
    char dir[REACH_PATH_MAX], kept[4096];
    if (!wants_one_file(c))
        return CLI_BAD_INPUT;
    bar_init(&b.bar);
    if (reach_state(c, dir, sizeof dir, &e) || backup_restore(dir, c->args[0], &watch, kept, &e))
        return fail(&b, &e);
    bar_clear(&b.bar);
    printf("%s is in place in %s.\n", c->args[0], dir);
    if (kept[0])
        printf("The database that was there is kept as %s\n", kept);
    return CLI_OK;
}

static enum cli_exit run_verify(const struct cli *c)
{
    struct backup_call b = {.cli = c};
    struct reader_watch watch = {on_damage, on_progress, &b};
    struct reader_found found = {0};
    struct reader r;
    struct err e;
    char path[REACH_PATH_MAX + 16];
    bar_init(&b.bar);
    if (c->args_n > 1 && !wants_one_file(c))
        return CLI_BAD_INPUT;
    if (c->args_n == 0 && store_path(c, path, sizeof path, &e))
        return fail(&b, &e);
    if (reader_open(&r, c->args_n ? c->args[0] : path, &e)) {
        (void)fail(&b, &e);
        return CLI_BAD_INPUT;
    }
    reader_check(&r, &watch, &found);
    reader_close(&r);
    bar_clear(&b.bar);
    printf(c->json ? "{\"rows\":%" PRIu64 ",\"events\":%" PRIu64 ",\"damages\":%" PRIu64 "}\n"
                   : "%" PRIu64 " rows and %" PRIu64 " events looked at, %" PRIu64 " places are damaged\n",
           found.rows_n, found.events_n, found.damages_n);
    return found.damages_n ? CLI_BAD_INPUT : CLI_OK;
}

static const struct cli_option none[] = {{NULL, NULL, NULL}};

const struct command command_backup = {
    .name = "backup",
    .arguments = "FILE",
    .summary = "copy the store, as it is now, to one file; the daemon may run",
    .help = "Written to FILE.part, read back and checked, synced, and only then called FILE. What was\n"
            "acknowledged before is in it. The customer key file is not: keep it apart.\n",
    .options = none,
    .run = run_backup,
};

const struct command command_restore = {
    .name = "restore",
    .arguments = "FILE",
    .summary = "put a backup in the place of the store; no daemon may run",
    .help = "Refuses a file that is not wholly sound. The database that was there is kept beside the new one.\n",
    .options = none,
    .run = run_restore,
};

const struct command command_verify = {
    .name = "verify",
    .arguments = "[FILE] [--json]",
    .summary = "check every page and every row of the store, or of a backup",
    .help = "Exit status 0 if all is sound, else 2. The daemon may run.\n",
    .options = none,
    .run = run_verify,
};
