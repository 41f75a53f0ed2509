/* The live tier: firm against swings, quick over a border by half a point, silent while provisional. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kefu/rules/seed.h"
#include "kefu/rules/tier.h"

enum { NOV = 682, DEC = 683, MINUTE = 60000 };

struct fixture {
    struct rulebook *rulebook;
    struct tier_memory memory;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->rulebook = rulebook_read((struct str){seed_json, seed_json_n}, "seed.json", NULL, NULL);
    *state = f;
    return f->rulebook ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    rulebook_free(f->rulebook);
    free(f);
    return 0;
}

static struct score score_of(const struct rulebook *r, int64_t total_milli, bool complete)
{
    struct score s = {.total_milli = total_milli, .complete = complete, .tier = 0};
    while (total_milli * 1000 < r->tiers[s.tier].min_micro)
        s.tier++;
    return s;
}

static struct tier_change step(struct fixture *f, int64_t total_milli, int64_t at)
{
    struct score s = score_of(f->rulebook, total_milli, true);
    return tier_step(&f->memory, f->rulebook, &s, NOV, at);
}

static struct tier_change step_provisional(struct fixture *f, int64_t total_milli, int64_t at)
{
    struct score s = score_of(f->rulebook, total_milli, false);
    return tier_step(&f->memory, f->rulebook, &s, NOV, at);
}

static void the_first_firm_tier_is_told(void **state)
{
    struct fixture *f = *state;
    assert_false(step_provisional(f, 95000, 0).changed);
    assert_true(f->memory.provisional);
    struct tier_change c = step(f, 85000, 1);
    assert_true(c.changed);
    assert_int_equal(c.from, -1);
    assert_int_equal(c.to, 1);
    assert_false(f->memory.provisional);
}

static void half_a_point_beyond_a_border_moves_it_at_once(void **state)
{
    struct fixture *f = *state;
    step(f, 89000, 0);
    assert_false(step(f, 90499, 1).changed);
    assert_true(step(f, 90500, 2).changed);
    assert_int_equal(f->memory.tier, 0);
    assert_false(step(f, 89501, 3).changed);
    assert_true(step(f, 89500, 4).changed);
    assert_int_equal(f->memory.tier, 1);
}

static void ten_minutes_beyond_a_border_move_it_too(void **state)
{
    struct fixture *f = *state;
    step(f, 89900, 0);
    struct tier_change c = step(f, 90100, 1000);
    assert_false(c.changed);
    assert_int_equal(c.look_again_ms, 1000 + 10 * MINUTE);
    assert_false(step(f, 90100, 1000 + 10 * MINUTE - 1).changed);
    assert_true(step(f, 90100, 1000 + 10 * MINUTE).changed);
    assert_int_equal(f->memory.tier, 0);
}

static void going_back_begins_the_ten_minutes_anew(void **state)
{
    struct fixture *f = *state;
    step(f, 89900, 0);
    step(f, 90100, 1000);
    step(f, 89900, 9 * MINUTE);
    assert_false(step(f, 90100, 10 * MINUTE + 1000).changed);
}

static void a_fall_through_two_borders_stops_where_the_second_is_not_passed(void **state)
{
    struct fixture *f = *state;
    step(f, 95000, 0);
    assert_true(step(f, 79800, 1).changed);
    assert_int_equal(f->memory.tier, 1);
    assert_true(step(f, 79800, 1 + 10 * MINUTE).changed);
    assert_int_equal(f->memory.tier, 2);
}

static void eight_hours_of_swinging_make_one_change_at_most(void **state)
{
    struct fixture *f = *state;
    step(f, 90000, 0);
    int changes = 0;
    for (int64_t s = 1; s < 8 * 3600; s++)
        changes += step(f, s % 2 ? 89600 : 90400, s * 1000).changed;
    assert_int_equal(changes, 0);
}

static void a_gap_in_the_data_keeps_the_tier_and_says_provisional(void **state)
{
    struct fixture *f = *state;
    step(f, 85000, 0);
    assert_false(step_provisional(f, 20000, 1).changed);
    assert_int_equal(f->memory.tier, 1);
    assert_true(f->memory.provisional);
    assert_false(step(f, 85000, 2).changed);
}

static void a_new_month_begins_provisional_without_a_change(void **state)
{
    struct fixture *f = *state;
    step(f, 85000, 0);
    struct score none = {.total_milli = SCORE_NONE, .tier = -1};
    struct tier_change c = tier_step(&f->memory, f->rulebook, &none, DEC, 1);
    assert_false(c.changed);
    assert_true(c.remember);
    assert_int_equal(f->memory.tier, -1);
    assert_true(f->memory.provisional);
}

static void nothing_new_need_not_be_kept(void **state)
{
    struct fixture *f = *state;
    assert_true(step(f, 85000, 0).remember);
    assert_false(step(f, 85100, 1).remember);
}

static void memory_comes_back_from_the_disk_as_it_was(void **state)
{
    struct fixture *f = *state;
    step(f, 89900, 0);
    step(f, 90100, 1000);
    struct buf b = {0};
    struct tier_memory back;
    tier_memory_encode(&b, &f->memory);
    assert_int_equal(tier_memory_decode(buf_str(&b), &back, NULL), 0);
    struct score s = score_of(f->rulebook, 90100, true);
    assert_false(tier_step(&back, f->rulebook, &s, NOV, 2000).remember);
    assert_int_equal(back.beyond_since_ms, 1000);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(tier_memory_decode((struct str){b.p, n}, &back, NULL), -1);
    buf_fini(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_first_firm_tier_is_told),
        TEST(half_a_point_beyond_a_border_moves_it_at_once),
        TEST(ten_minutes_beyond_a_border_move_it_too),
        TEST(going_back_begins_the_ten_minutes_anew),
        TEST(a_fall_through_two_borders_stops_where_the_second_is_not_passed),
        TEST(eight_hours_of_swinging_make_one_change_at_most),
        TEST(a_gap_in_the_data_keeps_the_tier_and_says_provisional),
        TEST(a_new_month_begins_provisional_without_a_change),
        TEST(nothing_new_need_not_be_kept),
        TEST(memory_comes_back_from_the_disk_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
