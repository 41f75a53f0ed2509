/* The filter before the disk: what was added is held for ever, through growth and through its parts, and little else is.
 * KEFU_SEED repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/bloom.h"
#include "support_random.h"

#define PART_HASHES (BLOOM_PART_BYTES * 8 / 20) /* twenty bits a hash, as the header says */
#define ADDED_N     (5 * PART_HASHES)           /* more than the first two layers hold, less than three */

struct fixture {
    uint64_t seed; /* of the hashes that were added */
    struct bloom b;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.seed = random_start()};
    uint64_t random = f.seed;
    for (size_t i = 0; i < ADDED_N; i++)
        bloom_add(&f.b, random_next(&random));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    bloom_fini(&((struct fixture *)*state)->b);
    return 0;
}

static void holds_all(const struct bloom *b, uint64_t seed)
{
    for (size_t i = 0; i < ADDED_N; i++)
        assert_true(bloom_may_hold(b, random_next(&seed)));
}

static void an_empty_one_holds_nothing(void **state)
{
    (void)state;
    struct bloom b = {0};
    assert_false(bloom_may_hold(&b, 0));
    assert_false(bloom_may_hold(&b, UINT64_MAX));
    assert_int_equal(bloom_parts_n(&b), 0);
    bloom_prefetch(&b, 1);
    bloom_fini(&b);
}

static void what_was_added_is_held_through_growth(void **state)
{
    const struct fixture *f = *state;
    assert_int_equal(f->b.layers_n, 3);
    assert_int_equal(bloom_parts_n(&f->b), 1 + 2 + 4);
    holds_all(&f->b, f->seed);
}

static void it_says_perhaps_of_few_others(void **state)
{
    const struct fixture *f = *state;
    uint64_t other = f->seed ^ UINT64_C(0x5555555555555555);
    size_t perhaps_n = 0, asked_n = 100000;
    for (size_t i = 0; i < asked_n; i++)
        perhaps_n += bloom_may_hold(&f->b, random_next(&other));
    print_message("perhaps: %zu of %zu\n", perhaps_n, asked_n);
    assert_true(perhaps_n < asked_n * 4 / 1000); /* once in a thousand a layer, and it has three */
}

static void what_is_there_takes_no_more_room(void **state)
{
    struct fixture *f = *state;
    uint64_t random = f->seed, n = f->b.layers[2].n;
    for (size_t i = 0; i < ADDED_N; i++)
        bloom_add(&f->b, random_next(&random));
    assert_int_equal(f->b.layers_n, 3);
    assert_int_equal(f->b.layers[2].n, n);
}

/* Takes all dirty parts from one and puts them into the other. How many they were. */
static size_t carry(struct bloom *from, struct bloom *to)
{
    size_t n = 0;
    struct str bytes;
    uint64_t hashes_n;
    for (size_t part = 0; (part = bloom_take_dirty(from, part, &bytes, &hashes_n)) < bloom_parts_n(from); part++, n++)
        assert_int_equal(bloom_put_part(to, part, bytes, hashes_n), 0);
    return n;
}

static void parts_carry_it_over_and_only_what_changed_is_dirty(void **state)
{
    struct fixture *f = *state;
    struct bloom other = {0};
    assert_int_equal(carry(&f->b, &other), bloom_parts_n(&f->b));
    holds_all(&other, f->seed);
    assert_int_equal(carry(&f->b, &other), 0);
    bloom_add(&f->b, 12345); /* one hash: one part */
    assert_int_equal(carry(&f->b, &other), 1);
    assert_true(bloom_may_hold(&other, 12345));
    for (size_t i = 0; i < other.layers_n; i++)
        assert_int_equal(other.layers[i].n, f->b.layers[i].n); /* it grows from there as the first would */
    bloom_fini(&other);
}

static void a_part_of_another_size_or_out_of_turn_is_refused(void **state)
{
    struct fixture *f = *state;
    struct bloom other = {0};
    struct str bytes = {(const char *)f->b.layers[0].bytes, BLOOM_PART_BYTES};
    assert_int_equal(bloom_put_part(&other, 0, (struct str){bytes.p, bytes.n - 1}, 1), -1);
    assert_int_equal(bloom_put_part(&other, 5, bytes, 1), -1);
    assert_int_equal(bloom_put_part(&other, 0, bytes, 1), 0);
    assert_int_equal(bloom_parts_n(&other), 1);
    bloom_fini(&other);
}

/* The memory of the layer to come is touched a part at a time, while the last one fills. */
static void a_layer_is_made_ready_before_it_is_needed(void **state)
{
    struct bloom b = {0};
    uint64_t random = ((struct fixture *)*state)->seed;
    assert_false(bloom_prepare(&b));
    for (size_t i = 0; i < PART_HASHES / 2; i++)
        bloom_add(&b, random_next(&random));
    assert_false(bloom_prepare(&b)); /* half full: not yet */
    for (size_t i = b.layers[0].n; i < PART_HASHES; i++)
        bloom_add(&b, random_next(&random));
    assert_true(bloom_prepare(&b));
    assert_true(bloom_prepare(&b));
    assert_false(bloom_prepare(&b)); /* its two parts are */
    assert_int_equal(bloom_parts_n(&b), 1);
    const uint8_t *ready = b.layers[1].bytes;
    while (b.layers_n == 1)
        bloom_add(&b, random_next(&random));
    assert_ptr_equal(b.layers[1].bytes, ready);
    for (size_t i = b.layers[1].n; i < 2 * PART_HASHES; i++)
        bloom_add(&b, random_next(&random));
    assert_true(bloom_prepare(&b)); /* the next; freed without ever being used */
    random = ((struct fixture *)*state)->seed;
    for (size_t i = 0; i < 2 * PART_HASHES; i++)
        assert_true(bloom_may_hold(&b, random_next(&random)));
    bloom_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_holds_nothing),
        cmocka_unit_test_setup_teardown(what_was_added_is_held_through_growth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_says_perhaps_of_few_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_there_takes_no_more_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_layer_is_made_ready_before_it_is_needed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parts_carry_it_over_and_only_what_changed_is_dirty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_part_of_another_size_or_out_of_turn_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
