/* The inside of the listener, for base/http*.c alone: a connection and its request. */
#ifndef KEFU_BASE_HTTP_INSIDE_H
#define KEFU_BASE_HTTP_INSIDE_H

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "kefu/base/buf.h"
#include "kefu/base/http.h"

enum conn_state { CONN_NONE = 0, CONN_HEAD, CONN_BODY, CONN_HANDLER, CONN_STREAM, CONN_FLUSH, CONN_LINGER };

struct http_stream {
    struct conn *conn;
    void (*gone)(void *arg);
    void *arg;
};

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
    size_t thrown_n;              /* bytes thrown away in linger, or sent by the peer of a stream */
    struct http_request *request; /* from the head on until answered */
    struct http_stream stream;    /* CONN_STREAM */
    char peer[INET6_ADDRSTRLEN];
};

struct http_request {
    struct conn *conn; /* NULL: the peer has gone */
    struct buf extra;  /* headers of the answer */
    const char *cache; /* Cache-Control; NULL: no-store */
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

/* http_conn.c: takes over a socket that was accepted. */
void conn_open(struct http *h, int fd, const struct sockaddr *from);
/* Closes and frees; a request under way is told. */
void conn_free(struct conn *c);
/* The connection may hold requests still; no new ones are taken. */
void conn_wind_down(struct conn *c);

#endif
