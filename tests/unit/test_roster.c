/* collectors.json and agents.json: what is taken, and what is refused with its place. In the texts ' stands for ". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kefu/collectors/people.h"
#include "kefu/collectors/roster.h"
#include "support_decode.h"

#define CW "'name':'cw7','platform':'chatwoot','secret_file':'s'"

static int read_text(struct roster *r, const char *text, struct err *e)
{
    struct str s = door_text(text);
    int status = roster_read(r, s, "/etc/kefud/collectors.json", e);
    door_drop(s);
    return status;
}

static void a_collector_and_what_it_may_leave_out(void **state)
{
    struct roster r;
    struct err e;
    (void)state;
    assert_int_equal(read_text(&r,
                               "[{" CW
                               ",'token_file':'credential:t','account':'7','url':'https://chat.example.com/'},\n"
                               " // the second\n"
                               " {'name':'kf','platform':'wecom','secret_file':'/a','key_file':'b','token_file':'c',"
                               "'account':'ww1','ask_every_s':30,'x_note':'ask Li'}]",
                               &e),
                     0);
    assert_int_equal(r.n, 2);
    const struct collector *cw = roster_find(&r, STR_LIT("cw7")), *kf = roster_find(&r, STR_LIT("kf"));
    assert_true(str_eq(cw->url, STR_LIT("https://chat.example.com")) && cw->is_signed && !cw->allow_private);
    assert_true(str_eq(cw->secret_file, STR_LIT("/etc/kefud/s")));
    assert_true(str_eq(cw->token_file, STR_LIT("credential:t")));
    assert_int_equal(cw->ask_every_s, 600);
    assert_true(str_eq(kf->secret_file, STR_LIT("/a")) && str_eq(kf->url, STR_LIT("https://qyapi.weixin.qq.com")));
    assert_int_equal(kf->ask_every_s, 30);
    assert_null(roster_find(&r, STR_LIT("cw")));
    roster_fini(&r);
}

static void what_is_refused_and_where(void **state)
{
    static const struct {
        const char *text, *where, *what;
    } table[] = {
        {"{}", "collectors.json:1", "expected an array of at most 64 collectors"},
        {"[\n{'name':'a'}]", ":2 [0].platform", "expected one of chatwoot, wecom, qiyu, meiqia, zendesk, intercom"},
        {"[{'name':'a','platform':'slack'}]", "[0].platform", "expected one of"},
        {"[{'platform':'zendesk','secret_file':'s'}]", "[0].name", "expected 1 to 32 of a-z"},
        {"[{'name':'A b','platform':'zendesk','secret_file':'s'}]", "[0].name", "expected 1 to 32 of a-z"},
        {"[{'name':'default','platform':'zendesk','secret_file':'s'}]", "[0].name", "not \"default\""},
        {"[{" CW "},\n{" CW "}]", ":2 [1].name", "another collector has this name"},
        {"[{'name':'a','platform':'zendesk'}]", "[0].secret_file", "a collector of zendesk needs it"},
        {"[{'name':'a','platform':'zendesk','secret_file':'s','key_file':'k'}]", "[0].key_file", "has no use for it"},
        {"[{" CW ",'secret':'hush'}]", "[0].secret", "say \"secret_file\""},
        {"[{" CW ",'url':'https://a.example'}]", "[0].token_file", "it wants to know by whom"},
        {"[{" CW ",'token_file':'t','url':'http://10.0.0.5'}]", "[0].url", "set allow_private to true"},
        {"[{" CW ",'token_file':'t','url':'https://u@a.example'}]", "[0].url", "expected \"/\""},
        {"[{" CW ",'ask_every_s':5}]", "[0].ask_every_s", "from 10 to 86400"},
        {"[{" CW ",'signed':'no'}]", "[0].signed", "expected true or false"},
        {"[{" CW "}", "column", "expected"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct roster r;
        struct err e = {0};
        if (read_text(&r, table[i].text, &e) == 0 || !strstr(e.where, table[i].where) ||
            !strstr(e.what, table[i].what)) {
            fail_msg("%s\nfound \"%s: %s\"", table[i].text, e.where, e.what);
        }
    }
}

static int note_secret(void *arg, const char *field, struct str path, struct str *secret)
{
    struct buf *seen = arg;
    buf_printf(seen, "%s=%.*s ", field, STR_ARG(path));
    *secret = STR_LIT("x");
    return 0;
}

static void secrets_are_asked_for_one_by_one(void **state)
{
    struct roster r;
    struct err e;
    struct buf seen = {0};
    (void)state;
    assert_int_equal(read_text(&r, "[{" CW ",'token_file':'/t','url':'https://a.example'}]", &e), 0);
    assert_int_equal(roster_secrets(&r.list[0], note_secret, &seen), 0);
    assert_true(str_eq(buf_str(&seen), STR_LIT("secret_file=/etc/kefud/s token_file=/t ")));
    assert_true(r.list[0].secret.n && r.list[0].token.n && !r.list[0].key.n);
    buf_fini(&seen);
    roster_fini(&r);
}

static void one_account_is_one_person(void **state)
{
    struct err e;
    (void)state;
    struct str good = door_text("[{'agent':'ada','accounts':['cw7:31','tb:小雅']},{'agent':'bo','accounts':[]}]");
    struct people *p = people_read(good, "a.json", &e);
    assert_non_null(p);
    assert_true(str_eq(people_find(p, STR_LIT("tb:小雅")), STR_LIT("ada")));
    assert_int_equal(people_find(p, STR_LIT("tb:小雅2")).n, 0);
    assert_int_equal(people_find(NULL, STR_LIT("tb:小雅")).n, 0);
    assert_int_equal(people_accounts_n(p), 2);
    people_free(p);
    door_drop(good);
    struct str twice = door_text("[{'agent':'ada','accounts':['cw7:31']},\n{'agent':'bo','accounts':['cw7:31']}]");
    assert_null(people_read(twice, "a.json", &e));
    assert_string_equal(e.where, "a.json:2 [1].accounts[0]");
    door_drop(twice);
    struct str odd = door_text("[{'agent':'ada','acounts':[]}]");
    assert_null(people_read(odd, "a.json", &e));
    assert_string_equal(e.where, "a.json:1 [0].acounts");
    door_drop(odd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_collector_and_what_it_may_leave_out),
        cmocka_unit_test(what_is_refused_and_where),
        cmocka_unit_test(secrets_are_asked_for_one_by_one),
        cmocka_unit_test(one_account_is_one_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
