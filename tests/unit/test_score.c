/* Scores: each metric's pair and samples, lines and curves, rounding, tiers at their borders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kefu/base/fix.h"
#include "kefu/rules/score.h"
#include "kefu/rules/seed.h"

static struct rulebook *seed(void)
{
    struct err e = {0};
    struct rulebook *r = rulebook_read((struct str){seed_json, seed_json_n}, "seed.json", NULL, &e);
    if (!r)
        fail_msg("%s: %s", e.where, e.what);
    return r;
}

static const struct figures some = {.answered = 7,
                                    .within = 5,
                                    .missed = 1,
                                    .response_sum = 215000,
                                    .first_n = 4,
                                    .first_within = 3,
                                    .first_sum = 90000,
                                    .handled = 10,
                                    .resolved = 9,
                                    .resolved_within = 8,
                                    .fcr_pass = 6,
                                    .fcr_fail = 2,
                                    .fcr_pending = 1,
                                    .rating_n = 3,
                                    .rating_sum = 13000,
                                    .rating_good = 2,
                                    .cross = 4};

static void check_pair(enum metric m, int64_t num, int64_t den, int64_t samples)
{
    struct kpi_score pair;
    int64_t n = -1;
    score_metric(m, &some, true, &pair, &n);
    assert_int_equal(pair.num, num);
    assert_int_equal(pair.den, den);
    assert_int_equal(n, samples);
}

static void every_metric_is_a_pair_of_whole_numbers(void **state)
{
    (void)state;
    check_pair(METRIC_REPLY_WITHIN_RATE, 5, 8, 8);
    check_pair(METRIC_FIRST_REPLY_WITHIN_RATE, 3, 4, 4);
    check_pair(METRIC_RESPONSE_MEAN_SECONDS, 215000, 7000, 7);
    check_pair(METRIC_FIRST_RESPONSE_MEAN_SECONDS, 90000, 4000, 4);
    check_pair(METRIC_RESOLVED_WITHIN_RATE, 8, 10, 10);
    check_pair(METRIC_RESOLVED_RATE, 9, 10, 10);
    check_pair(METRIC_FCR_RATE, 6, 8, 8);
    check_pair(METRIC_RATING_MEAN, 13000, 3000, 3);
    check_pair(METRIC_RATING_GOOD_RATE, 2, 3, 3);
    check_pair(METRIC_CROSS_SELL_ORDERS, 4, 1, 1);
}

static void without_any_order_cross_sales_are_no_data(void **state)
{
    (void)state;
    struct kpi_score pair;
    int64_t n = -1;
    score_metric(METRIC_CROSS_SELL_ORDERS, &(struct figures){0}, false, &pair, &n);
    assert_int_equal(pair.den, 0);
    score_metric(METRIC_CROSS_SELL_ORDERS, &(struct figures){0}, true, &pair, &n);
    assert_int_equal(pair.num, 0);
    assert_int_equal(pair.den, 1);
}

static int64_t on_line(int64_t zero, int64_t full, int64_t num, int64_t den)
{
    struct curve_point rising[2] = {{zero, 0}, {full, 100 * FIX_ONE}};
    struct curve_point falling[2] = {{full, 100 * FIX_ONE}, {zero, 0}};
    struct kpi k = {.points = zero < full ? rising : falling, .points_n = 2};
    return score_curve(&k, num, den);
}

static void a_line_is_clamped_and_may_fall(void **state)
{
    (void)state;
    assert_int_equal(on_line(0, FIX_ONE, 1, 2), 50000);
    assert_int_equal(on_line(0, 900000, 19, 20), 100000);
    assert_int_equal(on_line(0, FIX_ONE, 0, 3), 0);
    assert_int_equal(on_line(120 * FIX_ONE, 20 * FIX_ONE, 216000, 5000), 76800);
    assert_int_equal(on_line(120 * FIX_ONE, 20 * FIX_ONE, 500000, 1000), 0);
    assert_int_equal(on_line(120 * FIX_ONE, 20 * FIX_ONE, 1000, 1000), 100000);
}

static void each_score_is_rounded_half_away_on_the_exact_fraction(void **state)
{
    (void)state;
    assert_int_equal(on_line(0, FIX_ONE, 1, 3), 33333);
    assert_int_equal(on_line(0, FIX_ONE, 2, 3), 66667);
    assert_int_equal(on_line(0, 200 * FIX_ONE, 1, 1000), 1); /* 0.0005 points: half a milli-point */
    assert_int_equal(on_line(0, 200 * FIX_ONE, 999, 1000000), 0);
}

static void a_curve_bends_at_its_points_and_is_flat_outside(void **state)
{
    (void)state;
    struct curve_point points[] = {{100000, 0}, {500000, 70500000}, {900000, 100000000}};
    struct kpi k = {.points = points, .points_n = 3};
    assert_int_equal(score_curve(&k, 0, 1), 0);
    assert_int_equal(score_curve(&k, 1, 10), 0);
    assert_int_equal(score_curve(&k, 2, 5), 52875);
    assert_int_equal(score_curve(&k, 1, 2), 70500);
    assert_int_equal(score_curve(&k, 1, 1), 100000);
}

static void large_counts_do_not_overflow(void **state)
{
    (void)state;
    int64_t n = INT64_C(4000000000);
    assert_int_equal(on_line(0, 1000000000 * FIX_ONE, n * 500000, n * 1000), 0);
    assert_int_equal(on_line(0, 1000000000 * FIX_ONE, INT64_C(1000000000) * 500000, 1000000), 50000);
}

static void kpis_without_data_move_no_score(void **state)
{
    (void)state;
    struct rulebook *r = seed();
    struct figures f = {.answered = 4, .within = 2, .handled = 10, .resolved = 9, .resolved_within = 9};
    struct score s;
    score_month(r, &f, false, &s);
    assert_int_equal(s.kpis[0].score_milli, 50000);
    assert_int_equal(s.kpis[1].score_milli, 100000);
    assert_true(s.kpis[2].score_milli == SCORE_NONE);
    assert_true(s.kpis[3].score_milli == SCORE_NONE);
    assert_int_equal(s.total_milli, 80000); /* (20 × 50 + 30 × 100) / 50 */
    assert_int_equal(s.tier, 1);
    assert_false(s.complete);
    rulebook_free(r);
}

static void too_few_samples_are_no_data(void **state)
{
    (void)state;
    struct rulebook *r = seed();
    struct figures f = {.rating_n = 4, .rating_sum = 20000};
    struct score s;
    score_month(r, &f, false, &s);
    assert_true(s.kpis[2].score_milli == SCORE_NONE);
    assert_true(s.total_milli == SCORE_NONE);
    f = (struct figures){.rating_n = 5, .rating_sum = 22500};
    score_month(r, &f, false, &s);
    assert_int_equal(s.kpis[2].score_milli, 100000);
    assert_int_equal(s.total_milli, 100000);
    assert_int_equal(s.tier, -1); /* under tier_min_handled */
    rulebook_free(r);
}

static int tier_at(struct rulebook *r, int64_t per_100000)
{
    struct figures f = {.answered = 100000, .within = per_100000, .handled = 10};
    struct score s;
    struct kpi only = r->kpis[0];
    struct rulebook one = *r;
    one.kpis = &only;
    one.kpis_n = 1;
    score_month(&one, &f, false, &s);
    assert_int_equal(s.total_milli, per_100000);
    return s.tier;
}

static void the_tier_is_the_highest_whose_min_is_reached(void **state)
{
    (void)state;
    struct rulebook *r = seed();
    assert_int_equal(tier_at(r, 90000), 0);
    assert_int_equal(tier_at(r, 89999), 1);
    assert_int_equal(tier_at(r, 80000), 1);
    assert_int_equal(tier_at(r, 79999), 2);
    assert_int_equal(tier_at(r, 70000), 2);
    assert_int_equal(tier_at(r, 69999), 3);
    assert_int_equal(tier_at(r, 0), 3);
    rulebook_free(r);
}

static struct score of_two(const struct rulebook *seed_book, int64_t second_weight_micro, int64_t ratings_n)
{
    struct kpi two[2] = {seed_book->kpis[0], seed_book->kpis[2]};
    struct rulebook r = *seed_book;
    struct score s;
    two[1].weight_micro = second_weight_micro;
    r.kpis = two;
    r.kpis_n = 2;
    score_month(&r,
                &(struct figures){.answered = 1, .handled = 10, .rating_n = ratings_n, .rating_sum = ratings_n * 5000},
                false, &s);
    return s;
}

static void a_score_is_complete_when_every_kpi_with_a_weight_has_data(void **state)
{
    (void)state;
    struct rulebook *r = seed();
    assert_true(of_two(r, 1, 5).complete);
    assert_false(of_two(r, 1, 4).complete);
    assert_true(of_two(r, 0, 4).complete);
    struct figures f = {
        .answered = 1, .within = 1, .handled = 10, .resolved_within = 10, .rating_n = 5, .rating_sum = 25000};
    struct score s;
    score_pairs(r, &f, true, &s);
    assert_false(s.complete); /* a day has no score, so it is never all there */
    score_month(r, &f, true, &s);
    assert_true(s.complete);
    assert_int_equal(s.tier, 0); /* 90 of 100: no cross-sale is 0 where there were orders */
    f.handled = 9;
    score_month(r, &f, true, &s);
    assert_false(s.complete);
    assert_int_equal(s.tier, -1);
    rulebook_free(r);
}

static void one_sample_is_data_and_a_kpi_without_weight_moves_nothing(void **state)
{
    (void)state;
    struct rulebook *r = seed();
    struct score s = of_two(r, 0, 5);
    assert_int_equal(s.kpis[0].score_milli, 0); /* of one wait, not within */
    assert_int_equal(s.kpis[1].score_milli, 100000);
    assert_int_equal(s.total_milli, 0);
    s = of_two(r, 1, 5);
    assert_int_equal(s.total_milli, 0); /* a millionth of the weight is less than half a milli-point */
    s = of_two(r, 20 * FIX_ONE, 5);
    assert_int_equal(s.total_milli, 50000);
    rulebook_free(r);
}

static void the_smallest_weight_is_a_weight(void **state)
{
    (void)state;
    struct rulebook *r = seed();
    r->kpis[0].weight_micro = 1;
    struct figures f = {.answered = 2, .within = 1};
    struct score s;
    score_month(r, &f, false, &s);
    assert_int_equal(s.total_milli, 50000);
    rulebook_free(r);
}

static void the_example_of_the_manual_is_right(void **state)
{
    (void)state;
    struct rulebook *r = seed();
    struct figures f = {.answered = 290,
                        .within = 270,
                        .missed = 10,
                        .handled = 100,
                        .resolved_within = 72,
                        .rating_n = 40,
                        .rating_sum = 40 * 4275,
                        .cross = 3};
    struct score s;
    score_month(r, &f, true, &s);
    assert_int_equal(s.total_milli, 86000);
    f.cross = 0;
    score_month(r, &f, false, &s);
    assert_int_equal(s.total_milli, 88889); /* shown, and so cut, as 88.88 */
    rulebook_free(r);
}

static void day_rows_have_pairs_alone(void **state)
{
    (void)state;
    struct rulebook *r = seed();
    struct score s;
    score_pairs(r, &some, true, &s);
    assert_int_equal(s.kpis[0].num, 5);
    assert_true(s.kpis[0].score_milli == SCORE_NONE);
    assert_true(s.total_milli == SCORE_NONE);
    assert_int_equal(s.tier, -1);
    rulebook_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_is_a_pair_of_whole_numbers),
        cmocka_unit_test(without_any_order_cross_sales_are_no_data),
        cmocka_unit_test(a_line_is_clamped_and_may_fall),
        cmocka_unit_test(each_score_is_rounded_half_away_on_the_exact_fraction),
        cmocka_unit_test(a_curve_bends_at_its_points_and_is_flat_outside),
        cmocka_unit_test(large_counts_do_not_overflow),
        cmocka_unit_test(kpis_without_data_move_no_score),
        cmocka_unit_test(too_few_samples_are_no_data),
        cmocka_unit_test(the_tier_is_the_highest_whose_min_is_reached),
        cmocka_unit_test(a_score_is_complete_when_every_kpi_with_a_weight_has_data),
        cmocka_unit_test(one_sample_is_data_and_a_kpi_without_weight_moves_nothing),
        cmocka_unit_test(the_smallest_weight_is_a_weight),
        cmocka_unit_test(day_rows_have_pairs_alone),
        cmocka_unit_test(the_example_of_the_manual_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
