/* Batches: what is added stands beside its input, and one that is used again is as a new one, in the room it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kefu/model/batch.h"

static void done(struct batch *b)
{
    (void)b;
}

static void fill(struct batch *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct event *e = batch_add_event(b);
        e->id = arena_copy(&b->arena, STR_LIT("an id of some length"));
        b->inputs_n++;
    }
    batch_add_refusal(b)->reason = STR_LIT("ts: too early");
    b->inputs_n++;
}

static void events_and_refusals_know_their_input(void **state)
{
    (void)state;
    struct batch *b = batch_new(STR_LIT("socket"), done, NULL);
    fill(b, 3);
    assert_int_equal(b->events_n, 3);
    assert_int_equal(b->event_index[2], 2);
    assert_int_equal(b->verdicts[2], VERDICT_NONE);
    assert_int_equal(b->refusals[0].index, 3);
    batch_drop_event(b);
    assert_int_equal(b->events_n, 2);
    batch_free(b);
}

static void used_again_it_is_as_new(void **state)
{
    struct batch *b = batch_new(STR_LIT("socket"), done, state);
    fill(b, 100);
    b->verdicts[0] = VERDICT_ACCEPTED;
    b->result = BATCH_STORED;
    b->retry_of = 7;
    b->first_wins = true;
    b->position_key = b->position = b->audit = STR_LIT("x");
    const struct event *room = b->events;
    batch_again(b, STR_LIT("stream"));
    struct batch *fresh = batch_new(STR_LIT("stream"), done, state);
    assert_true(str_eq(b->way, fresh->way));
    assert_ptr_equal(b->done, fresh->done);
    assert_ptr_equal(b->owner, fresh->owner);
    assert_int_equal(b->events_n + b->refusals_n + b->inputs_n, 0);
    assert_int_equal(b->retry_of, 0);
    assert_int_equal(b->result, BATCH_NONE);
    assert_false(b->first_wins);
    assert_int_equal(b->position_key.n + b->position.n + b->audit.n, 0);
    fill(b, 100);
    assert_ptr_equal(b->events, room);
    assert_int_equal(b->verdicts[0], VERDICT_NONE);
    assert_int_equal(b->events[99].amount_fen, 0);
    assert_true(str_eq(b->way, STR_LIT("stream")));
    batch_free(fresh);
    batch_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(events_and_refusals_know_their_input),
                                       cmocka_unit_test(used_again_it_is_as_new)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
