/* A week of a shop by the default rules: quiet while all is well, and each of twenty incidents heard of in time, nothing else.
 *
 * Twenty agents in four teams, open 09:00 to 22:00, answer within 18 s. The incidents and the week are of a fixed seed
 * (KEFU_SEED: another). Everything runs through the site, the judge and the alerts as in the daemon, under the clock of the
 * history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/alert_replay.h"
#include "kefu/rules/seed.h"
#include "support_site.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define MONDAY INT64_C(1772380800000) /* 2026-03-02 00:00 in Shanghai */
#define AGENTS 20
#define TEAMS  4
#define PACE   (20 * MINUTE) /* between two conversations of an agent */

struct week {
    struct arena arena;
    struct event *events; /* owned */
    size_t n, cap;
    uint32_t next_id;
    struct support_random random;
};

static struct event *add(struct week *w, enum event_type type, int64_t ts, const char *subject)
{
    char id[24];
    snprintf(id, sizeof id, "e%u", w->next_id++);
    xgrow(&w->events, &w->cap, w->n + 1, sizeof *w->events);
    struct event *e = &w->events[w->n++];
    *e = (struct event){.type = type,
                        .ts = ts,
                        .source = STR_LIT("shop"),
                        .id = arena_copy(&w->arena, str_of(id)),
                        .subject = arena_copy(&w->arena, str_of(subject))};
    return e;
}

static struct str agent_id(struct week *w, int agent)
{
    char id[24];
    snprintf(id, sizeof id, "agent%d", agent);
    return arena_copy(&w->arena, str_of(id));
}

/* A conversation whose every answer takes so long; returns its end. */
struct chat {
    int agent;
    int64_t at, answer_ms;
    int rounds, stars; /* stars 0: no rating */
    int64_t stays_ms;  /* open behind the last answer */
    int64_t queue_ms;  /* nobody's at first */
};

static int64_t chat(struct week *w, const struct chat *c)
{
    char name[32];
    int64_t t = c->at;
    snprintf(name, sizeof name, "c%u", w->next_id);
    if (!c->queue_ms)
        add(w, EVENT_ASSIGNED, t, name)->strs[EVENT_AGENT] = agent_id(w, c->agent);
    w->events[w->n - 1].how = BY_SYSTEM;
    for (int k = 0; k < c->rounds; k++) {
        add(w, EVENT_MESSAGE, t, name)->how = FROM_CUSTOMER;
        if (k == 0 && c->queue_ms) {
            t += c->queue_ms;
            struct event *e = add(w, EVENT_ASSIGNED, t, name);
            e->strs[EVENT_AGENT] = agent_id(w, c->agent);
            e->how = BY_SYSTEM;
        }
        t += c->answer_ms ? c->answer_ms : 4 * SECOND + support_below(&w->random, 14) * SECOND;
        struct event *e = add(w, EVENT_MESSAGE, t, name);
        e->how = FROM_AGENT;
        e->strs[EVENT_AGENT] = agent_id(w, c->agent);
        t += 20 * SECOND;
    }
    t += c->stays_ms;
    struct event *e = add(w, EVENT_RESOLVED, t, name);
    e->how = BY_AGENT;
    e->strs[EVENT_AGENT] = agent_id(w, c->agent);
    if (c->stars) {
        e = add(w, EVENT_RATING, t + 5 * SECOND, name);
        e->score_milli = c->stars * 1000;
        e->scale = 5;
    }
    return t;
}

/* Nothing new begins from so long before a silence to its end. */
static bool is_silent(int64_t at, const int64_t *silences, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (at > silences[i] - 10 * MINUTE && at < silences[i] + 40 * MINUTE)
            return true;
    return false;
}

static void status(struct week *w, int agent, int64_t at, enum event_how how)
{
    char id[24];
    snprintf(id, sizeof id, "agent%d", agent);
    add(w, EVENT_STATUS, at, id)->how = how;
}

static void usual_day(struct week *w, int64_t midnight, int agent, const int64_t *silences, size_t silences_n)
{
    int64_t at = midnight + 9 * HOUR + support_below(&w->random, 10) * MINUTE, end = midnight + 22 * HOUR - 20 * MINUTE;
    status(w, agent, midnight + 9 * HOUR, STATUS_ONLINE);
    while (at < end) {
        int stars = support_below(&w->random, 10) < 3 ? 4 + (int)support_below(&w->random, 2) : 0;
        if (!is_silent(at, silences, silences_n))
            chat(w, &(struct chat){.agent = agent, .at = at, .rounds = 3, .stars = stars});
        at += PACE / 2 + support_below(&w->random, (uint32_t)(PACE / SECOND)) * SECOND;
    }
    status(w, agent, midnight + 22 * HOUR, STATUS_OFFLINE);
}

/* --- incidents ---------------------------------------------------------------------------------------------------- */

struct incident {
    const char *rule, *subject;
    int64_t at;        /* it begins */
    int64_t within_ms; /* it must be heard of */
    int64_t over_ms;   /* whatever follows from it is over */
};

#define AT(day, hour, minute) (MONDAY + (day)*DAY + (hour)*HOUR + (minute)*MINUTE)

static const int64_t silences[] = {AT(2, 15, 0), AT(5, 11, 0)};
enum { SILENCES = sizeof silences / sizeof *silences };

static const struct incident incidents[] = {
    {"wait_lead", "agent3", AT(0, 10, 7), 31 * SECOND, 10 * MINUTE},
    {"wait_lead", "agent7", AT(0, 14, 11), 31 * SECOND, 10 * MINUTE},
    {"wait_lead", "agent11", AT(1, 9, 40), 31 * SECOND, 10 * MINUTE},
    {"wait_lead", "agent2", AT(3, 20, 3), 31 * SECOND, 10 * MINUTE},
    {"wait_critical", "agent5", AT(1, 16, 2), 181 * SECOND, 12 * MINUTE},
    {"wait_critical", "agent18", AT(6, 13, 37), 181 * SECOND, 12 * MINUTE},
    {"wait_queue", "", AT(0, 18, 30), 31 * SECOND, 5 * MINUTE},
    {"wait_queue", "", AT(4, 12, 15), 31 * SECOND, 5 * MINUTE},
    {"response_team", "team1", AT(2, 10, 0), 16 * MINUTE, 60 * MINUTE},
    {"response_team", "team3", AT(4, 17, 0), 16 * MINUTE, 60 * MINUTE},
    {"open_many", "agent9", AT(1, 11, 30), 2 * MINUTE, 15 * MINUTE},
    {"open_many", "agent0", AT(6, 19, 10), 2 * MINUTE, 15 * MINUTE},
    {"bad_rating", "agent4", AT(0, 20, 30), 1 * MINUTE, 2 * HOUR},
    {"bad_rating", "agent14", AT(3, 11, 21), 1 * MINUTE, 2 * HOUR},
    {"bad_rating", "agent4", AT(5, 17, 5), 1 * MINUTE, 2 * HOUR},
    {"away", "agent6", AT(2, 19, 0), 6 * MINUTE, 20 * MINUTE},
    {"away", "agent12", AT(5, 14, 0), 6 * MINUTE, 20 * MINUTE},
    {"source_silent", "shop", AT(2, 15, 0), 36 * MINUTE, 60 * MINUTE},
    {"source_silent", "shop", AT(5, 11, 0), 36 * MINUTE, 60 * MINUTE},
    {"share_agent", "agent16", AT(3, 15, 0), 20 * MINUTE, 100 * MINUTE},
};
enum { INCIDENTS = sizeof incidents / sizeof *incidents };

static bool is(const struct incident *i, const char *rule)
{
    return strcmp(i->rule, rule) == 0;
}

static void inject(struct week *w, const struct incident *i)
{
    int agent = strncmp(i->subject, "agent", 5) == 0 ? (int)strtol(i->subject + 5, NULL, 10) : 1;
    int team = strncmp(i->subject, "team", 4) == 0 ? (int)strtol(i->subject + 4, NULL, 10) : 0;
    struct chat c = {.agent = agent, .at = i->at, .rounds = 1};
    if (is(i, "wait_lead"))
        c.answer_ms = 35 * SECOND + support_below(&w->random, 100) * SECOND;
    else if (is(i, "wait_critical"))
        c.answer_ms = 200 * SECOND;
    else if (is(i, "wait_queue"))
        c.queue_ms = 45 * SECOND;
    else if (is(i, "bad_rating"))
        c.stars = 1 + (int)support_below(&w->random, 2);
    else if (is(i, "away"))
        c.answer_ms = 400 * SECOND;
    if (is(i, "away")) {
        status(w, agent, i->at - SECOND, STATUS_AWAY);
        status(w, agent, i->at + 390 * SECOND, STATUS_ONLINE);
    }
    if (is(i, "response_team"))
        for (int k = 0; k < 60; k++)
            chat(w, &(struct chat){.agent = team + TEAMS * (k % (AGENTS / TEAMS)),
                                   .at = i->at + k * 10 * SECOND,
                                   .answer_ms = 150 * SECOND,
                                   .rounds = 1});
    else if (is(i, "open_many"))
        for (int k = 0; k < 31; k++)
            chat(w, &(struct chat){
                        .agent = agent, .at = i->at, .answer_ms = 5 * SECOND, .rounds = 1, .stays_ms = 4 * MINUTE});
    else if (is(i, "share_agent"))
        for (int k = 0; k < 15; k++)
            chat(w,
                 &(struct chat){.agent = agent, .at = i->at + k * 40 * SECOND, .answer_ms = 40 * SECOND, .rounds = 1});
    else if (!is(i, "source_silent"))
        chat(w, &c);
}

/* --- the week ----------------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    return x->ts != y->ts ? (x->ts > y->ts) - (x->ts < y->ts) : str_cmp(x->id, y->id);
}

static void make(struct week *w, bool with_incidents)
{
    const char *seed = getenv("KEFU_SEED");
    *w = (struct week){.random = {seed ? strtoull(seed, NULL, 10) : 20260302}};
    for (int agent = 0; agent < AGENTS; agent++) {
        char id[24], team[24];
        snprintf(id, sizeof id, "agent%d", agent);
        snprintf(team, sizeof team, "team%d", agent % TEAMS);
        add(w, EVENT_PROFILE, MONDAY + HOUR, id)->strs[EVENT_TEAM] = arena_copy(&w->arena, str_of(team));
        for (int day = 0; day < 7; day++)
            usual_day(w, MONDAY + day * DAY, agent, silences, with_incidents ? SILENCES : 0);
    }
    for (int i = 0; with_incidents && i < INCIDENTS; i++)
        inject(w, &incidents[i]);
    qsort(w->events, w->n, sizeof *w->events, by_time);
}

struct heard {
    char rule[32], subject[32];
    int64_t at;
};

struct log {
    struct heard list[4096];
    size_t n;
    size_t messages_n;
};

static struct str field(const struct effect *f, const char *name)
{
    for (size_t i = 0; i < f->pairs_n; i += 2)
        if (str_eq(f->pairs[i], str_of(name)))
            return f->pairs[i + 1];
    return (struct str){"", 0};
}

static void on_effect(void *arg, int64_t now_ms, const struct effect *f)
{
    struct log *log = arg;
    log->messages_n += f->kind == EFFECT_NOTICE;
    if (f->kind != EFFECT_ALERT || !str_eq(field(f, "state"), STR_LIT("firing")))
        return;
    assert_in_range(log->n, 0, 4095);
    struct heard *h = &log->list[log->n++];
    struct str subject = field(f, "source").n  ? field(f, "source")
                         : field(f, "agent").n ? field(f, "agent")
                                               : field(f, "team");
    snprintf(h->rule, sizeof h->rule, "%.*s", STR_ARG(field(f, "rule")));
    snprintf(h->subject, sizeof h->subject, "%.*s", STR_ARG(subject));
    h->at = now_ms;
}

static void live_through(const struct week *w, struct log *log)
{
    static const char differs[] =
        "{\"name\": \"shop\", \"service_hours\": {\"mon\": [[\"09:00\", \"22:00\"]], \"tue\": [[\"09:00\", \"22:00\"]],"
        "\"wed\": [[\"09:00\", \"22:00\"]], \"thu\": [[\"09:00\", \"22:00\"]], \"fri\": [[\"09:00\", \"22:00\"]],"
        "\"sat\": [[\"09:00\", \"22:00\"]], \"sun\": [[\"09:00\", \"22:00\"]]}}";
    struct err e;
    struct rulebook *seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &e);
    struct rulebook *shop = rulebook_read(str_of(differs), "shop", seed, &e);
    struct tz *tz = tz_load(STR_LIT("Asia/Shanghai"), &e);
    assert_true(seed && shop && tz);
    struct rulebooks books = {{shop}, 1};
    struct channels lead = {.n = 1};
    lead.list[0] = (struct channel){.name = STR_LIT("lead"),
                                    .stream = STR_LIT("channel:lead"),
                                    .kind = CHANNEL_DINGTALK,
                                    .hears = HEARS_LEAD | HEARS_OPS,
                                    .severity = SEVERITY_INFO};
    struct alert_replay *r = alert_replay_new(&(struct alert_replay_options){&books, tz, &lead, on_effect, log});
    for (size_t i = 0; i < w->n; i++)
        alert_replay_event(r, &w->events[i]);
    alert_replay_to(r, MONDAY + 7 * DAY);
    alert_replay_free(r);
    tz_free(tz);
    rulebook_free(shop);
    rulebook_free(seed);
}

static void fini(struct week *w)
{
    arena_fini(&w->arena);
    free(w->events);
}

static void a_week_in_which_all_is_well_is_silent(void **state)
{
    struct week w;
    struct log *log = xcalloc(1, sizeof *log);
    (void)state;
    make(&w, false);
    live_through(&w, log);
    for (size_t i = 0; i < log->n; i++)
        print_message("%s %s at %lld\n", log->list[i].rule, log->list[i].subject,
                      (long long)(log->list[i].at - MONDAY));
    assert_int_equal(log->messages_n, 0);
    assert_int_equal(log->n, 0);
    free(log);
    fini(&w);
}

/* Is it of this incident: itself, or what its slow answers and its absence bring with them, also for
 * the agent who takes a customer out of the queue? */
static bool follows(const struct incident *i, const struct heard *h)
{
    bool at = h->at >= i->at && h->at <= i->at + i->over_ms;
    bool waits = strncmp(h->rule, "wait_", 5) == 0 || strcmp(h->rule, "share_agent") == 0;
    bool whose = strcmp(i->subject, h->subject) == 0 || is(i, "response_team") || is(i, "wait_queue");
    return at && whose && (strcmp(i->rule, h->rule) == 0 || waits);
}

static void each_incident_is_heard_of_in_time_and_nothing_else(void **state)
{
    struct week w;
    struct log *log = xcalloc(1, sizeof *log);
    (void)state;
    make(&w, true);
    live_through(&w, log);
    assert_int_equal(INCIDENTS, 20);
    for (int i = 0; i < INCIDENTS; i++) {
        bool heard = false;
        for (size_t k = 0; k < log->n && !heard; k++)
            heard = strcmp(log->list[k].rule, incidents[i].rule) == 0 &&
                    strcmp(log->list[k].subject, incidents[i].subject) == 0 && log->list[k].at >= incidents[i].at &&
                    log->list[k].at <= incidents[i].at + incidents[i].within_ms;
        if (!heard)
            fail_msg("incident %d, %s of %s, was not heard of", i, incidents[i].rule, incidents[i].subject);
    }
    for (size_t k = 0; k < log->n; k++) {
        bool known = false;
        for (int i = 0; i < INCIDENTS && !known; i++)
            known = follows(&incidents[i], &log->list[k]);
        if (!known)
            fail_msg("a false alarm: %s of %s, %lld s into the week", log->list[k].rule, log->list[k].subject,
                     (long long)((log->list[k].at - MONDAY) / 1000));
    }
    print_message("%zu firings, %zu messages in a week of %zu events\n", log->n, log->messages_n, w.n);
    free(log);
    fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_week_in_which_all_is_well_is_silent),
        cmocka_unit_test(each_incident_is_heard_of_in_time_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
