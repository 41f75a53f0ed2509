/* What a checkpoint lays beside the shelf: a flip makes it count whole or not at all, whatever its number and wherever it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/store/shelf.h"
#include "support_store.h"

#define DAYS 1300 /* more than two steps of the clearing take, and more than five of the moving */

static struct err e;

struct fixture {
    char *dir;
    struct db db;
};

static void open_db(struct fixture *f)
{
    char path[600];
    snprintf(path, sizeof path, "%s/kefu.db", f->dir);
    assert_int_equal(db_open(&f->db, path, NULL, &e), 0);
    assert_int_equal(db_configure(&f->db, &e), 0);
    assert_int_equal(db_exec(&f->db, "PRAGMA synchronous=OFF"), SQLITE_OK);
    assert_int_equal(db_prepare(&f->db, true, &e), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    digest_start();
    f->dir = test_dir_new();
    store_close(store_open(f->dir, &e));
    open_db(f);
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

static void work(struct fixture *f, struct shelf_work *w)
{
    assert_int_equal(db_exec(&f->db, "BEGIN IMMEDIATE"), SQLITE_OK);
    assert_int_equal(shelf_do(&f->db, w), SQLITE_OK);
    assert_int_equal(db_exec(&f->db, "COMMIT"), SQLITE_OK);
}

/* Totals of n days of one agent, each with these bytes, and as many rows, beside the shelf. */
static void lay(struct fixture *f, int n, const char *bytes)
{
    struct shelf_total totals[DAYS];
    struct shelf_row rows[DAYS];
    char keys[DAYS][16];
    for (int i = 0; i < n; i++) {
        snprintf(keys[i], sizeof keys[i], "c%d", i);
        totals[i] = (struct shelf_total){STR_LIT("amy"), SHELF_DAY, i, str_of(bytes)};
        rows[i] = (struct shelf_row){.kind = SUBJECT_CONVERSATION, .key = str_of(keys[i]), .blob = str_of(bytes)};
    }
    struct shelf_work w = {.step = SHELF_FRESH, .rows = rows, .totals = totals};
    w.rows_n = w.totals_n = (size_t)n;
    work(f, &w);
}

static void flip(struct fixture *f, bool whole)
{
    struct shelf_work w = {.step = SHELF_FLIP, .seq = 1, .head = STR_LIT("head"), .whole = whole};
    work(f, &w);
}

/* At most n steps; how many of it were made. */
static int merge(struct fixture *f, int n)
{
    struct shelf_work w = {.step = SHELF_MERGE, .more = true};
    int done_n = 0;
    for (; w.more && done_n < n; done_n++)
        work(f, &w);
    return done_n;
}

struct held {
    int totals_n, rows_n; /* with the bytes that were asked for */
    int others_n;
    const char *bytes;
};

static void count(struct held *h, int *n, struct str blob)
{
    bool is = str_eq(blob, str_of(h->bytes));
    *n += is;
    h->others_n += !is;
}

static int see_total(void *arg, const struct shelf_total *t, struct err *err)
{
    (void)err;
    count(arg, &((struct held *)arg)->totals_n, t->blob);
    return 0;
}

static int see_row(void *arg, const struct shelf_row *r, struct err *err)
{
    (void)err;
    count(arg, &((struct held *)arg)->rows_n, r->blob);
    return 0;
}

/* The process is gone; what the next start finds. */
static struct held start(struct fixture *f, const char *bytes)
{
    struct held h = {.bytes = bytes};
    struct shelf_reading r = {.row = see_row, .total = see_total, .arg = &h};
    db_close(&f->db);
    struct store *s = store_open(f->dir, &e);
    assert_non_null(s);
    assert_int_equal(shelf_recover(s, &e), 0);
    assert_int_equal(shelf_each_total(s, &r, &e), 0);
    assert_int_equal(shelf_each_row(s, true, &r, &e), 0);
    store_close(s);
    open_db(f);
    return h;
}

static void assert_held(struct held h, int totals_n, int rows_n, int others_n)
{
    assert_int_equal(h.totals_n, totals_n);
    assert_int_equal(h.rows_n, rows_n);
    assert_int_equal(h.others_n, others_n);
}

static void without_a_flip_nothing_of_it_counts(void **state)
{
    struct fixture *f = *state;
    lay(f, 3, "old");
    flip(f, false);
    merge(f, 100);
    lay(f, 5, "new");
    assert_held(start(f, "old"), 3, 3, 0);
    flip(f, false); /* what was beside the shelf is gone, not taken by the next flip */
    assert_held(start(f, "old"), 3, 3, 0);
}

static void a_flip_writes_two_rows_whatever_it_makes_count(void **state)
{
    struct fixture *f = *state;
    lay(f, DAYS, "new");
    int before_n = sqlite3_total_changes(f->db.sql);
    flip(f, false);
    assert_in_range(sqlite3_total_changes(f->db.sql) - before_n, 1, 4);
    assert_held(start(f, "new"), DAYS, DAYS, 0);
}

static void a_start_goes_on_wherever_the_moving_ended(void **state)
{
    struct fixture *f = *state;
    bool whole = false;
    for (int n = 0; !whole; n++) { /* steps before the end */
        const char *bytes = n % 2 ? "odd" : "even";
        lay(f, DAYS, bytes);
        flip(f, false);
        whole = merge(f, n) < n;
        assert_held(start(f, bytes), DAYS, DAYS, 0);
    }
}

static void totals_that_are_all_there_are_void_the_others_wherever_it_ends(void **state)
{
    struct fixture *f = *state;
    for (int n = 0; n < 8; n++) {
        lay(f, DAYS, "old");
        flip(f, false);
        merge(f, 100);
        lay(f, 3, "new");
        flip(f, true);
        merge(f, n); /* the clearing takes four, the moving two and the end one */
        struct held h = start(f, "new");
        assert_held(h, 3, 3, DAYS - 3); /* rows of others stay: they are not what a total is made of */
        struct held old = start(f, "old");
        assert_int_equal(old.totals_n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_flip_nothing_of_it_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flip_writes_two_rows_whatever_it_makes_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_start_goes_on_wherever_the_moving_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(totals_that_are_all_there_are_void_the_others_wherever_it_ends, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
