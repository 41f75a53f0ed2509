/* The simulated team's day: arrivals by the hour, shifts, and conversations that wake in the order of time.
 *
 * Keeps true: one dice, thrown in one order, so that the same options give the same bytes; times never go back. */
#include "kefu/ctl/simulation.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/heap.h"
#include "kefu/base/mem.h"
#include "kefu/ctl/chat.h"
#include "kefu/ctl/scene.h"

#define DUTY_EVERY_MS INT64_C(300000)
#define HOUR_MS       INT64_C(3600000)
#define LIVE_CHAT_MS  INT64_C(100000) /* how long a live conversation is open, about */
#define LIVE_BURST_MS INT64_C(250)

/* What a heap entry is about: a chat's slot is its index + FIRST_CHAT. */
enum { WAKE_DUTY = 0, WAKE_ARRIVAL = 1, FIRST_CHAT = 2 };

struct simulation {
    struct scene scene;
    struct simulation_options o;
    struct heap heap;
    struct chat *chats; /* owned */
    size_t chats_n, chats_cap;
    uint32_t *free; /* slots to use again; owned */
    size_t free_n, free_cap;
    int64_t arrival_ms;  /* the arrival that counts: an entry at another time is void */
    bool customer_comes; /* at arrival_ms; else only the hour ends */
    int64_t duty_ms;     /* as arrival_ms */
    int64_t live_gap_ms;
    uint32_t live_burst_n; /* customers who come at once when live traffic begins */
    int64_t speed_percent;
    uint64_t *last_sale; /* of each member, by simulation_cross_sale; owned */
    uint64_t sales_n;
    uint64_t duty_n; /* agent.status events so far: their ids */
    bool told_profiles;
};

/* Share of a day's arrivals in each local hour, of 1,000: a morning, lunch, and the rush of the evening. */
static const int64_t by_hour[24] = {12, 6,  4,  3,  3,  4,  8,  16, 30, 48,  62, 60,
                                    42, 46, 58, 60, 58, 50, 52, 70, 98, 100, 66, 44};

static void wake(struct simulation *s, int64_t at_ms, uint32_t what)
{
    heap_push(&s->heap, at_ms, what);
}

struct simulation *simulation_new(const struct simulation_options *o)
{
    assert(o->agents_n > 0 && o->per_day > 0);
    struct simulation *s = xcalloc(1, sizeof *s);
    s->o = *o;
    s->speed_percent = 100;
    struct dice name = {o->seed ^ (uint64_t)o->start_ms};
    s->scene = (struct scene){.team = xcalloc(o->agents_n, sizeof(struct teammate)),
                              .team_n = o->agents_n,
                              .dice = {o->seed},
                              .seed = o->seed,
                              .tag = (uint32_t)dice_below(&name, 0x10000),
                              .short_ids = o->short_ids,
                              .room_n = 5,
                              .number_max = o->conversations_max ? o->conversations_max : UINT64_MAX,
                              .at_ms = o->start_ms};
    s->last_sale = xcalloc(o->agents_n, sizeof *s->last_sale);
    for (uint32_t i = 0; i < o->agents_n; i++)
        team_member(&s->scene.team[i], i, o->seed, o->short_ids);
    s->duty_ms = s->arrival_ms = o->start_ms;
    wake(s, o->start_ms, WAKE_DUTY);
    wake(s, o->start_ms, WAKE_ARRIVAL);
    return s;
}

void simulation_free(struct simulation *s)
{
    if (!s)
        return;
    heap_fini(&s->heap);
    free(s->scene.team);
    free(s->chats);
    free(s->free);
    free(s->last_sale);
    free(s);
}

int64_t simulation_next_ms(const struct simulation *s)
{
    struct heap_entry next;
    return heap_peek(&s->heap, &next) ? next.at_ms : INT64_MAX;
}

static void tell_profiles(struct simulation *s)
{
    char number[16];
    for (uint32_t i = 0; i < s->scene.team_n; i++) {
        struct teammate *t = &s->scene.team[i];
        scene_begin(&s->scene, "agent.profile", 0, ++s->duty_n);
        scene_field(&s->scene, "agent", t->id);
        scene_field(&s->scene, "name", t->is.name);
        scene_field(&s->scene, "team", t->is.team);
        snprintf(number, sizeof number, "K%05u", i + 1001);
        scene_field(&s->scene, "employee_no", number);
        scene_field(&s->scene, "hired_on", i % 4 == 3 ? "2026-01-05" : "2024-07-01");
        scene_end(&s->scene);
    }
    s->told_profiles = true;
}

/* Tells who came, went to a meal, went home. Once nobody can need it any more, it stops. */
static void duty(struct simulation *s)
{
    if (!s->told_profiles)
        tell_profiles(s);
    for (uint32_t i = 0; i < s->scene.team_n; i++) {
        struct teammate *t = &s->scene.team[i];
        enum event_how status = s->scene.live ? STATUS_ONLINE : team_duty(t, s->scene.at_ms);
        if (status == t->status)
            continue;
        t->status = status;
        scene_begin(&s->scene, "agent.status", 0, ++s->duty_n);
        scene_field(&s->scene, "agent", t->id);
        scene_field(&s->scene, "status", event_how_name(status).p);
        scene_end(&s->scene);
    }
    bool over = s->arrival_ms == INT64_MAX && s->free_n == s->chats_n;
    if (!over)
        wake(s, s->duty_ms = s->scene.at_ms + DUTY_EVERY_MS, WAKE_DUTY);
}

static void schedule(struct simulation *s, uint32_t slot, int64_t delay_ms)
{
    if (s->scene.live)
        delay_ms = delay_ms * 100 / s->speed_percent;
    wake(s, s->scene.at_ms + delay_ms, slot + FIRST_CHAT);
}

static void step_chat(struct simulation *s, uint32_t slot)
{
    int64_t delay_ms = chat_step(&s->chats[slot], &s->scene);
    if (delay_ms >= 0) {
        schedule(s, slot, delay_ms);
        return;
    }
    xgrow(&s->free, &s->free_cap, s->free_n + 1, sizeof *s->free);
    s->free[s->free_n++] = slot;
}

static uint32_t new_slot(struct simulation *s)
{
    if (s->free_n > 0)
        return s->free[--s->free_n];
    xgrow(&s->chats, &s->chats_cap, s->chats_n + 1, sizeof *s->chats);
    return (uint32_t)s->chats_n++;
}

/* When the next customer comes. If that is beyond the hour, the hour's end, where it is thrown anew at the next one's rate. */
static void next_arrival(struct simulation *s)
{
    int64_t gap = 0, rest = INT64_MAX;
    if (s->scene.live) {
        int64_t mean = s->live_burst_n > 0 ? LIVE_BURST_MS : s->live_gap_ms;
        s->live_burst_n -= s->live_burst_n > 0;
        gap = dice_wait(&s->scene.dice, mean) * 100 / s->speed_percent;
    } else {
        int64_t local_ms = s->scene.at_ms + TEAM_OFFSET_MS;
        gap = dice_wait(&s->scene.dice, HOUR_MS * 1000 / (s->o.per_day * by_hour[local_ms / HOUR_MS % 24]));
        rest = HOUR_MS - local_ms % HOUR_MS;
    }
    s->customer_comes = gap < rest;
    wake(s, s->arrival_ms = s->scene.at_ms + (gap < rest ? gap : rest), WAKE_ARRIVAL);
}

static void arrive(struct simulation *s)
{
    if (s->scene.last_number >= s->scene.number_max || s->scene.at_ms >= s->o.end_ms) {
        s->arrival_ms = INT64_MAX;
        return;
    }
    if (s->customer_comes) {
        uint32_t slot = new_slot(s);
        chat_start(&s->chats[slot], &s->scene);
        step_chat(s, slot);
    }
    next_arrival(s);
}

size_t simulation_step(struct simulation *s, struct buf *out)
{
    struct heap_entry next;
    if (!heap_pop(&s->heap, &next))
        return 0;
    s->scene.at_ms = next.at_ms;
    s->scene.out = out;
    s->scene.lines_n = 0;
    if (next.what >= FIRST_CHAT)
        step_chat(s, next.what - FIRST_CHAT);
    else if (next.what == WAKE_DUTY && next.at_ms == s->duty_ms)
        duty(s);
    else if (next.what == WAKE_ARRIVAL && next.at_ms == s->arrival_ms)
        arrive(s);
    return s->scene.lines_n;
}

void simulation_go_live(struct simulation *s, int64_t at_ms, uint32_t chats_n, int64_t speed_percent)
{
    assert(chats_n > 0 && speed_percent > 0);
    s->scene.live = true;
    s->scene.room_n = 8;
    s->scene.at_ms = at_ms;
    s->live_gap_ms = LIVE_CHAT_MS / chats_n;
    s->live_burst_n = chats_n * 2 / 3;
    s->speed_percent = speed_percent;
    s->o.end_ms = INT64_MAX;
    s->scene.number_max = UINT64_MAX;
    wake(s, s->duty_ms = at_ms, WAKE_DUTY);
    wake(s, s->arrival_ms = at_ms + 1, WAKE_ARRIVAL);
}

const char *simulation_agent_id(const struct simulation *s, uint32_t i)
{
    return s->scene.team[i].id;
}

void simulation_set_mood(struct simulation *s, uint32_t i, int mood)
{
    s->scene.team[i].mood = mood;
}

bool simulation_cross_sale(struct simulation *s, uint32_t i, int64_t at_ms, bool refund, struct buf *out)
{
    if (refund && s->last_sale[i] == 0)
        return false;
    if (!refund)
        s->last_sale[i] = ++s->sales_n;
    s->scene.out = out;
    s->scene.at_ms = at_ms;
    scene_begin(&s->scene, "order", 0, ++s->duty_n);
    scene_order(&s->scene, (UINT64_C(1) << 40) + s->last_sale[i]);
    scene_field(&s->scene, "agent", s->scene.team[i].id);
    scene_field(&s->scene, "kind", "cross");
    scene_number(&s->scene, "amount_fen", 9900);
    scene_field(&s->scene, "state", refund ? "refunded" : "paid");
    scene_end(&s->scene);
    if (refund)
        s->last_sale[i] = 0;
    return true;
}
