/* Tables for people: columns align on a terminal whatever script stands in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kefu/ctl/grid.h"

static void chinese_characters_are_two_wide(void **state)
{
    (void)state;
    assert_int_equal(grid_width(str_of("ab")), 2);
    assert_int_equal(grid_width(str_of("林晓雯")), 6);
    assert_int_equal(grid_width(str_of("A座,10")), 6);
    assert_int_equal(grid_width(str_of("￥５")), 4);
    assert_int_equal(grid_width(str_of("")), 0);
}

static void combining_marks_take_no_room(void **state)
{
    (void)state;
    assert_int_equal(grid_width(str_of("e\xCC\x81")), 1);
    assert_int_equal(grid_width(str_of("❤\xEF\xB8\x8F")), 1);
}

static void bytes_that_are_no_text_count_one(void **state)
{
    (void)state;
    assert_int_equal(grid_width(str_of("\xFF\xE6\x9E")), 3);
}

static void columns_align_by_width(void **state)
{
    (void)state;
    struct grid g = {.columns_n = 3, .right = {[1] = true}};
    grid_put(&g, STR_LIT("name"));
    grid_put(&g, STR_LIT("score"));
    grid_put(&g, STR_LIT("tier"));
    grid_put(&g, STR_LIT("林晓雯"));
    grid_printf(&g, "%d", 9);
    grid_put(&g, STR_LIT("-"));
    grid_put(&g, STR_LIT("Al"));
    grid_printf(&g, "%d.%02d", 90, 5);
    grid_put(&g, STR_LIT(""));
    struct buf out = {0};
    grid_print(&out, &g);
    buf_put_byte(&out, 0);
    assert_string_equal(out.p, "name    score  tier\n"
                               "林晓雯      9  -\n"
                               "Al      90.05\n");
    buf_fini(&out);
    grid_fini(&g);
}

static void a_cell_cannot_move_the_cursor(void **state)
{
    (void)state;
    struct grid g = {.columns_n = 1};
    grid_put(&g, STR_LIT("a\x1b[2Jb\nc\x7f"));
    grid_put(&g, STR_LIT("\xc2\x9b"
                         "2J\xc2\x80\xc2\x9f\xc2\xa0客")); /* as one byte it is CSI to some terminals */
    grid_put(&g, STR_LIT("\x9b"
                         "2J\xe5\xae")); /* and when it is no text */
    struct buf out = {0};
    grid_print(&out, &g);
    buf_put_byte(&out, 0);
    assert_string_equal(out.p, "a?[2Jb?c?\n?2J??\xc2\xa0客\n?2J??\n");
    buf_fini(&out);
    grid_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chinese_characters_are_two_wide),  cmocka_unit_test(combining_marks_take_no_room),
        cmocka_unit_test(bytes_that_are_no_text_count_one), cmocka_unit_test(columns_align_by_width),
        cmocka_unit_test(a_cell_cannot_move_the_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
