/* What a month brings: tiers at their borders, months in a row, also over a year's end and a change of rulebook. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "kefu/rules/pay.h"
#include "kefu/rules/seed.h"
#include "support_random.h"

static struct err e;

/* The total is the share of waits answered in time, in points. */
#define RULES                                                                                                          \
    "\"kpis\": [{\"name\": \"k\", \"metric\": \"reply_within_rate\", \"weight\": 1, \"score\": {\"zero_at\": 0, "      \
    "\"full_at\": 1}}]"

static struct rulebook *rules(const char *text)
{
    struct rulebook *seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &e);
    struct rulebook *r = rulebook_read(str_of(text), "test", seed, &e);
    assert_non_null(r);
    rulebook_free(seed);
    return r;
}

/* `within` of 100,000 waits in time; ten handled. */
static struct book_row month_of(const struct rulebook *r, int64_t within, const struct book_row *before)
{
    struct book_row row = {.figures = {.within = within, .answered = within, .missed = 100000 - within, .handled = 10}};
    pay_row(r, false, before, &row);
    return row;
}

static void assert_tier(const struct book_row *row, const char *tier, int64_t bonus_fen)
{
    assert_int_equal(row->tier.n, strlen(tier));
    assert_memory_equal(row->tier.p, tier, row->tier.n);
    assert_int_equal(row->bonus_fen, bonus_fen);
}

static void tiers_begin_exactly_at_their_borders(void **state)
{
    struct rulebook *r = rules("{\"name\": \"t\", " RULES "}");
    static const struct {
        int64_t within, total_milli;
        const char *tier;
        int64_t bonus_fen;
    } table[] = {
        {90000, 90000, "excellent", 200000},   {89999, 89999, "good", 100000}, {80000, 80000, "good", 100000},
        {79999, 79999, "qualified", 0},        {70000, 70000, "qualified", 0}, {69999, 69999, "unqualified", 0},
        {100000, 100000, "excellent", 200000}, {0, 0, "unqualified", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct book_row row = month_of(r, table[i].within, NULL);
        assert_int_equal(row.total_milli, table[i].total_milli);
        assert_tier(&row, table[i].tier, table[i].bonus_fen);
    }
    rulebook_free(r);
}

static void the_tier_brings_perks_and_actions(void **state)
{
    struct rulebook *r = rules("{\"name\": \"t\", " RULES "}");
    struct book_row best = month_of(r, 95000, NULL), worst = month_of(r, 10000, NULL);
    (void)state;
    assert_int_equal(best.perks_n, 1);
    assert_true(str_eq(best.perks[0], STR_LIT("promotion_eligible")));
    assert_int_equal(worst.actions_n, 1);
    assert_true(str_eq(worst.actions[0], STR_LIT("training_required")));
    assert_int_equal(best.kpis[0].value_micro, 950000);
    assert_int_equal(best.kpis[0].samples, 100000);
    rulebook_free(r);
}

static void months_in_a_row_are_counted_over_a_change_of_rulebook(void **state)
{
    struct rulebook *old = rules("{\"name\": \"old\", " RULES "}");
    struct rulebook *new =
        rules("{\"name\": \"new\", " RULES ", \"tiers\": [{\"name\": \"gold\", \"min\": 60, \"bonus_fen\": "
              "7}, {\"name\": \"tin\", \"min\": 0, \"bonus_fen\": 0}]}");
    (void)state;
    struct book_row december = month_of(old, 65000, NULL);
    struct book_row january = month_of(old, 60000, &december);
    assert_int_equal(december.unqualified_months, 1);
    assert_int_equal(january.unqualified_months, 2);
    struct book_row february = month_of(new, 65000, &january); /* the same share is the best tier of the new one */
    assert_tier(&february, "gold", 7);
    assert_int_equal(february.unqualified_months, 0);
    assert_int_equal(february.top_months, 1);
    struct book_row march = month_of(new, 59999, &february);
    assert_tier(&march, "tin", 0);
    assert_int_equal(march.unqualified_months, 1);
    assert_int_equal(march.top_months, 0);
    rulebook_free(old);
    rulebook_free(new);
}

static void a_month_that_is_not_rated_brings_nothing_and_ends_a_run(void **state)
{
    struct rulebook *r = rules("{\"name\": \"t\", " RULES "}");
    struct book_row before = month_of(r, 10000, NULL);
    struct book_row row = {.figures = {.within = 9, .answered = 9, .handled = 9}};
    (void)state;
    pay_row(r, false, &before, &row);
    assert_int_equal(row.total_milli, 100000);
    assert_int_equal(row.tier.n, 0);
    assert_int_equal(row.bonus_fen, 0);
    assert_int_equal(row.unqualified_months, 0);
    rulebook_free(r);
}

static void a_bonus_may_follow_a_curve(void **state)
{
    struct rulebook *r = rules("{\"name\": \"t\", " RULES ", \"bonus_curve\": [[60, 0], [80, 100001], [100, 300000]]}");
    static const struct {
        int64_t within, bonus_fen;
    } table[] = {{59999, 0}, {60000, 0}, {70000, 50001}, {80000, 100001}, {90000, 200001}, {100000, 300000}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(month_of(r, table[i].within, NULL).bonus_fen, table[i].bonus_fen);
    rulebook_free(r);
}

static void targets_of_counts_shrink_with_the_days_worked(void **state)
{
    static const char text[] = "{\"name\": \"t\", \"prorate_counts\": true, \"kpis\": [{\"name\": \"k\", \"metric\": "
                               "\"cross_sell_orders\", \"weight\": 1, \"score\": {\"zero_at\": 0, \"full_at\": 5}}]}";
    struct rulebook *r = rules(text);
    struct book_row row = {.figures = {.cross = 2, .handled = 10}, .days = 30, .employed_days = 15, .exempt_days = 3};
    (void)state;
    pay_row(r, true, NULL, &row);
    assert_int_equal(row.kpis[0].num, 60);
    assert_int_equal(row.kpis[0].den, 12);
    assert_int_equal(row.total_milli, 100000); /* two in twelve days are five in thirty */
    row = (struct book_row){.figures = {.cross = 2, .handled = 10}, .days = 30, .employed_days = 3, .exempt_days = 3};
    pay_row(r, true, NULL, &row);
    assert_int_equal(row.total_milli, SCORE_NONE);
    rulebook_free(r);
}

static void a_month_of_grace_brings_nothing_that_hurts(void **state)
{
    struct rulebook *r = rules("{\"name\": \"t\", " RULES "}");
    struct book_row row = {.figures = {.within = 1, .answered = 1, .missed = 9, .handled = 10}, .grace = true};
    (void)state;
    pay_row(r, false, NULL, &row);
    assert_tier(&row, "unqualified", 0);
    assert_int_equal(row.actions_n, 0);
    assert_int_equal(row.unqualified_months, 0);
    rulebook_free(r);
}

static bool has_action(const struct book_row *row, struct str action)
{
    for (size_t i = 0; i < row->actions_n; i++)
        if (str_eq(row->actions[i], action))
            return true;
    return false;
}

static void months_in_a_row_propose(void **state)
{
    struct rulebook *r =
        rules("{\"name\": \"t\", " RULES ", \"promote_after_months\": 3, \"transfer_after_months\": 2}");
    struct book_row best = {0}, worst = {0};
    (void)state;
    for (int i = 1; i <= 3; i++) {
        best = month_of(r, 95000, i > 1 ? &best : NULL);
        worst = month_of(r, 5000, i > 1 ? &worst : NULL);
        assert_int_equal(has_action(&best, PAY_TEAM_LEAD), i >= 3);
        assert_int_equal(has_action(&worst, PAY_TRANSFER), i >= 2);
    }
    rulebook_free(r);
}

static void assert_split(int64_t fen, const int64_t *handled, size_t n, const int64_t *expected)
{
    struct shop_handled of[4] = {0};
    int64_t parts[4];
    for (size_t i = 0; i < n; i++)
        of[i] = (struct shop_handled){.handled = handled[i]};
    pay_split(fen, of, n, parts);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(parts[i], expected[i]);
}
#define SPLIT(fen, n, ...)                                                                                             \
    assert_split((fen), (const int64_t[2][n]){__VA_ARGS__}[0], n, (const int64_t[2][n]){__VA_ARGS__}[1])

static void a_bonus_is_split_to_the_fen_and_who_was_cut_most_gets_what_is_left(void **state)
{
    (void)state;
    SPLIT(200000, 1, {7}, {200000});
    SPLIT(200000, 2, {3, 1}, {150000, 50000});
    SPLIT(100, 3, {1, 1, 1}, {34, 33, 33});  /* equal: the first */
    SPLIT(100, 3, {2, 3, 2}, {29, 43, 28});  /* 28 4/7, 42 6/7, 28 4/7: the second, then the first */
    SPLIT(2, 4, {1, 1, 1, 5}, {1, 0, 0, 1}); /* a quarter each, and 1 1/4: the first of equals */
    SPLIT(0, 2, {1, 2}, {0, 0});
    SPLIT(INT64_C(1000000000000), 3, {INT64_C(9007199254740991), 1, INT64_C(9007199254740991)},
          {INT64_C(500000000000), 0, INT64_C(500000000000)});
}

static void whatever_the_parts_their_sum_is_the_amount(void **state)
{
    uint64_t seed = random_start();
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct shop_handled of[20];
        int64_t parts[20], sum = 0, handled = 0;
        size_t n = 1 + random_next(&seed) % 20;
        int64_t fen = (int64_t)random_scale(&seed, 37);
        for (size_t i = 0; i < n; i++)
            handled += of[i].handled = 1 + (int64_t)random_scale(&seed, round % 3 ? 3 : 20);
        pay_split(fen, of, n, parts);
        for (size_t i = 0; i < n; i++) {
            sum += parts[i];
            assert_true((__int128)parts[i] * handled > (__int128)fen * of[i].handled - handled);
            assert_true((__int128)parts[i] * handled < (__int128)fen * of[i].handled + handled);
        }
        assert_int_equal(sum, fen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiers_begin_exactly_at_their_borders),
        cmocka_unit_test(the_tier_brings_perks_and_actions),
        cmocka_unit_test(months_in_a_row_are_counted_over_a_change_of_rulebook),
        cmocka_unit_test(a_bonus_may_follow_a_curve),
        cmocka_unit_test(targets_of_counts_shrink_with_the_days_worked),
        cmocka_unit_test(a_month_of_grace_brings_nothing_that_hurts),
        cmocka_unit_test(months_in_a_row_propose),
        cmocka_unit_test(a_month_that_is_not_rated_brings_nothing_and_ends_a_run),
        cmocka_unit_test(a_bonus_is_split_to_the_fen_and_who_was_cut_most_gets_what_is_left),
        cmocka_unit_test(whatever_the_parts_their_sum_is_the_amount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
