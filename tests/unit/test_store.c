/* What store.h promises, on a disk that works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kefu/base/digest.h"
#include "kefu/store/store.h"
#include "support_store.h"

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

static struct store *must_open(const char *dir)
{
    struct store *s = store_open(dir, &e);
    if (!s)
        fail_msg("%s: %s", e.where, e.what);
    return s;
}

static void must_not_open(const char *dir, const char *word)
{
    struct store *s = store_open(dir, &e);
    if (s)
        fail_msg("opened, though \"%s\"", word);
    if (!strstr(e.what, word))
        fail_msg("said \"%s\", not \"%s\"", e.what, word);
}

/* Writes commits from..to of the script, `group` in one transaction. */
static void write_script(struct store *s, uint64_t from, uint64_t to, size_t group)
{
    struct script_commit rooms[16];
    struct commit *pointers[16];
    assert_true(group <= 16);
    for (uint64_t k = from; k <= to; k += group) {
        size_t n = 0;
        for (; n < group && k + n <= to; n++) {
            script_commit(&rooms[n], k + n);
            pointers[n] = &rooms[n].commit;
        }
        store_write(s, pointers, n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(rooms[i].commit.result, COMMIT_DONE);
            assert_int_equal(rooms[i].commit.first_seq, rooms[i].commit.events_n ? script_last_seq(k + i - 1) + 1 : 0);
        }
    }
}

static void assert_state(struct store *s, int64_t k)
{
    int64_t found = script_state(s, why, sizeof why);
    if (found != k)
        fail_msg("state %" PRId64 ", not %" PRId64 " %s", found, k, found < 0 ? why : "");
}

static void a_new_store_is_empty_and_private(void **state)
{
    char dir[512], path[600];
    struct stat st;
    snprintf(dir, sizeof dir, "%s/state", (char *)*state);
    struct store *s = must_open(dir);
    assert_int_equal(store_last_seq(s), 0);
    assert_state(s, 0);
    write_script(s, 1, 3, 1);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    static const char *const files[] = {"kefu.db", "kefu.db-wal", "kefu.db-shm", "lock"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    store_close(s);
}

static void what_was_written_is_read_back(void **state)
{
    struct store *s = must_open(*state);
    write_script(s, 1, 50, 1);
    assert_state(s, 50);
    store_close(s);
    s = must_open(*state);
    assert_state(s, 50);
    store_close(s);
    assert_int_equal(script_state_of_dir(*state, why, sizeof why), 50);
}

static void a_group_leaves_what_its_commits_leave_one_by_one(void **state)
{
    struct store *s = must_open(*state);
    write_script(s, 1, 7, 7);
    assert_state(s, 7);
    write_script(s, 8, 50, 16);
    store_close(s);
    s = must_open(*state);
    assert_state(s, 50);
    store_close(s);
}

struct seen {
    uint64_t first, last, n;
    uint64_t told_done, told_all, told_n;
};

static void see_event(void *arg, uint64_t seq, const struct event *ev)
{
    struct seen *seen = arg;
    struct script_event want;
    script_event(&want, seq);
    assert_true(event_same(ev, &want.event));
    if (!seen->n++)
        seen->first = seq;
    else
        assert_int_equal(seq, seen->last + 1);
    seen->last = seq;
}

static void see_progress(void *arg, uint64_t done_n, uint64_t all_n)
{
    struct seen *seen = arg;
    assert_true(done_n >= seen->told_done && done_n <= all_n);
    seen->told_done = done_n;
    seen->told_all = all_n;
    seen->told_n++;
}

static void replay_begins_at_any_sequence(void **state)
{
    struct store *s = must_open(*state);
    write_script(s, 1, 40, 5);
    uint64_t last = store_last_seq(s);
    for (uint64_t from = 0; from <= last + 2; from++) {
        struct seen seen = {0};
        struct store_replay r = {.each = see_event, .progress = see_progress, .arg = &seen, .progress_arg = &seen};
        assert_int_equal(store_replay(s, from, &r, &e), 0);
        uint64_t first = from ? from : 1;
        assert_int_equal(seen.n, first > last ? 0 : last - first + 1);
        if (seen.n) {
            assert_int_equal(seen.first, first);
            assert_int_equal(seen.told_done, seen.told_all);
            assert_int_equal(seen.told_all, seen.n);
        }
    }
    store_close(s);
}

static void a_small_value_is_kept_by_name(void **state)
{
    struct str value;
    struct store *s = must_open(*state);
    assert_int_equal(store_get(s, STR_LIT("key"), &value, &e), 0);
    assert_int_equal(value.n, 0);
    assert_int_equal(store_set(s, STR_LIT("key"), (struct str){"a\0b", 3}, &e), 0);
    assert_int_equal(store_set(s, STR_LIT("position/x"), STR_LIT("17"), &e), 0);
    store_close(s);
    s = must_open(*state);
    assert_int_equal(store_get(s, STR_LIT("key"), &value, &e), 0);
    assert_true(str_eq(value, (struct str){"a\0b", 3}));
    free((char *)(uintptr_t)value.p);
    assert_int_equal(store_get(s, STR_LIT("position/x"), &value, &e), 0);
    assert_true(str_eq(value, STR_LIT("17")));
    free((char *)(uintptr_t)value.p);
    assert_int_equal(store_set(s, STR_LIT("key"), (struct str){0}, &e), 0);
    assert_int_equal(store_get(s, STR_LIT("key"), &value, &e), 0);
    assert_int_equal(value.n, 0);
    store_close(s);
}

/* After their rows are gone, numbers are still known. */
static void numbers_once_given_are_remembered(void **state)
{
    struct store_marks m;
    struct quarantined q = {.row = 9, .kind = REFUSAL_BAD};
    uint64_t drop = 9;
    struct commit add = {.quarantine_add = &q, .quarantine_add_n = 1};
    struct commit del = {.quarantine_drop = &drop, .quarantine_drop_n = 1};
    struct commit *both[] = {&add, &del};
    struct store *s = must_open(*state);
    store_write(s, both, 2);
    assert_int_equal(add.result, COMMIT_DONE);
    store_close(s);
    s = must_open(*state);
    assert_int_equal(store_marks(s, &m, &e), 0);
    assert_int_equal(m.quarantine_row, 9);
    assert_int_equal(m.effect_number, 0);
    store_close(s);
}

static void F8_a_second_open_is_refused_and_the_first_does_not_notice(void **state)
{
    static struct store *s; /* static: the child that ends with it has not lost it */
    s = must_open(*state);
    write_script(s, 1, 5, 1);
    must_not_open(*state, "another kefud");
    pid_t pid = fork();
    if (pid == 0) {
        char number[32];
        snprintf(number, sizeof number, "process %d)", (int)getppid());
        _exit(store_open(*state, &e) == NULL && strstr(e.what, number) ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    write_script(s, 6, 20, 1);
    assert_state(s, 20);
    store_close(s);
    assert_int_equal(script_state_of_dir(*state, why, sizeof why), 20);
}

static void a_file_of_another_program_is_refused_and_not_touched(void **state)
{
    char path[600];
    struct stat before, after;
    snprintf(path, sizeof path, "%s/kefu.db", (char *)*state);
    test_sql(*state, "PRAGMA application_id = 77; CREATE TABLE t(x)");
    assert_int_equal(stat(path, &before), 0);
    must_not_open(*state, "another program");
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(before.st_size, after.st_size);
}

static void a_newer_schema_is_refused(void **state)
{
    store_close(must_open(*state));
    test_sql(*state, "PRAGMA user_version = 1000");
    must_not_open(*state, "newer kefud");
}

static void a_missing_table_is_refused(void **state)
{
    store_close(must_open(*state));
    test_sql(*state, "DROP TABLE memory");
    must_not_open(*state, "memory");
}

static void a_vanished_database_is_not_taken_for_a_new_store(void **state)
{
    char path[600];
    struct store *s = must_open(*state);
    write_script(s, 1, 5, 1);
    store_close(s);
    snprintf(path, sizeof path, "%s/kefu.db", (char *)*state);
    assert_int_equal(unlink(path), 0);
    must_not_open(*state, "the database is gone");
    assert_int_equal(access(path, F_OK), -1);
}

static void F7_a_file_that_is_no_database_is_refused(void **state)
{
    char path[600];
    store_close(must_open(*state));
    snprintf(path, sizeof path, "%s/kefu.db", (char *)*state);
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    assert_int_equal(fwrite("garbage, garbage", 1, 16, f), 16);
    fclose(f);
    must_not_open(*state, "put the latest backup");
}

static void F7_a_damaged_payload_stops_replay_with_its_sequence(void **state)
{
    struct store *s = must_open(*state);
    write_script(s, 1, 30, 3);
    store_close(s);
    /* One bit of one byte in the middle of the row that begins at 7 + 1. */
    test_sql(*state, "UPDATE journal SET payload = CAST(substr(payload, 1, 20) || x'00' || substr(payload, 22) AS BLOB)"
                     " WHERE seq = (SELECT min(seq) FROM journal WHERE seq > 7)");
    s = must_open(*state);
    struct seen seen = {0};
    struct store_replay r = {.each = see_event, .arg = &seen};
    assert_int_equal(store_replay(s, 1, &r, &e), -1);
    char where[64];
    snprintf(where, sizeof where, "journal %" PRIu64, seen.last + 1);
    assert_non_null(strstr(e.where, where));
    assert_non_null(strstr(e.what, "checksum"));
    snprintf(where, sizeof where, "set-aside %" PRIu64, seen.last + 1);
    assert_non_null(strstr(e.what, where));
    store_close(s);
}

/* The row after the damage, so that a lost row is not skipped over. */
static void F7_a_missing_row_stops_replay(void **state)
{
    struct store *s = must_open(*state);
    write_script(s, 1, 30, 3);
    store_close(s);
    test_sql(*state, "DELETE FROM journal WHERE seq = (SELECT min(seq) FROM journal WHERE seq > 7)");
    s = must_open(*state);
    struct seen seen = {0};
    struct store_replay r = {.each = see_event, .arg = &seen};
    assert_int_equal(store_replay(s, 1, &r, &e), -1);
    assert_non_null(strstr(e.what, "missing"));
    store_close(s);
    test_sql(*state, "DELETE FROM journal WHERE seq = 1");
    s = must_open(*state);
    assert_int_equal(store_replay(s, 1, &r, &e), -1);
    store_close(s);
}

static void ignore_memory(void *arg, const struct memory_row *m)
{
    (void)arg;
    (void)m;
}

static void ignore_quarantined(void *arg, const struct quarantined *q)
{
    (void)arg;
    (void)q;
}

static void ignore_effect(void *arg, const struct effect *f)
{
    (void)arg;
    (void)f;
}

static void F7_a_changed_value_in_any_small_table_is_noticed(void **state)
{
    struct str value;
    struct store *s = must_open(*state);
    write_script(s, 1, 12, 1);
    assert_int_equal(store_set(s, STR_LIT("key"), STR_LIT("value"), &e), 0);
    store_close(s);
    test_sql(*state, "UPDATE memory SET blob = x'31'; UPDATE quarantine SET due_ms = due_ms + 1;"
                     "UPDATE outbox SET stream_n = stream_n + 1; UPDATE meta SET value = x'00';"
                     "UPDATE position SET value = x'31'");
    s = must_open(*state);
    assert_int_equal(store_each_memory(s, ignore_memory, NULL, &e), -1);
    assert_non_null(strstr(e.what, "table memory"));
    assert_int_equal(store_each_quarantined(s, ignore_quarantined, NULL, &e), -1);
    assert_non_null(strstr(e.what, "table quarantine, row 4"));
    assert_int_equal(store_each_unsent(s, ignore_effect, NULL, &e), -1);
    assert_int_equal(store_get(s, STR_LIT("key"), &value, &e), -1);
    assert_int_equal(store_get(s, STR_LIT("position/load"), &value, &e), -1);
    store_close(s);
    test_sql(*state, "UPDATE marks SET effect_number = 0");
    must_not_open(*state, "table marks");
}

/* 16 MiB through a log that is tidied at 4. */
static void the_log_stays_bounded(void **state)
{
    char path[600];
    struct stat st;
    struct script_noise noise;
    snprintf(path, sizeof path, "%s/kefu.db-wal", (char *)*state);
    script_noise(&noise, 64, 512);
    struct store *s = must_open(*state);
    off_t largest = 0;
    for (size_t i = 0; i < 512; i++) {
        struct commit c = {.events = noise.pointers, .events_n = 64}, *list = &c;
        store_write(s, &list, 1);
        assert_int_equal(c.result, COMMIT_DONE);
        store_tidy(s);
        assert_int_equal(stat(path, &st), 0);
        largest = st.st_size > largest ? st.st_size : largest;
    }
    assert_in_range(largest, 4u << 20, 5u << 20);
    store_close(s);
    script_noise_free(&noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(a_new_store_is_empty_and_private),
        TEST(what_was_written_is_read_back),
        TEST(a_group_leaves_what_its_commits_leave_one_by_one),
        TEST(replay_begins_at_any_sequence),
        TEST(a_small_value_is_kept_by_name),
        TEST(numbers_once_given_are_remembered),
        TEST(F8_a_second_open_is_refused_and_the_first_does_not_notice),
        TEST(a_file_of_another_program_is_refused_and_not_touched),
        TEST(a_newer_schema_is_refused),
        TEST(a_missing_table_is_refused),
        TEST(a_vanished_database_is_not_taken_for_a_new_store),
        TEST(F7_a_file_that_is_no_database_is_refused),
        TEST(F7_a_damaged_payload_stops_replay_with_its_sequence),
        TEST(F7_a_missing_row_stops_replay),
        TEST(F7_a_changed_value_in_any_small_table_is_noticed),
        TEST(the_log_stays_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
