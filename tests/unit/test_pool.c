/* Runs that grow in the pool: what they hold stays theirs alone, and what was given back is used before more is taken.
 * KEFU_SEED repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/pool.h"
#include "support_random.h"

#define LARGEST ((size_t)POOL_STEP * POOL_SIZES_N)

static void sizes_are_steps_and_behind_them_leave_room(void **state)
{
    (void)state;
    for (size_t n = 1; n <= LARGEST; n++) {
        size_t size = pool_size(n);
        assert_true(size >= n && size < n + POOL_STEP);
        assert_int_equal(size % POOL_STEP, 0);
        assert_int_equal(pool_size(size), size); /* what it answers is a size to ask for */
    }
    for (size_t n = LARGEST + 1; n < 10 * LARGEST; n += 97)
        assert_true(pool_size(n) >= n + n / 8 && pool_size(n) <= 2 * n); /* else each byte more would copy all */
}

static void what_is_given_back_serves_the_next_of_its_size(void **state)
{
    (void)state;
    struct pool p = {0};
    void *a = pool_grow(&p, NULL, 0, POOL_STEP);
    void *b = pool_grow(&p, NULL, 0, POOL_STEP);
    assert_ptr_not_equal(a, b);
    size_t taken = p.memory.total_n;
    pool_put(&p, a, POOL_STEP);
    pool_put(&p, b, POOL_STEP);
    pool_put(&p, NULL, POOL_STEP);
    assert_ptr_equal(pool_grow(&p, NULL, 0, POOL_STEP), b);
    assert_ptr_equal(pool_grow(&p, NULL, 0, POOL_STEP), a);
    assert_int_equal(p.memory.total_n, taken);
    assert_ptr_not_equal(pool_grow(&p, NULL, 0, 2 * POOL_STEP), b); /* of another size: not these */
    assert_true(p.memory.total_n > taken);
    pool_fini(&p);
}

struct run {
    unsigned char *p;
    size_t n, cap;
    unsigned char first; /* byte k is first + k */
};

static void fill(struct run *r, size_t from)
{
    for (size_t k = from; k < r->n; k++)
        r->p[k] = (unsigned char)(r->first + k);
}

static void holds(const struct run *r)
{
    for (size_t k = 0; k < r->n; k++)
        assert_int_equal(r->p[k], (unsigned char)(r->first + k));
}

static void grow(struct pool *p, struct run *r, size_t more)
{
    size_t had = r->n;
    r->n += more;
    if (r->n > r->cap) {
        size_t cap = pool_size(r->n);
        r->p = pool_grow(p, r->p, r->cap, cap);
        r->cap = cap;
    }
    fill(r, had);
}

/* Through all sizes and over the largest of them into malloc's, given back in any order; none writes into another. */
static void runs_keep_what_they_hold_while_others_come_and_go(void **state)
{
    (void)state;
    enum { RUNS = 200 };
    uint64_t random = random_start();
    struct pool p = {0};
    struct run *runs = calloc(RUNS, sizeof *runs);
    for (int step = 0; step < 20000; step++) {
        struct run *r = &runs[random_next(&random) % RUNS];
        holds(r);
        if (r->p && random_next(&random) % 20 == 0) {
            pool_put(&p, r->p, r->cap);
            *r = (struct run){.first = (unsigned char)step};
        } else {
            grow(&p, r, (size_t)(1 + random_scale(&random, 8)));
        }
    }
    for (int i = 0; i < RUNS; i++) {
        holds(&runs[i]);
        pool_put(&p, runs[i].p, runs[i].cap);
    }
    free(runs);
    pool_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_steps_and_behind_them_leave_room),
        cmocka_unit_test(what_is_given_back_serves_the_next_of_its_size),
        cmocka_unit_test(runs_keep_what_they_hold_while_others_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
