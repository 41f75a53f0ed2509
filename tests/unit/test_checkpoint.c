/* Checkpoints under the pipeline, over a real store: what a start makes of a cut that fell between two batches under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "kefu/daemon/checkpoint.h"
#include "kefu/state/freeze.h"
#include "support_world.h"

#define LONG_AGO (T0 - 2000 * MINUTE)
#define A_TURN   20000 /* events folded in a turn of the pipeline, at most (pipeline.c) */

static int set_up(void **state)
{
    assert_int_equal(world_setup(state), 0);
    struct world *w = *state;
    world_close(w);
    w->shelved = true;
    w->events_max = 2 * A_TURN;
    world_open(w);
    return 0;
}

static void note_done(void *arg)
{
    *(bool *)arg = true;
}

/* A whole checkpoint, to its end; also what rests has left memory then. */
static void checkpoint_now(struct world *w)
{
    bool done = false;
    checkpoint_want(pipeline_checkpoint(w->p), note_done, &done);
    while (!done) {
        world_run_for(w, 10);
    }
}

static struct site_counts counts(const struct world *w)
{
    struct site_counts c;
    site_counts(w->site, &c);
    return c;
}

/* A conversation that is over and done with: its first event has the id that is contested. */
static void add_finished(struct batch *b, const char *contested)
{
    world_message(b, contested, LONG_AGO, FROM_CUSTOMER)->subject = STR_LIT("old");
    world_message(b, "old2", LONG_AGO + 1000, FROM_AGENT)->subject = STR_LIT("old");
    struct event *e = world_add(b, EVENT_RESOLVED, "old3", LONG_AGO + 2000);
    e->subject = STR_LIT("old");
    e->how = BY_AGENT;
    e->strs[EVENT_AGENT] = STR_LIT("amy");
}

static void fill(struct batch *b, int n)
{
    char id[32];
    for (int i = 0; i < n; i++) {
        snprintf(id, sizeof(id), "fill%d", i);
        world_message(b, id, T0 - MINUTE + i, FROM_CUSTOMER);
    }
}

/* Two batches were probed when neither was folded, and hold one identity. The cut falls between their folds: what the second
 * contradicts then lies cold on the shelf, and the journal behind the cut still holds the second. */
static void what_was_under_way_at_the_cut_is_held_against_what_left_memory(void **state)
{
    struct world *w = *state;
    struct batch *first = world_batch(w), *second = world_batch(w), *third = world_batch(w);
    bool cut = false;
    world_run(w);
    add_finished(first, "m1");
    fill(first, A_TURN);
    world_message(second, "m1", T0, FROM_CUSTOMER)->subject = STR_LIT("new");
    world_submit(w, first);
    world_submit(w, second);
    struct pollfd durable = {.fd = pipeline_fd(w->p), .events = POLLIN};
    assert_int_equal(poll(&durable, 1, 60000), 1); /* the first is; the next turn folds it, and no more */
    checkpoint_want(pipeline_checkpoint(w->p), note_done, &cut);
    world_run(w);
    assert_int_equal(first->verdicts[0], VERDICT_ACCEPTED);
    assert_int_equal(second->verdicts[0], VERDICT_REJECTED);
    while (!cut) {
        world_run_for(w, 10);
    }
    struct checkpoint_status at;
    checkpoint_status(pipeline_checkpoint(w->p), &at);
    assert_int_equal(at.seq, A_TURN + 3);                                    /* the cut was between them */
    assert_int_equal(at.in_memory_n, 1);                                     /* c1; what is over has left */
    world_message(third, "m5", T0, FROM_CUSTOMER)->subject = STR_LIT("new"); /* probed behind the cut */
    world_submit(w, third);
    world_run(w);
    struct site_counts before = counts(w);
    assert_int_equal(before.events_n, A_TURN + 4);

    world_again(w);
    assert_int_equal(counts(w).events_n, before.events_n);
    assert_int_equal(counts(w).conversations_n, before.conversations_n);
    batch_free(first);
    batch_free(second);
    batch_free(third);
}

/* After a start the shelf is asked again: nothing is vouched for that comes from outside. */
static void after_a_start_what_is_cold_is_still_held_against(void **state)
{
    struct world *w = *state;
    struct batch *a = world_batch(w), *b = world_batch(w), *c = world_batch(w);
    add_finished(a, "m1");
    world_submit(w, a);
    world_run(w);
    checkpoint_now(w);
    assert_int_equal(site_in_memory_n(w->site), 0);
    world_message(b, "m7", T0, FROM_CUSTOMER);
    world_submit(w, b);
    world_run(w);
    world_again(w);
    add_finished(c, "m1");
    world_message(c, "old2", T0, FROM_CUSTOMER)->subject = STR_LIT("c1"); /* another content */
    world_submit(w, c);
    world_run(w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(c->verdicts[i], VERDICT_DUPLICATE);
    }
    assert_int_equal(c->verdicts[3], VERDICT_REJECTED);
    assert_int_equal(counts(w).events_n, 4);
    batch_free(a);
    batch_free(b);
    batch_free(c);
}

struct handed {
    size_t totals_n, rows_n;
};

static void hand_row(void *arg, const struct shelf_row *row)
{
    (void)row;
    ((struct handed *)arg)->rows_n++;
}

static void hand_total(void *arg, const struct shelf_total *total)
{
    (void)total;
    ((struct handed *)arg)->totals_n++;
}

/* A year of many agents loaded at once: neither the cut nor a step behind it does it all, or the loop would stand still. */
static void a_cut_of_many_totals_holds_the_loop_for_a_few_of_them(void **state)
{
    enum { AGENTS = 20, DAYS = 300, OWN = DAYS + 12 }; /* an agent's days and months */
    struct world *w = *state;
    struct batch *b = world_batch(w);
    struct handed h = {0};
    struct freezer to = {hand_row, hand_total, &h};
    struct buf head = {0};
    char id[32], agent[32];
    world_run(w);
    for (int day = 0; day < DAYS; day++) {
        for (int a = 0; a < AGENTS; a++) {
            snprintf(id, sizeof(id), "d%d-%d", day, a);
            snprintf(agent, sizeof(agent), "agent%d", a);
            struct event *e = world_add(b, EVENT_RATING, id, T0 - (DAYS - day) * 1440 * MINUTE);
            e->strs[EVENT_AGENT] = arena_copy(&b->arena, str_of(agent));
            e->score_milli = 5000;
            e->scale = 5;
            assert_int_equal(site_fold(w->site, e, T0), VERDICT_ACCEPTED);
        }
    }
    (void)site_advance(w->site, T0, SIZE_MAX);
    site_cut(w->site, &to, &head);
    assert_int_equal(h.totals_n, 0);
    for (bool more = true; more;) {
        struct handed before = h;
        more = site_freeze(w->site, 100);
        assert_true(h.totals_n - before.totals_n < 100 + OWN);
        assert_true(h.rows_n - before.rows_n <= 100);
    }
    assert_true(h.totals_n > (size_t)AGENTS * DAYS);
    buf_fini(&head);
    batch_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_under_way_at_the_cut_is_held_against_what_left_memory, set_up,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_cut_of_many_totals_holds_the_loop_for_a_few_of_them, set_up, world_teardown),
        cmocka_unit_test_setup_teardown(after_a_start_what_is_cold_is_still_held_against, set_up, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
