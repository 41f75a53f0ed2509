/* Members of JSON objects as they are written: commas, escapes, what is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kefu/base/json.h"
#include "kefu/base/json_put.h"

static void assert_text(struct buf *out, const char *expected)
{
    buf_put_byte(out, 0);
    assert_string_equal(out->p, expected);
    buf_fini(out);
}

static void the_first_member_of_an_object_has_no_comma(void **state)
{
    struct buf out = {0};
    static const struct str words[] = {{"a", 1}, {"b\"", 2}};
    (void)state;
    buf_put_byte(&out, '{');
    json_put_whole(&out, "n", -7);
    json_put_text(&out, "empty", (struct str){0});
    json_put_truth(&out, "yes", true);
    json_put_texts(&out, "words", words, 2);
    json_put_texts(&out, "none", words, 0);
    json_put_name(&out, "inner");
    buf_put_byte(&out, '{');
    json_put_truth(&out, "no", false);
    buf_put_str(&out, STR_LIT("}}"));
    struct err e;
    cJSON *tree = json_parse(buf_str(&out), &e);
    assert_non_null(tree);
    cJSON_Delete(tree);
    assert_text(
        &out,
        "{\"n\":-7,\"empty\":\"\",\"yes\":true,\"words\":[\"a\",\"b\\\"\"],\"none\":[],\"inner\":{\"no\":false}}");
}

static void what_is_put_behind_other_members_begins_with_a_comma(void **state)
{
    struct buf out = {0};
    (void)state;
    json_put_known(&out, "gone", (struct str){0});
    json_put_known(&out, "here", STR_LIT("x\n"));
    json_put_whole(&out, "least", INT64_MIN);
    assert_text(&out, ",\"here\":\"x\\n\",\"least\":-9223372036854775808");
}

static void a_text_that_ends_in_a_brace_is_still_followed_by_a_comma(void **state)
{
    struct buf out = {0};
    (void)state;
    buf_put_byte(&out, '{');
    json_put_text(&out, "a", STR_LIT("{"));
    json_put_whole(&out, "b", 1);
    assert_text(&out, "{\"a\":\"{\",\"b\":1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_member_of_an_object_has_no_comma),
        cmocka_unit_test(what_is_put_behind_other_members_begins_with_a_comma),
        cmocka_unit_test(a_text_that_ends_in_a_brace_is_still_followed_by_a_comma),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
