/* Log-ins end by log-out, by time and when there are too many; they outlive a restart; wrong tokens are counted by address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kefu/base/digest.h"
#include "kefu/base/log.h"
#include "kefu/daemon/knock.h"
#include "kefu/daemon/session.h"

#define HOUR_MS INT64_C(3600000)
#define NOW     INT64_C(1795640000000)

static char file[4096];

static int set_up(void **state)
{
    const char *dir = getenv("TMPDIR");
    (void)state;
    digest_start();
    snprintf(file, sizeof file, "%s/sessions.%d.json", dir ? dir : "/tmp", (int)getpid());
    unlink(file);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(file);
    return 0;
}

static bool is_open(const struct sessions *s, const char *value, int64_t now_ms)
{
    struct session found;
    return sessions_find(s, str_of(value), now_ms, &found);
}

static void a_session_is_its_tokens_until_its_time_is_over(void **state)
{
    struct sessions *s = sessions_new(file, 2, NOW);
    struct session found;
    char value[SESSION_BYTES];
    (void)state;
    sessions_open(s, STR_LIT("t1"), NOW, value);
    assert_int_equal(strlen(value), SESSION_BYTES - 1);
    assert_true(sessions_find(s, str_of(value), NOW, &found));
    assert_true(str_eq(found.token, STR_LIT("t1")));
    assert_int_equal(found.until_ms, NOW + 2 * HOUR_MS);
    assert_true(is_open(s, value, NOW + 2 * HOUR_MS - 1));
    assert_false(is_open(s, value, NOW + 2 * HOUR_MS));
    value[5] = value[5] == 'A' ? 'B' : 'A';
    assert_false(is_open(s, value, NOW));
    assert_false(is_open(s, "", NOW));
    sessions_free(s);
}

static void closing_ends_one_and_no_other(void **state)
{
    struct sessions *s = sessions_new(file, 2, NOW);
    char one[SESSION_BYTES], two[SESSION_BYTES];
    (void)state;
    sessions_open(s, STR_LIT("t1"), NOW, one);
    sessions_open(s, STR_LIT("t1"), NOW, two);
    uint64_t closed_n = sessions_closed_n(s);
    sessions_close(s, str_of(one));
    sessions_close(s, str_of(one));
    assert_false(is_open(s, one, NOW));
    assert_true(is_open(s, two, NOW));
    assert_int_equal(sessions_closed_n(s), closed_n + 1);
    sessions_free(s);
}

static void sessions_outlive_a_restart_and_the_file_opens_none(void **state)
{
    struct sessions *s = sessions_new(file, 2, NOW);
    char value[SESSION_BYTES], text[4096] = "";
    (void)state;
    sessions_open(s, STR_LIT("t\"1"), NOW, value);
    sessions_free(s);
    FILE *f = fopen(file, "r");
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    assert_null(strstr(text, value)); /* the file holds a hash */
    s = sessions_new(file, 2, NOW + HOUR_MS);
    struct session found;
    assert_true(sessions_find(s, str_of(value), NOW + HOUR_MS, &found));
    assert_true(str_eq(found.token, STR_LIT("t\"1")));
    sessions_free(s);
    s = sessions_new(file, 2, NOW + 3 * HOUR_MS);
    assert_int_equal(sessions_n(s), 0);
    sessions_free(s);
}

static void a_damaged_file_costs_log_ins_and_nothing_else(void **state)
{
    static const char *const damaged[] = {"",
                                          "{",
                                          "[1,2]",
                                          "[{\"sha256\":\"x\",\"token\":\"t\",\"until\":1}]",
                                          "[{}]",
                                          "{\"a\":[]}",
                                          "[{\"sha256\":1,\"token\":[],\"until\":\"9\"}]"};
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        FILE *f = fopen(file, "w");
        fputs(damaged[i], f);
        fclose(f);
        struct sessions *s = sessions_new(file, 2, NOW);
        char value[SESSION_BYTES];
        assert_int_equal(sessions_n(s), 0);
        sessions_open(s, STR_LIT("t"), NOW, value);
        assert_true(is_open(s, value, NOW));
        sessions_free(s);
    }
    log_set_level(LOG_LEVEL_INFO);
}

static void of_too_many_the_oldest_go(void **state)
{
    struct sessions *s = sessions_new(file, 2, NOW);
    char first[SESSION_BYTES], other[SESSION_BYTES], value[SESSION_BYTES];
    (void)state;
    sessions_open(s, STR_LIT("other"), NOW, other);
    sessions_open(s, STR_LIT("t"), NOW, first);
    for (int i = 0; i < 19; i++)
        sessions_open(s, STR_LIT("t"), NOW + i, value);
    assert_true(is_open(s, first, NOW));
    sessions_open(s, STR_LIT("t"), NOW, value);
    assert_false(is_open(s, first, NOW));
    assert_true(is_open(s, other, NOW));
    assert_true(is_open(s, value, NOW));
    sessions_free(s);
}

static void an_address_that_guesses_waits_for_the_rest_of_its_minute(void **state)
{
    struct knocks *k = knocks_new(3);
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(knock_wait_s(k, STR_LIT("10.0.0.1"), 1000), 0);
        knock_wrong(k, STR_LIT("10.0.0.1"), 1000 + i * 10000);
    }
    assert_int_equal(knock_wait_s(k, STR_LIT("10.0.0.1"), 31000), 31);
    assert_int_equal(knock_wait_s(k, STR_LIT("10.0.0.2"), 31000), 0);
    assert_int_equal(knock_wait_s(k, STR_LIT("10.0.0.1"), 61000), 0);
    knock_wrong(k, STR_LIT("10.0.0.1"), 61000);
    assert_int_equal(knock_wait_s(k, STR_LIT("10.0.0.1"), 61000), 0);
    knocks_free(k);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_is_its_tokens_until_its_time_is_over),
        TEST(closing_ends_one_and_no_other),
        TEST(sessions_outlive_a_restart_and_the_file_opens_none),
        TEST(a_damaged_file_costs_log_ins_and_nothing_else),
        TEST(of_too_many_the_oldest_go),
        TEST(an_address_that_guesses_waits_for_the_rest_of_its_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
