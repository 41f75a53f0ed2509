/* The word that was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kefu/base/nearest.h"

static const char *const words[] = {"site", "state_dir", "run_dir", "timezone", "demo"};

static void a_slip_of_the_hand_is_seen_through(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"stat_dir", "state_dir"}, {"time_zone", "timezone"}, {"timezoen", "timezone"}, {"Demo", "demo"},
        {"site", "site"},          {"rundir", "run_dir"},     {"sites", "site"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(nearest(rows[i][0], words, 5), rows[i][1]);
}

static void there_is_always_an_answer(void **state)
{
    (void)state;
    static const char long_one[] = "a name that is much longer than any of the words that it could have been meant for";
    assert_string_equal(nearest("", words, 5), "site");
    assert_string_equal(nearest("x", words, 1), "site");
    assert_non_null(nearest(long_one, words, 5));
    assert_string_equal(nearest(long_one, (const char *const[]){"demo", long_one}, 2), long_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slip_of_the_hand_is_seen_through),
        cmocka_unit_test(there_is_always_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
