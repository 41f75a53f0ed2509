/* Bodies and streams at the door: how they are cut into inputs, that each is counted once, and that no bytes break it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <glob.h>
#include <cmocka.h>

#include "kefu/base/json.h"
#include "kefu/collectors/decode.h"

#include "support_decode.h"
#include "support_random.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* What became of a body: a letter an input, E event, B bad, F of the future. */
static void outcome(const struct batch *b, char *out, size_t out_n)
{
    assert_true(b->inputs_n < out_n);
    memset(out, '.', b->inputs_n);
    out[b->inputs_n] = 0;
    for (size_t i = 0; i < b->events_n; i++) {
        assert_int_equal(out[b->event_index[i]], '.');
        out[b->event_index[i]] = 'E';
    }
    for (size_t i = 0; i < b->refusals_n; i++) {
        assert_int_equal(out[b->refusals[i].index], '.');
        out[b->refusals[i].index] = b->refusals[i].kind == REFUSAL_FUTURE ? 'F' : 'B';
    }
}

#define OK  "{'id':'i','ts':1772409600000,'type':'conversation.handoff','conversation':'c'}"
#define BAD "{'id':'i','ts':1772409600000,'type':'conversation.handoff'}"
#define FUT "{'id':'i','ts':1779999999999,'type':'conversation.handoff','conversation':'c'}"
#define FAT "{\n  'id': 'i',\n  'ts': 1772409600000,\n  'type': 'conversation.handoff',\n  'conversation': 'c'\n}"

static const struct {
    const char *body;
    const char *outcome;
} bodies[] = {
    {OK, "E"},
    {"\r\n " OK " \n\n", "E"},
    {FAT "\n", "E"},
    {BAD, "B"},
    {FUT, "F"},
    {"[]", ""},
    {" [ ] \n", ""},
    {"[" OK "]", "E"},
    {"[" OK "," BAD "," FUT "," FAT "]", "EBFE"},
    {"[\n" OK " ,\n" OK "\n]\n", "EE"},
    {"[1," OK ",null,[" OK "],'x']", "BEBBB"},
    {OK "\n" OK "\n", "EE"},
    {OK "\n" OK, "EE"},
    {OK "\r\n\r\n" BAD "\r\n" FUT, "EBF"},
    {"x\n" OK, "BE"},
    {"{'id':\n" OK "\n" OK, "BEE"},
    {BAD "\n" OK, "BE"},
    {OK "\nx\n[" OK "]\n", "EBB"},
    {"", "B"},
    {" \n ", "B"},
    {"x", "B"},
    {"x\ny\nz", "B"},
    {"id=1&ts=2", "B"},
    {"{\n  'id': 'i',\n  'ts': \n}\n", "B"},
    {OK " x", "B"},
    {OK OK, "B"},
    /* arrays that are no JSON: what can be told apart is */
    {"[" OK ",{'id':'i','id':'j'}," OK "]", "EBE"},
    {"[" OK ",{'id':\\u0000}," OK "]", "EBE"},
    {"[" OK ",{'id':'\xFF'}," OK "]", "EBE"},
    {"[" OK ",{'id':tru,'x':[1,2}]}," OK "]", "EBE"},
    {"[" OK ",{'text':'a, ] } \\' b',}," OK "]", "EBE"},
    {"[" OK ",," OK "]", "EBE"},
    {"[" OK ",]", "EB"},
    {"[," OK "]", "BE"},
    {"[" OK, "EB"},
    {"[" OK ",", "EB"},
    {"[", "B"},
    {"[" OK "," OK "}", "EEB"},
    {"[" OK " " OK "]", "EB"},
    {"[" OK ",{'id':'i]" OK "]", "EB"},
    {"[" OK "] " OK, "EB"},
    {"[" OK "]]", "EB"},
};

static void bodies_are_objects_arrays_or_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        char got[16];
        struct batch *b = door_decoded(bodies[i].body, decode_body);
        outcome(b, got, sizeof got);
        if (strcmp(got, bodies[i].outcome) != 0) {
            fail_msg("%s: %s, wanted %s", bodies[i].body, got, bodies[i].outcome);
        }
        batch_free(b);
    }
}

static void the_rest_of_a_broken_array_is_one_refusal_with_its_place(void **state)
{
    (void)state;
    struct batch *b = door_decoded("[" OK ",{'id':'x", decode_body);
    const struct refusal *r = &b->refusals[0];
    assert_int_equal(r->index, 1);
    assert_int_equal(r->input_bytes, 8);
    char wanted[200];
    snprintf(wanted, sizeof wanted, "byte %zu of the array: found a string without end, ", sizeof OK + 2);
    assert_memory_equal(r->reason.p, wanted, strlen(wanted));
    batch_free(b);
}

static void lines_are_used_up_to_the_last_that_has_ended(void **state)
{
    (void)state;
    struct decode_context c = door_context();
    struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
    struct str s = door_text(OK "\n\n" BAD "\r\n \t\n" FUT "\n" OK);
    assert_int_equal(decode_lines(b, s, &c), s.n - (sizeof OK - 1));
    char got[16];
    outcome(b, got, sizeof got);
    assert_string_equal(got, "E.B.F"); /* so that index + 1 is the number of the line */
    assert_int_equal(decode_lines(b, (struct str){s.p, 5}, &c), 0);
    assert_int_equal(decode_lines(b, (struct str){NULL, 0}, &c), 0);
    assert_int_equal(b->inputs_n, 5);
    door_drop(s);
    batch_free(b);
}

/* The reason a person reads: one line of valid UTF-8, and nothing of what is private. */
static void check_reason(struct str reason)
{
    assert_true(reason.n > 0 && reason.n < 800);
    struct buf b = {0};
    buf_put_json(&b, reason);
    assert_int_equal(json_check(buf_str(&b), 1, NULL), 0);
    buf_fini(&b);
    for (size_t i = 0; i < reason.n; i++) {
        assert_true((unsigned char)reason.p[i] >= 0x20);
    }
    assert_null(memmem(reason.p, reason.n, "机密", 6));
    assert_null(memmem(reason.p, reason.n, "KUNDE", 5));
}

/* An accepted event is what it says: its record gives it back, its JSON is JSON. */
static void check_event(const struct event *e)
{
    struct buf b = {0};
    struct event back;
    event_encode(&b, e);
    struct cursor in = cursor_of(buf_str(&b));
    assert_int_equal(event_decode(&in, &back, NULL), 0);
    assert_true(event_same(e, &back) && e->flags == back.flags);
    assert_ptr_equal(in.p, in.end);
    struct buf json = {0};
    event_print_json(&json, &back);
    assert_int_equal(json_check(buf_str(&json), JSON_DEPTH_MAX, NULL), 0);
    buf_fini(&json);
    buf_fini(&b);
}

/* Changes a few bytes: to any, to one that JSON gives a meaning, to a digit where one was; takes some out. */
static void mutate(uint64_t *r, char *p, size_t *n)
{
    static const char meaningful[] = "\"\\{}[],:0u\n 9e-";
    for (uint64_t k = 1 + random_next(r) % 3; k > 0 && *n > 1; k--) {
        size_t at = random_next(r) % *n;
        switch (random_next(r) % 6) {
        case 0: p[at] = (char)random_next(r); break;
        case 1: p[at] = meaningful[random_next(r) % (sizeof meaningful - 1)]; break;
        default: memmove(p + at, p + at + 1, *n - at - 1); (*n)--;
        }
    }
}

static void ten_thousand_mutated_events_are_each_counted_once(void **state)
{
    (void)state;
    static const char *const from[] = {
        "{" MSG "'from':'customer','customer':'KUNDE-7','text':'机密 \\u8c22\\ud83d\\ude00 12','closing':false}",
        "{" MSG "'from':'agent','agent':'王五','text':'机密','source':'cw7','private':true}",
        "{" RATE "'score':4.25,'scale':10,'agent':'A'}",
        "{" ORD "'kind':'cross','amount_fen':1990,'state':'paid','conversation':'c1'}",
        "{" HEAD "'type':'agent.profile','agent':'A','name':'机密','hired_on':'2024-02-29'}",
        "{'id':'i','ts':'2026-03-02T08:00:00.5+08:00','type':'conversation.assigned','conversation':'c','agent':null}",
    };
    uint64_t r = random_start();
    struct decode_context c = door_context();
    size_t events = 0;
    for (int i = 0; i < 10000; i++) {
        struct str s = door_text(from[random_next(&r) % COUNT(from)]);
        mutate(&r, (char *)(uintptr_t)s.p, &s.n);
        char *exact = malloc(s.n ? s.n : 1);
        memcpy(exact, s.p, s.n);
        struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
        decode_one(b, (struct str){exact, s.n}, &c);
        free(exact);
        door_drop(s);
        assert_int_equal(b->inputs_n, 1);
        assert_int_equal(b->events_n + b->refusals_n, 1);
        if (b->events_n) {
            check_event(&b->events[0]);
            events++;
        } else {
            check_reason(b->refusals[0].reason);
        }
        batch_free(b);
    }
    assert_in_range(events, 100,
                    9900); /* the mutations are neither too wild nor too tame: about 500 are events still */
}

static void mutated_bodies_never_count_an_input_twice(void **state)
{
    (void)state;
    static const char *const from[] = {"[" OK "," BAD "," OK "," FUT "]", OK "\n" BAD "\n" OK "\n", FAT};
    uint64_t r = random_start();
    struct decode_context c = door_context();
    for (int i = 0; i < 5000; i++) {
        struct str s = door_text(from[random_next(&r) % COUNT(from)]);
        mutate(&r, (char *)(uintptr_t)s.p, &s.n);
        char *exact = malloc(s.n ? s.n : 1);
        memcpy(exact, s.p, s.n);
        struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
        decode_body(b, (struct str){exact, s.n}, &c);
        free(exact);
        door_drop(s);
        char got[64];
        outcome(b, got, sizeof got);
        assert_null(strchr(got, '.'));
        batch_free(b);
    }
}

/* The vectors and histories that lie beside the repository, if they do: all of them are events. */
static void check_file(const char *path)
{
    char *text;
    size_t n;
    assert_int_equal(json_read_file(path, (size_t)64 << 20, &text, &n, NULL), 0);
    struct decode_context c = door_context();
    c.now_ms = INT64_MAX;
    struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
    struct json_member m[8];
    size_t members_n = 0;
    if (strstr(path, ".ndjson")) {
        assert_int_equal(decode_lines(b, (struct str){text, n}, &c), n);
    } else if (json_members((struct str){text, n}, m, COUNT(m), &members_n, NULL) == 0) {
        for (size_t i = 0; i < members_n; i++) {
            if (str_eq(m[i].key, STR_LIT("events"))) {
                decode_body(b, m[i].value, &c);
            }
        }
    }
    if (b->refusals_n) {
        fail_msg("%s: %zu: %.*s", path, b->refusals[0].index, STR_ARG(b->refusals[0].reason));
    }
    assert_int_equal(b->events_n, b->inputs_n);
    assert_true(b->events_n > 0);
    batch_free(b);
    free(text);
}

static void shared_vectors_are_all_events(void **state)
{
    (void)state;
    glob_t found = {0};
    (void)glob("../shared/conformance/*.json", 0, NULL, &found);
    (void)glob("../shared/data/*.ndjson", GLOB_APPEND, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        check_file(found.gl_pathv[i]);
    }
    bool none = found.gl_pathc == 0;
    globfree(&found);
    if (none) {
        skip();
    }
}

static int start(void **state)
{
    (void)state;
    digest_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_objects_arrays_or_lines),
        cmocka_unit_test(the_rest_of_a_broken_array_is_one_refusal_with_its_place),
        cmocka_unit_test(lines_are_used_up_to_the_last_that_has_ended),
        cmocka_unit_test(ten_thousand_mutated_events_are_each_counted_once),
        cmocka_unit_test(mutated_bodies_never_count_an_input_twice),
        cmocka_unit_test(shared_vectors_are_all_events),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
