/* Why each turn, episode, rating and order counted or did not: one short chat a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kefu/base/buf.h"
#include "kefu/daemon/show_why.h"
#include "kefu/views/account.h"
#include "support_site.h"

#define MIN INT64_C(60000)

struct fixture {
    struct tz *tz;
    struct rulebook rulebook;
    struct rulebooks rulebooks;
    struct site *site;
    int n; /* events so far */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->tz = tz_load(STR_LIT("Asia/Shanghai"), NULL);
    f->rulebook = support_rulebook();
    f->rulebooks.list[f->rulebooks.n++] = &f->rulebook;
    f->site = site_new(&(struct site_options){.tz = f->tz, .rulebooks = &f->rulebooks, .seed = 42});
    *state = f;
    return f->tz ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    site_free(f->site);
    tz_free(f->tz);
    free(f);
    return 0;
}

/* An event of chat k1 (or of order o1) at T0 + s seconds, of an agent (NULL: none). */
static void fold(struct fixture *f, struct event e, double s, const char *agent)
{
    char id[16];
    snprintf(id, sizeof id, "%d", f->n++);
    e.ts = T0 + (int64_t)(s * 1000);
    e.source = STR_LIT("s");
    e.id = str_of(id);
    e.subject = e.type == EVENT_ORDER ? STR_LIT("o1") : STR_LIT("k1");
    e.strs[EVENT_AGENT] = str_of(agent);
    assert_int_equal(site_fold(f->site, &e, e.ts), VERDICT_ACCEPTED);
}

static const struct event asks = {.type = EVENT_MESSAGE, .how = FROM_CUSTOMER},
                          says = {.type = EVENT_MESSAGE, .how = FROM_AGENT},
                          bot_says = {.type = EVENT_MESSAGE, .how = FROM_BOT},
                          assigned = {.type = EVENT_ASSIGNED, .how = BY_SYSTEM},
                          resolved = {.type = EVENT_RESOLVED, .how = BY_AGENT},
                          times_out = {.type = EVENT_RESOLVED, .how = BY_TIMEOUT},
                          rated = {.type = EVENT_RATING, .score_milli = 4000, .scale = 5};

struct heard {
    struct fixture *f;
    struct buf text;
};

static void hear(struct heard *h, const struct account_item *i)
{
    struct buf json = {0};
    char kind[16], why[32];
    show_item(&json, &(struct show_why){.rulebooks = &h->f->rulebooks}, i);
    buf_put_byte(&json, 0);
    assert_int_equal(sscanf(json.p, "{\"kind\":\"%15[a-z]\",\"why\":\"%31[a-z_]\"", kind, why), 2);
    struct str agent = site_agent_id(h->f->site, account_agent(i));
    int64_t ms = i->kind == ACCOUNT_FACT ? i->as.fact.ms : i->kind == ACCOUNT_EPISODE ? i->as.episode.resolve_ms : 0;
    buf_printf(&h->text, "%s%s %s %.*s %lld", h->text.n ? "; " : "", kind, why, STR_ARG(agent), (long long)ms);
    buf_fini(&json);
}

/* What is told at T0 + s seconds, in the order of telling. */
static void expect(struct fixture *f, double s, const char *text)
{
    struct account a = {.agent = UINT32_MAX, .kind = PERIOD_MONTH, .period = (2026 - 1970) * 12 + 2};
    struct teller t = account_teller(&a);
    struct heard h = {.f = f};
    while (site_advance(f->site, T0 + (int64_t)(s * 1000), 100) <= site_as_of(f->site))
        continue;
    site_tell_conversations(f->site, 0, 100, INT64_MIN, &t);
    site_tell_orders(f->site, 0, 100, INT64_MIN, &t);
    for (size_t i = 0; i < a.n; i++)
        hear(&h, &a.items[i]);
    buf_put_byte(&h.text, 0);
    assert_string_equal(h.text.p, text);
    buf_fini(&h.text);
    account_fini(&a);
}

static void answered_in_time_or_late(void **state)
{
    struct fixture *f = *state;
    fold(f, asks, 0, NULL);
    fold(f, says, 30, "A");
    fold(f, asks, 100, NULL);
    fold(f, says, 130.001, "A");
    expect(f, 200, "answer answered_in_time A 30000; answer answered_late A 30001");
}

static void passed_on_before_the_target_or_after_it(void **state)
{
    struct fixture *f = *state;
    fold(f, assigned, 0, "A");
    fold(f, asks, 1, NULL);
    fold(f, assigned, 11, "B");
    fold(f, assigned, 51, "C");
    fold(f, says, 56, "C");
    expect(f, 60, "turn held_short A 10000; miss held_past_target B 40000; answer answered_in_time C 5000");
}

static void who_helps_the_holder_has_no_answer(void **state)
{
    struct fixture *f = *state;
    fold(f, assigned, 0, "A");
    fold(f, asks, 1, NULL);
    fold(f, says, 6, "B");
    expect(f, 60, "turn helped_holder B 0; turn held_short A 5000");
}

static void resolved_over_the_question(void **state)
{
    struct fixture *f = *state;
    fold(f, assigned, 0, "A");
    fold(f, asks, 1, NULL);
    fold(f, resolved, 41, "A");
    fold(f, asks, 100, NULL);
    fold(f, resolved, 110, "A");
    expect(f, 120,
           "episode first_contact_failed A 0; episode no_human_message A 0; miss resolved_unanswered A 40000; turn "
           "resolved_in_time A 10000");
}

static void together_they_held_it_too_long(void **state)
{
    struct fixture *f = *state;
    fold(f, assigned, 0, "A");
    fold(f, asks, 1, NULL);
    fold(f, assigned, 21, "B");
    fold(f, times_out, 41, NULL);
    expect(
        f, 50,
        "episode timed_out B 0; turn resolved_in_time A 20000; turn resolved_in_time B 20000; miss together_past_target B "
        "40000");
}

static void still_open_and_then_too_long(void **state)
{
    struct fixture *f = *state;
    fold(f, assigned, 0, "A");
    fold(f, asks, 1, NULL);
    expect(f, 61, "turn still_open A 60000");
    expect(f, 601, "miss open_past_limit A 600000");
}

static void a_bot_answers_before_people_have_it(void **state)
{
    struct fixture *f = *state;
    f->rulebook.fcr_window_ms = MIN;
    fold(f, says, 0, "A"); /* A is assignee from here on, and stays it */
    fold(f, resolved, 1, "A");
    fold(f, asks, 200, NULL);
    fold(f, bot_says, 205, NULL);
    expect(f, 300, "episode no_customer_message A 0; turn bot_answered A 5000");
}

static void asked_and_answered_outside_hours(void **state)
{
    struct fixture *f = *state;
    f->rulebook.always_open = false; /* and no day has any */
    memset(f->rulebook.week, 0, sizeof f->rulebook.week);
    f->rulebook.week[0] =
        (struct day_hours){.spans = {{.start_min = 600, .end_min = 660}}, .n = 1}; /* Monday 10 to 11 */
    site_rulebooks_changed(f->site);
    fold(f, asks, 0, NULL); /* Monday 08:00 */
    fold(f, says, 5, "A");
    expect(f, 60, "turn outside_hours A 0");
}

static void episodes_say_what_they_are(void **state)
{
    struct fixture *f = *state;
    fold(f, asks, 0, NULL);
    fold(f, says, 5, "A");
    fold(f, rated, 6, NULL);
    expect(f, 7, "rating rating_open A 4000; answer answered_in_time A 5000");
    fold(f, resolved, 605, "A");
    expect(f, 610, "episode resolved_in_time A 600000; rating owner A 4000; answer answered_in_time A 5000");
}

static void late_ones_and_those_over_a_wait(void **state)
{
    struct fixture *f = *state;
    fold(f, asks, 0, NULL);
    fold(f, says, 5, "A");
    fold(f, resolved, 606, "A");
    expect(f, 700, "episode resolved_late A 601000; answer answered_in_time A 5000");
    fold(f, asks, 200000, NULL);
    fold(f, says, 200005, "A");
    fold(f, asks, 200010, NULL);
    fold(f, resolved, 200015, "A");
    expect(f, 200020,
           "episode resolved_late A 601000; episode resolved_over_wait A 10000; answer answered_in_time A 5000; answer "
           "answered_in_time A 5000; turn resolved_in_time A 5000");
}

static void orders_say_why(void **state)
{
    struct fixture *f = *state;
    struct event order = {.type = EVENT_ORDER, .how = ORDER_PAID, .flags = EVENT_CROSS, .amount_fen = 500};
    f->rulebook.cross_sell_min_fen = 400;
    fold(f, order, 0, "A");
    expect(f, 1, "order paid A 0");
    order.amount_fen = 399;
    fold(f, order, 2, "A");
    expect(f, 3, "order below_minimum A 0");
    order.amount_fen = 500;
    order.flags = 0;
    fold(f, order, 4, "A");
    expect(f, 5, "order not_cross A 0");
    order.flags = EVENT_CROSS;
    fold(f, order, 6, "A");
    order.how = ORDER_REFUNDED;
    fold(f, order, 7, "A");
    expect(f, 8, "order refunded A 0");
}

/* Each reason has words of its own in both languages: none falls back to another's. */
static void every_reason_has_its_words(void **state)
{
    struct fixture *f = *state;
    char *texts[WHY_N] = {0};
    for (int why = WHY_NONE + 1; why < WHY_N; why++) {
        struct account_item i = {.kind = ACCOUNT_FACT,
                                 .as.fact = {.kind = FACT_TURN, .why = (enum why)why, .to = INT64_MAX}};
        struct buf json = {0};
        show_item(&json, &(struct show_why){.rulebooks = &f->rulebooks}, &i);
        buf_put_byte(&json, 0);
        char *zh = strstr(json.p, "\"zh\":\""), *en = strstr(json.p, "\"en\":\"");
        assert_true(zh && en && zh[6] != '"' && en[6] != '"');
        *strstr(en, "},") = 0;
        texts[why] = strdup(zh);
        for (int other = WHY_NONE + 1; other < why; other++)
            assert_string_not_equal(texts[why], texts[other]);
        buf_fini(&json);
    }
    for (int why = 0; why < WHY_N; why++)
        free(texts[why]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answered_in_time_or_late),
        TEST(passed_on_before_the_target_or_after_it),
        TEST(who_helps_the_holder_has_no_answer),
        TEST(resolved_over_the_question),
        TEST(together_they_held_it_too_long),
        TEST(still_open_and_then_too_long),
        TEST(a_bot_answers_before_people_have_it),
        TEST(asked_and_answered_outside_hours),
        TEST(episodes_say_what_they_are),
        TEST(late_ones_and_those_over_a_wait),
        TEST(orders_say_why),
        TEST(every_reason_has_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
