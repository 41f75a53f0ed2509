/* The strict reading of a head: what passes, and the many shapes that must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kefu/base/buf.h"
#include "kefu/base/http_head.h"

static int status_of(const char *text, struct http_head *h)
{
    return http_head_parse(str_of(text), h);
}

static void must_refuse(const char *text, int status)
{
    struct http_head h;
    int got = status_of(text, &h);
    if (got != status) {
        print_error("expected %d, found %d for:\n%s\n", status, got, text);
    }
    assert_int_equal(got, status);
}

static void an_honest_head_is_read_whole(void **state)
{
    struct http_head h;
    (void)state;
    assert_int_equal(
        status_of("POST /v1/events?x=1&y HTTP/1.1\r\nHost: a\r\ncontent-LENGTH:  12 \r\nX-A: \xE4\xBD\xA0\t!\r\n\r\n",
                  &h),
        0);
    assert_true(str_eq(h.method, STR_LIT("POST")));
    assert_true(str_eq(h.path, STR_LIT("/v1/events")));
    assert_true(str_eq(h.query, STR_LIT("x=1&y")));
    assert_true(h.has_length);
    assert_int_equal(h.length_bytes, 12);
    assert_false(h.wants_close);
    assert_true(str_eq(http_head_find(&h, "x-a"), STR_LIT("\xE4\xBD\xA0\t!")));
    assert_int_equal(http_head_find(&h, "x-b").n, 0);
}

static void old_and_closing_peers_are_closed(void **state)
{
    struct http_head h;
    (void)state;
    assert_int_equal(status_of("GET / HTTP/1.0\r\n\r\n", &h), 0);
    assert_true(h.wants_close);
    assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n", &h), 0);
    assert_true(h.wants_close);
    assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", &h), 0);
    assert_false(h.wants_close);
}

static void what_can_be_read_two_ways_is_refused(void **state)
{
    (void)state;
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\n Content-Length: 3\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\n\r\n", 400);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 411);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: xchunked\r\nContent-Length: 3\r\n\r\n", 411);
    must_refuse("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417);
}

static void a_request_line_has_three_words(void **state)
{
    (void)state;
    must_refuse("\r\n\r\n", 400);
    must_refuse("GET /\r\nHost: a\r\n\r\n", 400);
    must_refuse("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    must_refuse("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400);
    must_refuse("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    must_refuse("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    must_refuse("G\tT / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    must_refuse("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505);
    must_refuse("GET / http/1.1\r\nHost: a\r\n\r\n", 400);
}

static void too_many_headers_are_refused(void **state)
{
    struct buf text = {0};
    (void)state;
    buf_put_str(&text, STR_LIT("GET / HTTP/1.1\r\nHost: a\r\n"));
    for (int i = 0; i < HTTP_HEADERS_MAX; i++) {
        buf_put_str(&text, STR_LIT("X: 1\r\n"));
    }
    buf_put(&text, "\r\n", 3); /* with a zero byte */
    must_refuse(text.p, 431);
    buf_fini(&text);
}

static void the_end_is_found_wherever_the_pieces_break(void **state)
{
    const char *text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
    size_t whole_n = strlen(text) - 4;
    (void)state;
    for (size_t first_n = 0; first_n < whole_n; first_n++) {
        size_t seen_n = 0;
        assert_int_equal(http_head_end((struct str){text, first_n}, &seen_n), 0);
        assert_int_equal(http_head_end(str_of(text), &seen_n), whole_n);
    }
}

static void of_several_the_last_is_the_nearest_proxys(void **state)
{
    struct http_head h;
    size_t n;
    (void)state;
    assert_int_equal(http_head_parse(STR_LIT("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\n\r\n"), &h), 0);
    assert_true(str_eq(http_head_last(&h, "X-A", &n), STR_LIT("2")));
    assert_int_equal(n, 2);
    assert_int_equal(http_head_last(&h, "X-B", &n).n, 0);
    assert_int_equal(n, 0);
}

static void a_bare_line_feed_is_seen_at_once(void **state)
{
    size_t seen_n = 0;
    (void)state;
    assert_int_equal(http_head_end(STR_LIT("GET / HTTP/1.1\n"), &seen_n), -1);
    seen_n = 0;
    assert_int_equal(http_head_end(STR_LIT("\n"), &seen_n), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_head_is_read_whole),
        cmocka_unit_test(old_and_closing_peers_are_closed),
        cmocka_unit_test(what_can_be_read_two_ways_is_refused),
        cmocka_unit_test(a_request_line_has_three_words),
        cmocka_unit_test(too_many_headers_are_refused),
        cmocka_unit_test(the_end_is_found_wherever_the_pieces_break),
        cmocka_unit_test(of_several_the_last_is_the_nearest_proxys),
        cmocka_unit_test(a_bare_line_feed_is_seen_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
