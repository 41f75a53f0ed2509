/* Exact decimals: what is read, what is refused, how it is rounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/fix.h"

static void micro_is(const char *literal, int64_t expected)
{
    int64_t micro = 77;
    if (fix_parse(str_of(literal), &micro) != 0)
        fail_msg("%s was refused", literal);
    if (micro != expected)
        fail_msg("%s gave %lld, expected %lld", literal, (long long)micro, (long long)expected);
}

static void no_micro(const char *literal)
{
    int64_t micro = 77;
    if (fix_parse(str_of(literal), &micro) != -1)
        fail_msg("%s was accepted", literal);
    assert_int_equal(micro, 77);
}

static void whole_is(const char *literal, int64_t expected)
{
    int64_t v = 77;
    if (fix_parse_whole(str_of(literal), &v) != 0)
        fail_msg("%s was refused", literal);
    assert_int_equal(v, expected);
}

static void no_whole(const char *literal)
{
    int64_t v;
    if (fix_parse_whole(str_of(literal), &v) != -1)
        fail_msg("%s was accepted", literal);
}

static void milli_is(const char *literal, int64_t expected)
{
    int64_t v = 77;
    if (fix_parse_milli(str_of(literal), &v) != 0)
        fail_msg("%s was refused", literal);
    assert_int_equal(v, expected);
}

static void no_milli(const char *literal)
{
    int64_t v;
    if (fix_parse_milli(str_of(literal), &v) != -1)
        fail_msg("%s was accepted", literal);
}

static void six_places_are_exact(void **state)
{
    (void)state;
    micro_is("0", 0);
    micro_is("-0", 0);
    micro_is("1", 1000000);
    micro_is("-12.50", -12500000);
    micro_is("0.000001", 1);
    micro_is("0.1", 100000);
    micro_is("4.35", 4350000); /* 4.35 * 1e6 in floating point is 4349999.99… */
    micro_is("1.000000", 1000000);
    micro_is("123456789.123456", 123456789123456);
}

static void further_places_are_rounded_half_away_from_zero(void **state)
{
    (void)state;
    micro_is("0.3333335", 333334);
    micro_is("-0.3333335", -333334);
    micro_is("0.3333334999999999999999999999", 333333);
    micro_is("0.0000005", 1);
    micro_is("-0.0000005", -1);
    micro_is("0.0000004", 0);
    micro_is("0.00000049999", 0);
    micro_is("0.9999995", 1000000);
    micro_is("5e-7", 1);
    micro_is("4e-7", 0);
    micro_is("50e-8", 1);
}

static void exponents_move_the_point_exactly(void **state)
{
    (void)state;
    micro_is("3e2", 300000000);
    micro_is("3E+2", 300000000);
    micro_is("12.5e-1", 1250000);
    micro_is("1e-6", 1);
    micro_is("1e-7", 0);
    micro_is("0.000001e6", 1000000);
    micro_is("1000000e-6", 1000000);
    micro_is("9e12", INT64_C(9000000000000000000));
    micro_is("-9e12", INT64_C(-9000000000000000000));
}

static void huge_exponents_and_long_literals_do_not_overflow(void **state)
{
    (void)state;
    micro_is("0e999999999999999999999", 0);
    micro_is("1e-999999999999999999999", 0);
    no_micro("1e999999999999999999999");
    no_micro("1e13");
    no_micro("9000000000000.000001");
    no_micro("9223372036854.775807");
    no_micro("9223372036854775807");
    no_micro("9223372036854.7758075"); /* the rounding itself would overflow */
    no_micro("99999999999999999999999999999");
    char text[4096];
    memset(text, '0', sizeof text);
    memcpy(text, "0.", 2);
    memcpy(text + 4000, "7e4000", 7); /* 0.000…7 with 3999 places, times 1e4000 */
    micro_is(text, 70000000);
}

static void what_is_no_json_number_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "-",   "+1",  ".5",   "1.",    "01",    "-01",      "1e",   "1e+", "1e1.5",
                                      "1 ", " 1",  "1,5", "0x10", "1_000", "NaN",   "Infinity", "--1",  "1-",  "1e--1",
                                      "１", "1.e", "e1",  "-.1",  "1.2.3", "1e1e1", "true",     "\"1\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        no_micro(bad[i]);
        no_whole(bad[i]);
        no_milli(bad[i]);
    }
    int64_t v;
    assert_int_equal(fix_parse((struct str){NULL, 0}, &v), -1);
    assert_int_equal(fix_parse((struct str){"1\0", 2}, &v), -1);
}

static void a_whole_number_may_be_spelled_in_any_way(void **state)
{
    (void)state;
    whole_is("1", 1);
    whole_is("1.0", 1);
    whole_is("1e3", 1000);
    whole_is("12.50e2", 1250);
    whole_is("1000e-3", 1);
    whole_is("-0.0", 0);
    whole_is("9007199254740991", 9007199254740991);
    whole_is("-9007199254740991", -9007199254740991);
    no_whole("9007199254740992");
    no_whole("1.5");
    no_whole("0.9999999999999999999999");
    no_whole("1e-1");
    no_whole("1e400");
}

static void three_places_that_matter(void **state)
{
    (void)state;
    milli_is("4", 4000);
    milli_is("4.5", 4500);
    milli_is("4.250", 4250);
    milli_is("4.2500000", 4250);
    milli_is("45e-1", 4500);
    milli_is("0.001", 1);
    no_milli("0.0001");
    no_milli("4.2505");
    no_milli("9000000000001");
}

static void division_rounds_half_away_from_zero(void **state)
{
    (void)state;
    assert_int_equal(fix_div_round(5, 10), 1);
    assert_int_equal(fix_div_round(-5, 10), -1);
    assert_int_equal(fix_div_round(5, -10), -1);
    assert_int_equal(fix_div_round(-5, -10), 1);
    assert_int_equal(fix_div_round(4, 10), 0);
    assert_int_equal(fix_div_round(-4, 10), 0);
    assert_int_equal(fix_div_round(7, 3), 2);
    assert_int_equal(fix_div_round(8, 3), 3);
    assert_int_equal(fix_div_round(-8, 3), -3);
    assert_int_equal(fix_div_round(0, 3), 0);
    assert_int_equal(fix_div_round(25, 10), 3); /* not to even */
    assert_int_equal(fix_div_round(3, 2), 2);
    assert_int_equal(fix_div_round(-3, 2), -2);
}

static void products_beyond_64_bits_divide_exactly(void **state)
{
    (void)state;
    __int128 big = (__int128)INT64_MAX * INT64_MAX;
    assert_int_equal(fix_div_round(big, INT64_MAX), INT64_MAX);
    assert_int_equal(fix_div_round(-big, INT64_MAX), -INT64_MAX);
    __int128 den = (__int128)1 << 126;
    assert_int_equal(fix_div_round(den / 2, den), 1);
    assert_int_equal(fix_div_round(den / 2 - 1, den), 0);
    assert_int_equal(fix_div_round(-(den / 2), den), -1);
}

static void floor_goes_down_on_both_sides_of_zero(void **state)
{
    (void)state;
    assert_int_equal(fix_div_floor(7, 2), 3);
    assert_int_equal(fix_div_floor(-7, 2), -4);
    assert_int_equal(fix_div_floor(-8, 2), -4);
    assert_int_equal(fix_div_floor(-1, 86400000), -1);
    assert_int_equal(fix_div_floor(INT64_MIN, 1), INT64_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_places_are_exact),
        cmocka_unit_test(further_places_are_rounded_half_away_from_zero),
        cmocka_unit_test(exponents_move_the_point_exactly),
        cmocka_unit_test(huge_exponents_and_long_literals_do_not_overflow),
        cmocka_unit_test(what_is_no_json_number_is_refused),
        cmocka_unit_test(a_whole_number_may_be_spelled_in_any_way),
        cmocka_unit_test(three_places_that_matter),
        cmocka_unit_test(division_rounds_half_away_from_zero),
        cmocka_unit_test(products_beyond_64_bits_divide_exactly),
        cmocka_unit_test(floor_goes_down_on_both_sides_of_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
