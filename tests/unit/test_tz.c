/* Time zones with their gaps and overlaps, the civil calendar, RFC 3339. Random cases print their seed, KEFU_SEED. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "kefu/base/tz.h"
#include "support_random.h"

#define HOUR_MS 3600000

static struct tz *load(const char *name)
{
    struct err e;
    struct tz *tz = tz_load(str_of(name), &e);
    if (!tz)
        fail_msg("%s: %s %s", name, e.where, e.what);
    return tz;
}

static int64_t at(const char *rfc3339)
{
    int64_t at_ms = 0;
    struct err e;
    if (rfc3339_parse(str_of(rfc3339), &at_ms, &e) != 0)
        fail_msg("%s: %s", rfc3339, e.what);
    return at_ms;
}

static int32_t day(const char *date)
{
    int32_t d = 0;
    assert_int_equal(civil_parse_day(str_of(date), &d), 0);
    return d;
}

static void local_is(const struct tz *tz, const char *date, int32_t minute, const char *instant)
{
    char got[32];
    rfc3339_print(got, sizeof got, tz_at(tz, day(date), minute));
    assert_string_equal(got, instant);
}

static void new_york_skips_an_hour_in_march(void **state)
{
    (void)state;
    struct tz *tz = load("America/New_York");
    local_is(tz, "2026-03-08", 119, "2026-03-08T06:59:00.000Z");
    local_is(tz, "2026-03-08", 120, "2026-03-08T07:00:00.000Z");
    local_is(tz, "2026-03-08", 150, "2026-03-08T07:00:00.000Z"); /* 02:30 is not: the first instant after the gap */
    local_is(tz, "2026-03-08", 179, "2026-03-08T07:00:00.000Z");
    local_is(tz, "2026-03-08", 180, "2026-03-08T07:00:00.000Z");
    local_is(tz, "2026-03-08", 181, "2026-03-08T07:01:00.000Z");
    assert_int_equal(tz_offset_s(tz, at("2026-03-08T06:59:59.999Z")), -5 * 3600);
    assert_int_equal(tz_offset_s(tz, at("2026-03-08T07:00:00Z")), -4 * 3600);
    tz_free(tz);
}

static void new_york_has_an_hour_twice_in_november(void **state)
{
    (void)state;
    struct tz *tz = load("America/New_York");
    local_is(tz, "2026-11-01", 59, "2026-11-01T04:59:00.000Z");
    local_is(tz, "2026-11-01", 90, "2026-11-01T05:30:00.000Z"); /* 01:30 is twice: the first */
    local_is(tz, "2026-11-01", 120, "2026-11-01T07:00:00.000Z");
    assert_int_equal(tz_at(tz, day("2026-11-02"), 0) - tz_at(tz, day("2026-11-01"), 0), 25 * HOUR_MS);
    assert_int_equal(tz_at(tz, day("2026-03-09"), 0) - tz_at(tz, day("2026-03-08"), 0), 23 * HOUR_MS);
    tz_free(tz);
}

static void minutes_past_midnight_run_into_the_next_day(void **state)
{
    (void)state;
    struct tz *tz = load("America/New_York");
    for (int32_t m = 0; m <= 1440; m += 30)
        assert_int_equal(tz_at(tz, day("2026-03-07"), 1440 + m), tz_at(tz, day("2026-03-08"), m));
    tz_free(tz);
}

static void morocco_goes_back_for_ramadan(void **state)
{
    (void)state;
    struct tz *tz = load("Africa/Casablanca");
    assert_int_equal(tz_offset_s(tz, at("2026-01-15T00:00:00Z")), 3600);
    assert_int_equal(tz_offset_s(tz, at("2026-03-01T00:00:00Z")), 0);
    assert_int_equal(tz_offset_s(tz, at("2026-04-15T00:00:00Z")), 3600);
    local_is(tz, "2026-03-22", 150, "2026-03-22T02:00:00.000Z"); /* the gap from 02:00 to 03:00 at the end of it */
    tz_free(tz);
}

static void shanghai_had_summer_time_from_1986_to_1991(void **state)
{
    (void)state;
    struct tz *tz = load("Asia/Shanghai");
    static const char *const summers[] = {"1986-07-01", "1987-07-01", "1988-07-01",
                                          "1989-07-01", "1990-07-01", "1991-07-01"};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(tz_offset_s(tz, tz_at(tz, day(summers[i]), 0)), 9 * 3600);
    assert_int_equal(tz_offset_s(tz, tz_at(tz, day("1985-07-01"), 0)), 8 * 3600);
    assert_int_equal(tz_offset_s(tz, tz_at(tz, day("1992-07-01"), 0)), 8 * 3600);
    assert_int_equal(tz_offset_s(tz, tz_at(tz, day("1988-01-01"), 0)), 8 * 3600);
    local_is(tz, "2026-03-02", 0, "2026-03-01T16:00:00.000Z");
    assert_int_equal(tz_day(tz, at("2026-03-01T15:59:59.999Z")), day("2026-03-01"));
    assert_int_equal(tz_day(tz, at("2026-03-01T16:00:00Z")), day("2026-03-02"));
    tz_free(tz);
}

static void a_day_that_never_was_is_empty(void **state)
{
    (void)state;
    struct tz *tz = load("Pacific/Apia"); /* went over the date line: no 30 December 2011 */
    assert_int_equal(tz_at(tz, day("2011-12-30"), 0), tz_at(tz, day("2011-12-31"), 0));
    assert_int_equal(tz_day(tz, tz_at(tz, day("2011-12-31"), 0) - 1), day("2011-12-29"));
    tz_free(tz);
}

static void offsets_need_not_be_whole_hours(void **state)
{
    (void)state;
    struct tz *tz = load("Asia/Kathmandu");
    assert_int_equal(tz_offset_s(tz, at("2026-03-01T00:00:00Z")), 5 * 3600 + 45 * 60);
    tz_free(tz);
    tz = load("UTC");
    assert_int_equal(tz_offset_s(tz, at("2026-03-01T00:00:00Z")), 0);
    assert_int_equal(tz_day(tz, -1), -1);
    tz_free(tz);
}

/* tz_load against the C library itself, at random instants, which include those around every change. */
static void every_instant_has_the_offset_the_c_library_says(void **state)
{
    (void)state;
    static const char *const names[] = {"America/New_York", "Africa/Casablanca", "Asia/Shanghai", "Australia/Lord_Howe",
                                        "Asia/Gaza",        "Antarctica/Troll",  "Europe/London"};
    uint64_t random = random_start();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct tz *tz = load(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int k = 0; k < 20000; k++) {
            time_t t = (time_t)(random_next(&random) % 4102444800u);
            struct tm tm;
            localtime_r(&t, &tm);
            if (tz_offset_s(tz, (int64_t)t * 1000) != (int32_t)tm.tm_gmtoff)
                fail_msg("%s at %lld", names[i], (long long)t);
            int32_t d = tz_day(tz, (int64_t)t * 1000);
            assert_int_equal(d, civil_day(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday));
            assert_true(tz_at(tz, d, 0) <= (int64_t)t * 1000);
            assert_true(tz_at(tz, d + 1, 0) > (int64_t)t * 1000);
        }
        unsetenv("TZ");
        tzset();
        tz_free(tz);
    }
}

static void loading_puts_back_the_process_zone(void **state)
{
    (void)state;
    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    tz_free(load("America/New_York"));
    assert_string_equal(getenv("TZ"), "Asia/Tokyo");
    assert_int_equal(timezone, -9 * 3600);
    unsetenv("TZ");
    tzset();
    tz_free(load("America/New_York"));
    assert_null(getenv("TZ"));
}

static void unknown_zones_are_refused_with_the_mend(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Asia/Shangahi",
                                      "asia/shanghai",
                                      "../../etc/passwd",
                                      "/etc/localtime",
                                      "Asia",
                                      "Asia/",
                                      "UTC+8",
                                      "EST5EDT4,M3",
                                      ":UTC",
                                      "zone.tab",
                                      "Asia/Shanghai ",
                                      "<+08>-8",
                                      "A very long name of no zone, longer than any zone is, much longer indeed"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = {0};
        if (tz_load(str_of(bad[i]), &e))
            fail_msg("%s was accepted", bad[i]);
        assert_non_null(strstr(e.what, "timedatectl list-timezones"));
    }
    struct err e = {0};
    assert_null(tz_load((struct str){"UTC\0x", 5}, &e));
    setenv("TZDIR", "/nonexistent/zones", 1);
    assert_null(tz_load(STR_LIT("UTC"), &e));
    assert_non_null(strstr(e.what, "tzdata"));
    unsetenv("TZDIR");
}

static void civil_days_count_without_a_gap(void **state)
{
    (void)state;
    static const int32_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t expected = civil_day(1600, 1, 1);
    for (int32_t y = 1600; y <= 2400; y++) {
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        for (int32_t m = 1; m <= 12; m++) {
            int32_t length = lengths[m - 1] + (m == 2 && leap);
            assert_int_equal(civil_month(expected), (y - 1970) * 12 + m - 1);
            assert_int_equal(civil_month_first((y - 1970) * 12 + m - 1), expected);
            for (int32_t d = 1; d <= length; d++, expected++) {
                int32_t yy, mm, dd;
                assert_int_equal(civil_day(y, m, d), expected);
                civil_date(expected, &yy, &mm, &dd);
                assert_true(yy == y && mm == m && dd == d);
            }
        }
    }
    assert_int_equal(civil_day(1970, 1, 1), 0);
    assert_int_equal(civil_day(2000, 3, 1), 11017);
}

static void weekdays_begin_with_monday(void **state)
{
    (void)state;
    assert_int_equal(civil_weekday(0), 3);                 /* Thursday */
    assert_int_equal(civil_weekday(day("2026-03-02")), 0); /* Monday */
    assert_int_equal(civil_weekday(day("2026-03-01")), 6);
    assert_int_equal(civil_weekday(day("1969-12-29")), 0);
    assert_int_equal(civil_weekday(day("1969-12-28")), 6);
}

static void dates_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"2026-02-29",  "2100-02-29", "2026-04-31", "2026-13-01", "2026-00-01",
                                      "2026-01-00",  "2026-1-01",  "2026/01/01", "20260101",   "2026-01-1x",
                                      "2026-01-01 ", "-026-01-01", "+026-01-01", "",           "2026-01"};
    int32_t d;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(civil_parse_day(str_of(bad[i]), &d), -1);
    assert_int_equal(civil_parse_day(STR_LIT("2024-02-29"), &d), 0);
    assert_int_equal(civil_parse_month(STR_LIT("2026-13"), &d), -1);
    assert_int_equal(civil_parse_month(STR_LIT("2026-1"), &d), -1);
    assert_int_equal(civil_parse_month(STR_LIT("2026-01-01"), &d), -1);
    assert_int_equal(civil_parse_month(STR_LIT("2026-03"), &d), 0);
    assert_int_equal(d, 56 * 12 + 2);
}

static void days_and_months_print_as_they_are_read(void **state)
{
    (void)state;
    char text[16];
    civil_print_day(text, sizeof text, day("2024-02-29"));
    assert_string_equal(text, "2024-02-29");
    civil_print_month(text, sizeof text, 56 * 12 + 2);
    assert_string_equal(text, "2026-03");
    civil_print_month(text, sizeof text, -1);
    assert_string_equal(text, "1969-12");
}

static void rfc3339_reads_what_the_rfc_allows(void **state)
{
    (void)state;
    assert_int_equal(at("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(at("2026-03-02T09:00:45.131Z"), 1772442045131);
    assert_int_equal(at("2026-03-02T17:00:45.131+08:00"), 1772442045131);
    assert_int_equal(at("2026-03-02t09:00:45.131z"), 1772442045131);
    assert_int_equal(at("2026-03-02 09:00:45.131Z"), 1772442045131);
    assert_int_equal(at("2026-03-02T09:00:45-00:00"), 1772442045000);
    assert_int_equal(at("2026-03-01T23:30:45-09:30"), 1772442045000);
    assert_int_equal(at("1969-12-31T23:59:59.999Z"), -1);
}

static void what_is_finer_than_a_millisecond_is_cut(void **state)
{
    (void)state;
    assert_int_equal(at("1970-01-01T00:00:00.9999999999Z"), 999);
    assert_int_equal(at("1970-01-01T00:00:00.5Z"), 500);
    assert_int_equal(at("1970-01-01T00:00:00.07Z"), 70);
    assert_int_equal(at("1969-12-31T23:59:59.9999Z"), -1); /* cut toward the past, also before 1970 */
}

static void a_leap_second_is_the_last_millisecond_before_it(void **state)
{
    (void)state;
    assert_int_equal(at("2016-12-31T23:59:60Z"), at("2016-12-31T23:59:59.999Z"));
    assert_int_equal(at("2016-12-31T23:59:60.5Z"), at("2016-12-31T23:59:59.999Z"));
}

static void rfc3339_refuses_rubbish(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "soon",
                                      "2026-03-02",
                                      "2026-03-02T09:00:45",
                                      "2026-03-02T09:00:45.131",
                                      "2026-03-02T09:00Z",
                                      "2026-02-30T09:00:45Z",
                                      "2026-03-02T24:00:00Z",
                                      "2026-03-02T09:60:00Z",
                                      "2026-03-02T09:00:61Z",
                                      "2026-03-02T09:00:45.Z",
                                      "2026-03-02T09:00:45,5Z",
                                      "2026-03-02T09:00:45+0800",
                                      "2026-03-02T09:00:45+08",
                                      "2026-03-02T09:00:45+24:00",
                                      "2026-03-02T09:00:45+08:60",
                                      "2026-03-02T09:00:45ZZ",
                                      "2026-03-02T09:00:45 Z",
                                      "2026-03-02_09:00:45Z",
                                      "2026-03-02T9:00:45.00Z",
                                      "2026-3-02T09:00:45.0Z",
                                      " 2026-03-02T09:00:45Z",
                                      "2026-03-02T09:00:45Z ",
                                      "+026-03-02T09:00:45Z",
                                      "2026-03-02T-9:00:45Z",
                                      "20260302T090045.000Z",
                                      "2026-03-02T09:00:45.1e3Z",
                                      "2026-03-02T09:00:45+-8:00",
                                      "2026-W10-1T09:00:45Z",
                                      "２０２６-03-02T09:00:45Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t v = 77;
        struct err e = {0};
        if (rfc3339_parse(str_of(bad[i]), &v, &e) != -1)
            fail_msg("%s was accepted", bad[i]);
        assert_non_null(strstr(e.what, "expected"));
        assert_int_equal(v, 77);
    }
    int64_t v;
    assert_int_equal(rfc3339_parse((struct str){"2026-03-02\00009:00:45Z", 20}, &v, NULL), -1);
}

static void rfc3339_prints_what_it_reads_back(void **state)
{
    (void)state;
    uint64_t random = random_start();
    for (int i = 0; i < 100000; i++) {
        int64_t instant = (int64_t)(random_next(&random) % 8000000000000u) - 2000000000000;
        char text[32];
        rfc3339_print(text, sizeof text, instant);
        assert_int_equal(strlen(text), 24);
        assert_int_equal(at(text), instant);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_york_skips_an_hour_in_march),
        cmocka_unit_test(new_york_has_an_hour_twice_in_november),
        cmocka_unit_test(minutes_past_midnight_run_into_the_next_day),
        cmocka_unit_test(morocco_goes_back_for_ramadan),
        cmocka_unit_test(shanghai_had_summer_time_from_1986_to_1991),
        cmocka_unit_test(a_day_that_never_was_is_empty),
        cmocka_unit_test(offsets_need_not_be_whole_hours),
        cmocka_unit_test(every_instant_has_the_offset_the_c_library_says),
        cmocka_unit_test(loading_puts_back_the_process_zone),
        cmocka_unit_test(unknown_zones_are_refused_with_the_mend),
        cmocka_unit_test(civil_days_count_without_a_gap),
        cmocka_unit_test(weekdays_begin_with_monday),
        cmocka_unit_test(dates_that_are_none_are_refused),
        cmocka_unit_test(days_and_months_print_as_they_are_read),
        cmocka_unit_test(rfc3339_reads_what_the_rfc_allows),
        cmocka_unit_test(what_is_finer_than_a_millisecond_is_cut),
        cmocka_unit_test(a_leap_second_is_the_last_millisecond_before_it),
        cmocka_unit_test(rfc3339_refuses_rubbish),
        cmocka_unit_test(rfc3339_prints_what_it_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
