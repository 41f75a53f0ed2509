/* Working time: additive, inverse of its own deadline, and right at the edges of shifts, days and holidays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kefu/state/calendar.h"
#include "support_site.h"

enum { HOUR = 3600000, MINUTE = 60000 };
#define MONDAY (INT64_C(1772380800000)) /* 2026-03-02 00:00 in Shanghai */
#define DAY_MS (INT64_C(86400000))

struct fixture {
    struct tz *tz;
    struct rulebook rulebook;
    struct rulebooks rulebooks;
    struct calendar calendar;
};

static struct fixture *new_fixture(const char *zone)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->tz = tz_load(str_of(zone), NULL);
    assert_non_null(f->tz);
    f->rulebook = support_rulebook();
    f->rulebook.always_open = false;
    for (int d = 0; d < 7; d++)
        f->rulebook.week[d] = (struct day_hours){.n = 0};
    f->rulebooks.list[f->rulebooks.n++] = &f->rulebook;
    return f;
}

static void ready(struct fixture *f)
{
    calendar_init(&f->calendar, f->tz, &f->rulebooks);
}

static void done(struct fixture *f)
{
    tz_free(f->tz);
    free(f->rulebook.special);
    free(f);
}

static void add_span(struct day_hours *h, int32_t start, int32_t end)
{
    h->spans[h->n++] = (struct span){start, end};
}

static void outside_the_hours_nothing_counts(void **state)
{
    (void)state;
    struct fixture *f = new_fixture("Asia/Shanghai");
    add_span(&f->rulebook.week[0], 9 * 60, 18 * 60);
    ready(f);
    assert_int_equal(calendar_worked(&f->calendar, MONDAY, MONDAY + DAY_MS), 9 * HOUR);
    assert_int_equal(calendar_worked(&f->calendar, MONDAY + 8 * HOUR, MONDAY + 10 * HOUR), HOUR);
    assert_int_equal(calendar_worked(&f->calendar, MONDAY + 18 * HOUR, MONDAY + 5 * DAY_MS), 0);
    assert_int_equal(calendar_worked(&f->calendar, MONDAY + 10 * HOUR, MONDAY + 9 * HOUR), 0);
    assert_true(calendar_open(&f->calendar, MONDAY + 9 * HOUR));
    assert_false(calendar_open(&f->calendar, MONDAY + 18 * HOUR));
    done(f);
}

static void a_night_shift_belongs_to_the_day_it_starts(void **state)
{
    (void)state;
    struct fixture *f = new_fixture("Asia/Shanghai");
    add_span(&f->rulebook.week[0], 22 * 60, 30 * 60); /* Monday 22:00 to Tuesday 06:00 */
    ready(f);
    assert_int_equal(calendar_worked(&f->calendar, MONDAY + DAY_MS, MONDAY + 2 * DAY_MS), 6 * HOUR);
    assert_int_equal(calendar_worked(&f->calendar, MONDAY, MONDAY + 6 * HOUR), 0);
    done(f);
}

static void overlapping_hours_count_once(void **state)
{
    (void)state;
    struct fixture *f = new_fixture("Asia/Shanghai");
    add_span(&f->rulebook.week[0], 9 * 60, 18 * 60);
    add_span(&f->rulebook.week[0], 10 * 60, 11 * 60);
    add_span(&f->rulebook.week[0], 17 * 60, 33 * 60);
    add_span(&f->rulebook.week[1], 8 * 60, 10 * 60);
    ready(f);
    assert_int_equal(calendar_worked(&f->calendar, MONDAY, MONDAY + 2 * DAY_MS), 25 * HOUR);
    done(f);
}

static void a_special_day_replaces_its_weekday(void **state)
{
    (void)state;
    struct fixture *f = new_fixture("Asia/Shanghai");
    add_span(&f->rulebook.week[0], 9 * 60, 18 * 60);
    f->rulebook.special = calloc(1, sizeof *f->rulebook.special);
    f->rulebook.special[0] = (struct special_day){.day = civil_day(2026, 3, 2)};
    f->rulebook.special_n = 1;
    ready(f);
    assert_int_equal(calendar_worked(&f->calendar, MONDAY, MONDAY + 7 * DAY_MS), 0);
    assert_int_equal(calendar_worked(&f->calendar, MONDAY + 7 * DAY_MS, MONDAY + 8 * DAY_MS), 9 * HOUR);
    done(f);
}

static void a_day_without_an_hour_in_spring_is_shorter(void **state)
{
    (void)state;
    struct fixture *f = new_fixture("Europe/Berlin");
    for (int d = 0; d < 7; d++)
        add_span(&f->rulebook.week[d], 0, 1440);
    ready(f);
    int64_t from = tz_at(f->tz, civil_day(2026, 3, 29), 0);
    int64_t to = tz_at(f->tz, civil_day(2026, 3, 30), 0);
    assert_int_equal(calendar_worked(&f->calendar, from, to), 23 * HOUR);
    done(f);
}

static void closed_for_good_is_never_due(void **state)
{
    (void)state;
    struct fixture *f = new_fixture("Asia/Shanghai");
    ready(f);
    assert_int_equal(calendar_after(&f->calendar, MONDAY, 1), INT64_MAX);
    assert_int_equal(calendar_after(&f->calendar, MONDAY, 0), MONDAY);
    done(f);
}

static void a_week_that_is_closed_may_have_one_special_day_to_come(void **state)
{
    (void)state;
    struct fixture *f = new_fixture("Asia/Shanghai");
    f->rulebook.special = calloc(1, sizeof *f->rulebook.special);
    f->rulebook.special[0].day = civil_day(2026, 3, 20);
    add_span(&f->rulebook.special[0].hours, 600, 660);
    f->rulebook.special_n = 1;
    ready(f);
    assert_int_equal(calendar_after(&f->calendar, MONDAY, HOUR), MONDAY + 18 * DAY_MS + 11 * HOUR);
    assert_int_equal(calendar_after(&f->calendar, MONDAY, HOUR + 1), INT64_MAX);
    done(f);
}

static void random_hours(struct fixture *f, struct support_random *r)
{
    for (int d = 0; d < 7; d++)
        for (uint32_t n = support_below(r, 4); n > 0; n--) {
            int32_t start = f->rulebook.week[d].n * 300 + (int32_t)support_below(r, 300);
            add_span(&f->rulebook.week[d], start, start + 1 + (int32_t)support_below(r, 1400));
        }
}

/* worked(a, c) = worked(a, b) + worked(b, c), and calendar_after is the first instant at which worked reaches what is asked. */
static void working_time_adds_up_and_deadlines_are_exact(void **state)
{
    (void)state;
    struct support_random r = support_random();
    for (int round = 0; round < 300; round++) {
        struct fixture *f = new_fixture(support_below(&r, 2) ? "Asia/Shanghai" : "America/New_York");
        random_hours(f, &r);
        ready(f);
        struct calendar *c = &f->calendar;
        int64_t a = MONDAY + support_below(&r, 900) * (int64_t)MINUTE * 17;
        int64_t b = a + support_below(&r, 5000) * (int64_t)MINUTE;
        int64_t e = b + support_below(&r, 5000) * (int64_t)MINUTE + 1;
        assert_int_equal(calendar_worked(c, a, e), calendar_worked(c, a, b) + calendar_worked(c, b, e));
        int64_t need = 1 + (int64_t)support_below(&r, 72 * HOUR);
        int64_t due = calendar_after(c, a, need);
        if (due != INT64_MAX) {
            assert_int_equal(calendar_worked(c, a, due), need);
            assert_int_equal(calendar_worked(c, a, due - 1), need - 1);
        }
        done(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outside_the_hours_nothing_counts),
        cmocka_unit_test(a_night_shift_belongs_to_the_day_it_starts),
        cmocka_unit_test(overlapping_hours_count_once),
        cmocka_unit_test(a_special_day_replaces_its_weekday),
        cmocka_unit_test(a_day_without_an_hour_in_spring_is_shorter),
        cmocka_unit_test(closed_for_good_is_never_due),
        cmocka_unit_test(a_week_that_is_closed_may_have_one_special_day_to_come),
        cmocka_unit_test(working_time_adds_up_and_deadlines_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
