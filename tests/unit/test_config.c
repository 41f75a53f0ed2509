/* kefud.json: defaults, paths, bounds, and refusals that say where and what was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kefu/base/buf.h"
#include "kefu/model/config.h"

static void read_ok(struct config *c, const char *text, const char *file)
{
    struct err e;
    if (config_read(c, str_of(text), file, &e))
        fail_msg("%s: %s", e.where, e.what);
}

static void check_text(struct str found, const char *expected)
{
    assert_int_equal(found.n, strlen(expected));
    assert_string_equal(found.p, expected); /* each is followed by a zero byte */
}

static void an_empty_file_is_all_defaults(void **state)
{
    (void)state;
    struct config c;
    read_ok(&c, "{}", "/etc/kefud/kefud.json");
#define TEXT(name, def, least, most, change, help) check_text(c.name, def);
#define PATH(name, def, least, change, help)
#define WHOLE(name, def, least, most, change, help) assert_int_equal(c.name, def);
#define TRUTH(name, def, change, help)              assert_int_equal(c.name, def);
    CONFIG_ROWS(TEXT, PATH, WHOLE, TRUTH)
#undef TEXT
#undef PATH
#undef WHOLE
#undef TRUTH
    check_text(c.file, "/etc/kefud/kefud.json");
    check_text(c.state_dir, "/var/lib/kefud");
    check_text(c.run_dir, "/var/lib/kefud");
    check_text(c.tokens_file, "/var/lib/kefud/tokens.json");
    check_text(c.customer_key_file, "/var/lib/kefud/customer.key");
    check_text(c.rulebooks_dir, "");
    check_text(c.redis_password_file, "");
    config_fini(&c);
}

static void every_default_is_within_its_bounds(void **state)
{
    (void)state;
#define TEXT(name, def, least, most, change, help)                                                                     \
    assert_true(sizeof(def) - 1 <= (most) && sizeof(def) - 1 + 1 > (least));
#define PATH(name, def, least, change, help)
#define WHOLE(name, def, least, most, change, help) assert_in_range(def, least, most);
#define TRUTH(name, def, change, help)
    CONFIG_ROWS(TEXT, PATH, WHOLE, TRUTH)
#undef TEXT
#undef PATH
#undef WHOLE
#undef TRUTH
}

static void paths_are_relative_to_the_folder_of_the_file(void **state)
{
    (void)state;
    struct config c;
    const char *text = "{\"state_dir\": \"state\", \"rulebooks_dir\": \"../rules\", \"tokens_file\": \"/t.json\","
                       " \"redis_address\": \"unix:redis.sock\"}";
    read_ok(&c, text, "/srv/shop/kefud.json");
    check_text(c.state_dir, "/srv/shop/state");
    check_text(c.run_dir, "/srv/shop/state");
    check_text(c.rulebooks_dir, "/srv/shop/../rules");
    check_text(c.tokens_file, "/t.json");
    check_text(c.customer_key_file, "/srv/shop/state/customer.key");
    check_text(c.redis_address, "unix:/srv/shop/redis.sock");
    config_fini(&c);
    read_ok(&c, text, "kefud.json");
    check_text(c.state_dir, "./state");
    config_fini(&c);
    read_ok(&c, text, "/kefud.json");
    check_text(c.state_dir, "/state");
    config_fini(&c);
}

static void what_is_written_replaces_the_default(void **state)
{
    (void)state;
    struct config c;
    read_ok(&c,
            "\xEF\xBB\xBF// 配置 / configuration\n{\"site\": \"一号店\", \"demo\": true, /* for now */\n"
            "\"group_ms\": 20, \"http_listen\": \"\", \"redis_prefix\": \"{s1}:\", \"x_note\": [1, {\"a\": null}]}",
            "k.json");
    check_text(c.site, "一号店");
    assert_true(c.demo);
    assert_int_equal(c.group_ms, 20);
    check_text(c.http_listen, "");
    check_text(c.redis_prefix, "{s1}:");
    config_fini(&c);
}

static void only_loopback_is_listened_on_unless_told_otherwise(void **state)
{
    (void)state;
    static const char *const remote[] = {"0.0.0.0:80", "[::]:80", "192.168.0.5:80", "[::ffff:127.0.0.1]:80"};
    static const char *const near[] = {"127.0.0.1:7787", "127.8.8.8:1", "[::1]:7787", "127.0.0.1:0"};
    for (size_t i = 0; i < 4; i++) {
        struct config c;
        struct err e;
        char text[120];
        snprintf(text, sizeof text, "{\"http_listen\": \"%s\"}", near[i]);
        read_ok(&c, text, "k.json");
        config_fini(&c);
        snprintf(text, sizeof text, "{\"http_listen\": \"%s\"}", remote[i]);
        assert_int_equal(config_read(&c, str_of(text), "k.json", &e), -1);
        assert_string_equal(e.where, "k.json:1 http_listen");
        assert_non_null(strstr(e.what, "http_allow_remote"));
        snprintf(text, sizeof text, "{\"http_listen\": \"%s\", \"http_allow_remote\": true}", remote[i]);
        read_ok(&c, text, "k.json");
        config_fini(&c);
    }
}

static void an_address_comes_apart(void **state)
{
    (void)state;
    char host[64];
    uint16_t port = 0;
    assert_int_equal(config_listen(STR_LIT("127.0.0.1:7787"), host, &port), 0);
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(port, 7787);
    assert_int_equal(config_listen(STR_LIT("[::1]:65535"), host, &port), 0);
    assert_string_equal(host, "::1");
    assert_int_equal(port, 65535);
    static const char *const bad[] = {
        "",       ":80",           "127.0.0.1",     "127.0.0.1:",      "127.0.0.1:65536", "localhost:1",
        "::1:80", "[127.0.0.1]:1", "127.0.0.1:1e3", "127.0.0.1:-1",    "127.0.0.1:+1",    "127.0.0.1: 1",
        "[]:80",  "[::1:80",       "127.1:80",      "127.0.0.1:000080"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!config_listen(str_of(bad[i]), host, &port))
            fail_msg("accepted: %s", bad[i]);
}

static void redis_is_a_socket_or_a_numeric_address(void **state)
{
    (void)state;
    static const char *const good[] = {
        "", "unix:/r.sock", "tcp:127.0.0.1:6379", "tcp:[::1]:6379", "tcp:localhost:6379", "tcp:10.0.0.5:1"};
    static const char *const bad[] = {"unix:",           "tcp:",         "tcp:redis.example:6379", "tcp:127.0.0.1",
                                      "tcp:127.0.0.1:0", "tcp:::1:6379", "tcp:127.0.0.1:66666",    "127.0.0.1:6379",
                                      "/r.sock",         "redis://x"};
    struct config c;
    char text[120];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(text, sizeof text, "{\"redis_address\": \"%s\"}", good[i]);
        read_ok(&c, text, "k.json");
        check_text(c.redis_address, good[i]);
        config_fini(&c);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        snprintf(text, sizeof text, "{\"redis_address\": \"%s\"}", bad[i]);
        if (!config_read(&c, str_of(text), "k.json", &e))
            fail_msg("accepted: %s", bad[i]);
        assert_string_equal(e.where, "k.json:1 redis_address");
    }
}

static void streams_are_words(void **state)
{
    struct config c;
    struct str keys[CONFIG_STREAMS_MAX];
    (void)state;
    read_ok(&c, "{\"streams\": \"  chat {a}:orders  \", \"streams_address\": \"unix:r.sock\"}", "/srv/k.json");
    assert_int_equal(config_streams(&c, keys), 2);
    assert_true(str_eq(keys[0], STR_LIT("chat")) && str_eq(keys[1], STR_LIT("{a}:orders")));
    check_text(c.streams_address, "unix:/srv/r.sock");
    config_fini(&c);
    read_ok(&c, "{\"streams\": \" \", \"redis_address\": \"\"}", "k.json");
    assert_int_equal(config_streams(&c, keys), 0);
    config_fini(&c);
}

struct refusal {
    const char *text, *where, *what;
};

static void what_is_not_right_is_refused_with_place_and_mend(void **state)
{
    (void)state;
    static const struct refusal all[] = {
        {"{\n\"http_lisen\": \"\"}", "k.json:2 http_lisen", "was http_listen meant?"},
        {"{\"sites\": \"a\"}", "k.json:1 sites", "was site meant?"},
        {"{\"Demo\": true}", "k.json:1 Demo", "was demo meant?"},
        {"{\"redis_stream_mx\": 1}", "k.json:1 redis_stream_mx", "was redis_stream_max meant?"},
        {"{\"site\": 5}", "k.json:1 site", "found a number, expected a text"},
        {"{\"state_dir\": null}", "k.json:1 state_dir", "found null, expected a text"},
        {"{\"demo\": 1}", "k.json:1 demo", "found a number, expected true or false"},
        {"{\"demo\": \"true\"}", "k.json:1 demo", "found a text, expected true or false"},
        {"{\n\n\"log_level\": 8}", "k.json:3 log_level", "found 8, expected a whole number from 3 to 7"},
        {"{\"log_level\": 2}", "k.json:1 log_level", "found 2, expected"},
        {"{\"log_level\": 5.5}", "k.json:1 log_level", "found 5.5, expected"},
        {"{\"group_ms\": \"5\"}", "k.json:1 group_ms", "found a text, expected a whole number from 0 to 1000"},
        {"{\"http_listen\": \"here\"}", "k.json:1 http_listen", "such as \"127.0.0.1:7787\""},
        {"{\"streams\": \"a b\",\n\"streams_address\": \"r:1\"}", "k.json:2 streams_address", "expected \"unix:PATH\""},
        {"{\"streams\": \"a  b a\"}", "k.json:1 streams", "a key stands there twice"},
        {"{\"streams\": \"1 2 3 4 5 6 7 8 9 a b c d e f g h\"}", "k.json:1 streams", "more than 16 keys"},
        {"{\"streams\": \"a\", \"redis_address\": \"\"}", "k.json:1 streams", "say in streams_address"},
        {"[]", "k.json:1", "expected an object of options"},
        {"{\"demo\": true, \"demo\": true}", "k.json:1", "demo"},
        {"{\"demo\": true,}", "k.json:1", ""},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct config c;
        struct err e = {0};
        if (!config_read(&c, str_of(all[i].text), "k.json", &e))
            fail_msg("accepted: %s", all[i].text);
        if (strncmp(e.where, all[i].where, strlen(all[i].where)) != 0 || !strstr(e.what, all[i].what))
            fail_msg("%s: said \"%s: %s\", expected \"%s: …%s\"", all[i].text, e.where, e.what, all[i].where,
                     all[i].what);
    }
}

/* An empty text is refused where there is a least length, and taken elsewhere. */
static void check_empty(const char *name, int least)
{
    struct config c;
    struct err e = {0};
    char text[80];
    char where[80];
    snprintf(text, sizeof text, "{\n\"%s\": \"\"}", name);
    snprintf(where, sizeof where, "k.json:2 %s", name);
    int bad = config_read(&c, str_of(text), "k.json", &e);
    assert_int_equal(bad, least ? -1 : 0);
    if (bad)
        assert_string_equal(e.where, where);
    else
        config_fini(&c);
}

static void a_site_a_zone_a_folder_and_a_prefix_cannot_be_empty(void **state)
{
    (void)state;
    static const char *const names[] = {"site", "timezone", "state_dir", "redis_prefix"};
    for (size_t i = 0; i < 4; i++)
        check_empty(names[i], 1);
}

static void every_option_is_bounded(void **state)
{
    (void)state;
    struct config c;
    struct err e;
    struct buf b = {0};
#define REFUSED(...)                                                                                                   \
    b.n = 0;                                                                                                           \
    buf_printf(&b, __VA_ARGS__);                                                                                       \
    assert_int_equal(config_read(&c, buf_str(&b), "k.json", &e), -1);
#define TEXT(name, def, least, most, change, help)                                                                     \
    REFUSED("{\"" #name "\": \"%0*d\"}", (most) + 1, 1);                                                               \
    assert_non_null(strstr(e.what, "expected " #least " to "));                                                        \
    check_empty(#name, least);
#define PATH(name, def, least, change, help) TEXT(name, def, least, 1024, change, help)
#define WHOLE(name, def, least, most, change, help)                                                                    \
    REFUSED("{\"" #name "\": %lld}", (long long)(least)-1);                                                            \
    REFUSED("{\"" #name "\": %lld}", (long long)(most) + 1);                                                           \
    assert_non_null(strstr(e.what, "from " #least " to " #most));
#define TRUTH(name, def, change, help) REFUSED("{\"" #name "\": %d}", 1);
    CONFIG_ROWS(TEXT, PATH, WHOLE, TRUTH)
#undef TEXT
#undef PATH
#undef WHOLE
#undef TRUTH
    buf_fini(&b);
}

static const char *other_text(const char *name)
{
    if (!strcmp(name, "http_listen"))
        return "127.0.0.1:1";
    return strstr(name, "_address") ? "tcp:127.0.0.1:1" : "Asia/Tokyo";
}

static int reload_into(const char *was, const char *is, struct err *e)
{
    struct config old;
    struct config fresh;
    read_ok(&old, was, "/k/kefud.json");
    read_ok(&fresh, is, "/k/kefud.json");
    int bad = config_reload_check(&old, &fresh, str_of(is), e);
    config_fini(&old);
    config_fini(&fresh);
    return bad;
}

static void only_what_says_so_changes_while_it_runs(void **state)
{
    (void)state;
    struct err e;
    char is[120];
    char where[80];
    int live = 0;
#define TRY(name, change, ...)                                                                                         \
    snprintf(is, sizeof is, "{\n\"" #name "\": " __VA_ARGS__);                                                         \
    snprintf(where, sizeof where, "/k/kefud.json:2 " #name);                                                           \
    assert_int_equal(reload_into("{}", is, &e), CONFIG_##change == CONFIG_RELOAD ? 0 : -1);                            \
    live += CONFIG_##change == CONFIG_RELOAD;                                                                          \
    if (CONFIG_##change == CONFIG_RESTART)                                                                             \
        assert_string_equal(e.where, where);
#define TEXT(name, def, least, most, change, help)  TRY(name, change, "\"%s\"}", other_text(#name))
#define PATH(name, def, least, change, help)        TRY(name, change, "\"/another\"}")
#define WHOLE(name, def, least, most, change, help) TRY(name, change, "%lld}", (long long)(def) + 1)
#define TRUTH(name, def, change, help)              TRY(name, change, "%s}", (def) ? "false" : "true")
    CONFIG_ROWS(TEXT, PATH, WHOLE, TRUTH)
#undef TEXT
#undef PATH
#undef WHOLE
#undef TRUTH
    assert_int_equal(live, 2); /* log_level and leaderboard */
    assert_int_equal(reload_into("{\"log_level\": 3}", "{\"log_level\": 7}", &e), 0);
}

static void a_refused_reload_names_the_option_what_is_found_and_what_runs(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(reload_into("{\"group_ms\": 5}", "{\n\n\"group_ms\": 7}", &e), -1);
    assert_string_equal(e.where, "/k/kefud.json:3 group_ms");
    assert_string_equal(e.what, "found 7, but kefud runs with 5; restart kefud to change it");
    assert_int_equal(reload_into("{\"demo\": true}", "{}", &e), -1); /* taken out is changed, too */
    assert_string_equal(e.where, "/k/kefud.json:1 demo");
    assert_non_null(strstr(e.what, "found false, but kefud runs with true"));
    assert_int_equal(reload_into("{}", "{\"timezone\": \"Asia/Tokyo\"}", &e), -1);
    assert_non_null(strstr(e.what, "found \"Asia/Tokyo\", but kefud runs with \"Asia/Shanghai\""));
}

static void what_means_the_same_is_no_change(void **state)
{
    (void)state;
    assert_int_equal(reload_into("{\"state_dir\": \"s\"}", "{\"state_dir\": \"/k/s\", \"run_dir\": \"s\"}", NULL), 0);
    assert_int_equal(reload_into("{}", "{\"site\": \"default\", \"demo\": false}", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_is_all_defaults),
        cmocka_unit_test(every_default_is_within_its_bounds),
        cmocka_unit_test(paths_are_relative_to_the_folder_of_the_file),
        cmocka_unit_test(what_is_written_replaces_the_default),
        cmocka_unit_test(only_loopback_is_listened_on_unless_told_otherwise),
        cmocka_unit_test(an_address_comes_apart),
        cmocka_unit_test(redis_is_a_socket_or_a_numeric_address),
        cmocka_unit_test(streams_are_words),
        cmocka_unit_test(what_is_not_right_is_refused_with_place_and_mend),
        cmocka_unit_test(every_option_is_bounded),
        cmocka_unit_test(a_site_a_zone_a_folder_and_a_prefix_cannot_be_empty),
        cmocka_unit_test(only_what_says_so_changes_while_it_runs),
        cmocka_unit_test(a_refused_reload_names_the_option_what_is_found_and_what_runs),
        cmocka_unit_test(what_means_the_same_is_no_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
