/* Counts by month and shop, and as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kefu/state/shops.h"

static void assert_counts(const struct shops *s, int32_t month, size_t n, const int64_t (*expected)[2])
{
    size_t found_n;
    const struct shop_count *found = shops_of(s, month, &found_n);
    assert_int_equal(found_n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(found[i].month, month);
        assert_int_equal(found[i].shop, expected[i][0]);
        assert_int_equal(found[i].handled, expected[i][1]);
    }
}

static void a_shop_is_counted_by_month_and_gone_when_all_is_taken_out(void **state)
{
    struct shops s = {0};
    (void)state;
    assert_counts(&s, 1, 0, NULL);
    shops_add(&s, 2, 7, 1);
    shops_add(&s, 2, 3, 1);
    shops_add(&s, 1, 7, 1);
    shops_add(&s, 2, 7, 1);
    assert_counts(&s, 1, 1, (const int64_t[][2]){{7, 1}});
    assert_counts(&s, 2, 2, (const int64_t[][2]){{3, 1}, {7, 2}});
    assert_counts(&s, 3, 0, NULL);
    shops_add(&s, 2, 3, -1);
    shops_add(&s, 1, 7, -1);
    assert_counts(&s, 1, 0, NULL);
    assert_counts(&s, 2, 1, (const int64_t[][2]){{7, 2}});
    shops_fini(&s);
}

struct tables { /* of two processes: their numbers differ */
    struct intern first, second;
    struct shops shops;
    struct buf bytes;
};

static int set_up(void **state)
{
    static struct tables t;
    t = (struct tables){0};
    intern_init(&t.first, 1);
    intern_init(&t.second, 2);
    uint32_t north = intern_put(&t.first, STR_LIT("north")), south = intern_put(&t.first, STR_LIT("south"));
    intern_put(&t.second, STR_LIT("south"));
    for (int i = 0; i < 300; i++)
        shops_add(&t.shops, 5, north, 1);
    shops_add(&t.shops, 5, south, 1);
    shops_add(&t.shops, 6, south, 1);
    shops_encode(&t.bytes, &t.shops, 5, &t.first);
    *state = &t;
    return 0;
}

static int tear_down(void **state)
{
    struct tables *t = *state;
    intern_fini(&t->first);
    intern_fini(&t->second);
    shops_fini(&t->shops);
    buf_fini(&t->bytes);
    return 0;
}

static void a_month_comes_back_from_its_bytes_by_name_in_place_of_what_was_there(void **state)
{
    struct tables *t = *state;
    struct shops back = {0};
    shops_add(&back, 5, 9, 1);
    shops_add(&back, 4, 9, 1);
    struct cursor in = cursor_of(buf_str(&t->bytes));
    assert_int_equal(shops_decode(&back, 5, &in, &t->second), 0);
    assert_true(in.p == in.end);
    assert_counts(&back, 5, 2, (const int64_t[][2]){{1, 1}, {2, 300}});
    assert_counts(&back, 4, 1, (const int64_t[][2]){{9, 1}});
    assert_counts(&back, 6, 0, NULL);
    shops_fini(&back);
}

/* As kefud wrote totals before it counted shops. */
static void a_month_without_shops_has_no_bytes_and_none_are_no_shops(void **state)
{
    struct tables *t = *state;
    struct buf none = {0};
    shops_encode(&none, &t->shops, 4, &t->first);
    assert_int_equal(none.n, 0);
    struct cursor in = cursor_of(buf_str(&none));
    assert_int_equal(shops_decode(&t->shops, 5, &in, &t->first), 0);
    assert_counts(&t->shops, 5, 0, NULL);
    buf_fini(&none);
}

static void bytes_that_are_cut_are_refused(void **state)
{
    struct tables *t = *state;
    for (size_t n = 1; n < t->bytes.n; n++) {
        struct shops back = {0};
        struct cursor in = cursor_of((struct str){t->bytes.p, n});
        assert_int_equal(shops_decode(&back, 5, &in, &t->second), -1);
        shops_fini(&back);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shop_is_counted_by_month_and_gone_when_all_is_taken_out),
        T(a_month_comes_back_from_its_bytes_by_name_in_place_of_what_was_there),
        T(a_month_without_shops_has_no_bytes_and_none_are_no_shops),
        T(bytes_that_are_cut_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
