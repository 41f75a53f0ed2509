/* limit_s: 180
 * Redis streams as a way in, when Redis or our store has forgotten something, and what was trimmed. */
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

/* ---- Redis forgets, or we do ---- */

static void after_flushall_the_group_is_made_again(void **state)
{
    struct shop *s = *state;
    shop_open(s);
    shop_add(s, 0, 5);
    shop_await(s, 5);
    freeReplyObject(redis_ask(&s->redis, "FLUSHALL"));
    shop_add(s, 5, 5);
    shop_await(s, 10);
    shop_ids_are(s, 0, 10, 0);
    freeReplyObject(redis_ask(&s->redis, "FLUSHALL"));
    shop_add_as(s, "chat", "7-0", "m10"); /* ids that begin anew, far under our position */
    s->wanted = 11;
    await(s->base, shop_has_wanted, s, LIMIT_MS, "an entry under an old id");
    shop_ids_are(s, 0, 11, 0);
    assert_int_equal(shop_state(s).lost_n, 0);
}

static void a_group_that_is_gone_goes_on_at_the_stored_id(void **state)
{
    struct shop *s = *state;
    shop_add(s, 0, 5);
    shop_open(s);
    shop_await(s, 5);
    shop_crash(s);
    redis_ask_number(&s->redis, "XGROUP DESTROY chat kefud");
    shop_add(s, 5, 5); /* while nobody is there */
    shop_open(s);
    shop_await(s, 10);
    shop_ids_are(s, 0, 10, 0); /* not from now on, which would lose five, and not all anew */
    assert_int_equal(s->ids_n, 10);
}

static void a_store_from_a_backup_gets_again_what_it_does_not_have(void **state)
{
    struct shop *s = *state;
    shop_open(s);
    shop_add(s, 0, 5);
    shop_await(s, 5);
    snprintf(s->position_was, sizeof s->position_was, "%s", s->position[0]);
    shop_add(s, 5, 5);
    shop_await(s, 10);
    shop_crash(s);
    s->ids_n = 5;
    snprintf(s->position[0], sizeof s->position[0], "%s", s->position_was);
    shop_add(s, 10, 1);
    shop_open(s);
    shop_await(s, 11);
    shop_ids_are(s, 0, 11, 0);
    shop_await_looks(s);
    assert_int_equal(s->ids_n, 11);
}

/* ---- what is trimmed ---- */

static void entries_trimmed_while_pending_are_counted_once(void **state)
{
    struct shop *s = *state;
    s->held = true;
    shop_add(s, 0, 3);
    shop_open(s);
    await(s->base, shop_has_batch, s, LIMIT_MS, "a batch");
    shop_crash(s);
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 1");
    s->held = false;
    shop_open(s);
    shop_await(s, 1);
    shop_ids_are(s, 0, 1, 2);
    assert_int_equal(shop_state(s).lost_n, 2);
    assert_non_null(
        strstr(s->reason, "2 entries from about here on were trimmed from the stream before they were read"));
    shop_await_looks(s);
    assert_int_equal(shop_state(s).lost_n, 2);
    assert_int_equal(s->refusals_n, 1);
}

static void entries_trimmed_while_idle_with_another_are_counted(void **state)
{
    struct shop *s = *state;
    shop_add(s, 0, 5);
    freeReplyObject(redis_ask(&s->redis, "XGROUP CREATE chat kefud 0"));
    freeReplyObject(redis_ask(&s->redis, "XREADGROUP GROUP kefud gone COUNT 4 STREAMS chat >"));
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 2");
    shop_open(s);
    shop_await(s, 2);
    shop_await_looks(s);
    assert_int_equal(shop_state(s).lost_n, 3);
    assert_int_equal(s->ids_n, 2);
}

static void entries_trimmed_before_anybody_read_them_are_counted_once(void **state)
{
    struct shop *s = *state;
    shop_open(s);
    shop_add(s, 0, 2);
    shop_await(s, 2);
    shop_crash(s);
    shop_add(s, 2, 10);
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 4");
    shop_open(s);
    shop_await(s, 6);
    shop_ids_are(s, 2, 4, 8);
    assert_int_equal(shop_state(s).lost_n, 6);
    shop_await_looks(s);
    shop_add(s, 12, 2);
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 2"); /* those were read */
    shop_await(s, 8);
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 0"); /* and these too */
    shop_await_looks(s);
    assert_int_equal(shop_state(s).lost_n, 6);
}

static void what_was_trimmed_after_it_was_durable_is_no_loss(void **state)
{
    struct shop *s = *state;
    shop_add(s, 0, 50);
    shop_open(s);
    shop_await(s, 50);
    redis_ask_number(&s->redis, "XTRIM chat MAXLEN 0");
    shop_await_looks(s);
    shop_add(s, 50, 1);
    shop_await(s, 51);
    assert_int_equal(shop_state(s).lost_n, 0);
    assert_int_equal(s->refusals_n, 0);
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
        with_shop(after_flushall_the_group_is_made_again),
        with_shop(a_group_that_is_gone_goes_on_at_the_stored_id),
        with_shop(a_store_from_a_backup_gets_again_what_it_does_not_have),
        with_shop(entries_trimmed_while_pending_are_counted_once),
        with_shop(entries_trimmed_while_idle_with_another_are_counted),
        with_shop(entries_trimmed_before_anybody_read_them_are_counted_once),
        with_shop(what_was_trimmed_after_it_was_durable_is_no_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
