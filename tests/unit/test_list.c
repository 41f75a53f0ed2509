/* Packed lists give back what was put in, and come into order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kefu/state/list.h"
#include "support_site.h"

static void check_holds(const struct list *l, const struct event *events, const struct names *names)
{
    struct list_cursor c;
    struct item i;
    list_first(&c, l);
    for (size_t k = 0; k < l->n; k++) {
        assert_true(list_next(&c, &i));
        assert_true(item_same(&i, &events[k], names));
        assert_int_equal(i.flags, events[k].flags);
    }
    assert_false(list_next(&c, &i));
}

static void an_item_gives_back_all_the_sender_said(void **state)
{
    (void)state;
    struct support_random r = support_random();
    struct names names;
    struct arena arena = {0};
    names_init(&names, 1);
    for (int round = 0; round < 100; round++) {
        size_t n = 1 + support_below(&r, 50);
        struct event *events = support_history(&r, &arena, n);
        struct list l = {0};
        for (size_t k = 0; k < n; k++) {
            struct item i;
            item_of_event(&i, &events[k], &names);
            list_append(&l, &i, &names);
        }
        assert_int_equal(l.n, n);
        check_holds(&l, events, &names);
        list_fini(&l, &names);
        free(events);
    }
    names_fini(&names);
    arena_fini(&arena);
}

/* Rests of ids that are all hexadecimal are packed two digits a byte: nothing may be lost at any length or border. */
static void ids_of_every_kind_and_length_come_back(void **state)
{
    (void)state;
    static const char *const kinds[] = {"0123456789abcdef", "9", "0123456789ABCDEF", "abcdefg", "a-", "\xe5\xae\xa2"};
    struct names names;
    names_init(&names, 1);
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        struct event events[128] = {{0}};
        char ids[128][128];
        struct list l = {0};
        for (size_t n = 1; n <= 128; n++) {
            struct event *e = &events[n - 1];
            for (size_t k = 0; k < n; k++)
                ids[n - 1][k] = kinds[kind][(k + n) % strlen(kinds[kind])];
            *e = (struct event){.type = EVENT_MESSAGE, .how = FROM_CUSTOMER, .ts = 1000 + (int64_t)n};
            e->source = STR_LIT("s");
            e->id = (struct str){ids[n - 1], n};
            struct item i;
            item_of_event(&i, e, &names);
            list_append(&l, &i, &names);
        }
        check_holds(&l, events, &names);
        list_fini(&l, &names);
    }
    names_fini(&names);
}

static void items_come_into_order_whatever_the_order_they_came_in(void **state)
{
    (void)state;
    struct support_random r = support_random();
    struct names names;
    struct arena arena = {0};
    names_init(&names, 1);
    for (int round = 0; round < 100; round++) {
        size_t n = 2 + support_below(&r, 50);
        struct event *events = support_history(&r, &arena, n);
        support_shuffle(&r, events, n);
        struct list l = {0};
        struct item before;
        for (size_t k = 0; k < n; k++) {
            item_of_event(&before, &events[k], &names);
            list_append(&l, &before, &names);
        }
        list_sort(&l, &names, &arena);
        assert_int_equal(l.n, n);
        assert_int_equal(l.sorted_n, n);
        struct item *items = list_items(&l, &arena);
        for (size_t k = 1; k < n; k++)
            assert_true(item_cmp(&items[k - 1], &items[k], &names) < 0);
        list_fini(&l, &names);
        free(events);
    }
    names_fini(&names);
    arena_fini(&arena);
}

static bool is_found(const struct list *l, const struct event *e, struct names *names)
{
    struct list_cursor c;
    struct item who;
    struct item found;
    item_of_event(&who, e, names);
    return list_find(l, &who, names, &c, &found) && str_eq(found.id, e->id) && found.source == who.source;
}

/* Also while the list is only partly in order, and at lengths around those at which items are marked. */
static void an_item_is_found_by_its_identity_however_long_the_list(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 255, 256, 257, 512, 513, 1500};
    struct support_random r = support_random();
    struct arena arena = {0};
    for (size_t round = 0; round < 2 * sizeof lengths / sizeof *lengths; round++) {
        size_t n = lengths[round / 2];
        struct event *events = support_history(&r, &arena, n + 1);
        struct names names;
        struct list l = {0};
        names_init(&names, 1);
        if (round % 2)
            support_shuffle(&r, events, n);
        for (size_t k = 0; k < n; k++) {
            struct item i;
            item_of_event(&i, &events[k], &names);
            list_append(&l, &i, &names);
            if (support_below(&r, 400) == 0)
                list_sort(&l, &names, &arena);
        }
        for (size_t k = 0; k < n; k++)
            assert_true(is_found(&l, &events[k], &names));
        assert_false(is_found(&l, &events[n], &names));
        struct event conflict = events[support_below(&r, (uint32_t)n)];
        conflict.ts += (int64_t)support_below(&r, 3) * 60000 - 60000;
        conflict.type = EVENT_HANDOFF;
        assert_true(is_found(&l, &conflict, &names));
        list_fini(&l, &names);
        names_fini(&names);
        free(events);
    }
    arena_fini(&arena);
}

static void the_longest_names_fit(void **state)
{
    (void)state;
    struct names names;
    names_init(&names, 1);
    char longest[128];
    memset(longest, 'x', sizeof longest);
    struct event e = {.type = EVENT_VOIDED, .ts = INT64_C(4102444799999), .flags = 0xff};
    e.source = e.id = e.subject = (struct str){longest, sizeof longest};
    for (int k = 0; k < EVENT_STR_N; k++)
        e.strs[k] = (struct str){longest, sizeof longest};
    e.amount_fen = e.score_milli = e.scale = INT64_MAX;
    e.text_bytes = INT64_MAX;
    struct list l = {0};
    struct item i;
    item_of_event(&i, &e, &names);
    list_append(&l, &i, &names);
    list_append(&l, &i, &names);
    struct event twice[2] = {e, e};
    check_holds(&l, twice, &names);
    list_fini(&l, &names);
    names_fini(&names);
}

static void a_chat_message_takes_about_thirty_bytes(void **state)
{
    (void)state;
    struct names names;
    names_init(&names, 1);
    struct list l = {0};
    char id[17];
    for (int k = 0; k < 12; k++) {
        snprintf(id, sizeof id, "%08x%08x", 0x9e3779b9u * (unsigned)(k + 1), 0x85ebca6bu * (unsigned)(k + 7));
        struct event e = {.type = EVENT_MESSAGE, .how = k % 2 ? FROM_AGENT : FROM_CUSTOMER, .ts = T0 + k * 20000};
        e.source = STR_LIT("default");
        e.id = str_of(id);
        e.flags = EVENT_HAS_TEXT;
        e.text_bytes = 60;
        e.strs[k % 2 ? EVENT_AGENT : EVENT_CUSTOMER] = STR_LIT("0123456789abcdef");
        struct item i;
        item_of_event(&i, &e, &names);
        list_append(&l, &i, &names);
    }
    assert_true(l.bytes_n < 12 * 36);
    list_fini(&l, &names);
    names_fini(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_gives_back_all_the_sender_said),
        cmocka_unit_test(ids_of_every_kind_and_length_come_back),
        cmocka_unit_test(items_come_into_order_whatever_the_order_they_came_in),
        cmocka_unit_test(an_item_is_found_by_its_identity_however_long_the_list),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(a_chat_message_takes_about_thirty_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
