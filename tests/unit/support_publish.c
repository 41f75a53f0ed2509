/* The owner's side of the publisher's tests: an outbox as the store would keep it, views, and waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <event2/event.h>
#include <cmocka.h>

#include "kefu/base/clock.h"
#include "kefu/base/digest.h"
#include "support_publish.h"

static struct kpi kpis[] = {{.name = {"response", 8}}};
static const struct rulebook seed = {.name = {"seed", 4}, .kpis = kpis, .kpis_n = 1};

static void give_row(struct publish_world *w, uint64_t i)
{
    char agent[32];
    struct effect e = {.kind = EFFECT_TIER, .number = i + 1, .stream_ms = T0 + (int64_t)i, .stream = STR_LIT("tiers")};
    snprintf(agent, sizeof agent, "a\"%llu", (unsigned long long)i);
    e.pairs[0] = STR_LIT("agent");
    e.pairs[1] = str_of(agent);
    e.pairs[2] = STR_LIT("tier");
    e.pairs[3] = STR_LIT("good");
    e.pairs_n = 4;
    assert_int_equal(publisher_effect(w->publisher, &e), 0);
}

void publish_decide(struct publish_world *w)
{
    assert_true(w->rows_n < ROWS_MAX);
    give_row(w, w->rows_n++);
}

static void on_sent(void *arg, uint64_t number)
{
    struct publish_world *w = arg;
    assert_true(number >= 1 && number <= w->rows_n);
    w->sent[number - 1] = true;
}

static void on_resend(void *arg, struct str stream, int64_t after_ms, uint64_t after_n)
{
    struct publish_world *w = arg;
    (void)after_n;
    if (!str_eq(stream, STR_LIT("tiers")))
        return;
    w->resent_n++;
    for (uint64_t i = 0; i < w->rows_n; i++) {
        if (!w->sent[i] || T0 + (int64_t)i > after_ms)
            give_row(w, i);
    }
}

void publish_start(struct publish_world *w)
{
    struct err e;
    struct publisher_options o = {.address = str_of(w->redis.socket),
                                  .version = STR_LIT("0.1.0"),
                                  .clock = clock_real(),
                                  .stream_keep_days = w->stream_keep_days,
                                  .username = str_of(w->username),
                                  .password = str_of(w->password)};
    w->publisher = publisher_new(w->base, &o, &(struct lane_handlers){on_sent, on_resend, w}, &e);
    if (!w->publisher)
        fail_msg("%s", e.what);
}

int publish_set_up(void **state)
{
    struct publish_world *w = calloc(1, sizeof *w);
    w->base = event_base_new();
    redis_prepare(&w->redis);
    redis_start(&w->redis);
    publish_start(w);
    *state = w;
    return 0;
}

int publish_tear_down(void **state)
{
    struct publish_world *w = *state;
    publisher_free(w->publisher);
    event_base_free(w->base);
    redis_remove(&w->redis);
    free(w);
    return 0;
}

void publish_show(struct publish_world *w, const char *agent, const char *team, int64_t score_milli)
{
    struct agent_view v = {.agent = str_of(agent),
                           .team = str_of(team),
                           .rulebook = &seed,
                           .month = 56 * 12 + 2,
                           .response_p50_ms = VIEW_NONE,
                           .response_p90_ms = VIEW_NONE,
                           .oldest_wait_at = VIEW_NONE,
                           .seq = ++w->seq};
    v.score = (struct score){.kpis_n = 1, .total_milli = score_milli, .tier = -1};
    v.score.kpis[0] = (struct kpi_score){.num = score_milli, .den = 100000, .score_milli = score_milli};
    if (score_milli == SCORE_NONE)
        v.score.kpis[0].den = 0;
    publisher_agent(w->publisher, &v);
}

static bool is_settled(void *arg)
{
    struct publish_world *w = arg;
    struct publisher_state s;
    publisher_state(w->publisher, &s);
    for (uint64_t i = 0; i < w->rows_n; i++) {
        if (!w->sent[i])
            return false;
    }
    return s.live && !s.agents_waiting_n && !s.effects_waiting_n;
}

bool publish_is_live(void *arg)
{
    struct publish_world *w = arg;
    struct publisher_state s;
    publisher_state(w->publisher, &s);
    return s.live;
}

bool publish_is_not_live(void *arg)
{
    return !publish_is_live(arg);
}

void publish_settle(struct publish_world *w)
{
    await(w->base, is_settled, w, 30000, "everything to be confirmed");
}

static bool is_shown(void *arg)
{
    struct publish_world *w = arg;
    return strcmp(redis_ask_text(&w->redis, "HGET {kefu}:agent:%s %s", w->agent, w->field), w->value) == 0;
}

void publish_await_field(struct publish_world *w, const char *agent, const char *field, const char *value)
{
    w->agent = agent;
    w->field = field;
    w->value = value;
    await(w->base, is_shown, w, 30000, field);
}

static bool has_errors(void *arg)
{
    struct publish_world *w = arg;
    struct publisher_state s;
    publisher_state(w->publisher, &s);
    return s.errors_n >= w->wanted;
}

void publish_await_errors(struct publish_world *w, uint64_t more_n)
{
    struct publisher_state s;
    publisher_state(w->publisher, &s);
    w->wanted = s.errors_n + more_n;
    await(w->base, has_errors, w, 20000, "an error");
}

void publish_score_is(struct publish_world *w, const char *board, const char *agent, const char *score)
{
    assert_true(strtod(redis_ask_text(&w->redis, "ZSCORE {kefu}:board:%s %s", board, agent), NULL) ==
                strtod(score, NULL));
}

void publish_not_on_board(struct publish_world *w, const char *board, const char *agent)
{
    assert_string_equal(redis_ask_text(&w->redis, "ZSCORE {kefu}:board:%s %s", board, agent), "");
}

/* The stream holds every row once, in order. */
void publish_stream_is_whole(struct publish_world *w)
{
    redisReply *r = redis_ask(&w->redis, "XRANGE {kefu}:tiers - +");
    assert_int_equal(r->elements, w->rows_n);
    for (size_t i = 0; i < r->elements; i++) {
        char id[48], agent[32];
        snprintf(id, sizeof id, "%lld-0", (long long)T0 + (long long)i);
        snprintf(agent, sizeof agent, "a\"%zu", i);
        assert_string_equal(r->element[i]->element[0]->str, id);
        assert_string_equal(r->element[i]->element[1]->element[0]->str, "agent");
        assert_string_equal(r->element[i]->element[1]->element[1]->str, agent);
        assert_true(w->sent[i]);
    }
    freeReplyObject(r);
}
