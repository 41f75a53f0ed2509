/* The evidence of adjustments: it is never lost, whatever falls when, and it is that of what came since. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/month_adjust.h"
#include "support_months.h"
#include "support_store.h"
#include "support_vfs.h"

/* February is closed, and its closing may lie behind a checkpoint or not. */
static int setup(void **state)
{
    struct desk_of_months *d;
    months_setup(state);
    d = *state;
    close_world(d);
    d->w->shelved = true;
    open_world(d);
    d->w->now_ms = T0 + 40 * DAY;
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    d->w->now_ms += 1000;
    d->month = FEB;
    return 0;
}

static void on_whole(void *arg)
{
    *(bool *)arg = true;
}

/* Turns until nothing is left to do; with a checkpoint to its end. */
static void run(struct desk_of_months *d, bool *whole)
{
    for (int i = 0; i < 20 || (whole && !*whole && i < 1000); i++) {
        world_run(d->w);
        months_turn(d->m);
    }
}

static void checkpoint_now(struct desk_of_months *d)
{
    bool whole = false;
    checkpoint_want(pipeline_checkpoint(d->w->p), on_whole, &whole);
    run(d, &whole);
}

/* An answer of amy's in February, told in March. */
static void tell(struct desk_of_months *d, const char *id)
{
    struct batch *b = world_batch(d->w);
    say(b, "amy", id, T0 + 5000);
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
}

static void tell_and_run(struct desk_of_months *d, const char *id)
{
    tell(d, id);
    run(d, NULL);
    d->w->now_ms += 1000;
}

/* What amy's adjustment goes by, one behind the other; how many figures of answers she has. */
static int64_t evidence(struct desk_of_months *d, char *out, size_t out_n)
{
    struct month_differences all;
    int64_t answered = 0;
    *out = 0;
    assert_int_equal(month_differences(d->m, d->month, &all, &d->e), 0);
    assert_in_range(all.n, 0, 1);
    for (size_t i = 0; all.n && i < all.list[0].evidence.n; i++)
        snprintf(out + strlen(out), out_n - strlen(out), "%.*s ", STR_ARG(all.list[0].evidence.words[i]));
    if (all.n)
        answered = all.list[0].now.figures.answered;
    month_differences_free(&all);
    return answered;
}

static void assert_evidence(struct desk_of_months *d, const char *expected)
{
    char is[400];
    evidence(d, is, sizeof is);
    assert_string_equal(is, expected);
}

static void decide(struct desk_of_months *d, bool accept)
{
    struct month_act act = act_of(d, FEB, "seen");
    act.agent = STR_LIT("amy");
    act.accept = accept;
    see(d, &act);
    assert_int_equal(months_adjust(d->m, &act, &d->e), MONTH_UNDER_WAY);
    world_run(d->w);
    d->w->now_ms += 1000;
}

/* The rows that the store has of it are lost, as if a fall had come before each. */
static void fall_before_the_rows(struct desk_of_months *d)
{
    close_world(d);
    test_sql(d->w->dir, "DELETE FROM memory WHERE rule = 'late'");
    open_world(d);
    run(d, NULL);
}

static void what_a_fall_kept_from_the_store_is_known_again_after_the_replay(void **state)
{
    struct desk_of_months *d = *state;
    tell_and_run(d, "m5");
    assert_evidence(d, "\"conversation\",\"cm5\" ");
    fall_before_the_rows(d);
    assert_evidence(d, "\"conversation\",\"cm5\" ");
    run(d, NULL);
    close_world(d);
    open_world(d);
    assert_evidence(d, "\"conversation\",\"cm5\" ");
}

static void what_was_before_the_closing_or_a_decision_is_no_evidence_after_a_replay_either(void **state)
{
    struct desk_of_months *d = *state;
    tell_and_run(d, "m5");
    decide(d, true);
    tell_and_run(d, "m6");
    decide(d, false);
    tell_and_run(d, "m7");
    assert_evidence(d, "\"conversation\",\"cm7\" ");
    fall_before_the_rows(d); /* the whole journal is replayed, from before the closing on */
    assert_evidence(d, "\"conversation\",\"cm7\" ");
    checkpoint_now(d);
    tell_and_run(d, "m8");
    close_world(d);
    open_world(d);
    assert_evidence(d, "\"conversation\",\"cm7\" \"conversation\",\"cm8\" ");
}

static void an_event_that_was_on_its_way_while_a_month_was_closed_is_evidence(void **state)
{
    struct desk_of_months *d = *state;
    assert_int_equal(reopen_month(d, FEB, "again"), MONTH_UNDER_WAY);
    d->w->now_ms += 1000;
    struct batch *b = world_batch(d->w);
    say(b, "amy", "m5", T0 + 5000);
    world_submit(d->w, b);
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY); /* at once: the batch is not back yet */
    run(d, NULL);
    assert_evidence(d, "\"conversation\",\"cm5\" ");
    fall_before_the_rows(d);
    assert_evidence(d, "\"conversation\",\"cm5\" ");
    batch_free(b);
}

/* A first contact that is pending at a forced closing, and passes while no daemon runs. */
static void what_time_brings_after_the_closing_is_evidence(void **state)
{
    struct desk_of_months *d = *state;
    int64_t ends_ms = tz_at(d->w->tz, civil_month_first(FEB + 2), 0);
    struct month_act act = act_of(d, FEB + 1, NULL);
    struct batch *b = world_batch(d->w);
    act.force = true;
    say(b, "amy", "last", ends_ms - MINUTE);
    d->w->now_ms = ends_ms + MINUTE;
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
    assert_int_equal(months_close(d->m, &act, &d->e), MONTH_UNDER_WAY);
    run(d, NULL);
    assert_int_equal(months_closing(d->m, FEB + 1)->pending_n, 1);
    d->month = FEB + 1;
    assert_evidence(d, "");
    close_world(d);
    d->w->now_ms += 2 * DAY;
    open_world(d);
    run(d, NULL);
    assert_evidence(d, "\"conversation\",\"clast\" ");
}

/* --- a kill at each operation --------------------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    char block[65536];
    size_t n;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_true(in && out);
    while ((n = fread(block, 1, sizeof block, in)) > 0)
        assert_int_equal(fwrite(block, 1, n, out), n);
    assert_int_equal(fclose(in) | fclose(out), 0);
}

/* In a process of its own: from the Nth operation on, counted from the telling, nothing reaches the disk. False: it came so far. */
static bool telling_killed_at(struct desk_of_months *d, uint64_t n)
{
    int status = -1;
    struct fault_plan *plan = fault_plan_new((struct fault_plan){.ops = FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE});
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        d->w->vfs = FAULT_VFS;
        open_world(d);
        world_run(d->w);
        plan->fail_at = plan->counted_n + n;
        plan->lasting = true;
        tell(d, "m5");
        checkpoint_now(d);
        _exit(plan->failed ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) != 0;
}

static void a_late_event_killed_at_any_operation_has_its_evidence_or_is_not_there(void **state)
{
    struct desk_of_months *d = *state;
    char here[160], kept[176], is[400];
    uint64_t n = 1, before_n = 0, after_n = 0;
    bool killed = true;
    uint64_t step = test_rounds(11, 1); /* behind the first come those of the checkpoint */
    close_world(d);
    snprintf(here, sizeof here, "%s/kefu.db", d->w->dir);
    snprintf(kept, sizeof kept, "%s.kept", here);
    copy_file(here, kept);
    for (; killed && n < 400; n += n < 24 ? 1 : step) {
        killed = telling_killed_at(d, n);
        open_world(d);
        run(d, NULL);
        for (int i = 0; i < 2; i++) { /* as it is found, and again behind a checkpoint */
            bool there = evidence(d, is, sizeof is) == 2;
            assert_string_equal(is, there ? "\"conversation\",\"cm5\" " : "");
            before_n += !there;
            after_n += there;
            checkpoint_now(d);
        }
        close_world(d);
        copy_file(kept, here);
    }
    print_message("looks before it was durable %llu, after %llu\n", (unsigned long long)before_n,
                  (unsigned long long)after_n);
    assert_true(!killed && before_n > 1 && after_n > 1);
    open_world(d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, months_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_a_fall_kept_from_the_store_is_known_again_after_the_replay),
        T(what_was_before_the_closing_or_a_decision_is_no_evidence_after_a_replay_either),
        T(an_event_that_was_on_its_way_while_a_month_was_closed_is_evidence),
        T(what_time_brings_after_the_closing_is_evidence),
        T(a_late_event_killed_at_any_operation_has_its_evidence_or_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
