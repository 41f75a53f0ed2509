/* Where identities of what is cold lie: whatever was added is found, whatever the order, and damage is not written over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/store/pointer.h"
#include "kefu/store/shelf.h"
#include "support_site.h"
#include "support_store.h"

#define POINTERS_MAX 5000

static struct err e;

struct fixture {
    char *dir;
    struct db db;
    struct shelf_pointer all[POINTERS_MAX]; /* what was added */
    uint64_t whole[POINTERS_MAX];           /* the hashes that they were cut from */
    size_t n;
};

static int set_up(void **state)
{
    char path[600];
    struct fixture *f = calloc(1, sizeof *f);
    digest_start();
    f->dir = test_dir_new();
    store_close(store_open(f->dir, &e));
    snprintf(path, sizeof path, "%s/kefu.db", f->dir);
    assert_int_equal(db_open(&f->db, path, NULL, &e), 0);
    assert_int_equal(db_prepare(&f->db, true, &e), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    db_close(&f->db);
    test_dir_free(f->dir);
    free(f);
    return 0;
}

/* Few ranges, so that there are many in one; some twice, some hashes with several subjects. */
static void make(struct fixture *f, struct support_random *r, size_t n)
{
    for (size_t i = 0; i < n; i++, f->n++) {
        uint64_t hash =
            (uint64_t)support_below(r, 4) << 50 | (uint64_t)support_below(r, 3000) << 32 | support_below(r, 9);
        if (support_below(r, 5) == 0)
            hash = UINT64_MAX - support_below(r, 3); /* the end of the last range */
        f->whole[f->n] = hash;
        f->all[f->n] = (struct shelf_pointer){pointer_hash(hash), 1 + (int64_t)support_below(r, 100000)};
    }
}

struct answer {
    int64_t wanted;
    size_t found_n, n;
};

static void see(void *arg, int64_t subject)
{
    struct answer *a = arg;
    a->n++;
    a->found_n += subject == a->wanted;
}

static struct answer ask(struct fixture *f, uint64_t hash, int64_t wanted)
{
    struct answer a = {.wanted = wanted};
    assert_int_equal(pointer_find(f->db.statements[SQL_POINTER_GET], hash, see, &a), SQLITE_OK);
    return a;
}

/* How many different subjects were added under the hash. */
static size_t added_under(const struct fixture *f, uint64_t hash)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        bool again = false;
        for (size_t k = 0; k < i && !again; k++)
            again = f->all[k].hash == f->all[i].hash && f->all[k].subject == f->all[i].subject;
        n += f->all[i].hash == pointer_hash(hash) && !again;
    }
    return n;
}

static void what_was_added_is_found_once(void **state)
{
    struct fixture *f = *state;
    struct support_random r = support_random();
    for (int round = 0; round < 20; round++) {
        size_t from = f->n;
        make(f, &r, 1 + support_below(&r, 100));
        struct shelf_pointer some[100];
        uint64_t upto = 0;
        memcpy(some, f->all + from, (f->n - from) * sizeof *some);
        for (size_t done_n = 0, n; done_n < f->n - from; done_n += n) { /* some at a time, in the order of ranges */
            n = pointer_sort_some(some + done_n, f->n - from - done_n, 10, &upto);
            assert_in_range(n, 1, f->n - from - done_n);
            assert_int_equal(pointer_add(&f->db, some + done_n, n), SQLITE_OK);
            assert_int_equal(pointer_add(&f->db, some + done_n, n), SQLITE_OK); /* again: nothing changes */
        }
    }
    for (size_t i = 0; i < f->n; i++) {
        struct answer a = ask(f, f->whole[i], f->all[i].subject);
        assert_int_equal(a.found_n, 1);
        assert_int_equal(a.n, added_under(f, f->whole[i]));
    }
}

static void what_was_not_added_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct shelf_pointer one = {pointer_hash(UINT64_C(7) << 32), 12};
    assert_int_equal(ask(f, UINT64_C(7) << 32, 12).n, 0); /* an empty table */
    assert_int_equal(pointer_add(&f->db, &one, 1), SQLITE_OK);
    assert_int_equal(ask(f, UINT64_C(6) << 32, 12).n, 0);
    assert_int_equal(ask(f, UINT64_C(8) << 32, 12).n, 0);
    assert_int_equal(ask(f, UINT64_C(7) << 40, 12).n, 0);
    assert_int_equal(ask(f, UINT64_C(7) << 32, 12).n, 1);
}

static void damage_is_said_and_not_written_over(void **state)
{
    struct fixture *f = *state;
    struct shelf_pointer one = {7, 12}, other = {8, 13};
    struct answer a = {0};
    assert_int_equal(pointer_add(&f->db, &one, 1), SQLITE_OK);
    assert_int_equal(db_exec(&f->db, "UPDATE pointer SET blob = x'0703'"), SQLITE_OK);
    assert_int_equal(pointer_find(f->db.statements[SQL_POINTER_GET], UINT64_C(7) << 32, see, &a), SQLITE_CORRUPT);
    assert_int_equal(pointer_add(&f->db, &other, 1), SQLITE_CORRUPT);
    int64_t n = 0;
    assert_int_equal(db_ask_int(&f->db, "SELECT count(*) FROM pointer WHERE blob = x'0703'", &n, &e), 0);
    assert_int_equal(n, 1);
}

static void count_row(void *arg, const struct shelf_row *row)
{
    assert_true(str_eq(row->key, STR_LIT("c1")));
    ++*(size_t *)arg;
}

/* A kefud before this table kept 48 bits of each hash in `identity`. */
static void what_an_earlier_kefud_left_is_found(void **state)
{
    struct fixture *f = *state;
    struct store *s;
    struct shelf_reader *reader;
    struct shelf_work w = {.step = SHELF_CHILL, .rows_n = 1};
    struct shelf_row row = {.kind = SUBJECT_CONVERSATION, .key = STR_LIT("c1"), .cold = true, .blob = STR_LIT("any")};
    struct shelf_question q = {.by = SHELF_BY_IDENTITY, .hash = UINT64_C(0x123456789abcdef0)};
    size_t n = 0;
    w.rows = &row;
    assert_int_equal(shelf_do(&f->db, &w), SQLITE_OK);
    assert_int_equal(db_exec(&f->db, "INSERT INTO identity SELECT 1, 0x123456789abc, id FROM subject"), SQLITE_OK);
    db_close(&f->db);
    s = store_open(f->dir, &e);
    assert_non_null(s);
    reader = shelf_reader_open(s, &e);
    assert_non_null(reader);
    shelf_reader_ask(reader, &q, count_row, &n);
    assert_int_equal(n, 1);
    q.hash ^= UINT64_C(1) << 16;
    shelf_reader_ask(reader, &q, count_row, &n);
    assert_int_equal(n, 1);
    shelf_reader_free(reader);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(what_was_added_is_found_once),
        TEST(what_was_not_added_is_not_found),
        TEST(damage_is_said_and_not_written_over),
        TEST(what_an_earlier_kefud_left_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
