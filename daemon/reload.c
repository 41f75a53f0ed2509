/* Reads into fresh settings first and touches the living ones only when nothing can fail any more. Rulebooks that are in force
 * stay the objects they are, for the site holds pointers to them; only new ones are added. */
#include "kefu/daemon/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/json.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/adopted.h"
#include "kefu/daemon/daemon.h"

#define TOKENS_MAX_BYTES ((size_t)4 << 20)

/* --- rulebooks ---------------------------------------------------------------------------------------------------- */

static const struct rulebook *named(const struct rulebooks *in, struct str name)
{
    for (size_t i = 0; i < in->n; i++) {
        if (str_eq(in->list[i]->name, name)) {
            return in->list[i];
        }
    }
    return NULL;
}

/* True: a rulebook of the fresh settings is in use from now on. */
static bool adopt_rulebooks(struct daemon *d, struct settings *fresh)
{
    struct rulebooks list = {.n = fresh->rulebooks.n};
    bool used = false;
    for (size_t i = 0; i < list.n; i++) {
        const struct rulebook *r = fresh->rulebooks.list[i];
        const struct rulebook *old = named(&d->settings->rulebooks, r->name);
        bool same = old && str_eq(old->text, r->text);
        list.list[i] = same ? old : r; /* of one in force whom alerts wake may be new, and nothing else */
        if (!same) {
            used = true;
            log_line(LOG_LEVEL_NOTE, "rulebook", "name=%.*s adopted=1", STR_ARG(r->name));
        }
    }
    d->settings->rulebooks = list;
    site_rulebooks_changed(d->site);
    return used;
}

static void swap_tokens(struct settings *a, struct tokens *b)
{
    struct tokens was = a->tokens;
    a->tokens = *b;
    *b = was;
}

static void swap_who(struct settings *a, struct settings *b)
{
    struct directory *was = a->directory;
    a->directory = b->directory;
    b->directory = was;
}

/* A rulebook leans on the settings it was read with, so these stay as long as the daemon. */
static void keep(struct daemon *d, struct settings *s)
{
    xgrow(&d->kept, &d->kept_cap, d->kept_n + 1, sizeof(struct settings *));
    d->kept[d->kept_n++] = s;
}

/* Returns what is to be freed. */
static struct settings *adopt(struct daemon *d, struct settings *fresh)
{
    struct config *c = &d->settings->config;
    bool used = adopt_rulebooks(d, fresh);
    swap_tokens(d->settings, &fresh->tokens);
    d->tokens_changed_n++;
    swap_who(d->settings, fresh);
    hub_adopt(d->hub, &fresh->channels);
    alerts_channels_changed(pipeline_alerts(d->pipeline));
    c->log_level = fresh->config.log_level;
    c->leaderboard = fresh->config.leaderboard;
    log_set_level((enum log_level)c->log_level);
    if (used) {
        keep(d, fresh);
    }
    return used ? NULL : fresh;
}

/* Now, or the first instant of the month that the figures have reached, if the clock is behind it. */
static int64_t latest_ms(const struct daemon *d)
{
    int64_t now_ms = clock_wall_ms(&d->clock);
    int64_t month_ms = tz_at(d->settings->tz, civil_month_first(pipeline_month(d->pipeline)), 0);
    return now_ms > month_ms ? now_ms : month_ms;
}

int reload(struct daemon *d, struct err *e)
{
    int status = -1;
    supervise_reloading(d->supervise, clock_mono_ms(&d->clock));
    struct settings *fresh = settings_reload(d->settings, d->settings->config.file.p, latest_ms(d), e);
    if (!fresh || adopted_check(d, &fresh->rulebooks, e) < 0 || hub_prepare(d->hub, &fresh->channels, e) < 0) {
        goto out;
    }
    /* The last that may fail: it takes over at once. */
    if (collect_adopt(d->collect, &fresh->directory->roster, e) < 0) {
        goto out;
    }
    adopted_remember(d, &fresh->rulebooks);
    fresh = adopt(d, fresh);
    status = 0;
out:
    settings_free(fresh);
    if (status < 0) {
        log_line(LOG_LEVEL_ERROR, "reload", "done=0 where=\"%s\" error=\"%s\"", e->where, e->what);
    } else {
        log_line(LOG_LEVEL_NOTE, "reload", "done=1");
    }
    supervise_ready(d->supervise, status < 0 ? "ready; the last reload was refused" : "ready; reloaded");
    return status;
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

static int read_tokens(const char *path, struct tokens *t, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        return 0;
    }
    if (json_read_file(path, TOKENS_MAX_BYTES, &text, &n, e) < 0) {
        return -1;
    }
    int status = access_read(t, (struct str){text, n}, path, e);
    free(text);
    return status;
}

static int write_tokens(const char *path, const struct tokens *t, struct err *e)
{
    char fresh[4096 + 8];
    struct buf text = {0};
    int status = -1;
    snprintf(fresh, sizeof(fresh), "%.4095s.new", path);
    access_print(t, &text);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        err_set(e, fresh, "cannot make it: %s", strerror(errno));
        goto out;
    }
    if (write(fd, text.p, text.n) != (ssize_t)text.n || fsync(fd) < 0 || rename(fresh, path) < 0) {
        err_set(e, fresh, "cannot write it: %s", strerror(errno));
        goto out;
    }
    status = 0;
out:
    if (fd >= 0) {
        close(fd);
    }
    buf_fini(&text);
    return status;
}

int reload_change_tokens(struct daemon *d, int (*change)(void *arg, struct tokens *t, struct err *e), void *arg,
                         struct err *e)
{
    const char *path = d->settings->config.tokens_file.p;
    struct tokens t = {0};
    int status = -1;
    if (read_tokens(path, &t, e) == 0 && change(arg, &t, e) == 0 && write_tokens(path, &t, e) == 0) {
        swap_tokens(d->settings, &t);
        d->tokens_changed_n++;
        status = 0;
    }
    access_fini(&t);
    return status;
}
