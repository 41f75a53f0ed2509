/* The way to a channel, against a server of the test in the same loop, under the test's clock: order, digests, pace, patience,
 * and that no error of a vendor loses a message or makes the sender spin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/digest.h"
#include "kefu/base/http.h"
#include "kefu/base/json.h"
#include "kefu/base/log.h"
#include "kefu/publish/sender.h"

#define START_MS    INT64_C(1000000)
#define TEN_PAST_MS INT64_C(1770000000000)
#define REFUSED     "{\"errcode\":310000,\"errmsg\":\"sign not match\"}"
#define OK          "{\"errcode\":0,\"errmsg\":\"ok\"}"

struct fixture {
    struct event_base *base;
    struct http *http;
    struct fetch *fetch;
    struct sender *sender;
    struct channel channel;
    struct str host;
    char host_room[32], url_room[96];
    int64_t mono_ms;
    int64_t began_wall_ms; /* 0: wall time stands still, at ten past */
    /* the server */
    const char *answers[16]; /* of the coming requests; NULL or behind: OK */
    int asked_n;
    int64_t asked_ms[512];
    struct buf heard; /* texts, in order, with a line feed each */
    struct http_request *held;
    bool hold;
    /* the owner */
    uint64_t sent[512];
    size_t sent_n;
    int woken_n, tested_n;
    struct robot_answer test_answer;
};

static void hear(struct fixture *f, struct str body)
{
    struct err e;
    cJSON *t = json_parse(body, &e);
    assert_non_null(t);
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(t, "markdown"), "text");
    text = text ? text : cJSON_GetObjectItemCaseSensitive(t, "text");
    buf_printf(&f->heard, "%s\n", text ? text->valuestring : "a card");
    cJSON_Delete(t);
}

static void serve(void *arg, struct http_request *r)
{
    struct fixture *f = arg;
    const char *answer = f->asked_n < 16 && f->answers[f->asked_n] ? f->answers[f->asked_n] : OK;
    f->asked_ms[f->asked_n++] = f->mono_ms;
    if (strcmp(answer, OK) == 0)
        hear(f, http_request_body(r));
    if (f->hold)
        f->held = r;
    else if (strcmp(answer, "429") == 0) {
        http_add_header(r, "Retry-After", "7");
        http_answer(r, 429, "text/plain", STR_LIT(""));
    } else
        http_answer(r, 200, "application/json", str_of(answer));
}

static void on_sent(void *arg, uint64_t number)
{
    struct fixture *f = arg;
    f->sent[f->sent_n++] = number;
}

static void on_wake(void *arg)
{
    ((struct fixture *)arg)->woken_n++;
}

static int setup(void **state)
{
    static struct fixture room;
    struct err e;
    struct fixture *f = &room;
    *f = (struct fixture){.base = event_base_new(), .mono_ms = START_MS};
    f->http = http_listen(
        &(struct http_options){
            .base = f->base, .address = "127.0.0.1", .body_max_bytes = 100000, .handle = serve, .arg = f},
        &e);
    assert_non_null(f->http);
    f->fetch = fetch_new(f->base, &e);
    assert_non_null(f->fetch);
    snprintf(f->host_room, sizeof f->host_room, "127.0.0.1:%u", http_port(f->http));
    snprintf(f->url_room, sizeof f->url_room, "http://127.0.0.1:%u/robot/send?access_token=T", http_port(f->http));
    f->host = str_of(f->host_room);
    f->channel = (struct channel){.name = STR_LIT("lead"),
                                  .kind = CHANNEL_DINGTALK,
                                  .url = str_of(f->url_room),
                                  .secret = STR_LIT("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                                  .hosts = &f->host,
                                  .hosts_n = 1,
                                  .allow_private = true};
    f->sender = sender_new(&(struct sender_options){
        .fetch = f->fetch, .channel = &f->channel, .sent = on_sent, .wake = on_wake, .arg = f, .seed = 3});
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sender_free(f->sender);
    fetch_free(f->fetch);
    if (f->held)
        http_answer(f->held, 200, "text/plain", STR_LIT(""));
    http_free(f->http);
    event_base_free(f->base);
    buf_fini(&f->heard);
    return 0;
}

static void add(struct fixture *f, uint64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "n%llu", (unsigned long long)number);
    struct effect e = {.kind = EFFECT_NOTICE, .number = number, .pairs_n = 4};
    e.pairs[0] = STR_LIT("title");
    e.pairs[1] = STR_LIT("T");
    e.pairs[2] = STR_LIT("text");
    e.pairs[3] = str_of(text);
    sender_add(f->sender, &e);
}

/* Turns for so long on the test's clock: the clock goes on only when nothing is under way. */
static void pass(struct fixture *f, int64_t ms)
{
    int64_t until_ms = f->mono_ms + ms;
    for (;;) {
        int64_t wall_ms = f->began_wall_ms ? f->began_wall_ms + f->mono_ms - START_MS : TEN_PAST_MS;
        int64_t wait_ms = sender_turn(f->sender, &(struct sender_now){wall_ms, f->mono_ms});
        if (fetch_calls_n(f->fetch) && !f->held) {
            assert_int_not_equal(event_base_loop(f->base, EVLOOP_ONCE), -1);
            continue;
        }
        if (wait_ms == INT64_MAX || f->mono_ms + wait_ms > until_ms)
            break;
        f->mono_ms += wait_ms;
    }
    f->mono_ms = until_ms;
}

static void one_after_another_in_order(void **state)
{
    struct fixture *f = *state;
    add(f, 1);
    pass(f, 100);
    add(f, 3);
    add(f, 2);
    add(f, 3); /* said twice */
    pass(f, 60000);
    assert_int_equal(f->sent_n, 3);
    assert_true(f->sent[0] == 1 && f->sent[1] == 2 && f->sent[2] == 3);
    assert_int_equal(f->asked_n, 2); /* what waited together went together */
    assert_int_equal(sender_waiting_n(f->sender), 0);
}

/* Whatever a vendor answers: every message is there in the end, in order, and the tries are few. */
static void no_error_loses_a_message_or_makes_it_spin(void **state)
{
    struct fixture *f = *state;
    static const char *const errors[] = {REFUSED,
                                         "{\"errcode\":130101,\"errmsg\":\"send too fast\"}",
                                         "{\"errcode\":460101,\"errmsg\":\"too long\"}",
                                         "{\"errcode\":-1,\"errmsg\":\"busy\"}",
                                         "429",
                                         "not JSON",
                                         ""};
    size_t n = sizeof errors / sizeof *errors;
    for (size_t i = 0; i < n; i++)
        f->answers[i] = errors[i];
    for (uint64_t i = 1; i <= 5; i++)
        add(f, i);
    pass(f, 3 * 3600 * 1000);
    assert_int_equal(f->sent_n, 5);
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(f->sent[i], i + 1);
    assert_int_equal(f->asked_n, n + 1);
    assert_true(f->asked_ms[1] - f->asked_ms[0] >= 600000); /* refused: somebody has to mend it */
    assert_true(f->asked_ms[2] - f->asked_ms[1] >= 600000); /* muted for ten minutes */
    assert_true(f->asked_ms[5] - f->asked_ms[4] >= 7000);   /* Retry-After */
    for (int i = 1; i < f->asked_n; i++)
        assert_true(f->asked_ms[i] - f->asked_ms[i - 1] >= 1000);
}

static void nobody_there_is_waited_for_ever_longer(void **state)
{
    struct fixture *f = *state;
    http_free(f->http);
    f->http = NULL;
    add(f, 1);
    int64_t began_ms = f->mono_ms;
    pass(f, 3600 * 1000);
    assert_int_equal(f->sent_n, 0);
    assert_int_equal(sender_waiting_n(f->sender), 1);
    assert_true(sender_stuck_ms(f->sender, f->mono_ms) > 3500 * 1000);
    assert_true(f->woken_n >= 10 && f->woken_n <= 22); /* 1 2 4 … 256 s, then each five minutes */
    struct err e;
    f->http = http_listen(&(struct http_options){.base = f->base,
                                                 .address = "127.0.0.1",
                                                 .port = (uint16_t)strtol(strchr(f->host_room, ':') + 1, NULL, 10),
                                                 .body_max_bytes = 100000,
                                                 .handle = serve,
                                                 .arg = f},
                          &e);
    assert_non_null(f->http);
    pass(f, 400 * 1000);
    assert_int_equal(f->sent_n, 1);
    assert_int_equal(sender_stuck_ms(f->sender, f->mono_ms), 0);
    (void)began_ms;
}

static void no_minute_has_more_than_eighteen(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 1; i <= 100; i++) {
        add(f, i);
        pass(f, 500); /* one each half second: a flood */
    }
    pass(f, 600000);
    assert_int_equal(f->sent_n, 100);
    for (int i = 18; i < f->asked_n; i++)
        assert_true(f->asked_ms[i] - f->asked_ms[i - 18] >= 60000);
}

static void webhooks_get_each_message_by_itself(void **state)
{
    struct fixture *f = *state;
    struct channel c = f->channel;
    c.kind = CHANNEL_WEBHOOK;
    sender_adopt(f->sender, &c);
    for (uint64_t i = 1; i <= 5; i++)
        add(f, i);
    pass(f, 60000);
    assert_int_equal(f->asked_n, 5);
    buf_put_byte(&f->heard, 0);
    assert_string_equal(f->heard.p, "n1\nn2\nn3\nn4\nn5\n");
}

static void what_is_added_meanwhile_stays_behind_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    f->hold = true;
    add(f, 5);
    pass(f, 10);
    while (!f->held)
        event_base_loop(f->base, EVLOOP_ONCE);
    add(f, 4);
    sender_urgent(f->sender, STR_LIT("D"), STR_LIT("disk"));
    f->hold = false;
    http_answer(f->held, 200, "application/json", str_of(OK));
    f->held = NULL;
    pass(f, 60000);
    assert_int_equal(f->sent_n, 2);
    assert_true(f->sent[0] == 5 && f->sent[1] == 4);
    buf_put_byte(&f->heard, 0);
    assert_non_null(strstr(f->heard.p, "disk"));
    assert_true(strstr(f->heard.p, "disk") < strstr(f->heard.p, "n4"));
}

static void on_told(void *arg, const struct robot_answer *a, const char *why)
{
    struct fixture *f = arg;
    (void)why;
    f->tested_n++;
    f->test_answer = *a;
}

static void a_test_is_tried_once(void **state)
{
    struct fixture *f = *state;
    f->answers[0] = REFUSED;
    sender_test(f->sender, &(struct sender_test){STR_LIT("T"), STR_LIT("test"), on_told, f});
    pass(f, 60000);
    assert_int_equal(f->tested_n, 1);
    assert_int_equal(f->test_answer.verdict, ROBOT_REFUSED);
    assert_int_equal(f->test_answer.code, 310000);
    assert_int_equal(sender_waiting_n(f->sender), 0);
    add(f, 1);
    pass(f, 5000);
    assert_int_equal(f->sent_n, 1); /* a test that failed holds nothing up */
}

static void what_was_refused_goes_at_once_when_the_channel_was_mended(void **state)
{
    struct fixture *f = *state;
    struct channel c = f->channel;
    f->answers[0] = REFUSED;
    add(f, 1);
    add(f, 2);
    pass(f, 60000);
    sender_adopt(f->sender, &c); /* nothing is new: it goes on waiting */
    pass(f, 60000);
    assert_int_equal(f->asked_n, 1);
    c.secret = STR_LIT("another secret");
    sender_adopt(f->sender, &c);
    pass(f, 5000);
    assert_int_equal(f->sent_n, 2);
    assert_int_equal(sender_stuck_ms(f->sender, f->mono_ms), 0);
}

/* With a message under way, whose answer is held back. */
static void hold_one(struct fixture *f)
{
    f->hold = true;
    add(f, 1);
    pass(f, 10);
    while (!f->held)
        event_base_loop(f->base, EVLOOP_ONCE);
    f->hold = false;
}

static void answer_held(struct fixture *f)
{
    http_answer(f->held, 200, "application/json", str_of(OK));
    f->held = NULL;
}

static void what_is_under_way_counts_unless_the_address_is_another(void **state)
{
    struct fixture *f = *state;
    struct channel c = f->channel;
    hold_one(f);
    c.secret = STR_LIT("another secret");
    sender_adopt(f->sender, &c);
    answer_held(f);
    pass(f, 60000);
    assert_int_equal(f->sent_n, 1);
    assert_int_equal(f->asked_n, 1);
    hold_one(f); /* its number is the same: it was sent, and is forgotten */
    char url[120];
    snprintf(url, sizeof url, "%s2", f->url_room);
    c.url = str_of(url);
    sender_adopt(f->sender, &c);
    assert_int_equal(sender_waiting_n(f->sender), 1);
    answer_held(f); /* nobody hears it any more */
    pass(f, 60000);
    assert_int_equal(f->asked_n, 3);
    assert_int_equal(f->sent_n, 2);
}

static void add_as(struct fixture *f, uint64_t number, struct str severity)
{
    struct effect e = {.kind = EFFECT_NOTICE, .number = number, .pairs_n = 6};
    for (size_t i = 0; i < 4; i++)
        e.pairs[i] = STR_LIT("text");
    e.pairs[0] = STR_LIT("title");
    e.pairs[4] = STR_LIT("severity");
    e.pairs[5] = severity;
    sender_add(f->sender, &e);
}

static void feishu_is_left_alone_at_the_full_and_half_hour_unless_it_is_critical(void **state)
{
    struct fixture *f = *state;
    struct channel c = f->channel;
    c.kind = CHANNEL_FEISHU;
    sender_adopt(f->sender, &c);
    f->began_wall_ms = TEN_PAST_MS + 1200000 - 1000; /* a second to half past */
    add_as(f, 1, STR_LIT("warning"));
    pass(f, 500);
    assert_int_equal(f->sent_n, 1);
    pass(f, 700);
    add_as(f, 2, STR_LIT("warning"));
    pass(f, 14000);
    assert_int_equal(f->sent_n, 1);
    pass(f, 6000);
    assert_int_equal(f->sent_n, 2);
    pass(f, 1800000 - 20000); /* the next one, a second in */
    add_as(f, 3, STR_LIT("warning"));
    pass(f, 100);
    assert_int_equal(f->sent_n, 2);
    add_as(f, 4, STR_LIT("critical")); /* takes along what waits */
    pass(f, 1000);
    assert_int_equal(f->sent_n, 4);
    c.kind = CHANNEL_DINGTALK;
    sender_adopt(f->sender, &c);
    add_as(f, 5, STR_LIT("warning"));
    pass(f, 3000);
    assert_int_equal(f->sent_n, 5);
}

static void a_channel_that_is_gone_holds_nothing_up(void **state)
{
    struct fixture *f = *state;
    hold_one(f);
    add(f, 2);
    sender_test(f->sender, &(struct sender_test){STR_LIT("T"), STR_LIT("test"), on_told, f});
    sender_urgent(f->sender, STR_LIT("D"), STR_LIT("disk"));
    assert_int_equal(sender_give_up(f->sender), 2);
    assert_true(f->sent_n == 2 && f->sent[0] == 1 && f->sent[1] == 2);
    assert_int_equal(f->tested_n, 1);
    assert_int_equal(f->test_answer.verdict, ROBOT_REFUSED);
    assert_int_equal(sender_waiting_n(f->sender), 0);
    assert_int_equal(fetch_calls_n(f->fetch), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_after_another_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(no_error_loses_a_message_or_makes_it_spin, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_there_is_waited_for_ever_longer, setup, teardown),
        cmocka_unit_test_setup_teardown(no_minute_has_more_than_eighteen, setup, teardown),
        cmocka_unit_test_setup_teardown(webhooks_get_each_message_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_added_meanwhile_stays_behind_what_is_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(a_test_is_tried_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_refused_goes_at_once_when_the_channel_was_mended, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_under_way_counts_unless_the_address_is_another, setup, teardown),
        cmocka_unit_test_setup_teardown(feishu_is_left_alone_at_the_full_and_half_hour_unless_it_is_critical, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_channel_that_is_gone_holds_nothing_up, setup, teardown),
    };
    digest_start();
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
