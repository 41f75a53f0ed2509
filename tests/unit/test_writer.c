/* What writer.h promises: order, bounds, groups, draining; on the real thread and a real disk. Nothing sleeps: the tests
 * wait for the descriptor, as the loop does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sqlite3.h>

#include "kefu/base/digest.h"
#include "kefu/store/writer.h"
#include "support_random.h"
#include "support_store.h"
#include "support_vfs.h"

#define PATIENCE_MS 30000

static struct err e;
static char why[512];

static int set_up(void **state)
{
    digest_start();
    *state = test_dir_new();
    return 0;
}

static int tear_down(void **state)
{
    test_dir_free(*state);
    return 0;
}

static struct store *must_open(const char *dir, const char *vfs)
{
    struct store *s = store_open_vfs(dir, vfs, &e);
    if (!s)
        fail_msg("%s: %s", e.where, e.what);
    return s;
}

static bool readable(struct writer *w, int wait_ms)
{
    struct pollfd p = {.fd = writer_fd(w), .events = POLLIN};
    return poll(&p, 1, wait_ms) == 1;
}

static struct commit *must_take(struct writer *w)
{
    struct commit *c;
    while (!(c = writer_take(w)))
        assert_true(readable(w, PATIENCE_MS));
    return c;
}

static const struct writer_options OPTIONS = {.queue_max = 64, .group_max = 50};

static void commits_come_back_in_order_and_are_on_disk(void **state)
{
    struct store *s = must_open(*state, NULL);
    struct writer *w = writer_start(s, &OPTIONS);
    struct script_commit *rooms = calloc(65, sizeof *rooms);
    /* One room more than the queue has places: the next commit is made before it is refused. */
    uint64_t pushed = 0, taken = 0;
    while (taken < 500) {
        while (pushed < 500) {
            script_commit(&rooms[pushed % 65], pushed + 1);
            if (writer_push(w, &rooms[pushed % 65].commit))
                break;
            pushed++;
        }
        struct commit *c = must_take(w);
        assert_ptr_equal(c, &rooms[taken % 65].commit);
        assert_int_equal(c->result, COMMIT_DONE);
        assert_int_equal(c->first_seq, c->events_n ? script_last_seq(taken) + 1 : 0);
        taken++;
    }
    writer_finish(w);
    assert_null(writer_take(w));
    writer_free(w);
    store_close(s);
    free(rooms);
    assert_int_equal(script_state_of_dir(*state, why, sizeof why), 500);
}

static void the_descriptor_is_readable_exactly_while_something_is_done(void **state)
{
    struct store *s = must_open(*state, NULL);
    struct writer *w = writer_start(s, &OPTIONS);
    struct script_commit a, b;
    script_commit(&a, 1);
    script_commit(&b, 2);
    assert_false(readable(w, 0));
    assert_null(writer_take(w));
    assert_int_equal(writer_push(w, &a.commit), 0);
    assert_int_equal(writer_push(w, &b.commit), 0);
    writer_finish(w);
    assert_true(readable(w, 0));
    assert_ptr_equal(writer_take(w), &a.commit);
    assert_true(readable(w, 0));
    assert_ptr_equal(writer_take(w), &b.commit);
    assert_false(readable(w, 0));
    writer_free(w);
    store_close(s);
}

static void finish_writes_all_that_was_pushed(void **state)
{
    struct store *s = must_open(*state, NULL);
    struct writer *w = writer_start(s, &OPTIONS);
    struct script_commit *rooms = calloc(64, sizeof *rooms);
    for (uint64_t k = 1; k <= 64; k++) {
        script_commit(&rooms[k - 1], k);
        assert_int_equal(writer_push(w, &rooms[k - 1].commit), 0);
    }
    writer_finish(w);
    assert_int_equal(writer_push(w, &rooms[0].commit), -1);
    for (uint64_t k = 1; k <= 64; k++) {
        assert_ptr_equal(writer_take(w), &rooms[k - 1].commit);
        assert_int_equal(rooms[k - 1].commit.result, COMMIT_DONE);
    }
    writer_free(w);
    store_close(s);
    free(rooms);
    assert_int_equal(script_state_of_dir(*state, why, sizeof why), 64);
}

/* A gate in the disk: writes wait while it is shut, so that what the writer has taken and what waits can be told apart. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint transactions_n;

static int count_transaction(void *arg)
{
    (void)arg;
    atomic_fetch_add(&transactions_n, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return 0;
}

static int hook_connection(sqlite3 *sql, char **message, const struct sqlite3_api_routines *api)
{
    (void)message;
    (void)api;
    sqlite3_commit_hook(sql, count_transaction, NULL);
    return SQLITE_OK;
}

/* sqlite3_auto_extension takes any function; SQLite calls it by its true type. */
static struct store *open_gated(const char *dir)
{
    sqlite3_auto_extension((void (*)(void))hook_connection);
    struct store *s = must_open(dir, NULL);
    sqlite3_reset_auto_extension();
    atomic_store(&transactions_n, 0);
    return s;
}

/* Pushes commit 1 alone and waits until the writer is inside its transaction. */
static void push_and_hold(struct writer *w, struct script_commit *room)
{
    pthread_mutex_lock(&gate);
    script_commit(room, 1);
    assert_int_equal(writer_push(w, &room->commit), 0);
    while (atomic_load(&transactions_n) < 1)
        sched_yield();
}

static void a_full_queue_refuses_and_takes_nothing(void **state)
{
    struct writer_options small = {.queue_max = 3, .group_max = 1000};
    struct store *s = open_gated(*state);
    struct writer *w = writer_start(s, &small);
    struct script_commit rooms[4];
    push_and_hold(w, &rooms[0]);
    for (uint64_t k = 2; k <= 4; k++) {
        script_commit(&rooms[k - 1], k);
        assert_int_equal(writer_push(w, &rooms[k - 1].commit), k <= 3 ? 0 : -1);
    }
    assert_int_equal(rooms[3].commit.result, COMMIT_NONE);
    pthread_mutex_unlock(&gate);
    assert_ptr_equal(must_take(w), &rooms[0].commit);
    assert_int_equal(writer_push(w, &rooms[3].commit), 0);
    writer_finish(w);
    while (writer_take(w))
        continue;
    writer_free(w);
    store_close(s);
    assert_int_equal(script_state_of_dir(*state, why, sizeof why), 4);
}

static void what_waits_becomes_one_transaction(void **state)
{
    struct store *s = open_gated(*state);
    struct writer *w = writer_start(s, &(struct writer_options){.queue_max = 64, .group_max = 100000});
    struct script_commit *rooms = calloc(64, sizeof *rooms);
    push_and_hold(w, &rooms[0]);
    for (uint64_t k = 2; k <= 64; k++) {
        script_commit(&rooms[k - 1], k);
        assert_int_equal(writer_push(w, &rooms[k - 1].commit), 0);
    }
    pthread_mutex_unlock(&gate);
    writer_finish(w);
    assert_int_equal(atomic_load(&transactions_n), 2);
    while (writer_take(w))
        continue;
    writer_free(w);
    store_close(s);
    free(rooms);
    assert_int_equal(script_state_of_dir(*state, why, sizeof why), 64);
}

/* 60 commits that weigh 160: groups weigh 10 to 14. */
static void a_group_closes_at_its_greatest_size(void **state)
{
    struct store *s = open_gated(*state);
    struct writer *w = writer_start(s, &(struct writer_options){.queue_max = 64, .group_max = 10});
    struct script_commit *rooms = calloc(64, sizeof *rooms);
    push_and_hold(w, &rooms[0]);
    for (uint64_t k = 2; k <= 61; k++) {
        script_commit(&rooms[k - 1], k);
        assert_int_equal(writer_push(w, &rooms[k - 1].commit), 0);
    }
    pthread_mutex_unlock(&gate);
    writer_finish(w);
    assert_in_range(atomic_load(&transactions_n), 1 + 12, 1 + 16);
    while (writer_take(w))
        continue;
    writer_free(w);
    store_close(s);
    free(rooms);
}

static void a_group_that_may_wait_gathers_what_comes(void **state)
{
    struct store *s = open_gated(*state);
    struct writer *w = writer_start(s, &(struct writer_options){.queue_max = 64, .group_max = 15, .group_ms = 600000});
    struct script_commit rooms[6];
    for (uint64_t k = 1; k <= 6; k++) { /* 1 + 2 + 3 + 4 + 5 events: the fifth closes the group */
        script_commit(&rooms[k - 1], k);
        assert_int_equal(writer_push(w, &rooms[k - 1].commit), 0);
        if (k == 5)
            for (uint64_t i = 1; i <= 5; i++)
                assert_ptr_equal(must_take(w), &rooms[i - 1].commit);
    }
    assert_int_equal(atomic_load(&transactions_n), 1);
    writer_finish(w); /* does not wait for company */
    assert_ptr_equal(writer_take(w), &rooms[5].commit);
    writer_free(w);
    store_close(s);
}

static void a_group_does_not_wait_longer_than_asked(void **state)
{
    struct store *s = must_open(*state, NULL);
    struct writer *w = writer_start(s, &(struct writer_options){.queue_max = 64, .group_max = 1000, .group_ms = 1});
    struct script_commit room;
    script_commit(&room, 1);
    assert_int_equal(writer_push(w, &room.commit), 0);
    assert_ptr_equal(must_take(w), &room.commit);
    writer_finish(w);
    writer_free(w);
    store_close(s);
}

/* Passes a little time without sleeping: from none to about the time a small commit takes. */
static void dawdle(uint64_t *seed)
{
    static atomic_uint sink;
    for (uint64_t n = random_scale(seed, 16); n; n--)
        atomic_fetch_add_explicit(&sink, 1, memory_order_relaxed);
}

/* The moment to lose a wake-up is when the thread goes to sleep while a commit comes: this makes many such moments, of every
 * kind there is (idle, gathering, gathered, one alone). A lost one shows as a commit that does not come back. */
static void no_pause_between_commits_loses_one(void **state)
{
    uint64_t seed = random_start(), total = test_rounds(3000, 2000000);
    struct store *s = must_open(*state, NULL);
    struct script_commit *rooms = calloc(8, sizeof *rooms);
    uint64_t pushed = 0;
    for (int64_t group_ms = 0; group_ms <= 1; group_ms++) {
        struct writer *w =
            writer_start(s, &(struct writer_options){.queue_max = 8, .group_max = 9, .group_ms = group_ms});
        uint64_t taken = pushed;
        for (uint64_t end = pushed + total / (group_ms ? 10 : 1); taken < end;) {
            for (uint64_t n = 1 + random_next(&seed) % 8; n && pushed < end && pushed - taken < 8; n--) {
                script_commit(&rooms[pushed % 8], pushed + 1);
                assert_int_equal(writer_push(w, &rooms[pushed % 8].commit), 0);
                pushed++;
                dawdle(&seed);
            }
            for (uint64_t n = 1 + random_next(&seed) % 8; n && taken < pushed; n--, taken++)
                assert_ptr_equal(must_take(w), &rooms[taken % 8].commit);
            dawdle(&seed);
        }
        writer_finish(w);
        writer_free(w);
    }
    assert_int_equal(script_state(s, why, sizeof why), pushed);
    store_close(s);
    free(rooms);
}

static void silence_is_counted_only_while_an_answer_is_due(void **state)
{
    struct store *s = open_gated(*state);
    struct writer *w = writer_start(s, &OPTIONS);
    struct script_commit rooms[2];
    assert_int_equal(writer_silent_ms(w, 1000), 0);
    assert_int_equal(writer_silent_ms(w, 90000), 0);
    push_and_hold(w, &rooms[0]);
    assert_int_equal(writer_silent_ms(w, 100000), 0);
    assert_int_equal(writer_silent_ms(w, 104000), 4000);
    script_commit(&rooms[1], 2);
    assert_int_equal(writer_push(w, &rooms[1].commit), 0); /* more work is no answer */
    assert_int_equal(writer_silent_ms(w, 110000), 10000);
    pthread_mutex_unlock(&gate);
    must_take(w);
    must_take(w);
    assert_int_equal(writer_silent_ms(w, 120000), 0);
    writer_finish(w);
    writer_free(w);
    store_close(s);
}

static void F5_a_full_disk_is_an_answer_and_passes(void **state)
{
    struct fault_plan *plan = fault_plan_new((struct fault_plan){0});
    struct store *s = must_open(*state, FAULT_VFS);
    struct writer *w = writer_start(s, &OPTIONS);
    struct script_commit room;
    for (uint64_t k = 1; k <= 20; k++) {
        for (int round = 0; round < 3; round++) { /* twice full, then room again */
            plan->full = k % 5 == 0 && round < 2;
            script_commit(&room, k);
            assert_int_equal(writer_push(w, &room.commit), 0);
            assert_ptr_equal(must_take(w), &room.commit);
            assert_int_equal(room.commit.result, plan->full ? COMMIT_FULL : COMMIT_DONE);
            if (!plan->full)
                break;
            assert_int_equal(store_last_seq(s), script_last_seq(k - 1));
        }
    }
    writer_finish(w);
    writer_free(w);
    assert_int_equal(script_state(s, why, sizeof why), 20);
    store_close(s);
    assert_int_equal(script_state_of_dir(*state, why, sizeof why), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(commits_come_back_in_order_and_are_on_disk),
        TEST(the_descriptor_is_readable_exactly_while_something_is_done),
        TEST(finish_writes_all_that_was_pushed),
        TEST(a_full_queue_refuses_and_takes_nothing),
        TEST(what_waits_becomes_one_transaction),
        TEST(a_group_closes_at_its_greatest_size),
        TEST(a_group_that_may_wait_gathers_what_comes),
        TEST(a_group_does_not_wait_longer_than_asked),
        TEST(no_pause_between_commits_loses_one),
        TEST(silence_is_counted_only_while_an_answer_is_due),
        TEST(F5_a_full_disk_is_an_answer_and_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
