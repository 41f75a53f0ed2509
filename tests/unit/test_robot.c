/* How robots are spoken to: signatures against known vectors, bodies that hold, and every error of their vendors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "kefu/base/digest.h"
#include "kefu/base/json.h"
#include "kefu/publish/alert_text.h"
#include "kefu/publish/robot.h"

static void is(struct buf *b, const char *expected)
{
    buf_put_byte(b, 0);
    assert_string_equal(b->p, expected);
    buf_fini(b);
}

static void signatures_are_those_of_the_vectors(void **state)
{
    struct buf b = {0};
    struct err e;
    (void)state;
    robot_sign_dingtalk(&b, STR_LIT("this is secret"), INT64_C(1577262236757));
    is(&b, "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM=");
    robot_sign_feishu(&b, STR_LIT("demo"), 1599360473);
    is(&b, "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=");
    /* the example of the Standard Webhooks specification */
    assert_int_equal(robot_sign_webhook(&b, STR_LIT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                                        STR_LIT("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}"), &e),
                     0);
    is(&b, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_int_equal(robot_sign_webhook(&b, STR_LIT("whsec_short"), STR_LIT("x"), &e), -1);
    buf_fini(&b);
}

static struct effect notice(const char *title, const char *text)
{
    struct effect f = {.kind = EFFECT_NOTICE, .number = 42, .pairs_n = 8};
    f.pairs[0] = STR_LIT("title");
    f.pairs[1] = str_of(title);
    f.pairs[2] = STR_LIT("text");
    f.pairs[3] = str_of(text);
    f.pairs[4] = STR_LIT("severity");
    f.pairs[5] = STR_LIT("critical");
    f.pairs[6] = STR_LIT("at");
    f.pairs[7] = STR_LIT("1770000000000");
    return f;
}

static struct channel channel_of(enum channel_kind k)
{
    struct channel c = {.kind = k,
                        .url = STR_LIT("https://oapi.dingtalk.com/robot/send?access_token=X"),
                        .secret = STR_LIT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")};
    return c;
}

/* A body is JSON whatever stands in it; returns its tree, the caller's. */
static cJSON *body_of(struct robot_call *call, enum channel_kind k, const struct effect *const *list, size_t n)
{
    struct channel c = channel_of(k);
    struct err e;
    struct robot_message m = {list, n, robot_text_max(k)};
    assert_int_equal(robot_write(call, &c, &m, INT64_C(1577262236757), &e), 0);
    cJSON *tree = json_parse(buf_str(&call->body), &e);
    assert_non_null(tree);
    return tree;
}

static const char *text_at(const cJSON *tree, const char *a, const char *b)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(tree, a), b)->valuestring;
}

static void each_vendor_gets_its_body(void **state)
{
    struct effect f = notice("【严重】标题", "触发:\"amy\" 205 秒");
    const struct effect *list[] = {&f};
    struct robot_call call = {0};
    (void)state;
    cJSON *t = body_of(&call, CHANNEL_DINGTALK, list, 1);
    assert_string_equal(text_at(t, "markdown", "title"), "【严重】标题");
    assert_string_equal(text_at(t, "markdown", "text"), "**【严重】标题**\n\n触发:\"amy\" 205 秒");
    buf_put_byte(&call.url, 0);
    assert_non_null(strstr(call.url.p, "access_token=X&timestamp=1577262236757&sign="));
    assert_null(strchr(call.url.p, '+'));
    cJSON_Delete(t);
    robot_call_fini(&call);
    t = body_of(&call, CHANNEL_FEISHU, list, 1);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(t, "timestamp")->valuestring, "1577262236");
    assert_string_equal(text_at(cJSON_GetObjectItemCaseSensitive(t, "card"), "header", "template"), "red");
    cJSON_Delete(t);
    robot_call_fini(&call);
    t = body_of(&call, CHANNEL_WECOM, list, 1);
    assert_string_equal(text_at(t, "markdown", "content"), "**【严重】标题**\n\n触发:\"amy\" 205 秒");
    cJSON_Delete(t);
    robot_call_fini(&call);
    t = body_of(&call, CHANNEL_WEBHOOK, list, 1);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(t, "id")->valuestring, "kefu-42");
    assert_int_equal(call.headers_n, 4);
    assert_true(
        str_eq(call.headers[1].value, STR_LIT("kefu-42"))); /* the same each time: whoever takes it twice sees it */
    cJSON_Delete(t);
    robot_call_fini(&call);
}

static void texts_end_within_their_bytes_and_never_within_a_character(void **state)
{
    char text[9001];
    (void)state;
    for (size_t i = 0; i < 9000; i += 3)
        memcpy(text + i, "等", 3);
    text[9000] = 0;
    struct effect f = notice("题", text);
    const struct effect *list[] = {&f, &f, &f};
    for (size_t most = 200; most < 230; most++) {
        struct robot_call call = {0};
        struct channel c = channel_of(CHANNEL_WECOM);
        struct err e;
        struct robot_message m = {list, 3, most};
        robot_write(&call, &c, &m, 0, &e);
        cJSON *t = json_parse(buf_str(&call.body), &e); /* refuses bad UTF-8 */
        assert_non_null(t);
        assert_true(strlen(text_at(t, "markdown", "content")) <= most);
        assert_non_null(strstr(text_at(t, "markdown", "content"), "另有 2 条通知"));
        cJSON_Delete(t);
        robot_call_fini(&call);
    }
}

static void every_error_is_known_for_what_it_is(void **state)
{
    static const struct {
        enum channel_kind kind;
        int status;
        const char *body;
        enum robot_verdict verdict;
        int64_t wait_ms;
    } table[] = {
        {CHANNEL_DINGTALK, 200, "{\"errcode\":0,\"errmsg\":\"ok\"}", ROBOT_TAKEN, 0},
        {CHANNEL_DINGTALK, 200, "{\"errcode\":310000,\"errmsg\":\"sign not match\"}", ROBOT_REFUSED, 0},
        {CHANNEL_DINGTALK, 200, "{\"errcode\":310000,\"errmsg\":\"description:机器人发送签名不匹配;solution:…\"}",
         ROBOT_REFUSED, 0},
        {CHANNEL_DINGTALK, 200,
         "{\"errcode\":130101,\"errmsg\":\"send too fast, exceed 20 times per minute\",\"status\":1111,\"wait\":5,"
         "\"punish\":\"deny\"}",
         ROBOT_LATER, 600000},
        {CHANNEL_DINGTALK, 200, "{\"errcode\":460101,\"errmsg\":\"message too long\"}", ROBOT_TOO_LONG, 0},
        {CHANNEL_DINGTALK, 200, "<html>login to the hotel's network</html>", ROBOT_LATER, 0},
        {CHANNEL_DINGTALK, 200, "", ROBOT_LATER, 0},
        {CHANNEL_FEISHU, 200, "{\"code\":0,\"msg\":\"success\",\"data\":{},\"StatusCode\":0}", ROBOT_TAKEN, 0},
        {CHANNEL_FEISHU, 200, "{\"code\":19021,\"msg\":\"sign match fail or timestamp is not within one hour\"}",
         ROBOT_REFUSED, 0},
        {CHANNEL_FEISHU, 200, "{\"code\":19022,\"msg\":\"Ip Not Allowed\"}", ROBOT_REFUSED, 0},
        {CHANNEL_FEISHU, 200, "{\"code\":19024,\"msg\":\"Key Words Not Found\"}", ROBOT_REFUSED, 0},
        {CHANNEL_FEISHU, 200, "{\"code\":11232,\"msg\":\"frequency limited\"}", ROBOT_LATER, 30000},
        {CHANNEL_FEISHU, 400, "{\"code\":9499,\"msg\":\"too many request\"}", ROBOT_LATER, 30000},
        {CHANNEL_FEISHU, 400, "{\"code\":9499,\"msg\":\"Bad Request\"}", ROBOT_REFUSED, 0},
        {CHANNEL_WECOM, 200, "{\"errcode\":0,\"errmsg\":\"ok\"}", ROBOT_TAKEN, 0},
        {CHANNEL_WECOM, 200, "{\"errcode\":93000,\"errmsg\":\"invalid webhook url, hint: [1]\"}", ROBOT_REFUSED, 0},
        {CHANNEL_WECOM, 200, "{\"errcode\":40058,\"errmsg\":\"markdown.content exceed max length 4096\"}",
         ROBOT_TOO_LONG, 0},
        {CHANNEL_WECOM, 200, "{\"errcode\":45009,\"errmsg\":\"api freq out of limit\"}", ROBOT_LATER, 60000},
        {CHANNEL_WECOM, 200, "{\"errcode\":-1,\"errmsg\":\"system busy\"}", ROBOT_LATER, 0},
        {CHANNEL_WECOM, 500, "{\"errcode\":0}", ROBOT_LATER, 7000},
        {CHANNEL_WEBHOOK, 204, "", ROBOT_TAKEN, 0},
        {CHANNEL_WEBHOOK, 429, "", ROBOT_LATER, 7000},
        {CHANNEL_WEBHOOK, 410, "", ROBOT_REFUSED, 0},
        {CHANNEL_WEBHOOK, 302, "", ROBOT_REFUSED, 0},
        {CHANNEL_WEBHOOK, 0, "", ROBOT_LATER, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        bool waits = table[i].wait_ms == 7000;
        struct fetch_answer a = {
            .status = table[i].status, .body = str_of(table[i].body), .retry_after_s = waits ? 7 : -1};
        struct robot_answer got = robot_read(table[i].kind, &a);
        if (got.verdict != table[i].verdict || got.wait_ms != table[i].wait_ms)
            fail_msg("%zu: %s: verdict %d, wait %lld", i, table[i].body, got.verdict, (long long)got.wait_ms);
    }
}

static void no_minute_is_too_full(void **state)
{
    (void)state;
    for (int k = CHANNEL_DINGTALK; k <= CHANNEL_WECOM; k++) {
        struct robot_pace p = robot_pace((enum channel_kind)k);
        assert_true(p.burst_n + 60000 / p.refill_ms <= (k == CHANNEL_FEISHU ? 100 : 18));
        assert_true(p.burst_n + 1000 / p.refill_ms <= 5);
    }
}

static void names_from_outside_are_no_markup(void **state)
{
    struct alert_rule rule = {.name = STR_LIT("w"),
                              .zh = STR_LIT("等待"),
                              .en = STR_LIT("Waiting"),
                              .kind = ALERT_WAIT,
                              .severity = SEVERITY_WARNING};
    struct alert_item item = {.who = STR_LIT("<at id=all></at>\n**x**"), .value_micro = 31900000};
    struct alert_notice n = {.rule = &rule, .team = STR_LIT("@all"), .items = &item, .n = 1};
    struct buf b = {0};
    (void)state;
    alert_title(&b, &n);
    is(&b, "【警告】等待 · ＠all");
    alert_text(&b, &n);
    is(&b, "触发:＜at id=all＞＜/at＞ ＊＊x＊＊ 31 秒");
    n.english = true;
    item.as = TOLD_RESOLVED;
    item.who = STR_LIT("amy");
    alert_text(&b, &n);
    is(&b, "Resolved: amy");
}

static void values_are_cut_and_keep_their_sign(void **state)
{
    static const struct {
        int64_t micro;
        int decimals;
        const char *text;
    } rows[] = {{2500000, 1, "2.5"},    {0, 3, "0.000"},           {-500000, 1, "-0.5"},
                {-500000, 3, "-0.500"}, {-99999, 1, "0.0"},        {999999, 3, "0.999"},
                {-1, 6, "-0.000001"},   {-12345678, 3, "-12.345"}, {1000000, 6, "1.000000"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = {0};
        alert_put_decimal(&b, rows[i].micro, rows[i].decimals);
        buf_put_byte(&b, 0);
        assert_string_equal(b.p, rows[i].text);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_cut_and_keep_their_sign),
        cmocka_unit_test(signatures_are_those_of_the_vectors),
        cmocka_unit_test(each_vendor_gets_its_body),
        cmocka_unit_test(texts_end_within_their_bytes_and_never_within_a_character),
        cmocka_unit_test(every_error_is_known_for_what_it_is),
        cmocka_unit_test(no_minute_is_too_full),
        cmocka_unit_test(names_from_outside_are_no_markup),
    };
    digest_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
