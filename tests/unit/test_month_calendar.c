/* The calendar closes months by itself: when, in which order, once, and what it waits for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kefu/base/log.h"
#include "kefu/daemon/month_hold.h"
#include "kefu/daemon/months.h"
#include "support_months.h"

static void the_calendar_closes_when_due_and_once_whatever_the_clock_does(void **state)
{
    struct desk_of_months *d = *state;
    size_t n;
    int64_t due_ms = tz_at(d->w->tz, civil_month_first(FEB + 1), 0) + 3 * DAY;
    static const int64_t jumps_h[] = {-2, 2, -2, 2, 0, -2, 2};
    months_free(d->m);
    d->close_days = 3;
    open_months(d);
    d->w->now_ms = due_ms - 1;
    world_run_for(d->w, 0);
    months_turn(d->m);
    world_run(d->w);
    assert_null(months_closing(d->m, FEB));
    for (size_t i = 0; i < sizeof jumps_h / sizeof *jumps_h; i++) {
        d->w->now_ms = due_ms + 10000 + jumps_h[i] * 3600000;
        months_turn(d->m);
        world_run(d->w);
    }
    (void)months_entries(d->m, &n);
    assert_int_equal(n, 1);
    assert_true(str_eq(months_closing(d->m, FEB)->actor, STR_LIT("calendar")));
    reopen_month(d, FEB, "a person wants to look");
    d->w->now_ms += 5 * DAY;
    months_turn(d->m);
    world_run(d->w);
    assert_null(months_closing(d->m, FEB)); /* who opened it closes it */
}

static void the_calendar_begins_with_the_first_month_that_has_figures(void **state)
{
    struct desk_of_months *d = *state;
    months_free(d->m);
    d->close_days = 3;
    open_months(d);
    d->w->now_ms = T0 + 64 * DAY; /* it was off while March went by, and is on again in April */
    world_run_for(d->w, 0);
    for (int i = 0; i < 2; i++) {
        assert_null(months_closing(d->m, FEB + i));
        months_turn(d->m);
        world_run(d->w);
        assert_non_null(months_closing(d->m, FEB + i));
        d->w->now_ms += 2 * 3600000;
    }
    months_turn(d->m);
    world_run(d->w);
    assert_null(months_closing(d->m, FEB + 2));
}

static void on_whole(void *arg)
{
    *(bool *)arg = true;
}

static void bring(struct desk_of_months *d, const char *id, int64_t ts)
{
    struct batch *b = world_batch(d->w);
    say(b, "bob", id, ts);
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
}

static bool is_held(struct desk_of_months *d, int32_t month, enum hold_why why)
{
    struct month_hold list[MONTH_HOLDS_MAX];
    size_t n = month_holds(d->m, month, list);
    bool is = false;
    for (size_t i = 0; i < n; i++)
        is |= list[i].why == why;
    return is;
}

static bool calendar_closes(struct desk_of_months *d, int32_t month)
{
    months_turn(d->m);
    world_run(d->w);
    d->w->now_ms += 2 * 3600000; /* it looks again after an hour */
    return months_closing(d->m, month);
}

/* February is told in March, a day of it a day, and a pause comes in the middle. */
static void the_calendar_waits_while_a_month_is_still_coming_in(void **state)
{
    struct desk_of_months *d = *state;
    months_free(d->m);
    d->close_days = 3;
    open_months(d);
    d->w->now_ms = T0 + 45 * DAY;
    bring(d, "i1", T0 + 10 * DAY);
    assert_true(is_held(d, FEB, HOLD_LATE_INPUT));
    assert_false(calendar_closes(d, FEB));
    d->w->now_ms += 2 * DAY; /* the source was heard two days ago, and has come to 12 February */
    assert_false(is_held(d, FEB, HOLD_LATE_INPUT));
    assert_true(is_held(d, FEB, HOLD_SILENT_SOURCE));
    assert_false(calendar_closes(d, FEB));
    bring(d, "i2", T0 + 30 * DAY); /* it has gone on to March */
    assert_false(is_held(d, FEB, HOLD_SILENT_SOURCE));
    assert_true(calendar_closes(d, FEB));
    assert_int_equal(months_closing(d->m, FEB)->rows_n, 2);
}

static void a_source_that_is_gone_is_not_waited_for_for_ever(void **state)
{
    struct desk_of_months *d = *state;
    months_free(d->m);
    d->close_days = 3;
    open_months(d);
    d->w->now_ms = tz_at(d->w->tz, civil_month_first(FEB + 1), 0) - DAY;
    bring(d, "g1", d->w->now_ms - MINUTE);
    d->w->now_ms += 4 * DAY;
    assert_false(calendar_closes(d, FEB));
    d->w->now_ms += 3 * DAY;
    assert_true(calendar_closes(d, FEB));
}

/* What is known of it outlives a restart, behind a checkpoint too; and a person may close all the same. */
static void what_holds_a_month_outlives_a_restart_and_a_person_decides(void **state)
{
    struct desk_of_months *d = *state;
    bool whole = false;
    close_world(d);
    d->w->shelved = true;
    d->close_days = 3;
    open_world(d);
    d->w->now_ms = T0 + 45 * DAY;
    bring(d, "i1", T0 + 10 * DAY);
    checkpoint_want(pipeline_checkpoint(d->w->p), on_whole, &whole);
    for (int i = 0; !whole && i < 1000; i++)
        world_run(d->w);
    assert_true(whole);
    close_world(d);
    d->w->now_ms += 20 * 3600000; /* what is replayed counts as taken at the start; this is not */
    open_world(d);
    assert_true(is_held(d, FEB, HOLD_LATE_INPUT));
    d->w->now_ms += 5 * 3600000;
    assert_false(is_held(d, FEB, HOLD_LATE_INPUT));
    assert_true(is_held(d, FEB, HOLD_SILENT_SOURCE));
    assert_false(calendar_closes(d, FEB));
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_false(is_held(d, FEB, HOLD_SILENT_SOURCE));
}

static size_t unread_n;

static size_t tell_unread(void *arg, int64_t until_ms, struct str *names, size_t max)
{
    assert_true(max > 0);
    assert_int_equal(until_ms, *(int64_t *)arg);
    names[0] = STR_LIT("chat");
    return unread_n;
}

static void the_calendar_waits_for_ways_that_were_not_read_since(void **state)
{
    struct desk_of_months *d = *state;
    int64_t ends_ms = tz_at(d->w->tz, civil_month_first(FEB + 1), 0);
    months_free(d->m);
    d->close_days = 3;
    d->unread = tell_unread;
    d->unread_arg = &ends_ms;
    open_months(d);
    unread_n = 1;
    d->w->now_ms = T0 + 40 * DAY;
    assert_true(is_held(d, FEB, HOLD_UNREAD_WAY));
    assert_false(calendar_closes(d, FEB));
    unread_n = 0;
    assert_true(calendar_closes(d, FEB));
}

/* A store that is new: what will be loaded of the months before is not late. */
static void the_calendar_closes_no_month_before_there_is_anything(void **state)
{
    struct err why;
    size_t n;
    void *at = NULL;
    (void)state;
    world_setup(&at);
    struct world *w = at;
    struct months *m = months_new(&(struct months_options){.pipeline = w->p,
                                                           .site = w->site,
                                                           .store = w->store,
                                                           .rulebooks = &w->rulebooks,
                                                           .tz = w->tz,
                                                           .close_days = 3},
                                  &why);
    w->now_ms = T0 + 10 * DAY;
    months_turn(m);
    world_run(w);
    (void)months_entries(m, &n);
    assert_int_equal(n, 0);
    months_free(m);
    world_teardown(&at);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, months_setup, months_teardown)
    const struct CMUnitTest tests[] = {
        T(the_calendar_closes_when_due_and_once_whatever_the_clock_does),
        T(the_calendar_begins_with_the_first_month_that_has_figures),
        T(the_calendar_waits_while_a_month_is_still_coming_in),
        T(a_source_that_is_gone_is_not_waited_for_for_ever),
        T(what_holds_a_month_outlives_a_restart_and_a_person_decides),
        T(the_calendar_waits_for_ways_that_were_not_read_since),
        cmocka_unit_test(the_calendar_closes_no_month_before_there_is_anything),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
