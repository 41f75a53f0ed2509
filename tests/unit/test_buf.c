/* Buffers, varints and cursors: every number comes back, no cursor reads over its end. KEFU_SEED repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/buf.h"
#include "support_random.h"

static void uvar_is(uint64_t v, size_t bytes)
{
    struct buf b = {0};
    buf_put_uvar(&b, v);
    assert_int_equal(b.n, bytes);
    struct cursor c = cursor_of(buf_str(&b));
    assert_true(cursor_uvar(&c) == v);
    assert_false(c.bad);
    assert_ptr_equal(c.p, c.end);
    buf_fini(&b);
}

static void svar_is(int64_t v, size_t bytes)
{
    struct buf b = {0};
    buf_put_svar(&b, v);
    assert_int_equal(b.n, bytes);
    struct cursor c = cursor_of(buf_str(&b));
    assert_true(cursor_svar(&c) == v);
    assert_false(c.bad);
    buf_fini(&b);
}

static void number_is(uint64_t v, int digits_n, const char *expected)
{
    struct buf b = {0};
    buf_put_number(&b, v, digits_n);
    assert_int_equal(b.n, strlen(expected));
    assert_memory_equal(b.p, expected, b.n);
    buf_fini(&b);
}

static void numbers_have_at_least_the_digits_asked_for(void **state)
{
    (void)state;
    number_is(0, 1, "0");
    number_is(0, 4, "0000");
    number_is(7, 0, "7");
    number_is(120, 2, "120");
    number_is(120, 5, "00120");
    number_is(UINT64_MAX, 1, "18446744073709551615");
    number_is(1, 20, "00000000000000000001");
}

static void malformed(const char *bytes, size_t n)
{
    char *exact = malloc(n + 1); /* so that a sanitizer sees a read over the end */
    memcpy(exact, bytes, n);
    struct cursor c = cursor_of((struct str){exact, n});
    c.end = c.p + n;
    assert_true(cursor_uvar(&c) == 0);
    assert_true(c.bad);
    assert_true(cursor_uvar(&c) == 0);
    assert_int_equal(cursor_byte(&c), 0);
    assert_int_equal(cursor_bytes(&c, 1).n, 0);
    assert_true(c.bad);
    free(exact);
}

static void small_numbers_are_short(void **state)
{
    (void)state;
    uvar_is(0, 1);
    uvar_is(127, 1);
    uvar_is(128, 2);
    uvar_is(16383, 2);
    uvar_is(16384, 3);
    uvar_is(UINT64_MAX >> 1, 9);
    uvar_is((UINT64_MAX >> 1) + 1, 10);
    uvar_is(UINT64_MAX, 10);
    svar_is(0, 1);
    svar_is(-1, 1);
    svar_is(63, 1);
    svar_is(-64, 1);
    svar_is(64, 2);
    svar_is(INT64_MAX, 10);
    svar_is(INT64_MIN, 10);
}

static void every_number_comes_back(void **state)
{
    (void)state;
    uint64_t random = random_start();
    struct buf b = {0};
    uint64_t sent[2000];
    for (size_t i = 0; i < 2000; i++) {
        sent[i] = random_scale(&random, 64);
        buf_put_uvar(&b, sent[i]);
        buf_put_svar(&b, (int64_t)(0 - sent[i]));
    }
    struct cursor c = cursor_of(buf_str(&b));
    for (size_t i = 0; i < 2000; i++) {
        assert_true(cursor_uvar(&c) == sent[i]);
        assert_true(cursor_svar(&c) == (int64_t)(0 - sent[i]));
    }
    assert_false(c.bad);
    assert_ptr_equal(c.p, c.end);
    buf_fini(&b);
}

static void malformed_numbers_turn_the_cursor_bad(void **state)
{
    (void)state;
    malformed("", 0);
    malformed("\x80", 1);
    malformed("\xff\xff\xff", 3);
    malformed("\x80\x00", 2);                                      /* 0, spelled long */
    malformed("\xff\x80\x00", 3);                                  /* 127, spelled long */
    malformed("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);     /* 65 bits */
    malformed("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11); /* 71 bits */
}

static void bytes_are_given_whole_or_not_at_all(void **state)
{
    (void)state;
    struct cursor c = cursor_of(STR_LIT("abc"));
    assert_true(str_eq(cursor_bytes(&c, 2), STR_LIT("ab")));
    assert_int_equal(cursor_bytes(&c, 0).n, 0);
    assert_false(c.bad);
    assert_int_equal(cursor_bytes(&c, 2).n, 0);
    assert_true(c.bad);
    c = cursor_of(STR_LIT("abc"));
    assert_int_equal(cursor_bytes(&c, SIZE_MAX).n, 0);
    assert_true(c.bad);
    c = cursor_of((struct str){0});
    assert_int_equal(cursor_bytes(&c, 0).n, 0);
    assert_false(c.bad);
    cursor_byte(&c);
    assert_true(c.bad);
}

static void a_cursor_never_reads_over_its_end(void **state)
{
    (void)state;
    uint64_t random = random_start();
    for (int round = 0; round < 20000; round++) {
        size_t n = random_next(&random) % 24;
        uint8_t *p = malloc(n + 1);
        for (size_t i = 0; i < n; i++)
            p[i] = (uint8_t)(random_next(&random) | (random_next(&random) & 0x80));
        p[n] = 0xff; /* would be read as more */
        struct cursor c = cursor_of((struct str){(char *)p, n});
        for (int k = 0; k < 30; k++) {
            switch (random_next(&random) % 4) {
            case 0: cursor_uvar(&c); break;
            case 1: cursor_svar(&c); break;
            case 2: cursor_byte(&c); break;
            default: cursor_bytes(&c, random_next(&random) % 5); break;
            }
            assert_true(c.p <= p + n && c.end == p + n);
        }
        assert_true(c.bad);
        free(p);
    }
}

static void print_appends_whatever_its_length(void **state)
{
    (void)state;
    struct buf b = {0};
    char expected[512];
    for (int i = 0; i < 300; i++) {
        b.n = 0;
        buf_put_byte(&b, '>');
        buf_printf(&b, "%0*d", i, 7);
        snprintf(expected, sizeof expected, ">%0*d", i, 7);
        assert_true(str_eq(buf_str(&b), str_of(expected)));
    }
    buf_fini(&b);
    assert_null(b.p);
    assert_int_equal(b.n, 0);
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_put_json(&b, STR_LIT("a\"b\\c/\n\r\t\x01\x1f\x7f客服🌹"));
    assert_true(str_eq(buf_str(&b), STR_LIT("\"a\\\"b\\\\c/\\n\\r\\t\\u0001\\u001f\x7f客服🌹\"")));
    b.n = 0;
    buf_put_json(&b, (struct str){0});
    assert_true(str_eq(buf_str(&b), STR_LIT("\"\"")));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_numbers_are_short),
        cmocka_unit_test(numbers_have_at_least_the_digits_asked_for),
        cmocka_unit_test(every_number_comes_back),
        cmocka_unit_test(malformed_numbers_turn_the_cursor_bad),
        cmocka_unit_test(bytes_are_given_whole_or_not_at_all),
        cmocka_unit_test(a_cursor_never_reads_over_its_end),
        cmocka_unit_test(print_appends_whatever_its_length),
        cmocka_unit_test(json_strings_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
