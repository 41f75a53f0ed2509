/* limit_s: 180
 * Redis streams as a way in: reading, waiting, crashes, rights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <cmocka.h>

#include "kefu/base/digest.h"
#include "support_stream.h"

/* ---- reading ---- */

static void what_was_there_and_what_comes_arrives_in_order(void **state)
{
    struct shop *s = *state;
    shop_add(s, 0, 2500); /* more than is read at a time */
    shop_open(s);
    shop_await(s, 2500);
    shop_add(s, 2500, 3);
    shop_await(s, 2503);
    shop_ids_are(s, 0, 2503, 0);
    assert_string_equal(shop_state(s).position, s->position[0]);
    assert_int_equal(shop_state(s).entries_n, 2503);
}

/* Redis bounds a reply by entries: large ones are read a few at a time. */
static void large_entries_are_read_a_few_at_a_time(void **state)
{
    enum { ENTRIES = 300, BYTES = 128 << 10 };
    struct shop *s = *state;
    char *large = calloc(1, BYTES + 1);
    memset(large, 'x', BYTES); /* no event: what becomes of it is told elsewhere */
    for (int i = 0; i < ENTRIES; i++)
        freeReplyObject(redis_ask(&s->redis, "XADD chat * event %s", large));
    free(large);
    shop_open(s);
    shop_add(s, 0, 1);
    shop_await(s, 1);
    assert_int_equal(s->refusals_n, ENTRIES);
    assert_true(s->submits_n >= 1 + (ENTRIES - 100) / 32); /* a hundred before it was known, then four MiB at a time */
    shop_add(s, 1, 2500);                                  /* small ones again, and ever more at a time */
    shop_await(s, 2501);
    shop_ids_are(s, 0, 2501, 0);
    assert_true(s->submits_n < 100);
}

static void nothing_is_acknowledged_before_it_is_durable(void **state)
{
    struct shop *s = *state;
    s->held = true;
    shop_open(s);
    shop_add(s, 0, 3);
    await(s->base, shop_has_batch, s, LIMIT_MS, "a batch");
    event_base_loopexit(s->base, &(struct timeval){0, 100000});
    event_base_dispatch(s->base); /* what would be sent has been sent */
    redisReply *r = redis_ask(&s->redis, "XPENDING chat kefud");
    assert_int_equal(r->element[0]->integer, s->waiting[0]->events_n);
    freeReplyObject(r);
    assert_string_equal(s->position[0], "");
    s->held = false;
    event_active(s->disk, 0, 0);
    shop_await(s, 3);
    assert_string_equal(s->position[0],
                        redis_ask_text(&s->redis, "EVAL %s 1 chat",
                                       "return redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]"));
}

static void a_full_disk_or_queue_means_waiting_and_nothing_is_skipped(void **state)
{
    struct shop *s = *state;
    s->full_n = 3;
    shop_add(s, 0, 10);
    shop_open(s);
    shop_await(s, 10);
    s->refuses = true;
    shop_add(s, 10, 10);
    s->submits_n = 0;
    while (s->submits_n < 3)
        event_base_loop(s->base, EVLOOP_ONCE);
    shop_add(s, 20, 10);
    s->refuses = false;
    shop_await(s, 30);
    shop_ids_are(s, 0, 30, 0);
}

static void what_is_no_event_goes_to_the_quarantine_and_is_acknowledged(void **state)
{
    struct shop *s = *state;
    shop_open(s);
    freeReplyObject(redis_ask(&s->redis, "XADD chat 1-1 x y"));
    freeReplyObject(redis_ask(&s->redis, "XADD chat 1-2 e nonsense"));
    freeReplyObject(redis_ask(&s->redis, "XADD chat 1-3 e %s", "\xff{}"));
    freeReplyObject(redis_ask(&s->redis, "XADD chat 1-4 e {} e {}"));
    shop_add_as(s, "chat", "1-5", "m0");
    shop_await(s, 1);
    assert_int_equal(s->refusals_n, 4);
    assert_int_equal(strncmp(s->reason, "chat 1-4: ", 10), 0);
    freeReplyObject(redis_ask(&s->redis, "XADD chat 1-6 event {}"));
    while (s->refusals_n < 5)
        event_base_loop(s->base, EVLOOP_ONCE);
    assert_string_equal(s->reason, "chat 1-6: found no field \"e\", expected one event as JSON in it");
    await(s->base, shop_all_acknowledged, s, LIMIT_MS, "acknowledgement");
}

static bool second_is_broken(void *arg)
{
    return shop_state_is(arg, 1, "broken");
}

static bool second_is_reading(void *arg)
{
    return shop_state_is(arg, 1, "reading");
}

static void a_stream_that_is_none_stops_no_other(void **state)
{
    struct shop *s = *state;
    s->keys_n = 2;
    freeReplyObject(redis_ask(&s->redis, "SET orders x"));
    shop_open(s);
    shop_add(s, 0, 5);
    shop_await(s, 5);
    await(s->base, second_is_broken, s, LIMIT_MS, "the other to be found broken");
    redis_ask_number(&s->redis, "DEL orders");
    shop_add_as(s, "orders", "*", "o1");
    await(s->base, second_is_reading, s, LIMIT_MS, "the other to be mended");
    shop_await(s, 6);
    assert_string_equal(s->ids[5], "o1");
    assert_true(s->position[1][0]);
}

/* ---- crashes ---- */

static void what_was_not_durable_comes_again_before_what_is_new(void **state)
{
    struct shop *s = *state;
    s->held = true;
    shop_add(s, 0, 5);
    shop_open(s);
    await(s->base, shop_has_batch, s, LIMIT_MS, "a batch");
    shop_crash(s);
    shop_add(s, 5, 5);
    s->held = false;
    shop_open(s);
    shop_await(s, 10);
    shop_ids_are(s, 0, 10, 0);
}

/* Fifty, or 300 with KEFU_SOAK. */
static void lost_connections_lose_nothing_and_keep_order(void **state)
{
    struct shop *s = *state;
    size_t n = 0, rounds_n = getenv("KEFU_SOAK") ? 300 : 50;
    char seen[EVENTS_MAX] = {0}, last[24];
    shop_open(s);
    for (size_t round = 0; round < rounds_n; round++) {
        shop_add(s, n, 10);
        n += 10;
        for (size_t i = 0; i < round % 9; i++)
            event_base_loop(s->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        redis_ask_number(&s->redis, "CLIENT KILL TYPE normal SKIPME yes");
    }
    await(s->base, shop_is_reading, s, LIMIT_MS, "the connection to come back");
    shop_add(s, n, 1);
    snprintf(last, sizeof last, "m%zu", n);
    while (!s->ids_n || strcmp(s->ids[s->ids_n - 1], last) != 0)
        event_base_loop(s->base, EVLOOP_ONCE);
    await(s->base, shop_all_acknowledged, s, LIMIT_MS, "acknowledgement");
    for (size_t i = 0, next = 0; i < s->ids_n; i++) {
        size_t k = (size_t)strtoul(s->ids[i] + 1, NULL, 10);
        assert_true(k <= next); /* again, perhaps; never past one that has not come */
        next += k == next;
        seen[k] = 1;
    }
    for (size_t i = 0; i <= n; i++)
        assert_true(seen[i]);
    assert_int_equal(shop_state(s).lost_n, 0);
}

static void entries_idle_with_another_consumer_are_taken_over(void **state)
{
    struct shop *s = *state;
    shop_add(s, 0, 150); /* more than are claimed at a time */
    freeReplyObject(redis_ask(&s->redis, "XGROUP CREATE chat kefud 0"));
    freeReplyObject(redis_ask(&s->redis, "XREADGROUP GROUP kefud gone COUNT 150 STREAMS chat >"));
    shop_open(s);
    shop_await(s, 150);
    shop_ids_are(s, 0, 150, 0);
    assert_int_equal(shop_state(s).claimed_n, 150);
    assert_int_equal(shop_state(s).lost_n, 0);
}

/* The process ends whenever it meets "poison"; the others must pass, and it must not end for ever. */
static void only_the_entry_that_does_harm_goes_to_the_dead_after_five_deliveries(void **state)
{
    struct shop *s = *state;
    int starts_n = 0;
    shop_add(s, 0, 4);
    shop_add_as(s, "chat", "*", "poison");
    shop_add(s, 4, 4);
    s->held = true;
    shop_open(s);
    while (s->ids_n < 8) {
        await(s->base, shop_has_batch, s, LIMIT_MS, "a batch");
        bool harmful = false;
        for (size_t i = 0; i < s->waiting[0]->events_n; i++)
            harmful = harmful || str_eq(s->waiting[0]->events[i].id, STR_LIT("poison"));
        if (harmful) {
            shop_crash(s);
            shop_open(s);
            assert_true(++starts_n <= REDIS_STREAM_DELIVERIES_MAX);
            continue;
        }
        s->held = false;
        shop_disk(-1, 0, s);
        s->held = true;
    }
    s->held = false;
    shop_await(s, 8);
    shop_ids_are(s, 0, 8, 0);
    assert_int_equal(starts_n, REDIS_STREAM_DELIVERIES_MAX);
    assert_int_equal(redis_ask_number(&s->redis, "XLEN chat:dead"), 1);
    redisReply *r = redis_ask(&s->redis, "XRANGE chat:dead - +");
    redisReply *fields = r->element[0]->element[1];
    assert_string_equal(fields->element[0]->str, "id");
    assert_string_equal(fields->element[2]->str, "deliveries");
    assert_string_equal(fields->element[3]->str, "5");
    assert_string_equal(fields->element[fields->elements - 2]->str, "e");
    assert_non_null(strstr(fields->element[fields->elements - 1]->str, "poison"));
    freeReplyObject(r);
    assert_int_equal(shop_state(s).dead_n, 1);
    assert_non_null(strstr(s->reason, "delivered 5 times and never finished"));
    shop_crash(s);
    shop_open(s); /* nothing is pending any more, and nothing comes again */
    shop_await_looks(s);
    assert_int_equal(s->ids_n, 8);
}

/* ---- rights ---- */

/* Without the right to acknowledge, entries would be delivered again and again until they were taken for dead. */
static void without_the_right_to_acknowledge_nothing_is_read(void **state)
{
    struct shop *s = *state;
    freeReplyObject(redis_ask(&s->redis, "ACL SETUSER feed on >pw ~chat* +@all -xack"));
    snprintf(s->user, sizeof s->user, "feed");
    snprintf(s->password, sizeof s->password, "pw");
    shop_add(s, 0, 5);
    shop_open(s);
    await(s->base, shop_is_broken, s, LIMIT_MS, "the stream to be found broken");
    assert_non_null(strstr(shop_state(s).error.p, "NOPERM"));
    assert_int_equal(s->ids_n, 0);
    freeReplyObject(redis_ask(&s->redis, "ACL SETUSER feed +xack"));
    shop_await(s, 5);
    assert_int_equal(shop_state(s).dead_n, 0);
}

static void the_access_list_of_the_docs_is_enough(void **state)
{
    struct shop *s = *state;
    freeReplyObject(redis_ask(&s->redis, "ACL SETUSER feed on >pw ~chat ~chat:dead +@connection +info +xinfo +xgroup "
                                         "+xreadgroup +xack +xpending +xautoclaim +xrange +xadd"));
    snprintf(s->user, sizeof s->user, "feed");
    snprintf(s->password, sizeof s->password, "pw");
    shop_open(s);
    shop_add(s, 0, 5);
    shop_await(s, 5);
    freeReplyObject(redis_ask(&s->redis, "FLUSHALL"));
    shop_add(s, 5, 5);
    shop_await(s, 10);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    digest_start();
    if (!redis_is_installed()) {
        printf("redis-server is not installed\n");
        return 77;
    }
#define with_shop(f) cmocka_unit_test_setup_teardown(f, shop_set_up, shop_tear_down)
    const struct CMUnitTest tests[] = {
        with_shop(what_was_there_and_what_comes_arrives_in_order),
        with_shop(large_entries_are_read_a_few_at_a_time),
        with_shop(nothing_is_acknowledged_before_it_is_durable),
        with_shop(a_full_disk_or_queue_means_waiting_and_nothing_is_skipped),
        with_shop(what_is_no_event_goes_to_the_quarantine_and_is_acknowledged),
        with_shop(a_stream_that_is_none_stops_no_other),
        with_shop(what_was_not_durable_comes_again_before_what_is_new),
        with_shop(lost_connections_lose_nothing_and_keep_order),
        with_shop(entries_idle_with_another_consumer_are_taken_over),
        with_shop(only_the_entry_that_does_harm_goes_to_the_dead_after_five_deliveries),
        with_shop(without_the_right_to_acknowledge_nothing_is_read),
        with_shop(the_access_list_of_the_docs_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
