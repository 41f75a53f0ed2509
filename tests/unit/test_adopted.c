/* Which rulebooks a store remembers, under a clock that only the test moves: one that was taken away before its month began is
 * never asked for, and comes back as a new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/adopted.h"
#include "kefu/daemon/daemon.h"
#include "support_months.h"

static struct err e;

struct desk {
    struct desk_of_months *months;
    struct rulebook *april, *other; /* from 2026-04 on, of one name */
    struct settings settings;
    struct daemon d;
};

static int64_t now_of(void *arg)
{
    return ((const struct world *)arg)->now_ms;
}

static struct rulebook *read(struct world *w, const char *text)
{
    struct rulebook *r = rulebook_read(str_of(text), "test", w->seed, &e);
    assert_non_null(r);
    return r;
}

static int setup(void **state)
{
    struct desk *k = xcalloc(1, sizeof *k);
    void *months = NULL;
    months_setup(&months);
    k->months = months;
    struct world *w = k->months->w;
    k->april = read(w, "{\"name\": \"april\", \"effective_from\": \"2026-04\"}");
    k->other = read(w, "{\"name\": \"april\", \"effective_from\": \"2026-04\", \"tier_min_handled\": 3}");
    k->settings.tz = w->tz;
    k->d.settings = &k->settings;
    k->d.clock = (struct clock){.wall_ms = now_of, .mono_ms = now_of, .arg = w};
    *state = k;
    return 0;
}

static int teardown(void **state)
{
    struct desk *k = *state;
    void *months = k->months;
    rulebook_free(k->april);
    rulebook_free(k->other);
    months_teardown(&months);
    free(k);
    return 0;
}

/* A start with seed and this rulebook, if it is one: 0 and it is remembered, or -1. */
static int start(struct desk *k, struct rulebook *with)
{
    struct world *w = k->months->w;
    k->settings.rulebooks = (struct rulebooks){.list = {w->seed, with}, .n = with ? 2 : 1};
    k->d.store = w->store;
    k->d.pipeline = w->p;
    k->d.months = k->months->m;
    if (adopted_at_start(&k->d, &e))
        return -1;
    adopted_remember(&k->d, &k->settings.rulebooks);
    world_run(w);
    months_free(k->months->m);
    world_again(w);
    open_months(k->months);
    return 0;
}

static void one_taken_away_before_its_month_is_not_asked_for_when_it_begins(void **state)
{
    struct desk *k = *state;
    struct world *w = k->months->w;
    w->now_ms = T0 + 30 * DAY; /* March */
    /* a store with events takes seed for what has begun as it is */
    k->settings.rulebooks = (struct rulebooks){.list = {w->seed}, .n = 1};
    k->d.pipeline = w->p;
    k->d.months = k->months->m;
    adopted_remember(&k->d, &k->settings.rulebooks);
    world_run(w);
    assert_int_equal(start(k, k->april), 0);
    assert_int_equal(start(k, NULL), 0);
    assert_int_equal(start(k, k->other), -1); /* its name stays taken … */
    assert_int_equal(start(k, k->april), 0);  /* … and is its own until April */
    assert_int_equal(start(k, NULL), 0);
    w->now_ms = T0 + 65 * DAY; /* April */
    assert_int_equal(start(k, NULL), 0);
    assert_int_equal(start(k, k->april), -1);
    assert_non_null(strstr(e.what, "is new and holds from a month that has begun"));
}

static void one_whose_month_has_begun_stays(void **state)
{
    struct desk *k = *state;
    struct world *w = k->months->w;
    w->now_ms = T0 + 30 * DAY;
    k->settings.rulebooks = (struct rulebooks){.list = {w->seed}, .n = 1};
    k->d.pipeline = w->p;
    k->d.months = k->months->m;
    adopted_remember(&k->d, &k->settings.rulebooks);
    world_run(w);
    assert_int_equal(start(k, k->april), 0);
    assert_int_equal(start(k, NULL), 0);
    assert_int_equal(start(k, k->april), 0);
    w->now_ms = T0 + 65 * DAY;
    assert_int_equal(start(k, NULL), -1);
    assert_non_null(strstr(e.what, "put its file"));
    assert_int_equal(start(k, k->april), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_taken_away_before_its_month_is_not_asked_for_when_it_begins, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(one_whose_month_has_begun_stays, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
