/* One life of the process after the other: opened on what the last one left, turned, ended in whichever way.
 *
 * A cut lets the code run on, in a process that is dead without knowing: `dead` is set, from then on nothing that it says
 * or shows leaves it, and what it goes on to write stays in the old folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "sim.h"

#define MINUTE_MS 60000
#define HOUR_MS   3600000
#define TICK_MS   5000
#define TURNS_MAX 20000 /* of one instant: more is a loop that never rests */

/* The disk is in memory, see support_vfs.h; the lock file beside the database needs no platter either. */
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
void __wrap_digest_random(void *out, size_t n);

/* Seeds of hashes are chosen by the dice too, or a month would not come out the same again. */
static uint64_t dice;

void __wrap_digest_random(void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)random_next(&dice);
}

int __wrap_fsync(int fd)
{
    (void)fd;
    return 0;
}

int __wrap_fdatasync(int fd)
{
    (void)fd;
    return 0;
}

static const char *dir_of(const struct sim *s, unsigned dir)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%u", s->base, dir);
    return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* --- what leaves the process -------------------------------------------------------------------------------------- */

/* A word that leaves: the end may come just before it. True: it has come. */
static bool word(struct sim *s)
{
    if (!s->dead)
        fault_step();
    return s->dead;
}

static struct sim_shown *shown_of(struct sim *s, struct str agent)
{
    for (size_t i = 0; i < s->shown_n; i++)
        if (str_eq(s->shown[i].agent, agent))
            return &s->shown[i];
    xgrow(&s->shown, &s->shown_cap, s->shown_n + 1, sizeof *s->shown);
    s->shown[s->shown_n] = (struct sim_shown){.agent = arena_copy(&s->script.arena, agent)};
    return &s->shown[s->shown_n++];
}

static void out_agent(void *arg, const struct agent_view *v)
{
    struct sim *s = arg;
    if (word(s))
        return;
    assert_true(v->seq > s->seq);
    s->seq = v->seq;
    struct sim_shown *shown = shown_of(s, v->agent);
    shown->month = v->month;
    shown->figures = v->month_to_date;
}

static void out_effect(void *arg, const struct effect *f)
{
    struct sim *s = arg;
    if (word(s))
        return;
    if (f->kind == EFFECT_TIER) {
        lane_add(s->lane, f); /* -1: it asks again when it has room */
        return;
    }
    xgrow(&s->heard, &s->heard_cap, s->heard_n + 1, sizeof *s->heard);
    s->heard[s->heard_n++] = f->number;
    pipeline_sent(s->pipeline, f->number);
}

static void on_sent(void *arg, uint64_t number)
{
    pipeline_sent(((struct sim *)arg)->pipeline, number);
}

static void on_resend(void *arg, struct str stream, int64_t after_ms, uint64_t after_n)
{
    pipeline_resend(((struct sim *)arg)->pipeline, &(struct outbox_from){stream, after_ms, after_n});
}

static int64_t wall(void *arg)
{
    const struct sim *s = arg;
    return s->true_ms + s->skew_ms;
}

static int64_t mono(void *arg)
{
    return ((const struct sim *)arg)->true_ms;
}

/* --- beginning ----------------------------------------------------------------------------------------------------- */

static void on_cut(void *arg)
{
    struct sim *s = arg;
    s->dead = true;
}

static void make_plan(struct sim *s)
{
    /* fault_plan keeps the pointer */
    static char next[300];
    snprintf(next, sizeof next, "%s", dir_of(s, s->dir + 1));
    mkdir(next, 0700);
    s->plan = fault_plan_next((struct fault_plan){.ops = FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE | FAULT_DELETE,
                                                  .record = true,
                                                  .full = s->full_until_ms > s->true_ms,
                                                  .cut_dir = next,
                                                  .seed = random_next(&s->random),
                                                  .on_cut = on_cut,
                                                  .on_cut_arg = s});
    if (s->o.cut_at && s->lives_n + s->cuts_n == 0)
        life_doom(s, s->o.cut_at, s->o.kill);
    if (s->fulls_n == 0)
        s->plan->full_at = s->o.full_at;
    if (s->o.every_ms && (s->o.faults & (SIM_KILL | SIM_POWER)) && sim_maybe(s, 15))
        life_doom(s, 1 + sim_below(s, 150), sim_maybe(s, 50)); /* while it starts, or soon after */
}

/* How much stays in memory, and how often it is written down, is another thing in each life. */
static struct checkpoint_options checkpoint_of(struct sim *s)
{
    static const int64_t rests[] = {0, HOUR_MS, 24 * HOUR_MS, 240 * HOUR_MS};
    return (struct checkpoint_options){.events_max = 1 + sim_below(s, 400),
                                       .every_ms = 60000 + (int64_t)sim_below(s, 48 * HOUR_MS),
                                       .rest_ms = rests[sim_below(s, 4)],
                                       .memory_min = sim_below(s, 30),
                                       .journal_keep_ms = s->trims_journal ? (int64_t)sim_below(s, 48 * HOUR_MS)
                                                                           : INT64_C(10000) * 24 * HOUR_MS};
}

static struct pipeline_options options_of(struct sim *s)
{
    static const size_t groups[] = {1, 50, 1000};
    struct pipeline_options o = {.site = s->site,
                                 .store = s->store,
                                 .tz = s->script.zone.tz,
                                 .rulebooks = &s->script.rulebooks,
                                 .customer_key = script_key,
                                 .clock = {.wall_ms = wall, .mono_ms = mono, .arg = s},
                                 .out = {out_agent, out_effect, s},
                                 .writer = {.queue_max = 8, .group_max = groups[sim_below(s, 3)], .in_caller = true},
                                 .events_max = 40 + sim_below(s, 200),
                                 .checkpoint = checkpoint_of(s),
                                 .quarantine_max = SIM_QUARANTINE_MAX,
                                 .seed = random_next(&s->random),
                                 .alerts = s->o.alerts,
                                 .channels = &s->channels};
    if (s->o.tune)
        s->o.tune(&o, random_next(&s->random));
    return o;
}

static int open_shelf(struct sim *s, struct err *e)
{
    if (!s->shelved)
        return 0;
    if (shelf_seed(s->store, &s->shelf.seed, e) < 0)
        return -1;
    s->shelf_reader = shelf_reader_open(s->store, e);
    s->shelf.ask = shelf_reader_ask;
    s->shelf.arg = s->shelf_reader;
    return s->shelf_reader ? 0 : -1;
}

static int start_parts(struct sim *s, struct err *e)
{
    if (open_shelf(s, e) < 0)
        return -1;
    s->site = site_new(&(struct site_options){.tz = s->script.zone.tz,
                                              .rulebooks = &s->script.rulebooks,
                                              .shelf = s->shelved ? &s->shelf : NULL,
                                              .seed = random_next(&s->random),
                                              .rolling = s->o.alerts,
                                              .quiet_ms = SIM_QUIET_MS});
    struct pipeline_options o = options_of(s);
    s->pipeline = pipeline_new(&o);
    if (pipeline_start(s->pipeline, e) < 0)
        return -1;
    s->lane = lane_new(fake_redis_conn(&s->redis), &(struct lane_options){STR_LIT("{kefu}:"), 100000},
                       &(struct lane_handlers){on_sent, on_resend, s});
    if (s->o.alerts)
        pipeline_resend(s->pipeline, &(struct outbox_from){.after_ms = INT64_MAX}); /* as the daemon does */
    return 0;
}

void life_watch_disk(struct sim *s)
{
    if (s->plan->full_at && s->plan->full && s->fulls_n == 0) {
        s->full_until_ms = s->true_ms + MINUTE_MS;
        s->fulls_n = 1;
    }
    s->plan->full = s->full_until_ms > s->true_ms;
}

/* In the order of the daemon; of what was sent to Redis, some gets there. */
static void take_apart(struct sim *s)
{
    if (s->pipeline)
        pipeline_finish(s->pipeline);
    fake_redis_lose(&s->redis, sim_below(s, (uint32_t)s->redis.commands_n + 1));
    lane_free(s->lane);
    pipeline_free(s->pipeline);
    site_free(s->site);
    shelf_reader_free(s->shelf_reader);
    store_close(s->store);
    s->lane = NULL;
    s->pipeline = NULL;
    s->site = NULL;
    s->shelf_reader = NULL;
    s->store = NULL;
}

/* It did not start. Without room that is right, and whoever watches over it tries again. */
static void not_started(struct sim *s, const struct err *e)
{
    if (!s->plan->full)
        fail_msg("seed %llu, life %llu: %s: %s", (unsigned long long)s->o.seed, (unsigned long long)s->lives_n,
                 e->where, e->what);
    take_apart(s);
    s->up_again_ms = s->true_ms + TICK_MS;
}

void life_begin(struct sim *s)
{
    struct err e;
    mkdir(dir_of(s, s->dir), 0700);
    make_plan(s);
    dice = random_next(&s->random);
    s->dead = false;
    s->seq = 0;
    s->lane_live = false;
    s->lane_epoch = 0;
    s->tick_ms = s->true_ms;
    s->store = store_open_vfs(dir_of(s, s->dir), FAULT_VFS, &e);
    if (!s->store || start_parts(s, &e) < 0) {
        life_watch_disk(s);
        not_started(s, &e);
        return;
    }
    life_watch_disk(s);
    s->lives_n++;
}

/* --- turning ------------------------------------------------------------------------------------------------------- */

/* The daemon's look at Redis: connects, and begins anew where meta is not its own. */
static void tick(struct sim *s)
{
    s->tick_ms = s->true_ms + TICK_MS;
    if (!s->redis.reachable)
        return;
    s->redis.connected = true;
    if (!s->lane_epoch || s->redis.epoch != s->lane_epoch) {
        s->lane_epoch = s->redis.epoch = ++s->epochs_n;
        lane_set_live(s->lane, false);
        lane_start_over(s->lane);
    }
    s->lane_live = true;
    lane_set_live(s->lane, true);
}

static bool wants_tick(const struct sim *s)
{
    return !s->lane_live || s->redis.epoch != s->lane_epoch || s->redis.commands_n || lane_waiting(s->lane);
}

static bool has_more(const struct sim *s)
{
    if (pipeline_is_idle(s->pipeline))
        return false;
    struct pollfd fd = {.fd = pipeline_fd(s->pipeline), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

void life_turn(struct sim *s)
{
    int64_t wait_ms = 0;
    if (wants_tick(s) && s->tick_ms <= s->true_ms)
        tick(s);
    for (int turns = 0; !s->dead && (wait_ms == 0 || has_more(s)); turns++) {
        if (turns > TURNS_MAX)
            fail_msg("seed %llu: it never rests (asks for %lld ms; disk full: %d)", (unsigned long long)s->o.seed,
                     (long long)wait_ms, s->plan->full);
        wait_ms = pipeline_turn(s->pipeline);
        if (!s->o.every_ms || sim_maybe(s, 80))
            fake_redis_run(&s->redis);
    }
    s->turn_again_ms = s->true_ms + wait_ms;
}

int64_t life_wait_ms(struct sim *s)
{
    int64_t at_ms = s->turn_again_ms;
    if (wants_tick(s))
        at_ms = s->tick_ms < at_ms ? s->tick_ms : at_ms;
    return at_ms > s->true_ms ? at_ms - s->true_ms : 0;
}

/* --- the end ------------------------------------------------------------------------------------------------------- */

void life_doom(struct sim *s, uint64_t steps, bool kill)
{
    s->plan->kill = kill;
    s->plan->cut_at = s->plan->counted_n + steps;
}

void life_bury(struct sim *s)
{
    s->cuts_n++;
    s->kills_n += s->plan->kill;
    if (s->store)
        take_apart(s);
    nftw(dir_of(s, s->dir), remove_one, 8, FTW_DEPTH | FTW_PHYS);
    s->dir++;
    s->up_again_ms = s->true_ms + sim_below(s, 20000);
    s->dead = false;
}

void life_stop(struct sim *s)
{
    s->stops_n++;
    pipeline_close(s->pipeline);
    take_apart(s);
    s->up_again_ms = s->true_ms + sim_below(s, 20000);
    if (s->dead)
        life_bury(s); /* it was killed while it stopped */
}
