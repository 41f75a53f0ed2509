/* The publisher and what can befall Redis: everything comes back, nothing is doubled, nothing is lost. */
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

static void after_flushall_everything_is_back(void **state)
{
    struct publish_world *w = *state;
    char epoch[32];
    for (int i = 0; i < 20; i++)
        publish_decide(w);
    publish_show(w, "li.na", "A", 50000);
    publish_settle(w);
    snprintf(epoch, sizeof epoch, "%s", redis_ask_text(&w->redis, "HGET {kefu}:meta epoch"));
    freeReplyObject(redis_ask(&w->redis, "FLUSHALL"));
    publish_await_field(w, "li.na", "score", "50.00");
    publish_settle(w);
    publish_stream_is_whole(w);
    publish_score_is(w, "A", "li.na", "50");
    assert_string_not_equal(redis_ask_text(&w->redis, "HGET {kefu}:meta epoch"), epoch);
    assert_int_equal(w->resent_n, 2);
}

static void after_another_redis_everything_is_back(void **state)
{
    struct publish_world *w = *state;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 20; i++)
            publish_decide(w);
        publish_show(w, "li.na", "A", 50000);
        publish_show(w, "wang", "B", 60000);
        if (round % 2)
            publish_settle(w);
        redis_kill(&w->redis);
        publish_decide(w);
        publish_show(w, "li.na", "A", 51000 + round);
        for (int i = 0; i < 20; i++)
            event_base_loop(w->base, EVLOOP_NONBLOCK);
        redis_start(&w->redis);
        publish_settle(w);
        publish_stream_is_whole(w);
        publish_score_is(w, "A", "li.na", "51");
        publish_score_is(w, "B", "wang", "60");
    }
}

/* Fifty, or 1,000 with KEFU_SOAK. */
static void lost_connections_double_and_lose_nothing(void **state)
{
    struct publish_world *w = *state;
    char score[32];
    int rounds_n = getenv("KEFU_SOAK") ? 1000 : 50;
    for (int round = 0; round < rounds_n; round++) {
        await(w->base, publish_is_live, w, 10000, "the connection to come back");
        for (int i = 0; i < 5; i++)
            publish_decide(w);
        publish_show(w, "li.na", "A", round % 100 * 1000);
        for (int i = 0; i < round % 7; i++)
            event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        assert_int_equal(redis_ask_number(&w->redis, "CLIENT KILL TYPE normal SKIPME yes"), 1);
        await(w->base, publish_is_not_live, w, 5000, "the loss to be noticed");
    }
    publish_settle(w);
    publish_stream_is_whole(w);
    snprintf(score, sizeof score, "%d", (rounds_n - 1) % 100);
    publish_score_is(w, "A", "li.na", score);
    assert_int_equal(w->resent_n, 1); /* it was the same Redis all along */
}

static void a_forgotten_script_is_loaded_again(void **state)
{
    struct publish_world *w = *state;
    publish_show(w, "li.na", "A", 50000);
    publish_settle(w);
    freeReplyObject(redis_ask(&w->redis, "SCRIPT FLUSH"));
    for (int i = 0; i < 50; i++) {
        char agent[32];
        snprintf(agent, sizeof agent, "agent%d", i);
        publish_show(w, agent, "A", 50000);
    }
    publish_settle(w);
    assert_int_equal(redis_ask_number(&w->redis, "ZCARD {kefu}:board:A"), 51);
}

static void without_memory_redis_keeps_the_old_and_catches_up(void **state)
{
    struct publish_world *w = *state;
    publish_show(w, "li.na", "A", 50000);
    publish_settle(w);
    freeReplyObject(redis_ask(&w->redis, "CONFIG SET maxmemory 1"));
    publish_show(w, "li.na", "B", 60000);
    publish_decide(w);
    publish_await_errors(w, 1);
    assert_string_equal(redis_ask_text(&w->redis, "HGET {kefu}:agent:li.na score"), "50.00");
    publish_score_is(w, "A", "li.na", "50");
    assert_false(w->sent[0]);
    freeReplyObject(redis_ask(&w->redis, "CONFIG SET maxmemory 0"));
    publish_settle(w);
    publish_stream_is_whole(w);
    publish_score_is(w, "B", "li.na", "60");
    publish_not_on_board(w, "A", "li.na");
}

static void a_key_of_another_kind_stops_only_its_agent(void **state)
{
    struct publish_world *w = *state;
    freeReplyObject(redis_ask(&w->redis, "SET {kefu}:agent:li.na x"));
    publish_show(w, "li.na", "A", 50000);
    publish_show(w, "wang", "A", 60000);
    publish_await_field(w, "wang", "score", "60.00");
    publish_not_on_board(w, "A", "li.na");
    redis_ask_number(&w->redis, "DEL {kefu}:agent:li.na");
    publish_settle(w);
    publish_score_is(w, "A", "li.na", "50");
}

static void a_replica_is_left_until_it_may_be_written(void **state)
{
    struct publish_world *w = *state;
    publish_show(w, "li.na", "A", 50000);
    publish_settle(w);
    freeReplyObject(redis_ask(&w->redis, "REPLICAOF 127.0.0.1 1"));
    publish_show(w, "li.na", "A", 60000);
    publish_decide(w);
    publish_await_errors(w, 1);
    freeReplyObject(redis_ask(&w->redis, "REPLICAOF NO ONE"));
    publish_settle(w);
    publish_stream_is_whole(w);
    publish_score_is(w, "A", "li.na", "60");
}

static void it_may_end_at_any_moment(void **state)
{
    struct publish_world *w = *state;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 20; i++)
            publish_decide(w);
        publish_show(w, "li.na", "A", 50000);
        for (int i = 0; i < round; i++)
            event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        publisher_free(w->publisher);
        publish_start(w);
    }
    publish_settle(w);
    publish_stream_is_whole(w);
}

static void effects_beyond_the_lane_stay_with_the_owner(void **state)
{
    struct publish_world *w = *state;
    int taken_n = 0;
    for (uint64_t i = 0; i < LANE_MAX + 100; i++) {
        struct effect e = {
            .kind = EFFECT_TIER, .number = i + 1, .stream = STR_LIT("tiers"), .stream_ms = T0 + (int64_t)i};
        e.pairs[0] = e.pairs[1] = STR_LIT("x");
        e.pairs_n = 2;
        taken_n += publisher_effect(w->publisher, &e) == 0;
    }
    assert_int_equal(taken_n, LANE_MAX);
}

static void the_access_list_of_the_docs_is_enough(void **state)
{
    struct publish_world *w = *state;
    publisher_free(w->publisher);
    freeReplyObject(redis_ask(&w->redis,
                              "ACL SETUSER kefud on >pw ~{kefu}:* &{kefu}:* +@connection +info +set +hget +hset "
                              "+hdel +hkeys +hlen +del +exists +type +zadd +zrem +xadd +xtrim +xrange +xinfo +publish "
                              "+scan +evalsha +script|load +multi +exec"));
    w->username = "kefud";
    w->password = "pw";
    w->stream_keep_days = 10000;
    publish_start(w);
    publish_decide(w);
    publish_show(w, "li.na", "A", 50000);
    publish_settle(w);
    publish_show(w, "li.na", "B", SCORE_NONE);
    publisher_forget(w->publisher, STR_LIT("wang"));
    publisher_complete(w->publisher);
    publish_decide(w);
    publish_settle(w);
    publish_stream_is_whole(w);
    struct publisher_state s;
    publisher_state(w->publisher, &s);
    assert_int_equal(s.errors_n, 0);
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
        with_world(after_flushall_everything_is_back),
        with_world(after_another_redis_everything_is_back),
        with_world(lost_connections_double_and_lose_nothing),
        with_world(a_forgotten_script_is_loaded_again),
        with_world(without_memory_redis_keeps_the_old_and_catches_up),
        with_world(a_key_of_another_kind_stops_only_its_agent),
        with_world(a_replica_is_left_until_it_may_be_written),
        with_world(it_may_end_at_any_moment),
        with_world(effects_beyond_the_lane_stay_with_the_owner),
        with_world(the_access_list_of_the_docs_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
