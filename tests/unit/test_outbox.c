/* What is on its way out, what is out, and what a Redis that lost its streams gets again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "kefu/daemon/outbox.h"

#define MANY (UINT64_C(3) * OUTBOX_KEPT)

static struct effect effect_of(uint64_t number)
{
    return (struct effect){.kind = EFFECT_TIER,
                           .number = number,
                           .stream_ms = (int64_t)number * 10,
                           .stream = number % 2 ? STR_LIT("tiers") : STR_LIT("alerts"),
                           .pairs = {STR_LIT("agent"), STR_LIT("amy")},
                           .pairs_n = 2};
}

static void add(struct outbox *o, uint64_t number)
{
    struct effect f = effect_of(number);
    outbox_add(o, &f);
}

struct given {
    uint64_t numbers[2 * OUTBOX_KEPT];
    size_t n;
};

static void note(void *arg, const struct effect *f)
{
    struct given *g = arg;
    g->numbers[g->n++] = f->number;
    assert_true(str_eq(f->pairs[1], STR_LIT("amy")));
}

static size_t give(struct outbox *o, struct given *g, struct str stream, int64_t after_ms)
{
    g->n = 0;
    outbox_each(o, &(struct outbox_from){.stream = stream, .after_ms = after_ms}, note, g);
    return g->n;
}

static void what_is_sent_is_marked_once(void **state)
{
    struct outbox *o = outbox_new();
    size_t n;
    (void)state;
    add(o, 3);
    add(o, 5);
    assert_int_equal(outbox_unsent_n(o), 2);
    assert_true(outbox_sent(o, 5));
    assert_false(outbox_sent(o, 5));
    assert_false(outbox_sent(o, 4));
    assert_int_equal(outbox_unsent_n(o), 1);
    uint64_t *sent = outbox_take_sent(o, &n);
    assert_int_equal(n, 1);
    assert_int_equal(sent[0], 5);
    assert_null(outbox_take_sent(o, &n));
    outbox_untake(o, sent, 1); /* the disk was full */
    assert_true(outbox_has_sent(o));
    free(sent);
    outbox_free(o);
}

static void the_unsent_and_what_is_above_an_id_go_again_in_order(void **state)
{
    static struct given g;
    struct outbox *o = outbox_new();
    struct effect old = effect_of(1);
    (void)state;
    add(o, 3);
    add(o, 4);
    add(o, 5);
    add(o, 7);
    outbox_add_sent(o, &old); /* read at start after those on their way */
    outbox_sent(o, 5);
    outbox_sent(o, 7);
    assert_int_equal(give(o, &g, STR_LIT("tiers"), INT64_MAX), 1);
    assert_int_equal(g.numbers[0], 3);
    assert_int_equal(give(o, &g, STR_LIT("tiers"), 50), 2);
    assert_int_equal(g.numbers[1], 7);
    assert_int_equal(give(o, &g, STR_LIT("tiers"), 0), 4);
    assert_int_equal(g.numbers[0], 1);
    assert_int_equal(give(o, &g, (struct str){NULL, 0}, 0), 5);
    outbox_free(o);
}

static void only_what_is_out_is_forgotten_and_the_oldest_first(void **state)
{
    static struct given g;
    struct outbox *o = outbox_new();
    (void)state;
    add(o, 1); /* never sent */
    for (uint64_t i = 2; i <= MANY; i++) {
        add(o, i);
        outbox_sent(o, i);
        if (i == OUTBOX_KEPT) {
            outbox_sent(o, 1);
            add(o, MANY + 1); /* nor this one */
        }
    }
    size_t n = give(o, &g, (struct str){NULL, 0}, 0);
    assert_in_range(n, OUTBOX_KEPT, OUTBOX_KEPT + OUTBOX_KEPT / 8 + 1);
    assert_int_equal(g.numbers[n - 1], MANY + 1);
    assert_int_equal(g.numbers[n - 2], MANY);
    assert_int_equal(outbox_unsent_n(o), 1);
    outbox_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_is_marked_once),
        cmocka_unit_test(the_unsent_and_what_is_above_an_id_go_again_in_order),
        cmocka_unit_test(only_what_is_out_is_forgotten_and_the_oldest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
