/* Numbers of snapshots rise over restarts, whatever the clock and the disk do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kefu/daemon/numbering.h"
#include "support_store.h"
#include "support_world.h"

/* A start at now_ms on the store of dir; gives n numbers, which must rise above `above`. Returns the last. */
static uint64_t start_and_take(const char *dir, int64_t now_ms, uint64_t n, uint64_t above)
{
    struct err e;
    struct numbering numbers;
    struct store *s = store_open(dir, &e);
    assert_non_null(s);
    assert_int_equal(numbering_start(&numbers, s, now_ms, &e), 0);
    store_close(s);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t seq;
        assert_true(numbering_take(&numbers, &seq));
        assert_true(seq > above);
        above = seq;
    }
    return above;
}

static void a_clock_set_back_before_a_restart_gives_no_number_again(void **state)
{
    char *dir = test_dir_new();
    (void)state;
    uint64_t last = start_and_take(dir, T0, 1000, (uint64_t)T0 * 1000);
    last = start_and_take(dir, T0 - 86400000, 1000, last);
    last = start_and_take(dir, 0, 1000, last);
    (void)start_and_take(dir, T0 + 86400000, 1, last);
    test_dir_free(dir);
}

static void without_a_durable_reservation_no_number_is_given(void **state)
{
    char *dir = test_dir_new();
    struct err e;
    struct numbering n;
    struct commit c = {0};
    uint64_t seq = 0, top;
    struct store *s = store_open(dir, &e);
    (void)state;
    assert_int_equal(numbering_start(&n, s, T0, &e), 0);
    store_close(s);
    assert_false(numbering_wants(&n));
    top = n.reserved;
    n.last = top - 2; /* sixteen million later */
    assert_true(numbering_wants(&n));
    numbering_fill(&n, &c);
    assert_true(c.position_key.n && c.position.n);
    assert_false(numbering_wants(&n)); /* it is on its way */
    assert_true(numbering_take(&n, &seq));
    assert_true(numbering_take(&n, &seq));
    assert_int_equal(seq, top);
    assert_false(numbering_take(&n, &seq));
    numbering_settle(&n, false); /* the disk was full */
    assert_false(numbering_take(&n, &seq));
    assert_true(numbering_wants(&n));
    numbering_fill(&n, &c);
    numbering_settle(&n, true);
    assert_true(numbering_take(&n, &seq));
    assert_int_equal(seq, top + 1);
    test_dir_free(dir);
}

static void snapshots_rise_over_a_restart_with_the_clock_set_back(void **state)
{
    struct world *w = *state;
    world_ask_and_answer(w);
    uint64_t before = world_last_seen(w)->seq;
    w->now_ms -= 3600000;
    world_again(w);
    world_run(w);
    assert_true(w->seen_n > 0);
    for (size_t i = 0; i < w->seen_n; i++) {
        assert_true(w->seen[i].seq > before);
        before = w->seen[i].seq;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_set_back_before_a_restart_gives_no_number_again),
        cmocka_unit_test(without_a_durable_reservation_no_number_is_given),
        cmocka_unit_test_setup_teardown(snapshots_rise_over_a_restart_with_the_clock_set_back, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
