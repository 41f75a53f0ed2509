/* The writer thread and the mailboxes between it and the loop.
 *
 * One ring holds every commit from writer_push to writer_take: [taken, done) is finished, [done, grouped) is being written,
 * [grouped, pushed) waits. So both mailboxes are bounded by one number and order is kept by construction. While one group is
 * synced the next gathers: many commits under load, one when alone. The thread reads the clock only to wait group_ms. */
#include "kefu/store/writer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"

struct writer {
    struct store *store; /* borrowed; the thread's while it runs */
    struct writer_options options;
    pthread_t thread;
    int fd; /* eventfd: something is done */
    pthread_mutex_t mutex;
    pthread_cond_t more; /* something waits, or finishing */
    /* under the mutex: */
    struct commit **ring; /* options.queue_max places; counters below are taken modulo that */
    uint64_t taken, done, grouped, pushed;
    uint64_t waiting_events_n;
    bool finishing;
    uint64_t moves_n; /* answers given, and work begun after idleness */
    uint64_t seen_moves_n;
    int64_t moved_mono_ms; /* when writer_silent_ms last saw them change */
    /* the thread's own: */
    struct commit **group;
};

static struct commit **place(struct writer *w, uint64_t counter)
{
    return &w->ring[counter % w->options.queue_max];
}

/* Weight of a commit in a group: one without events costs a row or two as well. */
static uint64_t weight(const struct commit *c)
{
    return c->events_n ? c->events_n : 1;
}

static struct timespec deadline_after(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Under the mutex: waits for work, then, if asked to, a little for company. False: finished and nothing is left. */
static bool wait_for_group(struct writer *w)
{
    while (w->grouped == w->pushed && !w->finishing)
        pthread_cond_wait(&w->more, &w->mutex);
    if (w->grouped == w->pushed)
        return false;
    if (w->options.group_ms <= 0)
        return true;
    struct timespec deadline = deadline_after(w->options.group_ms);
    while (w->waiting_events_n < w->options.group_max && !w->finishing)
        if (pthread_cond_clockwait(&w->more, &w->mutex, CLOCK_MONOTONIC, &deadline) == ETIMEDOUT)
            break;
    return true;
}

/* Under the mutex: moves what waits, up to group_max events but at least one commit, to the group; returns how many. */
static size_t take_group(struct writer *w)
{
    size_t n = 0;
    uint64_t events_n = 0;
    while (w->grouped < w->pushed && (n == 0 || events_n < w->options.group_max)) {
        struct commit *c = *place(w, w->grouped++);
        w->group[n++] = c;
        events_n += weight(c);
    }
    w->waiting_events_n -= events_n;
    return n;
}

static void signal_fd(int fd)
{
    uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof one);
    assert(n == (ssize_t)sizeof one);
    (void)n;
}

static void *run(void *arg)
{
    struct writer *w = arg;
    pthread_mutex_lock(&w->mutex);
    while (wait_for_group(w)) {
        size_t n = take_group(w);
        pthread_mutex_unlock(&w->mutex);
        store_write(w->store, w->group, n);
        pthread_mutex_lock(&w->mutex);
        w->done += n;
        w->moves_n++;
        signal_fd(w->fd);
        pthread_mutex_unlock(&w->mutex);
        store_tidy(w->store);
        pthread_mutex_lock(&w->mutex);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

static _Noreturn void cannot_start(const char *step, int error)
{
    log_line(LOG_LEVEL_ERROR, "writer_failed", "step=%s detail=\"%s\"", step, strerror(error));
    exit(EX_OSERR);
}

/* Starts the thread with all signals blocked: they are the loop's. */
static void start_thread(struct writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        cannot_start("thread", error);
}

struct writer *writer_start(struct store *store, const struct writer_options *o)
{
    assert(o->queue_max > 0 && o->group_max > 0);
    struct writer *w = xcalloc(1, sizeof *w);
    w->store = store;
    w->options = *o;
    w->ring = xcalloc(o->queue_max, sizeof(struct commit *));
    w->group = xcalloc(o->queue_max, sizeof(struct commit *));
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->more, NULL);
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->fd < 0)
        cannot_start("eventfd", errno);
    start_thread(w);
    return w;
}

void writer_finish(struct writer *w)
{
    pthread_mutex_lock(&w->mutex);
    w->finishing = true;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
}

void writer_free(struct writer *w)
{
    assert(w->finishing && w->done == w->pushed);
    close(w->fd);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->mutex);
    free(w->ring);
    free(w->group);
    free(w);
}

int writer_fd(const struct writer *w)
{
    return w->fd;
}

int writer_push(struct writer *w, struct commit *c)
{
    int refused = -1;
    pthread_mutex_lock(&w->mutex);
    if (!w->finishing && w->pushed - w->taken < w->options.queue_max) {
        c->result = COMMIT_NONE;
        w->moves_n += w->done == w->pushed;
        *place(w, w->pushed++) = c;
        w->waiting_events_n += weight(c);
        pthread_cond_signal(&w->more);
        refused = 0;
    }
    pthread_mutex_unlock(&w->mutex);
    return refused;
}

struct commit *writer_take(struct writer *w)
{
    struct commit *c = NULL;
    pthread_mutex_lock(&w->mutex);
    if (w->taken < w->done)
        c = *place(w, w->taken++);
    uint64_t count;
    if (w->taken == w->done && read(w->fd, &count, sizeof count) < 0)
        assert(errno == EAGAIN); /* it was empty already */
    pthread_mutex_unlock(&w->mutex);
    return c;
}

int64_t writer_silent_ms(struct writer *w, int64_t mono_ms)
{
    pthread_mutex_lock(&w->mutex);
    if (w->done == w->pushed || w->moves_n != w->seen_moves_n) {
        w->seen_moves_n = w->moves_n;
        w->moved_mono_ms = mono_ms;
    }
    int64_t silent_ms = mono_ms - w->moved_mono_ms;
    pthread_mutex_unlock(&w->mutex);
    return silent_ms;
}
