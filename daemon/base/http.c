/* The listener: where it listens, and what it does when descriptors run out. What is said on a connection is http_conn.c's. */
#include "kefu/base/http_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"

#define CONNECTIONS_MAX 4096
#define DEADLINE_MS     10000
#define IDLE_MS         60000
#define REST_MS         100

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int from_n, void *arg)
{
    (void)l;
    (void)from_n;
    conn_open(arg, fd, from);
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
        conn_wind_down(c);
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
