/* Tokens: whoever has none gets in nowhere, and a file that is not as it should be opens nothing wider than was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kefu/model/access.h"

#define HASH_A    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ROW(more) "{\"id\": \"a\", \"sha256\": \"" HASH_A "\", \"role\": \"ingest\"" more "}"

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct tokens));
    digest_start();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    access_fini(*state);
    free(*state);
    return 0;
}

static struct str added(struct tokens *t, enum role role, char clear[ACCESS_TOKEN_BYTES])
{
    return access_add(t, &(struct token){.role = role, .expires_at = INT64_MAX, .added_at = 5}, clear);
}

static void a_token_is_kefu_and_43_characters(void **state)
{
    char clear[ACCESS_TOKEN_BYTES];
    added(*state, ROLE_ADMIN, clear);
    assert_int_equal(strlen(clear), 48);
    assert_memory_equal(clear, "kefu_", 5);
    assert_int_equal(strspn(clear + 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
}

static void no_two_tokens_or_ids_are_the_same(void **state)
{
    struct tokens *t = *state;
    char clear[20][ACCESS_TOKEN_BYTES];
    for (int i = 0; i < 20; i++)
        added(t, ROLE_INGEST, clear[i]);
    for (int i = 0; i < 20; i++)
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(clear[i], clear[k]);
            assert_false(str_eq(t->list[i].id, t->list[k].id));
        }
}

static void only_the_very_token_is_known(void **state)
{
    struct tokens *t = *state;
    char clear[ACCESS_TOKEN_BYTES];
    char other[ACCESS_TOKEN_BYTES];
    added(t, ROLE_LEAD, other);
    struct str id = added(t, ROLE_INGEST, clear);
    const struct token *k = access_check(t, str_of(clear), 0);
    assert_non_null(k);
    assert_true(str_eq(k->id, id));
    assert_int_equal(k->role, ROLE_INGEST);
    assert_null(access_check(t, (struct str){clear, 47}, 0));
    assert_null(access_check(t, STR_LIT(""), 0));
    assert_null(access_check(t, k->sha256, 0)); /* who reads the file has no token */
    clear[20] = clear[20] == 'A' ? 'B' : 'A';
    assert_null(access_check(t, str_of(clear), 0));
}

static void a_token_ends_at_its_time(void **state)
{
    struct tokens *t = *state;
    char clear[ACCESS_TOKEN_BYTES];
    access_add(t, &(struct token){.role = ROLE_HR, .expires_at = 1000}, clear);
    assert_non_null(access_check(t, str_of(clear), 999));
    assert_null(access_check(t, str_of(clear), 1000));
}

static void a_revoked_token_is_unknown_and_the_others_stay(void **state)
{
    struct tokens *t = *state;
    char clear[3][ACCESS_TOKEN_BYTES];
    char id[16];
    for (int i = 0; i < 3; i++)
        added(t, ROLE_INGEST, clear[i]);
    snprintf(id, sizeof id, "%.*s", STR_ARG(t->list[1].id));
    assert_int_equal(access_revoke(t, str_of(id)), 0);
    assert_int_equal(access_revoke(t, str_of(id)), -1);
    assert_non_null(access_check(t, str_of(clear[0]), 0));
    assert_null(access_check(t, str_of(clear[1]), 0));
    assert_non_null(access_check(t, str_of(clear[2]), 0));
}

static void what_is_written_is_read_again_and_holds_no_secret(void **state)
{
    struct tokens *t = *state;
    struct tokens back;
    struct err e;
    struct buf b = {0};
    char clear[ACCESS_TOKEN_BYTES];
    struct str sources[] = {STR_LIT("cw7"), STR_LIT("a \"b\" 店")};
    added(t, ROLE_ADMIN, clear);
    access_add(t,
               &(struct token){.role = ROLE_INGEST,
                               .subject = STR_LIT("王芳"),
                               .sources = sources,
                               .sources_n = 2,
                               .added_at = 7,
                               .expires_at = INT64_C(1800000000000)},
               clear);
    access_print(t, &b);
    assert_null(memmem(b.p, b.n, clear + 5, 20));
    if (access_read(&back, buf_str(&b), "tokens.json", &e))
        fail_msg("%s: %s", e.where, e.what);
    assert_int_equal(back.n, 2);
    assert_int_equal(back.list[0].expires_at, INT64_MAX);
    assert_int_equal(back.list[0].added_at, 5);
    const struct token *k = access_check(&back, str_of(clear), 0);
    assert_non_null(k);
    assert_true(str_eq(k->subject, STR_LIT("王芳")));
    assert_int_equal(k->sources_n, 2);
    assert_true(str_eq(k->sources[1], sources[1]));
    assert_int_equal(k->expires_at, INT64_C(1800000000000));
    access_fini(&back);
    buf_fini(&b);
}

static void no_tokens_are_a_file_too(void **state)
{
    struct tokens *t = *state;
    struct buf b = {0};
    access_print(t, &b);
    assert_int_equal(access_read(t, buf_str(&b), "tokens.json", NULL), 0);
    assert_int_equal(t->n, 0);
    buf_fini(&b);
}

struct refusal {
    const char *text, *where, *what;
};

static void what_is_not_right_is_refused_whole(void **state)
{
    static const struct refusal all[] = {
        {"[]", "t.json:1 tokens", "the list is missing; expected {\"tokens\""},
        {"{\n}", "t.json:1 tokens", "the list is missing"},
        {"{\n\"tokens\": {}}", "t.json:2 tokens", "this is no list"},
        {"{\"tokens\": [],\n\"more\": 1}", "t.json:2 more", "there is no such field"},
        {"{\"tokens\": [\n3]}", "t.json:2 tokens[0]", "expected an object"},
        {"{\"tokens\": [\n{\"sha256\": \"" HASH_A "\", \"role\": \"hr\"}]}", "t.json:2 tokens[0].id", "missing"},
        {"{\"tokens\": [\n{\"id\": \"a\", \"sha256\": \"abc\", \"role\": \"hr\"}]}", "t.json:2 tokens[0].sha256",
         "64 hexadecimal digits"},
        {"{\"tokens\": [\n{\"id\": \"a\", \"sha256\": \"A" HASH_A "\", \"role\": \"hr\"}]}",
         "t.json:2 tokens[0].sha256", "64 hexadecimal digits"},
        {"{\"tokens\": [\n{\"id\": \"a\", \"sha256\": \"" HASH_A "\", \"role\": \"root\"}]}", "t.json:2 tokens[0].role",
         "expected agent, lead"},
        {"{\"tokens\": [\n" ROW(", \"expires_at\": \"2026-12-01\"") "]}", "t.json:2 tokens[0].expires_at",
         "whole milliseconds"},
        {"{\"tokens\": [\n" ROW(", \"expires_at\": null") "]}", "t.json:2 tokens[0].expires_at", "whole milliseconds"},
        {"{\"tokens\": [\n" ROW(", \"expires_at\": 1.5") "]}", "t.json:2 tokens[0].expires_at", "whole milliseconds"},
        {"{\"tokens\": [\n" ROW(", \"expires\": 5") "]}", "t.json:2 tokens[0].expires", "no such field"},
        {"{\"tokens\": [\n" ROW(", \"sources\": \"cw7\"") "]}", "t.json:2 tokens[0].sources", "expected a list"},
        {"{\"tokens\": [\n" ROW(", \"sources\": []") "]}", "t.json:2 tokens[0].sources", "leave the field out"},
        {"{\"tokens\": [\n" ROW(", \"sources\": [7]") "]}", "t.json:2 tokens[0].sources[0]",
         "expected the name of a source"},
        {"{\"tokens\": [\n" ROW(", \"sources\": [\"a\",\n\"\"]") "]}", "t.json:3 tokens[0].sources[1]",
         "expected the name of a source"},
        {"{\"tokens\": [\n" ROW(", \"source\": \"cw7\"") "]}", "t.json:2 tokens[0].source", "no such field"},
        {"{\"tokens\": [\n" ROW(", \"expire_at\": 5") "]}", "t.json:2 tokens[0].expire_at", "no such field"},
        {"{\"tokens\": [\n" ROW(", \"expires_at\": -1") "]}", "t.json:2 tokens[0].expires_at", "whole milliseconds"},
        {"{\"tokens\": [\n" ROW(", \"expires_at\": 1e400") "]}", "t.json:2 tokens[0].expires_at", "whole milliseconds"},
        {"{\"tokens\": [\n" ROW(", \"added_at\": \"5\"") "]}", "t.json:2 tokens[0].added_at", "whole milliseconds"},
        {"{\"tokens\": [{\"id\": \"a\", \"sha256\": \"" HASH_A "\", \"role\": \"admin\",\n\"sources\": [\"cw7\"]}]}",
         "t.json:2 tokens[0].sources", "only a token of role ingest"},
        {"{\"tokens\": [{\"id\": \"" HASH_A HASH_A "b\", \"sha256\": \"" HASH_A "\", \"role\": \"hr\"}]}",
         "t.json:1 tokens[0].id", "1 to 128 bytes"},
        {"{\"tokens\": [\n" ROW(", \"sources\": {\"cw7\": \"cw7\"}") "]}", "t.json:2 tokens[0].sources",
         "expected a list"},
        {"{\"tokens\": [\n" ROW(", \"subject\": 7") "]}", "t.json:2 tokens[0].subject", "expected a text"},
        {"{\"tokens\": [\n" ROW("") ",\n" ROW("") "]}", "t.json:3 tokens[1].id", "revoking"},
        {"{\"tokens\": [\n" ROW("") ",\n{\"id\": \"b\", \"sha256\": \"" HASH_A "\", \"role\": \"hr\"}]}",
         "t.json:3 tokens[1].sha256", "revoking"},
    };
    struct tokens *t = *state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct err e = {0};
        if (!access_read(t, str_of(all[i].text), "t.json", &e))
            fail_msg("accepted: %s", all[i].text);
        assert_string_equal(e.where, all[i].where);
        if (!strstr(e.what, all[i].what))
            fail_msg("%s: said \"%s\", expected \"%s\"", all[i].text, e.what, all[i].what);
        assert_int_equal(t->n, 0);
    }
}

static void sources_are_bounded_and_comments_and_notes_allowed(void **state)
{
    struct tokens *t = *state;
    struct buf b = {0};
    for (int n = 64; n <= 65; n++) {
        b.n = 0;
        buf_printf(&b, "// the shop's\n{\"tokens\": [{\"id\": \"a\", \"sha256\": \"" HASH_B "\", \"role\": \"ingest\", "
                       "\"x_who\": 1, \"sources\": [\"s0\"");
        for (int i = 1; i < n; i++)
            buf_printf(&b, ", \"s%d\"", i);
        buf_printf(&b, "]}]}");
        assert_int_equal(access_read(t, buf_str(&b), "t.json", NULL), n == 64 ? 0 : -1);
        assert_int_equal(t->n, n == 64 ? 1 : 0);
        access_fini(t);
    }
    buf_fini(&b);
}

static void every_role_has_a_word(void **state)
{
    (void)state;
    for (int r = ROLE_NONE + 1; r < ROLE_N; r++)
        assert_int_equal(role_find(role_name((enum role)r)), r);
    assert_int_equal(role_find(STR_LIT("")), ROLE_NONE);
    assert_int_equal(role_find(STR_LIT("Admin")), ROLE_NONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_kefu_and_43_characters),
        TEST(no_two_tokens_or_ids_are_the_same),
        TEST(only_the_very_token_is_known),
        TEST(a_token_ends_at_its_time),
        TEST(a_revoked_token_is_unknown_and_the_others_stay),
        TEST(what_is_written_is_read_again_and_holds_no_secret),
        TEST(no_tokens_are_a_file_too),
        TEST(what_is_not_right_is_refused_whole),
        TEST(sources_are_bounded_and_comments_and_notes_allowed),
        TEST(every_role_has_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
