/* Events: names, order, sameness, and that the record on disk is the event, bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/digest.h"
#include "kefu/base/json.h"
#include "kefu/model/batch.h"
#include "kefu/model/event.h"
#include "kefu/model/event_table.h"
#include "support_random.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct str random_str(uint64_t *r, struct arena *a, size_t min, size_t max)
{
    size_t n = random_next(r) % 4 == 0 ? max : min + random_next(r) % (max - min + 1);
    char *p = arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++) {
        p[i] = (char)random_next(r);
    }
    return (struct str){n ? p : NULL, n};
}

static int64_t random_number(uint64_t *r)
{
    uint64_t v = random_next(r);
    return random_next(r) % 3 ? (int64_t)(v >> (random_next(r) % 64)) : random_next(r) % 2 ? (int64_t)v : 0;
}

/* Some numbers are left free. */
static enum event_type random_type(uint64_t *r)
{
    enum event_type t;
    do {
        t = (enum event_type)(1 + random_next(r) % (EVENT_TYPES - 1));
    } while (!event_row(t));
    return t;
}

static struct event random_event(uint64_t *r, struct arena *a)
{
    struct event e = {.type = random_type(r),
                      .how = (enum event_how)(random_next(r) % EVENT_HOWS),
                      .flags = (uint32_t)(random_next(r) % 256),
                      .ts = random_number(r),
                      .amount_fen = random_number(r),
                      .score_milli = random_number(r),
                      .scale = random_number(r),
                      .text_bytes = random_number(r)};
    e.source = random_str(r, a, 1, 128);
    e.id = random_str(r, a, 1, 128);
    e.subject = random_str(r, a, 1, 128);
    for (int i = 0; i < EVENT_STR_N; i++) {
        e.strs[i] = random_next(r) % 2 ? random_str(r, a, 0, event_str_max((enum event_str)i)) : (struct str){0};
    }
    return e;
}

static struct event chat_message(void)
{
    struct event e = {.type = EVENT_MESSAGE,
                      .how = FROM_CUSTOMER,
                      .flags = EVENT_HAS_TEXT | EVENT_CLOSER,
                      .ts = 1772409600000,
                      .text_bytes = 27};
    e.source = STR_LIT("default");
    e.id = STR_LIT("0123456789abcdef");
    e.subject = STR_LIT("c7-1234567890");
    e.strs[EVENT_CUSTOMER] = STR_LIT("0123456789abcdef");
    return e;
}

static bool bit_for_bit(const struct event *a, const struct event *b)
{
    return event_same(a, b) && a->flags == b->flags;
}

static void each_type_has_its_row_and_its_name_back(void **state)
{
    (void)state;
    for (int t = 1; t < EVENT_TYPES; t++) {
        const struct event_row *row = event_row((enum event_type)t);
        if (!row) {
            assert_int_equal(event_type_name((enum event_type)t).n, 0);
            continue;
        }
        assert_int_equal(row->type, t);
        assert_int_equal(event_type_find(row->name), t);
        assert_int_equal(event_subject_kind((enum event_type)t), row->subject);
        assert_int_equal(row->fields[0].kind, FIELD_SUBJECT);
        assert_int_equal(row->fields[EVENT_FIELDS_MAX].kind, FIELD_NONE);
    }
    assert_null(event_row(EVENT_NONE));
    assert_null(event_row(EVENT_TYPES));
    assert_int_equal(event_type_name(EVENT_NONE).n, 0);
    assert_int_equal(event_type_find(STR_LIT("")), EVENT_NONE);
    assert_int_equal(event_type_find(STR_LIT("Message")), EVENT_NONE);
    assert_int_equal(event_type_find(STR_LIT("message.")), EVENT_NONE);
    assert_int_equal(event_subject_kind(EVENT_NONE), SUBJECT_NONE);
}

static void words_are_those_of_the_table(void **state)
{
    (void)state;
    static const struct {
        enum event_type type;
        const char *field;
        const char *words;
    } rows[] = {
        {EVENT_MESSAGE, "from", "customer agent bot system "}, {EVENT_ASSIGNED, "by", "system supervisor agent "},
        {EVENT_RESOLVED, "by", "agent customer bot timeout "}, {EVENT_ORDER, "state", "paid refunded "},
        {EVENT_STATUS, "status", "online busy away offline "},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct event_field *f = event_row(rows[i].type)->fields;
        while (f->kind != FIELD_WORD) {
            f++;
        }
        struct buf words = {0};
        for (int h = (int)f->how_first; h <= (int)f->how_last; h++) {
            buf_put_str(&words, event_how_name((enum event_how)h));
            buf_put_byte(&words, ' ');
        }
        assert_string_equal(f->name.p, rows[i].field);
        assert_true(str_eq(buf_str(&words), str_of(rows[i].words)));
        buf_fini(&words);
    }
    assert_int_equal(event_how_name(HOW_NONE).n, 0);
}

static void ranks_are_as_in_the_spec(void **state)
{
    (void)state;
    static const struct {
        enum event_type type;
        enum event_how how;
        int rank;
    } rows[] = {
        {EVENT_OPENED, HOW_NONE, 0},    {EVENT_REOPENED, HOW_NONE, 1},   {EVENT_MESSAGE, FROM_CUSTOMER, 2},
        {EVENT_MESSAGE, FROM_BOT, 3},   {EVENT_HANDOFF, HOW_NONE, 4},    {EVENT_ASSIGNED, BY_SYSTEM, 5},
        {EVENT_MESSAGE, FROM_AGENT, 6}, {EVENT_MESSAGE, FROM_SYSTEM, 6}, {EVENT_RESOLVED, BY_AGENT, 7},
        {EVENT_RATING, HOW_NONE, 8},    {EVENT_VOIDED, HOW_NONE, 9},     {EVENT_RECALLED, HOW_NONE, 10},
        {EVENT_ORDER, ORDER_PAID, 0},   {EVENT_PROFILE, HOW_NONE, 0},    {EVENT_STATUS, STATUS_BUSY, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct event e = {.type = rows[i].type, .how = rows[i].how};
        assert_int_equal(event_rank(e.type, e.how), rows[i].rank);
    }
}

static void order_is_time_then_rank_then_source_then_id_in_bytes(void **state)
{
    (void)state;
    struct event list[7];
    for (size_t i = 0; i < COUNT(list); i++) {
        list[i] = chat_message();
    }
    list[0].ts--; /* the earliest, though all else would put it last */
    list[0].how = FROM_AGENT;
    list[1].source = STR_LIT("Z");
    list[1].id = STR_LIT("z");
    list[2].source = STR_LIT("a");
    list[2].id = STR_LIT("A");
    list[3].source = STR_LIT("a");
    list[3].id = STR_LIT("a");
    list[4].source = STR_LIT("a");
    list[4].id = STR_LIT("aa");
    list[5].source = STR_LIT("\xC3\xA9"); /* bytes above 127 come after ASCII */
    list[6].type = EVENT_HANDOFF;
    list[6].source = STR_LIT("A");
    for (size_t i = 0; i < COUNT(list); i++) {
        for (size_t j = 0; j < COUNT(list); j++) {
            int c = event_cmp(&list[i], &list[j]);
            assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
        }
    }
}

static void same_is_all_the_sender_said_and_no_more(void **state)
{
    (void)state;
    struct event a = chat_message();
    struct event b = a;
    assert_true(event_same(&a, &b));
    b.flags ^= EVENT_CLOSER | EVENT_PLACEHOLDER;
    assert_true(event_same(&a, &b));
    for (int bit = 0; bit < 6; bit++) {
        b = a;
        b.flags ^= 1U << bit;
        assert_false(event_same(&a, &b));
    }
    for (int i = 0; i < EVENT_STR_N; i++) {
        b = a;
        b.strs[i] = STR_LIT("other");
        assert_false(event_same(&a, &b));
        assert_false(event_same(&b, &a));
    }
#define DIFFERS(change)                                                                                                \
    do {                                                                                                               \
        b = a;                                                                                                         \
        b.change;                                                                                                      \
        assert_false(event_same(&a, &b));                                                                              \
    } while (0)
    DIFFERS(type = EVENT_OPENED);
    DIFFERS(how = FROM_BOT);
    DIFFERS(ts++);
    DIFFERS(source = STR_LIT("d"));
    DIFFERS(id = STR_LIT("d"));
    DIFFERS(subject = STR_LIT("d"));
    DIFFERS(text_bytes++);
    DIFFERS(amount_fen++);
    DIFFERS(score_milli++);
    DIFFERS(scale++);
}

static void a_copy_needs_nothing_of_the_first(void **state)
{
    (void)state;
    uint64_t r = 7;
    struct arena one = {0};
    struct arena two = {0};
    struct event e = random_event(&r, &one);
    struct event copy = event_copy(&e, &two);
    assert_true(bit_for_bit(&e, &copy));
    assert_ptr_not_equal(e.id.p, copy.id.p);
    struct buf before = {0};
    struct buf after = {0};
    event_encode(&before, &e);
    arena_fini(&one);
    event_encode(&after, &copy);
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    buf_fini(&before);
    buf_fini(&after);
    arena_fini(&two);
}

static void any_event_comes_back_from_its_record_bit_for_bit(void **state)
{
    (void)state;
    uint64_t r = random_start();
    struct arena arena = {0};
    for (int i = 0; i < 5000; i++) {
        struct event e = random_event(&r, &arena);
        struct event back;
        struct buf b = {0};
        buf_put_byte(&b, 'x'); /* records stand behind each other */
        event_encode(&b, &e);
        event_encode(&b, &e);
        struct cursor in = cursor_of((struct str){b.p + 1, b.n - 1});
        for (int k = 0; k < 2; k++) {
            assert_int_equal(event_decode(&in, &back, NULL), 0);
            assert_true(bit_for_bit(&e, &back));
        }
        assert_ptr_equal(in.p, in.end);
        buf_fini(&b);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

/* The record of a chat message, written out by hand: what is on disk must be read for ever. */
static const unsigned char record_of_version_1[] = {
    1,   67,  2,   1,   0x50, 0x80, 0xE0, 0xC1, 0xBD, 0x95, 0x67, 0x21, 7,   'd', 'e', 'f', 'a', 'u',
    'l', 't', 16,  '0', '1',  '2',  '3',  '4',  '5',  '6',  '7',  '8',  '9', 'a', 'b', 'c', 'd', 'e',
    'f', 13,  'c', '7', '-',  '1',  '2',  '3',  '4',  '5',  '6',  '7',  '8', '9', '0', 54,  16,  '0',
    '1', '2', '3', '4', '5',  '6',  '7',  '8',  '9',  'a',  'b',  'c',  'd', 'e', 'f',
};

static void the_bytes_of_a_record_never_change(void **state)
{
    (void)state;
    struct event e = chat_message();
    struct buf b = {0};
    event_encode(&b, &e);
    assert_int_equal(b.n, sizeof record_of_version_1);
    assert_memory_equal(b.p, record_of_version_1, sizeof record_of_version_1);
    buf_fini(&b);
    struct event back;
    struct cursor in = cursor_of((struct str){(const char *)record_of_version_1, sizeof record_of_version_1});
    assert_int_equal(event_decode(&in, &back, NULL), 0);
    assert_true(bit_for_bit(&e, &back));
}

static void an_unknown_version_is_refused_and_stepped_over(void **state)
{
    (void)state;
    struct event e = chat_message();
    struct event back;
    struct err err;
    struct buf b = {0};
    event_encode(&b, &e);
    b.p[0] = 2;
    event_encode(&b, &e);
    struct cursor in = cursor_of(buf_str(&b));
    assert_int_equal(event_decode(&in, &back, &err), -1);
    assert_non_null(strstr(err.what, "found version 2, expected 1"));
    assert_int_equal(back.type, EVENT_NONE);
    assert_int_equal(event_decode(&in, &back, &err), 0);
    assert_true(bit_for_bit(&e, &back));
    buf_fini(&b);
}

/* Decodes bytes in memory of exactly their size; the strings of an accepted event are all touched. */
static int decode_exact(const char *p, size_t n, uint64_t *touched)
{
    char *copy = malloc(n ? n : 1);
    memcpy(copy, p, n);
    struct cursor in = cursor_of((struct str){copy, n});
    struct event e;
    int result = event_decode(&in, &e, NULL);
    struct str all[3 + EVENT_STR_N] = {e.source, e.id, e.subject};
    memcpy(all + 3, e.strs, sizeof e.strs);
    for (size_t i = 0; i < COUNT(all); i++) {
        *touched += digest_checksum(all[i]);
    }
    if (result) {
        assert_int_equal(e.type, EVENT_NONE);
        assert_int_equal(e.id.n, 0);
    }
    free(copy);
    return result;
}

static void every_cut_of_a_record_is_refused(void **state)
{
    (void)state;
    uint64_t r = 3;
    uint64_t touched = 0;
    struct arena arena = {0};
    struct event events[] = {chat_message(), random_event(&r, &arena), random_event(&r, &arena)};
    for (size_t i = 0; i < COUNT(events); i++) {
        struct buf b = {0};
        event_encode(&b, &events[i]);
        for (size_t n = 0; n < b.n; n++) {
            assert_int_equal(decode_exact(b.p, n, &touched), -1);
        }
        assert_int_equal(decode_exact(b.p, b.n, &touched), 0);
        buf_fini(&b);
    }
    arena_fini(&arena);
}

static void mutated_records_are_refused_or_some_event(void **state)
{
    (void)state;
    uint64_t r = random_start();
    uint64_t touched = 0;
    int refused = 0;
    struct arena arena = {0};
    for (int i = 0; i < 20000; i++) {
        struct event e = random_next(&r) % 2 ? chat_message() : random_event(&r, &arena);
        struct buf b = {0};
        event_encode(&b, &e);
        for (uint64_t k = 1 + random_next(&r) % 4; k > 0; k--) {
            b.p[random_next(&r) % b.n] = (char)random_next(&r);
        }
        refused += decode_exact(b.p, b.n - random_next(&r) % 2, &touched) != 0;
        buf_fini(&b);
        arena_reset(&arena);
    }
    assert_true(refused > 1000);
    arena_fini(&arena);
}

static void json_is_in_the_order_of_the_table(void **state)
{
    (void)state;
    struct event rating = {.type = EVENT_RATING, .ts = 5, .score_milli = 4250, .scale = 5};
    rating.source = STR_LIT("s\"");
    rating.id = STR_LIT("r");
    rating.subject = STR_LIT("c");
    rating.strs[EVENT_AGENT] = STR_LIT("张三");
    struct event message = chat_message();
    message.flags |= EVENT_PRIVATE | EVENT_CLOSING_FALSE;
    message.strs[EVENT_CUSTOMER] = (struct str){"\x00\xff", 2};
    struct event assigned = {.type = EVENT_ASSIGNED, .how = BY_AGENT};
    assigned.source = assigned.id = assigned.subject = STR_LIT("x");
    struct event order = {.type = EVENT_ORDER, .how = ORDER_REFUNDED, .flags = EVENT_CROSS, .amount_fen = 1990};
    order.source = order.id = order.subject = order.strs[EVENT_AGENT] = STR_LIT("o");
    struct {
        const struct event *e;
        const char *json;
    } rows[] = {
        {&rating,
         "{\"id\":\"r\",\"source\":\"s\\\"\",\"ts\":5,\"type\":\"rating\",\"conversation\":\"c\",\"score\":4.25,"
         "\"scale\":5,\"agent\":\"张三\"}"},
        {&message, "{\"id\":\"0123456789abcdef\",\"source\":\"default\",\"ts\":1772409600000,\"type\":\"message\","
                   "\"conversation\":\"c7-1234567890\",\"from\":\"customer\",\"customer\":\"00ff\",\"text_bytes\":27,"
                   "\"private\":true,\"closing\":false}"},
        {&assigned, "{\"id\":\"x\",\"source\":\"x\",\"ts\":0,\"type\":\"conversation.assigned\",\"conversation\":\"x\","
                    "\"agent\":null,\"by\":\"agent\"}"},
        {&order, "{\"id\":\"o\",\"source\":\"o\",\"ts\":0,\"type\":\"order\",\"order\":\"o\",\"agent\":\"o\","
                 "\"kind\":\"cross\",\"amount_fen\":1990,\"state\":\"refunded\"}"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf b = {0};
        event_print_json(&b, rows[i].e);
        assert_int_equal(json_check(buf_str(&b), JSON_DEPTH_MAX, NULL), 0);
        buf_put_byte(&b, 0);
        assert_string_equal(b.p, rows[i].json);
        buf_fini(&b);
    }
}

static void a_batch_keeps_events_refusals_and_their_inputs(void **state)
{
    (void)state;
    char way[] = "http";
    struct batch *b = batch_new(str_of(way), NULL, state);
    way[0] = 'X';
    for (size_t i = 0; i < 100; i++, b->inputs_n++) {
        if (i % 3 == 0) {
            batch_add_refusal(b)->kind = REFUSAL_BAD;
            continue;
        }
        batch_add_event(b)->ts = (int64_t)i;
        if (i % 3 == 1) {
            batch_add_event(b)->ts = -1;
            batch_drop_event(b);
        }
    }
    assert_true(str_eq(b->way, STR_LIT("http")));
    assert_ptr_equal(b->owner, state);
    assert_int_equal(b->events_n, 66);
    assert_int_equal(b->refusals_n, 34);
    for (size_t i = 0; i < b->events_n; i++) {
        assert_int_equal(b->events[i].ts, b->event_index[i]);
        assert_int_equal(b->verdicts[i], VERDICT_NONE);
    }
    for (size_t i = 0; i < b->refusals_n; i++) {
        assert_int_equal(b->refusals[i].index, 3 * i);
    }
    batch_free(b);
    batch_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_row_and_its_name_back),
        cmocka_unit_test(words_are_those_of_the_table),
        cmocka_unit_test(ranks_are_as_in_the_spec),
        cmocka_unit_test(order_is_time_then_rank_then_source_then_id_in_bytes),
        cmocka_unit_test(same_is_all_the_sender_said_and_no_more),
        cmocka_unit_test(a_copy_needs_nothing_of_the_first),
        cmocka_unit_test(any_event_comes_back_from_its_record_bit_for_bit),
        cmocka_unit_test(the_bytes_of_a_record_never_change),
        cmocka_unit_test(an_unknown_version_is_refused_and_stepped_over),
        cmocka_unit_test(every_cut_of_a_record_is_refused),
        cmocka_unit_test(mutated_records_are_refused_or_some_event),
        cmocka_unit_test(json_is_in_the_order_of_the_table),
        cmocka_unit_test(a_batch_keeps_events_refusals_and_their_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
