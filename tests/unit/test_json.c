/* The strict reader as a specification: what is JSON here, what is not, and what the person is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kefu/base/buf.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/base/utf8.h"

static const char *const must_accept[] = {
    "{}",
    "[]",
    "0",
    "-0",
    "10",
    "1.5",
    "1e3",
    "1E+3",
    "-12.50e-2",
    "123456789012345678901234567890",
    "true",
    "false",
    "null",
    "\"\"",
    " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n",
    "\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u00e9 \\uD83D\\uDE00\"",
    "\"\\u0001\"",
    "\"谢谢啦🌹\"",
    "\"\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF \xF0\x90\x80\x80 \xF4\x8F\xBF\xBF\"",
    "\"\x7F\"",
    "{\"a\":1,\"A\":2,\"\":3,\"aa\":4}",
    "{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
    "[{\"a\":1},{\"a\":1}]",
    "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    "{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}",
};

struct refused {
    const char *text;
    const char *where;
    const char *found; /* e.what begins with "found " and this */
};

static const struct refused must_refuse[] = {
    {"", "line 1 column 1", "the end, expected a JSON value"},
    {" ", "line 1 column 2", "the end"},
    {"{", "line 1 column 2", "the end, expected a key"},
    {"{\"a\"", "line 1 column 5", "the end, expected \":\""},
    {"{\"a\":", "line 1 column 6", "the end, expected a JSON value"},
    {"{\"a\":1", "line 1 column 7", "the end, expected \",\" or \"}\""},
    {"{\"a\":1,", "line 1 column 8", "the end, expected a key"},
    {"{\"a\":1,}", "line 1 column 8", "\"}\", expected a key"},
    {"{a:1}", "line 1 column 2", "\"a\", expected a key"},
    {"{'a':1}", "line 1 column 2", "\"'\""},
    {"{\"a\" 1}", "line 1 column 6", "\"1\""},
    {"{\"a\":1 \"b\":2}", "line 1 column 8", "'\"', expected \",\" or \"}\""},
    {"{1:2}", "line 1 column 2", "\"1\""},
    {"[1,]", "line 1 column 4", "\"]\", expected a JSON value"},
    {"[1 2]", "line 1 column 4", "\"2\", expected \",\" or \"]\""},
    {"[1}", "line 1 column 3", "\"}\""},
    {"[,1]", "line 1 column 2", "\",\""},
    {"1 2", "line 1 column 3", "\"2\", expected nothing behind"},
    {"{}\n x", "line 2 column 2", "\"x\", expected nothing behind"},
    {"01", "line 1 column 1", "\"0\", expected a number without leading zeros"},
    {"-", "line 1 column 2", "the end, expected a digit"},
    {"+1", "line 1 column 1", "\"+\""},
    {".5", "line 1 column 1", "\".\""},
    {"1.", "line 1 column 3", "the end, expected a digit"},
    {"1.e3", "line 1 column 3", "\"e\", expected a digit"},
    {"1e", "line 1 column 3", "the end"},
    {"1e+", "line 1 column 4", "the end"},
    {"0x10", "line 1 column 2", "\"x\""},
    {"NaN", "line 1 column 1", "\"N\""},
    {"Infinity", "line 1 column 1", "\"I\""},
    {"tru", "line 1 column 1", "\"t\""},
    {"True", "line 1 column 1", "\"T\""},
    {"nul", "line 1 column 1", "\"n\""},
    {"// a\n1", "line 1 column 1", "\"/\""},
    {"\xEF\xBB\xBF{}", "line 1 column 1", "byte 0xEF"},
    {"\"a", "line 1 column 1", "a string without end"},
    {"\"a\\\"", "line 1 column 1", "a string without end"},
    {"\"a\nb\"", "line 1 column 3", "byte 0x0A, expected control characters in strings as escapes"},
    {"\"a\tb\"", "line 1 column 3", "byte 0x09"},
    {"\"\\x41\"", "line 1 column 2", "a backslash"},
    {"\"\\'\"", "line 1 column 2", "a backslash"},
    {"\"\\u12G4\"", "line 1 column 2", "\\u without four"},
    {"\"\\u12", "line 1 column 2", "\\u without four"},
    {"\"\\u0000\"", "line 1 column 2", "\\u0000"},
    {"\"a\\u0000b\"", "line 1 column 3", "\\u0000"},
    {"{\"a\\u0000\":1}", "line 1 column 4", "\\u0000"},
    {"\"\\uD800\"", "line 1 column 2", "the first half of a surrogate pair alone"},
    {"\"\\uD83D\\u0041\"", "line 1 column 2", "the first half"},
    {"\"\\uD83Dx\"", "line 1 column 2", "the first half"},
    {"\"\\uDE00\"", "line 1 column 2", "the second half"},
    {"\"\xFF\"", "line 1 column 2", "byte 0xFF, expected valid UTF-8"},
    {"\"\x80\"", "line 1 column 2", "byte 0x80"},
    {"\"\xC0\xAF\"", "line 1 column 2", "byte 0xC0"},
    {"\"\xC1\xBF\"", "line 1 column 2", "byte 0xC1"},
    {"\"\xE0\x9F\xBF\"", "line 1 column 2", "byte 0xE0"},
    {"\"\xED\xA0\x80\"", "line 1 column 2", "byte 0xED"},
    {"\"\xF0\x8F\xBF\xBF\"", "line 1 column 2", "byte 0xF0"},
    {"\"\xF4\x90\x80\x80\"", "line 1 column 2", "byte 0xF4"},
    {"\"\xF5\x80\x80\x80\"", "line 1 column 2", "byte 0xF5"},
    {"\"\xE8\xB0\"", "line 1 column 2", "byte 0xE8"},
    {"\"\xE8\xB0", "line 1 column 2", "byte 0xE8"},
    {"\"谢谢\" x", "line 1 column 6", "\"x\""},
    {"{\"a\":1,\"a\":1}", "line 1 column 8", "the key \"a\" twice, expected each key once"},
    {"{\"a\":1,\n\"\\u0061\":2}", "line 2 column 1", "the key \"\\u0061\" twice"},
    {"{\"b\":{\"x\":1,\"x\":2}}", "line 1 column 13", "the key \"x\" twice"},
    {"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "line 1 column 17", "a value nested too deep, expected at most 16"},
    {"{\"a\":[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]}", "line 1 column 21", "a value nested too deep"},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* In memory of exactly its own size, so that a sanitiser sees a read past the end. */
static struct str exact(const char *p, size_t n)
{
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, p, n);
    return (struct str){copy, n};
}

static int check(const char *p, size_t n, struct err *e)
{
    struct str s = exact(p, n);
    int result = json_check(s, JSON_DEPTH_MAX, e);
    free((void *)(uintptr_t)s.p);
    return result;
}

static void what_is_json_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(must_accept); i++) {
        struct err e = {0};
        if (check(must_accept[i], strlen(must_accept[i]), &e)) {
            fail_msg("%s: refused at %s: %s", must_accept[i], e.where, e.what);
        }
    }
}

static void what_is_none_is_refused_with_place_and_mend(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(must_refuse); i++) {
        const struct refused *r = &must_refuse[i];
        struct err e = {0};
        if (check(r->text, strlen(r->text), &e) != -1) {
            fail_msg("accepted: %s", r->text);
        }
        char begins[128];
        snprintf(begins, sizeof begins, "found %s", r->found);
        if (strcmp(e.where, r->where) != 0 || strncmp(e.what, begins, strlen(begins)) != 0) {
            fail_msg("%s: %s: %s (wanted %s: %s)", r->text, e.where, e.what, r->where, begins);
        }
        assert_non_null(strstr(e.what, ", expected "));
    }
}

static void a_raw_zero_byte_is_refused_everywhere(void **state)
{
    (void)state;
    assert_int_equal(check("\"a\0b\"", 5, NULL), -1);
    assert_int_equal(check("{}\0", 3, NULL), -1);
    assert_int_equal(check("\0", 1, NULL), -1);
}

static void every_cut_of_a_text_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"k\\u00e9\":[\"\\uD83D\\uDE00谢\",true,null,-1.5e3],\"b\":{\"c\":false}}";
    assert_int_equal(check(text, sizeof text - 1, NULL), 0);
    for (size_t n = 0; n < sizeof text - 1; n++) {
        assert_int_equal(check(text, n, NULL), -1);
    }
}

static void an_object_of_many_keys_finds_the_one_given_twice(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) {
        struct buf b = {0};
        buf_put_byte(&b, '{');
        for (int i = 0; i < 5000; i++) {
            buf_printf(&b, "\"k%d\":{\"n\":%d},\n", i * 7919 % 5000, i);
        }
        buf_printf(&b, "\"%s\":0}", twice ? "\\u006b4000" : "k5000");
        struct err e = {0};
        assert_int_equal(json_check(buf_str(&b), JSON_DEPTH_MAX, &e), twice ? -1 : 0);
        assert_string_equal(e.where, twice ? "line 5001 column 1" : "");
        buf_fini(&b);
    }
}

static void deeper_is_allowed_only_where_asked(void **state)
{
    (void)state;
    assert_int_equal(json_check(STR_LIT("[[1]]"), 2, NULL), 0);
    assert_int_equal(json_check(STR_LIT("[[1]]"), 1, NULL), -1);
    assert_int_equal(json_check(STR_LIT("1"), 0, NULL), 0);
}

static void members_are_slices_of_the_text(void **state)
{
    (void)state;
    struct json_member m[3];
    size_t n = 0;
    struct str text = STR_LIT(" {\"a\" : \"x\\n\" ,\"b\\u0041\":[1, {\"c\":2}],\"d\":-1.50, \"e\":{ } } ");
    assert_int_equal(json_members(text, m, 3, &n, NULL), 0);
    assert_int_equal(n, 4);
    assert_true(str_eq(m[0].key, STR_LIT("a")) && str_eq(m[0].value, STR_LIT("\"x\\n\"")));
    assert_true(str_eq(m[1].key, STR_LIT("b\\u0041")) && str_eq(m[1].value, STR_LIT("[1, {\"c\":2}]")));
    assert_true(str_eq(m[2].key, STR_LIT("d")) && str_eq(m[2].value, STR_LIT("-1.50")));
    assert_true(m[0].key.p > text.p && m[2].value.p < text.p + text.n);
}

static void members_of_what_is_no_object_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"[]", "[{\"a\":1}]", "1", "\"{}\"", "null", "true", "{} {}", ""};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct json_member m[3];
        size_t n = 9;
        assert_int_equal(json_members(str_of(texts[i]), m, 3, &n, NULL), -1);
    }
    struct err e;
    struct json_member m[1];
    size_t n;
    json_members(STR_LIT(" [1]"), m, 1, &n, &e);
    assert_string_equal(e.what, "found an array, expected an object");
    assert_int_equal(n, 0);
}

static void the_first_value_is_read_whatever_follows(void **state)
{
    (void)state;
    size_t used = 0;
    assert_int_equal(json_first(STR_LIT("{\"a\":1}}garbage"), 16, &used, NULL), 0);
    assert_int_equal(used, 7);
    assert_int_equal(json_first(STR_LIT("12,"), 16, &used, NULL), 0);
    assert_int_equal(used, 2);
    assert_int_equal(json_first(STR_LIT("{\"a\":]"), 16, &used, NULL), -1);
    assert_true(used <= 5);
}

static void escapes_are_undone(void **state)
{
    (void)state;
    static const struct {
        const char *literal;
        const char *plain;
    } rows[] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u8c22\\uD83C\\uDF39!\"", "Aé谢🌹!"},
        {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\\ud800\\udc00\\udbff\\udfff\"",
         "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
        {"\"谢\\u8c22谢\"", "谢谢谢"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str literal = exact(rows[i].literal, strlen(rows[i].literal));
        assert_int_equal(json_check(literal, 1, NULL), 0);
        char *out = malloc(literal.n);
        size_t n = json_unescape(literal, out);
        assert_int_equal(n, strlen(rows[i].plain));
        assert_memory_equal(out, rows[i].plain, n);
        free(out);
        free((void *)(uintptr_t)literal.p);
    }
}

static void a_tree_is_parsed_only_from_checked_text(void **state)
{
    (void)state;
    struct err e = {0};
    cJSON *tree = json_parse(STR_LIT("{\"a\":[1,2.5]}"), &e);
    assert_non_null(tree);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(tree, "a")), 2);
    cJSON_Delete(tree);
    assert_null(json_parse(STR_LIT("{\"a\":1,\"a\":2}"), &e));
    assert_string_equal(e.where, "line 1 column 8");
}

static void odd_characters_are_mended_and_nothing_else_is(void **state)
{
    static const struct {
        const char *text, *read;
    } rows[] = {
        {"[\"a\\u0000b\"]", "a\xEF\xBF\xBD"
                            "b"},
        {"[\"\\uD83D\"]", "\xEF\xBF\xBD"},
        {"[\"\\ude00\\ud83d\\ude00\"]", "\xEF\xBF\xBD\xF0\x9F\x98\x80"},
        {"[\"\\ud83dx\\\\u0000\"]", "\xEF\xBF\xBDx\\u0000"},
        {"[\"\x01\xC3\xA9\xF0\x9F\"]", " \xC3\xA9??"},
        {"[\"fine\"]", "fine"},
        {"[\"\\u12\"]", NULL},
        {"[\"\\u00\x10\x11\"]", NULL},
        {"[\"a\\", NULL},
        {"[\"a\"\x01]", NULL},
        {"{\"a\":1,\"a\":2}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e;
        size_t n = strlen(rows[i].text);
        char *text = xmalloc(n); /* not a byte more */
        memcpy(text, rows[i].text, n);
        cJSON *tree = json_parse_mended((struct str){text, n}, &e);
        assert_int_equal(tree != NULL, rows[i].read != NULL);
        if (tree)
            assert_string_equal(cJSON_GetArrayItem(tree, 0)->valuestring, rows[i].read);
        cJSON_Delete(tree);
        free(text);
    }
}

static void a_long_number_is_read_whole_or_refused(void **state)
{
    (void)state;
    char digits[100];
    memset(digits, '7', sizeof digits);
    struct err e = {0};
    cJSON *tree = json_parse((struct str){digits, sizeof digits}, &e);
    if (tree) { /* as libcjson's version has it */
        assert_true(tree->valuedouble > 7e99 && tree->valuedouble < 8e99);
    } else {
        assert_non_null(strstr(e.what, "more than 63 characters"));
    }
    cJSON_Delete(tree);
}

static const char commented[] = "\xEF\xBB\xBF// a rulebook, with \"quotes\" and {\n"
                                "{ /* two\n"
                                "lines */ \"name\": \"a // b /* c */ \\\" //\",\n"
                                "  \"kpis\": [\n"
                                "    {\"x\": 1, \"weight\": 20}, // 20\n"
                                "    {\"x\": 2,\n"
                                "     \"weight\":\n"
                                "       30, \"w\\u0032\": [[1],\n"
                                "        [2]]}\n"
                                "  ]\n"
                                "} // end";

static void comments_are_blanks_but_not_inside_strings(void **state)
{
    (void)state;
    struct err e = {0};
    cJSON *tree = json_parse_commented(STR_LIT(commented), "r.json", &e);
    if (!tree) {
        fail_msg("%s: %s", e.where, e.what);
    }
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(tree, "name")->valuestring, "a // b /* c */ \" //");
    cJSON_Delete(tree);
}

static void errors_of_files_begin_with_name_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *where;
    } rows[] = {
        {"{\n// x\n\"a\": }", "r.json:3 column 6"},
        {"{} /* no end", "r.json:1 column 4"},
        {"/*/ {}", "r.json:1 column 1"},
        {"{ / }", "r.json:1 column 3"},
        {"", "r.json:1 column 1"},
        {"/", "r.json:1 column 1"},
        {"\"", "r.json:1 column 1"},
        {"\"\\", "r.json:1 column 2"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err e = {0};
        struct str text = exact(rows[i].text, strlen(rows[i].text));
        assert_null(json_parse_commented(text, "r.json", &e));
        assert_string_equal(e.where, rows[i].where);
        free((void *)(uintptr_t)text.p);
    }
}

static void a_path_has_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int line;
    } rows[] = {
        {"", 2},
        {"name", 3},
        {"kpis", 4},
        {"kpis[0]", 5},
        {"kpis[0].weight", 5},
        {"kpis[1]", 6},
        {"kpis[1].x", 6},
        {"kpis[1].weight", 8},
        {"kpis[1].w2", 8},
        {"kpis[1].w2[0][0]", 8},
        {"kpis[1].w2[1]", 9},
        {"kpis[1].w2[1][0]", 9},
        {"kpis[2]", 0},
        {"kpis[-1]", 0},
        {"kpis[x]", 0},
        {"kpis.weight", 0},
        {"name[0]", 0},
        {"no", 0},
        {"[0]", 0},
        {"name.x", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int line = json_line(STR_LIT(commented), rows[i].path);
        if (line != rows[i].line) {
            fail_msg("%s: line %d, wanted %d", rows[i].path, line, rows[i].line);
        }
    }
    assert_int_equal(json_line(STR_LIT("{\"a\":"), "a"), 0);
    assert_int_equal(json_line(STR_LIT("{}"), "a"), 0);
    assert_int_equal(json_line(STR_LIT("[]"), "[0]"), 0);
}

static void a_place_that_is_missing_has_the_line_of_what_it_is_missing_in(void **state)
{
    (void)state;
    const struct str text = STR_LIT("{\n\"kpis\": [\n{\"a\": 1}]}");
    static const char *const rows[][2] = {{"kpis[0].a", "f.json:3 kpis[0].a"},   {"kpis[0].b", "f.json:3 kpis[0].b"},
                                          {"kpis[1].b", "f.json:2 kpis[1].b"},   {"kpis", "f.json:2 kpis"},
                                          {"other.b[2]", "f.json:1 other.b[2]"}, {"", "f.json:1"}};
    char where[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_where(where, sizeof where, text, "f.json", rows[i][0]);
        assert_string_equal(where, rows[i][1]);
    }
    json_where(where, sizeof where, STR_LIT("{"), "f.json", "a.b");
    assert_string_equal(where, "f.json a.b");
}

static void numbers_of_a_tree_come_back_as_they_were_written(void **state)
{
    (void)state;
    static const char *const numbers[] = {"0.9", "0.3333335", "4.5", "20", "-3", "90.000001", "0.1234567", "1e+20"};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        cJSON *tree = json_parse(str_of(numbers[i]), NULL);
        char out[40];
        struct str literal = json_literal(tree, out, sizeof out);
        assert_string_equal(literal.p, numbers[i]);
        cJSON_Delete(tree);
    }
}

static void a_file_is_read_whole_or_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/kefu-test-json-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "{\"a\":1}\n", 8), 8);
    close(fd);
    char *text;
    size_t n;
    struct err e;
    assert_int_equal(json_read_file(path, 8, &text, &n, &e), 0);
    assert_int_equal(n, 8);
    assert_memory_equal(text, "{\"a\":1}\n", 8);
    free(text);
    assert_int_equal(json_read_file(path, 7, &text, &n, &e), -1);
    assert_string_equal(e.where, path);
    assert_null(text);
    unlink(path);
    assert_int_equal(json_read_file(path, 8, &text, &n, &e), -1);
    assert_non_null(strstr(e.what, "No such file"));
    assert_int_equal(json_read_file("/", 8, &text, &n, &e), -1);
}

static void utf8_is_cut_between_characters(void **state)
{
    (void)state;
    struct str s = STR_LIT("a谢🌹");
    static const size_t kept[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 8};
    for (size_t max = 0; max < COUNT(kept); max++) {
        assert_int_equal(utf8_cut(s, max).n, kept[max]);
    }
    size_t n;
    assert_int_equal(utf8_get(s.p + 1, &n), 0x8C22);
    assert_int_equal(n, 3);
    assert_int_equal(utf8_get(s.p + 4, &n), 0x1F339);
    assert_int_equal(n, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_json_is_accepted),
        cmocka_unit_test(what_is_none_is_refused_with_place_and_mend),
        cmocka_unit_test(a_raw_zero_byte_is_refused_everywhere),
        cmocka_unit_test(every_cut_of_a_text_is_refused),
        cmocka_unit_test(an_object_of_many_keys_finds_the_one_given_twice),
        cmocka_unit_test(deeper_is_allowed_only_where_asked),
        cmocka_unit_test(members_are_slices_of_the_text),
        cmocka_unit_test(members_of_what_is_no_object_are_refused),
        cmocka_unit_test(the_first_value_is_read_whatever_follows),
        cmocka_unit_test(escapes_are_undone),
        cmocka_unit_test(a_tree_is_parsed_only_from_checked_text),
        cmocka_unit_test(odd_characters_are_mended_and_nothing_else_is),
        cmocka_unit_test(a_long_number_is_read_whole_or_refused),
        cmocka_unit_test(comments_are_blanks_but_not_inside_strings),
        cmocka_unit_test(errors_of_files_begin_with_name_and_line),
        cmocka_unit_test(a_path_has_its_line),
        cmocka_unit_test(a_place_that_is_missing_has_the_line_of_what_it_is_missing_in),
        cmocka_unit_test(numbers_of_a_tree_come_back_as_they_were_written),
        cmocka_unit_test(a_file_is_read_whole_or_refused),
        cmocka_unit_test(utf8_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
