/* The writer thread and the mailboxes between it and the loop.
 *
 * One ring holds every commit from writer_push to writer_take: [taken, done) is finished, [done, grouped) is being written,
 * [grouped, pushed) waits. So both mailboxes are bounded by one number and order is kept by construction. While one group is
 * synced the next gathers: many commits under load, one when alone. The thread reads the clock only to wait group_ms.
 * It sleeps on a descriptor, not on a condition variable: an eventfd keeps its count, so that no wake-up can be lost.
 * With `in_caller` there is no thread: the same ring, and writer_take writes the next group itself. */
#include "kefu/store/writer.h"

#include <assert.h>
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

#include "kefu/base/clock.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"

struct writer {
    struct store *store; /* borrowed; the thread's while it runs */
    struct writer_options options;
    struct clock clock; /* the machine's */
    pthread_t thread;
    int fd;      /* eventfd: something is done */
    int wake_fd; /* eventfd: what the thread waits for has come */
    pthread_mutex_t mutex;
    /* under the mutex: */
    struct commit **ring; /* options.queue_max places; counters below are taken modulo that */
    uint64_t taken, done, grouped, pushed;
    uint64_t waiting_events_n; /* by weight */
    uint64_t wake_at_n;        /* the thread sleeps until so many wait; 0: it does not sleep */
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

static void signal_fd(int fd)
{
    uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof one);
    assert(n == (ssize_t)sizeof one);
    (void)n;
}

/* Empties an eventfd, which may be empty already. */
static void clear_fd(int fd)
{
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0)
        assert(errno == EAGAIN);
}

/* Under the mutex: wakes the thread if it sleeps and what it sleeps for is there. */
static void wake(struct writer *w)
{
    if (!w->wake_at_n || (w->waiting_events_n < w->wake_at_n && !w->finishing))
        return;
    w->wake_at_n = 0;
    signal_fd(w->wake_fd);
}

/* Under the mutex, which is free meanwhile: sleeps until events_n wait, finishing, or until_mono_ms (-1: however long). */
static void sleep_until(struct writer *w, uint64_t events_n, int64_t until_mono_ms)
{
    while (w->waiting_events_n < events_n && !w->finishing) {
        int64_t left_ms = until_mono_ms < 0 ? -1 : until_mono_ms - clock_mono_ms(&w->clock);
        if (until_mono_ms >= 0 && left_ms <= 0)
            return;
        w->wake_at_n = events_n;
        pthread_mutex_unlock(&w->mutex);
        struct pollfd p = {.fd = w->wake_fd, .events = POLLIN};
        (void)poll(&p, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX); /* whatever it says, the counters decide */
        clear_fd(w->wake_fd);
        pthread_mutex_lock(&w->mutex);
        w->wake_at_n = 0;
    }
}

/* Under the mutex: waits for work, then, if asked to, a little for company. False: finished and nothing is left. */
static bool wait_for_group(struct writer *w)
{
    sleep_until(w, 1, -1);
    if (w->grouped == w->pushed)
        return false;
    if (w->options.group_ms > 0)
        sleep_until(w, w->options.group_max, clock_mono_ms(&w->clock) + w->options.group_ms);
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

/* Under the mutex, which it leaves while the disk works: writes the next group and hands it back. */
static void write_group(struct writer *w)
{
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

static void *run(void *arg)
{
    struct writer *w = arg;
    pthread_setname_np(pthread_self(), "kefud-writer");
    pthread_mutex_lock(&w->mutex);
    while (wait_for_group(w))
        write_group(w);
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
    w->clock = clock_real();
    w->ring = xcalloc(o->queue_max, sizeof(struct commit *));
    w->group = xcalloc(o->queue_max, sizeof(struct commit *));
    pthread_mutex_init(&w->mutex, NULL);
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->fd < 0 || w->wake_fd < 0)
        cannot_start("eventfd", errno);
    if (!o->in_caller)
        start_thread(w);
    return w;
}

void writer_finish(struct writer *w)
{
    pthread_mutex_lock(&w->mutex);
    w->finishing = true;
    wake(w);
    while (w->options.in_caller && w->grouped < w->pushed)
        write_group(w);
    pthread_mutex_unlock(&w->mutex);
    if (!w->options.in_caller)
        pthread_join(w->thread, NULL);
}

void writer_free(struct writer *w)
{
    assert(w->finishing && w->done == w->pushed);
    close(w->fd);
    close(w->wake_fd);
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
        wake(w);
        if (w->options.in_caller)
            signal_fd(w->fd);
        refused = 0;
    }
    pthread_mutex_unlock(&w->mutex);
    return refused;
}

struct commit *writer_take(struct writer *w)
{
    struct commit *c = NULL;
    pthread_mutex_lock(&w->mutex);
    if (w->options.in_caller && w->taken == w->done && w->grouped < w->pushed)
        write_group(w);
    if (w->taken < w->done)
        c = *place(w, w->taken++);
    if (w->taken == (w->options.in_caller ? w->pushed : w->done))
        clear_fd(w->fd);
    pthread_mutex_unlock(&w->mutex);
    return c;
}

uint64_t writer_events_n(struct writer *w)
{
    uint64_t events_n = 0;
    pthread_mutex_lock(&w->mutex);
    for (uint64_t at = w->taken; at < w->pushed; at++)
        events_n += (*place(w, at))->events_n;
    pthread_mutex_unlock(&w->mutex);
    return events_n;
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
