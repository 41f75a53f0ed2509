/* Asking other servers over HTTP, from the loop and without holding it: libcurl's multi interface over libevent.
 *
 * Guarded means: only hosts that the caller lists are asked, only by https (by plain http where `allow_private` is set),
 * never by way of a proxy of the environment, and redirects are not followed. The address that a name leads to is looked
 * at after it was resolved and before anything is sent: one that is not public (loopback, private, link-local, shared,
 * multicast, reserved) is refused unless `allow_private` is set, so that no name can lead into the house. Names are resolved
 * by a thread of libcurl. An answer has a bound in bytes and a call one in time. One thread: the loop's.
 *
 * What is sent and what comes back is never logged, and errors name a host, never a path or a query: these hold secrets. */
#ifndef KEFU_BASE_FETCH_H
#define KEFU_BASE_FETCH_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/base/str.h"

#define FETCH_URL_MAX_BYTES 2048

struct fetch;
struct fetch_call;

/* Whom a call may reach. */
struct fetch_reach {
    const struct str
        *hosts; /* "chat.example.com", or with a port "10.0.0.5:3000"; IPv6 in brackets. Without a port: the
                                port of the scheme alone */
    size_t hosts_n;
    bool allow_private; /* addresses that are not public, and plain http */
};

struct fetch_header {
    const char *name;
    struct str value; /* one that holds a control character makes the call be refused */
};

struct fetch_answer {
    int status;            /* of HTTP; 0: no answer came, or none that is wanted, see why */
    struct str body;       /* borrowed for the call of `done` */
    int64_t retry_after_s; /* of a Retry-After in seconds; -1: none */
    struct err why;        /* where = the host; set if status is 0 */
};

struct fetch_request {
    const char *method; /* "GET" or "POST" */
    struct str url;
    const struct fetch_header *headers;
    size_t headers_n;
    struct str body;          /* POST only */
    struct fetch_reach reach; /* all of a request is borrowed for the call of fetch_send */
    int64_t timeout_ms;       /* for the whole; 0: 10 s */
    size_t answer_max_bytes;  /* 0: 1 MiB; a longer answer is none */
    /* Called once, from the loop and never from within fetch_send. The call is gone afterwards. */
    void (*done)(void *arg, const struct fetch_answer *a);
    void *arg; /* borrowed */
};

/* base is borrowed. Loads libcurl, which nothing else does; NULL with e if it is not installed. Call before threads start. */
struct fetch *fetch_new(struct event_base *base, struct err *e);
/* Ends all calls; their `done` is not called. f may be NULL. */
void fetch_free(struct fetch *f);
/* Begins. NULL with e: the URL is none, or may not be asked. */
struct fetch_call *fetch_send(struct fetch *f, const struct fetch_request *r, struct err *e);
/* Ends a call whose `done` has not been called yet, without calling it. */
void fetch_cancel(struct fetch_call *c);
/* How many are under way. */
size_t fetch_calls_n(const struct fetch *f);

/* May this URL be asked? 0, or -1 with e, which says what is missing. For checking a configuration. */
int fetch_check(struct str url, const struct fetch_reach *reach, struct err *e);
/* Is this numeric address (of struct sockaddr_in or sockaddr_in6) one of the public Internet? */
struct sockaddr;
bool fetch_is_public(const struct sockaddr *a);

#endif
