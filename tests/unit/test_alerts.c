/* Alert rules at work, in the whole pipeline under a clock of the test: what fires on silence, who is told how often, what a
 * crash, a silence and our own trouble do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "support_world.h"

#define SECOND INT64_C(1000)

static const char channels_json[] =
    "{'channels': ["
    "{'name': 'lead', 'kind': 'dingtalk', 'hears': ['lead', 'ops'], 'url_file': 'u', 'secret_file': 's'},"
    "{'name': 'amy', 'kind': 'webhook', 'hears': ['agent'], 'agent': 'amy', 'url_file': 'u', 'secret_file': 's',"
    " 'hosts': ['example.com'], 'lang': 'en'},"
    "{'name': 'boss', 'kind': 'webhook', 'hears': ['lead'], 'personal': true, 'url_file': 'u', 'secret_file': 's',"
    " 'hosts': ['example.com']}]}";

struct fixture {
    struct world *w;
    struct channels channels;
};

static int setup(void **state)
{
    struct err e;
    struct fixture *f = xcalloc(1, sizeof *f);
    char *text = xstrndup(channels_json, sizeof channels_json - 1);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    assert_int_equal(channels_read(&f->channels, str_of(text), "channels.json", &e), 0);
    free(text);
    world_setup((void **)&f->w);
    world_close(f->w);
    f->w->alerts = true;
    f->w->channels = &f->channels;
    world_open(f->w);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    world_teardown((void **)&f->w);
    channels_fini(&f->channels);
    free(f);
    return 0;
}

/* Lets time pass on the clock, the pipeline being turned when it asked to be. */
static void pass(struct world *w, int64_t ms)
{
    int64_t until_ms = w->now_ms + ms;
    for (world_run(w); w->now_ms < until_ms; world_run(w)) {
        int64_t wait_ms = pipeline_turn(w->p);
        int64_t left_ms = until_ms - w->now_ms;
        w->now_ms += wait_ms < left_ms ? wait_ms : left_ms;
    }
}

/* Effects whose text has all of these words (NULL ends). */
static size_t told(struct world *w, const char *one, const char *two)
{
    size_t n = 0;
    for (size_t i = 0; i < w->effects_n; i++)
        n += strstr(w->effect_text[i], one) && strstr(w->effect_text[i], two);
    return n;
}

static void assigned(struct batch *b, const char *conversation, const char *id, const char *agent, int64_t ts)
{
    struct event *e = world_add(b, EVENT_ASSIGNED, id, ts);
    e->subject = arena_copy(&b->arena, str_of(conversation));
    e->strs[EVENT_AGENT] = arena_copy(&b->arena, str_of(agent));
    e->how = BY_SYSTEM;
}

static struct event *said(struct batch *b, const char *conversation, const char *id, int64_t ts, enum event_how from)
{
    struct event *e = world_message(b, id, ts, from);
    e->subject = arena_copy(&b->arena, str_of(conversation));
    return e;
}

static void submit(struct world *w, struct batch *b)
{
    world_submit(w, b);
    world_run(w);
    assert_int_equal(b->result, BATCH_STORED);
    assert_int_equal(b->refusals_n, 0);
    batch_free(b);
}

/* A customer of amy's asks now. */
static void ask(struct world *w)
{
    struct batch *b = world_batch(w);
    assigned(b, "c1", "a1", "amy", w->now_ms);
    said(b, "c1", "m1", w->now_ms, FROM_CUSTOMER);
    submit(w, b);
}

static void a_customer_who_waits_is_told_of_by_time_alone(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    int64_t asked_ms = w->now_ms;
    ask(w);
    pass(w, 19 * SECOND);
    assert_int_equal(w->effects_n, 0);
    pass(w, asked_ms + 20 * SECOND + 50 - w->now_ms);
    assert_int_equal(told(w, "state=firing", "rule=wait_agent"), 1);
    pass(w, asked_ms + 22 * SECOND - w->now_ms);
    assert_int_equal(told(w, "title=[info] A customer has waited 20 s", "amy 20 s"),
                     1);                          /* amy's own channel, in English */
    assert_int_equal(told(w, "title=【", ""), 0); /* the lead not yet */
    pass(w, asked_ms + 32 * SECOND - w->now_ms);
    assert_int_equal(told(w, "title=【警告】顾客等待超过 30 秒", "触发:amy 30 秒"), 2); /* the robot and the boss */
    pass(w, asked_ms + 182 * SECOND - w->now_ms);
    assert_int_equal(told(w, "title=【严重】", "amy 180 秒"), 2);
    struct batch *b = world_batch(w);
    said(b, "c1", "m2", w->now_ms, FROM_AGENT);
    submit(w, b);
    pass(w, 310 * SECOND);
    assert_int_equal(told(w, "title=【警告】", "已解除:amy"), 2);
    assert_int_equal(told(w, "title=【严重】", "已解除:amy"), 2);
    assert_int_equal(told(w, "state=resolved", "agent=amy"), 3);
}

static void who_has_gone_hides_nobody(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    ask(w);
    pass(w, 3700 * SECOND); /* nobody came: the wait is a miss, and over for alerts */
    assert_int_equal(told(w, "title=【警告】", "已解除:amy"), 0); /* it has to be well for five minutes */
    pass(w, 400 * SECOND);
    assert_int_equal(told(w, "title=【警告】", "已解除:amy"), 2);
    struct batch *b = world_batch(w);
    assigned(b, "c2", "a2", "amy", w->now_ms);
    said(b, "c2", "m2", w->now_ms, FROM_CUSTOMER);
    submit(w, b);
    size_t before = told(w, "title=【警告】", "触发:amy");
    pass(w, 35 * SECOND);
    assert_int_equal(told(w, "title=【警告】", "触发:amy"), before + 2);
    world_again(w);
    pass(w, 10 * SECOND);
    assert_int_equal(told(w, "state=firing", ""), 0);
}

static void old_history_is_no_news(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    struct batch *b = world_batch(w);
    assigned(b, "c1", "a1", "amy", T0 - 86400 * SECOND);
    said(b, "c1", "m1", T0 - 86400 * SECOND, FROM_CUSTOMER);
    said(b, "q", "m2", T0 - 86400 * SECOND, FROM_CUSTOMER);
    submit(w, b);
    pass(w, 60 * SECOND);
    assert_int_equal(w->effects_n, 0);
}

static void however_many_have_gone_they_hide_nobody(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    static char names[300][3][16]; /* conversation, assignment, message; borrowed by the batch */
    struct batch *b = world_batch(w);
    for (int i = 0; i < 300; i++) {
        for (int k = 0; k < 3; k++)
            snprintf(names[i][k], sizeof names[i][k], "%c%d", "gxy"[k], i);
        assigned(b, names[i][0], names[i][1], "amy", T0 - 86400 * SECOND + i);
        said(b, names[i][0], names[i][2], T0 - 86400 * SECOND + i, FROM_CUSTOMER);
    }
    submit(w, b);
    pass(w, 10 * SECOND);
    assert_int_equal(told(w, "state=firing", ""), 0);
    b = world_batch(w);
    assigned(b, "c2", "a2", "amy", w->now_ms);
    said(b, "c2", "m2", w->now_ms, FROM_CUSTOMER);
    submit(w, b);
    pass(w, 35 * SECOND);
    assert_int_equal(told(w, "title=【警告】顾客等待超过 30 秒", "触发:amy 30 秒"), 2);
}

static void nobody_in_the_queue_waits_unseen(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    struct batch *b = world_batch(w);
    said(b, "q", "m1", w->now_ms, FROM_CUSTOMER);
    submit(w, b);
    pass(w, 33 * SECOND);
    assert_int_equal(told(w, "rule=wait_queue", "state=firing"), 1);
    assert_int_equal(told(w, "title=【严重】无人接待", "触发:30 秒"), 2);
}

/* Must-show: 200 agents over the limit at once. */
static void two_hundred_agents_make_one_message_a_team(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    for (int k = 0; k < 4; k++) {
        struct batch *b = world_batch(w);
        for (int i = k * 50; i < (k + 1) * 50; i++) {
            char id[24], conversation[24], agent[24];
            snprintf(agent, sizeof agent, "agent%d", i);
            snprintf(conversation, sizeof conversation, "c%d", i);
            snprintf(id, sizeof id, "p%d", i);
            struct event *e = world_add(b, EVENT_PROFILE, id, w->now_ms);
            e->subject = arena_copy(&b->arena, str_of(agent));
            e->strs[EVENT_TEAM] = i % 2 ? STR_LIT("A") : STR_LIT("B");
        }
        submit(w, b);
        b = world_batch(w);
        for (int i = k * 50; i < (k + 1) * 50; i++) {
            char id[24], conversation[24], agent[24];
            snprintf(agent, sizeof agent, "agent%d", i);
            snprintf(conversation, sizeof conversation, "c%d", i);
            snprintf(id, sizeof id, "a%d", i);
            assigned(b, conversation, id, agent, w->now_ms);
            snprintf(id, sizeof id, "m%d", i);
            said(b, conversation, id, T0 + 10 * SECOND, FROM_CUSTOMER);
        }
        submit(w, b);
    }
    w->effects_n = 0; /* a notebook of 256 */
    pass(w, T0 + 39 * SECOND - w->now_ms);
    w->effects_n = 0; /* those of wait_agent */
    pass(w, T0 + 42 * SECOND - w->now_ms);
    assert_int_equal(told(w, "state=firing", "rule=wait_lead"), 200);
    assert_int_equal(told(w, "title=【警告】顾客等待超过 30 秒 · A", "等 100 项"), 2); /* of each channel one */
    assert_int_equal(told(w, "title=【警告】顾客等待超过 30 秒 · B", "等 100 项"), 2);
    assert_int_equal(told(w, "title=", ""), 4);
}

static void a_restart_raises_nothing_anew_and_forgets_nothing(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    ask(w);
    pass(w, 30 * SECOND + 200); /* fired, and the message still gathers */
    assert_int_equal(told(w, "rule=wait_lead", "state=firing"), 1);
    assert_int_equal(told(w, "title=【警告】", ""), 0);
    world_again(w);
    pass(w, 10 * SECOND);
    assert_int_equal(told(w, "state=firing", "rule=wait_lead"), 0);
    assert_int_equal(told(w, "title=【警告】", "触发:amy"), 2);
    world_again(w);
    pass(w, 60 * SECOND);
    assert_int_equal(told(w, "rule=wait_lead", "state=firing"), 0);
    assert_int_equal(told(w, "title=【警告】", ""), 0);
}

static void act(struct world *w, enum event_type type, const char *id, const char *subject, int64_t minutes)
{
    struct batch *b = world_batch(w);
    struct event *e = world_add(b, type, id, w->now_ms);
    e->subject = arena_copy(&b->arena, str_of(subject));
    e->strs[EVENT_ACTOR] = STR_LIT("lead1");
    e->strs[EVENT_REASON] = STR_LIT("exercise");
    e->scale = minutes;
    submit(w, b);
}

static void note(void *arg, const struct alert_view *v)
{
    struct alert_view *out = arg;
    if (str_eq(v->rule->name, STR_LIT("wait_critical")))
        *out = *v;
}

static void who_takes_it_on_hears_no_more_of_it(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    char number[24];
    struct alert_view v = {0};
    ask(w);
    pass(w, 185 * SECOND);
    alerts_each(pipeline_alerts(w->p), w->now_ms, note, &v);
    assert_int_equal(v.memory->state, STATE_FIRING);
    snprintf(number, sizeof number, "%llu", (unsigned long long)v.memory->number);
    act(w, EVENT_ALERT_ACKED, "k1", number, 0);
    assert_int_equal(told(w, "state=acknowledged", "by=lead1"), 1);
    world_again(w);
    pass(w, 3000 * SECOND);
    assert_int_equal(told(w, "title=【严重】", ""), 0);
    v = (struct alert_view){0};
    alerts_each(pipeline_alerts(w->p), w->now_ms, note, &v);
    assert_int_equal(v.memory->state, STATE_ACKED);
    assert_true(str_eq(v.acked_by, STR_LIT("lead1")));
}

static void nobody_takes_it_on_and_it_is_told_again(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    ask(w);
    pass(w, 2000 * SECOND);
    assert_int_equal(told(w, "title=【严重】", "触发:amy"), 2);
    assert_int_equal(told(w, "title=【严重】", "仍在持续:amy 198"), 2); /* half an hour later, at its value of then */
}

static void a_silence_holds_messages_until_its_end(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    act(w, EVENT_ALERT_SILENCED, "s1", "wait_lead", 2);
    ask(w);
    pass(w, 60 * SECOND);
    world_again(w);
    pass(w, 50 * SECOND);
    assert_int_equal(told(w, "title=【警告】", ""), 0);
    pass(w, 15 * SECOND);
    assert_int_equal(told(w, "title=【警告】", "触发:amy"), 2);
    act(w, EVENT_ALERT_SILENCED, "s2", "*", 60);
    pass(w, 120 * SECOND);
    assert_int_equal(told(w, "title=【严重】", ""), 0);
    act(w, EVENT_ALERT_UNSILENCED, "s3", "s2", 0);
    pass(w, 7 * SECOND);
    assert_int_equal(told(w, "title=【严重】", "触发:amy"), 2);
}

static void rate(struct world *w, const char *id, int64_t stars)
{
    struct batch *b = world_batch(w);
    struct event *e = world_add(b, EVENT_RATING, id, w->now_ms);
    e->score_milli = stars * 1000;
    e->scale = 5;
    submit(w, b);
}

static void a_bad_rating_is_told_once_and_to_one_person_alone(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    world_ask_and_answer(w);
    rate(w, "r0", 3);
    pass(w, 5 * SECOND);
    assert_int_equal(told(w, "rule=bad_rating", ""), 0);
    rate(w, "r1", 2);
    pass(w, 5 * SECOND);
    assert_int_equal(told(w, "rule=bad_rating", "state=firing"), 1);
    assert_int_equal(told(w, "两星", "触发:amy"), 1); /* the boss; no robot, whatever it hears */
    world_again(w);
    pass(w, 100 * SECOND);
    assert_int_equal(told(w, "bad_rating", ""), 0);
    pass(w, 2 * 86400 * SECOND);
    assert_int_equal(told(w, "两星", ""), 0);
}

static void our_own_trouble_mutes_what_is_said_of_people(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    w->own.full = true;
    ask(w);
    pass(w, 60 * SECOND);
    assert_int_equal(told(w, "rule=wait_lead", "muted=own trouble"), 1);
    assert_int_equal(told(w, "title=", ""), 0);
    w->own.full = false;
    pass(w, 7 * SECOND);
    assert_int_equal(told(w, "title=【警告】", "触发:amy"), 2);
}

static void redis_away_is_told(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    pass(w, 10 * SECOND);
    w->own.redis_away_ms = 61 * SECOND;
    w->own.stuck_ms[0] = 400 * SECOND;
    pass(w, 10 * SECOND);
    assert_int_equal(told(w, "title=【严重】Redis 不可用", "触发:61 秒"), 1); /* ops alone */
    assert_int_equal(told(w, "rule=channel", "channel=lead"), 1);
    w->own = (struct alerts_own){0};
    pass(w, 70 * SECOND);
    assert_int_equal(told(w, "title=【严重】Redis 不可用", "已解除"), 1);
}

static void a_channel_that_is_taken_off_ends_its_alert(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    w->own.stuck_ms[2] = 400 * SECOND;
    pass(w, 10 * SECOND);
    assert_int_equal(told(w, "rule=channel", "channel=boss"), 1);
    f->channels.n = 2;
    alerts_channels_changed(pipeline_alerts(w->p));
    pass(w, 50 * SECOND);
    assert_int_equal(told(w, "rule=channel", "state=resolved"), 0);
    pass(w, 20 * SECOND);
    assert_int_equal(told(w, "rule=channel", "state=resolved"), 1);
}

static struct alerts_feed feeds[2];

static void tell_feed(void *arg, size_t i, struct alerts_feed *out)
{
    (void)arg;
    *out = feeds[i];
}

/* A collector that never sent an event, and a stream. */
static void with_feeds(struct world *w)
{
    feeds[0] = (struct alerts_feed){STR_LIT("cw7"), INT64_MIN, INT64_MAX, 0};
    feeds[1] = (struct alerts_feed){STR_LIT("events"), INT64_MIN, INT64_MAX, 0};
    w->own.feeds_n = 2;
    w->own.feed = tell_feed;
    pass(w, 10 * SECOND);
}

static void whom_we_cannot_ask_is_told_of_and_mutes_nobody_if_nothing_ever_came(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    with_feeds(w);
    pass(w, 3600 * SECOND); /* quiet, and well */
    assert_int_equal(told(w, "rule=source_silent", ""), 0);
    feeds[0].failing_since_ms = w->now_ms;
    feeds[1].failing_since_ms = w->now_ms;
    pass(w, 1700 * SECOND);
    feeds[1].failing_since_ms = INT64_MAX;
    pass(w, 110 * SECOND);
    assert_int_equal(told(w, "rule=source_silent", "state=firing"), 1);
    assert_int_equal(told(w, "title=【严重】服务时间内数据源无消息", "触发:cw7"), 2);
    ask(w);
    pass(w, 35 * SECOND);
    assert_int_equal(told(w, "rule=wait_lead", "state=firing"), 1);
    assert_int_equal(told(w, "rule=wait_lead", "muted"), 0);
    feeds[0].failing_since_ms = INT64_MAX;
    feeds[0].heard_ms = w->now_ms;
    pass(w, 120 * SECOND);
    assert_int_equal(told(w, "title=【严重】服务时间内数据源无消息", "已解除:cw7"), 2);
}

static void what_is_lost_is_told_once_and_then_each_hour_together(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    with_feeds(w);
    assert_int_equal(told(w, "rule=source_lost", ""), 0);
    feeds[1].lost_n = 3;
    pass(w, 10 * SECOND);
    assert_int_equal(told(w, "title=【严重】数据源丢失消息", "触发:events 3"), 2);
    for (int i = 0; i < 100; i++) {
        feeds[1].lost_n++;
        pass(w, 10 * SECOND);
    }
    assert_int_equal(told(w, "rule=source_lost", "state=firing"), 1);
    pass(w, 2700 * SECOND);
    assert_int_equal(told(w, "title=【严重】数据源丢失消息", "触发:events 100"), 2);
    assert_int_equal(told(w, "title=【严重】数据源丢失消息", "已解除"), 0); /* it does not come back */
    world_close(w);
    feeds[1].lost_n = 0; /* counts are those since the start */
    world_open(w);
    pass(w, 10 * SECOND);
    assert_int_equal(told(w, "rule=source_lost", "state=firing"), 2);
    pass(w, 3700 * SECOND);
    feeds[1].lost_n = 1;
    pass(w, 10 * SECOND);
    assert_int_equal(told(w, "title=【严重】数据源丢失消息", "触发:events 1\n"), 0);
    assert_int_equal(told(w, "rule=source_lost", "state=firing"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_customer_who_waits_is_told_of_by_time_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(who_has_gone_hides_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(however_many_have_gone_they_hide_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(old_history_is_no_news, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_in_the_queue_waits_unseen, setup, teardown),
        cmocka_unit_test_setup_teardown(two_hundred_agents_make_one_message_a_team, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_raises_nothing_anew_and_forgets_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(who_takes_it_on_hears_no_more_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_takes_it_on_and_it_is_told_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_silence_holds_messages_until_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_rating_is_told_once_and_to_one_person_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(our_own_trouble_mutes_what_is_said_of_people, setup, teardown),
        cmocka_unit_test_setup_teardown(redis_away_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_channel_that_is_taken_off_ends_its_alert, setup, teardown),
        cmocka_unit_test_setup_teardown(whom_we_cannot_ask_is_told_of_and_mutes_nobody_if_nothing_ever_came, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_lost_is_told_once_and_then_each_hour_together, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
