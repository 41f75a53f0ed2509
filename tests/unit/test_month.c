/* Simulated months (tests/sim): the real core under a scripted clock, with faults at any moment, against the plain figures.
 *
 * `make test` plays 20, `make soak` 3,000; KEFU_ROUNDS says how many, KEFU_SEED where to begin: round k plays seed
 * KEFU_SEED + k, so KEFU_ROUNDS=1 with the seed of a failure plays that one month again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "../sim/sim.h"
#include "support_store.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE };

static uint64_t rounds(uint64_t few, uint64_t many)
{
    const char *given = getenv("KEFU_ROUNDS");
    return given ? strtoull(given, NULL, 10) : test_rounds(few, many);
}

static void write_script(struct sim *s, uint64_t seed)
{
    uint64_t random = seed;
    if (seed % 2)
        script_story(&s->script, seed, 200 + random_next(&random) % 300);
    else
        script_shop(&s->script, seed, 2 + (int64_t)(random_next(&random) % 4));
    script_spoil(&s->script, &random, 2);
}

static void add_up(struct sim *all, const struct sim *s)
{
    all->lives_n += s->lives_n;
    all->cuts_n += s->cuts_n;
    all->kills_n += s->kills_n;
    all->stops_n += s->stops_n;
    all->fulls_n += s->fulls_n;
    all->refused_n += s->refused_n;
    all->unheard_n += s->unheard_n;
    all->jumps_n += s->jumps_n;
    all->losses_n += s->losses_n;
    all->flushes_n += s->flushes_n;
    all->looks_n += s->looks_n;
    all->effects_n += s->effects_n;
    all->script.n += s->script.n;
}

static void print_sum(const struct sim *s, uint64_t n)
{
    printf(
        "%llu months, %zu lines, %llu lives: %llu cuts (%llu kills), %llu stops, %llu full disks, %llu batches not "
        "taken, %llu answers unheard, %llu clock jumps, %llu times Redis lost, %llu flushed; %zu tier changes; figures "
        "compared %llu times\n",
        (unsigned long long)n, s->script.n, (unsigned long long)s->lives_n, (unsigned long long)s->cuts_n,
        (unsigned long long)s->kills_n, (unsigned long long)s->stops_n, (unsigned long long)s->fulls_n,
        (unsigned long long)s->refused_n, (unsigned long long)s->unheard_n, (unsigned long long)s->jumps_n,
        (unsigned long long)s->losses_n, (unsigned long long)s->flushes_n, s->effects_n,
        (unsigned long long)s->looks_n);
}

static void a_month_full_of_faults_leaves_the_figures_of_a_calm_one(void **state)
{
    (void)state;
    static struct sim s, all;
    uint64_t seed = random_start() % 1000000000, n = rounds(20, 3000), i;
    for (i = 0; i < n && test_has_time(); i++) {
        struct sim_options o = {.seed = seed + i, .faults = SIM_ALL, .every_ms = 8 * HOUR, .late_percent = 20};
        write_script(&s, o.seed);
        sim_init(&s, &o);
        senders_make(&s, s.true_ms);
        sim_run(&s);
        verdict_final(&s);
        add_up(&all, &s);
        sim_fini(&s);
    }
    print_sum(&all, i);
}

/* The first days of a busier shop, with the default rules: the clock of alerts ticks each five seconds, which a month has many of. */
static void write_days(struct sim *s, uint64_t seed, int64_t days)
{
    size_t n = 0;
    script_shop(&s->script, seed, 40);
    s->script.end = s->script.from + days * 24 * HOUR;
    while (n < s->script.n && s->script.lines[n].event.ts < s->script.end - HOUR)
        n++;
    s->script.n = n;
}

static void alerts_leave_at_least_once_and_no_death_raises_one_anew(void **state)
{
    (void)state;
    static struct sim s, all;
    uint64_t seed = random_start() % 1000000000, n = rounds(6, 300), i;
    size_t raised_n = 0;
    for (i = 0; i < n && test_has_time(); i++) {
        struct sim_options o = {.seed = seed + i,
                                .faults = SIM_KILL | SIM_POWER | SIM_RESTART | SIM_FULL | SIM_CLOCK | SIM_REDIS_AWAY |
                                          SIM_REPEAT,
                                .every_ms = HOUR,
                                .alerts = true};
        write_days(&s, o.seed, 2);
        sim_init(&s, &o);
        senders_make(&s, s.true_ms);
        sim_run(&s);
        raised_n += verdict_alerts(&s);
        add_up(&all, &s);
        sim_fini(&s);
    }
    print_sum(&all, i);
    printf("%zu alerts raised\n", raised_n);
    assert_true(raised_n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_full_of_faults_leaves_the_figures_of_a_calm_one),
        cmocka_unit_test(alerts_leave_at_least_once_and_no_death_raises_one_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
