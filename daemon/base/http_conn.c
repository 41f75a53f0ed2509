/* Connections as small state machines: head → body → the handler's → answer, and again; or a stream; or, refused, answer →
 * linger.
 *
 * Keeps true: one request of a connection at a time, its bytes gone from the buffer before the next is looked at; every
 * state has a timer but the handler's own and the stream's; closing goes through linger (shut our side, throw away what still
 * comes for a second), because closing over unread bytes makes the kernel send a reset and the peer loses our answer. */
#include "kefu/base/http_inside.h"

#include <event2/buffer.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

#define LINGER_MS        1000
#define LINGER_MAX_BYTES (8u << 20)
#define LAST_MS          100 /* of an idle connection, when stopped */
#define OUTPUT_MAX_BYTES (256u << 10)
#define STREAM_OUT_BYTES                                                                                               \
    (128 << 10)              /* that the kernel holds of a stream nobody reads; by itself it would take megabytes */
#define STREAM_IN_BYTES 4096 /* more than that the peer of a stream has no reason to send */

static const char *status_text(int status)
{
    switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
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
    case 429: return HTTP_WRONG_TOKENS;
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

void conn_free(struct conn *c)
{
    struct http *h = c->http;
    if (c->state == CONN_STREAM && c->stream.gone) {
        c->stream.gone(c->stream.arg);
    }
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

/* Straight to the kernel, which nearly always has room; what it does not take waits in the buffer. An answer that ends a
 * connection goes through the buffer, whose emptiness is the sign to shut it. A peer that has gone is found by the buffer. */
static void conn_send(struct conn *c, struct str bytes)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    if (!c->close && evbuffer_get_length(out) == 0) {
        ssize_t n = send(bufferevent_getfd(c->bev), bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        size_t sent_n = n > 0 ? (size_t)n : 0;
        bytes = (struct str){bytes.p + sent_n, bytes.n - sent_n};
    }
    if (bytes.n) {
        evbuffer_add(out, bytes.p, bytes.n);
    }
}

static void print_answer(struct buf *out, const struct conn *c, int status, const char *type, struct str body)
{
    struct str extra = buf_str(&c->request->extra);
    bool bare = status == 204 || status == 304;
    buf_printf(out, "HTTP/1.1 %d %s\r\n", status, status_text(status));
    if (!bare) {
        buf_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, body.n);
    }
    buf_printf(out, "Cache-Control: %s\r\nX-Content-Type-Options: nosniff\r\n%.*s%s\r\n",
               c->request->cache ? c->request->cache : "no-store", STR_ARG(extra),
               c->close ? "Connection: close\r\n" : "");
    if (!bare && !str_eq(c->head.method, STR_LIT("HEAD"))) {
        buf_put_str(out, body);
    }
}

static void conn_write(struct conn *c, int status, const char *type, struct str body)
{
    struct buf bytes = {0};
    print_answer(&bytes, c, status, type, body);
    conn_send(c, buf_str(&bytes));
    buf_fini(&bytes);
    buf_fini(&c->request->extra);
    free(c->request);
    c->request = NULL;
    c->begun = false;
    c->seen_n = 0;
    if (c->close || evbuffer_get_length(bufferevent_get_output(c->bev)) > OUTPUT_MAX_BYTES) {
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
    if (c->state == CONN_LINGER || c->state == CONN_FLUSH || c->state == CONN_STREAM) {
        struct evbuffer *in = bufferevent_get_input(bev);
        c->thrown_n += evbuffer_get_length(in);
        evbuffer_drain(in, evbuffer_get_length(in));
        if (c->thrown_n > (c->state == CONN_STREAM ? STREAM_IN_BYTES : LINGER_MAX_BYTES)) {
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
    if (what & BEV_EVENT_ERROR || c->state == CONN_LINGER || c->state == CONN_STREAM) {
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

static void take_peer(struct conn *c, const struct sockaddr *from)
{
    if (from->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)from)->sin_addr, c->peer, sizeof(c->peer));
    } else if (from->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)from)->sin6_addr, c->peer, sizeof(c->peer));
    } else if (from->sa_family == AF_UNIX) {
        snprintf(c->peer, sizeof(c->peer), "unix");
    }
}

void conn_open(struct http *h, int fd, const struct sockaddr *from)
{
    struct conn *c = xcalloc(1, sizeof(*c));
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    take_peer(c, from);
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
        evconnlistener_disable(h->listener);
    }
    bufferevent_setwatermark(c->bev, EV_READ, 0, input_max(h));
    bufferevent_setcb(c->bev, on_read, on_flushed, on_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    conn_arm(c, h->o.idle_ms);
}

void conn_wind_down(struct conn *c)
{
    c->close = true;
    if (c->state == CONN_HEAD && !c->begun) {
        conn_arm(c, LAST_MS);
    }
}

/* --- for handlers ------------------------------------------------------------------------------------------------- */

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

void http_retry_after(struct http_request *r, int wait_s)
{
    buf_printf(&r->extra, "Retry-After: %d\r\n", wait_s);
}

void http_set_cache(struct http_request *r, const char *directive)
{
    r->cache = directive;
}

const char *http_request_peer(const struct http_request *r)
{
    return r->conn ? r->conn->peer : "";
}

static void request_free(struct http_request *r)
{
    buf_fini(&r->extra);
    free(r);
}

void http_answer(struct http_request *r, int status, const char *type, struct str body)
{
    struct conn *c = r->conn;
    if (!c) {
        request_free(r);
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

/* --- streams ------------------------------------------------------------------------------------------------------ */

struct http_stream *http_stream(struct http_request *r, const char *type, void (*gone)(void *arg), void *arg)
{
    struct conn *c = r->conn;
    if (!c || c->eof || str_eq(c->head.method, STR_LIT("HEAD"))) {
        if (c) {
            c->close = true;
        }
        http_answer(r, 200, type, (struct str){NULL, 0});
        return NULL;
    }
    assert(c->state == CONN_HANDLER && c->request == r);
    struct str extra = buf_str(&r->extra);
    evbuffer_add_printf(bufferevent_get_output(c->bev),
                        "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nCache-Control: no-store\r\n"
                        "X-Content-Type-Options: nosniff\r\nX-Accel-Buffering: no\r\n%.*sConnection: close\r\n\r\n",
                        type, STR_ARG(extra));
    request_free(r);
    c->request = NULL;
    c->close = true;
    c->state = CONN_STREAM;
    c->thrown_n = 0;
    c->stream = (struct http_stream){c, gone, arg};
    int kernel_bytes = STREAM_OUT_BYTES;
    setsockopt(bufferevent_getfd(c->bev), SOL_SOCKET, SO_SNDBUF, &kernel_bytes, sizeof(kernel_bytes));
    bufferevent_setwatermark(c->bev, EV_READ, 0, STREAM_IN_BYTES);
    bufferevent_enable(c->bev, EV_READ);
    return &c->stream;
}

void http_stream_write(struct http_stream *s, struct str bytes)
{
    evbuffer_add(bufferevent_get_output(s->conn->bev), bytes.p, bytes.n);
}

size_t http_stream_behind(const struct http_stream *s)
{
    return evbuffer_get_length(bufferevent_get_output(s->conn->bev));
}

void http_stream_end(struct http_stream *s)
{
    struct conn *c = s->conn;
    s->gone = NULL;
    c->state = CONN_FLUSH;
    conn_arm(c, c->http->o.deadline_ms);
    on_flushed(c->bev, c);
}

void http_stream_cut(struct http_stream *s)
{
    s->gone = NULL;
    conn_free(s->conn);
}
