/* Letting go of the evidence of closed months: what goes and when, that no figure moves by it, and what becomes of whatever comes
 * later for such a month. A real store, a real book, checkpoints, and a clock that only the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/month_adjust.h"
#include "kefu/daemon/month_keep.h"
#include "kefu/state/freeze.h"
#include "kefu/state/let_go.h"
#include "kefu/store/book.h"
#include "support_months.h"
#include "support_store.h"
#include "support_vfs.h"

#define MAR_1  (T0 + 27 * DAY) /* the afternoon of 2026-03-01 in Shanghai */
#define APR_10 (T0 + 67 * DAY)

static void open_keeping(struct desk_of_months *d, int64_t months)
{
    d->evidence_months = months;
    open_months(d);
}

static void again(struct desk_of_months *d)
{
    months_free(d->m);
    world_again(d->w);
    open_keeping(d, 24);
}

static void order(struct batch *b, const char *key, const char *id, int64_t ts, enum event_how state)
{
    struct event *o = world_add(b, EVENT_ORDER, id, ts);
    o->subject = str_of(key);
    o->how = state;
    o->flags = EVENT_CROSS;
    o->amount_fen = 1000;
    o->strs[EVENT_AGENT] = STR_LIT("amy");
}

static void status(struct batch *b, const char *id, int64_t ts, enum event_how how)
{
    struct event *s = world_add(b, EVENT_STATUS, id, ts);
    s->subject = STR_LIT("amy");
    s->how = how;
}

static void tell(struct desk_of_months *d, struct batch *b)
{
    world_submit(d->w, b);
    world_run(d->w);
    months_turn(d->m);
    world_run(d->w);
}

/* A February of an answer, an order and a conversation that goes on in March; and what March has of its own. */
static void live(struct desk_of_months *d)
{
    struct batch *b = world_batch(d->w);
    say(b, "amy", "f1", T0 + DAY);
    b->events[0].strs[EVENT_SHOP] = STR_LIT("north");
    order(b, "o1", "paid1", T0 + DAY, ORDER_PAID);
    status(b, "s1", T0 + DAY, STATUS_ONLINE);
    status(b, "s2", T0 + 2 * DAY, STATUS_AWAY);
    status(b, "s3", T0 + 3 * DAY, STATUS_BUSY);
    status(b, "s4", T0 + 4 * DAY, STATUS_ONLINE);
    status(b, "s5", T0 + 5 * DAY, STATUS_ONLINE);
    say(b, "amy", "over", T0 + 20 * DAY);
    world_message(b, "open", T0 + 21 * DAY, FROM_CUSTOMER)->subject = STR_LIT("never-answered");
    struct event *more = world_message(b, "over2", MAR_1, FROM_CUSTOMER);
    more->subject = STR_LIT("cover");
    more = world_message(b, "over3", MAR_1 + 5000, FROM_AGENT);
    more->subject = STR_LIT("cover");
    more->strs[EVENT_AGENT] = STR_LIT("amy");
    say(b, "amy", "march", MAR_1 + DAY);
    d->w->now_ms = MAR_1 + 2 * DAY;
    tell(d, b);
    batch_free(b);
}

static int setup(void **state)
{
    struct desk_of_months *d = xcalloc(1, sizeof *d);
    void *w = NULL;
    world_setup(&w);
    d->w = w;
    world_close(d->w);
    d->w->shelved = true;
    d->w->checkpoint = (struct checkpoint_options){.events_max = 1000, .every_ms = 1000};
    world_open(d->w);
    open_keeping(d, 24);
    *state = d;
    live(d);
    return 0;
}

static void on_whole(void *arg)
{
    *(bool *)arg = true;
}

/* A whole checkpoint, to its end. */
static void whole(struct desk_of_months *d)
{
    bool done = false;
    world_run(d->w);
    checkpoint_want(pipeline_checkpoint(d->w->p), on_whole, &done);
    for (int i = 0; !done && i < 100000; i++) {
        world_run(d->w);
        months_turn(d->m);
    }
    assert_true(done);
}

/* Lets time go by until then. */
static void pass(struct desk_of_months *d, int64_t to_ms)
{
    d->w->now_ms = to_ms;
    months_turn(d->m);
    whole(d);
}

static int64_t rows_n(struct desk_of_months *d, const char *sql)
{
    struct err e;
    struct db db = {0};
    char path[160];
    int64_t n = -1;
    snprintf(path, sizeof path, "%s/kefu.db", d->w->dir);
    assert_int_equal(db_open_read_only(&db, path, NULL, &e), 0);
    assert_int_equal(db_ask_int(&db, sql, &n, &e), 0);
    db_close(&db);
    return n;
}

static struct figures of_month(struct desk_of_months *d, int32_t month)
{
    static const struct figures none;
    const struct figures *f =
        site_figures(d->w->site, site_agent_find(d->w->site, STR_LIT("amy")), PERIOD_MONTH, month);
    return f ? *f : none;
}

/* Amy's conversations of February that were of a shop, and of none. */
static void assert_shops(struct desk_of_months *d, int64_t north, int64_t none)
{
    struct arena arena = {0};
    size_t n;
    uint32_t amy = site_agent_find(d->w->site, STR_LIT("amy"));
    const struct shop_handled *of = site_shops(d->w->site, amy, FEB, &arena, &n);
    assert_int_equal(n, 2);
    assert_true(str_eq(of[0].shop, STR_LIT("north")));
    assert_int_equal(of[0].handled, north);
    assert_int_equal(of[1].handled, none);
    arena_fini(&arena);
}

static void same(const struct figures *a, struct figures b)
{
    assert_memory_equal(a, &b, sizeof b);
}

#define CONVERSATIONS "SELECT count(*) FROM subject WHERE kind = 1"
#define OLD_DAYS      "SELECT count(*) FROM total WHERE kind IN (1, 3) AND period < 20513" /* 2026-03-01 */
#define YEARS_2       (731 * DAY)

/* Both months closed on April 10; February's evidence gone two years later. */
static void close_both(struct desk_of_months *d)
{
    d->w->now_ms = APR_10;
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(close_month(d, FEB + 1), MONTH_UNDER_WAY);
}

static void evidence_goes_when_its_time_has_come_and_nothing_else_moves(void **state)
{
    struct desk_of_months *d = *state;
    struct book_found found = {0};
    struct db db = {0};
    char path[160];
    d->w->now_ms = MAR_1 + 10 * DAY;
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    struct figures feb = of_month(d, FEB), mar = of_month(d, FEB + 1);
    assert_int_equal(feb.answered, 2);
    assert_int_equal(feb.missed, 0);
    assert_int_equal(feb.cross, 1);
    assert_shops(d, 1, 1);
    pass(d, MAR_1 + 10 * DAY + YEARS_2 - 2 * DAY);
    assert_int_equal(rows_n(d, CONVERSATIONS), 4);
    assert_true(rows_n(d, OLD_DAYS) > 0);
    feb = of_month(d, FEB); /* what waited for an answer was missed meanwhile */
    pass(d, MAR_1 + 10 * DAY + YEARS_2);
    assert_true(month_is_let_go(d->m, FEB));
    assert_false(month_is_let_go(d->m, FEB + 1));
    assert_int_equal(rows_n(d, CONVERSATIONS), 2); /* the one that goes over the border, and March's */
    assert_int_equal(rows_n(d, "SELECT count(*) FROM subject WHERE kind = 2"), 0);
    assert_int_equal(rows_n(d, OLD_DAYS), 0);
    assert_int_equal(site_in_memory_n(d->w->site), 1); /* March's rests */
    same(&feb, of_month(d, FEB));
    same(&mar, of_month(d, FEB + 1));
    assert_shops(d, 1, 1);
    again(d);
    assert_true(month_is_let_go(d->m, FEB));
    same(&feb, of_month(d, FEB));
    assert_shops(d, 1, 1);
    same(&mar, of_month(d, FEB + 1));
    snprintf(path, sizeof path, "%s/kefu.db", d->w->dir);
    assert_int_equal(book_look(&db, path, &d->e), 0);
    book_verify(&db, NULL, NULL, &found);
    assert_int_equal(found.damages_n, 0);
    assert_int_equal(found.entries_n, 1);
    book_close(&db);
}

static void a_month_that_is_not_closed_is_kept_and_all_behind_it(void **state)
{
    struct desk_of_months *d = *state;
    d->w->now_ms = APR_10;
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(reopen_month(d, FEB, "to be looked at"), MONTH_UNDER_WAY);
    pass(d, APR_10 + 10 * YEARS_2);
    assert_int_equal(site_kept_month(d->w->site), INT32_MIN);
    assert_int_equal(rows_n(d, CONVERSATIONS), 4);
}

/* February had figures before anybody closed months: it can be closed no more. */
static void what_was_before_the_first_closed_month_goes_with_it(void **state)
{
    struct desk_of_months *d = *state;
    d->w->now_ms = APR_10;
    assert_int_equal(close_month(d, FEB + 1), MONTH_UNDER_WAY);
    assert_int_equal(close_month(d, FEB), MONTH_REFUSED);
    struct figures feb = of_month(d, FEB), mar = of_month(d, FEB + 1);
    pass(d, APR_10 + YEARS_2 - 2 * DAY);
    assert_int_equal(site_kept_month(d->w->site), INT32_MIN);
    feb = of_month(d, FEB);
    pass(d, APR_10 + YEARS_2);
    assert_true(month_is_let_go(d->m, FEB) && month_is_let_go(d->m, FEB + 1));
    assert_int_equal(rows_n(d, OLD_DAYS), 0);
    same(&feb, of_month(d, FEB));
    same(&mar, of_month(d, FEB + 1));
}

static void an_option_of_0_keeps_all(void **state)
{
    struct desk_of_months *d = *state;
    close_both(d);
    months_free(d->m);
    open_keeping(d, 0);
    pass(d, APR_10 + 10 * YEARS_2);
    assert_int_equal(rows_n(d, CONVERSATIONS), 4);
}

/* Rows of the quarantine say why. */
static void assert_refused(struct desk_of_months *d, struct batch *b, size_t n)
{
    assert_int_equal(b->refusals_n, n);
    for (size_t i = 0; i < n; i++)
        assert_non_null(memmem(b->refusals[i].reason.p, b->refusals[i].reason.n, "let go of", 9));
    assert_int_equal(quarantine_n(pipeline_quarantine(d->w->p)), n);
}

static void what_comes_later_for_such_a_month_is_refused_and_counts_nowhere(void **state)
{
    struct desk_of_months *d = *state;
    close_both(d);
    pass(d, APR_10 + YEARS_2);
    struct figures feb = of_month(d, FEB), mar = of_month(d, FEB + 1);
    assert_true(month_is_let_go(d->m, FEB + 1));
    struct batch *b = world_batch(d->w);
    say(b, "amy", "f1", T0 + DAY);                                /* told before: who can know */
    world_message(b, "new", T0 + 2 * DAY, FROM_CUSTOMER);         /* never told */
    order(b, "o1", "paid1", T0 + DAY, ORDER_PAID);                /* told before */
    order(b, "o1", "paid-again", d->w->now_ms - DAY, ORDER_PAID); /* would be paid twice */
    order(b, "o1", "back", d->w->now_ms - DAY, ORDER_REFUNDED);   /* would take from what is paid */
    tell(d, b);
    assert_refused(d, b, 7);
    same(&feb, of_month(d, FEB));
    same(&mar, of_month(d, FEB + 1));
    assert_int_equal(of_month(d, FEB + 26).cross, 0);
    struct month_differences all;
    assert_int_equal(month_differences(d->m, FEB, &all, &d->e), 0);
    assert_int_equal(all.n, 0);
    month_differences_free(&all);
    batch_free(b);
}

static void a_conversation_that_goes_on_later_begins_anew(void **state)
{
    struct desk_of_months *d = *state;
    close_both(d);
    pass(d, APR_10 + YEARS_2);
    struct figures feb = of_month(d, FEB);
    int64_t at = d->w->now_ms - DAY;
    struct batch *b = world_batch(d->w);
    say(b, "amy", "later", at);
    for (size_t i = 0; i < 3; i++)
        b->events[i].subject = STR_LIT("cf1");
    tell(d, b);
    assert_int_equal(b->refusals_n, 0);
    same(&feb, of_month(d, FEB));
    int32_t month = civil_month(tz_day(d->w->tz, at));
    assert_int_equal(of_month(d, month).answered, 1);
    assert_int_equal(of_month(d, month).handled, 1);
    again(d);
    same(&feb, of_month(d, FEB));
    assert_int_equal(of_month(d, month).answered, 1);
    batch_free(b);
}

static void an_event_of_a_kept_month_does_not_move_what_is_let_go_of(void **state)
{
    struct desk_of_months *d = *state;
    d->w->now_ms = MAR_1 + 10 * DAY;
    close_month(d, FEB);
    pass(d, MAR_1 + 10 * DAY + YEARS_2);
    struct figures feb = of_month(d, FEB), mar = of_month(d, FEB + 1);
    struct batch *b = world_batch(d->w);
    struct event *r =
        world_add(b, EVENT_RATING, "rated", MAR_1 + 6000); /* runs the conversation again from February on */
    r->subject = STR_LIT("cover");
    r->score_milli = 5000;
    r->scale = 5;
    tell(d, b);
    assert_int_equal(b->refusals_n, 0);
    same(&feb, of_month(d, FEB));
    assert_int_equal(of_month(d, FEB + 1).rating_n, mar.rating_n + 1);
    batch_free(b);
}

static void counting_anew_brings_nothing_back_and_takes_nothing_away(void **state)
{
    struct desk_of_months *d = *state;
    d->w->now_ms = MAR_1 + 10 * DAY;
    close_month(d, FEB);
    pass(d, MAR_1 + 10 * DAY + YEARS_2);
    struct figures feb = of_month(d, FEB), mar = of_month(d, FEB + 1);
    struct rulebook *other = rulebook_read(STR_LIT("{\"name\": \"other\"}"), "other", d->w->seed, &d->e);
    assert_non_null(other);
    d->w->rulebooks.list[0] = other; /* the totals were made by another one: a start counts all again */
    again(d);
    same(&feb, of_month(d, FEB));
    assert_shops(d, 1, 1);
    same(&mar, of_month(d, FEB + 1));
    pass(d, d->w->now_ms + DAY); /* a flip writes all of it */
    again(d);
    same(&feb, of_month(d, FEB));
    assert_shops(d, 1, 1);
    same(&mar, of_month(d, FEB + 1));
    d->w->rulebooks.list[0] = d->w->seed;
    rulebook_free(other);
}

static size_t events_n;

static void count_event(void *arg, const struct event *e)
{
    (void)arg;
    (void)e;
    events_n++;
}

static void of_agents_what_is_now_stays(void **state)
{
    struct desk_of_months *d = *state;
    struct agent_now before, now;
    uint32_t amy = site_agent_find(d->w->site, STR_LIT("amy"));
    site_agent_now(d->w->site, amy, &before);
    close_both(d);
    pass(d, APR_10 + YEARS_2);
    whole(d); /* the shorter list lies in the next one */
    again(d);
    amy = site_agent_find(d->w->site, STR_LIT("amy"));
    site_agent_now(d->w->site, amy, &now);
    assert_int_equal(now.status, before.status);
    assert_int_equal(now.status_at, before.status_at);
    assert_int_equal(before.open_n, 1);
    assert_int_equal(now.open_n, 0);
    assert_int_equal(now.waiting_n, 0);
    site_agent_events(d->w->site, amy, count_event, NULL);
    assert_int_equal(events_n, 3); /* the first, the change to the last status, and what was before it */
    assert_int_equal(of_month(d, FEB).answered, 2);
}

/* --- a crash at any operation -------------------------------------------------------------------------------------- */

static void a_crash_at_any_moment_makes_no_difference(void **state)
{
    struct desk_of_months *d = *state;
    close_both(d);
    pass(d, APR_10 + YEARS_2 - 30 * DAY);
    struct figures feb = of_month(d, FEB), mar = of_month(d, FEB + 1);
    for (int turns = 0; turns < 36; turns++) { /* a start after so many steps of the way, again and again */
        d->w->now_ms = APR_10 + YEARS_2 + turns;
        months_turn(d->m);
        for (int i = 0; i < turns; i++) {
            pipeline_turn(d->w->p);
            d->w->now_ms += 100;
        }
        again(d);
        same(&feb, of_month(d, FEB));
        same(&mar, of_month(d, FEB + 1));
    }
    pass(d, APR_10 + YEARS_2 + DAY);
    assert_int_equal(rows_n(d, "SELECT count(*) FROM subject WHERE kind IN (1, 2)"), 0);
    assert_int_equal(rows_n(d, "SELECT count(*) FROM gone"), 1);
    same(&feb, of_month(d, FEB));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, months_teardown)
    const struct CMUnitTest tests[] = {
        T(evidence_goes_when_its_time_has_come_and_nothing_else_moves),
        T(a_month_that_is_not_closed_is_kept_and_all_behind_it),
        T(what_was_before_the_first_closed_month_goes_with_it),
        T(an_option_of_0_keeps_all),
        T(what_comes_later_for_such_a_month_is_refused_and_counts_nowhere),
        T(a_conversation_that_goes_on_later_begins_anew),
        T(an_event_of_a_kept_month_does_not_move_what_is_let_go_of),
        T(counting_anew_brings_nothing_back_and_takes_nothing_away),
        T(of_agents_what_is_now_stays),
        T(a_crash_at_any_moment_makes_no_difference),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
