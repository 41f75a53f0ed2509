/* The store on disks that fail: F4, F5, F6, F21 of the fault table. What may die is run in a child process; each child
 * tells its parent, byte by byte through a pipe, which commits it was answered.
 *
 * A thousand children, each with a disk of its own that is synced for real, need patience where others use the disk too:
 * limit_s: 600 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "kefu/base/digest.h"
#include "kefu/base/log.h"
#include "kefu/store/store.h"
#include "kefu/store/writer.h"
#include "support_random.h"
#include "support_store.h"
#include "support_vfs.h"

#define COMMITS_N     14
#define EXIT_DONE     0
#define EXIT_LOST     74
#define EXIT_REFUSED  75 /* store_open said no */
#define EXIT_NO_FAULT 76 /* all was done and nothing has failed: the end of a series */

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

/* What a child did. */
struct outcome {
    int status;     /* its exit status; -1: a signal */
    uint64_t acked; /* commits answered COMMIT_DONE, all from 1 on */
};

/* Runs `body` in a child; it may write bytes to the descriptor it is given and ends with _exit. */
static struct outcome in_child(void (*body)(const char *dir, int ack_fd), const char *dir)
{
    int ends[2], status = 0;
    char byte;
    struct outcome out = {.status = -1};
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        log_set_level((enum log_level)0); /* dying is what is wanted here */
        body(dir, ends[1]);
        _exit(1);
    }
    close(ends[1]);
    while (read(ends[0], &byte, 1) == 1)
        out.acked++;
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status))
        out.status = WEXITSTATUS(status);
    return out;
}

static void ack(int fd)
{
    if (write(fd, "", 1) != 1)
        _exit(1);
}

/* The directory holds what `acked` commits leave, or one more (written, not answered). */
static void assert_old_or_new(const char *dir, const struct outcome *out, uint64_t n)
{
    int64_t k = script_state_of_dir(dir, why, sizeof why);
    if (k < 0)
        fail_msg("fault %" PRIu64 " (status %d, %" PRIu64 " answered): %s", n, out->status, out->acked, why);
    if ((uint64_t)k < out->acked || (uint64_t)k > out->acked + 1)
        fail_msg("fault %" PRIu64 " (status %d): %" PRIu64 " answered, %" PRId64 " there", n, out->status, out->acked,
                 k);
}

/* ---- F4 ---- */

static struct fault_plan *child_plan;

static void F4_body(const char *dir, int ack_fd)
{
    struct script_commit room;
    struct store *s = store_open_vfs(dir, FAULT_VFS, &e);
    if (!s)
        _exit(EXIT_REFUSED);
    struct writer *w = writer_start(s, &(struct writer_options){.queue_max = 4, .group_max = 100});
    for (uint64_t k = 1; k <= 6; k++) {
        if (k == 5) { /* the next sync, once */
            child_plan->ops = FAULT_SYNC;
            child_plan->fail_at = 1;
        }
        script_commit(&room, k);
        writer_push(w, &room.commit);
        struct pollfd p = {.fd = writer_fd(w), .events = POLLIN};
        poll(&p, 1, 30000);
        if (writer_take(w) && room.commit.result == COMMIT_DONE)
            ack(ack_fd);
    }
    _exit(EXIT_DONE);
}

static void F4_a_sync_that_fails_ends_the_process_without_an_answer(void **state)
{
    child_plan = fault_plan_new((struct fault_plan){0});
    struct outcome out = in_child(F4_body, *state);
    assert_int_equal(out.status, EXIT_LOST);
    assert_int_equal(out.acked, 4);
    assert_old_or_new(*state, &out, 1);
    struct store *s = store_open(*state, &e);
    assert_non_null(s);
    struct script_commit room;
    script_commit(&room, (uint64_t)script_state(s, why, sizeof why) + 1);
    struct commit *list = &room.commit;
    store_write(s, &list, 1);
    assert_int_equal(room.commit.result, COMMIT_DONE);
    store_close(s);
}

/* Fills the log to where the store tidies it. */
static void write_much(struct store *s, size_t commits_n)
{
    struct script_noise noise;
    script_noise(&noise, 256, 2048);
    for (size_t i = 0; i < commits_n; i++) {
        struct commit c = {.events = noise.pointers, .events_n = 256}, *list = &c;
        store_write(s, &list, 1);
        if (c.result != COMMIT_DONE)
            _exit(1);
    }
    script_noise_free(&noise);
}

static void tidy_body(const char *dir, int ack_fd)
{
    struct store *s = store_open_vfs(dir, FAULT_VFS, &e);
    if (!s)
        _exit(EXIT_REFUSED);
    write_much(s, 10); /* 5 MiB */
    ack(ack_fd);
    child_plan->fail_at = child_plan->counted_n + 1 + (uint64_t)child_plan->lasting;
    child_plan->lasting = false;
    store_tidy(s);
    _exit(EXIT_DONE);
}

/* The first sync of a checkpoint is the log's, the second the database's: `lasting` says which, see above. */
static void F4_a_sync_that_fails_while_tidying_ends_the_process(void **state)
{
    for (int second = 0; second < 2; second++) {
        child_plan = fault_plan_new((struct fault_plan){.ops = FAULT_SYNC, .lasting = second});
        struct outcome out = in_child(tidy_body, *state);
        assert_int_equal(out.acked, 1);
        assert_int_equal(out.status, EXIT_LOST);
        struct store *s = store_open(*state, &e);
        assert_non_null(s);
        assert_int_equal(store_last_seq(s), 2560 * (second + 1));
        store_close(s);
    }
}

static void leave_body(const char *dir, int ack_fd)
{
    struct script_commit room;
    struct commit *list = &room.commit;
    struct store *s = store_open(dir, &e);
    for (uint64_t k = 1; s && k <= 5; k++) {
        script_commit(&room, k);
        store_write(s, &list, 1);
        ack(ack_fd);
    }
    _exit(EXIT_DONE); /* without store_close, as a killed process */
}

/* A COMMIT that failed at its sync may be seen by the next start without being on disk: it must be put there first. */
static void F4_a_start_syncs_what_it_finds_in_the_log(void **state)
{
    char path[600];
    struct stat st;
    struct outcome out = in_child(leave_body, *state);
    assert_int_equal(out.acked, 5);
    snprintf(path, sizeof path, "%s/kefu.db-wal", (char *)*state);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 0);
    struct fault_plan *plan = fault_plan_new((struct fault_plan){.ops = FAULT_SYNC});
    struct store *s = store_open_vfs(*state, FAULT_VFS, &e);
    assert_non_null(s);
    assert_true(plan->counted_n >= 2);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(script_state(s, why, sizeof why), 5);
    store_close(s);
}

/* ---- F5: see also test_writer.c ---- */

/* However far a transaction has come when the disk is full, nothing of it is there, and the next one is. */
static void F5_a_transaction_that_finds_no_room_leaves_nothing(void **state)
{
    struct fault_plan *plan = fault_plan_new((struct fault_plan){.ops = FAULT_WRITE, .no_room = true, .lasting = true});
    struct store *s = store_open_vfs(*state, FAULT_VFS, &e);
    assert_non_null(s);
    uint64_t full_n = 0;
    for (uint64_t k = 1; k <= 40; k++) {
        struct script_commit room;
        struct commit *list = &room.commit;
        plan->fail_at = plan->counted_n + 1 + k % 4;
        script_commit(&room, k);
        store_write(s, &list, 1);
        if (room.commit.result == COMMIT_DONE)
            continue;
        full_n++;
        assert_int_equal(room.commit.result, COMMIT_FULL);
        assert_int_equal(room.commit.first_seq, 0);
        assert_int_equal(script_state(s, why, sizeof why), k - 1);
        plan->fail_at = 0;
        store_write(s, &list, 1);
        assert_int_equal(room.commit.result, COMMIT_DONE);
    }
    assert_true(full_n > 10);
    assert_int_equal(script_state(s, why, sizeof why), 40);
    plan->fail_at = 0;
    store_close(s);
    assert_int_equal(script_state_of_dir(*state, why, sizeof why), 40);
}

/* A transaction larger than SQLite's cache is on its way to the disk before it is whole. */
static void F5_a_large_transaction_that_finds_no_room_leaves_nothing(void **state)
{
    struct script_noise noise;
    uint64_t small_n = 0;
    struct fault_plan *plan = fault_plan_new((struct fault_plan){.ops = FAULT_WRITE, .no_room = true, .lasting = true});
    struct store *s = store_open_vfs(*state, FAULT_VFS, &e);
    assert_non_null(s);
    script_noise(&noise, 8000, 1000);
    for (uint64_t place = 1; place < 3000; place = place * 3 + 1) {
        struct commit large = {.events = noise.pointers, .events_n = 8000, .position_key = STR_LIT("x")};
        struct script_commit small;
        struct commit *list = &large, *next = &small.commit;
        plan->fail_at = plan->counted_n + place;
        store_write(s, &list, 1);
        assert_int_equal(large.result, COMMIT_FULL);
        assert_int_equal(script_state(s, why, sizeof why), small_n);
        plan->fail_at = 0;
        script_commit(&small, ++small_n);
        store_write(s, &next, 1);
        assert_int_equal(small.commit.result, COMMIT_DONE);
    }
    store_close(s);
    script_noise_free(&noise);
    assert_int_equal(script_state_of_dir(*state, why, sizeof why), small_n);
}

static void F5_a_full_disk_is_no_reason_to_stop_tidying_later(void **state)
{
    char path[600];
    struct stat before, after;
    struct fault_plan *plan = fault_plan_new((struct fault_plan){0});
    struct store *s = store_open_vfs(*state, FAULT_VFS, &e);
    assert_non_null(s);
    snprintf(path, sizeof path, "%s/kefu.db", (char *)*state);
    assert_int_equal(stat(path, &before), 0);
    write_much(s, 10);
    plan->full = true;
    store_tidy(s);
    plan->full = false;
    write_much(s, 10);
    store_tidy(s);
    assert_int_equal(stat(path, &after), 0);
    assert_true(after.st_size > before.st_size + (8 << 20));
    store_close(s);
}

static void F5_a_start_without_room_says_so(void **state)
{
    fault_plan_new((struct fault_plan){.full = true});
    assert_null(store_open_vfs(*state, FAULT_VFS, &e));
    assert_non_null(strstr(e.what, "make room"));
    fault_plan_new((struct fault_plan){0});
    assert_int_equal(script_state_of_dir(*state, why, sizeof why), 0);
}

/* ---- F6 ---- */

/* Writes commit k until the disk takes it. */
static void write_one(struct store *s, uint64_t k, int ack_fd)
{
    struct script_commit room;
    struct commit *list = &room.commit;
    for (int tries = 0; tries < 3; tries++) {
        script_commit(&room, k);
        store_write(s, &list, 1);
        if (room.commit.result == COMMIT_DONE) {
            ack(ack_fd);
            return;
        }
    }
    _exit(EXIT_REFUSED); /* the disk stays full */
}

/* A whole life: made, written, closed, opened again, read, written. */
static void F6_body(const char *dir, int ack_fd)
{
    uint64_t k = 1;
    for (int life = 0; life < 2; life++) {
        struct store *s = store_open_vfs(dir, FAULT_VFS, &e);
        if (!s)
            _exit(EXIT_REFUSED);
        int64_t found = script_state(s, why, sizeof why);
        if (found >= 0 && (uint64_t)found != k - 1)
            _exit(2); /* a third state */
        if (found < 0 && !child_plan->failed)
            _exit(3);
        if (found < 0)
            _exit(EXIT_REFUSED); /* a read failed, and said so */
        for (uint64_t end = k + COMMITS_N / 2; k < end; k++)
            write_one(s, k, ack_fd);
        store_close(s);
    }
    _exit(child_plan->failed ? EXIT_DONE : EXIT_NO_FAULT);
}

static bool clean_end(int status)
{
    return status == EXIT_DONE || status == EXIT_LOST || status == EXIT_REFUSED || status == EXIT_NO_FAULT;
}

/* The Nth operation fails, N = 1, 2, … until none does. Returns how many operations there are. */
static uint64_t each_operation_fails(struct fault_plan kind)
{
    uint64_t died_n = 0;
    for (uint64_t n = 1;; n++) {
        char *dir = test_dir_new();
        kind.fail_at = n;
        child_plan = fault_plan_new(kind);
        struct outcome out = in_child(F6_body, dir);
        if (!clean_end(out.status))
            fail_msg("fault %" PRIu64 ": status %d after %" PRIu64 " answers", n, out.status, out.acked);
        assert_old_or_new(dir, &out, n);
        test_dir_free(dir);
        died_n += out.status == EXIT_LOST;
        if (out.status == EXIT_NO_FAULT) {
            printf("%" PRIu64 " operations, %" PRIu64 " ends with status 74\n", n - 1, died_n);
            return n - 1;
        }
    }
}

static void F6_each_operation_fails_once(void **state)
{
    (void)state;
    assert_true(each_operation_fails((struct fault_plan){.ops = FAULT_ANY}) > 100);
}

static void F6_each_operation_fails_and_all_after_it(void **state)
{
    (void)state;
    assert_true(each_operation_fails((struct fault_plan){.ops = FAULT_ANY & ~FAULT_READ, .lasting = true}) > 80);
}

static void F6_each_write_finds_the_disk_full(void **state)
{
    (void)state;
    assert_true(each_operation_fails((struct fault_plan){.ops = FAULT_WRITE, .no_room = true}) > 40);
    each_operation_fails((struct fault_plan){.ops = FAULT_WRITE, .no_room = true, .lasting = true});
}

/* SQLite's memory: the Nth allocation fails. (Ours ends the process: test_mem.c.) */
static sqlite3_mem_methods real_memory;
static uint64_t allocations_n, allocation_fails_at;

static void *failing_malloc(int n)
{
    if (++allocations_n == allocation_fails_at) {
        child_plan->failed = true;
        return NULL;
    }
    return real_memory.xMalloc(n);
}

static void *failing_realloc(void *p, int n)
{
    if (++allocations_n == allocation_fails_at) {
        child_plan->failed = true;
        return NULL;
    }
    return real_memory.xRealloc(p, n);
}

static void allocation_body(const char *dir, int ack_fd)
{
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    sqlite3_mem_methods ours = real_memory;
    ours.xMalloc = failing_malloc;
    ours.xRealloc = failing_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK)
        _exit(4);
    sqlite3_initialize();
    child_plan = fault_plan_new((struct fault_plan){0});
    allocations_n = 0;
    F6_body(dir, ack_fd);
}

static void F6_each_allocation_of_sqlite_fails(void **state)
{
    (void)state;
    uint64_t step = test_rounds(29, 1); /* there are some thousands */
    uint64_t tried_n = 0;
    int status = EXIT_DONE;
    for (uint64_t n = 1; status != EXIT_NO_FAULT; n += step, tried_n++) {
        char *dir = test_dir_new();
        allocation_fails_at = n;
        struct outcome out = in_child(allocation_body, dir);
        status = out.status;
        if (!clean_end(status))
            fail_msg("allocation %" PRIu64 ": status %d", n, status);
        assert_old_or_new(dir, &out, n);
        test_dir_free(dir);
    }
    printf("%" PRIu64 " of %" PRIu64 " allocations\n", tried_n, tried_n * step);
    assert_true(tried_n > 20);
}

/* ---- F21 ---- */

/* A run under a plan: lives of a few commits each, so that logs are moved into the database on the way too. */
struct power {
    uint64_t acked;
    uint64_t acked_at_cut;
};

static void note_cut(void *arg)
{
    struct power *p = arg;
    p->acked_at_cut = p->acked;
}

static void power_run(const char *dir, const struct fault_plan *plan, struct power *p)
{
    uint64_t k = 1;
    for (int life = 0; life < 4 && !plan->was_cut; life++) {
        struct store *s = store_open_vfs(dir, FAULT_VFS, &e);
        if (!s)
            fail_msg("%s: %s", e.where, e.what);
        for (uint64_t end = k + 10; k < end && !plan->was_cut; k++) {
            struct script_commit room;
            struct commit *list = &room.commit;
            script_commit(&room, k);
            store_write(s, &list, 1);
            assert_int_equal(room.commit.result, COMMIT_DONE);
            p->acked++;
        }
        store_close(s);
    }
}

/* How many operations a whole run has. */
static uint64_t power_operations(struct fault_plan kind)
{
    struct power p = {0};
    char *dir = test_dir_new();
    struct fault_plan *plan = fault_plan_new(kind);
    power_run(dir, plan, &p);
    test_dir_free(dir);
    assert_int_equal(p.acked, 40);
    return plan->counted_n;
}

/* Loses power once, at a place chosen by the seed. -1 with `why` if what is left breaks the promise. */
static int power_cut(struct fault_plan kind, uint64_t operations_n, uint64_t seed)
{
    struct power p = {0};
    uint64_t place = seed;
    char *dir = test_dir_new(), *left = test_dir_new();
    kind.seed = seed;
    kind.cut_at = 1 + random_next(&place) % operations_n;
    kind.cut_dir = left;
    kind.on_cut = note_cut;
    kind.on_cut_arg = &p;
    struct fault_plan *plan = fault_plan_new(kind);
    power_run(dir, plan, &p);
    assert_true(plan->was_cut);
    fault_plan_new((struct fault_plan){0});
    int64_t k = script_state_of_dir(left, why, sizeof why);
    int bad = k < 0 ? -1 : 0;
    if (k >= 0 && ((uint64_t)k < p.acked_at_cut || (uint64_t)k > p.acked_at_cut + 1)) {
        snprintf(why, sizeof why, "%" PRIu64 " answered, %" PRId64 " there", p.acked_at_cut, k);
        bad = -1;
    }
    test_dir_free(dir);
    test_dir_free(left);
    return bad;
}

static const struct fault_plan POWER = {.ops = FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE | FAULT_DELETE,
                                        .record = true};

static void F21_no_answered_commit_is_lost_with_the_power(void **state)
{
    (void)state;
    uint64_t seed = random_start();
    uint64_t rounds = test_rounds(50, 10000);
    uint64_t operations_n = power_operations(POWER);
    for (uint64_t i = 0; i < rounds && test_has_time(); i++, random_next(&seed)) {
        if (power_cut(POWER, operations_n, seed))
            fail_msg("KEFU_SEED=%" PRIu64 " round %" PRIu64 ": %s", seed, i, why);
    }
}

/* The test above can fail: without syncs it does, nearly always. */
static void F21_with_synchronous_off_the_loss_is_noticed(void **state)
{
    (void)state;
    struct fault_plan off = POWER;
    off.synchronous_off = true;
    uint64_t seed = random_start(), noticed_n = 0;
    uint64_t operations_n = power_operations(off);
    assert_true(operations_n < power_operations(POWER)); /* the syncs are gone */
    for (uint64_t i = 0; i < 50; i++, random_next(&seed))
        noticed_n += power_cut(off, operations_n, seed) ? 1 : 0;
    printf("noticed in %" PRIu64 " of 50\n", noticed_n);
    assert_true(noticed_n >= 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(F4_a_sync_that_fails_ends_the_process_without_an_answer),
        TEST(F4_a_sync_that_fails_while_tidying_ends_the_process),
        TEST(F4_a_start_syncs_what_it_finds_in_the_log),
        TEST(F5_a_large_transaction_that_finds_no_room_leaves_nothing),
        TEST(F5_a_full_disk_is_no_reason_to_stop_tidying_later),
        TEST(F5_a_transaction_that_finds_no_room_leaves_nothing),
        TEST(F5_a_start_without_room_says_so),
        TEST(F6_each_operation_fails_once),
        TEST(F6_each_operation_fails_and_all_after_it),
        TEST(F6_each_write_finds_the_disk_full),
        TEST(F6_each_allocation_of_sqlite_fails),
        TEST(F21_no_answered_commit_is_lost_with_the_power),
        TEST(F21_with_synchronous_off_the_loss_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
