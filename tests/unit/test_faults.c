/* F2, F3, F5, F9, F11–F14 of the fault table, in the world of tests/sim: the process ends at each step there is, identities are taken
 * by other content, the door is given garbage, the clock is set, a month is sent again and again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/utf8.h"
#include "kefu/collectors/answer.h"
#include "../sim/sim.h"
#include "support_store.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
#define DAY (INT64_C(24) * HOUR)

static struct sim s;
static uint64_t steps_n; /* of the last life of the last run */

/* --- a small scene -------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static size_t add(int64_t at_ms, const char *format, ...)
{
    char body[256], json[400];
    va_list args;
    va_start(args, format);
    vsnprintf(body, sizeof body, format, args);
    va_end(args);
    snprintf(json, sizeof json, "{\"id\":\"%zu\",\"ts\":%lld,\"type\":%s}", s.script.n, (long long)at_ms, body);
    size_t at = script_add(&s.script, str_of(json));
    assert_false(s.script.lines[at].bad);
    return at;
}

/* A conversation from question to rating, and a sale. Enough for a firm tier. */
static void add_chat(int64_t at_ms, const char *chat, const char *agent, int stars)
{
    add(at_ms, "\"message\",\"conversation\":\"%s\",\"from\":\"customer\"", chat);
    add(at_ms + 5 * SECOND, "\"message\",\"conversation\":\"%s\",\"from\":\"agent\",\"agent\":\"%s\"", chat, agent);
    add(at_ms + 9 * SECOND, "\"conversation.resolved\",\"conversation\":\"%s\"", chat);
    add(at_ms + 10 * SECOND, "\"rating\",\"conversation\":\"%s\",\"score\":%d", chat, stars);
    add(at_ms + 11 * SECOND,
        "\"order\",\"order\":\"%s\",\"agent\":\"%s\",\"kind\":\"cross\",\"amount_fen\":1,\"state\":\"paid\"", chat,
        agent);
}

/* Three agents, each with one conversation that makes his tier of the month, a minute apart. */
static void begin(const struct sim_options *o)
{
    script_empty(&s.script);
    add_chat(s.script.from, "c1", "amy", 5);
    add_chat(s.script.from + MINUTE, "c2", "bob", 1);
    add_chat(s.script.from + 2 * MINUTE, "c3", "cyd", 4);
    s.script.end = s.script.from + 3 * MINUTE;
    sim_init(&s, o);
    for (size_t i = 0; i < s.script.n; i++)
        senders_add(&s, 0, i, s.script.from + (int64_t)(i / 5 + 1) * MINUTE);
}

static char *report_at(int64_t at_ms)
{
    s.true_ms = at_ms;
    life_turn(&s);
    sim_settle(&s);
    pipeline_catch_up(s.pipeline);
    return verdict_report(&s);
}

/* To the end, and a day on; what the report says then. malloc'ed. */
static char *run(void)
{
    sim_run(&s);
    steps_n = s.plan->counted_n;
    char *report = report_at(s.script.end + DAY);
    assert_int_equal(site_as_of(s.site), s.script.end + DAY);
    return report;
}

static void end(void)
{
    verdict_final(&s);
    sim_fini(&s);
}

/* --- F2 ------------------------------------------------------------------------------------------------------------- */

static void F2_killed_after_the_commit_and_before_the_answer(void **state)
{
    (void)state;
    begin(&(struct sim_options){.seed = 2});
    char *calm = run();
    uint64_t answers_n = s.answers_n;
    assert_int_equal(s.duplicates_n, 0);
    end();
    assert_true(answers_n >= 3);
    for (uint64_t k = 1; k <= answers_n; k++) {
        begin(&(struct sim_options){.seed = 2, .cut_at_answer = k, .kill = true});
        char *report = run();
        assert_string_equal(report, calm);
        assert_int_equal(s.kills_n, 1);
        assert_true(s.duplicates_n > 0); /* the retry of what nobody had heard of */
        assert_int_equal(s.accepted_n + s.duplicates_n, s.script.n);
        end();
        free(report);
    }
    free(calm);
}

/* --- F3 ------------------------------------------------------------------------------------------------------------- */

/* A life that ends at step n, and what comes after. */
static void cut_at(uint64_t n, bool kill, const char *calm)
{
    begin(&(struct sim_options){.seed = 3, .cut_at = n, .kill = kill});
    char *report = run();
    if (strcmp(report, calm) != 0)
        fail_msg("cut at step %llu: %s", (unsigned long long)n, report);
    if (s.cuts_n != 1)
        fail_msg("cut at step %llu: %llu cuts", (unsigned long long)n, (unsigned long long)s.cuts_n);
    end();
    if (s.effects_n != 3)
        fail_msg("cut at step %llu: %zu tier changes", (unsigned long long)n, s.effects_n);
    free(report);
}

/* Steps are the operations of the disk (writes, syncs, …) and the words that leave: answers, views, effects, commands to
 * Redis and its replies. So each arrow from decode to mark sent is cut, before and after. */
static void each_step(bool kill)
{
    begin(&(struct sim_options){.seed = 3});
    char *calm = run();
    uint64_t last_n = steps_n;
    end();
    assert_int_equal(s.effects_n, 3);
    assert_true(last_n > 80);
    for (uint64_t n = 1; n <= last_n; n++)
        cut_at(n, kill, calm);
    printf("%llu steps\n", (unsigned long long)last_n);
    free(calm);
}

/* The same steps: the disk is full from one of them on, for a minute. It comes back by itself, nothing is lost or told twice. */
static void F5_a_disk_full_for_a_minute_from_each_step_on(void **state)
{
    (void)state;
    begin(&(struct sim_options){.seed = 3});
    char *calm = run();
    uint64_t last_n = steps_n, refused_n = 0;
    end();
    for (uint64_t n = 1; n <= last_n; n++) {
        begin(&(struct sim_options){.seed = 3, .full_at = n});
        char *report = run();
        assert_string_equal(report, calm);
        assert_int_equal(s.fulls_n, 1);
        refused_n += s.refused_n;
        end();
        if (s.effects_n != 3)
            fail_msg("full from step %llu: %zu tier changes", (unsigned long long)n, s.effects_n);
        free(report);
    }
    printf("%llu steps, %llu batches refused\n", (unsigned long long)last_n, (unsigned long long)refused_n);
    assert_true(refused_n > 10);
    free(calm);
}

static void F3_killed_at_each_step(void **state)
{
    (void)state;
    each_step(true);
}

static void F3_F21_without_power_at_each_step(void **state)
{
    (void)state;
    each_step(false);
}

/* --- F9: see also test_publish_faults.c ------------------------------------------------------------------------------ */

static void F9_the_connection_lost_before_and_after_each_command(void **state)
{
    (void)state;
    begin(&(struct sim_options){.seed = 9});
    free(run());
    uint64_t last_n = s.redis_steps_n;
    end();
    assert_true(last_n > 10);
    for (uint64_t k = 0; k < 3 * last_n; k++) {
        begin(&(struct sim_options){.seed = 9 + k / last_n, .lose_at = 1 + k % last_n});
        free(run());
        assert_int_equal(s.losses_n, 1);
        end();
        if (s.effects_n != 3)
            fail_msg("lost at %llu: %zu tier changes", (unsigned long long)k % last_n, s.effects_n);
    }
}

/* Three changes are told at once to a stream that keeps one entry, and the process ends at each step before it has written
 * down that they were. What the next life tells again is refused, and gone: it counts as told, and holds nothing up. */
static void F9_told_and_trimmed_before_it_was_marked(void **state)
{
    (void)state;
    uint64_t last_n = 0, gone_n = 0;
    for (uint64_t n = 0; n <= last_n; n++) {
        begin(&(struct sim_options){.seed = 9, .cut_at = n, .kill = true});
        s.redis.trim_n = 1;
        for (size_t i = 0; i < s.senders[0].n; i++)
            s.senders[0].list[i].due_ms = s.script.end;
        free(run());
        last_n = n ? last_n : steps_n;
        gone_n += s.redis.gone_n;
        end();
        if (s.effects_n != 3)
            fail_msg("cut at step %llu: %zu tier changes", (unsigned long long)n, s.effects_n);
    }
    printf("%llu steps, %llu looks at a stream that had let go\n", (unsigned long long)last_n,
           (unsigned long long)gone_n);
    assert_true(gone_n > 0);
}

/* --- F11 ------------------------------------------------------------------------------------------------------------ */

static const struct quarantined *only_row(void)
{
    const struct quarantine *q = pipeline_quarantine(s.pipeline);
    assert_int_equal(quarantine_n(q), 1);
    return quarantine_at(q, 0);
}

/* The first wins, whichever it is; the other is refused, kept, and refused again after a restart. */
static void F11_of_two_under_one_name_the_first_counts(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        script_empty(&s.script);
        add_chat(s.script.from, "c1", "amy", 5);
        size_t other = script_add(&s.script, STR_LIT("{\"id\":\"3\",\"ts\":1772413210007,\"type\":\"rating\","
                                                     "\"conversation\":\"c1\",\"score\":1}"));
        s.script.lines[other].denies = 3;
        s.script.end = s.script.from + HOUR;
        sim_init(&s, &(struct sim_options){.seed = 11});
        for (size_t i = 0; i < s.script.n; i++)
            senders_add(&s, i == other, i, s.script.from + (((i == other) == (first == 1)) ? 0 : MINUTE));
        sim_run(&s);
        assert_int_equal(s.script.lines[other].kept, first == 1);
        assert_int_equal(s.script.lines[3].refused, first == 1);
        assert_int_equal(only_row()->kind, REFUSAL_CONFLICT);
        assert_true(str_eq(only_row()->id, STR_LIT("3")));
        life_stop(&s);
        sim_settle(&s);
        assert_int_equal(only_row()->kind, REFUSAL_CONFLICT);
        end();
    }
}

/* --- F12 ------------------------------------------------------------------------------------------------------------ */

static char byte_of(uint64_t *random)
{
    static const char often[] = "\"{}[],:\\u0\xff\xc0\x80\xed-e.\t ";
    uint64_t dice = random_next(random);
    return dice % 4 ? often[dice / 4 % (sizeof often - 1)] : (char)(dice >> 32);
}

/* One change: a byte, a hole, a piece twice, an end that is missing, a nest. */
static void mutate(struct buf *b, uint64_t *random)
{
    size_t at = random_next(random) % b->n, n = 1 + random_next(random) % 9;
    n = at + n > b->n ? b->n - at : n;
    switch (random_next(random) % 5) {
    case 0: b->p[at] = byte_of(random); break;
    case 1:
        memmove(b->p + at, b->p + at + n, b->n - at - n);
        b->n -= n;
        break;
    case 2:
        buf_reserve(b, n);
        memmove(b->p + at + n, b->p + at, b->n - at);
        b->n += n;
        break;
    case 3: b->n = at; break;
    default:
        buf_reserve(b, 40);
        memmove(b->p + at + 40, b->p + at, b->n - at);
        memset(b->p + at, random_next(random) % 2 ? '[' : '{', 40);
        b->n += 40;
    }
    for (size_t i = 0; i < b->n; i++)
        b->p[i] = b->p[i] == '\n' ? ' ' : b->p[i];
}

struct poison {
    uint64_t refused_n, taken_n, good_n;
};

static bool is_utf8(struct str text)
{
    const char *p = text.p, *end = text.p + text.n;
    while (p < end && utf8_length(p, end))
        p += utf8_length(p, end);
    return p == end;
}

static void check_poison(struct poison *p, const struct batch *b)
{
    assert_int_equal(b->events_n - answer_count(b, VERDICT_REJECTED) + b->refusals_n, b->inputs_n);
    for (size_t i = 0; i < b->refusals_n; i++) {
        const struct refusal *r = &b->refusals[i];
        if (r->index % 2 == 0)
            fail_msg("a good line is refused: %.*s", STR_ARG(r->reason));
        assert_true(r->reason.n > 0 && r->reason.n < 1000);
        assert_true(is_utf8(r->reason));
        assert_null(memchr(r->reason.p, '\n', r->reason.n));
    }
    p->refused_n += b->refusals_n;
    p->taken_n += b->events_n - (b->inputs_n + 1) / 2;
    p->good_n += (b->inputs_n + 1) / 2;
}

static void poison_done(struct batch *b)
{
    assert_int_equal(b->result, BATCH_STORED);
    check_poison(b->owner, b);
    batch_free(b);
}

static bool is_blank(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!strchr(" \t\r", text.p[i]) || !text.p[i])
            return false;
    return true;
}

/* A good line, and behind it a mutated one. */
static void put_pair(struct buf *out, uint64_t *random, uint64_t n)
{
    struct buf bad = {0};
    buf_printf(out,
               "{\"id\":\"g%llu\",\"ts\":%lld,\"type\":\"message\",\"conversation\":\"c%llu\",\"from\":\"customer\","
               "\"text\":\"在吗\"}\n",
               (unsigned long long)n, (long long)s.script.from, (unsigned long long)n / 9);
    const struct line *l = &s.script.lines[random_next(random) % s.script.n];
    buf_put_str(&bad, l->json);
    for (uint64_t k = random_next(random) % 3 + 1; k > 0 && bad.n; k--)
        mutate(&bad, random);
    if (is_blank(buf_str(&bad)))
        buf_put_byte(&bad, '{'); /* blank lines are no input */
    buf_put_str(out, buf_str(&bad));
    buf_put_byte(out, '\n');
    buf_fini(&bad);
}

static void F12_mutated_events_are_refused_with_reasons_and_the_others_flow(void **state)
{
    (void)state;
    struct poison p = {0};
    struct buf lines = {0};
    uint64_t random = random_start(), n = test_rounds(10000, 1000000);
    script_shop(&s.script, 12, 1);
    sim_init(&s, &(struct sim_options){.seed = 12});
    s.true_ms = s.script.end;
    life_begin(&s);
    for (uint64_t i = 0; i < n;) {
        struct ingest *in = pipeline_ingest(s.pipeline);
        struct decode_context c = {in->now_ms(in), in->rulebook(in), script_key, STR_LIT("default"), NULL, 0, false};
        struct batch *b = batch_new(STR_LIT("poison"), poison_done, &p);
        for (lines.n = 0; i < n && b->inputs_n < 40; i++, b->inputs_n += 2)
            put_pair(&lines, &random, i);
        b->inputs_n = 0;
        assert_int_equal(decode_lines(b, buf_str(&lines), &c), lines.n);
        assert_int_equal(in->submit(in, b), 0);
        life_turn(&s);
    }
    printf("%llu mutated: %llu refused, %llu still events\n", (unsigned long long)n, (unsigned long long)p.refused_n,
           (unsigned long long)p.taken_n);
    assert_int_equal(p.good_n, n);
    assert_true(p.refused_n > n / 3 && p.taken_n > 0);
    assert_int_equal(quarantine_n(pipeline_quarantine(s.pipeline)), SIM_QUARANTINE_MAX);
    verdict_look(&s);
    life_stop(&s);
    life_begin(&s);
    verdict_look(&s);
    buf_fini(&lines);
    sim_fini(&s);
}

/* --- F13 ------------------------------------------------------------------------------------------------------------ */

/* The scene at a month's end: amy just before it, the others after it. With the clock wrong by skew from the second to the
 * fourth minute; then the daemon is started again, and the clock is right. */
static char *run_with_clock(int64_t skew_ms, int restarts)
{
    script_empty(&s.script);
    s.script.from = tz_at(s.script.zone.tz, civil_day(2026, 4, 1), 0) - 10 * MINUTE;
    for (int i = 0; i < 4; i++) {
        char chat[8] = {'c', (char)('0' + i), 0};
        add_chat(s.script.from + i * 5 * MINUTE, chat, i % 2 ? "bob" : "amy", 5);
    }
    s.script.end = s.script.from + 5 * HOUR;
    sim_init(&s, &(struct sim_options){.seed = 13});
    for (size_t i = 0; i < s.script.n; i++)
        senders_add(&s, 0, i, s.script.lines[i].event.ts + SECOND);
    sim_until(&s, s.script.from + 7 * MINUTE);
    s.skew_ms = skew_ms;
    for (int k = 0; k < restarts; k++) {
        sim_until(&s, s.script.from + (8 + k) * MINUTE);
        life_stop(&s);
        s.skew_ms = k % 2 ? skew_ms : 0;
    }
    sim_until(&s, s.script.from + 17 * MINUTE);
    return run();
}

static void F13_a_clock_two_hours_off_changes_no_figure_and_tells_nothing_twice(void **state)
{
    (void)state;
    char *calm = run_with_clock(0, 0);
    end();
    size_t effects_n = s.effects_n;
    assert_int_equal(effects_n, 4); /* two agents, two months */
    for (int64_t skew_ms = -2 * HOUR; skew_ms <= 2 * HOUR; skew_ms += 4 * HOUR) {
        for (int restarts = 0; restarts <= 3; restarts++) {
            char *report = run_with_clock(skew_ms, restarts);
            assert_string_equal(report, calm);
            end();
            if (s.effects_n != effects_n)
                fail_msg("clock by %lld h, %d restarts: %zu tier changes", (long long)skew_ms / HOUR, restarts,
                         s.effects_n);
            free(report);
        }
    }
    free(calm);
}

/* What the wrong clock took for the future is kept, comes in by itself, and is a duplicate when it is sent again. */
static void F13_what_a_clock_that_is_behind_refuses_comes_in_by_itself(void **state)
{
    (void)state;
    begin(&(struct sim_options){.seed = 13});
    s.skew_ms = -2 * HOUR;
    sim_until(&s, s.script.end + SECOND);
    for (size_t i = 0; i < s.script.n; i++)
        assert_true(s.script.lines[i].later && !s.script.lines[i].kept);
    assert_int_equal(store_last_seq(s.store), 0);
    s.skew_ms = 0;
    sim_settle(&s);
    assert_int_equal(store_last_seq(s.store), s.script.n);
    free(run());
    end(); /* sends all again and sees duplicates */
}

/* --- F14 ------------------------------------------------------------------------------------------------------------ */

static void shuffle_deliveries(struct sender *from, uint64_t *random)
{
    for (size_t i = from->n; i > 1; i--) {
        size_t k = random_next(random) % i;
        uint32_t line = from->list[i - 1].line;
        from->list[i - 1].line = from->list[k].line;
        from->list[k].line = line;
    }
}

/* An hour before end_ms everybody sends all, in another order; at end_ms the report is hashed, and the life ends. */
static void replay_month(int64_t end_ms, uint64_t *random, char *sha256)
{
    s.true_ms = end_ms - HOUR;
    s.up_again_ms = s.true_ms;
    for (size_t k = 0; k < SENDERS_N; k++) {
        s.senders[k].pause_ms = s.true_ms;
        shuffle_deliveries(&s.senders[k], random);
        sender_repeat(&s, k);
    }
    sim_settle(&s);
    char *report = report_at(end_ms);
    assert_int_equal(site_as_of(s.site), end_ms);
    digest_sha256_hex(sha256, str_of(report));
    free(report);
    life_stop(&s);
}

/* Sent shuffled by every sender, first into an empty store, then into the full one, with a restart each time. */
static void F14_a_month_replayed_three_times_shuffled_has_the_same_sha256(void **state)
{
    (void)state;
    char first[DIGEST_SHA256_HEX] = "", again[DIGEST_SHA256_HEX];
    uint64_t random = random_start();
    for (int store = 0; store < 3; store++) {
        script_shop(&s.script, 14, 6);
        sim_init(&s, &(struct sim_options){.seed = 14 + (uint64_t)store, .late_percent = 20});
        senders_make(&s, s.true_ms);
        int64_t end_ms = s.script.end + 7 * DAY;
        for (int replay = 0; replay < 3; replay++) {
            replay_month(end_ms, &random, again);
            if (!first[0])
                memcpy(first, again, sizeof first);
            assert_string_equal(first, again);
        }
        sim_fini(&s);
    }
    printf("sha256 %s\n", first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(F2_killed_after_the_commit_and_before_the_answer),
        cmocka_unit_test(F3_killed_at_each_step),
        cmocka_unit_test(F3_F21_without_power_at_each_step),
        cmocka_unit_test(F5_a_disk_full_for_a_minute_from_each_step_on),
        cmocka_unit_test(F9_the_connection_lost_before_and_after_each_command),
        cmocka_unit_test(F9_told_and_trimmed_before_it_was_marked),
        cmocka_unit_test(F11_of_two_under_one_name_the_first_counts),
        cmocka_unit_test(F12_mutated_events_are_refused_with_reasons_and_the_others_flow),
        cmocka_unit_test(F13_a_clock_two_hours_off_changes_no_figure_and_tells_nothing_twice),
        cmocka_unit_test(F13_what_a_clock_that_is_behind_refuses_comes_in_by_itself),
        cmocka_unit_test(F14_a_month_replayed_three_times_shuffled_has_the_same_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
