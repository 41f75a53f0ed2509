/* What reader.h, backup.h and scrub.h promise, and F7 page by page: whatever page is damaged, a start refuses or the look tells,
 * and a row that cannot be read can be set aside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "kefu/base/digest.h"
#include "kefu/base/log.h"
#include "kefu/store/backup.h"
#include "kefu/store/scrub.h"
#include "support_random.h"
#include "support_store.h"
#include "support_vfs.h"

#define PAGE 4096

static struct err e;
static char why[512];

struct fixture {
    char *dir, *other;
    char db[600], file[600];
};

static int set_up(void **state)
{
    static struct fixture f;
    digest_start();
    log_set_level((enum log_level)0); /* damage is what is wanted here */
    f = (struct fixture){.dir = test_dir_new(), .other = test_dir_new()};
    snprintf(f.db, sizeof f.db, "%s/kefu.db", f.dir);
    snprintf(f.file, sizeof f.file, "%s/backup", f.other);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_dir_free(f->dir);
    test_dir_free(f->other);
    return 0;
}

static struct store *must_open(const char *dir)
{
    struct store *s = store_open(dir, &e);
    if (!s)
        fail_msg("%s: %s", e.where, e.what);
    return s;
}

static void write_script(struct store *s, uint64_t from, uint64_t to)
{
    for (uint64_t k = from; k <= to; k++) {
        struct script_commit room;
        struct commit *list = &room.commit;
        script_commit(&room, k);
        store_write(s, &list, 1);
        assert_int_equal(room.commit.result, COMMIT_DONE);
    }
}

static void count_damage(void *arg, const struct err *damage)
{
    (void)damage;
    ++*(uint64_t *)arg;
}

static const struct reader_watch NOBODY = {.damage = count_damage, .arg = &(uint64_t){0}};

static void must_back_up(struct fixture *f)
{
    struct reader r;
    if (reader_open(&r, f->db, &e) || backup_make(&r, f->file, &NOBODY, &e))
        fail_msg("%s: %s", e.where, e.what);
    reader_close(&r);
}

static int restore(struct fixture *f, const char *dir, char kept[4096])
{
    return backup_restore(dir, f->file, &NOBODY, kept, &e);
}

static void a_backup_is_of_one_moment_and_the_store_goes_on(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    char kept[4096];
    struct store *s = must_open(f->dir);
    write_script(s, 1, 40);
    must_back_up(f);
    write_script(s, 41, 60);
    assert_int_equal(script_state(s, why, sizeof why), 60);
    store_close(s);
    assert_int_equal(stat(f->file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(restore(f, f->dir, kept), 0);
    assert_int_equal(script_state_of_dir(f->dir, why, sizeof why), 40);
    assert_int_equal(stat(kept, &st), 0);
    assert_int_equal(restore(f, f->dir, kept), 0); /* once more: what is kept is not written over */
    assert_non_null(strstr(kept, "before-restore-2"));
}

/* The log of another database must not be played into the one that was put back. */
static void restoring_over_a_store_that_was_killed_leaves_nothing_of_its_log(void **state)
{
    struct fixture *f = *state;
    char kept[4096];
    struct store *s = must_open(f->dir);
    write_script(s, 1, 20);
    must_back_up(f);
    store_close(s);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        write_script(must_open(f->dir), 21, 50);
        _exit(0); /* without store_close: the log stays */
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(restore(f, f->dir, kept), 0);
    assert_int_equal(script_state_of_dir(f->dir, why, sizeof why), 20);
    strcat(kept, "-wal");
    assert_int_equal(access(kept, F_OK), 0);
}

static void a_restore_into_an_empty_place_makes_a_store(void **state)
{
    struct fixture *f = *state;
    char dir[700], kept[4096];
    struct store *s = must_open(f->dir);
    write_script(s, 1, 10);
    store_close(s);
    must_back_up(f); /* of a store that is stopped */
    snprintf(dir, sizeof dir, "%s/new", f->other);
    assert_int_equal(restore(f, dir, kept), 0);
    assert_string_equal(kept, "");
    assert_int_equal(script_state_of_dir(dir, why, sizeof why), 10);
}

static void a_store_in_use_is_not_restored_over(void **state)
{
    struct fixture *f = *state;
    char kept[4096];
    struct store *s = must_open(f->dir);
    write_script(s, 1, 10);
    must_back_up(f);
    write_script(s, 11, 20);
    assert_int_equal(restore(f, f->dir, kept), -1);
    assert_non_null(strstr(e.what, "another kefud"));
    write_script(s, 21, 30);
    assert_int_equal(script_state(s, why, sizeof why), 30);
    store_close(s);
}

/* The Nth operation on the copy's disk fails, N = 1, 2, … until none does: the old backup stays, or the new one is whole. */
static void F6_a_backup_that_cannot_be_written_leaves_the_one_before(void **state)
{
    struct fixture *f = *state;
    char dir[700], kept[4096];
    bool through = false;
    uint64_t n = 1;
    int64_t there = 10;
    struct store *s = must_open(f->dir);
    write_script(s, 1, 10);
    must_back_up(f);
    write_script(s, 11, 20);
    for (; !through; n++) {
        struct reader r;
        struct fault_plan *plan = fault_plan_new((struct fault_plan){.ops = FAULT_ANY, .fail_at = n});
        sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
        sqlite3_vfs_register(sqlite3_vfs_find(FAULT_VFS), 1);
        int bad = reader_open(&r, f->db, &e);
        if (!bad) {
            bad = backup_make(&r, f->file, &NOBODY, &e);
            reader_close(&r);
        }
        through = !plan->failed;
        sqlite3_vfs_register(usual, 1);
        snprintf(dir, sizeof dir, "%s/at-%" PRIu64, f->other, n);
        assert_int_equal(restore(f, dir, kept), 0);
        assert_int_equal(script_state_of_dir(dir, why, sizeof why), there = bad ? there : 20);
    }
    printf("%" PRIu64 " operations\n", n - 2);
    assert_int_equal(there, 20);
    assert_true(n > 20);
    assert_int_equal(script_state(s, why, sizeof why), 20);
    store_close(s);
}

/* ---- F7, page by page ---- */

static char *read_whole(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *n = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*n);
    assert_int_equal(fread(bytes, 1, *n, file), *n);
    fclose(file);
    return bytes;
}

/* The file with page `page` (from 0) filled with noise; n: none. */
static void write_spoilt(const char *path, const char *bytes, size_t n, size_t page, uint64_t *seed)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < n; i++)
        putc(i / PAGE == page ? (int)(random_next(seed) & 0xff) : bytes[i], file);
    fclose(file);
}

static uint64_t damages_of(const char *path)
{
    struct reader r;
    struct reader_found found = {0};
    uint64_t n = 0;
    struct reader_watch watch = {.damage = count_damage, .arg = &n};
    if (reader_open(&r, path, &e))
        return 1;
    reader_check(&r, &watch, &found);
    reader_close(&r);
    assert_int_equal(found.damages_n, n);
    return n;
}

static void ignore_event(void *arg, uint64_t seq, const struct event *ev)
{
    (void)seq;
    (void)ev;
    ++*(uint64_t *)arg;
}

/* Opens and replays, setting aside what stands in the way; -1: refused for good. Otherwise *events_n came through. */
static int start_over_damage(const char *dir, uint64_t *events_n, int *aside_n)
{
    for (*aside_n = 0; *aside_n < 20; ++*aside_n) {
        struct store *s = store_open(dir, &e);
        struct store_replay r = {.each = ignore_event, .arg = events_n};
        struct store_aside aside = {0};
        *events_n = 0;
        if (!s)
            return -1;
        int bad = store_replay(s, 1, &r, &e);
        const char *named = bad ? strstr(e.what, "set-aside ") : NULL;
        if (named)
            aside.seq = strtoull(named + 10, NULL, 10);
        if (bad && (!named || store_set_aside(s, &aside, &e)))
            *events_n = UINT64_MAX;
        store_close(s);
        if (!bad)
            return 0;
        if (*events_n == UINT64_MAX)
            return -1;
    }
    fail_msg("%s: set aside again and again", e.what);
    return -1;
}

/* A store of which each table has pages of its own, and rows with overflow pages. */
static void make_varied(const char *dir)
{
    struct script_noise noise;
    struct store *s = must_open(dir);
    script_noise(&noise, 30, 400);
    for (uint64_t k = 0; k < 60; k++) {
        struct commit c = {.events = noise.pointers, .events_n = k % 3 ? 2 : 30}, *list = &c;
        store_write(s, &list, 1);
        assert_int_equal(c.result, COMMIT_DONE);
    }
    script_noise_free(&noise);
    store_close(s);
}

static void F7_whatever_page_is_damaged_a_start_refuses_or_the_look_tells(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = random_start(), refused_n = 0, aside_stores_n = 0, elsewhere_n = 0, want_n = 0, events_n;
    int aside_n = 0;
    size_t n;
    make_varied(f->dir);
    assert_int_equal(start_over_damage(f->dir, &want_n, &aside_n), 0);
    char *bytes = read_whole(f->db, &n);
    assert_true(n / PAGE > 30);
    for (size_t page = 0; page < n / PAGE; page++) {
        write_spoilt(f->db, bytes, n, page, &seed);
        uint64_t damages_n = damages_of(f->db);
        if (!damages_n)
            fail_msg("page %zu: damage not found", page + 1);
        int bad = start_over_damage(f->dir, &events_n, &aside_n);
        if (bad && !strstr(e.what, "put the latest backup"))
            fail_msg("page %zu: the start says only \"%s\"", page + 1, e.what);
        refused_n += bad ? 1 : 0;
        if (!bad && aside_n && events_n >= want_n)
            fail_msg("page %zu: events came through though rows were set aside", page + 1);
        if (!bad && !aside_n && events_n != want_n)
            fail_msg("page %zu: %" PRIu64 " events without a word", page + 1, events_n);
        aside_stores_n += !bad && aside_n;
        elsewhere_n += !bad && !aside_n;
    }
    printf("%zu pages: %" PRIu64 " refused, %" PRIu64 " set aside, %" PRIu64 " found by the look alone\n", n / PAGE,
           refused_n, aside_stores_n, elsewhere_n);
    assert_true(refused_n > 5 && aside_stores_n > 5);
    free(bytes);
}

static void F7_a_damaged_store_makes_no_backup_and_a_damaged_backup_is_not_put_back(void **state)
{
    struct fixture *f = *state;
    struct reader r;
    char kept[4096];
    uint64_t seed = 1;
    size_t n;
    make_varied(f->dir);
    must_back_up(f);
    char *bytes = read_whole(f->file, &n);
    for (size_t page = 0; page < n / PAGE; page += 3) {
        write_spoilt(f->file, bytes, n, page, &seed);
        assert_int_equal(restore(f, f->dir, kept), -1);
        write_spoilt(f->db, bytes, n, page, &seed);
        if (reader_open(&r, f->db, &e) == 0) {
            assert_int_equal(backup_make(&r, f->file, &NOBODY, &e), -1);
            reader_close(&r);
        }
        write_spoilt(f->db, bytes, n, SIZE_MAX, &seed);
        store_close(must_open(f->dir));
    }
    free(bytes);
}

/* ---- the background look ---- */

static struct scrub_state await_scrub(struct scrub *s, uint64_t passes_n, uint64_t damages_n)
{
    struct scrub_state now;
    do {
        sched_yield(); /* make test ends what waits for ever */
        scrub_state(s, &now);
    } while (now.passes_n < passes_n || now.damages_n != damages_n);
    return now;
}

static void F7_the_background_look_finds_damage_and_its_end(void **state)
{
    struct fixture *f = *state;
    struct store *s = must_open(f->dir);
    write_script(s, 1, 200);
    struct scrub *scrub = scrub_start(&(struct scrub_options){f->db, 100000, 1});
    struct scrub_state now = await_scrub(scrub, 2, 0);
    assert_string_equal(now.last.what, "");
    write_script(s, 201, 300); /* it does not disturb */
    now = await_scrub(scrub, now.passes_n + 2, 0);
    store_close(s);
    test_sql(f->dir, "UPDATE journal SET at_ms = at_ms + 1 WHERE seq = 31");
    now = await_scrub(scrub, now.passes_n + 1, 1);
    assert_non_null(strstr(now.last.where, "journal 31"));
    test_sql(f->dir, "UPDATE outbox SET kind = 9 WHERE sent = 1");
    now = await_scrub(scrub, now.passes_n + 1, 1 + 300 / 4 - 1);
    test_sql(f->dir, "UPDATE journal SET at_ms = at_ms - 1 WHERE seq = 31; UPDATE outbox SET kind = 1 WHERE sent = 1");
    await_scrub(scrub, now.passes_n + 2, 0);
    scrub_stop(scrub);
    assert_int_equal(script_state_of_dir(f->dir, why, sizeof why), 300);
}

/* ---- starts that vanish ---- */

static void die_there(void *arg, uint64_t seq, const struct event *ev)
{
    (void)ev;
    if (seq == *(uint64_t *)arg)
        _exit(77);
}

/* A start whose fold ends the process at `seq`. Its exit status: 77, or 1 if it was not let begin. */
static int start_that_dies(const char *dir, uint64_t seq)
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct store *s = store_open(dir, &e);
        struct store_replay r = {.each = die_there, .arg = &seq};
        _exit(!s || store_count_start(s, &e) || store_replay(s, 1, &r, &e) ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void three_starts_that_vanish_at_one_row_are_followed_by_none_until_it_is_set_aside(void **state)
{
    struct fixture *f = *state;
    uint64_t events_n = 0;
    struct store_replay r = {.each = ignore_event, .arg = &events_n};
    struct store *s = must_open(f->dir);
    write_script(s, 1, 20);
    store_close(s);
    for (int i = 0; i < 3; i++)
        assert_int_equal(start_that_dies(f->dir, 8), 77);
    assert_int_equal(start_that_dies(f->dir, 8), 1);
    s = must_open(f->dir);
    assert_int_equal(store_count_start(s, &e), -1);
    assert_non_null(strstr(e.what, "kefuctl journal set-aside 7"));
    store_close(s);
    s = must_open(f->dir);
    assert_int_equal(store_set_aside(s, &(struct store_aside){.seq = 1}, &e), -1); /* another one, and sound */
    struct store_aside aside = {.seq = 7};
    assert_int_equal(store_set_aside(s, &aside, &e), 0);
    assert_int_equal(aside.n, 4);
    store_close(s);
    s = must_open(f->dir);
    assert_int_equal(store_count_start(s, &e), 0);
    assert_int_equal(store_replay(s, 1, &r, &e), 0);
    assert_int_equal(events_n, script_last_seq(20) - 4);
    assert_int_equal(store_aside_n(s), 4);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(a_backup_is_of_one_moment_and_the_store_goes_on),
        TEST(restoring_over_a_store_that_was_killed_leaves_nothing_of_its_log),
        TEST(a_restore_into_an_empty_place_makes_a_store),
        TEST(a_store_in_use_is_not_restored_over),
        TEST(F6_a_backup_that_cannot_be_written_leaves_the_one_before),
        TEST(F7_whatever_page_is_damaged_a_start_refuses_or_the_look_tells),
        TEST(F7_a_damaged_store_makes_no_backup_and_a_damaged_backup_is_not_put_back),
        TEST(F7_the_background_look_finds_damage_and_its_end),
        TEST(three_starts_that_vanish_at_one_row_are_followed_by_none_until_it_is_set_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
