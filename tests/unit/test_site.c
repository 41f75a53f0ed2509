/* The state as a function of the set of events: any order, any duplicates, any way through time, the same figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support_site.h"

struct fixture {
    struct tz *tz;
    struct rulebook rulebook;
    struct rulebooks rulebooks;
    struct arena arena;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->tz = tz_load(STR_LIT("Asia/Shanghai"), NULL);
    f->rulebook = support_rulebook();
    f->rulebooks.list[f->rulebooks.n++] = &f->rulebook;
    *state = f;
    return f->tz ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tz_free(f->tz);
    arena_fini(&f->arena);
    free(f);
    return 0;
}

static struct site *new_site(struct fixture *f)
{
    return site_new(&(struct site_options){.tz = f->tz, .rulebooks = &f->rulebooks, .seed = 42});
}

static struct event message(const char *id, int64_t at, enum event_how from, const char *agent)
{
    struct event e = {.type = EVENT_MESSAGE, .how = from, .ts = at, .source = STR_LIT("s"), .id = str_of(id)};
    e.subject = STR_LIT("k1");
    e.strs[EVENT_AGENT] = str_of(agent);
    return e;
}

static const struct figures *march(const struct site *s, const char *agent)
{
    return site_figures(s, site_agent_find(s, str_of(agent)), PERIOD_MONTH, (2026 - 1970) * 12 + 2);
}

static void an_answer_is_counted_at_once(void **state)
{
    struct site *s = new_site(*state);
    struct event question = message("1", T0, FROM_CUSTOMER, NULL);
    struct event answer = message("2", T0 + 20000, FROM_AGENT, "A");
    assert_int_equal(site_fold(s, &question, T0), VERDICT_ACCEPTED);
    assert_int_equal(site_fold(s, &answer, T0 + 20000), VERDICT_ACCEPTED);
    assert_int_equal(march(s, "A")->answered, 1);
    assert_int_equal(march(s, "A")->response_sum, 20000);
    site_free(s);
}

static void the_same_event_again_is_a_duplicate_and_another_under_its_name_a_conflict(void **state)
{
    struct site *s = new_site(*state);
    struct event e = message("1", T0, FROM_CUSTOMER, NULL);
    assert_int_equal(site_fold(s, &e, T0), VERDICT_ACCEPTED);
    assert_int_equal(site_probe(s, &e), VERDICT_DUPLICATE);
    assert_int_equal(site_fold(s, &e, T0), VERDICT_DUPLICATE);
    struct event other = e;
    other.ts++;
    assert_int_equal(site_fold(s, &other, T0), VERDICT_REJECTED);
    other = e;
    other.subject = STR_LIT("k2");
    assert_int_equal(site_fold(s, &other, T0), VERDICT_REJECTED);
    other = e;
    other.source = STR_LIT("t");
    assert_int_equal(site_fold(s, &other, T0), VERDICT_ACCEPTED);
    site_free(s);
}

static void flags_told_at_the_door_make_no_conflict(void **state)
{
    struct site *s = new_site(*state);
    struct event e = message("1", T0, FROM_CUSTOMER, NULL);
    site_fold(s, &e, T0);
    e.flags |= EVENT_CLOSER;
    assert_int_equal(site_probe(s, &e), VERDICT_DUPLICATE);
    site_free(s);
}

static void silence_becomes_a_miss_by_deadline_not_by_the_next_event(void **state)
{
    struct site *s = new_site(*state);
    struct event greeting = message("1", T0, FROM_AGENT, "A");
    struct event question = message("2", T0 + 1000, FROM_CUSTOMER, NULL);
    site_fold(s, &greeting, T0);
    site_fold(s, &question, T0 + 1000);
    int64_t due = site_advance(s, T0 + 1000, 100);
    assert_int_equal(due, T0 + 1000 + 600000);
    site_advance(s, due - 1, 100);
    assert_true(!march(s, "A") || march(s, "A")->missed == 0);
    site_clean(s);
    site_advance(s, due, 100);
    assert_int_equal(march(s, "A")->missed, 1);
    size_t dirty_n = 0;
    site_dirty(s, &dirty_n);
    assert_true(dirty_n > 0);
    struct event late = message("3", due + 1, FROM_AGENT, "A");
    site_fold(s, &late, due + 1);
    assert_int_equal(march(s, "A")->missed, 0);
    assert_int_equal(march(s, "A")->answered, 1);
    site_free(s);
}

static void an_event_ahead_of_the_clock_counts_when_its_time_has_come(void **state)
{
    struct site *s = new_site(*state);
    struct event question = message("1", T0, FROM_CUSTOMER, NULL);
    struct event answer = message("2", T0 + 20000, FROM_AGENT, "A");
    site_fold(s, &question, T0);
    assert_int_equal(site_fold(s, &answer, T0 + 5000), VERDICT_ACCEPTED);
    assert_int_equal(site_advance(s, T0 + 5000, 100), T0 + 20000);
    assert_null(march(s, "A"));
    site_advance(s, T0 + 20000, 100);
    assert_int_equal(march(s, "A")->answered, 1);
    site_free(s);
}

/* T0 is in March. The customer asks in its last minute; hours of April say when the ten minutes are over. */
static void deadlines_follow_a_rulebook_that_is_adopted_meanwhile(void **state)
{
    struct fixture *f = *state;
    int64_t april = tz_at(f->tz, civil_day(2026, 4, 1), 0);
    struct rulebook late = f->rulebook, early = f->rulebook;
    late.effective_month = early.effective_month = (2026 - 1970) * 12 + 3;
    late.always_open = early.always_open = false;
    for (int d = 0; d < 7; d++) {
        late.week[d].spans[0].start_min = 9 * 60;
        early.week[d].spans[0].start_min = 6 * 60;
    }
    f->rulebooks.list[f->rulebooks.n++] = &late;
    struct site *s = new_site(f);
    struct event question = message("1", april - 60000, FROM_CUSTOMER, NULL);
    site_fold(s, &question, april - 60000);
    assert_int_equal(site_advance(s, april - 60000, 10), april + 9 * 3600000 + 9 * 60000);
    f->rulebooks.list[1] = &early;
    site_rulebooks_changed(s);
    int64_t due = april + 6 * 3600000 + 9 * 60000;
    assert_int_equal(site_advance(s, april - 60000, 10), due);
    site_advance(s, due, 10);
    assert_int_equal(site_figures(s, 0, PERIOD_MONTH, late.effective_month - 1)->missed, 1);
    site_free(s);
    f->rulebooks.n = 1;
}

struct asking { /* a customer who waits in a conversation; since 0: not now */
    int64_t since;
    int conversation;
};

/* The customer begins to wait in a new conversation, some time ago, or is answered. */
static void go_on(struct site *s, struct support_random *r, struct asking *a, int step)
{
    char id[16], key[16];
    int64_t at = a->since ? a->since + 1 : T0 + 1 + (int64_t)support_below(r, 50000);
    a->conversation = a->since ? a->conversation : step;
    snprintf(id, sizeof id, "%d", step);
    snprintf(key, sizeof key, "k%d", a->conversation);
    struct event e = message(id, at, a->since ? FROM_AGENT : FROM_CUSTOMER, a->since ? "A" : NULL);
    e.subject = str_of(key);
    site_fold(s, &e, T0 + 100000);
    a->since = a->since ? 0 : at;
}

enum { CUSTOMERS = 200 };

static int64_t since_from(const struct asking *customers, int64_t from)
{
    int64_t since = INT64_MAX;
    for (size_t i = 0; i < CUSTOMERS; i++)
        if (customers[i].since >= from && customers[i].since && customers[i].since < since)
            since = customers[i].since;
    return since;
}

/* All of them, the oldest first, wherever the site keeps them. */
static void check_waits(const struct site *s, const struct asking *customers)
{
    struct site_wait waits[CUSTOMERS + 1];
    size_t n = site_waits(s, 0, waits, CUSTOMERS + 1);
    struct agent_now nobody;
    site_agent_now(s, 0, &nobody);
    assert_int_equal(n, nobody.waiting_n);
    assert_int_equal(nobody.oldest_wait_at, since_from(customers, 1));
    int64_t from = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        assert_true(waits[i].since >= from);
        from = waits[i].since;
    }
    from = n ? waits[n / 2].since : 0;
    assert_int_equal(since_from(customers, from), n ? from : INT64_MAX);
}

/* Who asks for the oldest that began at some time or later; that time rises mostly, and sometimes falls back. */
static void who_began_before_a_time_is_passed_over_whatever_that_time_does(void **state)
{
    struct support_random r = support_random();
    struct site *s = new_site(*state);
    struct asking customers[CUSTOMERS] = {{0, 0}};
    int64_t from = T0;
    for (int step = 0; step < 4000; step++) {
        go_on(s, &r, &customers[support_below(&r, CUSTOMERS)], step);
        from = support_below(&r, 200) ? from + support_below(&r, 50) : T0 + (int64_t)support_below(&r, 50000);
        if (support_below(&r, 3) == 0)
            assert_int_equal(site_wait_since(s, 0, from), since_from(customers, from));
        check_waits(s, customers);
    }
    site_free(s);
}

static void the_oldest_wait_is_known_whatever_the_order_in_which_waits_begin_and_end(void **state)
{
    struct support_random r = support_random();
    struct site *s = new_site(*state);
    struct asking customers[CUSTOMERS] = {{0, 0}};
    for (int step = 0; step < 4000; step++) {
        go_on(s, &r, &customers[support_below(&r, CUSTOMERS)], step);
        int64_t oldest = INT64_MAX;
        int64_t waiting = 0;
        for (size_t i = 0; i < CUSTOMERS; i++) {
            oldest = customers[i].since && customers[i].since < oldest ? customers[i].since : oldest;
            waiting += customers[i].since != 0;
        }
        struct agent_now nobody;
        site_agent_now(s, 0, &nobody);
        assert_int_equal(nobody.oldest_wait_at, oldest);
        assert_int_equal(nobody.waiting_n, waiting);
    }
    site_free(s);
}

/* Folds events with a clock that goes on by itself, a few deadlines at a time. */
static char *fold_live(struct fixture *f, const struct event *events, size_t n, int64_t end)
{
    struct site *s = new_site(f);
    for (size_t i = 0; i < n; i++) {
        site_advance(s, events[i].ts, 3);
        site_fold(s, &events[i], events[i].ts);
    }
    while (site_advance(s, end, 7) <= end)
        continue;
    char *text = support_print_site(s);
    site_free(s);
    return text;
}

/* Folds shuffled events, many of them twice, with a clock that jumps to the end at a random moment. */
static char *fold_shuffled(struct fixture *f, struct support_random *r, struct event *events, size_t n, int64_t end)
{
    struct site *s = new_site(f);
    size_t jump = support_below(r, (uint32_t)n + 1);
    support_shuffle(r, events, n);
    for (size_t i = 0; i < n; i++) {
        int64_t now = i < jump ? T0 + (int64_t)i : end;
        site_fold(s, &events[i], now);
        if (support_below(r, 2))
            assert_int_equal(site_fold(s, &events[support_below(r, (uint32_t)i + 1)], now), VERDICT_DUPLICATE);
        if (support_below(r, 5) == 0)
            site_advance(s, now, 1 + support_below(r, 4));
    }
    while (site_advance(s, end, 100) <= end)
        continue;
    char *text = support_print_site(s);
    site_free(s);
    return text;
}

static void every_order_and_every_way_through_time_gives_the_same_figures(void **state)
{
    struct fixture *f = *state;
    struct support_random r = support_random();
    for (int round = 0; round < 400; round++) {
        size_t n = 5 + support_below(&r, 60);
        struct event *events = support_history(&r, &f->arena, n);
        int64_t end = events[n - 1].ts + (int64_t)support_below(&r, 2000) * 60000;
        char *live = fold_live(f, events, n, end);
        for (int again = 0; again < 3; again++) {
            char *shuffled = fold_shuffled(f, &r, events, n, end);
            assert_string_equal(live, shuffled);
            free(shuffled);
        }
        free(live);
        free(events);
        arena_reset(&f->arena);
    }
}

static struct event act(enum event_type type, const char *id, int64_t at, const char *about)
{
    struct event e = message(id, at, HOW_NONE, NULL);
    e.type = type;
    e.strs[EVENT_REF] = str_of(about);
    e.strs[EVENT_REF_SOURCE] = STR_LIT("s");
    e.strs[EVENT_REASON] = STR_LIT("why");
    e.strs[EVENT_ACTOR] = STR_LIT("lead");
    return e;
}

/* A asks for 60 s, is taken over by B, who answers after 5 s: a miss of A's, an answer of B's. */
static void fold_turn(struct site *s)
{
    struct event list[] = {message("1", T0, FROM_CUSTOMER, NULL), message("2", T0 + 65000, FROM_AGENT, "B")};
    struct event to_a = message("0", T0 - 1, BY_SYSTEM, "A"), to_b = message("3", T0 + 60000, BY_SYSTEM, "B");
    to_a.type = to_b.type = EVENT_ASSIGNED;
    site_fold(s, &to_a, T0);
    site_fold(s, &list[0], T0);
    site_fold(s, &to_b, T0 + 60000);
    site_fold(s, &list[1], T0 + 65000);
    site_advance(s, T0 + 70000, 100);
}

static void assert_turn(const struct site *s, int64_t missed_of_a, int64_t answered_of_b)
{
    assert_int_equal(march(s, "A")->missed, missed_of_a);
    assert_int_equal(march(s, "B")->answered, answered_of_b);
}

static void assert_shops(const struct site *s, const char *agent, int64_t north, int64_t none)
{
    struct arena arena = {0};
    size_t n;
    const struct shop_handled *of =
        site_shops(s, site_agent_find(s, str_of(agent)), (2026 - 1970) * 12 + 2, &arena, &n);
    assert_int_equal(n, (size_t)(north ? 1 + (none > 0) : 0));
    if (n) {
        assert_true(str_eq(of[0].shop, STR_LIT("north")));
        assert_int_equal(of[0].handled, north);
    }
    if (n > 1) {
        assert_int_equal(of[1].shop.n, 0);
        assert_int_equal(of[1].handled, none);
    }
    arena_fini(&arena);
}

/* Two episodes, the second one idle; another conversation names no shop. What names it first comes after all that, once in its turn and once
 * late: what was handled before counts for that shop as well. */
static void what_is_handled_counts_for_the_shop_that_is_named_first_whenever_that_is(void **state)
{
    for (int late = 0; late < 2; late++) {
        struct site *s = new_site(*state);
        int64_t end = T0 + 2 * 86400000;
        struct event events[] = {
            message("1", T0, FROM_CUSTOMER, NULL),     message("2", T0 + 1000, FROM_AGENT, "A"),
            message("3", T0 + 2000, FROM_AGENT, "A"),  message("4", T0 + 3000, FROM_CUSTOMER, NULL),
            message("5", T0 + 4000, FROM_AGENT, "A"),  message("6", T0 + 5000, FROM_CUSTOMER, NULL),
            message("7", T0 + 6000, FROM_AGENT, "A"),  message("8", end, FROM_CUSTOMER, NULL),
            message("9", end + 1, FROM_CUSTOMER, NULL)};
        events[2].type = EVENT_RESOLVED;
        events[2].how = BY_AGENT;
        events[5].subject = events[6].subject = STR_LIT("k2");
        for (size_t i = 0; i < 7; i++)
            site_fold(s, &events[i], events[i].ts);
        site_advance(s, end, 100);
        assert_int_equal(march(s, "A")->handled, 3);
        assert_shops(s, "A", 0, 3);
        events[7].flags = events[8].flags = EVENT_PRIVATE; /* ignored, but for names */
        events[7].strs[EVENT_SHOP] = STR_LIT("north");
        events[8].strs[EVENT_SHOP] = STR_LIT("south");
        if (late)
            events[7].ts = T0 + 2500;
        site_fold(s, &events[7], end);
        site_fold(s, &events[8], end + 1);
        site_advance(s, end + 1, 100);
        assert_shops(s, "A", 2, 1);
        site_free(s);
    }
}

static void an_excused_turn_counts_for_nobody_or_not_for_one(void **state)
{
    struct site *s = new_site(*state);
    struct event for_a = act(EVENT_EXCUSED, "e1", T0 + 80000, "1"), for_all = act(EVENT_EXCUSED, "e2", T0 + 90000, "2");
    struct event undone = act(EVENT_UNDONE, "u1", T0 + 100000, "e2"),
                 other = act(EVENT_UNDONE, "u2", T0 + 110000, "e1");
    for_a.strs[EVENT_AGENT] = STR_LIT("A");
    fold_turn(s);
    assert_turn(s, 1, 1);
    site_fold(s, &for_a, T0 + 80000); /* names the question */
    site_advance(s, T0 + 80000, 100);
    assert_turn(s, 0, 1);
    site_fold(s, &for_all, T0 + 90000); /* names the answer */
    site_advance(s, T0 + 90000, 100);
    assert_turn(s, 0, 0);
    site_fold(s, &undone, T0 + 100000);
    site_advance(s, T0 + 100000, 100);
    assert_turn(s, 0, 1);
    site_fold(s, &other, T0 + 110000);
    site_advance(s, T0 + 110000, 100);
    assert_turn(s, 1, 1);
    assert_int_equal(site_fold(s, &other, T0 + 110000), VERDICT_DUPLICATE);
    site_free(s);
}

static void note_event(void *arg, const struct event *e)
{
    char *text = arg;
    assert_true(str_eq(e->source, STR_LIT("s")));
    assert_true(e->type != EVENT_EXCUSED || str_eq(e->strs[EVENT_REF], STR_LIT("1")));
    strncat(text, e->id.p, e->id.n);
}

static void the_events_of_a_conversation_are_told_whole(void **state)
{
    struct site *s = new_site(*state);
    struct event excused = act(EVENT_EXCUSED, "e1", T0 + 80000, "1");
    char text[64] = "";
    fold_turn(s);
    site_fold(s, &excused, T0 + 80000);
    site_advance(s, T0 + 80000, 100);
    assert_true(site_conversation_events(s, excused.subject, note_event, text));
    assert_string_equal(text, "0132e1");
    assert_false(site_conversation_events(s, STR_LIT("another"), note_event, text));
    site_free(s);
}

static void a_voided_rating_counts_again_when_the_voiding_is_undone(void **state)
{
    struct site *s = new_site(*state);
    struct event rating = message("r", T0 + 70000, HOW_NONE, NULL);
    rating.type = EVENT_RATING;
    rating.score_milli = 1000;
    rating.scale = 5;
    struct event voided = act(EVENT_VOIDED, "v", T0 + 80000, "r"), undone = act(EVENT_UNDONE, "u", T0 + 90000, "v");
    fold_turn(s);
    site_fold(s, &rating, T0 + 70000);
    assert_int_equal(march(s, "B")->rating_n, 1);
    site_fold(s, &voided, T0 + 80000);
    site_advance(s, T0 + 80000, 100);
    assert_int_equal(march(s, "B")->rating_n, 0);
    site_fold(s, &undone, T0 + 90000);
    site_advance(s, T0 + 90000, 100);
    assert_int_equal(march(s, "B")->rating_n, 1);
    site_free(s);
}

static void take_type(void *arg, const struct event *e)
{
    enum event_type *types = arg;
    types[++types[0]] = e->type;
}

static void what_is_decided_about_an_agent_stands_in_its_list(void **state)
{
    struct site *s = new_site(*state);
    struct event appeal = act(EVENT_APPEAL, "a1", T0, "r"), decided = act(EVENT_APPEAL_DECIDED, "a2", T0 + 1, "a1");
    enum event_type types[4] = {0};
    appeal.subject = decided.subject = STR_LIT("A");
    decided.how = DECIDED_REJECTED;
    site_fold(s, &appeal, T0 + 1);
    site_fold(s, &decided, T0 + 1);
    site_advance(s, T0 + 1, 100);
    site_agent_events(s, site_agent_find(s, STR_LIT("A")), take_type, types);
    assert_int_equal(types[0], 2);
    assert_int_equal(types[1], EVENT_APPEAL);
    assert_int_equal(types[2], EVENT_APPEAL_DECIDED);
    assert_int_equal(site_fold(s, &decided, T0 + 1), VERDICT_DUPLICATE);
    site_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_counted_at_once),
        cmocka_unit_test(the_same_event_again_is_a_duplicate_and_another_under_its_name_a_conflict),
        cmocka_unit_test(flags_told_at_the_door_make_no_conflict),
        cmocka_unit_test(silence_becomes_a_miss_by_deadline_not_by_the_next_event),
        cmocka_unit_test(an_event_ahead_of_the_clock_counts_when_its_time_has_come),
        cmocka_unit_test(deadlines_follow_a_rulebook_that_is_adopted_meanwhile),
        cmocka_unit_test(the_oldest_wait_is_known_whatever_the_order_in_which_waits_begin_and_end),
        cmocka_unit_test(who_began_before_a_time_is_passed_over_whatever_that_time_does),
        cmocka_unit_test(what_is_handled_counts_for_the_shop_that_is_named_first_whenever_that_is),
        cmocka_unit_test(an_excused_turn_counts_for_nobody_or_not_for_one),
        cmocka_unit_test(the_events_of_a_conversation_are_told_whole),
        cmocka_unit_test(a_voided_rating_counts_again_when_the_voiding_is_undone),
        cmocka_unit_test(what_is_decided_about_an_agent_stands_in_its_list),
        cmocka_unit_test(every_order_and_every_way_through_time_gives_the_same_figures),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
