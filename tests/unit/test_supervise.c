/* When a sign of life is given and when it is withheld, on a scripted clock; with a real store whose writer is held up at
 * its commit, and one whose disk is full. The test is the service manager: it hears a datagram socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kefu/base/log.h"
#include "kefu/daemon/supervise.h"
#include "support_vfs.h"
#include "support_world.h"

static int ear = -1;
static struct err e;

static int set_up(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)state;
    snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "kefu-test-supervise-%ld", (long)getpid()); /* no file */
    ear = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(at.sun_path + 1));
    assert_int_equal(bind(ear, (struct sockaddr *)&at, n), 0);
    at.sun_path[0] = '@';
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    setenv("WATCHDOG_USEC", "20000000", 1);
    log_set_level(LOG_LEVEL_ERROR);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(ear);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    return 0;
}

/* The next word that was said, or "". */
static const char *heard(void)
{
    static char word[512];
    ssize_t n = recv(ear, word, sizeof(word) - 1, 0);
    word[n > 0 ? n : 0] = 0;
    return word;
}

static struct supervise *must_start(void)
{
    struct supervise *s = supervise_new(&e);
    assert_non_null(s);
    return s;
}

static void alive_is_said_four_times_an_interval(void **state)
{
    struct supervise *s = must_start();
    (void)state;
    assert_int_equal(supervise_turn(s, 1000, 0), 5000);
    assert_string_equal(heard(), "WATCHDOG=1");
    assert_int_equal(supervise_turn(s, 5999, 0), 1);
    assert_string_equal(heard(), "");
    assert_int_equal(supervise_turn(s, 6000, 0), 5000);
    assert_string_equal(heard(), "WATCHDOG=1");
    assert_string_equal(heard(), "");
    supervise_free(s);
}

static void nobody_asks_nothing_is_said(void **state)
{
    (void)state;
    unsetenv("WATCHDOG_USEC");
    struct supervise *s = must_start();
    assert_true(supervise_turn(s, 1000, 0) == INT64_MAX);
    assert_string_equal(heard(), "");
    supervise_ready(s, "ready");
    assert_string_equal(heard(), "READY=1\nSTATUS=ready");
    unsetenv("NOTIFY_SOCKET");
    supervise_ready(s, "ready");
    supervise_reloading(s, 5);
    supervise_stopping(s);
    assert_string_equal(heard(), "");
    supervise_free(s);
}

static void another_process_is_asked_not_we(void **state)
{
    (void)state;
    setenv("WATCHDOG_PID", "1", 1);
    struct supervise *s = must_start();
    unsetenv("WATCHDOG_PID");
    assert_true(supervise_turn(s, 1000, 0) == INT64_MAX);
    assert_string_equal(heard(), "");
    supervise_free(s);
}

static void a_replay_is_told_once_a_second(void **state)
{
    struct supervise *s = must_start();
    (void)state;
    supervise_replaying(s, 1000, 10, 100);
    assert_string_equal(heard(), "STATUS=replaying the journal: 10 of 100 events\nEXTEND_TIMEOUT_USEC=60000000");
    supervise_replaying(s, 1999, 50, 100);
    assert_string_equal(heard(), "");
    supervise_replaying(s, 2000, 90, 100);
    assert_string_equal(heard(), "STATUS=replaying the journal: 90 of 100 events\nEXTEND_TIMEOUT_USEC=60000000");
    supervise_free(s);
}

/* The manager asked at 5.0009 s; a stamp of 5.000 would be that of an earlier reload. */
static void the_stamp_of_a_reload_is_not_before_it(void **state)
{
    struct supervise *s = must_start();
    (void)state;
    supervise_reloading(s, 5000);
    assert_non_null(strstr(heard(), "RELOADING=1\nMONOTONIC_USEC=5001000\n"));
    supervise_free(s);
}

static void a_silence_of_ten_seconds_ends_it_and_an_answer_begins_it_again(void **state)
{
    struct supervise *s = must_start();
    (void)state;
    supervise_turn(s, 1000, 9999);
    assert_string_equal(heard(), "WATCHDOG=1");
    supervise_turn(s, 6000, 10000);
    assert_string_equal(heard(), "STATUS=the disk does not answer");
    supervise_turn(s, 11000, 15000);
    supervise_turn(s, 16000, 20000);
    assert_string_equal(heard(), "");
    supervise_turn(s, 21000, 0);
    assert_string_equal(heard(), "STATUS=ready: the disk answers again");
    assert_string_equal(heard(), "WATCHDOG=1");
    supervise_free(s);
}

/* --- with a writer ------------------------------------------------------------------------------------------------ */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint commits_n;

static int wait_at_gate(void *arg)
{
    (void)arg;
    atomic_fetch_add(&commits_n, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return 0;
}

static int hook_connection(sqlite3 *sql, char **message, const struct sqlite3_api_routines *api)
{
    (void)message;
    (void)api;
    sqlite3_commit_hook(sql, wait_at_gate, NULL);
    return SQLITE_OK;
}

static void a_writer_that_hangs_is_not_called_alive(void **state)
{
    sqlite3_auto_extension((void (*)(void))hook_connection);
    assert_int_equal(world_setup(state), 0);
    sqlite3_reset_auto_extension();
    struct world *w = *state;
    struct supervise *s = must_start();
    struct batch *b = world_batch(w);
    b->done = world_done_and_free;
    world_message(b, "m1", T0, FROM_CUSTOMER);
    pthread_mutex_lock(&gate);
    unsigned before_n = atomic_load(&commits_n);
    world_submit(w, b);
    while (atomic_load(&commits_n) == before_n) {
        sched_yield();
    }
    supervise_turn(s, w->now_ms, pipeline_silent_ms(w->p));
    assert_string_equal(heard(), "WATCHDOG=1");
    w->now_ms += 9999;
    supervise_turn(s, w->now_ms, pipeline_silent_ms(w->p));
    assert_string_equal(heard(), "WATCHDOG=1");
    w->now_ms += 5001;
    pipeline_turn(w->p); /* the loop lives */
    supervise_turn(s, w->now_ms, pipeline_silent_ms(w->p));
    assert_string_equal(heard(), "STATUS=the disk does not answer");
    assert_string_equal(heard(), "");
    pthread_mutex_unlock(&gate);
    world_run(w);
    w->now_ms += 5000;
    supervise_turn(s, w->now_ms, pipeline_silent_ms(w->p));
    assert_string_equal(heard(), "STATUS=ready: the disk answers again");
    assert_string_equal(heard(), "WATCHDOG=1");
    assert_int_equal(w->done_n, 1);
    supervise_free(s);
    world_teardown(state);
}

static void a_full_disk_is_an_answer(void **state)
{
    struct fault_plan *plan = fault_plan_new((struct fault_plan){0});
    assert_int_equal(world_setup(state), 0);
    struct world *w = *state;
    world_close(w);
    w->vfs = FAULT_VFS;
    world_open(w);
    struct supervise *s = must_start();
    plan->full = true;
    for (int i = 0; i < 12; i++) {
        struct batch *b = world_batch(w);
        world_message(b, "m1", T0, FROM_CUSTOMER);
        world_submit(w, b);
        world_run(w);
        assert_int_equal(b->result, BATCH_FULL);
        batch_free(b);
        w->now_ms += 5000;
        supervise_turn(s, w->now_ms, pipeline_silent_ms(w->p));
        assert_string_equal(heard(), "WATCHDOG=1");
    }
    plan->full = false;
    supervise_free(s);
    world_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(alive_is_said_four_times_an_interval),    T(nobody_asks_nothing_is_said),
        T(another_process_is_asked_not_we),         T(a_replay_is_told_once_a_second),
        T(the_stamp_of_a_reload_is_not_before_it),  T(a_silence_of_ten_seconds_ends_it_and_an_answer_begins_it_again),
        T(a_writer_that_hangs_is_not_called_alive), T(a_full_disk_is_an_answer),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
