/* P3 and P4's client: POST /v1/events over keep-alive connections. post PORT TOKEN EVENTS.ndjson EACH MILLISECONDS
 *
 * 64 connections, one request under way on each; a request carries EACH events (1: the object; more: an array) and the next
 * one goes out when its answer has come whole. All requests are made before the clock starts; every event goes once. Ends
 * after MILLISECONDS or when the events are used up. An answer other than 200 or 202 is counted as refused. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"
#include "kefu/base/mem.h"

#define CONNECTIONS_N 64
#define ANSWER_BYTES  65536

struct conn {
    int fd;
    struct str left; /* of the request, not yet written */
    char answer[ANSWER_BYTES];
    size_t answer_n;
};

struct client {
    struct buf requests; /* one after the other */
    size_t *ends;        /* of each in requests */
    size_t ends_cap, requests_n, next;
    int epoll;
    struct conn conns[CONNECTIONS_N];
    size_t busy_n;
    int64_t until_ns;
    uint64_t answered_n, refused_n;
};

/* --- requests ----------------------------------------------------------------------------------------------------- */

static struct str line_at(struct str text)
{
    const char *end = memchr(text.p, '\n', text.n);
    return (struct str){text.p, end ? (size_t)(end - text.p) : text.n};
}

/* Takes up to n lines off the text into a body. */
static void make_body(struct buf *body, struct str *text, int64_t n)
{
    body->n = 0;
    for (int64_t i = 0; i < n && text->n; i++) {
        struct str line = line_at(*text);
        if (n > 1)
            buf_put_byte(body, i ? ',' : '[');
        buf_put_str(body, line);
        size_t used_n = line.n < text->n ? line.n + 1 : line.n;
        *text = (struct str){text->p + used_n, text->n - used_n};
    }
    if (n > 1)
        buf_put_byte(body, ']');
}

static void make_requests(struct client *c, struct str text, const char *token, int64_t each_n)
{
    struct buf body = {0};
    while (text.n) {
        make_body(&body, &text, each_n);
        buf_printf(&c->requests,
                   "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                   token, body.n);
        buf_put_str(&c->requests, buf_str(&body));
        xgrow(&c->ends, &c->ends_cap, c->requests_n + 1, sizeof *c->ends);
        c->ends[c->requests_n++] = c->requests.n;
    }
    buf_fini(&body);
}

/* --- one connection ----------------------------------------------------------------------------------------------- */

static void watch(struct client *c, struct conn *k, uint32_t what, int how)
{
    struct epoll_event e = {.events = what, .data.ptr = k};
    if (epoll_ctl(c->epoll, how, k->fd, &e) != 0)
        bench_die("epoll: %s", strerror(errno));
}

static void write_on(struct client *c, struct conn *k)
{
    ssize_t n = write(k->fd, k->left.p, k->left.n);
    if (n < 0 && errno != EAGAIN)
        bench_die("write: %s", strerror(errno));
    size_t had_n = k->left.n;
    if (n > 0)
        k->left = (struct str){k->left.p + n, k->left.n - (size_t)n};
    if (k->left.n != 0)
        watch(c, k, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    else if (n < 0 || (size_t)n < had_n)
        watch(c, k, EPOLLIN, EPOLL_CTL_MOD);
}

static void send_next(struct client *c, struct conn *k)
{
    if (c->next == c->requests_n || bench_wall_ns() >= c->until_ns) {
        c->busy_n--;
        return;
    }
    size_t from = c->next ? c->ends[c->next - 1] : 0;
    k->left = (struct str){c->requests.p + from, c->ends[c->next] - from};
    c->next++;
    k->answer_n = 0;
    write_on(c, k);
}

/* Is the answer whole? Its length is told by Content-Length, as both servers do; without one it has no body. */
static bool is_whole(const struct conn *k)
{
    const char *end = memmem(k->answer, k->answer_n, "\r\n\r\n", 4);
    if (!end)
        return false;
    const char *length = memmem(k->answer, (size_t)(end - k->answer), "Content-Length: ", 16);
    size_t body_n = length ? (size_t)strtoul(length + 16, NULL, 10) : 0;
    return k->answer_n >= (size_t)(end - k->answer) + 4 + body_n;
}

static void on_readable(struct client *c, struct conn *k)
{
    ssize_t n = read(k->fd, k->answer + k->answer_n, sizeof k->answer - k->answer_n);
    if (n <= 0 && !(n < 0 && errno == EAGAIN))
        bench_die("the server closed a connection: %.*s", (int)k->answer_n, k->answer);
    k->answer_n += n > 0 ? (size_t)n : 0;
    if (!is_whole(k))
        return;
    c->answered_n++;
    if (memcmp(k->answer, "HTTP/1.1 20", 11) != 0)
        c->refused_n++;
    send_next(c, k);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static void connect_all(struct client *c, const char *port)
{
    int one = 1;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < CONNECTIONS_N; i++) {
        struct conn *k = &c->conns[i];
        k->fd = bench_connect_port(port);
        fcntl(k->fd, F_SETFL, O_NONBLOCK);
        setsockopt(k->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(c, k, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void run(struct client *c)
{
    struct epoll_event ready[CONNECTIONS_N];
    c->busy_n = CONNECTIONS_N;
    for (int i = 0; i < CONNECTIONS_N; i++)
        send_next(c, &c->conns[i]);
    while (c->busy_n) {
        int n = epoll_wait(c->epoll, ready, CONNECTIONS_N, -1);
        for (int i = 0; i < n; i++) {
            struct conn *k = ready[i].data.ptr;
            if (ready[i].events & EPOLLOUT)
                write_on(c, k);
            if (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                on_readable(c, k);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 6)
        bench_die("usage: post PORT TOKEN EVENTS.ndjson EACH MILLISECONDS");
    static struct client c;
    struct str text = bench_read_file(argv[3]);
    make_requests(&c, text, argv[2], bench_number(argv[4], 1));
    connect_all(&c, argv[1]);
    int64_t begun_ns = bench_wall_ns();
    c.until_ns = begun_ns + bench_number(argv[5], 1) * 1000000;
    run(&c);
    printf("{\"requests\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"ns\":%" PRId64 "}\n", c.answered_n, c.refused_n,
           bench_wall_ns() - begun_ns);
    for (int i = 0; i < CONNECTIONS_N; i++)
        close(c.conns[i].fd);
    close(c.epoll);
    free(c.ends);
    buf_fini(&c.requests);
    free((void *)(uintptr_t)text.p);
    return 0;
}
