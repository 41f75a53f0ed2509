/* A guarded HTTP/1.1 listener over libevent's bufferevents.
 *
 * It hands whole requests to one handler and takes one answer for each, at once or later. Guarded means: heads are read
 * strictly (base/http_head.h), bodies only with a Content-Length and only after `admit` let the head in, a request has an
 * absolute deadline from its first byte, refused peers get an answer and are closed without a reset that would eat it,
 * and when descriptors run out the listener rests for 100 ms instead of spinning.
 * Memory is bounded by connections_max × (head + body). One thread: the loop's. */
#ifndef KEFU_BASE_HTTP_H
#define KEFU_BASE_HTTP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/base/http_head.h"
#include "kefu/base/str.h"

struct http;
struct http_request;

struct http_options {
    struct event_base *base; /* borrowed */
    const char *address;     /* numeric, IPv4 or IPv6 */
    uint16_t port;           /* 0: any that is free */
    int fd;                  /* not 0: listens on this one, which is a listening socket already, instead of address and
                                port. Ours from the call on, closed also when it fails */
    size_t body_max_bytes;   /* longer ones are answered 413 before they are read */
    size_t connections_max;  /* more wait in the kernel's queue; 0: 4096 */
    int64_t deadline_ms;     /* for a request to be there whole, from its first byte; 0: 10 s */
    int64_t idle_ms;         /* a connection between requests; 0: 60 s */
    /* Asked when the head is there, before the body: 0, or a status to refuse with (http_add_header may be used). May be NULL. */
    int (*admit)(void *arg, struct http_request *r);
    /* Takes the request; http_answer must be called once, now or later. */
    void (*handle)(void *arg, struct http_request *r);
    void *arg; /* borrowed */
};

/* Listens. NULL with e (address is none, port is taken …). The caller owns. */
struct http *http_listen(const struct http_options *o, struct err *e);
/* Where: a numeric address, or the path of a unix socket (then port is 0). */
const char *http_address(const struct http *h);
uint16_t http_port(const struct http *h);
/* Can only this machine reach it? A loopback address or a unix socket. */
bool http_is_local(const struct http *h);
/* No new connections. Those with a request are closed after its answer; idle ones when nothing has come for 100 ms more,
 * so that what a peer had already sent to a connection that we took is answered and not cut off. */
void http_stop(struct http *h);
/* Closes all. Requests not yet answered may still be answered; nobody hears it. */
void http_free(struct http *h);
size_t http_connections_n(const struct http *h);

/* What 429 says. */
#define HTTP_WRONG_TOKENS "too many wrong tokens came from this address; try again later"

/* What was asked. Borrowed until the handler returns. */
const struct http_head *http_request_head(const struct http_request *r);
struct str http_request_body(const struct http_request *r); /* absent in `admit` */

/* Adds a header to the answer (both words of ours, not of a peer). */
void http_add_header(struct http_request *r, const char *name, const char *value);
/* The header Retry-After, of 429 and 503. */
void http_retry_after(struct http_request *r, int wait_s);
/* What Cache-Control says in place of no-store; static text. */
void http_set_cache(struct http_request *r, const char *directive);
/* The address of the peer, numeric; "unix" through a unix socket; "" if it has gone. */
const char *http_request_peer(const struct http_request *r);
/* Answers and frees the request. `type` is the Content-Type. Bytes are copied. */
void http_answer(struct http_request *r, int status, const char *type, struct str body);
/* The same with {"error": text}. */
void http_answer_error(struct http_request *r, int status, const char *text);

/* Answers with a body that has no end yet, and frees the request. The stream is the connection's: it lives until http_stream_end
 * or http_stream_cut, or until `gone` is called (once, never after these two), because the peer left, or sent more than the
 * 4 KiB that are thrown away. NULL: there is nobody to hear it, or it was a HEAD; then it is answered. There is no timer on a
 * stream: whoever writes looks how far the peer is behind. */
struct http_stream;
struct http_stream *http_stream(struct http_request *r, const char *type, void (*gone)(void *arg), void *arg);
void http_stream_write(struct http_stream *s, struct str bytes); /* copied */
/* Bytes that the kernel has not taken yet: the peer does not read. */
size_t http_stream_behind(const struct http_stream *s);
void http_stream_end(struct http_stream *s); /* after what was written has gone out */
void http_stream_cut(struct http_stream *s); /* at once */

#endif
