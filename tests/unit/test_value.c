/* What people's exports write, and what it means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kefu/base/buf.h"
#include "kefu/collectors/csv.h"
#include "kefu/collectors/mapping.h"
#include "kefu/collectors/value.h"

#define BAD  INT64_C(-1)
#define NONE INT64_C(-2)

struct row {
    const char *text;
    int64_t means;
};

static int64_t as(enum value_read r, int64_t v)
{
    return r == VALUE_READ ? v : r == VALUE_NONE ? NONE : BAD;
}

static void expect(const struct row *row, int64_t found)
{
    if (found != row->means) {
        fail_msg("\"%s\": found %lld, expected %lld", row->text, (long long)found, (long long)row->means);
    }
}

static void lengths_of_time(void **state)
{
    static const struct row rows[] = {
        {"2分30秒", 150000},
        {"7小时41分52秒", 27712000},
        {"45秒", 45000},
        {"1小时", 3600000},
        {"1天2小时", 93600000},
        {"02:30", 150000},
        {"1:02:03", 3723000},
        {"9.32", 9320},
        {"150", 150000},
        {" 17.46 ", 17460},
        {"１５", 15000},
        {"1,234", 1234000},
        {"0", 0},
        {"-", NONE},
        {"--", NONE},
        {"—", NONE},
        {"", NONE},
        {"  ", NONE},
        {"N/A", NONE},
        {"30秒2分", BAD},
        {"2分半", BAD},
        {"1:60", BAD},
        {"1:2:3:4", BAD},
        {"-5", BAD},
        {"abc", BAD},
        {"12,34", BAD},
        {"2m30s", 150000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t v = 0;
        enum value_read r = value_duration(str_of(rows[i].text), 1000, &v);
        expect(&rows[i], as(r, v));
    }
    int64_t v;
    assert_int_equal(value_duration(STR_LIT("2.5"), 60000, &v), VALUE_READ);
    assert_int_equal(v, 150000);
}

static void shares_numbers_and_money(void **state)
{
    static const struct row shares[] = {{"99.71%", 997100}, {"0.9971", 997100}, {"99.71％", 997100}, {"1.0", 1000000},
                                        {"0", 0},           {"100%", 1000000},  {"99.71", BAD},      {"-", NONE}};
    static const struct row numbers[] = {
        {"4.5", 4500}, {"1,234,567.25", 1234567250}, {"12.3456", BAD}, {"1,23,456", BAD}, {"007", 7000}, {"-", NONE}};
    static const struct row money[] = {{"1,234.50", 123450}, {"¥99", 9900}, {"￥1.2", 120}, {"12元", 1200},
                                       {"0.005", BAD},       {"-", NONE},   {"十元", BAD}};
    int64_t v = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        enum value_read r = value_share(str_of(shares[i].text), &v);
        expect(&shares[i], as(r, v));
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        enum value_read r = value_milli(str_of(numbers[i].text), &v);
        expect(&numbers[i], as(r, v));
    }
    for (size_t i = 0; i < sizeof(money) / sizeof(money[0]); i++) {
        enum value_read r = value_fen(str_of(money[i].text), &v);
        expect(&money[i], as(r, v));
    }
}

static void instants(void **state)
{
    const int64_t at = INT64_C(1772413245000); /* 2026-03-02 09:00:45 in Shanghai */
    const struct row rows[] = {
        {"2026-03-02 09:00:45", at},
        {"2026/3/2 9:00:45", at},
        {"2026年3月2日 9:00:45", at},
        {"2026-03-02T09:00:45", at},
        {"2026-03-02 09:00:45.120", at + 120},
        {"20260302 09:00:45", at},
        {"2026-03-02T01:00:45Z", at},
        {"2026-03-02T09:00:45+08:00", at},
        {"1772413245", at},
        {"1772413245120", at + 120},
        {"2026/3/2 9:00", at - 45000},
        {"2026-03-02", at - 45000 - 9 * 3600000},
        {"2026.03.02　09：00：45", at},
        {"2026-02-30 09:00:45", BAD},
        {"2026-13-01", BAD},
        {"2026-03-02 25:00", BAD},
        {"2026-03-02 09:00:45 PM", BAD},
        {"昨天", BAD},
        {"-", NONE},
    };
    struct err e;
    struct tz *tz = tz_load(STR_LIT("Asia/Shanghai"), &e);
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t v = 0;
        enum value_read r = value_time(str_of(rows[i].text), tz, &v);
        expect(&rows[i], as(r, v));
    }
    tz_free(tz);
}

static void tables(void **state)
{
    static const char text[] = "\xEF\xBB\xBF昵称,说,\"a,b\"\r\n\r\n小雅,\"第一行\n\"\"二\"\"\",x\n末,,";
    struct csv c;
    struct arena arena = {0};
    struct str cells[CSV_COLUMNS_MAX];
    struct err e;
    size_t n;
    (void)state;
    csv_begin(&c, STR_LIT(text), 0);
    assert_int_equal(csv_next(&c, &arena, cells, &n, &e), 1);
    assert_int_equal(n, 3);
    assert_true(str_eq(cells[0], STR_LIT("昵称")) && str_eq(cells[2], STR_LIT("a,b")));
    assert_int_equal(csv_next(&c, &arena, cells, &n, &e), 1);
    assert_int_equal(c.line, 3);
    assert_true(str_eq(cells[1], STR_LIT("第一行\n\"二\"")) && str_eq(cells[2], STR_LIT("x")));
    assert_int_equal(csv_next(&c, &arena, cells, &n, &e), 1);
    assert_int_equal(c.line, 5);
    assert_true(n == 3 && str_eq(cells[0], STR_LIT("末")) && cells[2].n == 0);
    assert_int_equal(csv_next(&c, &arena, cells, &n, &e), 0);
    csv_begin(&c, STR_LIT("a\tb,c\n\"open"), 0);
    assert_int_equal(csv_next(&c, &arena, cells, &n, &e), 1);
    assert_true(c.separator == ',' && n == 2);
    assert_int_equal(csv_next(&c, &arena, cells, &n, &e), -1);
    assert_string_equal(e.where, "line 2");
    arena_fini(&arena);
}

/* A row takes the room of its own cells, however long the table behind it is. */
static void a_row_of_a_long_table_is_small(void **state)
{
    struct csv c;
    struct buf text = {0};
    struct arena arena = {0};
    struct str cells[CSV_COLUMNS_MAX];
    struct err e;
    size_t n;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        buf_put_str(&text, STR_LIT("\"会话\",\"好\"\"的\"\n"));
    }
    csv_begin(&c, buf_str(&text), 0);
    assert_int_equal(csv_next(&c, &arena, cells, &n, &e), 1);
    assert_true(n == 2 && str_eq(cells[1], STR_LIT("好\"的")));
    assert_in_range(arena.total_n, 0, 100);
    arena_fini(&arena);
    buf_fini(&text);
}

/* The scale of a rating is one number, whatever else a cell holds. */
static void a_cell_says_its_own_field_only(void **state)
{
    static const struct {
        const char *scale, *json;
    } rows[] = {{"10", ",\"scale\":10"},
                {"１０", ",\"scale\":10"},
                {"5,\"agent\":\"boss\"", NULL},
                {"4.5", NULL},
                {"five", NULL}};
    struct err e;
    struct mapping *m = mapping_read(
        STR_LIT("{\"name\": \"tb\", \"events\": [{\"type\": \"rating\", \"conversation\": \"c\", \"ts\": \"t\", "
                "\"score\": \"s\", \"scale\": \"of\"}]}"),
        "map.json", &e);
    struct str head[] = {STR_LIT("c"), STR_LIT("t"), STR_LIT("s"), STR_LIT("of")};
    (void)state;
    assert_non_null(m);
    assert_int_equal(mapping_head(m, head, 4, &e), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct turned out;
        struct str cells[] = {STR_LIT("7"), STR_LIT("2026-03-02 09:00:45"), STR_LIT("4"), str_of(rows[i].scale)};
        turned_init(&out, mapping_name(m), NULL);
        mapping_row(m, cells, 4, &out);
        assert_int_equal(out.n, 1);
        assert_int_equal(out.items[0].kind, rows[i].json ? TURNED_EVENT : TURNED_REFUSED);
        if (rows[i].json) {
            struct str json = out.items[0].json;
            assert_non_null(memmem(json.p, json.n, rows[i].json, strlen(rows[i].json)));
        }
        turned_fini(&out);
    }
    mapping_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_of_time),
        cmocka_unit_test(shares_numbers_and_money),
        cmocka_unit_test(instants),
        cmocka_unit_test(tables),
        cmocka_unit_test(a_row_of_a_long_table_is_small),
        cmocka_unit_test(a_cell_says_its_own_field_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
