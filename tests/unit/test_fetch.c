/* Asking others: what may be asked at all, and what becomes of answers that are odd, long, slow or none. The server is our
 * own listener in the same loop, so nothing sleeps and nothing leaves the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "kefu/base/buf.h"
#include "kefu/base/fetch.h"
#include "kefu/base/http.h"
#include "kefu/base/log.h"

struct fixture {
    struct event_base *base;
    struct http *http;
    struct fetch *fetch;
    char host[32];
    struct str hosts[1];
    struct http_request *held;
    struct buf asked; /* what the server saw */
    int status;
    int done_n;
    struct buf body;
    int64_t retry_after_s;
    struct err why;
};

static void serve(void *arg, struct http_request *r)
{
    struct fixture *f = arg;
    const struct http_head *h = http_request_head(r);
    f->asked.n = 0;
    buf_printf(&f->asked, "%.*s %.*s?%.*s [%.*s] %.*s", STR_ARG(h->method), STR_ARG(h->path), STR_ARG(h->query),
               STR_ARG(http_head_find(h, "Api-Token")), STR_ARG(http_request_body(r)));
    buf_put_byte(&f->asked, 0);
    if (str_eq(h->path, STR_LIT("/away"))) {
        http_add_header(r, "Location", "/good");
        http_answer(r, 302, "text/plain", STR_LIT("elsewhere"));
    } else if (str_eq(h->path, STR_LIT("/busy"))) {
        http_add_header(r, "Retry-After", "7");
        http_answer(r, 429, "text/plain", STR_LIT(""));
    } else if (str_eq(h->path, STR_LIT("/slow"))) {
        f->held = r;
    } else {
        http_answer(r, 200, "text/plain", STR_LIT("0123456789"));
    }
}

static int setup(void **state)
{
    static struct fixture room;
    struct err e;
    struct fixture *f = &room;
    *f = (struct fixture){.base = event_base_new()};
    f->http = http_listen(
        &(struct http_options){
            .base = f->base, .address = "127.0.0.1", .body_max_bytes = 1000, .handle = serve, .arg = f},
        &e);
    assert_non_null(f->http);
    f->fetch = fetch_new(f->base, &e);
    assert_non_null(f->fetch);
    snprintf(f->host, sizeof(f->host), "127.0.0.1:%u", http_port(f->http));
    f->hosts[0] = str_of(f->host);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    fetch_free(f->fetch);
    if (f->held) {
        http_answer(f->held, 200, "text/plain", STR_LIT(""));
    }
    http_free(f->http);
    event_base_free(f->base);
    buf_fini(&f->asked);
    buf_fini(&f->body);
    return 0;
}

static void note(void *arg, const struct fetch_answer *a)
{
    struct fixture *f = arg;
    f->done_n++;
    f->status = a->status;
    f->retry_after_s = a->retry_after_s;
    f->why = a->why;
    f->body.n = 0;
    buf_put_str(&f->body, a->body);
    buf_put_byte(&f->body, 0);
}

static struct fetch_request request_of(struct fixture *f, struct buf *url, const char *path)
{
    buf_printf(url, "http://%s%s", f->host, path);
    return (struct fetch_request){
        .method = "GET", .url = buf_str(url), .reach = {f->hosts, 1, true}, .timeout_ms = 5000, .done = note, .arg = f};
}

/* Sends and turns the loop until it is done. */
static void ask(struct fixture *f, const struct fetch_request *r)
{
    struct err e = {0};
    int before_n = f->done_n;
    assert_non_null(fetch_send(f->fetch, r, &e));
    assert_int_equal(f->done_n, before_n); /* never from within */
    while (f->done_n == before_n) {
        assert_int_not_equal(event_base_loop(f->base, EVLOOP_ONCE), -1);
    }
    assert_int_equal(fetch_calls_n(f->fetch), 0);
}

static void a_question_and_its_answer(void **state)
{
    struct fixture *f = *state;
    struct buf url = {0};
    struct fetch_header header = {"Api-Token", STR_LIT("secret-1")};
    struct fetch_request r = request_of(f, &url, "/good?page=2");
    r.headers = &header;
    r.headers_n = 1;
    ask(f, &r);
    assert_int_equal(f->status, 200);
    assert_string_equal(f->body.p, "0123456789");
    assert_string_equal(f->asked.p, "GET /good?page=2 [secret-1] ");
    r.method = "POST";
    r.body = STR_LIT("{\"cursor\":\"\"}");
    ask(f, &r);
    assert_string_equal(f->asked.p, "POST /good?page=2 [secret-1] {\"cursor\":\"\"}");
    buf_fini(&url);
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
    struct fixture *f = *state;
    struct buf url = {0};
    struct fetch_request r = request_of(f, &url, "/away");
    ask(f, &r);
    assert_int_equal(f->status, 302);
    assert_string_equal(f->asked.p, "GET /away? [] ");
    buf_fini(&url);
}

static void how_long_to_wait_is_told(void **state)
{
    struct fixture *f = *state;
    struct buf url = {0};
    struct fetch_request r = request_of(f, &url, "/busy");
    ask(f, &r);
    assert_int_equal(f->status, 429);
    assert_int_equal(f->retry_after_s, 7);
    buf_fini(&url);
}

static void an_answer_over_its_bound_is_none(void **state)
{
    struct fixture *f = *state;
    struct buf url = {0};
    struct fetch_request r = request_of(f, &url, "/good");
    r.answer_max_bytes = 9;
    ask(f, &r);
    assert_int_equal(f->status, 0);
    assert_string_equal(f->why.what, "the answer is longer than 9 bytes");
    assert_string_equal(f->why.where, "127.0.0.1");
    r.answer_max_bytes = 10;
    ask(f, &r);
    assert_int_equal(f->status, 200);
    buf_fini(&url);
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
    struct fixture *f = *state;
    struct buf url = {0};
    struct fetch_request r = request_of(f, &url, "/slow");
    r.timeout_ms = 30;
    ask(f, &r);
    assert_int_equal(f->status, 0);
    assert_non_null(strstr(f->why.what, "imeout"));
    buf_fini(&url);
}

static void a_cancelled_call_is_never_heard_of(void **state)
{
    struct fixture *f = *state;
    struct buf url = {0}, other = {0};
    struct err e;
    struct fetch_request slow = request_of(f, &url, "/slow"), good = request_of(f, &other, "/good");
    struct fetch_call *c = fetch_send(f->fetch, &slow, &e);
    assert_non_null(c);
    while (!f->held) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    fetch_cancel(c);
    ask(f, &good);
    assert_int_equal(f->done_n, 1);
    buf_fini(&url);
    buf_fini(&other);
}

static void nobody_there_is_an_error_with_the_host(void **state)
{
    struct fixture *f = *state;
    struct str host = STR_LIT("127.0.0.1:9");
    struct fetch_request r = {.method = "GET",
                              .url = STR_LIT("http://127.0.0.1:9/secret-path"),
                              .reach = {&host, 1, true},
                              .timeout_ms = 5000,
                              .done = note,
                              .arg = f};
    ask(f, &r);
    assert_int_equal(f->status, 0);
    assert_string_equal(f->why.where, "127.0.0.1");
    assert_null(strstr(f->why.what, "secret-path"));
}

static void a_name_that_leads_into_the_house_is_refused(void **state)
{
    struct fixture *f = *state;
    struct buf url = {0};
    char host[32];
    snprintf(host, sizeof(host), "localhost:%u", http_port(f->http));
    struct str hosts = str_of(host);
    buf_printf(&url, "https://%s/good", host);
    struct fetch_request r = {
        .method = "GET", .url = buf_str(&url), .reach = {&hosts, 1, false}, .timeout_ms = 5000, .done = note, .arg = f};
    ask(f, &r);
    assert_int_equal(f->status, 0);
    assert_non_null(strstr(f->why.what, "not public"));
    assert_int_equal(f->asked.n, 0);
    buf_fini(&url);
}

static void headers_cannot_be_split(void **state)
{
    struct fixture *f = *state;
    struct buf url = {0};
    struct err e;
    struct fetch_header header = {"Api-Token", STR_LIT("a\r\nHost: b")};
    struct fetch_request r = request_of(f, &url, "/good");
    r.headers = &header;
    r.headers_n = 1;
    assert_null(fetch_send(f->fetch, &r, &e));
    assert_int_equal(fetch_calls_n(f->fetch), 0);
    buf_fini(&url);
}

static void only_listed_hosts_are_asked(void **state)
{
    static const struct str hosts[] = {{"chat.example.com", 16}, {"10.0.0.5:3000", 13}, {"[fd00::1]:80", 12}};
    struct fetch_reach open = {hosts, 3, true}, shut = {hosts, 3, false};
    static const struct {
        const char *url;
        bool open, shut;
    } table[] = {
        {"https://chat.example.com/a", true, true},
        {"https://CHAT.example.com:443/a", true, true},
        {"https://chat.example.com", true, true},
        {"https://chat.example.com:8443/a", false, false},
        {"https://chat.example.com.evil.test/a", false, false},
        {"https://chat.example.com@evil.test/a", false, false},
        {"https://evil.test/chat.example.com", false, false},
        {"https://chat.example.com\\@evil.test/", false, false},
        {"https://chat.example.com?x", false, false},
        {"http://chat.example.com/a", true, false},
        {"http://10.0.0.5:3000/a", true, false},
        {"http://10.0.0.5/a", false, false},
        {"http://[fd00::1]/a", true, false},
        {"ftp://chat.example.com/a", false, false},
        {"file:///etc/passwd", false, false},
        {"https:///a", false, false},
        {"https://chat.example.com:0/a", false, false},
        {"https://chat.example.com:99999/a", false, false},
        {"https://chat.example.com/a b", false, false},
        {"https://chat.example.com/\n", false, false},
        {"", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct err e;
        if ((fetch_check(str_of(table[i].url), &open, &e) == 0) != table[i].open ||
            (fetch_check(str_of(table[i].url), &shut, &e) == 0) != table[i].shut) {
            fail_msg("%s", table[i].url);
        }
    }
}

static bool is_public(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        return fetch_is_public((struct sockaddr *)&v4);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return fetch_is_public((struct sockaddr *)&v6);
}

static void which_addresses_are_public(void **state)
{
    static const char *const open[] = {"1.1.1.1",      "8.8.8.8",        "100.63.255.255",   "100.128.0.0",
                                       "172.15.0.1",   "172.32.0.1",     "223.255.255.255",  "2400:3200::1",
                                       "2001:4860::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"};
    static const char *const closed[] = {"0.0.0.0",
                                         "10.0.0.1",
                                         "100.64.0.1",
                                         "127.0.0.1",
                                         "127.255.255.255",
                                         "169.254.169.254",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.0.2.1",
                                         "192.168.1.1",
                                         "198.18.0.1",
                                         "198.19.255.255",
                                         "203.0.113.9",
                                         "224.0.0.1",
                                         "240.0.0.1",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "fe80::1",
                                         "fd00::1",
                                         "fc00::1",
                                         "ff02::1",
                                         "::ffff:10.0.0.1",
                                         "::ffff:127.0.0.1",
                                         "64:ff9b::7f00:1",
                                         "2002:7f00:1::1",
                                         "2001:db8::1",
                                         "2001::1"};
    (void)state;
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        if (!is_public(open[i])) {
            fail_msg("%s is public", open[i]);
        }
    }
    for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
        if (is_public(closed[i])) {
            fail_msg("%s is not public", closed[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_question_and_its_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_redirect_is_an_answer_and_not_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(how_long_to_wait_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_over_its_bound_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_that_says_nothing_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_call_is_never_heard_of, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_there_is_an_error_with_the_host, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_that_leads_into_the_house_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(headers_cannot_be_split, setup, teardown),
        cmocka_unit_test(only_listed_hosts_are_asked),
        cmocka_unit_test(which_addresses_are_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
