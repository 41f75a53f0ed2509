/* The way of events through a real store and a real site, under a clock that only the test moves: what is taken, refused, kept,
 * and tried again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "kefu/base/log.h"
#include "support_vfs.h"
#include "support_world.h"

static void an_event_is_folded_and_answered_only_when_durable(void **state)
{
    struct world *w = *state;
    struct batch *b = world_batch(w);
    struct event *e = world_message(b, "m1", T0, FROM_AGENT);
    world_run(w);
    world_submit(w, b);
    assert_int_equal(site_probe(w->site, e), VERDICT_ACCEPTED); /* not folded yet */
    assert_int_equal(w->done_n, 0);
    world_run(w);
    assert_int_equal(store_last_seq(w->store), 1);
    assert_int_equal(w->done_n, 1);
    assert_int_equal(b->verdicts[0], VERDICT_ACCEPTED);
    assert_int_equal(site_probe(w->site, e), VERDICT_DUPLICATE);
    batch_free(b);
}

static void figures_are_shown_after_the_fold_and_again_after_a_restart(void **state)
{
    struct world *w = *state;
    world_ask_and_answer(w);
    assert_string_equal(world_last_seen(w)->agent, "amy");
    assert_int_equal(world_last_seen(w)->answered, 1);
    assert_true(world_last_seen(w)->provisional);
    world_again(w);
    assert_int_equal(world_answered(w), 1);
    world_run(w);
    assert_int_equal(world_last_seen(w)->answered, 1);
}

static void a_retry_is_a_duplicate_and_writes_nothing(void **state)
{
    struct world *w = *state;
    world_ask_and_answer(w);
    uint64_t seq = store_last_seq(w->store);
    struct batch *b = world_batch(w);
    world_message(b, "m1", T0 - MINUTE, FROM_CUSTOMER);
    world_submit(w, b);
    pipeline_turn(w->p); /* no commit to wait for */
    assert_int_equal(w->done_n, 2);
    assert_int_equal(b->result, BATCH_STORED);
    assert_int_equal(b->verdicts[0], VERDICT_DUPLICATE);
    assert_int_equal(store_last_seq(w->store), seq);
    assert_int_equal(world_answered(w), 1);
    batch_free(b);
}

static void a_duplicate_of_what_is_under_way_counts_once(void **state)
{
    struct world *w = *state;
    struct batch *a = world_batch(w), *b = world_batch(w);
    world_message(a, "m1", T0 - MINUTE, FROM_CUSTOMER);
    world_message(a, "m2", T0 - MINUTE + 1000, FROM_AGENT);
    world_message(b, "m2", T0 - MINUTE + 1000, FROM_AGENT);
    world_submit(w, a);
    world_submit(w, b);
    world_run(w);
    assert_int_equal(b->verdicts[0], VERDICT_DUPLICATE);
    assert_int_equal(world_answered(w), 1);
    world_again(w);
    assert_int_equal(world_answered(w), 1);
    batch_free(a);
    batch_free(b);
}

static void a_conflict_is_rejected_and_kept_in_quarantine(void **state)
{
    struct world *w = *state;
    world_ask_and_answer(w);
    for (int i = 0; i < 2; i++) { /* sent twice, kept once */
        struct batch *b = world_batch(w);
        world_message(b, "m1", T0 - MINUTE + 1, FROM_CUSTOMER);
        world_message(b, i ? "m4" : "m3", T0, FROM_CUSTOMER);
        world_submit(w, b);
        world_run(w);
        assert_int_equal(b->verdicts[0], VERDICT_REJECTED);
        assert_int_equal(b->verdicts[1], VERDICT_ACCEPTED);
        assert_int_equal(b->refusals_n, 1);
        assert_int_equal(b->refusals[0].index, 0);
        assert_int_equal(b->refusals[0].kind, REFUSAL_CONFLICT);
        batch_free(b);
    }
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
    world_again(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
    assert_true(str_eq(quarantine_at(pipeline_quarantine(w->p), 0)->id, STR_LIT("m1")));
}

static void a_conflict_with_what_is_under_way_is_found_at_the_fold(void **state)
{
    struct world *w = *state;
    struct batch *a = world_batch(w), *b = world_batch(w);
    world_message(a, "m1", T0, FROM_CUSTOMER);
    world_message(b, "m0", T0, FROM_CUSTOMER);
    world_message(b, "m1", T0 + 1, FROM_CUSTOMER);
    world_submit(w, a);
    world_submit(w, b);
    world_run(w);
    assert_int_equal(a->verdicts[0], VERDICT_ACCEPTED);
    assert_int_equal(b->verdicts[1], VERDICT_REJECTED);
    assert_int_equal(b->refusals[0].index, 1);
    batch_free(a);
    batch_free(b);
    world_again(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
}

static void where_the_first_wins_another_content_is_a_duplicate(void **state)
{
    struct world *w = *state;
    struct batch *a = world_batch(w), *b = world_batch(w), *c = world_batch(w);
    world_message(a, "m1", T0 + 20, FROM_CUSTOMER);
    world_message(b, "m1", T0, FROM_CUSTOMER); /* the same, told in whole seconds */
    world_message(c, "m1", T0, FROM_CUSTOMER);
    b->first_wins = c->first_wins = true;
    world_submit(w, a);
    world_submit(w, b); /* found at the fold */
    world_run(w);
    world_submit(w, c); /* found before */
    world_run(w);
    assert_int_equal(a->verdicts[0], VERDICT_ACCEPTED);
    assert_int_equal(b->verdicts[0], VERDICT_DUPLICATE);
    assert_int_equal(c->verdicts[0], VERDICT_DUPLICATE);
    assert_int_equal(b->refusals_n + c->refusals_n, 0);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 0);
    batch_free(a);
    batch_free(b);
    batch_free(c);
}

static struct refusal *refuse(struct batch *b, const char *id, const char *reason)
{
    struct refusal *r = batch_add_refusal(b);
    r->kind = REFUSAL_BAD;
    r->input_bytes = 10;
    r->id = arena_copy(&b->arena, str_of(id));
    r->reason = arena_copy(&b->arena, str_of(reason));
    b->inputs_n++;
    return r;
}

static void the_good_count_when_others_are_refused(void **state)
{
    struct world *w = *state;
    struct batch *b = world_batch(w);
    world_message(b, "m1", T0 - MINUTE, FROM_CUSTOMER);
    refuse(b, "x", "ts: missing");
    world_message(b, "m2", T0, FROM_AGENT);
    world_submit(w, b);
    world_run(w);
    assert_int_equal(b->verdicts[0], VERDICT_ACCEPTED);
    assert_int_equal(b->verdicts[1], VERDICT_ACCEPTED);
    assert_int_equal(b->refusals[0].index, 1);
    batch_free(b);
    world_again(w);
    assert_int_equal(world_answered(w), 1);
    assert_true(str_eq(quarantine_at(pipeline_quarantine(w->p), 0)->reason, STR_LIT("ts: missing")));
}

static void refuse_future(struct world *w, const char *id, int64_t ts)
{
    struct batch *b = world_batch(w);
    struct event *e = arena_alloc(&b->arena, sizeof(*e));
    struct refusal *r = refuse(b, id, "ts: too far ahead");
    *e = (struct event){.type = EVENT_MESSAGE,
                        .how = FROM_CUSTOMER,
                        .source = STR_LIT("default"),
                        .id = r->id,
                        .subject = STR_LIT("c1"),
                        .ts = ts};
    r->kind = REFUSAL_FUTURE;
    r->event = e;
    world_submit(w, b);
    world_run(w);
    batch_free(b);
}

static void what_came_from_the_future_comes_in_by_itself(void **state)
{
    struct world *w = *state;
    refuse_future(w, "f1", T0 + 30 * MINUTE);
    world_again(w); /* and a restart does not forget it */
    world_run(w);
    assert_int_equal(store_last_seq(w->store), 0);
    int64_t wait_ms = pipeline_turn(w->p);
    assert_in_range(wait_ms, 1, 60000);
    w->now_ms = T0 + 25 * MINUTE - 1;
    world_run(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
    w->now_ms = T0 + 25 * MINUTE;
    world_run(w);
    assert_int_equal(store_last_seq(w->store), 1);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 0);
    world_again(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 0);
}

static void over_the_bound_the_oldest_bad_goes_first(void **state)
{
    struct world *w = *state;
    refuse_future(w, "f1", T0 + 300 * MINUTE);
    struct batch *b = world_batch(w);
    for (int i = 0; i < 12; i++) {
        char id[32];
        snprintf(id, sizeof(id), "b%d", i);
        refuse(b, id, "bad");
    }
    world_submit(w, b);
    world_run(w);
    batch_free(b);
    world_again(w);
    const struct quarantine *q = pipeline_quarantine(w->p);
    assert_int_equal(quarantine_n(q), 10);
    assert_true(str_eq(quarantine_at(q, 0)->id, STR_LIT("f1")));
    assert_true(str_eq(quarantine_at(q, 1)->id, STR_LIT("b3")));
    assert_true(str_eq(quarantine_at(q, 9)->id, STR_LIT("b11")));
}

/* Both of a pair come in one batch, so that the conflict is found only at the fold. */
static void conflicts_found_late_keep_to_the_bound_too(void **state)
{
    struct world *w = *state;
    struct batch *b = world_batch(w);
    for (int i = 0; i < 30; i++) {
        char id[32];
        snprintf(id, sizeof(id), "m%d", i / 2);
        world_message(b, id, T0 + i, FROM_CUSTOMER);
    }
    world_submit(w, b);
    world_run(w);
    assert_int_equal(b->refusals_n, 15);
    batch_free(b);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 10);
    world_again(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 10);
    assert_true(str_eq(quarantine_at(pipeline_quarantine(w->p), 0)->id, STR_LIT("m5")));
}

static void a_smaller_bound_holds_from_the_next_start(void **state)
{
    struct world *w = *state;
    struct batch *b = world_batch(w);
    refuse(b, "a", "bad");
    refuse(b, "b", "bad");
    refuse(b, "c", "bad");
    world_submit(w, b);
    world_run(w);
    batch_free(b);
    w->quarantine_max = 1;
    world_again(w);
    world_run(w);
    w->quarantine_max = 10;
    world_again(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
    assert_true(str_eq(quarantine_at(pipeline_quarantine(w->p), 0)->id, STR_LIT("c")));
}

static void a_conflict_tried_again_is_rejected_again(void **state)
{
    struct world *w = *state;
    struct err e;
    world_ask_and_answer(w);
    struct batch *b = world_batch(w);
    world_message(b, "m1", T0 - MINUTE + 1, FROM_CUSTOMER);
    world_submit(w, b);
    world_run(w);
    batch_free(b);
    uint64_t row = quarantine_at(pipeline_quarantine(w->p), 0)->row;
    size_t before_n = w->done_n;
    assert_int_equal(pipeline_retry(w->p, row, world_done_and_free, w, &e), 0);
    world_run(w);
    assert_int_equal(w->done_n, before_n + 1);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
    assert_int_equal(pipeline_retry(w->p, row + 1, world_done_and_free, w, &e), -1);
}

static void a_full_queue_takes_nothing_and_the_loop_lives_on(void **state)
{
    struct world *w = *state;
    struct ingest *in = pipeline_ingest(w->p);
    struct batch *b[3];
    world_run(w);
    for (int i = 0; i < 3; i++) {
        b[i] = world_batch(w);
        for (int k = 0; k < 50; k++) {
            char id[32];
            snprintf(id, sizeof(id), "m%d-%d", i, k);
            world_message(b[i], id, T0, FROM_CUSTOMER);
        }
    }
    world_submit(w, b[0]);
    world_submit(w, b[1]);
    assert_int_equal(in->submit(in, b[2]), -1);
    world_run(w);
    assert_int_equal(store_last_seq(w->store), 100);
    world_submit(w, b[2]);
    world_run(w);
    assert_int_equal(store_last_seq(w->store), 150);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(b[i]->result, BATCH_STORED);
        batch_free(b[i]);
    }
}

/* The same world on a disk that can be made full. */
static struct fault_plan *on_fragile_disk(struct world *w)
{
    struct fault_plan *plan = fault_plan_new((struct fault_plan){.ops = FAULT_WRITE});
    world_close(w);
    w->vfs = FAULT_VFS;
    world_open(w);
    world_run(w);
    return plan;
}

static void a_full_disk_gives_the_batch_back_as_it_came(void **state)
{
    struct world *w = *state;
    struct fault_plan *plan = on_fragile_disk(w);
    world_ask_and_answer(w);
    struct batch *b = world_batch(w);
    world_message(b, "m1", T0 - MINUTE + 1, FROM_CUSTOMER); /* a conflict */
    refuse(b, "x", "ts: missing");
    world_message(b, "m3", T0, FROM_CUSTOMER);
    log_set_level(0);
    plan->full = true;
    world_submit(w, b);
    world_run(w);
    log_set_level(LOG_LEVEL_INFO);
    assert_int_equal(b->result, BATCH_FULL);
    assert_int_equal(b->refusals_n, 1);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 0);
    assert_int_equal(store_last_seq(w->store), 2);
    plan->full = false;
    world_submit(w, b); /* the peer sends it again */
    world_run(w);
    assert_int_equal(b->result, BATCH_STORED);
    assert_int_equal(b->refusals_n, 2);
    assert_int_equal(b->verdicts[1], VERDICT_ACCEPTED);
    batch_free(b);
    world_again(w);
    assert_int_equal(store_last_seq(w->store), 3);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 2);
}

/* A minute of the test's clock, a request a second; waits go on turning into misses meanwhile. */
static void F5_a_minute_of_full_disk_costs_nothing_but_that_minute(void **state)
{
    struct world *w = *state;
    struct fault_plan *plan = on_fragile_disk(w);
    world_ask_and_answer(w);
    struct batch *b = world_batch(w);
    world_message(b, "m3", w->now_ms, FROM_CUSTOMER);
    int64_t began_ms = w->now_ms;
    log_set_level(0);
    plan->full = true;
    for (size_t n = w->done_n; w->now_ms < began_ms + MINUTE; w->now_ms += 1000) {
        world_submit(w, b);
        world_run(w);
        assert_int_equal(w->done_n, ++n);
        assert_int_equal(b->result, BATCH_FULL);
    }
    assert_int_equal(world_answered(w), 1);
    assert_true(site_as_of(w->site) > began_ms + MINUTE - 2000); /* time went on for the figures too */
    plan->full = false;
    log_set_level(LOG_LEVEL_INFO);
    world_submit(w, b); /* the first one after it */
    world_run(w);
    assert_int_equal(b->result, BATCH_STORED);
    assert_int_equal(store_last_seq(w->store), 3);
    batch_free(b);
}

static void a_row_that_comes_due_on_a_full_disk_is_tried_until_there_is_room(void **state)
{
    struct world *w = *state;
    struct fault_plan *plan = on_fragile_disk(w);
    refuse_future(w, "f1", T0 + 30 * MINUTE);
    log_set_level(0);
    plan->full = true;
    w->now_ms = T0 + 25 * MINUTE;
    world_run(w);
    log_set_level(LOG_LEVEL_INFO);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
    assert_int_equal(store_last_seq(w->store), 0);
    plan->full = false;
    w->now_ms += 1000;
    world_run(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 0);
    assert_int_equal(store_last_seq(w->store), 1);
}

static void a_closed_pipeline_finishes_what_it_took(void **state)
{
    struct world *w = *state;
    struct ingest *in = pipeline_ingest(w->p);
    struct batch *a = world_batch(w), *b = world_batch(w);
    world_message(a, "m1", T0, FROM_CUSTOMER);
    world_message(b, "m2", T0, FROM_CUSTOMER);
    world_submit(w, a);
    pipeline_close(w->p);
    assert_int_equal(in->submit(in, b), -1);
    pipeline_finish(w->p);
    assert_int_equal(a->result, BATCH_STORED);
    assert_int_equal(w->done_n, 1);
    batch_free(a);
    batch_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(an_event_is_folded_and_answered_only_when_durable),
        T(figures_are_shown_after_the_fold_and_again_after_a_restart),
        T(a_retry_is_a_duplicate_and_writes_nothing),
        T(a_duplicate_of_what_is_under_way_counts_once),
        T(a_conflict_is_rejected_and_kept_in_quarantine),
        T(a_conflict_with_what_is_under_way_is_found_at_the_fold),
        T(where_the_first_wins_another_content_is_a_duplicate),
        T(the_good_count_when_others_are_refused),
        T(what_came_from_the_future_comes_in_by_itself),
        T(over_the_bound_the_oldest_bad_goes_first),
        T(conflicts_found_late_keep_to_the_bound_too),
        T(a_smaller_bound_holds_from_the_next_start),
        T(a_conflict_tried_again_is_rejected_again),
        T(a_full_queue_takes_nothing_and_the_loop_lives_on),
        T(a_full_disk_gives_the_batch_back_as_it_came),
        T(F5_a_minute_of_full_disk_costs_nothing_but_that_minute),
        T(a_row_that_comes_due_on_a_full_disk_is_tried_until_there_is_room),
        T(a_closed_pipeline_finishes_what_it_took),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
