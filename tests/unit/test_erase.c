/* Erasing a person from a store: what goes, what stands in its place, and what stays as it is. A real store with a shelf, a journal
 * behind it, a closed month, and rows of every table that can name somebody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "kefu/model/aliases.h"
#include "support_erase.h"
#include "support_store.h"

static struct err e;

static void erase(struct scene *s, int ask)
{
    scene_back(s, ask);
    s->gone = ask == ASK_AGENT ? agent_names : ask == ASK_CUSTOMER ? customer_names : all_names;
    if (scene_erase(s, NULL, &e))
        fail_msg("%s: %s", e.where, e.what);
}

static void the_scene_names_everybody(void **state)
{
    struct scene *s = *state;
    scene_back(s, 0);
    for (size_t i = 0; agent_names[i]; i++)
        assert_true(scene_held_n(s, (const char *const[]){agent_names[i], NULL}) > 0);
    for (size_t i = 0; customer_names[i]; i++)
        assert_true(scene_held_n(s, (const char *const[]){customer_names[i], NULL}) > 0);
    scene_assert_whole(s);
}

static void an_agent_is_gone_and_no_figure_moves(void **state)
{
    struct scene *s = *state;
    scene_back(s, 0);
    int64_t customers_n = scene_held_n(s, customer_names), others_n = scene_held_n(s, other_names);
    erase(s, ASK_AGENT);
    scene_assert_gone(s, agent_names);
    assert_int_equal(scene_stage(s, ERASED_AGENT), ERASE_REDIS);
    assert_true(scene_held_n(s, (const char *const[]){ERASED_AGENT, NULL}) > 20);
    assert_int_equal(scene_held_n(s, customer_names),
                     customers_n - 2);                            /* an alert of hers named a chat and its customer */
    assert_int_equal(scene_held_n(s, other_names), others_n + 2); /* who did it, in the book and in the audit log */
    scene_assert_whole(s);
    scene_assert_known(s);
}

static void a_customer_is_gone_and_no_figure_moves(void **state)
{
    struct scene *s = *state;
    scene_back(s, 0);
    int64_t agents_n = scene_held_n(s, agent_names), others_n = scene_held_n(s, other_names);
    erase(s, ASK_CUSTOMER);
    scene_assert_gone(s, customer_names);
    assert_true(scene_held_n(s, (const char *const[]){ERASED_CUSTOMER, NULL}) > 10);
    assert_int_equal(scene_held_n(s, agent_names), agents_n - 2);     /* an alert, and what was no event */
    assert_int_equal(scene_held_n(s, other_names), others_n + 2 - 1); /* whose refused answer to the customer went */
    scene_assert_whole(s);
    scene_assert_known(s);
}

static void both_at_one_start(void **state)
{
    struct scene *s = *state;
    erase(s, ASK_AGENT | ASK_CUSTOMER);
    scene_assert_gone(s, agent_names);
    scene_assert_gone(s, customer_names);
    scene_assert_whole(s);
    scene_assert_known(s);
    assert_int_equal(scene_erase(s, NULL, &e), 0); /* what is done is not done again */
    scene_assert_whole(s);
}

/* Its checksum would be made anew, and nobody would ever know. */
static void a_damaged_row_is_not_made_whole_by_writing_it_anew(void **state)
{
    struct scene *s = *state;
    scene_back(s, ASK_AGENT);
    int64_t held_n = scene_held_n(s, agent_names);
    test_sql(s->d->w->dir, "UPDATE total SET period = period + 1 WHERE agent = '" AGENT_ID "' AND kind = 1");
    assert_int_equal(scene_erase(s, NULL, &e), -1);
    assert_non_null(strstr(e.what, "damaged"));
    assert_int_equal(scene_stage(s, ERASED_AGENT), ERASE_ASKED);
    assert_int_equal(scene_held_n(s, agent_names), held_n);
    scene_back(s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scene_names_everybody),
        cmocka_unit_test(an_agent_is_gone_and_no_figure_moves),
        cmocka_unit_test(a_customer_is_gone_and_no_figure_moves),
        cmocka_unit_test(both_at_one_start),
        cmocka_unit_test(a_damaged_row_is_not_made_whole_by_writing_it_anew),
    };
    return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
