/* The bonus by shop: of a month as it goes, of a closed one, and of rows that were closed before shops were counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kefu/base/log.h"
#include "kefu/daemon/month_propose.h"
#include "kefu/daemon/month_shops.h"
#include "support_months.h"

static void assert_text(struct buf *found, const char *expected)
{
    buf_put_byte(found, 0);
    assert_string_equal(found->p, expected);
    buf_fini(found);
}

static void parts_of_all_are_summed_and_no_shop_comes_last(void **state)
{
    struct shop_handled amys[] = {{STR_LIT("b"), 2}, {STR_LIT("c"), 1}};
    struct shop_handled bobs[] = {{STR_LIT("a"), 1}, {STR_LIT("b"), 1}, {{0}, 1}};
    struct book_row amy = {.shops = amys, .shops_n = 2, .figures = {.handled = 3}, .bonus_fen = 100};
    struct book_row bob = {.shops = bobs, .shops_n = 3, .figures = {.handled = 3}, .bonus_fen = 0};
    struct book_row old = {.figures = {.handled = 9},
                           .bonus_fen = 7}; /* named none, or is of before; or handled nothing */
    struct shop_sums s;
    struct buf out = {0};
    (void)state;
    shop_sums_init(&s);
    shop_sums_add(&s, &amy, 200);
    shop_sums_add(&s, &bob, 50);
    shop_sums_add(&s, &old, 7);
    shop_sums_print(&out, &s);
    assert_text(&out, "[{\"shop\":\"a\",\"agents\":1,\"handled\":1,\"bonus_fen\":0,\"projected_fen\":17},"
                      "{\"shop\":\"b\",\"agents\":2,\"handled\":3,\"bonus_fen\":67,\"projected_fen\":150},"
                      "{\"shop\":\"c\",\"agents\":1,\"handled\":1,\"bonus_fen\":33,\"projected_fen\":67},"
                      "{\"shop\":\"\",\"agents\":2,\"handled\":10,\"bonus_fen\":7,\"projected_fen\":23}]");
    shop_sums_fini(&s);
}

static void a_month_without_anybody_has_no_shop(void **state)
{
    struct shop_sums s;
    struct buf out = {0};
    (void)state;
    shop_sums_init(&s);
    shop_sums_print(&out, &s);
    assert_text(&out, "[]");
    shop_sums_fini(&s);
}

/* A conversation that names its shop by its second message. */
static void say_in(struct desk_of_months *d, const char *id, int64_t ts, const char *shop)
{
    struct batch *b = world_batch(d->w);
    say(b, "amy", id, ts);
    b->events[1].strs[EVENT_SHOP] = str_of(shop);
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
}

static void assert_bonus(struct desk_of_months *d, const char *expected)
{
    struct buf out = {0};
    assert_int_equal(month_print_bonus(&out, d->m, FEB, &d->e), 0);
    assert_text(&out, expected);
}

#define ROW(shop, agents, handled, now, then)                                                                          \
    "{\"shop\":\"" shop "\",\"agents\":" #agents ",\"handled\":" #handled ",\"bonus_fen\":" #now                       \
    ",\"projected_fen\":" #then "}"
#define TEAMS(now, then)                                                                                               \
    "{\"bonus_fen\":" #now ",\"projected_fen\":" #then                                                                 \
    ",\"teams\":[{\"team\":\"west\",\"agents\":1,\"bonus_fen\":" #now ",\"projected_fen\":" #then                      \
    "},{\"team\":\"east\",\"agents\":1,\"bonus_fen\":0,\"projected_fen\":0}],\"shops\":["

/* A tier of its own to amy from two handled conversations on: by 3 February not yet, at this pace by far. */
static struct rulebook *paying(struct desk_of_months *d, int least)
{
    struct buf text = {0};
    buf_printf(
        &text,
        "{\"name\": \"own\", \"tier_min_handled\": %d, \"tiers\": [{\"name\": \"paid\", \"min\": 0, \"bonus_fen\": 1001}]}",
        least);
    struct rulebook *r = rulebook_read(buf_str(&text), "own", d->w->seed, &d->e);
    assert_non_null(r);
    buf_fini(&text);
    d->w->rulebooks.list[0] = r;
    return r;
}

static void the_bonus_of_a_month_is_told_by_shop_as_it_is_and_as_projected_and_stays_when_closed(void **state)
{
    struct desk_of_months *d = *state;
    struct rulebook *own = paying(d, 6);
    say_in(d, "s1", T0 + 1000, "north");
    say_in(d, "s2", T0 + 2000, "south");
    say_in(d, "s3", T0 + 3000, "north");
    assert_bonus(d, TEAMS(0, 1001)
                        ROW("north", 1, 2, 0, 501) "," ROW("south", 1, 1, 0, 250) "," ROW("", 2, 1, 0, 250) "]}");
    say_in(d, "s4", T0 + DAY, "south");
    say_in(d, "s5", T0 + DAY + 1000, "south");
    d->w->now_ms = T0 + 40 * DAY;
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    static const char closed[] = TEAMS(1001, 1001)
        ROW("north", 1, 2, 334, 334) "," ROW("south", 1, 3, 500, 500) "," ROW("", 2, 1, 167, 167) "]}";
    assert_bonus(d, closed);
    struct batch *b =
        world_batch(d->w); /* told late, it moves a conversation that named none, and nothing that is closed */
    struct event *e = world_message(b, "late", T0 + 30000, FROM_CUSTOMER);
    e->subject = STR_LIT("cm1");
    e->flags = EVENT_PRIVATE;
    e->strs[EVENT_SHOP] = STR_LIT("south");
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
    months_turn(d->m);
    world_run(d->w);
    assert_bonus(d, closed);
    months_free(d->m);
    world_again(d->w);
    open_months(d);
    assert_bonus(d, closed);
    struct month_act act = act_of(d, FEB, "again"); /* the next version has what is known by then */
    assert_int_equal(months_reopen(d->m, &act, &d->e), MONTH_UNDER_WAY);
    world_run(d->w);
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_bonus(d, TEAMS(1001, 1001)
                        ROW("north", 1, 2, 334, 334) "," ROW("south", 1, 4, 667, 667) "," ROW("", 1, 0, 0, 0) "]}");
    d->w->rulebooks.list[0] = d->w->seed;
    rulebook_free(own);
}

static int read_back(const char *text, struct arena *arena, struct book_row *back)
{
    struct err e;
    struct book_text stored = {.number = 1, .text = str_of(text)};
    return book_read_row(&stored, arena, back, &e);
}

static char *text_of(const struct book_row *row)
{
    struct buf text = {0};
    book_print_row(&text, row);
    buf_put_byte(&text, 0);
    return text.p;
}

static void rows_without_shops_are_written_as_before_and_others_are_read_back(void **state)
{
    struct shop_handled of[] = {{STR_LIT("旗舰店"), 2}, {{0}, 1}};
    struct book_row row = {.figures = {.handled = 3}, .total_milli = SCORE_NONE}, back;
    struct arena arena = {0};
    (void)state;
    char *text = text_of(&row);
    assert_null(strstr(text, "shops"));
    assert_int_equal(read_back(text, &arena, &back), 0);
    assert_int_equal(back.shops_n, 0);
    free(text);
    row.shops = of;
    row.shops_n = 2;
    text = text_of(&row);
    assert_non_null(
        strstr(text, "\"shops\":[{\"shop\":\"旗舰店\",\"handled\":2},{\"shop\":\"\",\"handled\":1}],\"kpis\""));
    assert_int_equal(read_back(text, &arena, &back), 0);
    assert_int_equal(back.shops_n, 2);
    assert_true(str_eq(back.shops[0].shop, of[0].shop));
    assert_int_equal(back.shops[1].handled, 1);
    char *again = text_of(&back);
    assert_string_equal(text, again);
    free(again);
    *strstr(text, "\"handled\":2") = ' '; /* damaged */
    assert_int_equal(read_back(text, &arena, &back), -1);
    free(text);
    arena_fini(&arena);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, months_setup, months_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_all_are_summed_and_no_shop_comes_last),
        cmocka_unit_test(a_month_without_anybody_has_no_shop),
        cmocka_unit_test(rows_without_shops_are_written_as_before_and_others_are_read_back),
        T(the_bonus_of_a_month_is_told_by_shop_as_it_is_and_as_projected_and_stays_when_closed),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
