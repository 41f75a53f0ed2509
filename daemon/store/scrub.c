/* The thread that looks for damage, and the little it shares with the loop: a state under a mutex, an eventfd to end it.
 *
 * Keeps true: between two steps it holds no read transaction. A store that cannot be opened for looking counts as a finding:
 * it is no less bad than a damaged row. */
#include "kefu/store/scrub.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/store/reader.h"

/* journal_step's transaction, more or less. */
#define STEP_ROWS INT64_C(64)

struct scrub {
    char *path;
    int64_t step_ms, pause_ms;
    int end_fd;
    pthread_t thread;
    pthread_mutex_t mutex;
    struct scrub_state state; /* under the mutex */
    uint64_t pass_damages_n;  /* the thread's own */
};

static void on_damage(void *arg, const struct err *e)
{
    struct scrub *s = arg;
    log_line(LOG_LEVEL_ERROR, "damage", "where=\"%s\" error=\"%s\"", e->where, e->what);
    s->pass_damages_n++;
    pthread_mutex_lock(&s->mutex);
    if (s->pass_damages_n > s->state.damages_n)
        s->state.damages_n = s->pass_damages_n;
    s->state.last = *e;
    pthread_mutex_unlock(&s->mutex);
}

/* Sleeps; false: it is time to end. */
static bool wait_ms(struct scrub *s, int64_t ms)
{
    struct pollfd p = {.fd = s->end_fd, .events = POLLIN};
    return poll(&p, 1, ms < INT_MAX ? (int)ms : INT_MAX) <= 0;
}

/* All steps of a pass; false: it is time to end. */
static bool look(struct scrub *s, struct reader *r)
{
    struct reader_watch watch = {.damage = on_damage, .arg = s};
    struct reader_found found = {0};
    size_t tables_n;
    (void)schema_tables(&tables_n);
    bool go_on = true;
    for (size_t i = 0; go_on && i < tables_n; i++) {
        int64_t from = 0;
        for (bool more = true; go_on && more;) {
            more = reader_check_table(r, i, &from, &watch, &found);
            go_on = wait_ms(s, s->step_ms);
        }
    }
    for (uint64_t next = r->first_seq; go_on && next <= r->last_seq;) {
        reader_check_journal(r, &next, &watch, &found);
        go_on = wait_ms(s, s->step_ms);
    }
    return go_on;
}

static bool pass(struct scrub *s)
{
    struct reader r;
    struct err e;
    bool go_on = true;
    s->pass_damages_n = 0;
    if (reader_open(&r, s->path, &e) == 0) {
        go_on = look(s, &r);
        reader_close(&r);
    } else {
        on_damage(s, &e);
    }
    if (!go_on)
        return false;
    pthread_mutex_lock(&s->mutex);
    s->state.passes_n++;
    s->state.damages_n = s->pass_damages_n;
    pthread_mutex_unlock(&s->mutex);
    return true;
}

static void *run(void *arg)
{
    struct scrub *s = arg;
    for (int64_t ms = s->step_ms; wait_ms(s, ms) && pass(s);)
        ms = s->pause_ms;
    return NULL;
}

struct scrub *scrub_start(const struct scrub_options *o)
{
    struct scrub *s = xcalloc(1, sizeof *s);
    sigset_t all, before;
    s->path = xstrndup(o->path, strlen(o->path));
    s->step_ms = STEP_ROWS * 1000 / o->rows_s;
    s->pause_ms = o->pause_ms;
    pthread_mutex_init(&s->mutex, NULL);
    s->end_fd = eventfd(0, EFD_CLOEXEC);
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = s->end_fd < 0 ? errno : pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        log_line(LOG_LEVEL_ERROR, "scrub_failed", "detail=\"%s\"", strerror(error));
        exit(EX_OSERR);
    }
    return s;
}

void scrub_stop(struct scrub *s)
{
    uint64_t one = 1;
    if (!s)
        return;
    if (write(s->end_fd, &one, sizeof one) != (ssize_t)sizeof one)
        abort(); /* an eventfd takes a one */
    pthread_join(s->thread, NULL);
    close(s->end_fd);
    pthread_mutex_destroy(&s->mutex);
    free(s->path);
    free(s);
}

void scrub_state(struct scrub *s, struct scrub_state *out)
{
    pthread_mutex_lock(&s->mutex);
    *out = s->state;
    pthread_mutex_unlock(&s->mutex);
}
