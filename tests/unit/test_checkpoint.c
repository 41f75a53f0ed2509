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
    enum { AGENTS = 20, DAYS = 300 };
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
    assert_true(site_cut_left_n(w->site) > (size_t)AGENTS * DAYS);
    struct event *late = world_add(b, EVENT_RATING, "late", T0 - 1440 * MINUTE);
    late->strs[EVENT_AGENT] = STR_LIT("agent7");
    late->score_milli = 1000;
    late->scale = 5;
    site_fold(w->site, late, T0);
    (void)site_advance(w->site, T0, SIZE_MAX);
    assert_int_equal(h.totals_n, 2); /* what it changes, its day and its month, and no more of the agent's */
    for (bool more = true; more;) {
        struct handed before = h;
        more = site_freeze(w->site, 100);
        assert_true(h.totals_n + h.rows_n - before.totals_n - before.rows_n <= 100);
    }
    assert_int_equal(site_cut_left_n(w->site), 0);
    assert_true(h.totals_n > (size_t)AGENTS * DAYS);
    buf_fini(&head);
    batch_free(b);
}

/* n conversations that are over, folded without a batch. */
static void live_finished(struct world *w, int n)
{
    struct batch *b = world_batch(w);
    char text[3][32], subject[32];
    for (int i = 0; i < n; i++) {
        snprintf(subject, sizeof(subject), "old%d", i);
        struct str key = arena_copy(&b->arena, str_of(subject));
        struct event *e[3];
        for (int k = 0; k < 3; k++) {
            snprintf(text[k], sizeof(text[k]), "old%d-%d", i, k);
        }
        e[0] = world_message(b, text[0], LONG_AGO, FROM_CUSTOMER);
        e[1] = world_message(b, text[1], LONG_AGO + 1000, FROM_AGENT);
        e[2] = world_add(b, EVENT_RESOLVED, text[2], LONG_AGO + 2000);
        e[2]->how = BY_AGENT;
        e[2]->strs[EVENT_AGENT] = STR_LIT("amy");
        for (int k = 0; k < 3; k++) {
            e[k]->subject = key;
            assert_int_equal(site_fold(w->site, e[k], T0), VERDICT_ACCEPTED);
        }
        arena_reset(&b->arena);
        b->events_n = 0;
    }
    (void)site_advance(w->site, T0, SIZE_MAX);
    batch_free(b);
}

static struct checkpoint_status at(struct world *w)
{
    struct checkpoint_status s;
    checkpoint_status(pipeline_checkpoint(w->p), &s);
    return s;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* However fast the machine is: a step looks at the clock between few of what it does, and ends when its time is up. */
static void a_step_ends_when_its_time_is_up(void **state)
{
    enum { CONVERSATIONS = 600, FEW = 8 };
    struct world *w = *state;
    size_t frozen_n = 0, left_n = 0, turns_n = 0;
    bool done = false;
    live_finished(w, CONVERSATIONS);
    world_run(w);
    w->look_us = 1500; /* of 2,000: the first look says go on, the second that it is enough */
    checkpoint_want(pipeline_checkpoint(w->p), note_done, &done);
    while (!done) {
        struct checkpoint_status before = at(w);
        (void)pipeline_turn(w->p);
        turns_n++;
        struct checkpoint_status s = at(w);
        bool still = strcmp(s.doing, "freeze") == 0 && strcmp(before.doing, "freeze") == 0;
        frozen_n = larger(frozen_n, still ? s.done_n - before.done_n : 0);
        left_n = larger(left_n, before.in_memory_n - s.in_memory_n);
    }
    assert_int_equal(frozen_n, FEW);
    assert_int_equal(left_n, 1);
    assert_int_equal(at(w).in_memory_n, 0);
    assert_true(turns_n > CONVERSATIONS);
}

static void assert_shown(struct world *w, int64_t quiet_ms, uint64_t open_n)
{
    w->quiet_ms = quiet_ms;
    world_again(w);
    assert_int_equal(counts(w).open_n, open_n);
    assert_int_equal(counts(w).waiting_n, open_n);
}

/* What is open now hangs on the events and on memory_quiet_days, never on what had left memory when that was another. */
static void a_longer_quiet_shows_again_who_has_left_memory(void **state)
{
    struct world *w = *state;
    struct batch *b = world_batch(w);
    assert_shown(w, 1000 * MINUTE, 0);
    add_finished(b, "m1");
    world_message(b, "m2", LONG_AGO, FROM_CUSTOMER)->subject = STR_LIT("open");
    world_submit(w, b);
    world_run(w);
    batch_free(b);
    checkpoint_now(w);
    assert_int_equal(site_in_memory_n(w->site), 0);
    assert_shown(w, 3000 * MINUTE, 1);
    assert_int_equal(site_in_memory_n(w->site), 1); /* what is over stays where it is */
    assert_shown(w, 0, 1);                          /* never quiet; no checkpoint came between */
    checkpoint_now(w);
    assert_shown(w, 0, 1);
    assert_shown(w, 1000 * MINUTE, 0);
    checkpoint_now(w);
    assert_int_equal(site_in_memory_n(w->site), 0);
    assert_shown(w, 1500 * MINUTE, 0); /* longer, and still shorter than it is ago */
    assert_int_equal(site_in_memory_n(w->site), 0);
}

static bool is_dirty(const struct bloom *b)
{
    for (size_t k = 0; k < b->layers_n; k++) {
        for (size_t i = 0; i < b->layers[k].parts_n; i++) {
            if (b->layers[k].dirty[i]) {
                return true;
            }
        }
    }
    return false;
}

/* More than leave together: the filters on the disk know all of a round before its first row goes there, so that a start finds
 * them wherever it ends. */
static void the_filters_on_the_disk_know_what_is_about_to_leave(void **state)
{
    enum { CONVERSATIONS = 21000 };
    struct world *w = *state;
    bool done = false;
    size_t rounds_n = 0;
    live_finished(w, CONVERSATIONS);
    world_run(w);
    checkpoint_want(pipeline_checkpoint(w->p), note_done, &done);
    while (!done) {
        struct checkpoint_status before = at(w);
        (void)pipeline_turn(w->p);
        if (strcmp(at(w).doing, "find") == 0 && strcmp(before.doing, "mark") == 0) {
            assert_false(is_dirty(site_filter(w->site, 0)) || is_dirty(site_filter(w->site, 1)));
            rounds_n++;
        }
    }
    assert_true(rounds_n > 1);
    assert_int_equal(at(w).in_memory_n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_under_way_at_the_cut_is_held_against_what_left_memory, set_up,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_cut_of_many_totals_holds_the_loop_for_a_few_of_them, set_up, world_teardown),
        cmocka_unit_test_setup_teardown(a_step_ends_when_its_time_is_up, set_up, world_teardown),
        cmocka_unit_test_setup_teardown(a_longer_quiet_shows_again_who_has_left_memory, set_up, world_teardown),
        cmocka_unit_test_setup_teardown(the_filters_on_the_disk_know_what_is_about_to_leave, set_up, world_teardown),
        cmocka_unit_test_setup_teardown(after_a_start_what_is_cold_is_still_held_against, set_up, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
