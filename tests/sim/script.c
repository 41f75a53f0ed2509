/* Scripts: see script.h. A contradiction is its line with a later time stamp. */
#include "script.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"
#include "kefu/ctl/simulation.h"
#include "kefu/rules/seed.h"
#include "../unit/support_random.h"

#define DAY_MS INT64_C(86400000)

const uint8_t script_key[DIGEST_KEY_BYTES] = "a month's secret";

static void begin(struct script *s, const char *zone)
{
    struct err e;
    digest_start();
    *s = (struct script){.zone = {.name = zone}};
    s->zone.tz = tz_load(str_of(zone), &e);
    s->seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &e);
    assert(s->zone.tz && s->seed);
}

static void decode(struct script *s, struct line *l)
{
    struct batch *b = batch_new(STR_LIT("script"), NULL, NULL);
    decode_one(b, l->json,
               &(struct decode_context){.now_ms = INT64_MAX,
                                        .rulebook = s->rulebooks.list[0],
                                        .customer_key = script_key,
                                        .default_source = STR_LIT("default")});
    l->bad = b->events_n == 0;
    if (!l->bad)
        l->event = event_copy(&b->events[0], &s->arena);
    batch_free(b);
}

size_t script_add(struct script *s, struct str json)
{
    xgrow(&s->lines, &s->cap, s->n + 1, sizeof *s->lines);
    s->lines[s->n] = (struct line){.json = arena_copy(&s->arena, json), .denies = SIZE_MAX};
    decode(s, &s->lines[s->n]);
    return s->n++;
}

static void add_all(struct script *s, struct str lines)
{
    while (lines.n) {
        const char *end = memchr(lines.p, '\n', lines.n);
        size_t n = end ? (size_t)(end - lines.p) : lines.n;
        size_t at = script_add(s, (struct str){lines.p, n});
        assert(!s->lines[at].bad);
        (void)at;
        n += end != NULL;
        lines = (struct str){lines.p + n, lines.n - n};
    }
}

/* The seed's tiers, by the first kpis_n of its KPIs, and so that few conversations are enough for a tier. */
static void make_quick(struct rulebook *to, const struct rulebook *seed, size_t kpis_n)
{
    for (size_t i = 0; i < seed->kpis_n; i++)
        seed->kpis[i].min_samples = 1;
    to->kpis = seed->kpis;
    to->kpis_n = kpis_n;
    to->tiers = seed->tiers;
    to->tiers_n = seed->tiers_n;
    to->hysteresis_milli = seed->hysteresis_milli;
    to->dwell_ms = seed->dwell_ms;
    to->tier_min_handled = 1;
}

void script_shop(struct script *s, uint64_t seed, int64_t per_day)
{
    struct buf out = {0};
    begin(s, "Asia/Shanghai");
    make_quick(s->seed, s->seed, s->seed->kpis_n);
    s->rulebooks = (struct rulebooks){{s->seed}, 1};
    s->from = tz_at(s->zone.tz, civil_day(2026, 3, 1), 0);
    s->end = tz_at(s->zone.tz, civil_day(2026, 4, 1), 0);
    struct simulation *shop = simulation_new(&(struct simulation_options){
        .seed = seed, .start_ms = s->from, .end_ms = s->end - DAY_MS / 24, .per_day = per_day, .agents_n = 4});
    while (simulation_next_ms(shop) < s->end + DAY_MS)
        simulation_step(shop, &out);
    simulation_free(shop);
    add_all(s, buf_str(&out));
    buf_fini(&out);
}

void script_story(struct script *s, uint64_t seed, size_t n)
{
    struct support_random r = {seed};
    struct buf json = {0};
    begin(s, seed % 2 ? "Asia/Shanghai" : "Europe/Berlin");
    story_init(&s->story, &r, &s->zone, n);
    s->rulebooks = s->story.rulebooks;
    for (size_t i = 0; i < s->rulebooks.n; i++)
        make_quick(s->story.books[i], s->seed, 2);
    s->from = s->story.from;
    s->end = s->story.end;
    for (size_t i = 0; i < n; i++) {
        json.n = 0;
        event_print_json(&json, &s->story.events[i]);
        size_t at = script_add(s, buf_str(&json));
        if (s->lines[at].bad)
            s->n--; /* it points at itself, or the like: the door has an opinion of its own */
    }
    buf_fini(&json);
}

void script_empty(struct script *s)
{
    begin(s, "Asia/Shanghai");
    make_quick(s->seed, s->seed, s->seed->kpis_n);
    s->rulebooks = (struct rulebooks){{s->seed}, 1};
    s->from = tz_at(s->zone.tz, civil_day(2026, 3, 2), 600);
    s->end = s->from;
}

static void add_denial(struct script *s, size_t of)
{
    struct buf json = {0};
    struct str was = s->lines[of].json;
    const char *ts = strstr(was.p, "\"ts\":");
    assert(ts);
    ts += strlen("\"ts\":");
    char *rest;
    long long at = strtoll(ts, &rest, 10);
    buf_put(&json, was.p, (size_t)(ts - was.p));
    buf_printf(&json, "%lld", at + 7);
    buf_put(&json, rest, was.n - (size_t)(rest - was.p));
    size_t n = script_add(s, buf_str(&json));
    s->lines[n].denies = of;
    buf_fini(&json);
}

static void add_garbage(struct script *s, size_t near)
{
    char json[64];
    snprintf(json, sizeof json, "{\"id\":\"bad%zu\",\"ts\":%zu,\"type\":\"noise\"}", s->n, near);
    size_t n = script_add(s, str_of(json));
    assert(s->lines[n].bad);
    s->lines[n].event.ts = s->lines[near].event.ts; /* when it is sent */
}

void script_spoil(struct script *s, uint64_t *random, uint32_t percent)
{
    size_t n = s->n;
    for (size_t i = 0; i < n; i++) {
        if (random_next(random) % 100 >= percent)
            continue;
        add_denial(s, i);
        add_garbage(s, i);
    }
}

void script_fini(struct script *s)
{
    if (s->story.n)
        story_fini(&s->story);
    rulebook_free(s->seed);
    tz_free(s->zone.tz);
    arena_fini(&s->arena);
    free(s->lines);
    *s = (struct script){0};
}
