/* What comes after a month is closed: adjustments with their evidence, and proposals about people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "kefu/base/log.h"
#include "kefu/daemon/month_adjust.h"
#include "kefu/daemon/month_propose.h"
#include "support_months.h"

/* Evidence goes to the disk. */
static void settle(struct desk_of_months *d)
{
    months_turn(d->m);
    world_run(d->w);
}

/* An answer of amy's in February, told in March, and a refusal of ours to change what is closed. */
static void tell_late(struct desk_of_months *d, const char *id)
{
    struct batch *b = world_batch(d->w);
    say(b, "amy", id, T0 + 5000);
    world_submit(d->w, b);
    world_run(d->w);
    settle(d);
    batch_free(b);
}

static enum month_outcome decide(struct desk_of_months *d, const char *agent, bool accept)
{
    struct month_act act = act_of(d, FEB, "seen");
    settle(d);
    act.agent = str_of(agent);
    act.accept = accept;
    see(d, &act);
    enum month_outcome out = months_adjust(d->m, &act, &d->e);
    world_run(d->w);
    d->w->now_ms += 1000;
    return out;
}

static size_t differences_n(struct desk_of_months *d)
{
    struct month_differences all;
    assert_int_equal(month_differences(d->m, FEB, &all, &d->e), 0);
    size_t n = all.n;
    month_differences_free(&all);
    return n;
}

static void what_comes_late_is_an_adjustment_with_its_evidence(void **state)
{
    struct desk_of_months *d = *state;
    struct month_differences all;
    d->w->now_ms = T0 + 40 * DAY;
    close_month(d, FEB);
    assert_int_equal(differences_n(d), 0);
    d->w->now_ms += 1000;
    tell_late(d, "m5");
    assert_int_equal(month_differences(d->m, FEB, &all, &d->e), 0);
    assert_int_equal(all.n, 1);
    assert_int_equal(all.list[0].paid.figures.answered, 1);
    assert_int_equal(all.list[0].now.figures.answered, 2);
    assert_int_equal(all.list[0].evidence.all_n, 1);
    assert_true(str_eq(all.list[0].evidence.words[0], STR_LIT("\"conversation\",\"cm5\"")));
    month_differences_free(&all);
    close_world(d); /* the evidence outlives a restart */
    open_world(d);
    assert_int_equal(month_differences(d->m, FEB, &all, &d->e), 0);
    assert_int_equal(all.list[0].evidence.all_n, 1);
    month_differences_free(&all);
}

static void an_adjustment_is_decided_once_and_the_closed_row_stays(void **state)
{
    struct desk_of_months *d = *state;
    struct month_rows all;
    d->w->now_ms = T0 + 40 * DAY;
    close_month(d, FEB);
    int64_t closing = months_closing(d->m, FEB)->number;
    d->w->now_ms += 1000;
    tell_late(d, "m5");
    assert_int_equal(decide(d, "bob", true), MONTH_REFUSED);
    assert_int_equal(decide(d, "amy", true), MONTH_UNDER_WAY);
    assert_int_equal(decide(d, "amy", true), MONTH_REFUSED);
    assert_int_equal(differences_n(d), 0);
    assert_int_equal(months_entry_rows(d->m, closing, &all, &d->e), 0);
    assert_int_equal(all.list[0].figures.answered, 1);
    month_rows_fini(&all);
    assert_int_equal(months_rows_now(d->m, FEB, &all, &d->e), 0);
    assert_int_equal(all.list[0].figures.answered, 2);
    month_rows_fini(&all);
    tell_late(d, "m6");
    assert_int_equal(decide(d, "amy", false), MONTH_UNDER_WAY);
    assert_int_equal(differences_n(d), 0); /* rejected: not asked again … */
    assert_int_equal(months_rows_now(d->m, FEB, &all, &d->e), 0);
    assert_int_equal(all.list[0].figures.answered, 2);
    month_rows_fini(&all);
    tell_late(d, "m7");
    assert_int_equal(differences_n(d), 1); /* … until more comes */
    assert_int_equal(reopen_month(d, FEB, "no"), MONTH_REFUSED);
    assert_non_null(strstr(d->e.what, "adjustments of it were accepted"));
}

static void a_difference_that_is_another_one_by_now_is_not_decided(void **state)
{
    struct desk_of_months *d = *state;
    struct month_act act = act_of(d, FEB, "seen");
    d->w->now_ms = T0 + 40 * DAY;
    close_month(d, FEB);
    d->w->now_ms += 1000;
    tell_late(d, "m5");
    act.agent = STR_LIT("amy");
    act.accept = true;
    assert_int_equal(months_adjust(d->m, &act, &d->e), MONTH_REFUSED);
    assert_non_null(strstr(d->e.what, "expected the difference"));
    see(d, &act);
    act.seen_fen += 1;
    assert_int_equal(months_adjust(d->m, &act, &d->e), MONTH_REFUSED);
    assert_string_equal(d->e.code, "moved");
    act.seen_fen -= 1;
    assert_int_equal(months_adjust(d->m, &act, &d->e), MONTH_UNDER_WAY);
    world_run(d->w);
}

static void a_month_without_changes_leaves_no_evidence(void **state)
{
    struct desk_of_months *d = *state;
    d->w->now_ms = T0 + 40 * DAY;
    close_month(d, FEB);
    struct batch *b = world_batch(d->w); /* a late event that changes no figure of February's */
    struct event *q = world_add(b, EVENT_REOPENED, "o1", T0 + 41 * DAY);
    q->subject = STR_LIT("cm1");
    d->w->now_ms = T0 + 41 * DAY;
    world_submit(d->w, b);
    world_run(d->w);
    assert_int_equal(differences_n(d), 0);
    batch_free(b);
}

/* amy answers ten customers, each too late: her month is unqualified. */
static void live_badly(struct desk_of_months *d, int month, const char *prefix)
{
    struct batch *b = world_batch(d->w);
    int64_t at_ms = tz_at(d->w->tz, civil_month_first(month), 600);
    for (int i = 0; i < 10; i++) {
        char id[40];
        snprintf(id, sizeof id, "%s%d", prefix, i);
        say(b, "amy", arena_copy(&b->arena, str_of(id)).p, at_ms + i * MINUTE);
    }
    for (size_t i = 0; i < b->events_n; i++) /* slow to answer, slow to resolve */
        if (b->events[i].how == FROM_AGENT || b->events[i].how == BY_AGENT)
            b->events[i].ts += (b->events[i].how == FROM_AGENT ? 5 : 30) * MINUTE;
    d->w->now_ms = tz_at(d->w->tz, civil_month_first(month + 1), 0) + 5 * DAY;
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
}

static enum month_outcome propose(struct desk_of_months *d, int32_t month, const char *what, bool accept)
{
    struct month_act act = act_of(d, month, "seen");
    act.agent = STR_LIT("amy");
    act.proposal = str_of(what);
    act.accept = accept;
    enum month_outcome out = months_propose(d->m, &act, &d->e);
    world_run(d->w);
    return out;
}

static void what_hurts_a_person_waits_for_the_days_of_appeal_and_a_name(void **state)
{
    struct desk_of_months *d = *state;
    struct buf out = {0};
    live_badly(d, FEB, "f");
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(propose(d, FEB, "transfer_suggested", true), MONTH_REFUSED); /* one month is not two */
    assert_int_equal(propose(d, FEB, "training_required", true), MONTH_REFUSED);
    assert_non_null(strstr(d->e.what, "days of appeal"));
    d->w->now_ms += 3 * DAY;
    assert_int_equal(propose(d, FEB, "training_required", true), MONTH_UNDER_WAY);
    assert_int_equal(propose(d, FEB, "training_required", false), MONTH_REFUSED); /* decided once */
    live_badly(d, FEB + 1, "z");
    assert_int_equal(close_month(d, FEB + 1), MONTH_UNDER_WAY);
    assert_int_equal(propose(d, FEB + 1, "transfer_suggested", false), MONTH_UNDER_WAY); /* dropping it need not wait */
    assert_int_equal(month_print_proposals(&out, d->m, FEB + 1, NULL, &d->e), 0);
    buf_put_byte(&out, 0);
    assert_non_null(strstr(out.p, "\"proposal\":\"transfer_suggested\",\"months\":2"));
    assert_non_null(strstr(out.p, "\"state\":\"rejected\",\"decided_by\":\"li\""));
    buf_fini(&out);
}

static bool proposes(struct desk_of_months *d, int32_t month, const char *what)
{
    struct buf out = {0};
    assert_int_equal(month_print_proposals(&out, d->m, month, NULL, &d->e), 0);
    buf_put_byte(&out, 0);
    bool is = strstr(out.p, what) != NULL;
    buf_fini(&out);
    return is;
}

/* What makes February good: all but the very slow answers were those of somebody else. */
static void live_better(struct desk_of_months *d)
{
    struct batch *b = world_batch(d->w);
    int64_t at_ms = tz_at(d->w->tz, civil_month_first(FEB), 900);
    for (int i = 0; i < 300; i++) {
        char id[40];
        snprintf(id, sizeof id, "better%d", i);
        say(b, "amy", arena_copy(&b->arena, str_of(id)).p, at_ms + i * MINUTE);
    }
    world_submit(d->w, b);
    world_run(d->w);
    settle(d);
    batch_free(b);
}

static enum month_outcome decide_of(struct desk_of_months *d, int32_t month, bool accept)
{
    struct month_act act = act_of(d, month, "seen");
    settle(d);
    act.agent = STR_LIT("amy");
    act.accept = accept;
    see(d, &act);
    enum month_outcome out = months_adjust(d->m, &act, &d->e);
    world_run(d->w);
    d->w->now_ms += 1000;
    return out;
}

static void an_adjusted_month_changes_what_months_in_a_row_brought_after_it(void **state)
{
    struct desk_of_months *d = *state;
    live_badly(d, FEB, "f");
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    live_badly(d, FEB + 1, "z");
    assert_int_equal(close_month(d, FEB + 1), MONTH_UNDER_WAY);
    assert_true(proposes(d, FEB + 1, "transfer_suggested"));
    d->w->now_ms += 1000;
    live_better(d);
    assert_int_equal(decide_of(d, FEB, true), MONTH_UNDER_WAY);
    assert_int_equal(decide_of(d, FEB + 1, true), MONTH_UNDER_WAY); /* March alone is not two months */
    assert_false(proposes(d, FEB + 1, "transfer_suggested"));
    assert_true(proposes(d, FEB + 1, "training_required"));
}

static void the_days_of_appeal_begin_with_the_adjustment_that_brought_it(void **state)
{
    struct desk_of_months *d = *state;
    d->w->now_ms = T0 + 28 * DAY;
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    live_badly(d, FEB, "f"); /* told so late that the days after the closing are over */
    assert_int_equal(decide_of(d, FEB, true), MONTH_UNDER_WAY);
    assert_true(proposes(d, FEB, "training_required"));
    assert_int_equal(propose(d, FEB, "training_required", true), MONTH_REFUSED);
    assert_non_null(strstr(d->e.what, "days of appeal"));
    d->w->now_ms += 3 * DAY;
    assert_int_equal(propose(d, FEB, "training_required", true), MONTH_UNDER_WAY);
}

static void order(struct desk_of_months *d, const char *id, enum event_how state)
{
    struct batch *b = world_batch(d->w);
    struct event *o = world_add(b, EVENT_ORDER, id, T0 + 3 * DAY);
    o->subject = STR_LIT("o1");
    o->how = state;
    o->flags = EVENT_CROSS;
    o->amount_fen = 990;
    o->strs[EVENT_AGENT] = STR_LIT("cai");
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
}

static void whose_last_figure_was_taken_back_is_an_adjustment_too(void **state)
{
    struct desk_of_months *d = *state;
    struct month_differences all;
    d->w->now_ms = T0 + 40 * DAY;
    order(d, "paid", ORDER_PAID); /* cai left in January */
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(months_closing(d->m, FEB)->rows_n, 3);
    assert_int_equal(differences_n(d), 0);
    d->w->now_ms += 1000;
    order(d, "refunded", ORDER_REFUNDED);
    assert_int_equal(month_differences(d->m, FEB, &all, &d->e), 0);
    assert_int_equal(all.n, 1);
    assert_true(str_eq(all.list[0].now.agent, STR_LIT("cai")));
    assert_int_equal(all.list[0].paid.figures.cross, 1);
    assert_int_equal(all.list[0].now.figures.cross, 0);
    month_differences_free(&all);
    assert_int_equal(decide(d, "cai", true), MONTH_UNDER_WAY);
    assert_int_equal(differences_n(d), 0);
}

static void a_month_without_figures_is_closed_in_its_turn_and_may_get_some_later(void **state)
{
    struct desk_of_months *d = *state;
    struct month_differences all;
    d->w->now_ms = T0 + 80 * DAY; /* all of March has gone by without an event */
    close_month(d, FEB);
    struct month_act april = act_of(d, FEB + 2, "");
    d->w->now_ms = T0 + 120 * DAY;
    assert_int_equal(months_close(d->m, &april, &d->e), MONTH_REFUSED);
    assert_non_null(strstr(d->e.what, "2026-03 is next"));
    close_month(d, FEB + 1);
    struct batch *b = world_batch(d->w);
    say(b, "amy", "late", T0 + 40 * DAY);
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
    assert_int_equal(month_differences(d->m, FEB + 1, &all, &d->e), 0);
    assert_int_equal(all.n, 1);
    assert_int_equal(all.list[0].now.figures.answered, 1);
    month_differences_free(&all);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, months_setup, months_teardown)
    const struct CMUnitTest tests[] = {
        T(what_comes_late_is_an_adjustment_with_its_evidence),
        T(a_difference_that_is_another_one_by_now_is_not_decided),
        T(a_difference_that_is_another_one_by_now_is_not_decided),
        T(an_adjustment_is_decided_once_and_the_closed_row_stays),
        T(a_month_without_changes_leaves_no_evidence),
        T(what_hurts_a_person_waits_for_the_days_of_appeal_and_a_name),
        T(an_adjusted_month_changes_what_months_in_a_row_brought_after_it),
        T(the_days_of_appeal_begin_with_the_adjustment_that_brought_it),
        T(whose_last_figure_was_taken_back_is_an_adjustment_too),
        T(a_month_without_figures_is_closed_in_its_turn_and_may_get_some_later),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
