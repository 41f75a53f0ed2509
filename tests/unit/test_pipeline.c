/* The way of events through a real store and a real site, under a clock that only the test moves. No Redis: what goes out is
 * written down and looked at. Waiting is waiting for the writer's descriptor, never for time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kefu/base/digest.h"
#include "kefu/base/mem.h"
#include "kefu/collectors/decode.h"
#include "kefu/daemon/pipeline.h"
#include "kefu/rules/seed.h"

#define T0     INT64_C(1770000000000) /* 2026-02-02 in Shanghai */
#define MINUTE INT64_C(60000)

struct seen {
    char agent[32];
    char tier[64];
    bool provisional;
    int32_t month;
    int64_t answered;
    int64_t as_of;
};

struct world {
    char dir[64];
    int64_t now_ms;
    struct tz *tz;
    struct rulebook *seed;
    struct rulebooks rulebooks;
    struct store *store;
    struct site *site;
    struct pipeline *p;
    struct seen seen[4096];
    size_t seen_n;
    uint64_t effects[256];
    char effect_text[256][160];
    size_t effects_n;
    size_t quarantine_max;
    size_t done_n; /* batches given back */
};

static int64_t world_now(void *arg)
{
    return ((struct world *)arg)->now_ms;
}

static void copy(char *to, size_t to_n, struct str s)
{
    snprintf(to, to_n, "%.*s", STR_ARG(s));
}

static void out_agent(void *arg, const struct agent_view *v)
{
    struct world *w = arg;
    assert_in_range(w->seen_n, 0, 4095);
    struct seen *s = &w->seen[w->seen_n++];
    copy(s->agent, sizeof(s->agent), v->agent);
    copy(s->tier, sizeof(s->tier), v->live_tier);
    s->provisional = v->provisional;
    s->month = v->month;
    s->answered = v->month_to_date.answered;
    s->as_of = v->as_of;
}

static void out_effect(void *arg, const struct effect *f)
{
    struct world *w = arg;
    struct buf text = {0};
    assert_in_range(w->effects_n, 0, 255);
    for (size_t i = 0; i < f->pairs_n; i += 2) {
        buf_printf(&text, "%.*s=%.*s ", STR_ARG(f->pairs[i]), STR_ARG(f->pairs[i + 1]));
    }
    copy(w->effect_text[w->effects_n], sizeof(w->effect_text[0]), buf_str(&text));
    w->effects[w->effects_n++] = f->number;
    buf_fini(&text);
}

static void world_open(struct world *w)
{
    static const uint8_t key[DIGEST_KEY_BYTES];
    struct err e;
    w->store = store_open(w->dir, &e);
    assert_non_null(w->store);
    w->site = site_new(&(struct site_options){w->tz, &w->rulebooks, 7});
    w->p = pipeline_new(&(struct pipeline_options){.site = w->site,
                                                   .store = w->store,
                                                   .tz = w->tz,
                                                   .rulebooks = &w->rulebooks,
                                                   .customer_key = key,
                                                   .clock = {world_now, world_now, w},
                                                   .out = {out_agent, out_effect, w},
                                                   .writer = {.queue_max = 64, .group_max = 1000},
                                                   .events_max = 100,
                                                   .quarantine_max = w->quarantine_max});
    assert_int_equal(pipeline_start(w->p, &e), 0);
}

static void world_close(struct world *w)
{
    pipeline_free(w->p);
    site_free(w->site);
    store_close(w->store);
}

static int setup(void **state)
{
    struct err e;
    struct world *w = xcalloc(1, sizeof(*w));
    strcpy(w->dir, "/tmp/kefu-pipeline-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    digest_start();
    w->now_ms = T0;
    w->quarantine_max = 10;
    w->tz = tz_load(STR_LIT("Asia/Shanghai"), &e);
    w->seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &e);
    assert_non_null(w->tz);
    assert_non_null(w->seed);
    w->rulebooks = (struct rulebooks){{w->seed}, 1};
    world_open(w);
    *state = w;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    struct world *w = *state;
    world_close(w);
    rulebook_free(w->seed);
    tz_free(w->tz);
    nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

static void again(struct world *w)
{
    world_close(w);
    w->seen_n = w->effects_n = 0;
    world_open(w);
}

/* Turns until nothing is left to do now. Time moves a little, so that looks put off come due. */
static void run(struct world *w)
{
    for (;;) {
        int64_t wait_ms = pipeline_turn(w->p);
        if (pipeline_is_idle(w->p)) {
            return;
        }
        struct pollfd fd = {.fd = pipeline_fd(w->p), .events = POLLIN};
        poll(&fd, 1, wait_ms == 0 ? 0 : 5);
        w->now_ms += 5;
    }
}

static void on_done(struct batch *b)
{
    ((struct world *)b->owner)->done_n++;
}

static void done_and_free(struct batch *b)
{
    on_done(b);
    batch_free(b);
}

static struct batch *batch_of(struct world *w)
{
    return batch_new(STR_LIT("test"), on_done, w);
}

static struct event *add(struct batch *b, enum event_type type, const char *id, int64_t ts)
{
    struct event *e = batch_add_event(b);
    *e = (struct event){.type = type,
                        .source = STR_LIT("default"),
                        .id = arena_copy(&b->arena, str_of(id)),
                        .subject = STR_LIT("c1"),
                        .ts = ts};
    b->inputs_n++;
    return e;
}

static struct event *add_message(struct batch *b, const char *id, int64_t ts, enum event_how from)
{
    struct event *e = add(b, EVENT_MESSAGE, id, ts);
    e->how = from;
    if (from == FROM_AGENT) {
        e->strs[EVENT_AGENT] = STR_LIT("amy");
    }
    return e;
}

static void submit(struct world *w, struct batch *b)
{
    struct ingest *in = pipeline_ingest(w->p);
    assert_int_equal(in->submit(in, b), 0);
}

/* A question and its answer 10 s later, through the pipeline. */
static void ask_and_answer(struct world *w)
{
    struct batch *b = batch_of(w);
    add_message(b, "m1", T0 - MINUTE, FROM_CUSTOMER);
    add_message(b, "m2", T0 - MINUTE + 10000, FROM_AGENT);
    submit(w, b);
    run(w);
    assert_int_equal(b->result, BATCH_STORED);
    batch_free(b);
}

static int64_t answered(struct world *w)
{
    uint32_t agent = site_agent_find(w->site, STR_LIT("amy"));
    const struct figures *f = agent ? site_figures(w->site, agent, PERIOD_MONTH, pipeline_month(w->p)) : NULL;
    return f ? f->answered : 0;
}

static struct seen *last_seen(struct world *w)
{
    assert_true(w->seen_n > 0);
    return &w->seen[w->seen_n - 1];
}

static void an_event_is_folded_and_answered_only_when_durable(void **state)
{
    struct world *w = *state;
    struct batch *b = batch_of(w);
    struct event *e = add_message(b, "m1", T0, FROM_AGENT);
    run(w);
    submit(w, b);
    assert_int_equal(site_probe(w->site, e), VERDICT_ACCEPTED); /* not folded yet */
    assert_int_equal(w->done_n, 0);
    run(w);
    assert_int_equal(store_last_seq(w->store), 1);
    assert_int_equal(w->done_n, 1);
    assert_int_equal(b->verdicts[0], VERDICT_ACCEPTED);
    assert_int_equal(site_probe(w->site, e), VERDICT_DUPLICATE);
    batch_free(b);
}

static void figures_are_shown_after_the_fold_and_again_after_a_restart(void **state)
{
    struct world *w = *state;
    ask_and_answer(w);
    assert_string_equal(last_seen(w)->agent, "amy");
    assert_int_equal(last_seen(w)->answered, 1);
    assert_true(last_seen(w)->provisional);
    again(w);
    assert_int_equal(answered(w), 1);
    run(w);
    assert_int_equal(last_seen(w)->answered, 1);
}

static void a_retry_is_a_duplicate_and_writes_nothing(void **state)
{
    struct world *w = *state;
    ask_and_answer(w);
    uint64_t seq = store_last_seq(w->store);
    struct batch *b = batch_of(w);
    add_message(b, "m1", T0 - MINUTE, FROM_CUSTOMER);
    submit(w, b);
    pipeline_turn(w->p); /* no commit to wait for */
    assert_int_equal(w->done_n, 2);
    assert_int_equal(b->result, BATCH_STORED);
    assert_int_equal(b->verdicts[0], VERDICT_DUPLICATE);
    assert_int_equal(store_last_seq(w->store), seq);
    assert_int_equal(answered(w), 1);
    batch_free(b);
}

static void a_duplicate_of_what_is_under_way_counts_once(void **state)
{
    struct world *w = *state;
    struct batch *a = batch_of(w), *b = batch_of(w);
    add_message(a, "m1", T0 - MINUTE, FROM_CUSTOMER);
    add_message(a, "m2", T0 - MINUTE + 1000, FROM_AGENT);
    add_message(b, "m2", T0 - MINUTE + 1000, FROM_AGENT);
    submit(w, a);
    submit(w, b);
    run(w);
    assert_int_equal(b->verdicts[0], VERDICT_DUPLICATE);
    assert_int_equal(answered(w), 1);
    again(w);
    assert_int_equal(answered(w), 1);
    batch_free(a);
    batch_free(b);
}

static void a_conflict_is_rejected_and_kept_in_quarantine(void **state)
{
    struct world *w = *state;
    ask_and_answer(w);
    for (int i = 0; i < 2; i++) { /* sent twice, kept once */
        struct batch *b = batch_of(w);
        add_message(b, "m1", T0 - MINUTE + 1, FROM_CUSTOMER);
        add_message(b, i ? "m4" : "m3", T0, FROM_CUSTOMER);
        submit(w, b);
        run(w);
        assert_int_equal(b->verdicts[0], VERDICT_REJECTED);
        assert_int_equal(b->verdicts[1], VERDICT_ACCEPTED);
        assert_int_equal(b->refusals_n, 1);
        assert_int_equal(b->refusals[0].index, 0);
        assert_int_equal(b->refusals[0].kind, REFUSAL_CONFLICT);
        batch_free(b);
    }
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
    again(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
    assert_true(str_eq(quarantine_at(pipeline_quarantine(w->p), 0)->id, STR_LIT("m1")));
}

static void a_conflict_with_what_is_under_way_is_found_at_the_fold(void **state)
{
    struct world *w = *state;
    struct batch *a = batch_of(w), *b = batch_of(w);
    add_message(a, "m1", T0, FROM_CUSTOMER);
    add_message(b, "m0", T0, FROM_CUSTOMER);
    add_message(b, "m1", T0 + 1, FROM_CUSTOMER);
    submit(w, a);
    submit(w, b);
    run(w);
    assert_int_equal(a->verdicts[0], VERDICT_ACCEPTED);
    assert_int_equal(b->verdicts[1], VERDICT_REJECTED);
    assert_int_equal(b->refusals[0].index, 1);
    batch_free(a);
    batch_free(b);
    again(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
}

static struct refusal *refuse(struct batch *b, const char *id, const char *reason)
{
    struct refusal *r = batch_add_refusal(b);
    r->kind = REFUSAL_BAD;
    r->input_bytes = 10;
    r->id = arena_copy(&b->arena, str_of(id));
    r->reason = arena_copy(&b->arena, str_of(reason));
    b->inputs_n++;
    return r;
}

static void the_good_count_when_others_are_refused(void **state)
{
    struct world *w = *state;
    struct batch *b = batch_of(w);
    add_message(b, "m1", T0 - MINUTE, FROM_CUSTOMER);
    refuse(b, "x", "ts: missing");
    add_message(b, "m2", T0, FROM_AGENT);
    submit(w, b);
    run(w);
    assert_int_equal(b->verdicts[0], VERDICT_ACCEPTED);
    assert_int_equal(b->verdicts[1], VERDICT_ACCEPTED);
    assert_int_equal(b->refusals[0].index, 1);
    batch_free(b);
    again(w);
    assert_int_equal(answered(w), 1);
    assert_true(str_eq(quarantine_at(pipeline_quarantine(w->p), 0)->reason, STR_LIT("ts: missing")));
}

static void refuse_future(struct world *w, const char *id, int64_t ts)
{
    struct batch *b = batch_of(w);
    struct event *e = arena_alloc(&b->arena, sizeof(*e));
    struct refusal *r = refuse(b, id, "ts: too far ahead");
    *e = (struct event){.type = EVENT_MESSAGE,
                        .how = FROM_CUSTOMER,
                        .source = STR_LIT("default"),
                        .id = r->id,
                        .subject = STR_LIT("c1"),
                        .ts = ts};
    r->kind = REFUSAL_FUTURE;
    r->event = e;
    submit(w, b);
    run(w);
    batch_free(b);
}

static void what_came_from_the_future_comes_in_by_itself(void **state)
{
    struct world *w = *state;
    refuse_future(w, "f1", T0 + 30 * MINUTE);
    again(w); /* and a restart does not forget it */
    run(w);
    assert_int_equal(store_last_seq(w->store), 0);
    int64_t wait_ms = pipeline_turn(w->p);
    assert_in_range(wait_ms, 1, 60000);
    w->now_ms = T0 + 25 * MINUTE - 1;
    run(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
    w->now_ms = T0 + 25 * MINUTE;
    run(w);
    assert_int_equal(store_last_seq(w->store), 1);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 0);
    again(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 0);
}

static void over_the_bound_the_oldest_bad_goes_first(void **state)
{
    struct world *w = *state;
    refuse_future(w, "f1", T0 + 300 * MINUTE);
    struct batch *b = batch_of(w);
    for (int i = 0; i < 12; i++) {
        char id[32];
        snprintf(id, sizeof(id), "b%d", i);
        refuse(b, id, "bad");
    }
    submit(w, b);
    run(w);
    batch_free(b);
    again(w);
    const struct quarantine *q = pipeline_quarantine(w->p);
    assert_int_equal(quarantine_n(q), 10);
    assert_true(str_eq(quarantine_at(q, 0)->id, STR_LIT("f1")));
    assert_true(str_eq(quarantine_at(q, 1)->id, STR_LIT("b3")));
    assert_true(str_eq(quarantine_at(q, 9)->id, STR_LIT("b11")));
}

static void a_smaller_bound_holds_from_the_next_start(void **state)
{
    struct world *w = *state;
    struct batch *b = batch_of(w);
    refuse(b, "a", "bad");
    refuse(b, "b", "bad");
    refuse(b, "c", "bad");
    submit(w, b);
    run(w);
    batch_free(b);
    w->quarantine_max = 1;
    again(w);
    run(w);
    w->quarantine_max = 10;
    again(w);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
    assert_true(str_eq(quarantine_at(pipeline_quarantine(w->p), 0)->id, STR_LIT("c")));
}

static void a_conflict_tried_again_is_rejected_again(void **state)
{
    struct world *w = *state;
    struct err e;
    ask_and_answer(w);
    struct batch *b = batch_of(w);
    add_message(b, "m1", T0 - MINUTE + 1, FROM_CUSTOMER);
    submit(w, b);
    run(w);
    batch_free(b);
    uint64_t row = quarantine_at(pipeline_quarantine(w->p), 0)->row;
    size_t before_n = w->done_n;
    assert_int_equal(pipeline_retry(w->p, row, done_and_free, w, &e), 0);
    run(w);
    assert_int_equal(w->done_n, before_n + 1);
    assert_int_equal(quarantine_n(pipeline_quarantine(w->p)), 1);
    assert_int_equal(pipeline_retry(w->p, row + 1, done_and_free, w, &e), -1);
}

static void a_full_queue_takes_nothing_and_the_loop_lives_on(void **state)
{
    struct world *w = *state;
    struct ingest *in = pipeline_ingest(w->p);
    struct batch *b[3];
    run(w);
    for (int i = 0; i < 3; i++) {
        b[i] = batch_of(w);
        for (int k = 0; k < 50; k++) {
            char id[32];
            snprintf(id, sizeof(id), "m%d-%d", i, k);
            add_message(b[i], id, T0, FROM_CUSTOMER);
        }
    }
    submit(w, b[0]);
    submit(w, b[1]);
    assert_int_equal(in->submit(in, b[2]), -1);
    run(w);
    assert_int_equal(store_last_seq(w->store), 100);
    submit(w, b[2]);
    run(w);
    assert_int_equal(store_last_seq(w->store), 150);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(b[i]->result, BATCH_STORED);
        batch_free(b[i]);
    }
}

static void a_closed_pipeline_finishes_what_it_took(void **state)
{
    struct world *w = *state;
    struct ingest *in = pipeline_ingest(w->p);
    struct batch *a = batch_of(w), *b = batch_of(w);
    add_message(a, "m1", T0, FROM_CUSTOMER);
    add_message(b, "m2", T0, FROM_CUSTOMER);
    submit(w, a);
    pipeline_close(w->p);
    assert_int_equal(in->submit(in, b), -1);
    pipeline_finish(w->p);
    assert_int_equal(a->result, BATCH_STORED);
    assert_int_equal(w->done_n, 1);
    batch_free(a);
    batch_free(b);
}

/* A day's work that rates: enough handled, all in time, well rated, five cross-sales. */
static void good_work(struct world *w, int handled_n)
{
    for (int i = 0; i < handled_n; i++) {
        struct batch *b = batch_of(w);
        char subject[32], id[32];
        int64_t at = T0 - 120 * MINUTE + i * MINUTE;
        snprintf(subject, sizeof(subject), "k%d", i);
        add_message(b, (snprintf(id, sizeof(id), "q%d", i), id), at, FROM_CUSTOMER);
        add_message(b, (snprintf(id, sizeof(id), "a%d", i), id), at + 5000, FROM_AGENT);
        add(b, EVENT_RESOLVED, (snprintf(id, sizeof(id), "r%d", i), id), at + 9000)->how = BY_AGENT;
        struct event *rating = add(b, EVENT_RATING, (snprintf(id, sizeof(id), "s%d", i), id), at + 10000);
        rating->score_milli = 5000;
        rating->scale = 5;
        for (size_t k = 0; k < b->events_n; k++) {
            b->events[k].subject = arena_copy(&b->arena, str_of(subject));
        }
        struct event *order = add(b, EVENT_ORDER, (snprintf(id, sizeof(id), "o%d", i), id), at + 11000);
        order->subject = arena_copy(&b->arena, str_of(id));
        order->how = ORDER_PAID;
        order->flags = EVENT_CROSS;
        order->amount_fen = 100;
        order->strs[EVENT_AGENT] = STR_LIT("amy");
        submit(w, b);
        run(w);
        batch_free(b);
    }
}

static void a_firm_tier_is_told_once_and_survives_a_crash(void **state)
{
    struct world *w = *state;
    good_work(w, 12);
    assert_false(last_seen(w)->provisional);
    assert_string_equal(last_seen(w)->tier, "excellent");
    assert_int_equal(w->effects_n, 1);
    assert_non_null(strstr(w->effect_text[0], "agent=amy period=2026-02 to=excellent score=100.00 at="));
    assert_non_null(strstr(w->effect_text[0], "rulebook=seed"));
    uint64_t number = w->effects[0];
    again(w); /* Redis never said it has it: asked, it goes out again, under the same number */
    pipeline_resend(w->p, &(struct outbox_from){STR_LIT("tiers"), INT64_MAX, 0});
    run(w);
    assert_int_equal(w->effects_n, 1);
    assert_int_equal(w->effects[0], number);
    assert_int_equal(pipeline_backlog(w->p), 1);
    pipeline_sent(w->p, number);
    run(w);
    again(w);
    pipeline_resend(w->p, &(struct outbox_from){STR_LIT("tiers"), INT64_MAX, 0});
    run(w);
    assert_int_equal(w->effects_n, 0);
    pipeline_resend(w->p, &(struct outbox_from){STR_LIT("tiers"), 0, 0}); /* a Redis that was flushed asks for all */
    assert_int_equal(w->effects_n, 1);
    assert_string_equal(last_seen(w)->tier, "excellent");
}

static void a_new_month_shows_everybody_anew_without_a_tier_change(void **state)
{
    struct world *w = *state;
    good_work(w, 12);
    size_t effects_n = w->effects_n;
    int32_t march = civil_month(civil_day(2026, 3, 1));
    w->now_ms = tz_at(w->tz, civil_day(2026, 3, 1), 0) - 1;
    run(w);
    assert_int_equal(pipeline_turn(w->p), 1);
    w->now_ms++;
    w->seen_n = 0;
    run(w);
    assert_int_equal(pipeline_month(w->p), march);
    assert_string_equal(last_seen(w)->agent, "amy");
    assert_int_equal(last_seen(w)->month, march);
    assert_int_equal(last_seen(w)->answered, 0);
    assert_string_equal(last_seen(w)->tier, "");
    assert_true(last_seen(w)->provisional);
    assert_int_equal(w->effects_n, effects_n);
}

static void a_wait_becomes_a_miss_by_deadline_not_by_the_next_event(void **state)
{
    struct world *w = *state;
    struct batch *b = batch_of(w);
    add(b, EVENT_ASSIGNED, "a1", T0)->strs[EVENT_AGENT] = STR_LIT("amy");
    b->events[0].how = BY_SYSTEM;
    add_message(b, "m1", T0 + 1, FROM_CUSTOMER);
    submit(w, b);
    run(w);
    batch_free(b);
    uint32_t amy = site_agent_find(w->site, STR_LIT("amy"));
    w->now_ms = T0 + 30 * MINUTE;
    run(w);
    const struct figures *f = site_figures(w->site, amy, PERIOD_MONTH, pipeline_month(w->p));
    assert_non_null(f);
    assert_int_equal(f->missed, 1);
}

static void effects_rise_though_the_clock_goes_back(void **state)
{
    struct world *w = *state;
    good_work(w, 12);
    assert_int_equal(w->effects_n, 1);
    struct store_marks before, after;
    struct err e;
    pipeline_finish(w->p);
    assert_int_equal(store_marks(w->store, &before, &e), 0);
    world_close(w);
    w->now_ms -= 120 * MINUTE;
    world_open(w);
    run(w);
    pipeline_finish(w->p);
    assert_int_equal(store_marks(w->store, &after, &e), 0);
    assert_true(after.stream_ms >= before.stream_ms);
    assert_true(before.stream_ms >= T0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(an_event_is_folded_and_answered_only_when_durable),
        T(figures_are_shown_after_the_fold_and_again_after_a_restart),
        T(a_retry_is_a_duplicate_and_writes_nothing),
        T(a_duplicate_of_what_is_under_way_counts_once),
        T(a_conflict_is_rejected_and_kept_in_quarantine),
        T(a_conflict_with_what_is_under_way_is_found_at_the_fold),
        T(the_good_count_when_others_are_refused),
        T(what_came_from_the_future_comes_in_by_itself),
        T(over_the_bound_the_oldest_bad_goes_first),
        T(a_smaller_bound_holds_from_the_next_start),
        T(a_conflict_tried_again_is_rejected_again),
        T(a_full_queue_takes_nothing_and_the_loop_lives_on),
        T(a_closed_pipeline_finishes_what_it_took),
        T(a_firm_tier_is_told_once_and_survives_a_crash),
        T(a_new_month_shows_everybody_anew_without_a_tier_change),
        T(a_wait_becomes_a_miss_by_deadline_not_by_the_next_event),
        T(effects_rise_though_the_clock_goes_back),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
