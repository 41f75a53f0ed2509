/* The February of the tests of months, and how they ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/month_adjust.h"
#include "support_months.h"

static void new_months(struct desk_of_months *d)
{
    d->m = months_new(&(struct months_options){.pipeline = d->w->p,
                                               .site = d->w->site,
                                               .store = d->w->store,
                                               .rulebooks = &d->w->rulebooks,
                                               .tz = d->w->tz,
                                               .close_days = d->close_days,
                                               .evidence_months = d->evidence_months,
                                               .unread = d->unread,
                                               .unread_arg = d->unread_arg},
                      &d->e);
    assert_non_null(d->m);
}

void open_months(struct desk_of_months *d)
{
    new_months(d);
    months_replaying(d->m, UINT64_MAX);
}

static void on_made(void *arg)
{
    new_months(arg);
}

static void on_replaying(void *arg, uint64_t seq)
{
    months_replaying(((struct desk_of_months *)arg)->m, seq);
}

void open_world(struct desk_of_months *d)
{
    d->w->made = on_made;
    d->w->replaying = on_replaying;
    d->w->made_arg = d;
    world_open(d->w);
}

void close_world(struct desk_of_months *d)
{
    months_free(d->m);
    d->m = NULL;
    world_close(d->w);
}

void say(struct batch *b, const char *agent, const char *id, int64_t ts)
{
    char ask[40], chat[40];
    snprintf(ask, sizeof ask, "q%s", id);
    snprintf(chat, sizeof chat, "c%s", id);
    struct str key = arena_copy(&b->arena, str_of(chat));
    struct event *q = world_message(b, ask, ts, FROM_CUSTOMER);
    q->subject = key;
    struct event *a = world_message(b, id, ts + 10000, FROM_AGENT);
    a->subject = key;
    a->strs[EVENT_AGENT] = str_of(agent);
    struct event *r = world_add(b, EVENT_RESOLVED, "", ts + 20000);
    snprintf(ask, sizeof ask, "r%s", id);
    r->id = arena_copy(&b->arena, str_of(ask));
    r->subject = key;
    r->how = BY_AGENT;
    r->strs[EVENT_AGENT] = str_of(agent);
}

void profile(struct batch *b, const char *agent, const char *id, int64_t ts, const char *team)
{
    struct event *p = world_add(b, EVENT_PROFILE, id, ts);
    p->subject = str_of(agent);
    p->strs[EVENT_TEAM] = str_of(team);
}

/* February: amy answers once and moves from east to west; bob only has a profile; cai left in January; dan is hired in March. */
static void live_february(struct world *w)
{
    struct batch *b = world_batch(w);
    profile(b, "amy", "p1", T0 - 40 * DAY, "east");
    profile(b, "amy", "p2", T0 + DAY, "west");
    profile(b, "bob", "p3", T0, "east");
    profile(b, "cai", "p4", T0 - 50 * DAY, "east");
    profile(b, "dan", "p6", T0 + DAY, "east");
    b->events[3].strs[EVENT_LEFT_ON] = STR_LIT("2026-01-31");
    b->events[4].strs[EVENT_HIRED_ON] = STR_LIT("2026-03-01");
    say(b, "amy", "m1", T0);
    world_submit(w, b);
    w->now_ms = T0 + 2 * DAY;
    world_run(w);
    batch_free(b);
}

int months_setup(void **state)
{
    struct desk_of_months *d = xcalloc(1, sizeof *d);
    void *w = NULL;
    world_setup(&w);
    d->w = w;
    open_months(d);
    live_february(d->w);
    *state = d;
    return 0;
}

int months_teardown(void **state)
{
    struct desk_of_months *d = *state;
    void *w = d->w;
    months_free(d->m);
    world_teardown(&w);
    free(d);
    return 0;
}

static void on_done(void *arg, const struct book_entry *entry)
{
    struct desk_of_months *d = arg;
    d->done_n++;
    d->durable_n += entry != NULL;
    if (entry)
        snprintf(d->head, sizeof d->head, "%.*s", STR_ARG(entry->sha256));
}

struct month_act act_of(struct desk_of_months *d, int32_t month, const char *reason)
{
    return (struct month_act){
        .month = month, .actor = STR_LIT("li"), .reason = str_of(reason), .done = on_done, .arg = d};
}

void see(struct desk_of_months *d, struct month_act *act)
{
    struct month_differences all;
    struct err e;
    act->has_seen = true;
    if (month_differences(d->m, act->month, &all, &e) == 0)
        for (size_t i = 0; i < all.n; i++)
            if (str_eq(all.list[i].now.agent, act->agent))
                act->seen_fen = all.list[i].difference_fen;
    month_differences_free(&all);
}

enum month_outcome close_month(struct desk_of_months *d, int32_t month)
{
    struct month_act act = act_of(d, month, NULL);
    enum month_outcome out = months_close(d->m, &act, &d->e);
    world_run(d->w);
    return out;
}

enum month_outcome reopen_month(struct desk_of_months *d, int32_t month, const char *reason)
{
    struct month_act act = act_of(d, month, reason);
    enum month_outcome out = months_reopen(d->m, &act, &d->e);
    world_run(d->w);
    return out;
}
