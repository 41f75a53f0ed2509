/* The quick scanner held to the generic one: the same verdict on every line, and the same event field by field, or the same
 * refusal word by word. The lines are a simulated team's and some that know every field, broken at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/mem.h"
#include "kefu/collectors/decode_scan.h"
#include "kefu/ctl/simulation.h"
#include "support_decode.h"
#include "support_random.h"

#define LINES_N    100000  /* in make test */
#define SOAK_N     1000000 /* in make soak */
#define LINE_BYTES 2048    /* a line this long is not broken any further */
#define COUNT(a)   (sizeof(a) / sizeof *(a))

static const char *const pieces[] = {"\"",
                                     "\\",
                                     "{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "null",
                                     "true",
                                     "false",
                                     "0",
                                     "-",
                                     "1e3",
                                     "1.50",
                                     ".5",
                                     "007",
                                     " ",
                                     "\t",
                                     "\r",
                                     "\x7f",
                                     "\x1f",
                                     "\xff",
                                     "\xc0\x80",
                                     "\xed\xa0\x80",
                                     "\xe0\x9f\xbf",
                                     "\xf0\x9f\x8c\xb9",
                                     "\xf4\x90\x80\x80",
                                     "谢谢",
                                     "\xe8\xb0",
                                     "\\u0000",
                                     "\\u8c22",
                                     "\\ud83d",
                                     "\\n",
                                     "2026-03-01T00:00:00Z",
                                     ",\"id\":\"twice\"",
                                     ",\"extra\":1",
                                     ",\"i\\u0064\":\"x\"",
                                     "{\"a\":[1,{}]}"};

/* Every field of the event table, in ways that are right. */
static const char *const whole[] = {
    "{" MSG "'from':'customer','customer':'u','shop':'s','channel':'web','text':'谢谢啦','private':true,'auto':false}",
    "{" MSG "'from':'agent','agent':'A','text':'在的','closing':true}",
    "{" MSG "'from':'customer','text':'好的','closing':false,'source':'other'}",
    "{" HEAD "'type':'conversation.opened','conversation':'c1','customer':'u','shop':'s','channel':'jd','topic':'t'}",
    "{" HEAD "'type':'message.recalled','conversation':'c1','message':'m','of_source':'x'}",
    "{" HEAD "'type':'conversation.assigned','conversation':'c1','agent':null,'by':'supervisor'}",
    "{" HEAD "'type':'conversation.resolved','conversation':'c1','by':'timeout','agent':'A'}",
    "{" HEAD "'type':'conversation.reopened','conversation':'c1'}",
    "{" HEAD "'type':'conversation.handoff', 'conversation' : 'c1' } ",
    "{" RATE "'score':4.25,'scale':5,'agent':'A'}",
    "{" RATE "'score':-1.5,'scale':0.0}",
    "{" HEAD "'type':'rating.voided','conversation':'c1','rating':'r','of_source':'s','reason':'why','actor':'B'}",
    "{" ORD "'kind':'cross','amount_fen':9900,'state':'paid','conversation':'c1'}",
    "{" HEAD "'type':'agent.profile','agent':'A','name':'王','team':'t','employee_no':'7','hired_on':'2024-02-29',"
    "'left_on':'2026-01-31'}",
    "{'id':'s1','ts':'2026-03-01T08:00:00.123+08:00','type':'agent.status','agent':'A','status':'away'}",
    "{'id':'s2','ts':1772809600000,'type':'agent.status','agent':'A','status':'busy'}", /* ahead of the clock */
};

struct tally {
    uint64_t quick_n, accepted_n, refused_n;
};

static void assert_same_event(const struct event *a, const struct event *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->how, b->how);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->ts, b->ts);
    assert_int_equal(a->amount_fen, b->amount_fen);
    assert_int_equal(a->score_milli, b->score_milli);
    assert_int_equal(a->scale, b->scale);
    assert_int_equal(a->text_bytes, b->text_bytes);
    assert_true(str_eq(a->source, b->source) && str_eq(a->id, b->id) && str_eq(a->subject, b->subject));
    for (int i = 0; i < EVENT_STR_N; i++) {
        assert_true(str_eq(a->strs[i], b->strs[i]));
    }
}

static void assert_same_refusal(const struct refusal *a, const struct refusal *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->index, b->index);
    assert_int_equal(a->input_bytes, b->input_bytes);
    assert_true(str_eq(a->id, b->id));
    assert_true(str_eq(a->reason, b->reason));
    assert_true(!a->event == !b->event);
    if (a->event) {
        assert_same_event(a->event, b->event);
    }
}

/* Decodes a line both ways; it stands in memory of its own size, so that a read behind its end is seen. */
static void compare(struct str line, struct tally *t)
{
    struct decode_context c = door_context();
    struct batch *quick = batch_new(STR_LIT("test"), NULL, NULL);
    struct batch *generic = batch_new(STR_LIT("test"), NULL, NULL);
    struct str values[EVENT_KEYS_N] = {0};
    char *exact = xmalloc(line.n);
    memcpy(exact, line.p, line.n);
    line.p = exact;
    decode_one(quick, line, &c);
    decode_one_generic(generic, line, &c);
    assert_int_equal(quick->inputs_n, generic->inputs_n);
    assert_int_equal(quick->events_n, generic->events_n);
    assert_int_equal(quick->refusals_n, generic->refusals_n);
    for (size_t i = 0; i < quick->events_n; i++) {
        assert_same_event(&quick->events[i], &generic->events[i]);
    }
    for (size_t i = 0; i < quick->refusals_n; i++) {
        assert_same_refusal(&quick->refusals[i], &generic->refusals[i]);
    }
    t->quick_n += decode_scan(line, values) > 0;
    t->accepted_n += quick->events_n;
    t->refused_n += quick->refusals_n;
    free(exact);
    batch_free(quick);
    batch_free(generic);
}

static void put_quoted(struct buf *out, const char *text)
{
    struct str s = door_text(text);
    buf_put_str(out, s);
    buf_put_byte(out, '\n');
    door_drop(s);
}

/* Some thousand lines to begin with. */
static void put_lines(struct buf *lines, uint64_t seed)
{
    for (size_t i = 0; i < 40 * COUNT(whole); i++) {
        put_quoted(lines, whole[i % COUNT(whole)]);
    }
    struct simulation *s = simulation_new(&(struct simulation_options){.seed = seed,
                                                                       .start_ms = NOW - INT64_C(86400000),
                                                                       .end_ms = INT64_MAX,
                                                                       .per_day = 2000,
                                                                       .agents_n = 30,
                                                                       .short_ids = seed % 2 == 0});
    while (lines->n < (size_t)1 << 20) {
        simulation_step(s, lines);
    }
    simulation_free(s);
}

/* Replaces up to 8 bytes at a random place by nothing, a byte, a piece, or bytes from elsewhere in the line. */
static void mutate(struct buf *line, uint64_t *random)
{
    char before[2 * LINE_BYTES], after[2 * LINE_BYTES];
    size_t at = random_next(random) % (line->n + 1);
    size_t rest = line->n - at;
    size_t cut = random_next(random) % 9;
    cut = cut < rest ? cut : rest;
    memcpy(before, line->p, line->n);
    memcpy(after, line->p + at + cut, rest - cut);
    size_t after_n = rest - cut;
    size_t line_n = line->n;
    line->n = at;
    switch (random_next(random) % 4) {
    case 0: break;
    case 1: buf_put_byte(line, (uint8_t)random_next(random)); break;
    case 2: buf_put_str(line, str_of(pieces[random_next(random) % COUNT(pieces)])); break;
    default: {
        size_t from = random_next(random) % line_n;
        size_t n = random_next(random) % 40;
        buf_put(line, before + from, n < line_n - from ? n : line_n - from);
    }
    }
    buf_put(line, after, after_n);
}

/* A line out of the lot, broken at none to three places. */
static void pick(const struct buf *lines, struct buf *line, uint64_t *random)
{
    size_t at = random_next(random) % lines->n;
    const char *begin = memrchr(lines->p, '\n', at);
    begin = begin ? begin + 1 : lines->p;
    const char *end = memchr(begin, '\n', (size_t)(lines->p + lines->n - begin));
    line->n = 0;
    buf_put(line, begin, (size_t)(end - begin));
    for (uint64_t n = random_next(random) % 4; n > 0 && line->n > 0 && line->n < LINE_BYTES; n--) {
        mutate(line, random);
    }
}

static void both_scanners_say_the_same_of_broken_lines(void **state)
{
    (void)state;
    struct buf lines = {0}, line = {0};
    struct tally t = {0};
    uint64_t random = random_start();
    uint64_t lines_n = getenv("KEFU_SOAK") ? SOAK_N : LINES_N;
    put_lines(&lines, random);
    for (uint64_t i = 0; i < lines_n; i++) {
        pick(&lines, &line, &random);
        compare(buf_str(&line), &t);
    }
    buf_fini(&lines);
    buf_fini(&line);
    printf("of %llu lines %llu were read by the quick one, %llu accepted, %llu refused\n", (unsigned long long)lines_n,
           (unsigned long long)t.quick_n, (unsigned long long)t.accepted_n, (unsigned long long)t.refused_n);
    /* or this would show nothing: */
    assert_true(t.quick_n > lines_n / 5 && t.quick_n < lines_n / 5 * 4);
    assert_true(t.accepted_n > lines_n / 5 && t.refused_n > lines_n / 5);
}

static void whole_lines_are_read_by_the_quick_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(whole); i++) {
        struct tally t = {0};
        struct str s = door_text(whole[i]);
        compare(s, &t);
        door_drop(s);
        assert_int_equal(t.quick_n, 1);
    }
}

/* What it must leave alone, lest two scanners disagree one day. */
static void anything_else_is_left_to_the_generic_one(void **state)
{
    (void)state;
    static const char *const odd[] = {"",
                                      "{",
                                      "{}",
                                      "[]",
                                      "{'id'",
                                      "{'id':'a','id':'a'}",
                                      "{'id':'a',}",
                                      "{'unknown':1}",
                                      "{'':1}",
                                      "{'i':1}",
                                      "{'id':01}",
                                      "{'id':1e3}",
                                      "{'id':+1}",
                                      "{'id':-}",
                                      "{'id':1.}",
                                      "{'id':tru}",
                                      "{'id':{}}",
                                      "{'id':[]}",
                                      "{'id':'a\\n'}",
                                      "{'id':'a\t'}",
                                      "{'id':'\xed\xa0\x80'}",
                                      "{'i\\u0064':'a'}",
                                      "{'id' 'a'}",
                                      "{'id':'a' 'ts':1}"};
    for (size_t i = 0; i < COUNT(odd); i++) {
        struct tally t = {0};
        struct str s = door_text(odd[i]);
        compare(s, &t);
        door_drop(s);
        assert_int_equal(t.quick_n, 0);
    }
}

static void what_follows_the_object_is_looked_at(void **state)
{
    (void)state;
    static const char *const followed[] = {"}", " x", ",{}", " {}", "\x01"};
    for (size_t i = 0; i < COUNT(followed); i++) {
        char line[300];
        struct tally t = {0};
        snprintf(line, sizeof line, "{" HEAD "'type':'conversation.reopened','conversation':'c1'}%s", followed[i]);
        struct str s = door_text(line);
        compare(s, &t);
        door_drop(s);
        assert_int_equal(t.refused_n, 1);
    }
}

static void every_name_of_the_table_has_its_number(void **state)
{
    (void)state;
    for (int type = 1; type < EVENT_TYPES; type++) {
        const struct event_row *row = event_row((enum event_type)type);
        for (const struct event_field *f = row ? row->fields : NULL; f && f->kind != FIELD_NONE; f++) {
            assert_true(f->key != EVENT_KEY_none);
            assert_int_equal(event_key_find(f->name), f->key);
        }
    }
    assert_int_equal(event_key_find(STR_LIT("id")), EVENT_KEY_id);
    assert_int_equal(event_key_find(STR_LIT("tX")), EVENT_KEY_none);
    assert_int_equal(event_key_find(STR_LIT("t")), EVENT_KEY_none);
    assert_int_equal(event_key_find((struct str){0}), EVENT_KEY_none);
}

int main(void)
{
    digest_start();
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_name_of_the_table_has_its_number),
                                       cmocka_unit_test(whole_lines_are_read_by_the_quick_one),
                                       cmocka_unit_test(anything_else_is_left_to_the_generic_one),
                                       cmocka_unit_test(what_follows_the_object_is_looked_at),
                                       cmocka_unit_test(both_scanners_say_the_same_of_broken_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
