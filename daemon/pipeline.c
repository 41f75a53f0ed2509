/* The one file that knows the order of things.
 *
 * Keeps true: an event is folded and answered only when its commit has come back; a batch is wholly taken or wholly refused;
 * the rules see only durable state, and what they decide is told outside only when it is durable too. One commit of our own
 * (memory, outbox, marks, late quarantine rows: the "desk") is under way at a time; batches fly in any number up to the
 * bound. It refuses batches when closed or full, nothing else. */
#include "kefu/daemon/pipeline.h"

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/alerts.h"
#include "kefu/daemon/desk.h"
#include "kefu/daemon/flight.h"
#include "kefu/daemon/judge.h"
#include "kefu/daemon/outbox.h"
#include "kefu/daemon/recovery.h"
#include "kefu/daemon/retry.h"

#define FOLDS_A_TURN      20000 /* events; more wait for the next turn, so that the loop stays live */
#define SITE_STEPS_A_TURN 1000  /* subjects run again; a few milliseconds */
#define RULES_EVERY_MS    20    /* looks are gathered under load; the first after a rest is at once */
#define FULL_PAUSE_MS     1000  /* between tries of our own while the disk is full */
#define LONGEST_WAIT_MS   60000 /* so that a wall clock that was set is noticed */

struct pipeline {
    struct ingest ingest; /* first: collectors hold its address */
    struct pipeline_options o;
    struct writer *writer;
    struct quarantine *quarantine;
    struct judge *judge;
    struct alerts *alerts; /* NULL: nobody wants any */
    struct outbox *outbox;
    struct sources *sources;
    struct checkpoint *checkpoint;
    struct retry retry;
    struct desk desk;
    struct batch **settled; /* to be answered this turn */
    size_t settled_n, settled_cap;
    size_t flying_n, flying_events_n;
    bool open;
    int32_t month;
    int64_t site_due_ms;
    int64_t rules_mono_ms; /* not before */
    int64_t full_mono_ms;  /* no desk before */
    bool found_full;       /* by the last commit */
};

static int64_t now_of(const struct pipeline *p)
{
    return clock_wall_ms(&p->o.clock);
}

static int64_t mono_of(const struct pipeline *p)
{
    return clock_mono_ms(&p->o.clock);
}

/* The site's time never goes back, whatever the wall clock does. */
static int64_t site_now(const struct pipeline *p)
{
    int64_t now_ms = now_of(p), as_of = site_as_of(p->o.site);
    return now_ms > as_of ? now_ms : as_of;
}

/* --- to the disk ------------------------------------------------------------------------------------------------- */

static void settle(struct pipeline *p, struct batch *b, enum batch_result result)
{
    b->result = result;
    xgrow(&p->settled, &p->settled_cap, p->settled_n + 1, sizeof(struct batch *));
    p->settled[p->settled_n++] = b;
}

/* The flight did not get to the disk: its batch is as it came. */
static void abandon(struct pipeline *p, struct flight *f)
{
    flight_undo(f, p->quarantine);
    for (size_t i = 0; i < f->commit.quarantine_drop_n; i++) {
        if (f->drops[i] != f->batch->retry_of) {
            desk_add_drops(&p->desk, &f->drops[i], 1);
        }
    }
}

/* A conflict with an event that was under way at the same time: the answer need not wait for its row. */
static void keep_late(void *arg, const struct batch *b, const struct refusal *r)
{
    struct pipeline *p = arg;
    struct arena arena = {0};
    struct quarantined row;
    if (quarantine_add(p->quarantine, &(struct refused){b, r, now_of(p)}, &arena, &row)) {
        desk_add_row(&p->desk, &row);
        uint64_t gone = quarantine_overflow(p->quarantine, site_kept_ms(p->o.site)); /* one more may be too many */
        desk_add_drops(&p->desk, &gone, gone != 0);
    }
    arena_fini(&arena);
}

static void flight_back(struct commit *c)
{
    struct flight *f = (struct flight *)c;
    struct pipeline *p = c->owner;
    struct batch *b = f->batch;
    bool durable = c->result == COMMIT_DONE;
    p->flying_n--;
    p->flying_events_n -= b->events_n;
    if (durable) {
        flight_land(f, &(struct landing){p->o.site, p->sources, now_of(p), keep_late, p});
        if (c->events_n) {
            checkpoint_folded(p->checkpoint, c->first_seq + c->events_n - 1);
        }
        for (size_t i = 0; p->alerts && i < c->events_n; i++) {
            alerts_act(p->alerts, c->events[i]);
        }
        quarantine_drop(p->quarantine, b->retry_of);
    } else {
        abandon(p, f);
    }
    p->found_full = !durable;
    settle(p, b, durable ? BATCH_STORED : BATCH_FULL);
    flight_free(f);
}

static bool has_room(const struct pipeline *p, const struct batch *b)
{
    return p->open && (p->flying_n == 0 || p->flying_events_n + b->events_n <= p->o.events_max);
}

static int submit(struct ingest *in, struct batch *b)
{
    struct pipeline *p = (struct pipeline *)in;
    if (!has_room(p, b)) {
        return -1;
    }
    struct flight *f = flight_new(b, p->o.site, p->quarantine, now_of(p));
    f->commit.back = flight_back;
    f->commit.owner = p;
    if (!flight_has_work(f)) {
        flight_free(f);
        settle(p, b, BATCH_STORED);
        return 0;
    }
    if (writer_push(p->writer, &f->commit) < 0) {
        abandon(p, f);
        flight_free(f);
        return -1;
    }
    p->flying_n++;
    p->flying_events_n += b->events_n;
    return 0;
}

/* --- and back ---------------------------------------------------------------------------------------------------- */

/* Folds what has come back durable. True: there is more. */
static bool take_commits(struct pipeline *p)
{
    size_t folded_n = 0;
    while (folded_n < FOLDS_A_TURN) {
        struct commit *c = writer_take(p->writer);
        if (!c) {
            return false;
        }
        folded_n += c->events_n + 1;
        c->back(c);
    }
    return true;
}

/* Gives batches back; a collector may hand in the next one from there. */
static void answer(struct pipeline *p)
{
    struct batch **list = p->settled;
    size_t n = p->settled_n;
    p->settled = NULL;
    p->settled_n = p->settled_cap = 0;
    for (size_t i = 0; i < n; i++) {
        list[i]->done(list[i]);
    }
    free(list);
}

static void show(struct pipeline *p, uint32_t agent)
{
    struct agent_view v;
    uint64_t seq;
    if (!numbering_take(&p->desk.numbers, &seq)) {
        judge_mark(p->judge, agent); /* again when a reservation is durable */
        return;
    }
    pipeline_view(p, agent, &v);
    p->o.out.agent(p->o.out.arg, &v);
}

static void publish_desk(struct pipeline *p)
{
    const struct judgement *g = &p->desk.judgement;
    for (size_t i = 0; i < g->effects_n; i++) {
        p->o.out.effect(p->o.out.arg, outbox_add(p->outbox, &g->effects[i]));
    }
    for (size_t i = 0; i < g->decided_n; i++) {
        show(p, g->decided[i]);
    }
}

static void desk_back(struct commit *c)
{
    struct pipeline *p = c->owner;
    bool durable = c->result == COMMIT_DONE;
    judge_settle(p->judge, &p->desk.judgement, durable);
    p->found_full = !durable;
    if (durable) {
        publish_desk(p);
    } else {
        p->full_mono_ms = mono_of(p) + FULL_PAUSE_MS;
    }
    desk_settle(&p->desk, p->outbox, durable);
}

/* --- the rules' turn --------------------------------------------------------------------------------------------- */

static void mark_changed(struct pipeline *p)
{
    size_t n;
    const uint32_t *dirty = site_dirty(p->o.site, &n);
    for (size_t i = 0; i < n; i++) {
        judge_mark(p->judge, dirty[i]);
    }
    site_clean(p->o.site);
}

static void turn_month(struct pipeline *p)
{
    int32_t month = civil_month(tz_day(p->o.tz, site_as_of(p->o.site)));
    if (month != p->month) {
        p->month = month;
        judge_mark_all(p->judge);
    }
}

static bool desk_is_due(const struct pipeline *p)
{
    return judge_is_due(p->judge, now_of(p)) || desk_has_pile(&p->desk) || outbox_has_sent(p->outbox);
}

/* Rules look, memory and outbox go to the disk; who needs neither is shown at once. */
static void send_desk(struct pipeline *p)
{
    struct desk *d = &p->desk;
    judge_run(p->judge, p->month, now_of(p), &d->judgement);
    for (size_t i = 0; i < d->judgement.unchanged_n; i++) {
        show(p, d->judgement.unchanged[i]);
    }
    if (!desk_fill(d, p->outbox, now_of(p))) {
        judge_settle(p->judge, &(struct judgement){0}, true);
        return;
    }
    d->commit.back = desk_back;
    d->commit.owner = p;
    if (writer_push(p->writer, &d->commit) < 0) {
        d->commit.result = COMMIT_FULL;
        desk_back(&d->commit);
    }
}

static void run_rules(struct pipeline *p)
{
    int64_t mono_ms = mono_of(p);
    mark_changed(p);
    turn_month(p);
    if (p->desk.is_out || mono_ms < p->rules_mono_ms || mono_ms < p->full_mono_ms || !desk_is_due(p)) {
        return;
    }
    p->rules_mono_ms = mono_ms + RULES_EVERY_MS;
    send_desk(p);
}

/* --- a turn ------------------------------------------------------------------------------------------------------- */

static int64_t sooner(int64_t wait_ms, int64_t at_ms, int64_t now_ms)
{
    int64_t in_ms = at_ms <= now_ms ? 0 : at_ms - now_ms;
    return in_ms < wait_ms ? in_ms : wait_ms;
}

static int64_t wait_of(struct pipeline *p)
{
    int64_t now_ms = now_of(p), mono_ms = mono_of(p);
    int64_t wait_ms = sooner(LONGEST_WAIT_MS, tz_at(p->o.tz, civil_month_first(p->month + 1), 0), now_ms);
    int64_t rest_ms = p->rules_mono_ms > p->full_mono_ms ? p->rules_mono_ms : p->full_mono_ms;
    wait_ms = sooner(wait_ms, p->site_due_ms, site_now(p));
    wait_ms = sooner(wait_ms, checkpoint_due_ms(p->checkpoint), mono_ms);
    if (p->open) {
        wait_ms = sooner(wait_ms, quarantine_due_ms(p->quarantine), now_ms);
    }
    if (!p->desk.is_out && desk_is_due(p)) {
        wait_ms = sooner(wait_ms, rest_ms, mono_ms);
    } else if (!p->desk.is_out) {
        wait_ms = sooner(wait_ms, judge_due_ms(p->judge), now_ms);
    }
    return p->settled_n ? 0 : wait_ms;
}

int64_t pipeline_turn(struct pipeline *p)
{
    bool more = take_commits(p);
    answer(p);
    if (p->open) {
        retry_due(&p->retry);
    }
    p->site_due_ms = site_advance(p->o.site, site_now(p), SITE_STEPS_A_TURN);
    if (!p->alerts || !alerts_has_acts(p->alerts)) { /* whose outcome would be in no row and behind the cut */
        checkpoint_turn(p->checkpoint, &(struct checkpoint_now){now_of(p), mono_of(p), p->writer, &p->o.clock});
    }
    run_rules(p);
    return more ? 0 : wait_of(p);
}

/* --- start and end ------------------------------------------------------------------------------------------------ */

static int recover(struct pipeline *p, struct err *e)
{
    struct recovery r = {.store = p->o.store,
                         .site = p->o.site,
                         .sources = p->sources,
                         .checkpoint = p->checkpoint,
                         .alerts = p->alerts,
                         .outbox = p->outbox,
                         .rulebooks = p->o.rulebooks,
                         .quarantine_max = p->o.quarantine_max,
                         .beside = !p->o.writer.in_caller,
                         .now_ms = now_of(p),
                         .progress = p->o.progress,
                         .progress_arg = p->o.progress_arg,
                         .replaying = p->o.replaying,
                         .replaying_arg = p->o.replaying_arg};
    if (recovery_run(&r, &p->judge, &p->quarantine, e) < 0) {
        return -1;
    }
    p->retry = (struct retry){&p->ingest, p->quarantine};
    for (uint64_t gone; (gone = quarantine_overflow(p->quarantine, site_kept_ms(p->o.site)));) {
        desk_add_drops(&p->desk, &gone, 1);
    }
    return 0;
}

int pipeline_start(struct pipeline *p, struct err *e)
{
    if (recover(p, e) < 0 || numbering_start(&p->desk.numbers, p->o.store, now_of(p), e) < 0) {
        return -1;
    }
    pipeline_catch_up(p);
    p->month = civil_month(tz_day(p->o.tz, site_as_of(p->o.site)));
    judge_mark_all(p->judge);
    p->writer = writer_start(p->o.store, &p->o.writer);
    p->open = true;
    return 0;
}

static int64_t ingest_now(struct ingest *in)
{
    return now_of((struct pipeline *)in);
}

static const struct rulebook *ingest_rulebook(struct ingest *in)
{
    struct pipeline *p = (struct pipeline *)in;
    return rulebooks_for_day(p->o.rulebooks, tz_day(p->o.tz, now_of(p)));
}

struct pipeline *pipeline_new(const struct pipeline_options *o)
{
    struct pipeline *p = xcalloc(1, sizeof(*p));
    p->o = *o;
    p->ingest = (struct ingest){submit, ingest_now, ingest_rulebook, o->customer_key};
    p->outbox = outbox_new();
    p->sources = sources_new(o->seed, o->tz);
    p->checkpoint = checkpoint_new(o->site, p->sources, &p->o.checkpoint);
    p->rules_mono_ms = p->full_mono_ms = INT64_MIN;
    if (o->alerts) {
        struct alerts_options a = {o->site,        o->rulebooks, o->tz,  p->sources,
                                   &p->quarantine, o->channels,  o->own, o->own_arg};
        p->alerts = alerts_new(&a);
    }
    return p;
}

void pipeline_close(struct pipeline *p)
{
    p->open = false;
}

bool pipeline_is_idle(const struct pipeline *p)
{
    return p->flying_n == 0 && p->settled_n == 0 && !p->desk.is_out && !desk_is_due(p) &&
           checkpoint_is_idle(p->checkpoint);
}

void pipeline_finish(struct pipeline *p)
{
    p->open = false;
    if (!p->writer) {
        return;
    }
    writer_finish(p->writer);
    while (take_commits(p)) {
    }
    answer(p);
    writer_free(p->writer);
    p->writer = NULL;
}

void pipeline_free(struct pipeline *p)
{
    if (!p) {
        return;
    }
    pipeline_finish(p);
    quarantine_free(p->quarantine);
    judge_free(p->judge);
    alerts_free(p->alerts);
    outbox_free(p->outbox);
    checkpoint_free(p->checkpoint);
    sources_free(p->sources);
    desk_fini(&p->desk);
    free(p->settled);
    free(p);
}

/* --- for others --------------------------------------------------------------------------------------------------- */

int pipeline_fd(const struct pipeline *p)
{
    return writer_fd(p->writer);
}

int64_t pipeline_silent_ms(const struct pipeline *p)
{
    return writer_silent_ms(p->writer, mono_of(p));
}

struct ingest *pipeline_ingest(struct pipeline *p)
{
    return &p->ingest;
}

int pipeline_commit(struct pipeline *p, struct commit *c)
{
    c->at_ms = now_of(p);
    return p->open ? writer_push(p->writer, c) : -1;
}

int pipeline_retry(struct pipeline *p, uint64_t row, void (*done)(struct batch *), void *owner, struct err *e)
{
    return retry_row(&p->retry, row, done, owner, e);
}

void pipeline_sent(struct pipeline *p, uint64_t number)
{
    outbox_sent(p->outbox, number);
}

void pipeline_rejudge(struct pipeline *p)
{
    judge_mark_all(p->judge);
}

void pipeline_resend(struct pipeline *p, const struct outbox_from *from)
{
    outbox_each(p->outbox, from, p->o.out.effect, p->o.out.arg);
}

void pipeline_catch_up(struct pipeline *p)
{
    p->site_due_ms = site_advance(p->o.site, site_now(p), SIZE_MAX);
}

const struct site *pipeline_site(const struct pipeline *p)
{
    return p->o.site;
}

const struct quarantine *pipeline_quarantine(const struct pipeline *p)
{
    return p->quarantine;
}

struct alerts *pipeline_alerts(const struct pipeline *p)
{
    return p->alerts;
}

bool pipeline_is_full(const struct pipeline *p)
{
    return p->found_full;
}

struct checkpoint *pipeline_checkpoint(struct pipeline *p)
{
    return p->checkpoint;
}

const struct sources *pipeline_sources(const struct pipeline *p)
{
    return p->sources;
}

int32_t pipeline_month(const struct pipeline *p)
{
    return p->month;
}

const struct rulebook *pipeline_rulebook(const struct pipeline *p)
{
    return rulebooks_for_day(p->o.rulebooks, civil_month_first(p->month));
}

size_t pipeline_backlog(const struct pipeline *p)
{
    return outbox_unsent_n(p->outbox);
}

void pipeline_view(struct pipeline *p, uint32_t agent, struct agent_view *out)
{
    judge_view(p->judge, agent, p->month, p->desk.numbers.last, out);
}

void pipeline_show_all(struct pipeline *p)
{
    for (uint32_t agent = 1; agent <= site_agents_n(p->o.site); agent++) {
        show(p, agent);
    }
}
