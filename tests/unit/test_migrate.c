/* From every schema that ever landed to today's: with all that is in it, and through a kill at any point on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kefu/base/digest.h"
#include "kefu/store/reader.h"
#include "support_old.h"
#include "support_store.h"
#include "support_vfs.h"

#define OLD_COMMITS 12

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

static int64_t ask(const char *dir, const char *sql)
{
    char path[600];
    int64_t value = 0;
    struct db db;
    snprintf(path, sizeof path, "%s/kefu.db", dir);
    if (db_open(&db, path, NULL, &e) || db_ask_int(&db, sql, &value, &e))
        fail_msg("%s: %s", e.where, e.what);
    db_close(&db);
    return value;
}

static int64_t newest(void)
{
    char *dir = test_dir_new();
    struct store *s = store_open(dir, &e);
    assert_non_null(s);
    store_close(s);
    int64_t version = ask(dir, "PRAGMA user_version");
    test_dir_free(dir);
    return version;
}

static void assert_whole(const char *dir, const char *when)
{
    struct str value;
    int64_t k = script_state_of_dir(dir, why, sizeof why);
    if (k != OLD_COMMITS)
        fail_msg("%s: state %" PRId64 ": %s", when, k, k < 0 ? why : "");
    struct store *s = store_open(dir, &e);
    assert_non_null(s);
    assert_int_equal(store_get(s, STR_LIT("key"), &value, &e), 0);
    assert_true(str_eq(value, STR_LIT("value")));
    free((char *)(uintptr_t)value.p);
    store_close(s);
}

static void every_older_schema_has_its_fixture(void **state)
{
    (void)state;
    assert_int_equal(newest(), old_stores_n + 1);
}

static void every_older_store_is_brought_up_to_date(void **state)
{
    (void)state;
    for (size_t i = 0; i < old_stores_n; i++) {
        char *dir = test_dir_new();
        test_sql(dir, old_stores[i]);
        assert_int_equal(ask(dir, "PRAGMA user_version"), i + 1);
        assert_whole(dir, "brought up to date");
        assert_int_equal(ask(dir, "PRAGMA user_version"), newest());
        test_dir_free(dir);
    }
}

/* From the Nth operation on nothing reaches the disk, and the process is gone. True: the migration came through. */
static bool killed_at(const char *dir, uint64_t n)
{
    int status = -1;
    struct fault_plan *plan = fault_plan_new((struct fault_plan){.ops = FAULT_ANY, .fail_at = n, .lasting = true});
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct store *s = store_open_vfs(dir, FAULT_VFS, &e);
        _exit(plan->failed ? 1 : s ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_in_range(WEXITSTATUS(status), 0, 1);
    return WEXITSTATUS(status) == 0;
}

static void a_migration_killed_at_any_operation_is_done_by_the_next_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < old_stores_n; i++) {
        bool through = false;
        uint64_t before_n = 0, n = 1;
        for (; !through; n++) {
            char *dir = test_dir_new(), when[64];
            test_sql(dir, old_stores[i]);
            through = killed_at(dir, n);
            int64_t version = ask(dir, "PRAGMA user_version");
            int64_t aside = ask(dir, "SELECT count(*) FROM sqlite_schema WHERE name = 'aside'");
            assert_int_equal(aside, version >= 3);
            before_n += version == (int64_t)i + 1;
            snprintf(when, sizeof when, "version %zu, killed at %" PRIu64, i + 1, n);
            assert_whole(dir, when);
            test_dir_free(dir);
        }
        printf("version %zu: %" PRIu64 " kills, %" PRIu64 " before it was done\n", i + 1, n - 1, before_n);
        assert_true(before_n > 5 && before_n < n - 1);
    }
}

static void an_older_store_can_be_looked_at_as_it_is(void **state)
{
    struct reader r;
    char path[600];
    struct store_replay nobody = {0};
    test_sql(*state, old_stores[0]);
    snprintf(path, sizeof path, "%s/kefu.db", (char *)*state);
    assert_int_equal(reader_open(&r, path, &e), 0);
    assert_int_equal(r.last_seq, script_last_seq(OLD_COMMITS));
    assert_int_equal(journal_replay(&r.journal, 1, r.last_seq, &nobody, &e), 0);
    reader_close(&r);
    assert_int_equal(ask(*state, "PRAGMA user_version"), 1);
}

static void a_new_store_can_give_pages_back(void **state)
{
    store_close(store_open(*state, &e));
    assert_int_equal(ask(*state, "PRAGMA auto_vacuum"), 2);
}

/* A table that nobody looks at would rot unseen: all but the journal, which is looked at by itself, and identity, which
 * earlier kefuds wrote: its rows have no checksum and only say where to look. */
static void every_table_is_looked_at(void **state)
{
    char sql[200];
    size_t n;
    store_close(store_open(*state, &e));
    const struct schema_table *tables = schema_tables(&n);
    assert_int_equal(ask(*state, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"), n + 2);
    for (size_t i = 0; i < n; i++) {
        snprintf(sql, sizeof sql, "SELECT count(*) FROM sqlite_schema WHERE name = '%s'", tables[i].name);
        assert_int_equal(ask(*state, sql), 1);
    }
}

static void plan_of(struct db *db, enum sql which, char out[500])
{
    char sql[1000];
    sqlite3_stmt *stmt = NULL;
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", schema_sql(which));
    assert_int_equal(sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL), SQLITE_OK);
    out[0] = 0;
    while (sqlite3_step(stmt) == SQLITE_ROW)
        snprintf(out + strlen(out), 500 - strlen(out), "%s; ", (const char *)sqlite3_column_text(stmt, 3));
    sqlite3_finalize(stmt);
}

/* Whose every step went through an index of all rows would take days on a large store. */
static void walks_over_the_shelf_go_by_number(void **state)
{
    static const enum sql walks[] = {SQL_SUBJECT_PART, SQL_SUBJECT_OLD, SQL_SUBJECT_NEXT};
    char path[600], plan[500];
    struct db db;
    store_close(store_open(*state, &e));
    snprintf(path, sizeof path, "%s/kefu.db", (char *)*state);
    assert_int_equal(db_open(&db, path, NULL, &e), 0);
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        plan_of(&db, walks[i], plan);
        if (!strstr(plan, "USING INTEGER PRIMARY KEY") || strstr(plan, "TEMP B-TREE"))
            fail_msg("%s: %s", schema_sql(walks[i]), plan);
    }
    plan_of(&db, SQL_SUBJECT_ALL, plan);
    assert_null(strstr(plan, "TEMP B-TREE"));
    db_close(&db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(every_older_schema_has_its_fixture),
        TEST(every_older_store_is_brought_up_to_date),
        TEST(a_migration_killed_at_any_operation_is_done_by_the_next_start),
        TEST(an_older_store_can_be_looked_at_as_it_is),
        TEST(a_new_store_can_give_pages_back),
        TEST(every_table_is_looked_at),
        TEST(walks_over_the_shelf_go_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
