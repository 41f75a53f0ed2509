/* The last hour, minute by minute: what goes in comes out again, in any order, and a site that was fed in any order, or was
 * brought back from lists, says the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "kefu/state/window.h"
#include "support_site.h"
#include "support_story.h"

#define MINUTE_MS INT64_C(60000)

static struct fact answer(int64_t at, int64_t ms, bool within)
{
    return (struct fact){.kind = FACT_ANSWER, .at = at, .ms = ms, .within = within};
}

static void a_window_is_so_many_minutes(void **state)
{
    struct window *w = NULL;
    struct window_sums sums;
    (void)state;
    for (int i = 0; i < 60; i++) {
        struct fact f = answer(T0 + i * MINUTE_MS, 1000 * i, i % 2), miss = {.kind = FACT_MISS, .at = f.at};
        window_fact(&w, &f, 1);
        window_fact(&w, &miss, 1);
    }
    window_sums(w, T0 + 59 * MINUTE_MS, 5, &sums);
    assert_int_equal(sums.answered, 5);
    assert_int_equal(sums.within, 3);
    assert_int_equal(sums.missed, 5);
    assert_int_equal(sums.response_sum_ms, 1000 * (55 + 56 + 57 + 58 + 59));
    window_sums(w, T0 + 59 * MINUTE_MS, 60, &sums);
    assert_int_equal(sums.answered, 60);
    window_sums(w, T0 + 118 * MINUTE_MS, 60, &sums);
    assert_int_equal(sums.answered, 1);
    window_sums(w, T0 + 119 * MINUTE_MS, 60, &sums);
    assert_int_equal(sums.answered, 0);
    free(w);
}

static void what_came_late_is_taken_out_as_it_was_put_in(void **state)
{
    struct window *w = NULL;
    struct window_sums sums;
    struct fact now = answer(T0 + 64 * MINUTE_MS, 9, true), old = answer(T0, 7, true);
    (void)state;
    window_fact(&w, &old, 1);
    window_fact(&w, &now, 1); /* has the place of the old one */
    window_fact(&w, &old, 1); /* too late to have one */
    window_fact(&w, &old, -1);
    window_fact(&w, &old, -1);
    window_sums(w, now.at, 60, &sums);
    assert_int_equal(sums.answered, 1);
    assert_int_equal(sums.response_sum_ms, 9);
    free(w);
}

static void ratings_of_two_days_by_half_stars(void **state)
{
    struct window *w = NULL;
    struct fact f = {.kind = FACT_RATING, .day = 100, .ms = 2000};
    (void)state;
    window_fact(&w, &f, 1);
    f.ms = 2001;
    window_fact(&w, &f, 1);
    f = (struct fact){.kind = FACT_RATING, .day = 101, .ms = 400};
    window_fact(&w, &f, 1);
    assert_int_equal(window_ratings(w, 100, 2000), 1);
    assert_int_equal(window_ratings(w, 100, 2500), 2);
    assert_int_equal(window_ratings(w, 101, 2000), 1);
    assert_int_equal(window_ratings(w, 102, 5000), 0);
    f.day = 102;
    window_fact(&w, &f, 1);
    assert_int_equal(window_ratings(w, 100, 5000), 0);
    window_fact(&w, &f, -1);
    assert_int_equal(window_ratings(w, 102, 5000), 0);
    free(w);
}

/* By name: agents are numbered in the order in which they came. */
static void print(struct buf *out, const struct site *s, int64_t now_ms)
{
    for (uint32_t i = 0; i <= site_agents_n(s); i++) {
        char name[24];
        struct window_sums w;
        snprintf(name, sizeof name, "agent%u", i);
        uint32_t agent = site_agent_find(s, str_of(name));
        window_sums(agent ? site_window(s, agent) : NULL, now_ms, 60, &w);
        if (w.answered || w.missed)
            buf_printf(out, "%s %lld %lld %lld %lld\n", name, (long long)w.answered, (long long)w.within,
                       (long long)w.missed, (long long)w.response_sum_ms);
    }
}

/* The site agrees with itself whatever the order of arrival. */
static void windows_do_not_hang_on_the_order_of_arrival(void **state)
{
    struct support_random r = support_random();
    struct err e;
    struct zone zone = {"Asia/Shanghai", tz_load(STR_LIT("Asia/Shanghai"), &e)};
    int filled = 0;
    (void)state;
    for (int round = 0; round < 60; round++) {
        struct story story;
        struct buf a = {0}, b = {0};
        story_init(&story, &r, &zone, 60 + support_below(&r, 100));
        int64_t now = story.events[story.n - 1].ts + (int64_t)support_below(&r, 600) * 1000;
        struct site_options o = {.tz = zone.tz, .rulebooks = &story.rulebooks, .seed = 5, .rolling = true};
        struct site *in_order = site_new(&o), *mixed = site_new(&o);
        for (size_t i = 0; i < story.n; i++)
            if (story.events[i].ts <= now)
                site_fold(in_order, &story.events[i], story.events[i].ts);
        site_advance(in_order, now, SIZE_MAX);
        support_shuffle(&r, story.events, story.n);
        for (size_t i = 0; i < story.n; i++) {
            if (story.events[i].ts <= now)
                site_fold(mixed, &story.events[i], now);
            if (support_below(&r, 3) == 0)
                site_advance(mixed, now, SIZE_MAX);
        }
        site_advance(mixed, now, SIZE_MAX);
        print(&a, in_order, now);
        print(&b, mixed, now);
        filled += a.n > 0;
        if (!str_eq(buf_str(&a), buf_str(&b)))
            fail_msg("round %d\n%.*s---\n%.*s", round, STR_ARG(buf_str(&a)), STR_ARG(buf_str(&b)));
        buf_fini(&a);
        buf_fini(&b);
        site_free(in_order);
        site_free(mixed);
        story_fini(&story);
    }
    assert_true(filled > 0);
    tz_free(zone.tz);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_so_many_minutes),
        cmocka_unit_test(what_came_late_is_taken_out_as_it_was_put_in),
        cmocka_unit_test(ratings_of_two_days_by_half_stars),
        cmocka_unit_test(windows_do_not_hang_on_the_order_of_arrival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
