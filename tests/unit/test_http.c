/* The guarded listener over real sockets on the loopback: what smugglers send, what slow and leaving peers do.
 * Nothing sleeps: the loop runs until the peer's side of the socket has seen the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "kefu/base/buf.h"
#include "kefu/base/http.h"
#include "kefu/base/log.h"

struct fixture {
    struct event_base *base;
    struct http *http;
    int handled_n;
    int refuse_with;
    struct http_request *held; /* when `hold` */
    bool hold;
};

static void handle(void *arg, struct http_request *r)
{
    struct fixture *f = arg;
    f->handled_n++;
    if (f->hold) {
        f->held = r;
        return;
    }
    http_answer(r, 200, "text/plain", http_request_body(r));
}

static int admit(void *arg, struct http_request *r)
{
    struct fixture *f = arg;
    (void)r;
    return f->refuse_with;
}

static void start(struct fixture *f, int64_t deadline_ms)
{
    struct err e;
    f->base = event_base_new();
    struct http_options o = {.base = f->base,
                             .address = "127.0.0.1",
                             .body_max_bytes = 1000,
                             .deadline_ms = deadline_ms,
                             .admit = admit,
                             .handle = handle,
                             .arg = f};
    f->http = http_listen(&o, &e);
    assert_non_null(f->http);
}

static void stop(struct fixture *f)
{
    http_free(f->http);
    event_base_free(f->base);
}

static int dial(struct fixture *f)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(http_port(f->http))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void say(int fd, struct str s)
{
    assert_int_equal(send(fd, s.p, s.n, MSG_NOSIGNAL), (ssize_t)s.n);
}

/* Runs the loop until `until` stands in what came, or (NULL) the server has shut its side. */
static char *hear(struct fixture *f, int fd, const char *until)
{
    struct buf b = {0};
    for (;;) {
        char piece[4096];
        ssize_t n = recv(fd, piece, sizeof(piece), 0);
        if (n == 0) {
            break;
        }
        if (n > 0) {
            buf_put(&b, piece, (size_t)n);
            buf_put_byte(&b, 0);
            b.n--;
            if (until && strstr(b.p, until)) {
                break;
            }
            continue;
        }
        assert_int_not_equal(event_base_loop(f->base, EVLOOP_ONCE), -1);
    }
    buf_put_byte(&b, 0);
    return b.p;
}

static void expect_answer(struct fixture *f, struct str request, const char *status)
{
    int fd = dial(f);
    say(fd, request);
    char *answer = hear(f, fd, NULL);
    char line[64];
    snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
    if (strncmp(answer, line, strlen(line)) != 0) {
        print_error("expected %s for:\n%.*s\nfound:\n%s\n", status, STR_ARG(request), answer);
    }
    assert_int_equal(strncmp(answer, line, strlen(line)), 0);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_null(strstr(answer + 1, "HTTP/1.1 2")); /* nothing behind it was taken for a request */
    free(answer);
    close(fd);
}

#define H "POST /v1/events HTTP/1.1\r\nHost: a\r\n"

static void the_smuggling_corpus_is_refused_and_closed(void **state)
{
    static const struct {
        const char *request;
        const char *status;
    } corpus[] = {
        {H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411"},
        {H "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", "411"},
        {H "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcdGET / HTTP/1.1\r\nHost: a\r\n\r\n", "411"},
        {H "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "411"},
        {H "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na", "411"},
        {H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400"},
        {H "Content-Length: 3\r\nContent-Length: 30\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400"},
        {H "Content-Length: 3,30\r\n\r\nabc", "400"},
        {H "Content-Length: +3\r\n\r\nabc", "400"},
        {H "Content-Length: 0x3\r\n\r\nabc", "400"},
        {H "Content-Length: -3\r\n\r\nabc", "400"},
        {H "Content-Length: 3 3\r\n\r\nabc", "400"},
        {H "Content-Length : 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {H " Content-Length: 3\r\n\r\nabc", "400"},
        {H ": x\r\nContent-Length: 3\r\n\r\nabc", "400"},
        {H "X: y\r\n Content-Length: 3\r\n\r\nabc", "400"},
        {"POST /v1/events HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc", "400"},
        {H "Content-Length: 3\n\r\nabc", "400"},
        {H "X: a\rContent-Length: 3\r\n\r\nabc", "400"},
        {H "Host: b\r\nContent-Length: 3\r\n\r\nabc", "400"},
        {"POST /v1/events HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "400"},
        {"\r\nPOST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "400"},
        {H "Content-Length: 1001\r\n\r\n", "413"},
        {H "Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n", "413"},
        {"POST /v1/events HTTP/3.0\r\nHost: a\r\n\r\n", "505"},
    };
    struct fixture f = {0};
    (void)state;
    start(&f, 5000);
    for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
        expect_answer(&f, str_of(corpus[i].request), corpus[i].status);
    }
    assert_int_equal(f.handled_n, 0);
    stop(&f);
}

static void a_byte_of_zero_in_a_head_is_refused(void **state)
{
    struct fixture f = {0};
    (void)state;
    start(&f, 5000);
    expect_answer(&f, STR_LIT(H "X: a\0b\r\nContent-Length: 3\r\n\r\nabc"), "400");
    assert_int_equal(f.handled_n, 0);
    stop(&f);
}

static void a_long_head_is_refused(void **state)
{
    struct fixture f = {0};
    struct buf b = {0};
    (void)state;
    start(&f, 5000);
    buf_put_str(&b, STR_LIT(H "X: "));
    for (int i = 0; i < 9000; i++) {
        buf_put_byte(&b, 'a');
    }
    expect_answer(&f, buf_str(&b), "431");
    buf_fini(&b);
    stop(&f);
}

static void a_large_body_sent_anyway_still_hears_413(void **state)
{
    struct fixture f = {0};
    struct buf b = {0};
    (void)state;
    start(&f, 5000);
    buf_put_str(&b, STR_LIT(H "Content-Length: 60000\r\n\r\n"));
    for (int i = 0; i < 60000; i++) {
        buf_put_byte(&b, 'a');
    }
    expect_answer(&f, buf_str(&b), "413");
    buf_fini(&b);
    stop(&f);
}

static void who_is_not_admitted_is_told_before_the_body(void **state)
{
    struct fixture f = {.refuse_with = 401};
    (void)state;
    start(&f, 5000);
    expect_answer(&f, STR_LIT(H "Content-Length: 900\r\n\r\n"), "401");
    assert_int_equal(f.handled_n, 0);
    stop(&f);
}

static void half_a_request_ends_at_the_deadline(void **state)
{
    struct fixture f = {0};
    (void)state;
    start(&f, 30);
    expect_answer(&f, STR_LIT("POST /v1/ev"), "408");
    expect_answer(&f, STR_LIT(H "Content-Length: 10\r\n\r\nabc"), "408");
    assert_int_equal(f.handled_n, 0);
    stop(&f);
}

static void requests_follow_each_other_on_one_connection(void **state)
{
    struct fixture f = {0};
    (void)state;
    start(&f, 5000);
    int fd = dial(&f);
    say(fd, STR_LIT(H "Content-Length: 3\r\n\r\nabc" H "Content-Length: 3\r\n\r\ndef" H));
    char *first = hear(&f, fd, "def");
    assert_non_null(strstr(first, "Content-Length: 3\r\n"));
    assert_non_null(strstr(first, "\r\n\r\nabcHTTP/1.1 200 OK\r\n"));
    assert_int_equal(f.handled_n, 2);
    say(fd, STR_LIT("Connection: close\r\nContent-Length: 1\r\n\r\nx"));
    char *last = hear(&f, fd, NULL);
    assert_non_null(strstr(last, "\r\n\r\nx"));
    free(first);
    free(last);
    close(fd);
    stop(&f);
}

static void a_body_in_single_bytes_arrives_whole(void **state)
{
    struct fixture f = {0};
    struct str request = STR_LIT(H "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc");
    (void)state;
    start(&f, 5000);
    int fd = dial(&f);
    for (size_t i = 0; i < request.n; i++) {
        say(fd, (struct str){request.p + i, 1});
        event_base_loop(f.base, EVLOOP_NONBLOCK);
    }
    char *answer = hear(&f, fd, "abc");
    assert_int_equal(strncmp(answer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", 42), 0);
    free(answer);
    close(fd);
    stop(&f);
}

static void a_peer_that_shut_its_side_still_hears_the_answer(void **state)
{
    struct fixture f = {.hold = true};
    (void)state;
    start(&f, 5000);
    int fd = dial(&f);
    say(fd, STR_LIT(H "Content-Length: 0\r\n\r\n"));
    shutdown(fd, SHUT_WR);
    while (!f.held) {
        event_base_loop(f.base, EVLOOP_ONCE);
    }
    event_base_loop(f.base, EVLOOP_NONBLOCK);
    http_answer(f.held, 200, "text/plain", STR_LIT("late"));
    char *answer = hear(&f, fd, NULL);
    assert_non_null(strstr(answer, "\r\n\r\nlate"));
    free(answer);
    close(fd);
    stop(&f);
}

static void a_peer_that_sends_on_while_it_waits_does_not_hold_the_loop(void **state)
{
    struct fixture f = {.hold = true};
    static char more[64 << 10];
    (void)state;
    memset(more, 'x', sizeof(more));
    start(&f, 5000);
    int fd = dial(&f);
    say(fd, STR_LIT(H "Content-Length: 2\r\n\r\nok"));
    while (!f.held) {
        event_base_loop(f.base, EVLOOP_ONCE);
    }
    send(fd, more, sizeof(more), MSG_NOSIGNAL);
    event_base_loop(f.base, EVLOOP_ONCE); /* comes back at all */
    event_base_loop(f.base, EVLOOP_NONBLOCK);
    http_answer(f.held, 200, "text/plain", STR_LIT("late"));
    char *answer = hear(&f, fd, NULL); /* and what it sent on is no request */
    assert_non_null(strstr(answer, "\r\n\r\nlateHTTP/1.1 431 "));
    free(answer);
    close(fd);
    stop(&f);
}

static void an_answer_to_a_peer_that_left_is_dropped(void **state)
{
    struct fixture f = {.hold = true};
    struct linger reset = {1, 0};
    (void)state;
    start(&f, 5000);
    int fd = dial(&f);
    say(fd, STR_LIT(H "Content-Length: 0\r\n\r\n"));
    while (!f.held) {
        event_base_loop(f.base, EVLOOP_ONCE);
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
    while (http_connections_n(f.http)) {
        event_base_loop(f.base, EVLOOP_ONCE);
    }
    http_answer(f.held, 200, "text/plain", STR_LIT("late"));
    stop(&f);
}

static void after_stop_a_request_in_hand_is_still_answered(void **state)
{
    struct fixture f = {.hold = true};
    (void)state;
    start(&f, 5000);
    int idle = dial(&f), busy = dial(&f);
    say(busy, STR_LIT(H "Content-Length: 0\r\n\r\n"));
    while (!f.held || http_connections_n(f.http) < 2) {
        event_base_loop(f.base, EVLOOP_ONCE);
    }
    http_stop(f.http);
    char *nothing = hear(&f, idle, NULL);
    assert_string_equal(nothing, "");
    http_answer(f.held, 200, "text/plain", STR_LIT("done"));
    char *answer = hear(&f, busy, NULL);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    free(nothing);
    free(answer);
    close(idle);
    close(busy);
    stop(&f);
}

static void without_descriptors_the_listener_rests_and_comes_back(void **state)
{
    struct fixture f = {0};
    struct rlimit was, few;
    (void)state;
    if (getenv("VALGRIND")) { /* it takes the connection itself before it says that there is no descriptor */
        skip();
    }
    log_set_level(0);
    start(&f, 5000);
    int fd = dial(&f);
    say(fd, STR_LIT(H "Connection: close\r\nContent-Length: 2\r\n\r\nok"));
    getrlimit(RLIMIT_NOFILE, &was);
    few = was;
    few.rlim_cur = (rlim_t)fd + 1;
    setrlimit(RLIMIT_NOFILE, &few);
    int turns_n = 0;
    struct timeval tv = {0, 250000};
    event_base_loopexit(f.base, &tv);
    while (!event_base_got_exit(f.base)) {
        event_base_loop(f.base, EVLOOP_ONCE);
        turns_n++;
    }
    assert_true(turns_n < 20); /* a listener that spins turns many thousand times */
    assert_int_equal(f.handled_n, 0);
    setrlimit(RLIMIT_NOFILE, &was);
    char *answer = hear(&f, fd, NULL);
    assert_non_null(strstr(answer, "\r\n\r\nok"));
    free(answer);
    close(fd);
    log_set_level(LOG_LEVEL_INFO);
    stop(&f);
}

static void a_port_in_use_and_a_bad_address_are_named(void **state)
{
    struct fixture f = {0};
    struct err e;
    (void)state;
    start(&f, 5000);
    struct http_options o = {.base = f.base, .address = "127.0.0.1", .port = http_port(f.http), .handle = handle};
    assert_null(http_listen(&o, &e));
    assert_non_null(strstr(e.what, "in use"));
    o.address = "localhost";
    assert_null(http_listen(&o, &e));
    assert_non_null(strstr(e.what, "numeric"));
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smuggling_corpus_is_refused_and_closed),
        cmocka_unit_test(a_byte_of_zero_in_a_head_is_refused),
        cmocka_unit_test(a_long_head_is_refused),
        cmocka_unit_test(a_large_body_sent_anyway_still_hears_413),
        cmocka_unit_test(who_is_not_admitted_is_told_before_the_body),
        cmocka_unit_test(half_a_request_ends_at_the_deadline),
        cmocka_unit_test(requests_follow_each_other_on_one_connection),
        cmocka_unit_test(a_body_in_single_bytes_arrives_whole),
        cmocka_unit_test(a_peer_that_shut_its_side_still_hears_the_answer),
        cmocka_unit_test(a_peer_that_sends_on_while_it_waits_does_not_hold_the_loop),
        cmocka_unit_test(an_answer_to_a_peer_that_left_is_dropped),
        cmocka_unit_test(after_stop_a_request_in_hand_is_still_answered),
        cmocka_unit_test(without_descriptors_the_listener_rests_and_comes_back),
        cmocka_unit_test(a_port_in_use_and_a_bad_address_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
