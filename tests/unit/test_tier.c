/* The live tier: firm against swings, quick over a border by half a point, silent while provisional. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kefu/rules/seed.h"
#include "kefu/rules/tier.h"
#include "support_random.h"

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

static void ten_minutes_carry_it_only_over_the_border_it_stood_beyond(void **state)
{
    struct fixture *f = *state;
    step(f, 90200, 0);
    step(f, 89800, 1); /* under 90 from now on, under 80 only at the end */
    struct tier_change c = step(f, 79800, 1 + 10 * MINUTE);
    assert_int_equal(c.from, 0);
    assert_int_equal(c.to, 1);
    assert_int_equal(c.look_again_ms, 1 + 20 * MINUTE);
    assert_false(step(f, 79800, 20 * MINUTE).changed);
    assert_int_equal(step(f, 79800, 1 + 20 * MINUTE).to, 2);
    step(f, 80100, 30 * MINUTE);
    c = step(f, 90100, 40 * MINUTE);
    assert_int_equal(c.from, 2);
    assert_int_equal(c.to, 1);
}

static void a_clock_that_went_back_begins_the_ten_minutes_anew(void **state)
{
    struct fixture *f = *state;
    step(f, 89900, 200 * MINUTE);
    step(f, 90100, 200 * MINUTE);
    struct tier_change c = step(f, 90100, 80 * MINUTE);
    assert_int_equal(c.look_again_ms, 90 * MINUTE);
    assert_true(step(f, 90100, 90 * MINUTE).changed);
}

static void a_swing_from_tier_to_tier_ends_where_it_first_settles(void **state)
{
    struct fixture *f = *state;
    step(f, 89700, 0);
    int changes = 0;
    for (int64_t s = 1; s < 8 * 3600; s++) /* slow swings, each side for 9 minutes, then at last for good */
        changes += step(f, s / 540 % 2 ? 90300 : 89700, s * 1000).changed;
    assert_int_equal(changes, 0);
    for (int64_t s = 8 * 3600; s < 9 * 3600; s++)
        changes += step(f, 90300, s * 1000).changed;
    assert_int_equal(changes, 1);
    assert_int_equal(f->memory.tier, 0);
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

static void a_gap_in_the_data_begins_the_ten_minutes_anew(void **state)
{
    struct fixture *f = *state;
    step(f, 89900, 0);
    step(f, 90100, 1);
    assert_true(step_provisional(f, 90100, 2).look_again_ms == INT64_MAX);
    assert_int_equal(step(f, 90100, 9 * MINUTE).look_again_ms, 19 * MINUTE);
    assert_false(step(f, 90100, 19 * MINUTE - 1).changed);
    assert_true(step(f, 90100, 19 * MINUTE).changed);
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

static void another_rulebook_with_the_month_begins_anew(void **state)
{
    struct fixture *f = *state;
    step(f, 85000, 0);
    struct rulebook other = *f->rulebook;
    other.name = STR_LIT("other");
    struct score s = score_of(&other, 95000, false);
    assert_false(tier_step(&f->memory, &other, &s, DEC, 1).changed);
    assert_string_equal(f->memory.rulebook, "other");
    s = score_of(&other, 95000, true);
    struct tier_change c = tier_step(&f->memory, &other, &s, DEC, 2);
    assert_true(c.changed);
    assert_int_equal(c.from, -1);
    assert_int_equal(c.to, 0);
}

static void a_memory_of_tiers_that_are_gone_is_forgotten(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 1; n <= 3; n++) { /* the lowest of four tiers, where there are fewer */
        f->memory = (struct tier_memory){0};
        step(f, 10000, 0);
        assert_int_equal(f->memory.tier, 3);
        struct rulebook fewer = *f->rulebook;
        fewer.tiers = f->rulebook->tiers + 4 - n;
        fewer.tiers_n = n;
        struct score s = score_of(&fewer, 10000, true);
        struct tier_change c = tier_step(&f->memory, &fewer, &s, NOV, 1);
        assert_int_equal(c.from, -1);
        assert_int_equal(c.to, n - 1);
    }
    f->memory = (struct tier_memory){0};
    step(f, 95000, 0);
    f->memory.beyond = 4; /* as a damaged row might say */
    assert_int_equal(step(f, 95000, 1).from, -1);
}

/* A day of random scores that like to stand near borders; each change must have its reason in what was shown before. */
enum { SAMPLES = 400 };
struct shown {
    int64_t at_ms, total_milli;
};

static int64_t next_score(uint64_t *random, int64_t now)
{
    static const int64_t near[] = {70000, 80000, 90000};
    uint64_t r = random_next(random);
    if (r % 8 == 0)
        return (int64_t)(random_next(random) % 100001);
    if (r % 8 < 4)
        return now;
    return near[random_next(random) % 3] + (int64_t)(random_next(random) % 1501) - 750;
}

/* Had the score been `side` of the border from ten minutes ago until sample n? A sample holds until the next. */
static bool stood(const struct shown *s, int n, int64_t border_milli, bool above)
{
    for (int i = n; i >= 0; i--) {
        if ((s[i].total_milli >= border_milli) != above)
            return false;
        if (s[n].at_ms - s[i].at_ms >= 10 * MINUTE)
            return true;
    }
    return false;
}

static void check_reason(const struct fixture *f, const struct shown *s, int n, const struct tier_change *c)
{
    bool up = c->to < c->from;
    for (int t = up ? c->to : c->from; t < (up ? c->from : c->to); t++) { /* the border between t and t + 1 */
        int64_t border = f->rulebook->tiers[t].min_micro / 1000;
        int64_t past = up ? s[n].total_milli - border : border - s[n].total_milli;
        if (past < 500 && !stood(s, n, border, up))
            fail_msg("sample %d: %d -> %d over %lld without a reason", n, c->from, c->to, (long long)border);
    }
}

static void every_change_has_its_reason_and_none_is_kept_back(void **state)
{
    struct fixture *f = *state;
    uint64_t random = random_start();
    for (int round = 0; round < 200; round++) {
        struct shown s[SAMPLES] = {{0, 85000}};
        f->memory = (struct tier_memory){0};
        struct tier_change c = step(f, s[0].total_milli, 0);
        for (int i = 1; i < SAMPLES; i++) {
            int64_t at = s[i - 1].at_ms + 1 + (int64_t)(random_next(&random) % (4 * MINUTE));
            bool due = c.look_again_ms < at;
            s[i].at_ms = due ? c.look_again_ms : at;
            bool quiet = due && random_next(&random) % 2; /* else an event comes just when the dwell ends */
            s[i].total_milli = quiet ? s[i - 1].total_milli : next_score(&random, s[i - 1].total_milli);
            c = step(f, s[i].total_milli, s[i].at_ms);
            if (c.changed)
                check_reason(f, s, i, &c);
            int exact = score_of(f->rulebook, s[i].total_milli, true).tier;
            assert_true(exact == f->memory.tier || c.look_again_ms <= s[i].at_ms + 10 * MINUTE);
            assert_true(exact == f->memory.tier || c.look_again_ms > s[i].at_ms);
        }
    }
}

static void nothing_new_need_not_be_kept(void **state)
{
    struct fixture *f = *state;
    assert_true(step(f, 85000, 0).remember);
    assert_false(step(f, 85100, 1).remember);
}

static void with_wide_hysteresis_the_nearest_tier_stood_in_counts(void **state)
{
    struct fixture *f = *state;
    f->rulebook->hysteresis_milli = 15000;
    step(f, 90000, 0);
    assert_false(step(f, 79800, 1).changed); /* two tiers down, but no border is passed far enough */
    step(f, 85000, 5 * MINUTE);
    step(f, 79800, 6 * MINUTE);
    assert_int_equal(step(f, 79800, 1 + 10 * MINUTE).to, 1);
    f->memory = (struct tier_memory){0};
    step(f, 79900, 0);
    step(f, 90100, 1);
    step(f, 80100, 5 * MINUTE);
    assert_int_equal(step(f, 90100, 1 + 10 * MINUTE).to, 1);
    f->memory = (struct tier_memory){0};
    step(f, 90000, 0);
    step(f, 79800, 1); /* two tiers down all the time */
    assert_int_equal(step(f, 79800, 1 + 10 * MINUTE).to, 2);
}

static void without_hysteresis_a_score_at_the_border_is_in_the_tier(void **state)
{
    struct fixture *f = *state;
    f->rulebook->hysteresis_milli = 0;
    step(f, 95000, 0);
    assert_false(step(f, 90000, 1).changed);
    assert_true(step(f, 89999, 2).changed);
    assert_true(step(f, 90000, 3).changed);
    assert_int_equal(f->memory.tier, 0);
}

static void whatever_changes_is_kept(void **state)
{
    struct fixture *f = *state;
    step(f, 89900, 0);
    assert_true(step(f, 90100, 1).remember); /* stands beyond from now on */
    assert_false(step(f, 90200, 2).remember);
    assert_true(step(f, 89900, 3).remember); /* and no more */
    assert_true(step_provisional(f, 89900, 4).remember);
    assert_false(step_provisional(f, 89900, 5).remember);
    assert_true(step(f, 89900, 6).remember);
    assert_true(step(f, 91000, 7).remember); /* another tier */
    assert_true(step(f, 89600, 8).remember);
    assert_true(step(f, 89000, 9).remember);
    struct score s = score_of(f->rulebook, 89000, true);
    assert_true(tier_step(&f->memory, f->rulebook, &s, DEC, 10).remember); /* another month, all else the same */
    f->memory = (struct tier_memory){0};
    step_provisional(f, 85000, 0);
    assert_true(step_provisional(f, 75000, 1).remember); /* another tier while never firm */
    s = score_of(f->rulebook, 75000, false);
    assert_true(tier_step(&f->memory, f->rulebook, &s, DEC, 2).remember);
}

static int through_the_disk(const struct tier_memory *m, struct tier_memory *back)
{
    struct buf b = {0};
    tier_memory_encode(&b, m);
    int status = tier_memory_decode(buf_str(&b), back, NULL);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(tier_memory_decode((struct str){b.p, n}, &(struct tier_memory){0}, NULL), -1);
    buf_fini(&b);
    return status;
}

static void memory_comes_back_from_the_disk_as_it_was(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct tier_memory back;
        struct tier_memory m = {.month = NOV + i,
                                .rated = i & 1,
                                .provisional = i & 2,
                                .tier = i & 4 ? -1 : 3,
                                .beyond = i & 4 ? 31 : -1,
                                .beyond_since_ms = i * INT64_C(1795478400000)};
        memset(m.rulebook, 'r', i & 4 ? 128 : 4);
        assert_int_equal(through_the_disk(&m, &back), 0);
        assert_int_equal(back.month, m.month);
        assert_int_equal(back.rated, m.rated);
        assert_int_equal(back.provisional, m.provisional);
        assert_int_equal(back.tier, m.tier);
        assert_int_equal(back.beyond, m.beyond);
        assert_int_equal(back.beyond_since_ms, m.beyond_since_ms);
        assert_string_equal(back.rulebook, m.rulebook);
    }
}

static void a_damaged_memory_is_refused(void **state)
{
    (void)state;
    struct tier_memory back;
    struct tier_memory good = {.month = NOV, .tier = -1, .beyond = -1, .rulebook = "seed"};
    struct tier_memory bad = good;
    assert_int_equal(through_the_disk(&good, &back), 0);
    bad.tier = -2;
    assert_int_equal(through_the_disk(&bad, &back), -1);
    bad = good;
    bad.beyond = -2;
    assert_int_equal(through_the_disk(&bad, &back), -1);
    struct buf b = {0};
    char name[129];
    memset(name, 'n', sizeof name);
    tier_memory_encode(&b, &(struct tier_memory){.month = NOV});
    b.n--; /* the length of the empty name */
    buf_put_uvar(&b, sizeof name);
    buf_put(&b, name, sizeof name);
    assert_int_equal(tier_memory_decode(buf_str(&b), &back, NULL), -1);
    b.p[0] ^= 0x40; /* the version */
    assert_int_equal(tier_memory_decode(buf_str(&b), &back, NULL), -1);
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
        TEST(ten_minutes_carry_it_only_over_the_border_it_stood_beyond),
        TEST(a_clock_that_went_back_begins_the_ten_minutes_anew),
        TEST(a_swing_from_tier_to_tier_ends_where_it_first_settles),
        TEST(eight_hours_of_swinging_make_one_change_at_most),
        TEST(a_gap_in_the_data_keeps_the_tier_and_says_provisional),
        TEST(a_gap_in_the_data_begins_the_ten_minutes_anew),
        TEST(a_new_month_begins_provisional_without_a_change),
        TEST(another_rulebook_with_the_month_begins_anew),
        TEST(a_memory_of_tiers_that_are_gone_is_forgotten),
        TEST(every_change_has_its_reason_and_none_is_kept_back),
        TEST(nothing_new_need_not_be_kept),
        TEST(with_wide_hysteresis_the_nearest_tier_stood_in_counts),
        TEST(without_hysteresis_a_score_at_the_border_is_in_the_tier),
        TEST(whatever_changes_is_kept),
        TEST(memory_comes_back_from_the_disk_as_it_was),
        TEST(a_damaged_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
