/* The publisher against a real Redis: whole snapshots, streams without doubles or gaps, and everything back after faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <event2/event.h>
#include <cmocka.h>

#include "kefu/base/clock.h"
#include "kefu/base/digest.h"
#include "support_publish.h"

/* ---- snapshots ---- */

static void a_snapshot_is_whole(void **state)
{
    struct publish_world *w = *state;
    publish_show(w, "li.na", "A", 89999);
    publish_settle(w);
    redisReply *r = redis_ask(&w->redis, "HGETALL {kefu}:agent:li.na");
    assert_int_equal(r->elements, 2 * 15);
    freeReplyObject(r);
    assert_string_equal(redis_ask_text(&w->redis, "HGET {kefu}:agent:li.na score"), "89.99");
    publish_score_is(w, "A", "li.na", "89.99");
    assert_string_equal(redis_ask_text(&w->redis, "HGET {kefu}:meta version"), "0.1.0");
    assert_string_equal(redis_ask_text(&w->redis, "HGET {kefu}:meta seq"), "1");
    assert_string_equal(redis_ask_text(&w->redis, "HGET {kefu}:meta rulebook"), "seed");
    assert_string_equal(redis_ask_text(&w->redis, "HGET {kefu}:meta period"), "2026-03");
    assert_int_equal(strlen(redis_ask_text(&w->redis, "HGET {kefu}:meta epoch")), 16);
    long long life_ms = redis_ask_number(&w->redis, "PTTL {kefu}:alive");
    assert_true(life_ms > 5000 && life_ms <= 15000);
}

static void what_has_no_data_any_more_has_no_field(void **state)
{
    struct publish_world *w = *state;
    publish_show(w, "li.na", "A", 89999);
    publish_settle(w);
    publish_show(w, "li.na", "A", SCORE_NONE);
    publish_settle(w);
    assert_int_equal(redis_ask_number(&w->redis, "HEXISTS {kefu}:agent:li.na score"), 0);
    assert_int_equal(redis_ask_number(&w->redis, "HEXISTS {kefu}:agent:li.na kpi:response:points"), 0);
    assert_int_equal(redis_ask_number(&w->redis, "HLEN {kefu}:agent:li.na"), 12);
    publish_not_on_board(w, "A", "li.na");
}

static void who_changes_team_leaves_the_old_board(void **state)
{
    struct publish_world *w = *state;
    publish_show(w, "li.na", "A", 50000);
    publish_settle(w);
    publish_show(w, "li.na", "B", 51000);
    publish_settle(w);
    publish_not_on_board(w, "A", "li.na");
    publish_score_is(w, "B", "li.na", "51");
    publish_show(w, "li.na", NULL, 52000);
    publish_settle(w);
    publish_not_on_board(w, "B", "li.na");
    publish_score_is(w, "-", "li.na", "52");
    publisher_free(w->publisher); /* and when the change comes with another publisher */
    publish_start(w);
    publish_show(w, "li.na", "C", 53000);
    publish_settle(w);
    publish_not_on_board(w, "-", "li.na");
    publish_score_is(w, "C", "li.na", "53");
}

static void many_changes_are_few_snapshots_and_the_last_one_counts(void **state)
{
    struct publish_world *w = *state;
    struct clock clock = clock_real();
    redisContext *c = redis_subscribe(&w->redis, "{kefu}:scores");
    publish_show(w, "first", NULL, 0);
    publish_settle(w);
    int64_t from_ms = clock_mono_ms(&clock);
    for (int i = 1; i <= 100000; i++) {
        publish_show(w, "li.na", "A", i);
        if (i % 100 == 0)
            event_base_loop(w->base, EVLOOP_NONBLOCK);
    }
    publish_settle(w);
    int64_t took_ms = clock_mono_ms(&clock) - from_ms;
    assert_string_equal(redis_ask_text(&w->redis, "HGET {kefu}:agent:li.na score"), "100.00");
    int messages_n = 0;
    for (bool last = false; !last; messages_n++) {
        redisReply *r = redis_next_message(c);
        last = strstr(r->element[2]->str, "\"score\":100.00") != NULL;
        freeReplyObject(r);
    }
    assert_true(messages_n >= 2 && messages_n - 1 <= took_ms / 100 + 2);
    redisFree(c);
}

static void many_agents_at_once_all_arrive(void **state)
{
    struct publish_world *w = *state;
    char agent[32];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3000; i++) { /* three times what may be in flight */
            snprintf(agent, sizeof agent, "agent%d", i);
            publish_show(w, agent, i % 2 ? "A" : "B", i * 10);
        }
        publish_settle(w);
    }
    assert_int_equal(redis_ask_number(&w->redis, "ZCARD {kefu}:board:A"), 1500);
    assert_int_equal(redis_ask_number(&w->redis, "ZCARD {kefu}:board:B"), 1500);
    assert_string_equal(redis_ask_text(&w->redis, "HGET {kefu}:meta seq"), "9000");
}

static void who_was_not_given_is_taken_out(void **state)
{
    struct publish_world *w = *state;
    publish_show(w, "old", "A", 50000);
    publish_show(w, "stays", "A", 60000);
    publish_settle(w);
    freeReplyObject(redis_ask(&w->redis, "SET {kefu2}:agent:old x"));
    publisher_free(w->publisher);
    publish_start(w);
    publish_show(w, "stays", "A", 60000);
    publish_settle(w);
    assert_int_equal(redis_ask_number(&w->redis, "EXISTS {kefu}:agent:old"), 1);
    publisher_complete(w->publisher);
    publish_await_field(w, "old", "seq", "");
    publish_settle(w);
    publish_not_on_board(w, "A", "old");
    publish_score_is(w, "A", "stays", "60");
    publisher_forget(w->publisher, STR_LIT("stays"));
    publish_settle(w);
    assert_int_equal(redis_ask_number(&w->redis, "EXISTS {kefu}:agent:stays {kefu}:board:A"), 0);
    assert_int_equal(redis_ask_number(&w->redis, "EXISTS {kefu2}:agent:old"), 1);
}

/* ---- effects ---- */

static void effects_enter_the_stream_in_order_and_are_announced(void **state)
{
    struct publish_world *w = *state;
    redisContext *c = redis_subscribe(&w->redis, "{kefu}:tiers");
    for (int i = 0; i < 100; i++)
        publish_decide(w);
    publish_settle(w);
    publish_stream_is_whole(w);
    publish_show(w, "li.na", "A", 1); /* goes the same way, so the last message has gone before it */
    publish_settle(w);
    for (int i = 0; i < 100; i++) {
        char expected[128];
        redisReply *r = redis_next_message(c);
        snprintf(expected, sizeof expected, "{\"id\":\"%lld-0\",\"agent\":\"a\\\"%d\",\"tier\":\"good\"}",
                 (long long)T0 + i, i);
        assert_string_equal(r->element[2]->str, expected);
        freeReplyObject(r);
    }
    redisFree(c);
}

static void an_effect_redis_has_already_is_not_doubled(void **state)
{
    struct publish_world *w = *state;
    /* As if the answer to our XADD had been lost. */
    freeReplyObject(redis_ask(&w->redis, "XADD {kefu}:tiers %s agent a\"0 tier good", "1772442000000-0"));
    publish_decide(w);
    publish_decide(w);
    publish_settle(w);
    publish_stream_is_whole(w);
}

static void an_effect_older_than_the_stream_counts_as_sent(void **state)
{
    struct publish_world *w = *state;
    freeReplyObject(redis_ask(&w->redis, "XADD {kefu}:tiers %s agent a\"1 tier good", "1772442000001-0"));
    publish_decide(w); /* its entry has been trimmed since */
    publish_settle(w);
    assert_true(w->sent[0]);
    assert_int_equal(redis_ask_number(&w->redis, "XLEN {kefu}:tiers"), 1);
}

static void something_else_on_top_holds_the_lane_until_mended(void **state)
{
    struct publish_world *w = *state;
    publish_decide(w);
    publish_settle(w);
    freeReplyObject(redis_ask(&w->redis, "XADD {kefu}:tiers 9999999999999-0 stray 1"));
    publish_decide(w);
    publish_decide(w);
    publish_show(w, "li.na", "A", 1);
    publish_await_field(w, "li.na", "score", "0.00"); /* snapshots go on */
    for (int i = 0; i < 50; i++)
        event_base_loop(w->base, EVLOOP_ONCE | (i < 49 ? EVLOOP_NONBLOCK : 0));
    assert_false(w->sent[1] || w->sent[2]);
    redis_ask_number(&w->redis, "XDEL {kefu}:tiers 9999999999999-0");
    freeReplyObject(redis_ask(&w->redis, "XSETID {kefu}:tiers %s", "1772442000000-0"));
    publish_settle(w);
    publish_stream_is_whole(w);
}

static void another_entry_under_our_id_is_never_taken_for_ours(void **state)
{
    struct publish_world *w = *state;
    freeReplyObject(redis_ask(&w->redis, "XADD {kefu}:tiers %s agent else tier good", "1772442000000-0"));
    publish_decide(w);
    publish_show(w, "li.na", "A", 1);
    publish_await_field(w, "li.na", "score", "0.00");
    assert_false(w->sent[0]);
    freeReplyObject(redis_ask(&w->redis, "DEL {kefu}:tiers"));
    publish_settle(w);
    publish_stream_is_whole(w);
}

static bool is_empty(void *arg)
{
    return redis_ask_number(&((struct publish_world *)arg)->redis, "XLEN {kefu}:tiers") == 0;
}

static void meta_names_the_contract(void **state)
{
    struct publish_world *w = *state;
    publish_show(w, "li.na", "A", 1);
    publish_settle(w);
    assert_string_equal(redis_ask_text(&w->redis, "HGET {kefu}:meta contract"), "1");
    assert_string_equal(redis_ask_text(&w->redis, "HGET {kefu}:meta version"), "0.1.0");
}

static void entries_past_their_days_are_cut_off_and_hold_nothing_up(void **state)
{
    struct publish_world *w = *state;
    for (int i = 0; i < 250; i++)
        publish_decide(w);
    publish_settle(w);
    publish_stream_is_whole(w); /* they stay, whatever their age, unless asked for */
    publisher_free(w->publisher);
    w->stream_keep_days = 1;
    publish_start(w);
    await(w->base, is_empty, w, 10000, "the old entries to go");
    publisher_free(w->publisher);
    w->sent[249] = false; /* as if the answer had been lost: the stream refuses the id and has no entry at all */
    publish_start(w);
    publish_settle(w);
    assert_int_equal(redis_ask_number(&w->redis, "XLEN {kefu}:tiers"), 0);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    digest_start();
    if (!redis_is_installed()) {
        printf("redis-server is not installed\n");
        return 77;
    }
#define with_world(f) cmocka_unit_test_setup_teardown(f, publish_set_up, publish_tear_down)
    const struct CMUnitTest tests[] = {
        with_world(a_snapshot_is_whole),
        with_world(what_has_no_data_any_more_has_no_field),
        with_world(who_changes_team_leaves_the_old_board),
        with_world(many_changes_are_few_snapshots_and_the_last_one_counts),
        with_world(many_agents_at_once_all_arrive),
        with_world(who_was_not_given_is_taken_out),
        with_world(effects_enter_the_stream_in_order_and_are_announced),
        with_world(an_effect_redis_has_already_is_not_doubled),
        with_world(an_effect_older_than_the_stream_counts_as_sent),
        with_world(something_else_on_top_holds_the_lane_until_mended),
        with_world(another_entry_under_our_id_is_never_taken_for_ours),
        with_world(meta_names_the_contract),
        with_world(entries_past_their_days_are_cut_off_and_hold_nothing_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
