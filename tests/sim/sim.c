/* The month itself: time, faults, and the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "sim.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE };
#define DAY       (INT64_C(24) * HOUR)
#define STEPS_MAX 3000000

uint32_t sim_below(struct sim *s, uint32_t n)
{
    return (uint32_t)(random_next(&s->random) % n);
}

static void lose_redis(struct sim *s)
{
    s->losses_n++;
    fake_redis_lose(&s->redis, sim_below(s, (uint32_t)s->redis.commands_n + 1));
    if (s->lane)
        lane_set_live(s->lane, false);
    s->lane_live = false;
}

/* Between a command's being sent, done and answered the process may end, or the connection. */
static void step_of_redis(void *arg)
{
    struct sim *s = arg;
    bool lost = s->o.every_ms && (s->o.faults & SIM_REDIS_LOSE) && sim_maybe(s, 4);
    if (s->dead)
        return;
    if (++s->redis_steps_n == s->o.lose_at || lost)
        lose_redis(s);
    fault_step();
}

static void make_base(struct sim *s)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(s->base, sizeof s->base, "%s/kefu-sim-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(s->base));
}

void sim_init(struct sim *s, const struct sim_options *o)
{
    struct script script = s->script;
    *s = (struct sim){.o = *o, .script = script, .random = o->seed};
    make_base(s);
    if (o->alerts)
        alerts_channel(&s->channels);
    fault_plan_new((struct fault_plan){0});
    s->redis.reachable = true;
    s->redis.step = step_of_redis;
    s->redis.arg = s;
    s->redis.dead = &s->dead;
    s->redis.trim_n = o->every_ms && sim_maybe(s, 25) ? 1 + sim_below(s, 6) : 0;
    s->shelved = sim_maybe(s, 80);
    s->trims_journal = s->shelved && sim_maybe(s, 50);
    s->true_ms = s->script.from - 4 * HOUR;
    s->fault_at_ms = o->every_ms ? s->true_ms + sim_below(s, (uint32_t)o->every_ms) : INT64_MAX;
    log_set_level((enum log_level)0); /* faults are what is wanted here */
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void sim_fini(struct sim *s)
{
    if (s->store)
        life_stop(s);
    fault_plan_new((struct fault_plan){0});
    nftw(s->base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    for (size_t k = 0; k < SENDERS_N; k++)
        free(s->senders[k].list);
    free(s->shown);
    free(s->heard);
    fake_redis_fini(&s->redis);
    script_fini(&s->script);
    log_set_level(LOG_LEVEL_INFO);
}

/* --- faults -------------------------------------------------------------------------------------------------------- */

static void set_clock(struct sim *s)
{
    static const int64_t skews[] = {-2 * HOUR, 0, 2 * HOUR};
    s->skew_ms = skews[sim_below(s, 3)];
    s->jumps_n++;
}

static void strike_redis(struct sim *s, enum sim_fault fault)
{
    lose_redis(s);
    if (fault == SIM_REDIS_AWAY) {
        s->away_until_ms = s->true_ms + sim_below(s, 6 * HOUR);
        s->redis.reachable = false;
    } else if (fault == SIM_REDIS_FLUSH) {
        fake_redis_flush(&s->redis);
        s->flushes_n++;
    }
}

/* Those that need a living process. */
static void strike_life(struct sim *s, enum sim_fault fault)
{
    if (fault == SIM_KILL || fault == SIM_POWER)
        life_doom(s, 1 + sim_below(s, 400), fault == SIM_KILL);
    else if (fault == SIM_RESTART)
        life_stop(s);
    else
        verdict_look(s);
}

static void strike(struct sim *s, enum sim_fault fault)
{
    if (fault & (SIM_REDIS_AWAY | SIM_REDIS_FLUSH | SIM_REDIS_LOSE)) {
        strike_redis(s, fault);
    } else if (fault == SIM_FULL) {
        s->full_until_ms = s->true_ms + sim_below(s, 20 * MINUTE);
        s->fulls_n++;
    } else if (fault == SIM_CLOCK) {
        set_clock(s);
    } else if (fault == SIM_REPEAT) {
        sender_repeat(s, sim_below(s, SENDERS_N));
    } else if (s->store) {
        strike_life(s, fault);
    }
}

static void choose_fault(struct sim *s)
{
    int fault = 0;
    while (!(fault & s->o.faults))
        fault = 1 << sim_below(s, 10);
    s->fault_at_ms = s->true_ms + 1 + sim_below(s, 2 * (uint32_t)s->o.every_ms);
    strike(s, (enum sim_fault)fault);
}

/* --- time ---------------------------------------------------------------------------------------------------------- */

static void pass(struct sim *s)
{
    int64_t next_ms = s->fault_at_ms;
    if (s->store) {
        int64_t turn_ms = s->true_ms + life_wait_ms(s), send_ms = senders_next_ms(s);
        next_ms = turn_ms < next_ms ? turn_ms : next_ms;
        next_ms = send_ms < next_ms ? send_ms : next_ms;
    } else if (s->up_again_ms < next_ms) {
        next_ms = s->up_again_ms;
    }
    s->true_ms = next_ms > s->true_ms ? next_ms : s->true_ms + 1;
}

/* What is due now. */
static void act(struct sim *s)
{
    if (s->fault_at_ms <= s->true_ms)
        choose_fault(s);
    if (!s->redis.reachable && s->away_until_ms <= s->true_ms)
        s->redis.reachable = true;
    if (!s->store && s->up_again_ms <= s->true_ms)
        life_begin(s);
    if (s->store) {
        life_watch_disk(s);
        senders_send(s);
        life_turn(s);
    }
    if (s->dead)
        life_bury(s);
}

void sim_step(struct sim *s)
{
    act(s);
    pass(s);
}

/* --- the end ------------------------------------------------------------------------------------------------------- */

static bool awaits_time(const struct quarantine *q)
{
    for (size_t i = 0; i < quarantine_n(q); i++)
        if (quarantine_at(q, i)->kind == REFUSAL_FUTURE)
            return true;
    return false;
}

bool sim_is_quiet(struct sim *s)
{
    return s->store && !s->dead && senders_are_done(s) && s->lane_live && !lane_waiting(s->lane) &&
           !s->redis.commands_n && !pipeline_backlog(s->pipeline) && pipeline_is_idle(s->pipeline) &&
           !awaits_time(pipeline_quarantine(s->pipeline));
}

static void mend(struct sim *s)
{
    if (s->store && s->o.every_ms)
        s->plan->cut_at = 0;
    s->o.every_ms = 0;
    s->fault_at_ms = INT64_MAX;
    s->skew_ms = 0;
    s->full_until_ms = s->away_until_ms = 0;
}

void sim_until(struct sim *s, int64_t true_ms)
{
    while (s->true_ms < true_ms)
        sim_step(s);
}

/* Looked at behind what was due: before it, something always may be, such as the next tick of the alerts. */
void sim_settle(struct sim *s)
{
    for (uint64_t steps = 0; !sim_is_quiet(s); steps++) {
        if (steps > STEPS_MAX)
            fail_msg("seed %llu: no rest after %d steps", (unsigned long long)s->o.seed, STEPS_MAX);
        act(s);
        if (!sim_is_quiet(s))
            pass(s);
    }
}

void sim_run(struct sim *s)
{
    sim_until(s, s->script.end);
    mend(s);
    sim_until(s, s->script.end + HOUR);
    sim_settle(s);
}
