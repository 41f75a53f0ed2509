/* Connections as small state machines: head → body → the handler's → answer, and again; or, refused, answer → linger.
 *
 * Keeps true: one request of a connection at a time, its bytes gone from the buffer before the next is looked at; every
 * state has a timer but the handler's own; closing goes through linger (shut our side, throw away what still comes for a
 * second), because closing over unread bytes makes the kernel send a reset and the peer loses our answer. */
#include "kefu/base/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kefu/base/buf.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"

#define CONNECTIONS_MAX  4096
#define DEADLINE_MS      10000
#define IDLE_MS          60000
#define LINGER_MS        1000
#define LINGER_MAX_BYTES (8u << 20)
#define REST_MS          100
#define LAST_MS          100 /* of an idle connection, when stopped */
#define OUTPUT_MAX_BYTES (256u << 10)

enum conn_state { CONN_NONE = 0, CONN_HEAD, CONN_BODY, CONN_HANDLER, CONN_FLUSH, CONN_LINGER };

struct conn {
    struct http *http;
    struct conn *prev, *next;
    struct bufferevent *bev;
    struct event *timer;
    enum conn_state state;
    bool begun;    /* the deadline of the present request runs */
    bool stepping; /* conn_step is on the stack */
    bool eof;      /* the peer has shut its side */
    bool close;    /* after this answer */
    bool stalled;  /* reading is off until the answer */
    size_t seen_n; /* bytes of the head looked at */
    struct buf head_text;
    struct http_head head;
    size_t thrown_n;              /* bytes thrown away in linger */
    struct http_request *request; /* from the head on until answered */
};

struct http_request {
    struct conn *conn; /* NULL: the peer has gone */
    struct buf extra;  /* headers of the answer */
    struct str body;
};

struct http {
    struct http_options o;
    struct evconnlistener *listener; /* NULL once stopped */
    struct event *rest;
    struct conn *conns;
    size_t conns_n;
    uint64_t rests_n;
    char address[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
    uint16_t port;
    bool is_local;
};

static const char *status_text(int status)
{
    switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 417: return "Expectation Failed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
    }
}

static const char *refusal_text(int status)
{
    switch (status) {
    case 400: return "the head of the request is not well-formed HTTP/1.1";
    case 401: return "a valid token is asked: Authorization: Bearer …";
    case 408: return "the request was not there whole in time";
    case 411: return "Transfer-Encoding is not taken; send a Content-Length";
    case 413: return "the body is longer than is taken; send it in pieces";
    case 417: return "of expectations only 100-continue is known";
    case 431: return "the head of the request is too long";
    case 505: return "HTTP/1.1 is spoken here";
    default: return status_text(status);
    }
}

static void conn_arm(struct conn *c, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(c->timer, &tv);
}

static void conn_free(struct conn *c)
{
    struct http *h = c->http;
    if (c->request && c->state != CONN_HANDLER) { /* never handed over: still ours */
        buf_fini(&c->request->extra);
        free(c->request);
    } else if (c->request) {
        c->request->conn = NULL;
    }
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        h->conns = c->next;
    }
    if (c->next) {
        c->next->prev = c->prev;
    }
    if (h->conns_n-- == h->o.connections_max && h->listener) {
        evconnlistener_enable(h->listener);
    }
    bufferevent_free(c->bev);
    event_free(c->timer);
    buf_fini(&c->head_text);
    free(c);
}

/* Our side is shut, theirs is drained. */
static void conn_linger(struct conn *c)
{
    if (c->eof) {
        conn_free(c);
        return;
    }
    c->state = CONN_LINGER;
    shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    conn_arm(c, LINGER_MS);
}

static void on_flushed(struct bufferevent *bev, void *arg)
{
    struct conn *c = arg;
    if (c->state == CONN_FLUSH && evbuffer_get_length(bufferevent_get_output(bev)) == 0) {
        conn_linger(c);
    }
}

static void conn_write(struct conn *c, int status, const char *type, struct str body)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    struct str extra = buf_str(&c->request->extra);
    evbuffer_add_printf(
        out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n%.*s%s\r\n",
        status, status_text(status), type, body.n, STR_ARG(extra), c->close ? "Connection: close\r\n" : "");
    if (!str_eq(c->head.method, STR_LIT("HEAD"))) {
        evbuffer_add(out, body.p, body.n);
    }
    buf_fini(&c->request->extra);
    free(c->request);
    c->request = NULL;
    c->begun = false;
    c->seen_n = 0;
    if (c->close || evbuffer_get_length(out) > OUTPUT_MAX_BYTES) {
        c->state = CONN_FLUSH;
        conn_arm(c, c->http->o.deadline_ms);
    } else {
        c->state = CONN_HEAD;
        conn_arm(c, c->http->o.idle_ms);
    }
}

static void error_body(struct buf *b, const char *text)
{
    buf_put_str(b, STR_LIT("{\"error\": "));
    buf_put_json(b, str_of(text));
    buf_put_str(b, STR_LIT("}\n"));
}

/* An answer of our own and the end of the connection. */
static void conn_refuse(struct conn *c, int status)
{
    struct buf body = {0};
    if (!c->request) {
        c->request = xcalloc(1, sizeof(*c->request));
        c->head.method = (struct str){NULL, 0};
    }
    c->close = true;
    error_body(&body, refusal_text(status));
    conn_write(c, status, "application/json", buf_str(&body));
    buf_fini(&body);
}

static struct http_request *request_new(struct conn *c)
{
    struct http_request *r = xcalloc(1, sizeof(*r));
    r->conn = c;
    return r;
}

/* The head is whole: read it, ask whether to go on. */
static void conn_take_head(struct conn *c, size_t head_n)
{
    struct http *h = c->http;
    c->head_text.n = 0;
    buf_reserve(&c->head_text, head_n);
    evbuffer_remove(bufferevent_get_input(c->bev), c->head_text.p, head_n);
    c->head_text.n = head_n;
    int status = http_head_parse(buf_str(&c->head_text), &c->head);
    if (status) {
        conn_refuse(c, status);
        return;
    }
    c->request = request_new(c);
    c->close = c->head.wants_close || !h->listener;
    status = h->o.admit ? h->o.admit(h->o.arg, c->request) : 0;
    if (!status && c->head.length_bytes > h->o.body_max_bytes) {
        status = 413;
    }
    if (status) {
        conn_refuse(c, status);
        return;
    }
    c->state = CONN_BODY;
    if (c->head.wants_continue && evbuffer_get_length(bufferevent_get_input(c->bev)) < c->head.length_bytes) {
        bufferevent_write(c->bev, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
}

/* Each step returns true if it got somewhere and there may be more to do. */
static bool step_head(struct conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t have_n = evbuffer_get_length(in);
    size_t look_n = have_n < HTTP_HEAD_MAX_BYTES ? have_n : HTTP_HEAD_MAX_BYTES;
    if (have_n == 0) {
        return false;
    }
    if (!c->begun) {
        c->begun = true;
        conn_arm(c, c->http->o.deadline_ms);
    }
    struct str bytes = {(const char *)evbuffer_pullup(in, (ev_ssize_t)look_n), look_n};
    long head_n = http_head_end(bytes, &c->seen_n);
    if (head_n > 0) {
        conn_take_head(c, (size_t)head_n);
        return true;
    }
    if (head_n < 0 || look_n == HTTP_HEAD_MAX_BYTES) {
        conn_refuse(c, head_n < 0 ? 400 : 431);
        return true;
    }
    return false;
}

static bool step_body(struct conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t n = (size_t)c->head.length_bytes;
    if (evbuffer_get_length(in) < n) {
        return false;
    }
    event_del(c->timer);
    c->state = CONN_HANDLER;
    c->request->body = (struct str){n ? (const char *)evbuffer_pullup(in, (ev_ssize_t)n) : NULL, n};
    c->http->o.handle(c->http->o.arg, c->request);
    evbuffer_drain(in, n);
    return true;
}

static void conn_step(struct conn *c)
{
    bool more = true;
    if (c->stepping) {
        return;
    }
    c->stepping = true;
    while (more) {
        more = c->state == CONN_HEAD ? step_head(c) : c->state == CONN_BODY ? step_body(c) : false;
    }
    c->stepping = false;
    if (c->eof && (c->state == CONN_HEAD || c->state == CONN_BODY)) {
        c->state = CONN_FLUSH; /* half a request, or none: nothing more will come of it */
        on_flushed(c->bev, c);
    }
}

static size_t input_max(const struct http *h)
{
    return h->o.body_max_bytes + HTTP_HEAD_MAX_BYTES;
}

/* A peer that sends on while its request is worked on. With the buffer at its high watermark and reading on, libevent 2.1
 * would call on_read for ever within one turn of the loop, and the turn that answers would never come. */
static void conn_stall(struct conn *c)
{
    if (c->state == CONN_HANDLER && evbuffer_get_length(bufferevent_get_input(c->bev)) >= input_max(c->http)) {
        c->stalled = true;
        bufferevent_disable(c->bev, EV_READ);
    }
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct conn *c = arg;
    if (c->state == CONN_LINGER || c->state == CONN_FLUSH) {
        struct evbuffer *in = bufferevent_get_input(bev);
        c->thrown_n += evbuffer_get_length(in);
        evbuffer_drain(in, evbuffer_get_length(in));
        if (c->thrown_n > LINGER_MAX_BYTES) {
            conn_free(c);
        }
        return;
    }
    conn_stall(c);
    conn_step(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct conn *c = arg;
    (void)bev;
    if (what & BEV_EVENT_ERROR || c->state == CONN_LINGER) {
        conn_free(c);
        return;
    }
    c->eof = true; /* a peer that shuts its side may still read our answer */
    c->close = true;
    conn_step(c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    (void)fd;
    (void)what;
    if (c->begun && (c->state == CONN_HEAD || c->state == CONN_BODY)) {
        conn_refuse(c, 408);
        return;
    }
    if (c->state == CONN_HEAD && !c->http->listener) {
        c->state = CONN_FLUSH; /* what is still to be read of an earlier answer goes out first */
        conn_arm(c, c->http->o.deadline_ms);
        on_flushed(c->bev, c);
        return;
    }
    conn_free(c);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int from_n, void *arg)
{
    struct http *h = arg;
    struct conn *c = xcalloc(1, sizeof(*c));
    int on = 1;
    (void)from;
    (void)from_n;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->http = h;
    c->state = CONN_HEAD;
    c->bev = bufferevent_socket_new(h->o.base, fd, BEV_OPT_CLOSE_ON_FREE);
    c->timer = evtimer_new(h->o.base, on_timer, c);
    c->next = h->conns;
    if (c->next) {
        c->next->prev = c;
    }
    h->conns = c;
    if (++h->conns_n == h->o.connections_max) {
        evconnlistener_disable(l);
    }
    bufferevent_setwatermark(c->bev, EV_READ, 0, input_max(h));
    bufferevent_setcb(c->bev, on_read, on_flushed, on_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    conn_arm(c, h->o.idle_ms);
}

/* accept failed: mostly, no descriptors are left. Trying on at once would only burn the processor. */
static void on_accept_error(struct evconnlistener *l, void *arg)
{
    struct http *h = arg;
    struct timeval tv = {0, REST_MS * INT64_C(1000)};
    if (h->rests_n++ % 10 == 0) {
        log_line(LOG_LEVEL_ERROR, "http_accept", "error=\"%s\" rests=%llu", strerror(errno),
                 (unsigned long long)h->rests_n);
    }
    evconnlistener_disable(l);
    event_add(h->rest, &tv);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
    struct http *h = arg;
    (void)fd;
    (void)what;
    if (h->listener && h->conns_n < h->o.connections_max) {
        evconnlistener_enable(h->listener);
    }
}

static int address_of(const struct http_options *o, struct sockaddr_storage *out, socklen_t *out_n)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, o->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(o->port);
        *out_n = sizeof(*v4);
        return 0;
    }
    if (inet_pton(AF_INET6, o->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(o->port);
        *out_n = sizeof(*v6);
        return 0;
    }
    return -1;
}

/* Where it listens, as the kernel has it: of a socket that was handed to us only the kernel knows. */
static void see_address(struct http *h, int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un path;
    } at = {.path = {0}};
    socklen_t n = sizeof(at);
    if (getsockname(fd, &at.any, &n) < 0) {
        return;
    }
    if (at.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &at.v4.sin_addr, h->address, sizeof(h->address));
        h->port = ntohs(at.v4.sin_port);
        h->is_local = ntohl(at.v4.sin_addr.s_addr) >> 24 == 127;
    } else if (at.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &at.v6.sin6_addr, h->address, sizeof(h->address));
        h->port = ntohs(at.v6.sin6_port);
        h->is_local = IN6_IS_ADDR_LOOPBACK(&at.v6.sin6_addr);
    } else {
        snprintf(h->address, sizeof(h->address), "%.*s", (int)sizeof(at.path.sun_path), at.path.sun_path);
        h->is_local = at.any.sa_family == AF_UNIX;
    }
}

static struct evconnlistener *bind_address(struct http *h, struct err *e)
{
    struct sockaddr_storage at;
    socklen_t at_n = 0;
    char where[128];
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    snprintf(where, sizeof(where), "%s port %u", h->o.address, h->o.port);
    if (address_of(&h->o, &at, &at_n) < 0) {
        err_set(e, where, "found no numeric address, expected one such as 127.0.0.1 or ::1");
        return NULL;
    }
    struct evconnlistener *l =
        evconnlistener_new_bind(h->o.base, on_accept, h, flags, 511, (struct sockaddr *)&at, (int)at_n);
    if (!l) {
        err_set(e, where, "cannot listen: %s; is another server on this port?", strerror(errno));
    }
    return l;
}

static struct evconnlistener *take_over(struct http *h, struct err *e)
{
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
    struct evconnlistener *l = NULL;
    if (evutil_make_socket_nonblocking(h->o.fd) == 0) {
        l = evconnlistener_new(h->o.base, on_accept, h, flags, 0, h->o.fd);
    }
    if (!l) {
        err_set(e, "socket that was handed over", "cannot listen on it: %s", strerror(errno));
        close(h->o.fd);
    }
    return l;
}

struct http *http_listen(const struct http_options *o, struct err *e)
{
    struct http *h = xcalloc(1, sizeof(*h));
    h->o = *o;
    h->o.connections_max = o->connections_max ? o->connections_max : CONNECTIONS_MAX;
    h->o.deadline_ms = o->deadline_ms ? o->deadline_ms : DEADLINE_MS;
    h->o.idle_ms = o->idle_ms ? o->idle_ms : IDLE_MS;
    h->listener = o->fd ? take_over(h, e) : bind_address(h, e);
    if (!h->listener) {
        free(h);
        return NULL;
    }
    evconnlistener_set_error_cb(h->listener, on_accept_error);
    h->rest = evtimer_new(o->base, on_rested, h);
    see_address(h, evconnlistener_get_fd(h->listener));
    return h;
}

const char *http_address(const struct http *h)
{
    return h->address;
}

uint16_t http_port(const struct http *h)
{
    return h->port;
}

bool http_is_local(const struct http *h)
{
    return h->is_local;
}

size_t http_connections_n(const struct http *h)
{
    return h->conns_n;
}

void http_stop(struct http *h)
{
    if (!h->listener) {
        return;
    }
    evconnlistener_free(h->listener);
    h->listener = NULL;
    for (struct conn *c = h->conns; c; c = c->next) {
        c->close = true;
        if (c->state == CONN_HEAD && !c->begun) {
            conn_arm(c, LAST_MS);
        }
    }
}

void http_free(struct http *h)
{
    if (!h) {
        return;
    }
    http_stop(h);
    while (h->conns) {
        conn_free(h->conns);
    }
    event_free(h->rest);
    free(h);
}

const struct http_head *http_request_head(const struct http_request *r)
{
    assert(r->conn);
    return &r->conn->head;
}

struct str http_request_body(const struct http_request *r)
{
    return r->body;
}

void http_add_header(struct http_request *r, const char *name, const char *value)
{
    buf_printf(&r->extra, "%s: %s\r\n", name, value);
}

void http_answer(struct http_request *r, int status, const char *type, struct str body)
{
    struct conn *c = r->conn;
    if (!c) {
        buf_fini(&r->extra);
        free(r);
        return;
    }
    assert(c->state == CONN_HANDLER && c->request == r);
    conn_write(c, status, type, body);
    if (c->stalled) {
        c->stalled = false;
        bufferevent_enable(c->bev, EV_READ);
    }
    conn_step(c);
}

void http_answer_error(struct http_request *r, int status, const char *text)
{
    struct buf body = {0};
    error_body(&body, text);
    http_answer(r, status, "application/json", buf_str(&body));
    buf_fini(&body);
}
