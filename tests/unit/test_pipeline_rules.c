/* What follows from events, through the pipeline: live tiers, effects, months, deadlines. No Redis: what goes out is written
 * down and looked at. */
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

/* A day's work that rates: enough handled, all in time, well rated, five cross-sales. */
static void good_work(struct world *w, int handled_n)
{
    for (int i = 0; i < handled_n; i++) {
        struct batch *b = world_batch(w);
        char subject[32], id[32];
        int64_t at = T0 - 120 * MINUTE + i * MINUTE;
        snprintf(subject, sizeof(subject), "k%d", i);
        world_message(b, (snprintf(id, sizeof(id), "q%d", i), id), at, FROM_CUSTOMER);
        world_message(b, (snprintf(id, sizeof(id), "a%d", i), id), at + 5000, FROM_AGENT);
        world_add(b, EVENT_RESOLVED, (snprintf(id, sizeof(id), "r%d", i), id), at + 9000)->how = BY_AGENT;
        struct event *rating = world_add(b, EVENT_RATING, (snprintf(id, sizeof(id), "s%d", i), id), at + 10000);
        rating->score_milli = 5000;
        rating->scale = 5;
        for (size_t k = 0; k < b->events_n; k++) {
            b->events[k].subject = arena_copy(&b->arena, str_of(subject));
        }
        struct event *order = world_add(b, EVENT_ORDER, (snprintf(id, sizeof(id), "o%d", i), id), at + 11000);
        order->subject = arena_copy(&b->arena, str_of(id));
        order->how = ORDER_PAID;
        order->flags = EVENT_CROSS;
        order->amount_fen = 100;
        order->strs[EVENT_AGENT] = STR_LIT("amy");
        world_submit(w, b);
        world_run(w);
        batch_free(b);
    }
}

static void a_firm_tier_is_told_once_and_survives_a_crash(void **state)
{
    struct world *w = *state;
    good_work(w, 12);
    assert_false(world_last_seen(w)->provisional);
    assert_string_equal(world_last_seen(w)->tier, "excellent");
    assert_int_equal(w->effects_n, 1);
    assert_non_null(strstr(w->effect_text[0], "agent=amy period=2026-02 to=excellent score=100.00 at="));
    assert_non_null(strstr(w->effect_text[0], "rulebook=seed"));
    uint64_t number = w->effects[0];
    world_again(w); /* Redis never said it has it: asked, it goes out again, under the same number */
    pipeline_resend(w->p, &(struct outbox_from){STR_LIT("tiers"), INT64_MAX, 0});
    world_run(w);
    assert_int_equal(w->effects_n, 1);
    assert_int_equal(w->effects[0], number);
    assert_int_equal(pipeline_backlog(w->p), 1);
    pipeline_sent(w->p, number);
    world_run(w);
    world_again(w);
    pipeline_resend(w->p, &(struct outbox_from){STR_LIT("tiers"), INT64_MAX, 0});
    world_run(w);
    assert_int_equal(w->effects_n, 0);
    pipeline_resend(w->p, &(struct outbox_from){STR_LIT("tiers"), 0, 0}); /* a Redis that was flushed asks for all */
    assert_int_equal(w->effects_n, 1);
    assert_string_equal(world_last_seen(w)->tier, "excellent");
}

/* The events have got to the disk; now it is full, before the rules look. */
static void done_and_full(struct batch *b)
{
    ((struct fault_plan *)b->owner)->full = true;
}

static void a_tier_change_on_a_full_disk_is_told_when_there_is_room(void **state)
{
    struct world *w = *state;
    struct fault_plan *plan = fault_plan_new((struct fault_plan){.ops = FAULT_WRITE});
    world_close(w);
    w->vfs = FAULT_VFS;
    world_open(w);
    world_run(w);
    good_work(w, 9); /* the tenth makes it firm */
    struct batch *b = batch_new(STR_LIT("test"), done_and_full, plan);
    world_message(b, "last-q", T0 - MINUTE, FROM_CUSTOMER)->subject = STR_LIT("last");
    world_message(b, "last-a", T0 - MINUTE + 5000, FROM_AGENT)->subject = STR_LIT("last");
    struct event *end = world_add(b, EVENT_RESOLVED, "last-r", T0 - MINUTE + 9000);
    end->subject = STR_LIT("last");
    end->how = BY_AGENT;
    world_submit(w, b);
    log_set_level(0);
    world_run_for(w, 500);
    assert_int_equal(b->result, BATCH_STORED);
    assert_int_equal(w->effects_n, 0);
    plan->full = false;
    world_run_for(w, 2000);
    log_set_level(LOG_LEVEL_INFO);
    assert_int_equal(w->effects_n, 1);
    assert_string_equal(world_last_seen(w)->tier, "excellent");
    batch_free(b);
}

static void a_new_month_shows_everybody_anew_without_a_tier_change(void **state)
{
    struct world *w = *state;
    good_work(w, 12);
    size_t effects_n = w->effects_n;
    int32_t march = civil_month(civil_day(2026, 3, 1));
    w->now_ms = tz_at(w->tz, civil_day(2026, 3, 1), 0) - 1;
    world_run(w);
    assert_int_equal(pipeline_turn(w->p), 1);
    w->now_ms++;
    w->seen_n = 0;
    world_run(w);
    assert_int_equal(pipeline_month(w->p), march);
    assert_string_equal(world_last_seen(w)->agent, "amy");
    assert_int_equal(world_last_seen(w)->month, march);
    assert_int_equal(world_last_seen(w)->answered, 0);
    assert_string_equal(world_last_seen(w)->tier, "");
    assert_true(world_last_seen(w)->provisional);
    assert_int_equal(w->effects_n, effects_n);
}

static void a_wait_becomes_a_miss_by_deadline_not_by_the_next_event(void **state)
{
    struct world *w = *state;
    struct batch *b = world_batch(w);
    world_add(b, EVENT_ASSIGNED, "a1", T0)->strs[EVENT_AGENT] = STR_LIT("amy");
    b->events[0].how = BY_SYSTEM;
    world_message(b, "m1", T0 + 1, FROM_CUSTOMER);
    world_submit(w, b);
    world_run(w);
    batch_free(b);
    uint32_t amy = site_agent_find(w->site, STR_LIT("amy"));
    w->now_ms = T0 + 30 * MINUTE;
    world_run(w);
    const struct figures *f = site_figures(w->site, amy, PERIOD_MONTH, pipeline_month(w->p));
    assert_non_null(f);
    assert_int_equal(f->missed, 1);
}

static void effects_rise_though_the_clock_goes_back(void **state)
{
    struct world *w = *state;
    good_work(w, 12);
    assert_int_equal(w->effects_n, 1);
    struct store_marks before, after;
    struct err e;
    pipeline_finish(w->p);
    assert_int_equal(store_marks(w->store, &before, &e), 0);
    world_close(w);
    w->now_ms -= 120 * MINUTE;
    world_open(w);
    world_run(w);
    pipeline_finish(w->p);
    assert_int_equal(store_marks(w->store, &after, &e), 0);
    assert_true(after.stream_ms >= before.stream_ms);
    assert_true(before.stream_ms >= T0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(a_firm_tier_is_told_once_and_survives_a_crash),
        T(a_tier_change_on_a_full_disk_is_told_when_there_is_room),
        T(a_new_month_shows_everybody_anew_without_a_tier_change),
        T(a_wait_becomes_a_miss_by_deadline_not_by_the_next_event),
        T(effects_rise_though_the_clock_goes_back),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
