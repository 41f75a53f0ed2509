/* Gathers one account at a time: conversations in memory, those on the shelf, orders, then in one step what changed meanwhile.
 *
 * It keeps true that an account that is handed out sums up to the site's figures at its as_of. It refuses more than a few who
 * wait, and of one person more than fewer still, and gives up on one that takes a minute. */
#include "kefu/daemon/explain.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/heat.h"
#include "kefu/store/shelf.h"

#define STEP_US     2000 /* of one turn of the loop */
#define PAUSE_US    1000 /* between two */
#define PLACES      64   /* conversations between two looks at the clock */
#define JOBS_MAX    16
#define JOBS_OF_ONE 4 /* of one asker, that are not others' as well */
#define WAITERS_MAX 64
#define KEPT_MAX    8
#define KEPT_MS     120000
#define FRESH_MS    2000 /* so old, an account serves the next who asks */
#define GIVE_UP_MS  60000
#define TRIES_MAX   3
#define HEAT_MS     60000

enum phase { PHASE_NONE = 0, PHASE_MEMORY, PHASE_SHELF, PHASE_ORDERS, PHASE_DONE };

struct waiter {
    void (*answer)(void *arg, const struct explained *x);
    void *arg;
};

struct job {
    bool is_heat;
    uint64_t asker;        /* who asked first */
    struct explained *out; /* owned; heat: NULL */
    struct heat *heat;     /* owned; else NULL */
    enum phase phase;
    uint32_t place;
    struct shelf_scan *scan;
    int64_t since, began_mono_ms;
    int tries;
    struct waiter waiters[WAITERS_MAX];
    size_t waiters_n;
};

struct kept {
    struct explained *x; /* owned */
    int64_t mono_ms;
};

struct explain {
    struct daemon *d;
    struct event *timer;
    struct job *jobs[JOBS_MAX]; /* owned; the first is under way */
    size_t jobs_n;
    struct kept kept[KEPT_MAX]; /* the newest first */
    size_t kept_n;
    int64_t heat_mono_ms;
};

static int64_t mono_of(const struct explain *x)
{
    return clock_mono_ms(&x->d->clock);
}

/* --- what is kept ------------------------------------------------------------------------------------------------- */

static void explained_free(struct explained *e)
{
    if (e) {
        account_fini(&e->account);
        free(e);
    }
}

static void drop_old(struct explain *x, size_t most)
{
    while (x->kept_n > 0 && (x->kept_n > most || mono_of(x) - x->kept[x->kept_n - 1].mono_ms > KEPT_MS)) {
        explained_free(x->kept[--x->kept_n].x);
    }
}

static void keep(struct explain *x, struct explained *e)
{
    drop_old(x, KEPT_MAX - 1);
    memmove(&x->kept[1], &x->kept[0], x->kept_n * sizeof(x->kept[0]));
    x->kept[0] = (struct kept){e, mono_of(x)};
    x->kept_n++;
}

static bool is_of(const struct account *a, const struct explain_ask *ask)
{
    return a->agent == ask->agent && a->kind == ask->kind && a->period == ask->period;
}

const struct explained *explain_find(struct explain *x, struct str snapshot, const struct explain_ask *of)
{
    drop_old(x, KEPT_MAX);
    for (size_t i = 0; i < x->kept_n; i++) {
        if (str_eq(str_of(x->kept[i].x->snapshot), snapshot) && is_of(&x->kept[i].x->account, of)) {
            return x->kept[i].x;
        }
    }
    return NULL;
}

/* --- one job ------------------------------------------------------------------------------------------------------ */

static void job_free(struct job *j)
{
    shelf_scan_close(j->scan);
    explained_free(j->out);
    heat_free(j->heat);
    free(j);
}

static int64_t first_instant(const struct explain *x, enum period_kind kind, int32_t period)
{
    return tz_at(x->d->settings->tz, kind == PERIOD_DAY ? period : civil_month_first(period), 0);
}

static struct teller teller_of(struct job *j)
{
    return j->is_heat ? heat_teller(j->heat) : account_teller(&j->out->account);
}

static int begin(struct explain *x, struct job *j)
{
    struct err e;
    j->phase = PHASE_MEMORY;
    j->place = 0;
    j->began_mono_ms = j->began_mono_ms ? j->began_mono_ms : mono_of(x);
    if (!j->is_heat) {
        site_watch(x->d->site, true);
    }
    shelf_scan_close(j->scan);
    j->scan = shelf_scan_open(x->d->store, j->since, &e);
    if (!j->scan) {
        log_line(LOG_LEVEL_ERROR, "explain", "where=\"%s\" error=\"%s\"", e.where, e.what);
        return -1;
    }
    return 0;
}

/* Only rows that name the agent can tell anything of it; the name stands in them as it is. */
static bool may_name(const struct explain *x, const struct job *j, const struct shelf_row *row)
{
    if (j->is_heat) {
        return true;
    }
    struct str id = site_agent_id(x->d->site, j->out->account.agent);
    return memmem(row->blob.p, row->blob.n, id.p, id.n) != NULL;
}

/* Some rows of the shelf. -1: it cannot be read. */
static int step_shelf(struct explain *x, struct job *j)
{
    struct teller t = teller_of(j);
    struct shelf_row row;
    struct err e = {0};
    int got = 1;
    for (int n = 0; n < PLACES && (got = shelf_scan_next(j->scan, &row, &e)) == 1; n++) {
        if (may_name(x, j, &row) && !site_tell_row(x->d->site, &row, &t)) {
            got =
                err_set(&e, "shelf", "a conversation's bytes do not fit together; put the latest backup in its place");
            break;
        }
    }
    if (got < 0) {
        log_line(LOG_LEVEL_ERROR, "explain", "where=\"%s\" error=\"%s\"", e.where, e.what);
        return -1;
    }
    if (got == 0) {
        shelf_scan_close(j->scan);
        j->scan = NULL;
        j->phase = j->is_heat ? PHASE_DONE : PHASE_ORDERS;
        j->place = 0;
    }
    return 0;
}

static int step(struct explain *x, struct job *j)
{
    struct teller t = teller_of(j);
    if (j->phase == PHASE_NONE) {
        return begin(x, j);
    }
    if (j->phase == PHASE_SHELF) {
        return step_shelf(x, j);
    }
    bool memory = j->phase == PHASE_MEMORY;
    j->place = memory ? site_tell_conversations(x->d->site, j->place, PLACES, j->since, &t)
                      : site_tell_orders(x->d->site, j->place, PLACES, j->since, &t);
    if (j->place == UINT32_MAX) {
        j->phase = memory ? PHASE_SHELF : PHASE_DONE;
    }
    return 0;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = account_at(a), y = account_at(b);
    if (x != y) {
        return x > y ? -1 : 1;
    }
    return str_cmp(((const struct account_item *)a)->key, ((const struct account_item *)b)->key);
}

static void add_up(struct explained *e)
{
    struct figures one;
    e->figures = (struct figures){0};
    for (size_t i = 0; i < e->account.n; i++) {
        account_figures(&e->account.items[i], &one);
        figures_add(&e->figures, &one, 1);
    }
}

/* Catches up with what changed and holds the sum against what is shown. False: they differ, which no test has ever seen. */
static bool finish_account(struct explain *x, struct explained *e)
{
    static const struct figures none;
    uint8_t id[(EXPLAIN_SNAPSHOT_BYTES - 1) / 2];
    account_catch_up(&e->account, x->d->site);
    site_watch(x->d->site, false);
    add_up(e);
    const struct figures *shown = site_figures(x->d->site, e->account.agent, e->account.kind, e->account.period);
    if (memcmp(&e->figures, shown ? shown : &none, sizeof(e->figures)) != 0) {
        log_line(LOG_LEVEL_ERROR, "explain", "differs=1 agent=%u period=%d", e->account.agent, e->account.period);
        return false;
    }
    if (e->account.n) {
        qsort(e->account.items, e->account.n, sizeof(*e->account.items), newest_first);
    }
    e->as_of = site_as_of(x->d->site);
    digest_random(id, sizeof(id));
    for (size_t i = 0; i < sizeof(id); i++) {
        snprintf(e->snapshot + 2 * i, 3, "%02x", id[i]);
    }
    return true;
}

static void answer(struct job *j, const struct explained *e)
{
    for (size_t i = 0; i < j->waiters_n; i++) {
        j->waiters[i].answer(j->waiters[i].arg, e);
    }
    j->waiters_n = 0;
}

static void take_off(struct explain *x)
{
    memmove(&x->jobs[0], &x->jobs[1], (x->jobs_n - 1) * sizeof(x->jobs[0]));
    x->jobs_n--;
}

/* The job is over, well or not. */
static void end(struct explain *x, struct job *j, bool well)
{
    take_off(x);
    if (!j->is_heat) {
        site_watch(x->d->site, false);
    }
    if (well && j->is_heat) {
        heat_tell(j->heat, x->d);
    } else if (well) {
        struct explained *e = j->out;
        j->out = NULL;
        keep(x, e);
        answer(j, e);
    }
    answer(j, NULL);
    job_free(j);
}

static void restart(struct job *j)
{
    account_fini(&j->out->account);
    j->phase = PHASE_NONE;
    j->tries++;
}

static void arm(struct explain *x)
{
    struct timeval soon = {0, PAUSE_US};
    if (x->jobs_n) {
        event_add(x->timer, &soon);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct explain *x = arg;
    struct job *j = x->jobs_n ? x->jobs[0] : NULL;
    struct clock machine = clock_real(); /* how long a step takes, whatever the daemon's clock says */
    int64_t until_us = clock_work_us(&machine) + STEP_US;
    int bad = 0;
    (void)fd;
    (void)what;
    while (j && !bad && j->phase != PHASE_DONE && clock_work_us(&machine) < until_us) {
        bad = step(x, j);
    }
    if (j && (bad || mono_of(x) - j->began_mono_ms > GIVE_UP_MS)) {
        end(x, j, false);
    } else if (j && j->phase == PHASE_DONE) {
        bool well = j->is_heat || finish_account(x, j->out);
        if (!well && j->tries < TRIES_MAX) {
            restart(j);
        } else {
            end(x, j, well);
        }
    }
    arm(x);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static struct job *add_job(struct explain *x)
{
    if (x->jobs_n == JOBS_MAX) {
        return NULL;
    }
    struct job *j = xcalloc(1, sizeof(*j));
    x->jobs[x->jobs_n++] = j;
    arm(x);
    return j;
}

static size_t jobs_of(const struct explain *x, uint64_t asker)
{
    size_t n = 0;
    for (size_t i = 0; i < x->jobs_n; i++) {
        n += !x->jobs[i]->is_heat && x->jobs[i]->asker == asker;
    }
    return n;
}

/* One that is there serves whoever asks the same. */
static struct job *job_for(struct explain *x, const struct explain_ask *ask)
{
    for (size_t i = 0; i < x->jobs_n; i++) {
        struct job *j = x->jobs[i];
        if (!j->is_heat && is_of(&j->out->account, ask) && j->waiters_n < WAITERS_MAX) {
            return j;
        }
    }
    struct job *j = jobs_of(x, ask->asker) < JOBS_OF_ONE ? add_job(x) : NULL;
    if (j) {
        j->asker = ask->asker;
        j->out = xcalloc(1, sizeof(*j->out));
        j->out->account.agent = ask->agent;
        j->out->account.kind = ask->kind;
        j->out->account.period = ask->period;
        j->since = first_instant(x, ask->kind, ask->period);
    }
    return j;
}

bool explain_ask(struct explain *x, const struct explain_ask *ask)
{
    drop_old(x, KEPT_MAX);
    for (size_t i = 0; i < x->kept_n; i++) {
        if (is_of(&x->kept[i].x->account, ask) && mono_of(x) - x->kept[i].mono_ms <= FRESH_MS) {
            ask->answer(ask->arg, x->kept[i].x);
            return true;
        }
    }
    struct job *j = job_for(x, ask);
    if (!j) {
        return false;
    }
    j->waiters[j->waiters_n++] = (struct waiter){ask->answer, ask->arg};
    return true;
}

void explain_want_heat(struct explain *x)
{
    if (x->heat_mono_ms && mono_of(x) - x->heat_mono_ms < HEAT_MS) {
        return;
    }
    struct job *j = add_job(x);
    if (!j) {
        return;
    }
    int32_t day = tz_day(x->d->settings->tz, site_as_of(x->d->site));
    x->heat_mono_ms = mono_of(x);
    j->is_heat = true;
    j->heat = heat_new(x->d->settings->tz, day, site_as_of(x->d->site));
    j->since = first_instant(x, PERIOD_DAY, day);
}

struct explain *explain_new(struct daemon *d)
{
    struct explain *x = xcalloc(1, sizeof(*x));
    x->d = d;
    x->timer = evtimer_new(d->base, on_timer, x);
    return x;
}

void explain_stop(struct explain *x)
{
    while (x->jobs_n) {
        end(x, x->jobs[0], false);
    }
}

void explain_free(struct explain *x)
{
    if (!x) {
        return;
    }
    explain_stop(x);
    event_free(x->timer);
    for (size_t i = 0; i < x->kept_n; i++) {
        explained_free(x->kept[i].x);
    }
    free(x);
}
