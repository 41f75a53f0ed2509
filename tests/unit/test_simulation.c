/* The simulated team: the same options give the same bytes, every line passes the door, and the team is believable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/intern.h"
#include "kefu/collectors/decode.h"
#include "kefu/ctl/dice.h"
#include "kefu/ctl/live.h"
#include "kefu/ctl/simulation.h"
#include "kefu/rules/seed.h"

#define START_MS INT64_C(1772294400000)
#define DAY_MS   INT64_C(86400000)

static struct rulebook *book;
static const uint8_t key[DIGEST_KEY_BYTES];

static struct simulation_options usual(uint64_t seed)
{
    return (struct simulation_options){
        .seed = seed, .start_ms = START_MS, .end_ms = START_MS + 10 * DAY_MS, .per_day = 160, .agents_n = 12};
}

static struct buf all_lines(const struct simulation_options *o)
{
    struct buf out = {0};
    struct simulation *s = simulation_new(o);
    while (simulation_next_ms(s) < o->end_ms)
        simulation_step(s, &out);
    simulation_free(s);
    return out;
}

static struct batch *decoded(const struct buf *lines)
{
    struct decode_context c = {
        .now_ms = INT64_MAX, .rulebook = book, .customer_key = key, .default_source = STR_LIT("default")};
    struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
    assert_int_equal(decode_lines(b, buf_str(lines), &c), lines->n);
    return b;
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    struct simulation_options o = usual(7), other = usual(8);
    struct buf a = all_lines(&o), b = all_lines(&o), c = all_lines(&other);
    assert_true(a.n > 1000000);
    assert_true(str_eq(buf_str(&a), buf_str(&b)));
    assert_false(str_eq(buf_str(&a), buf_str(&c)));
    buf_fini(&a);
    buf_fini(&b);
    buf_fini(&c);
}

static void every_line_is_an_event_in_the_order_of_time(void **state)
{
    (void)state;
    for (int short_ids = 0; short_ids < 2; short_ids++) {
        struct simulation_options o = usual(3);
        o.short_ids = short_ids;
        struct buf lines = all_lines(&o);
        struct batch *b = decoded(&lines);
        if (b->refusals_n > 0)
            fail_msg("line %zu: %.*s", b->refusals[0].index + 1, STR_ARG(b->refusals[0].reason));
        assert_int_equal(b->events_n, b->inputs_n);
        for (size_t i = 1; i < b->events_n; i++)
            assert_true(b->events[i].ts >= b->events[i - 1].ts);
        batch_free(b);
        buf_fini(&lines);
    }
}

static void no_id_is_used_twice(void **state)
{
    (void)state;
    for (int short_ids = 0; short_ids < 2; short_ids++) {
        struct simulation_options o = usual(5);
        o.short_ids = short_ids;
        o.per_day = 500;
        struct buf lines = all_lines(&o);
        struct batch *b = decoded(&lines);
        struct intern seen;
        intern_init(&seen, 1);
        for (size_t i = 0; i < b->events_n; i++)
            assert_int_equal(intern_put(&seen, b->events[i].id), i + 1);
        intern_fini(&seen);
        batch_free(b);
        buf_fini(&lines);
    }
}

struct shares {
    size_t lines, conversations, messages, closers, bots, autos, transfers, unassigned, claims, ratings, hundred, voids;
    size_t cross, refunds, timeouts, recalls, returns, profiles, statuses;
};

static void count(struct shares *n, const struct event *e)
{
    n->lines++;
    n->conversations += e->type == EVENT_OPENED;
    n->messages += e->type == EVENT_MESSAGE;
    n->closers += e->type == EVENT_MESSAGE && e->how == FROM_CUSTOMER && (e->flags & EVENT_CLOSER);
    n->bots += e->type == EVENT_MESSAGE && e->how == FROM_BOT;
    n->autos += (e->flags & EVENT_AUTO) != 0;
    n->transfers += e->type == EVENT_ASSIGNED && e->how == BY_SUPERVISOR;
    n->unassigned += e->type == EVENT_ASSIGNED && e->strs[EVENT_AGENT].n == 0;
    n->claims += e->type == EVENT_ASSIGNED && e->how == BY_AGENT && e->strs[EVENT_AGENT].n > 0;
    n->ratings += e->type == EVENT_RATING;
    n->hundred += e->type == EVENT_RATING && e->scale == 100;
    n->voids += e->type == EVENT_VOIDED;
    n->cross += e->type == EVENT_ORDER && e->how == ORDER_PAID && (e->flags & EVENT_CROSS);
    n->refunds += e->type == EVENT_ORDER && e->how == ORDER_REFUNDED;
    n->timeouts += e->type == EVENT_RESOLVED && e->how == BY_TIMEOUT;
    n->recalls += e->type == EVENT_RECALLED;
    n->returns += e->type == EVENT_REOPENED;
    n->profiles += e->type == EVENT_PROFILE;
    n->statuses += e->type == EVENT_STATUS;
}

/* permille of `of` */
static void is_share(size_t part, size_t of, size_t from, size_t to)
{
    if (part * 1000 < of * from || part * 1000 > of * to)
        fail_msg("%zu of %zu, expected %zu … %zu in 1,000", part, of, from, to);
}

static void the_team_is_believable(void **state)
{
    (void)state;
    struct simulation_options o = usual(11);
    o.agents_n = 24;
    o.per_day = 1000;
    struct buf lines = all_lines(&o);
    struct batch *b = decoded(&lines);
    struct shares n = {0};
    for (size_t i = 0; i < b->events_n; i++)
        count(&n, &b->events[i]);
    assert_int_equal(n.profiles, 24);
    assert_true(n.statuses > 24 * 10 * 2);
    is_share(n.conversations, 10000, 950, 1150);
    is_share(n.messages, n.conversations, 11000, 13000);
    is_share(n.closers, n.conversations, 600, 850);
    is_share(n.bots, n.conversations, 400, 600);
    is_share(n.autos, n.conversations, 300, 700);
    is_share(n.transfers, n.conversations, 20, 90);
    is_share(n.unassigned, n.conversations, 5, 30);
    is_share(n.claims, n.conversations, 2, 40);
    is_share(n.ratings, n.conversations, 280, 420);
    is_share(n.hundred, n.ratings, 180, 330);
    is_share(n.voids, n.ratings, 1, 20);
    is_share(n.cross, n.conversations, 5, 15);
    assert_true(n.refunds > 0);
    is_share(n.timeouts, n.conversations, 60, 160);
    is_share(n.recalls, n.conversations, 15, 60);
    is_share(n.returns, n.conversations, 8, 35);
    batch_free(b);
    buf_fini(&lines);
}

static void the_evening_rush_is_busier_than_the_night(void **state)
{
    (void)state;
    struct simulation_options o = usual(2);
    struct buf lines = all_lines(&o);
    struct batch *b = decoded(&lines);
    size_t by_hour[24] = {0};
    for (size_t i = 0; i < b->events_n; i++) {
        if (b->events[i].type == EVENT_OPENED)
            by_hour[(b->events[i].ts / 3600000 + 8) % 24]++;
    }
    assert_true(by_hour[20] + by_hour[21] > 8 * (by_hour[2] + by_hour[3] + 1));
    assert_true(by_hour[12] < by_hour[20]);
    batch_free(b);
    buf_fini(&lines);
}

static void benchmark_lines_have_the_length_of_the_budgets(void **state)
{
    (void)state;
    struct simulation_options o = usual(1);
    o.short_ids = true;
    o.agents_n = 300;
    o.conversations_max = 3000;
    o.per_day = 3000;
    o.end_ms = INT64_MAX;
    struct buf lines = all_lines(&o);
    struct batch *b = decoded(&lines);
    struct shares n = {0};
    for (size_t i = 0; i < b->events_n; i++) {
        count(&n, &b->events[i]);
        assert_int_equal(b->events[i].id.n, 16);
    }
    assert_int_equal(n.conversations, 3000);
    is_share(n.messages, n.conversations, 11300, 12900);
    assert_in_range(lines.n / b->events_n, 195, 215);
    batch_free(b);
    buf_fini(&lines);
}

static void live_means_everybody_at_work_and_something_every_second(void **state)
{
    (void)state;
    struct simulation_options o = usual(4);
    o.end_ms = INT64_MAX;
    struct simulation *s = simulation_new(&o);
    struct buf past = {0}, live = {0};
    int64_t now = START_MS + 3 * DAY_MS; /* midnight: nearly nobody would be there */
    while (simulation_next_ms(s) <= now)
        simulation_step(s, &past);
    simulation_go_live(s, now, 36, 100);
    size_t events = 0, seconds = 300, busy = 0;
    for (size_t k = 1; k <= seconds; k++) {
        size_t before = events;
        while (simulation_next_ms(s) <= now + (int64_t)k * 1000)
            events += simulation_step(s, &live);
        busy += events > before;
    }
    assert_true(events > seconds);
    assert_true(busy > seconds / 2);
    buf_fini(&past);
    buf_fini(&live);
    simulation_free(s);
}

static void a_refund_takes_back_the_last_steered_sale_once(void **state)
{
    (void)state;
    struct simulation_options o = usual(4);
    struct simulation *s = simulation_new(&o);
    struct buf out = {0};
    assert_false(simulation_cross_sale(s, 2, START_MS, true, &out));
    assert_true(simulation_cross_sale(s, 2, START_MS, false, &out));
    assert_true(simulation_cross_sale(s, 2, START_MS + 5, true, &out));
    assert_false(simulation_cross_sale(s, 2, START_MS + 6, true, &out));
    struct batch *b = decoded(&out);
    assert_int_equal(b->events_n, 2);
    assert_true(str_eq(b->events[0].subject, b->events[1].subject));
    assert_int_equal(b->events[1].how, ORDER_REFUNDED);
    batch_free(b);
    buf_fini(&out);
    simulation_free(s);
}

static void those_nearest_a_border_are_pushed_across_it(void **state)
{
    (void)state;
    const int64_t scores[] = {90100, 89500, 85000, INT64_MIN, 70900, 78500, 69000};
    int moods[7];
    live_steer(scores, 7, moods);
    const int expected[] = {-1, 1, 0, 0, -1, 0, 1};
    assert_memory_equal(moods, expected, sizeof expected);
}

static void dice_keep_their_shares_and_means(void **state)
{
    (void)state;
    struct dice d = {99};
    int64_t sum = 0;
    int hits = 0;
    for (int i = 0; i < 200000; i++) {
        sum += dice_wait(&d, 1000);
        hits += dice_chance(&d, 2500);
        int64_t v = dice_between(&d, -3, 3);
        assert_true(v >= -3 && v <= 3);
    }
    assert_in_range(sum / 200000, 980, 1020);
    assert_in_range(hits, 49000, 51000);
    assert_false(dice_chance(&d, 0));
    assert_true(dice_chance(&d, 10000));
}

static int start(void **state)
{
    (void)state;
    struct err e;
    book = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &e);
    return book ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    rulebook_free(book);
    return 0;
}

int main(void)
{
    digest_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(every_line_is_an_event_in_the_order_of_time),
        cmocka_unit_test(no_id_is_used_twice),
        cmocka_unit_test(the_team_is_believable),
        cmocka_unit_test(the_evening_rush_is_busier_than_the_night),
        cmocka_unit_test(benchmark_lines_have_the_length_of_the_budgets),
        cmocka_unit_test(live_means_everybody_at_work_and_something_every_second),
        cmocka_unit_test(a_refund_takes_back_the_last_steered_sale_once),
        cmocka_unit_test(those_nearest_a_border_are_pushed_across_it),
        cmocka_unit_test(dice_keep_their_shares_and_means),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
