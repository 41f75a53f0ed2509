/* Ids of stream entries: what is one, in which order they stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kefu/base/stream_id.h"

static void what_is_an_id_is_read_and_written_back(void **state)
{
    static const char *const good[] = {"0-0", "1772442045131-7", "18446744073709551615-18446744073709551615", "0-1"};
    char out[STREAM_ID_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct stream_id id;
        assert_true(stream_id_read(str_of(good[i]), &id));
        assert_string_equal(stream_id_print(out, id).p, good[i]);
    }
}

static void what_is_none_is_refused(void **state)
{
    static const char *const bad[] = {"",     "1",    "1-",    "-1",    "1-2 ",  " 1-2", "+1-2",
                                      "1-+2", "1--2", "1-2-3", "a-1",   "0x1-1", "1-2x", "18446744073709551616-0",
                                      "$",    ">",    "1.5-0", "1-1.5", "１-２"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct stream_id id = {1, 1};
        assert_false(stream_id_read(str_of(bad[i]), &id));
        assert_true(id.ms == 0 && id.n == 0);
    }
}

static void they_are_ordered_by_time_then_counter(void **state)
{
    static const struct stream_id rising[] = {{0, 0}, {0, 1}, {0, UINT64_MAX}, {9, 0}, {10, 0}, {UINT64_MAX, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++) {
        for (size_t k = 0; k < sizeof rising / sizeof *rising; k++)
            assert_int_equal(stream_id_cmp(rising[i], rising[k]), (i > k) - (i < k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_an_id_is_read_and_written_back),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(they_are_ordered_by_time_then_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
