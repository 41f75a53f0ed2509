/* The ring of rows between the thread that reads and the caller that folds.
 *
 * It keeps true that a row belongs to one of the two at any time, that rows are handed out in their order, each whole and
 * proved, and that the thread is over before the replay is. */
#include "kefu/store/ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "kefu/base/log.h"

#define ROWS_AHEAD 4 /* of some thousand events each: enough that neither side waits for a slow row of the other's */

struct ahead {
    struct journal *journal; /* the thread's while it runs, but for its attempt */
    uint64_t next_seq, last_seq;
    struct journal_row rows[ROWS_AHEAD];
    int bad; /* what the thread ended with; to be read after it */
    struct err *e;
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    /* under the mutex: */
    uint64_t read_n, taken_n; /* rows */
    bool over;
};

/* --- the thread ----------------------------------------------------------------------------------------------------- */

static struct journal_row *free_row(void *arg)
{
    struct ahead *a = arg;
    pthread_mutex_lock(&a->mutex);
    while (a->read_n - a->taken_n == ROWS_AHEAD)
        pthread_cond_wait(&a->moved, &a->mutex);
    struct journal_row *row = &a->rows[a->read_n % ROWS_AHEAD];
    pthread_mutex_unlock(&a->mutex);
    return row;
}

static void put_row(void *arg, struct journal_row *row)
{
    struct ahead *a = arg;
    (void)row;
    pthread_mutex_lock(&a->mutex);
    a->read_n++;
    pthread_cond_signal(&a->moved);
    pthread_mutex_unlock(&a->mutex);
}

static void *read_on(void *arg)
{
    struct ahead *a = arg;
    struct journal_taker to = {free_row, put_row, a};
    pthread_setname_np(pthread_self(), "kefud-ahead");
    while (!a->bad && a->next_seq <= a->last_seq)
        a->bad = journal_rows(a->journal, &a->next_seq, a->last_seq, &to, a->e);
    pthread_mutex_lock(&a->mutex);
    a->over = true;
    pthread_cond_signal(&a->moved);
    pthread_mutex_unlock(&a->mutex);
    return NULL;
}

static pthread_t start(struct ahead *a)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, read_on, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        log_line(LOG_LEVEL_ERROR, "replay_failed", "detail=\"%s\"", strerror(error));
        exit(EX_OSERR);
    }
    return thread;
}

/* --- the caller ----------------------------------------------------------------------------------------------------- */

/* The next row that was read; NULL: there will be none. */
static const struct journal_row *next_row(struct ahead *a)
{
    pthread_mutex_lock(&a->mutex);
    while (a->read_n == a->taken_n && !a->over)
        pthread_cond_wait(&a->moved, &a->mutex);
    const struct journal_row *row = a->read_n > a->taken_n ? &a->rows[a->taken_n % ROWS_AHEAD] : NULL;
    pthread_mutex_unlock(&a->mutex);
    return row;
}

static void give_back(struct ahead *a)
{
    pthread_mutex_lock(&a->mutex);
    a->taken_n++;
    pthread_cond_signal(&a->moved);
    pthread_mutex_unlock(&a->mutex);
}

int ahead_replay(struct journal *j, uint64_t first_seq, uint64_t last_seq, const struct store_replay *r, struct err *e)
{
    struct ahead a = {.journal = j, .next_seq = first_seq, .last_seq = last_seq, .e = e};
    const struct journal_row *row;
    pthread_mutex_init(&a.mutex, NULL);
    pthread_cond_init(&a.moved, NULL);
    pthread_t thread = start(&a);
    while ((row = next_row(&a))) {
        uint64_t to_seq = row->to_seq;
        journal_hand_out(j, row, r);
        give_back(&a);
        if (r->progress)
            r->progress(r->progress_arg, to_seq + 1 - first_seq, last_seq + 1 - first_seq);
    }
    pthread_join(thread, NULL);
    for (size_t i = 0; i < ROWS_AHEAD; i++)
        journal_row_fini(&a.rows[i]);
    pthread_cond_destroy(&a.moved);
    pthread_mutex_destroy(&a.mutex);
    return a.bad;
}
