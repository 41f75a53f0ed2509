/* An erasure that is ended at any operation of the disk, loses power there, or finds the disk full: nothing or the whole of it is
 * done, the next start does what is left, no byte holds a name then, and no figure has moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "support_erase.h"
#include "support_random.h"
#include "support_store.h"
#include "support_vfs.h"

#define EACH   8 /* so often the figures are counted */
#define WRITES (FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE | FAULT_DELETE)

static struct err e;

struct tally {
    uint64_t n[ERASE_DONE + 1]; /* how often the customer's task, which comes second, was found in that stage */
};

/* What the store holds of both when the first n of them are erased. */
struct held {
    int64_t n[3];
};

static struct held held_of(struct scene *s)
{
    struct held h = {{0}};
    scene_back(s, ASK_AGENT);
    assert_int_equal(scene_erase(s, NULL, &e), 0);
    h.n[1] = scene_held_n(s, all_names);
    scene_back(s, 0);
    h.n[0] = scene_held_n(s, all_names);
    assert_true(h.n[0] > h.n[1] && h.n[1] > 0);
    return h;
}

/* Before or behind the transaction of each person, and nowhere between; then the next start. */
static void assert_ends_well(struct scene *s, const struct held *h, struct tally *found)
{
    enum erase_stage agent = scene_stage(s, ERASED_AGENT), customer = scene_stage(s, ERASED_CUSTOMER);
    assert_in_range(agent, ERASE_ASKED, ERASE_REDIS);
    assert_in_range(customer, ERASE_ASKED, ERASE_REDIS);
    assert_int_equal(scene_held_n(s, all_names), h->n[(agent > ERASE_ASKED) + (customer > ERASE_ASKED)]);
    s->gone = all_names;
    if (scene_erase(s, NULL, &e))
        fail_msg("the next start: %s: %s", e.where, e.what);
    assert_int_equal(scene_stage(s, ERASED_AGENT), ERASE_REDIS);
    assert_int_equal(scene_stage(s, ERASED_CUSTOMER), ERASE_REDIS);
    s->gone = NULL;
    scene_assert_no_byte(s, all_names);
    if (found->n[customer]++ % EACH)
        return;
    assert_int_equal(scene_held_n(s, all_names), 0);
    scene_assert_whole(s);
}

static void print_found(const char *what, const struct tally *found)
{
    print_message("%s: before it %" PRIu64 ", before the file was written anew %" PRIu64 ", after %" PRIu64 "\n", what,
                  found->n[ERASE_ASKED], found->n[ERASE_TIDY], found->n[ERASE_REDIS]);
    assert_true(found->n[ERASE_ASKED] > 1 && found->n[ERASE_TIDY] > 1);
}

/* What a process or a machine that ends before the Nth operation of the erasure leaves lies in `left` then. False: it had come to
 * its end. */
static bool ended_at(struct scene *s, struct fault_plan wanted, const char *left)
{
    scene_back(s, ASK_AGENT | ASK_CUSTOMER);
    wanted.ops = WRITES;
    wanted.record = true;
    wanted.cut_dir = left;
    const struct fault_plan *plan = fault_plan_new(wanted);
    assert_int_equal(scene_erase(s, FAULT_VFS, &e), 0);
    return plan->was_cut;
}

static void end_at_each(struct scene *s, bool kill, uint64_t step)
{
    struct held h = held_of(s);
    struct tally found = {{0}};
    uint64_t seed = kill ? 0 : random_start();
    char was[sizeof s->d->w->dir];
    bool ended = true;
    memcpy(was, s->d->w->dir, sizeof was);
    for (uint64_t n = 1; ended; n += step) {
        char *left = test_dir_new();
        ended = ended_at(s, (struct fault_plan){.kill = kill, .cut_at = n, .seed = seed + n}, left);
        snprintf(s->d->w->dir, sizeof s->d->w->dir, "%s", left);
        if (ended)
            assert_ends_well(s, &h, &found);
        memcpy(s->d->w->dir, was, sizeof was);
        test_dir_free(left);
    }
    print_found(kill ? "killed" : "without power", &found);
    assert_true(!kill || found.n[ERASE_REDIS]);
}

static void killed_at_any_operation_the_next_start_does_what_is_left(void **state)
{
    end_at_each(*state, true, 1);
}

static void without_power_at_any_operation_likewise(void **state)
{
    end_at_each(*state, false, test_rounds(5, 1));
}

/* Every operation in turn finds no room, and all after it. */
static void a_full_disk_leaves_what_was_and_says_what_to_do(void **state)
{
    struct scene *s = *state;
    struct held h = held_of(s);
    struct tally found = {{0}};
    for (uint64_t n = 1;; n += test_rounds(3, 1)) {
        scene_back(s, ASK_AGENT | ASK_CUSTOMER);
        struct fault_plan *plan = fault_plan_new((struct fault_plan){.ops = WRITES, .full_at = n});
        int bad = scene_erase(s, FAULT_VFS, &e);
        if (!plan->full)
            break;
        if (bad)
            assert_non_null(strstr(e.what, "make room"));
        assert_ends_well(s, &h, &found);
    }
    print_found("full", &found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_operation_the_next_start_does_what_is_left),
        cmocka_unit_test(without_power_at_any_operation_likewise),
        cmocka_unit_test(a_full_disk_leaves_what_was_and_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
