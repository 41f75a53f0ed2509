/* The road to the next tier: what suffices, and that nothing less does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kefu/rules/score.h"
#include "kefu/rules/seed.h"
#include "kefu/rules/whatif.h"
#include "support_random.h"

static struct rulebook *seed;

static int set_up(void **state)
{
    struct err e = {0};
    (void)state;
    seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed.json", NULL, &e);
    return seed ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rulebook_free(seed);
    return 0;
}

static struct whatif of(const struct figures *f, struct score *room)
{
    score_month(seed, f, true, room);
    return (struct whatif){seed, f, true, room};
}

/* 20 + 30 + 40 × 2 ÷ 4.5 … points: 完成 2 笔推荐. */
static void two_more_orders(void **state)
{
    struct figures f = {.answered = 10,
                        .within = 10,
                        .handled = 10,
                        .resolved = 10,
                        .resolved_within = 10,
                        .rating_n = 10,
                        .rating_sum = 30000};
    struct score s;
    struct whatif_step step;
    struct whatif w = of(&f, &s);
    (void)state;
    assert_int_equal(s.total_milli, 76667);
    assert_int_equal(whatif_next_tier(&w), 1);
    whatif_step(&w, 3, 1, &step);
    assert_true(step.reachable);
    assert_int_equal(step.more, 2);
    assert_int_equal(step.need_value_micro, 1666325); /* of 5 orders: 33.3265 points, which round to 33.327 */
    whatif_step(&w, 0, 1, &step);                     /* full already */
    assert_false(step.reachable);
    assert_int_equal(step.need_score_milli, SCORE_NONE);
    whatif_step(&w, 3, 0, &step); /* all five orders make 86.667 */
    assert_false(step.reachable);
}

static void the_highest_has_no_next_and_nothing_has_the_one_above_the_lowest(void **state)
{
    struct figures best = {.answered = 9,
                           .within = 9,
                           .handled = 10,
                           .resolved = 10,
                           .resolved_within = 10,
                           .rating_n = 9,
                           .rating_sum = 45000,
                           .cross = 5},
                   none = {0};
    struct score s;
    (void)state;
    struct whatif w = of(&best, &s);
    assert_int_equal(whatif_next_tier(&w), -1);
    score_month(seed, &none, false, &s);
    w = (struct whatif){seed, &none, false, &s};
    assert_int_equal(whatif_next_tier(&w), 2);
}

/* What is said is enough, and one less, or one point less, is not. */
static void check(const struct figures *f)
{
    struct score s, tried;
    struct whatif w = of(f, &s);
    int tier = whatif_next_tier(&w);
    for (size_t k = 0; tier >= 0 && k < seed->kpis_n; k++) {
        struct whatif_step step;
        whatif_step(&w, k, tier, &step);
        for (int less = 0; step.need_score_milli > 0 && less < 2; less++) {
            tried = s;
            tried.kpis[k].score_milli = step.need_score_milli - less;
            score_retotal(seed, f->handled, &tried);
            assert_int_equal(tried.tier >= 0 && tried.tier <= tier, !less);
        }
        if (step.need_value_micro != INT64_MIN)
            assert_true(score_curve(&seed->kpis[k], step.need_value_micro, 1000000) >= step.need_score_milli);
        for (int less = 0; step.more > 0 && less < 2; less++) {
            struct figures after = *f;
            int64_t n = step.more - less;
            if (k == 0)
                after.answered += n, after.within += n;
            else if (k == 1)
                after.handled += n, after.resolved_within += n;
            else if (k == 2)
                after.rating_n += n, after.rating_sum += 5000 * n;
            else
                after.cross += n;
            score_month(seed, &after, true, &tried);
            assert_int_equal(tried.tier >= 0 && tried.tier <= tier, !less);
        }
    }
}

static void what_is_said_suffices_and_nothing_less(void **state)
{
    uint64_t r = random_start();
    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct figures f = {.answered = 1 + (int64_t)(random_next(&r) % 60),
                            .handled = 10 + (int64_t)(random_next(&r) % 60),
                            .rating_n = (int64_t)(random_next(&r) % 30),
                            .cross = (int64_t)(random_next(&r) % 6)};
        f.within = (int64_t)(random_next(&r) % (uint64_t)(f.answered + 1));
        f.resolved_within = (int64_t)(random_next(&r) % (uint64_t)(f.handled + 1));
        f.rating_sum = f.rating_n ? (int64_t)(random_next(&r) % (uint64_t)(f.rating_n * 5000)) : 0;
        check(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_more_orders),
        cmocka_unit_test(the_highest_has_no_next_and_nothing_has_the_one_above_the_lowest),
        cmocka_unit_test(what_is_said_suffices_and_nothing_less),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
