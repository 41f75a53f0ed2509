/* The histogram against a sorted array, and the heap against sorting. KEFU_SEED repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/heap.h"
#include "kefu/base/hist.h"
#include "support_random.h"

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void off_by_at_most_one_percent(int64_t got, int64_t exact)
{
    int64_t off = got > exact ? got - exact : exact - got;
    if (off > exact / 100 || (exact < 256 && off))
        fail_msg("%lld for %lld", (long long)got, (long long)exact);
}

static bool same(const struct hist *a, const struct hist *b)
{
    return a->n == b->n && a->total == b->total &&
           (a->n == 0 || memcmp(a->buckets, b->buckets, a->n * sizeof *a->buckets) == 0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    for (int64_t v = 0; v < 256; v++) {
        struct hist h = {0};
        hist_add(&h, v);
        assert_int_equal(hist_percentile(&h, 500), v);
        hist_fini(&h);
    }
}

static void one_value_of_any_size_is_within_the_bound(void **state)
{
    (void)state;
    uint64_t random = random_start();
    for (int i = 0; i < 200000; i++) {
        int64_t v = (int64_t)random_scale(&random, 63);
        struct hist h = {0};
        hist_add(&h, v);
        int64_t got = hist_percentile(&h, 1000);
        int64_t off = got > v ? got - v : v - got;
        assert_true(off <= v / 250); /* 0.4 % */
        hist_fini(&h);
    }
}

static void percentiles_are_nearest_rank(void **state)
{
    (void)state;
    static const int permilles[] = {1, 10, 250, 500, 501, 900, 990, 999, 1000};
    uint64_t random = random_start();
    for (int round = 0; round < 300; round++) {
        size_t n = random_next(&random) % 200 + 1;
        int64_t values[200];
        struct hist h = {0};
        for (size_t i = 0; i < n; i++) {
            values[i] = (int64_t)random_scale(&random, 33);
            hist_add(&h, values[i]);
        }
        qsort(values, n, sizeof *values, by_value);
        for (size_t k = 0; k < sizeof permilles / sizeof *permilles; k++) {
            size_t rank = (n * (size_t)permilles[k] + 999) / 1000;
            off_by_at_most_one_percent(hist_percentile(&h, permilles[k]), values[rank - 1]);
        }
        hist_fini(&h);
    }
}

static void nothing_is_not_zero(void **state)
{
    (void)state;
    struct hist h = {0};
    assert_int_equal(hist_percentile(&h, 500), -1);
    hist_add(&h, 0);
    assert_int_equal(hist_percentile(&h, 500), 0);
    hist_remove(&h, 0);
    assert_int_equal(hist_percentile(&h, 500), -1);
    hist_fini(&h);
}

static void what_is_taken_out_leaves_nothing(void **state)
{
    (void)state;
    uint64_t random = random_start();
    struct hist a = {0}, b = {0};
    int64_t values[3000];
    for (size_t i = 0; i < 3000; i++) {
        values[i] = (int64_t)random_scale(&random, 40);
        hist_add(&a, values[i]);
        if (i < 1000)
            hist_add(&b, values[i]);
    }
    for (size_t i = 2999; i >= 1000; i--)
        hist_remove(&a, values[i]);
    assert_true(same(&a, &b));
    for (size_t i = 0; i < 1000; i++)
        hist_remove(&a, values[i]);
    assert_int_equal(a.n, 0);
    assert_int_equal(a.total, 0);
    hist_fini(&a);
    hist_fini(&b);
}

static void merging_is_adding_all_values(void **state)
{
    (void)state;
    uint64_t random = random_start();
    struct hist a = {0}, b = {0}, all = {0};
    for (int i = 0; i < 2000; i++) {
        int64_t v = (int64_t)random_scale(&random, 30);
        hist_add(i % 3 ? &a : &b, v);
        hist_add(&all, v);
    }
    hist_merge(&a, &b);
    assert_true(same(&a, &all));
    struct hist none = {0};
    hist_merge(&a, &none);
    assert_true(same(&a, &all));
    hist_merge(&none, &all);
    assert_true(same(&none, &all));
    hist_fini(&none);
    hist_fini(&a);
    hist_fini(&b);
    hist_fini(&all);
}

static void deadlines_come_up_in_order(void **state)
{
    (void)state;
    uint64_t random = random_start();
    struct heap h = {0};
    struct heap_entry e, last = {INT64_MIN, 0};
    size_t in = 0;
    assert_false(heap_peek(&h, &e));
    assert_false(heap_pop(&h, &e));
    for (int i = 0; i < 5000; i++, in++)
        heap_push(&h, (int64_t)(random_next(&random) % 500), (uint32_t)(random_next(&random) % 10));
    for (; heap_peek(&h, &e); in--) {
        struct heap_entry popped;
        assert_true(heap_pop(&h, &popped));
        assert_true(popped.at_ms == e.at_ms && popped.what == e.what);
        assert_true(e.at_ms > last.at_ms || (e.at_ms == last.at_ms && e.what >= last.what));
        last = e;
    }
    assert_int_equal(in, 0);
    heap_fini(&h);
}

static void an_entry_pushed_between_pops_finds_its_place(void **state)
{
    (void)state;
    uint64_t random = random_start();
    struct heap h = {0};
    int64_t held[64]; /* the second opinion: an unsorted list */
    size_t n = 0;
    for (int step = 0; step < 20000; step++) {
        if (n < 64 && random_next(&random) % 2) {
            held[n] = (int64_t)(random_next(&random) % 1000) - 500;
            heap_push(&h, held[n++], 1);
            continue;
        }
        struct heap_entry e;
        assert_int_equal(heap_pop(&h, &e), n > 0);
        if (!n)
            continue;
        qsort(held, n, sizeof *held, by_value);
        assert_int_equal(e.at_ms, held[0]);
        memmove(held, held + 1, --n * sizeof *held);
    }
    heap_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(one_value_of_any_size_is_within_the_bound),
        cmocka_unit_test(percentiles_are_nearest_rank),
        cmocka_unit_test(nothing_is_not_zero),
        cmocka_unit_test(what_is_taken_out_leaves_nothing),
        cmocka_unit_test(merging_is_adding_all_values),
        cmocka_unit_test(deadlines_come_up_in_order),
        cmocka_unit_test(an_entry_pushed_between_pops_finds_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
