/* Settings: whole or not at all, and `kefud -t` says of every file what is not well with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kefu/base/buf.h"
#include "kefu/base/tz.h"
#include "kefu/daemon/settings.h"

struct fixture {
    char folder[64];
    char config[96];
    struct err err;
};

static void put(const struct fixture *f, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *tmp = getenv("TMPDIR");
    snprintf(f->folder, sizeof f->folder, "%.40s/kefu-test-XXXXXX", tmp && strlen(tmp) <= 40 ? tmp : "/tmp");
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->config, sizeof f->config, "%s/kefud.json", f->folder);
    *state = f;
    return access(f->folder, W_OK);
}

static int tear_down(void **state)
{
    static const char *const names[] = {"kefud.json",       "tokens.json",       "password",        "rulebooks/a.json",
                                        "rulebooks/b.json", "rulebooks/.c.json", "rulebooks/d.txt", "rulebooks"};
    struct fixture *f = *state;
    char path[160];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
        remove(path);
    }
    int left = rmdir(f->folder);
    free(f);
    return left;
}

#define CONFIG "{\"state_dir\": \".\", \"rulebooks_dir\": \"rulebooks\""

static void make_rulebooks(const struct fixture *f)
{
    char path[160];
    snprintf(path, sizeof path, "%s/rulebooks", f->folder);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void link_to_nowhere(const struct fixture *f, const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    assert_int_equal(symlink("/nowhere/at/all", path), 0);
}

static void check_refused(struct fixture *f, const char *where, const char *what)
{
    char at[160];
    struct settings *s = settings_load(f->config, &f->err);
    if (s)
        fail_msg("loaded; expected %s: %s", where, what);
    snprintf(at, sizeof at, "%s/%s", f->folder, where);
    assert_string_equal(f->err.where, at);
    if (!strstr(f->err.what, what))
        fail_msg("said \"%s\", expected \"%s\"", f->err.what, what);
}

static void without_rulebooks_and_tokens_seed_holds_and_nobody_has_access(void **state)
{
    struct fixture *f = *state;
    put(f, "kefud.json", "{\"state_dir\": \".\"}");
    struct settings *s = settings_load(f->config, &f->err);
    assert_non_null(s);
    assert_int_equal(s->rulebooks.n, 1);
    assert_string_equal(rulebooks_for_day(&s->rulebooks, 20000)->name.p, "seed");
    assert_int_equal(s->tokens.n, 0);
    assert_int_equal(s->redis_password.n, 0);
    assert_int_equal(tz_offset_s(s->tz, 0), 8 * 3600);
    settings_free(s);
}

static void rulebooks_are_ordered_by_month_whatever_their_files_are_called(void **state)
{
    struct fixture *f = *state;
    make_rulebooks(f);
    put(f, "kefud.json", CONFIG "}");
    put(f, "rulebooks/a.json", "{\"name\": \"later\", \"effective_from\": \"2026-12\", \"response_target_ms\": 7}");
    put(f, "rulebooks/b.json", "// 十一月\n{\"name\": \"sooner\", \"effective_from\": \"2026-11\"}");
    put(f, "rulebooks/.c.json", "nothing to read");
    put(f, "rulebooks/d.txt", "nothing to read");
    struct settings *s = settings_load(f->config, &f->err);
    if (!s)
        fail_msg("%s: %s", f->err.where, f->err.what);
    assert_int_equal(s->rulebooks.n, 3);
    assert_string_equal(rulebooks_for_day(&s->rulebooks, civil_day(2026, 10, 31))->name.p, "seed");
    assert_string_equal(rulebooks_for_day(&s->rulebooks, civil_day(2026, 11, 1))->name.p, "sooner");
    assert_string_equal(rulebooks_for_day(&s->rulebooks, civil_day(2026, 11, 30))->name.p, "sooner");
    const struct rulebook *later = rulebooks_for_day(&s->rulebooks, civil_day(2026, 12, 1));
    assert_string_equal(later->name.p, "later");
    assert_int_equal(later->response_target_ms, 7);
    assert_int_equal(later->kpis_n, 4);
    settings_free(s);
}

static void a_rulebook_needs_a_name_and_a_month_of_its_own(void **state)
{
    struct fixture *f = *state;
    make_rulebooks(f);
    put(f, "kefud.json", CONFIG "}");
    put(f, "rulebooks/a.json", "{\"name\": \"a\"}");
    check_refused(f, "rulebooks/a.json:1 effective_from", "the field is missing");
    put(f, "rulebooks/a.json", "{\"effective_from\": \"2026-12\"}");
    check_refused(f, "rulebooks/a.json:1 name", "the field is missing");
    put(f, "rulebooks/a.json", "{\n\"name\": \"seed\", \"effective_from\": \"2026-12\"}");
    check_refused(f, "rulebooks/a.json:2 name", "\"seed\" is taken");
    put(f, "rulebooks/a.json", "{\"name\": \"a\", \"effective_from\": \"2026-12\"}");
    put(f, "rulebooks/b.json", "{\"effective_from\": \"2027-01\",\n\"name\": \"a\"}");
    check_refused(f, "rulebooks/b.json:2 name", "give this one a name of its own");
    put(f, "rulebooks/b.json", "{\"name\": \"b\",\n\n\"effective_from\": \"2026-12\"}");
    check_refused(f, "rulebooks/b.json:3 effective_from", "\"a\" holds from the same month");
    put(f, "rulebooks/b.json", "{\"name\": \"b\",\n\"tiers\": []}");
    check_refused(f, "rulebooks/b.json:2 tiers", "expected a list of 1 to");
}

static void a_rulebook_cannot_have_another_zone_than_the_site(void **state)
{
    struct fixture *f = *state;
    make_rulebooks(f);
    put(f, "kefud.json", CONFIG ", \"timezone\": \"UTC\"}");
    put(f, "rulebooks/a.json", "{\"name\": \"a\", \"effective_from\": \"2026-12\",\n\"timezone\": \"Asia/Shanghai\"}");
    check_refused(f, "rulebooks/a.json:2 timezone", "the site's zone is \"UTC\"");
    put(f, "rulebooks/a.json", "{\"name\": \"a\", \"effective_from\": \"2026-12\", \"timezone\": \"UTC\"}");
    struct settings *s = settings_load(f->config, &f->err);
    assert_non_null(s);
    settings_free(s);
}

static void what_the_configuration_names_must_be_there(void **state)
{
    struct fixture *f = *state;
    check_refused(f, "kefud.json", "cannot be opened");
    put(f, "kefud.json", "{\n\"timezone\": \"Asia/Nowhere\"}");
    check_refused(f, "kefud.json:2 timezone", "unknown time zone");
    put(f, "kefud.json", CONFIG "}");
    check_refused(f, "kefud.json:1 rulebooks_dir", "/rulebooks: cannot be read: No such file");
    make_rulebooks(f);
    link_to_nowhere(f, "rulebooks/a.json");
    check_refused(f, "kefud.json:1 rulebooks_dir", "/rulebooks/a.json: cannot be opened");
    put(f, "kefud.json", "{\n\"redis_password_file\": \"password\"}");
    check_refused(f, "kefud.json:2 redis_password_file", "/password: cannot be opened");
    put(f, "password", "\nsecret\n");
    check_refused(f, "kefud.json:2 redis_password_file", "the first line of this file is empty");
}

static void the_password_is_the_first_line(void **state)
{
    struct fixture *f = *state;
    put(f, "kefud.json", "{\"state_dir\": \".\", \"redis_password_file\": \"password\"}");
    put(f, "password", "geheim 密码\r\nnot this\n");
    struct settings *s = settings_load(f->config, &f->err);
    assert_non_null(s);
    assert_true(str_eq(s->redis_password, STR_LIT("geheim 密码")));
    assert_int_equal(s->streams_password.n, 0);
    settings_free(s);
    put(f, "kefud.json", "{\"state_dir\": \".\", \"streams_password_file\": \"password\"}");
    s = settings_load(f->config, &f->err);
    assert_non_null(s);
    assert_true(str_eq(s->streams_password, STR_LIT("geheim 密码")) && s->redis_password.n == 0);
    settings_free(s);
}

static void a_tokens_file_that_is_not_well_stops_it_all(void **state)
{
    struct fixture *f = *state;
    put(f, "kefud.json", "{\"state_dir\": \".\"}");
    put(f, "tokens.json", "{\"tokens\": [\n{\"id\": \"a\"}]}");
    check_refused(f, "./tokens.json:2 tokens[0].sha256", "64 hexadecimal digits");
}

static void only_a_tokens_file_that_is_certainly_not_there_is_an_empty_one(void **state)
{
    struct fixture *f = *state;
    put(f, "kefud.json", "{\n\"tokens_file\": \"kefud.json/below\"}");
    check_refused(f, "kefud.json:2 tokens_file", "/kefud.json/below: cannot be opened: Not a directory");
    put(f, "kefud.json", "{\n\"tokens_file\": \"tokens.json\"}");
    link_to_nowhere(f, "tokens.json");
    check_refused(f, "kefud.json:2 tokens_file", "/tokens.json: cannot be opened");
    put(f, "kefud.json", "{\n\"tokens_file\": \".\"}");
    check_refused(f, "kefud.json:2 tokens_file", "cannot be read: Is a directory");
    put(f, "kefud.json", "{\"tokens_file\": \"nowhere/tokens.json\"}");
    struct settings *s = settings_load(f->config, NULL);
    assert_non_null(s);
    assert_int_equal(s->tokens.n, 0);
    settings_free(s);
}

/* What settings_check prints, and what it returns, which must be the number of lines that are not "ok". */
static int checked(const struct fixture *f, char *out, size_t out_n)
{
    fflush(stdout);
    FILE *to = tmpfile();
    int kept = dup(STDOUT_FILENO);
    assert_non_null(to);
    dup2(fileno(to), STDOUT_FILENO);
    int bad = settings_check(f->config);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(to);
    out[fread(out, 1, out_n - 1, to)] = '\0';
    fclose(to);
    int lines = 0;
    int ok = 0;
    for (const char *p = out; (p = strchr(p, '\n')); p++)
        lines++;
    for (const char *p = out; (p = strstr(p, ": ok\n")); p++)
        ok++;
    ok += strstr(out, ": not there yet") != NULL;
    assert_int_equal(lines - ok, bad);
    return bad;
}

static void the_check_says_of_each_file_that_it_is_well(void **state)
{
    struct fixture *f = *state;
    char out[4096];
    make_rulebooks(f);
    put(f, "kefud.json", CONFIG ", \"redis_password_file\": \"password\"}");
    put(f, "password", "x");
    put(f, "tokens.json", "{\"tokens\": []}");
    put(f, "rulebooks/a.json", "{\"name\": \"a\", \"effective_from\": \"2026-12\"}");
    assert_int_equal(checked(f, out, sizeof out), 0);
    static const char *const names[] = {"/kefud.json: ok\n", "/password: ok\n", "seed: ok\n", "/rulebooks/a.json: ok\n",
                                        "/tokens.json: ok\n"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_non_null(strstr(out, names[i]));
}

static void the_check_finds_what_is_wrong_in_each_file(void **state)
{
    struct fixture *f = *state;
    char out[4096];
    make_rulebooks(f);
    put(f, "kefud.json", CONFIG ", \"redis_password_file\": \"password\"}");
    put(f, "tokens.json", "{\"tokens\": 1}");
    put(f, "rulebooks/a.json", "{\"name\": 1}");
    put(f, "rulebooks/b.json", "{\"name\": \"b\",\n\"kpis\": 5, \"effective_from\": \"2026-12\"}");
    assert_int_equal(checked(f, out, sizeof out), 4);
    static const char *const parts[] = {
        "/kefud.json:1 redis_password_file: ", "/rulebooks/a.json:1 name: found a number",
        "/rulebooks/b.json:2 kpis: found a number", "/tokens.json:1 tokens: this is no list"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(out, parts[i]))
            fail_msg("not said: %s\n%s", parts[i], out);
}

static void the_check_ends_at_a_configuration_that_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    char out[4096];
    put(f, "kefud.json", "{\n\"log_levle\": 5}");
    assert_int_equal(checked(f, out, sizeof out), 1);
    assert_non_null(strstr(out, "/kefud.json:2 log_levle: there is no such option; was log_level meant?"));
    put(f, "kefud.json", CONFIG "}");
    put(f, "rulebooks", "a file, no folder");
    assert_int_equal(checked(f, out, sizeof out), 1);
    assert_non_null(strstr(out, "/kefud.json:1 rulebooks_dir: "));
    assert_non_null(strstr(out, "/rulebooks: cannot be read: Not a directory"));
    assert_non_null(strstr(out, "tokens.json: not there yet (no tokens)"));
}

static void the_check_goes_on_after_a_zone_that_is_not_there(void **state)
{
    struct fixture *f = *state;
    char out[4096];
    make_rulebooks(f);
    put(f, "kefud.json", CONFIG ",\n\"timezone\": \"Asia/Nowhere\"}");
    put(f, "rulebooks/a.json", "{\"name\": 1}");
    put(f, "rulebooks/b.json", "{\"name\": \"b\", \"effective_from\": \"2026-12\"}");
    put(f, "tokens.json", "[]");
    assert_int_equal(checked(f, out, sizeof out), 3);
    assert_non_null(strstr(out, "/kefud.json:2 timezone: unknown time zone"));
    assert_non_null(strstr(out, "/rulebooks/a.json:1 name: "));
    assert_non_null(strstr(out, "/rulebooks/b.json: ok\n"));
    assert_non_null(strstr(out, "/tokens.json:1 tokens: "));
}

/* --- reload ------------------------------------------------------------------------------------------------------- */

#define NOVEMBER INT64_C(1795478400000) /* 2026-11-24 in Shanghai */

static struct settings *load_with_a(struct fixture *f)
{
    make_rulebooks(f);
    put(f, "kefud.json", CONFIG "}");
    put(f, "rulebooks/a.json", "{\"name\": \"a\", \"effective_from\": \"2026-02\"}");
    struct settings *s = settings_load(f->config, &f->err);
    if (!s)
        fail_msg("%s: %s", f->err.where, f->err.what);
    return s;
}

static void check_reload_refused(struct fixture *f, const struct settings *old, const char *where, const char *what)
{
    char at[160];
    struct settings *s = settings_reload(old, f->config, NOVEMBER, &f->err);
    if (s)
        fail_msg("reloaded; expected %s: %s", where, what);
    snprintf(at, sizeof at, "%s/%s", f->folder, where);
    assert_string_equal(f->err.where, at);
    if (!strstr(f->err.what, what))
        fail_msg("said \"%s\", expected \"%s\"", f->err.what, what);
}

static struct settings *reload_taken(struct fixture *f, const struct settings *old, int64_t now_ms)
{
    struct settings *s = settings_reload(old, f->config, now_ms, &f->err);
    if (!s)
        fail_msg("%s: %s", f->err.where, f->err.what);
    return s;
}

static void a_reload_takes_tokens_log_level_and_rulebooks_of_months_to_come(void **state)
{
    struct fixture *f = *state;
    struct settings *old = load_with_a(f);
    put(f, "kefud.json", CONFIG ", \"log_level\": 7}");
    put(f, "rulebooks/b.json", "{\"name\": \"b\", \"effective_from\": \"2026-12\"}");
    put(f, "tokens.json",
        "{\"tokens\": [{\"id\": \"a\", \"role\": \"hr\", \"sha256\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]}");
    struct settings *s = reload_taken(f, old, NOVEMBER);
    assert_int_equal(s->config.log_level, 7);
    assert_int_equal(s->rulebooks.n, 3);
    assert_string_equal(s->rulebooks.list[2]->name.p, "b");
    assert_int_equal(s->tokens.n, 1);
    assert_int_equal(old->rulebooks.n, 2);
    settings_free(s);
    settings_free(old);
}

static void a_reload_leaves_the_zone_and_the_environment_alone(void **state)
{
    struct fixture *f = *state;
    struct settings *old = load_with_a(f);
    assert_int_equal(setenv("TZDIR", "/nowhere", 1), 0); /* a zone that is read again is not found */
    struct settings *s = settings_reload(old, f->config, NOVEMBER, &f->err);
    unsetenv("TZDIR");
    if (!s)
        fail_msg("%s: %s", f->err.where, f->err.what);
    assert_ptr_equal(s->tz, old->tz);
    settings_free(s);
    assert_int_equal(tz_offset_s(old->tz, 0), 8 * 3600);
    settings_free(old);
}

static void a_reload_cannot_change_what_needs_a_restart(void **state)
{
    struct fixture *f = *state;
    struct settings *old = load_with_a(f);
    put(f, "kefud.json", CONFIG ",\n\"timezone\": \"UTC\"}");
    check_reload_refused(f, old, "kefud.json:2 timezone", "restart kefud to change it");
    put(f, "kefud.json", CONFIG ",\n\n\"redis_prefix\": \"{b}:\"}");
    check_reload_refused(f, old, "kefud.json:3 redis_prefix", "kefud runs with \"{kefu}:\"");
    settings_free(old);
}

static void a_reload_cannot_change_the_redis_password(void **state)
{
    struct fixture *f = *state;
    put(f, "kefud.json", "{\"state_dir\": \".\",\n\"redis_password_file\": \"password\"}");
    put(f, "password", "geheim\n");
    struct settings *old = settings_load(f->config, &f->err);
    assert_non_null(old);
    settings_free(reload_taken(f, old, NOVEMBER));
    put(f, "password", "anders\n");
    check_reload_refused(f, old, "kefud.json:2 redis_password_file", "restart kefud");
    assert_null(strstr(f->err.what, "anders"));
    assert_null(strstr(f->err.what, "geheim"));
    settings_free(old);
}

static void a_rulebook_in_force_cannot_change_or_vanish(void **state)
{
    struct fixture *f = *state;
    struct settings *old = load_with_a(f);
    put(f, "rulebooks/a.json", "{\n\"name\": \"a\", \"effective_from\": \"2026-02\", \"dwell_ms\": 1}");
    check_reload_refused(f, old, "rulebooks/a.json:2 name", "under one name it never changes");
    put(f, "rulebooks/a.json", "{\n\"name\": \"a\", \"effective_from\": \"2026-12\"}"); /* also to a later month */
    check_reload_refused(f, old, "rulebooks/a.json:2 name", "under one name it never changes");
    put(f, "rulebooks/a.json", "{\"name\": \"c\", \"effective_from\": \"2026-12\"}");
    check_reload_refused(f, old, "kefud.json:1 rulebooks_dir", "the rulebook \"a\" is in force");
    put(f, "rulebooks/b.json",
        "{\"name\": \"a\", \"effective_from\": \"2026-02\"}"); /* in another file it is still there */
    settings_free(reload_taken(f, old, NOVEMBER));
    settings_free(old);
}

static void a_new_rulebook_is_for_a_month_that_has_not_begun_on_the_sites_clocks(void **state)
{
    struct fixture *f = *state;
    struct settings *old = load_with_a(f);
    put(f, "rulebooks/b.json", "{\"name\": \"b\",\n\"effective_from\": \"2026-11\"}");
    check_reload_refused(f, old, "rulebooks/b.json:2 effective_from", "a new rulebook holds from \"2026-12\" or later");
    put(f, "rulebooks/b.json", "{\"name\": \"b\",\n\"effective_from\": \"2026-01\"}");
    check_reload_refused(f, old, "rulebooks/b.json:2 effective_from", "found a month that has begun");
    put(f, "rulebooks/b.json", "{\"name\": \"b\", \"effective_from\": \"2026-12\"}");
    int64_t december = INT64_C(1796054400000); /* its first instant in Shanghai, 16:00 UTC of the day before */
    settings_free(reload_taken(f, old, december - 1));
    assert_null(settings_reload(old, f->config, december, &f->err));
    assert_non_null(strstr(f->err.what, "\"2027-01\" or later"));
    settings_free(old);
}

static void what_was_adopted_may_hold_from_any_month(void **state)
{
    struct fixture *f = *state;
    struct settings *old = load_with_a(f);
    put(f, "rulebooks/b.json", "{\"name\": \"b\", \"effective_from\": \"2026-12\"}");
    struct settings *s = reload_taken(f, old, NOVEMBER);
    settings_free(reload_taken(f, s, NOVEMBER + INT64_C(90) * 86400000)); /* b has begun since */
    settings_free(s);
    settings_free(old);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(without_rulebooks_and_tokens_seed_holds_and_nobody_has_access),
        TEST(rulebooks_are_ordered_by_month_whatever_their_files_are_called),
        TEST(a_rulebook_needs_a_name_and_a_month_of_its_own),
        TEST(a_rulebook_cannot_have_another_zone_than_the_site),
        TEST(what_the_configuration_names_must_be_there),
        TEST(the_password_is_the_first_line),
        TEST(a_tokens_file_that_is_not_well_stops_it_all),
        TEST(only_a_tokens_file_that_is_certainly_not_there_is_an_empty_one),
        TEST(the_check_says_of_each_file_that_it_is_well),
        TEST(the_check_finds_what_is_wrong_in_each_file),
        TEST(the_check_ends_at_a_configuration_that_cannot_be_read),
        TEST(the_check_goes_on_after_a_zone_that_is_not_there),
        TEST(a_reload_takes_tokens_log_level_and_rulebooks_of_months_to_come),
        TEST(a_reload_leaves_the_zone_and_the_environment_alone),
        TEST(a_reload_cannot_change_what_needs_a_restart),
        TEST(a_reload_cannot_change_the_redis_password),
        TEST(a_rulebook_in_force_cannot_change_or_vanish),
        TEST(a_new_rulebook_is_for_a_month_that_has_not_begun_on_the_sites_clocks),
        TEST(what_was_adopted_may_hold_from_any_month),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
