/* What an agent looks like in Redis: the fields, that they are cut and never rounded up, and that no data is no field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "kefu/base/tz.h"
#include "kefu/publish/snapshot.h"

static struct kpi kpis[] = {{.name = {"response", 8}}, {.name = {"satisfaction", 12}}};
static struct tier tiers[] = {{.name = {"excellent", 9}, .bonus_fen = 200000}};
static const struct rulebook rulebook = {.name = {"seed", 4}, .kpis = kpis, .kpis_n = 2, .tiers = tiers, .tiers_n = 1};

static struct agent_view full_view(void)
{
    struct agent_view v = {.agent = STR_LIT("li.na"),
                           .name = STR_LIT("李娜"),
                           .team = STR_LIT("售前"),
                           .rulebook = &rulebook,
                           .month = 56 * 12 + 2,
                           .live_tier = STR_LIT("excellent"),
                           .provisional = true,
                           .response_p50_ms = 12345,
                           .response_p90_ms = 0,
                           .open_n = 3,
                           .waiting_n = 1,
                           .oldest_wait_at = 1772442045131,
                           .as_of = 1772442046000,
                           .seq = 7};
    v.month_to_date = (struct figures){.answered = 20,
                                       .within = 17,
                                       .missed = 0,
                                       .rating_n = 3,
                                       .rating_sum = 13999,
                                       .cross = 2,
                                       .cross_fen = 4000000};
    v.score = (struct score){.kpis_n = 2, .total_milli = 89999, .tier = 0};
    v.score.kpis[0] = (struct kpi_score){.num = 17, .den = 20, .score_milli = 85000};
    v.score.kpis[1] = (struct kpi_score){.num = 13999, .den = 3000, .score_milli = 100000};
    return v;
}

static struct agent_view empty_view(void)
{
    struct agent_view v = {.agent = STR_LIT("new"),
                           .rulebook = &rulebook,
                           .response_p50_ms = VIEW_NONE,
                           .response_p90_ms = VIEW_NONE,
                           .oldest_wait_at = VIEW_NONE,
                           .seq = 1};
    v.score = (struct score){.kpis_n = 2, .total_milli = SCORE_NONE, .tier = -1};
    v.score.kpis[0].score_milli = SCORE_NONE;
    v.score.kpis[1] = (struct kpi_score){.num = 1, .den = 1000, .score_milli = SCORE_NONE}; /* too few samples */
    return v;
}

/* Argument i of what was encoded, checked to be well formed up to there. */
static struct str argument(const struct snapshot *s, size_t i)
{
    const char *p = s->args.p;
    for (;; i--) {
        char *end;
        assert_int_equal(*p, '$');
        size_t n = strtoul(p + 1, &end, 10);
        assert_memory_equal(end, "\r\n", 2);
        assert_memory_equal(end + 2 + n, "\r\n", 2);
        if (i == 0)
            return (struct str){end + 2, n};
        p = end + 2 + n + 2;
        assert_true(p < s->args.p + s->args.n);
    }
}

static struct str field(const struct snapshot *s, const char *name)
{
    for (size_t i = 10; i + 1 < s->args_n; i += 2) {
        if (str_eq(argument(s, i), str_of(name)))
            return argument(s, i + 1);
    }
    return (struct str){0};
}

static void field_is(const struct snapshot *s, const char *name, const char *value)
{
    struct str got = field(s, name);
    if (!str_eq(got, str_of(value)))
        fail_msg("%s is \"%.*s\", expected \"%s\"", name, STR_ARG(got), value);
}

static void the_fields_are_those_of_the_contract(void **state)
{
    (void)state;
    static const char *const fields[][2] = {{"score", "89.99"},
                                            {"tier", "excellent"},
                                            {"provisional", "1"},
                                            {"team", "售前"},
                                            {"rulebook", "seed"},
                                            {"period", "2026-03"},
                                            {"kpi:response:value", "0.8500"},
                                            {"kpi:response:points", "85.00"},
                                            {"kpi:satisfaction:value", "4.6663"},
                                            {"kpi:satisfaction:points", "100.00"},
                                            {"answered", "20"},
                                            {"within", "17"},
                                            {"missed", "0"},
                                            {"response_p50", "12345"},
                                            {"response_p90", "0"},
                                            {"open", "3"},
                                            {"waiting", "1"},
                                            {"oldest_wait_at", "1772442045131"},
                                            {"rated", "3"},
                                            {"rating_mean", "4.666"},
                                            {"as_of", "1772442046000"},
                                            {"seq", "7"}};
    size_t n = sizeof fields / sizeof fields[0];
    struct snapshot s = {0};
    struct agent_view v = full_view();
    snapshot_encode(&s, STR_LIT("{kefu}:"), &v);
    for (size_t i = 0; i < n; i++)
        field_is(&s, fields[i][0], fields[i][1]);
    assert_int_equal(s.args_n, 10 + 2 * n); /* and no other: above all, no pay */
    struct str last = argument(&s, s.args_n - 1);
    assert_ptr_equal(last.p + last.n + 2, s.args.p + s.args.n);
    snapshot_fini(&s);
}

static void the_head_names_keys_board_and_channel(void **state)
{
    (void)state;
    struct snapshot s = {0};
    struct agent_view v = full_view();
    snapshot_encode(&s, STR_LIT("{a}:"), &v);
    assert_true(str_eq(argument(&s, 0), STR_LIT("3")));
    assert_true(str_eq(argument(&s, 1), STR_LIT("{a}:agent:li.na")));
    assert_true(str_eq(argument(&s, 2), STR_LIT("{a}:board:售前")));
    assert_true(str_eq(argument(&s, 3), STR_LIT("{a}:meta")));
    assert_true(str_eq(argument(&s, 4), STR_LIT("li.na")));
    assert_true(str_eq(argument(&s, 5), STR_LIT("{a}:board:")));
    assert_true(str_eq(argument(&s, 6), STR_LIT("89.99")));
    assert_true(str_eq(argument(&s, 7), STR_LIT("7")));
    assert_true(str_eq(argument(&s, 8), STR_LIT("{a}:scores")));
    snapshot_fini(&s);
}

static void no_data_is_no_field(void **state)
{
    (void)state;
    static const char *const absent[] = {"score",        "tier",
                                         "team",         "kpi:response:value",
                                         "rating_mean",  "kpi:satisfaction:value",
                                         "response_p50", "kpi:satisfaction:points",
                                         "response_p90", "oldest_wait_at"};
    struct snapshot s = {0};
    struct agent_view v = empty_view();
    snapshot_encode(&s, STR_LIT("{kefu}:"), &v);
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        assert_int_equal(field(&s, absent[i]).n, 0);
    field_is(&s, "answered", "0"); /* a count of nothing is a figure */
    field_is(&s, "waiting", "0");
    assert_true(str_eq(argument(&s, 2), STR_LIT("{kefu}:board:-")));
    assert_int_equal(argument(&s, 6).n, 0);
    snapshot_fini(&s);
}

static void the_message_is_the_hash_as_json(void **state)
{
    (void)state;
    struct snapshot s = {0};
    struct agent_view v = full_view();
    v.agent = STR_LIT("li\"na\\\n");
    snapshot_encode(&s, STR_LIT("{kefu}:"), &v);
    struct str json = argument(&s, 9);
    cJSON *tree = cJSON_ParseWithLength(json.p, json.n);
    assert_non_null(tree);
    assert_string_equal(cJSON_GetObjectItem(tree, "agent")->valuestring, "li\"na\\\n");
    assert_int_equal(cJSON_GetArraySize(tree), (int)(s.args_n - 10) / 2 + 1);
    for (size_t i = 10; i < s.args_n; i += 2) {
        char name[64];
        struct str n = argument(&s, i), value = argument(&s, i + 1);
        snprintf(name, sizeof name, "%.*s", STR_ARG(n));
        const cJSON *item = cJSON_GetObjectItem(tree, name);
        assert_non_null(item);
        if (cJSON_IsString(item))
            assert_true(str_eq(str_of(item->valuestring), value));
        else
            assert_true(cJSON_IsNumber(item) && item->valuedouble == strtod(value.p, NULL));
    }
    cJSON_Delete(tree);
    snapshot_fini(&s);
}

static void who_is_no_more_has_no_fields(void **state)
{
    (void)state;
    struct snapshot s = {0};
    snapshot_encode_gone(&s, STR_LIT("{kefu}:"), STR_LIT("li.na"), 9);
    assert_int_equal(s.args_n, 10);
    assert_true(str_eq(argument(&s, 9), STR_LIT("{\"agent\":\"li.na\",\"seq\":9}")));
    snapshot_fini(&s);
}

static void cut_is(int64_t num, int64_t den, int places, const char *expected)
{
    struct buf b = {0};
    snapshot_put_cut(&b, num, den, places);
    if (!str_eq(buf_str(&b), str_of(expected)))
        fail_msg("%.*s, expected %s", STR_ARG(buf_str(&b)), expected);
    buf_fini(&b);
}

static void decimals_are_cut_and_never_rounded_up(void **state)
{
    (void)state;
    cut_is(89999, 1000, 2, "89.99"); /* cannot show 90.00 under a tier of 90 */
    cut_is(90000, 1000, 2, "90.00");
    cut_is(100000, 1000, 2, "100.00");
    cut_is(0, 1000, 2, "0.00");
    cut_is(5, 1000, 2, "0.00");
    cut_is(1, 3, 4, "0.3333");
    cut_is(2, 3, 4, "0.6666");
    cut_is(7, 1, 0, "7");
    cut_is(7, 2, 0, "3");
    cut_is(-1, 3, 4, "-0.3334");
    cut_is(-3, 1, 0, "-3");
    cut_is(INT64_MAX, 1, 9, "9223372036854775807.000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_are_those_of_the_contract),
        cmocka_unit_test(the_head_names_keys_board_and_channel),
        cmocka_unit_test(no_data_is_no_field),
        cmocka_unit_test(the_message_is_the_hash_as_json),
        cmocka_unit_test(who_is_no_more_has_no_fields),
        cmocka_unit_test(decimals_are_cut_and_never_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
