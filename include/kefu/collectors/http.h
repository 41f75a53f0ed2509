/* Events by HTTP: POST /v1/events with one event, an array, or NDJSON (SPEC.md, Ingest).
 *
 * Answered after commit: 200 {"accepted": n, "duplicate": n, "rejected": [{"index", "id", "reason"}]}; the good ones count even
 * when others are bad. 401 without a token that may write, 429 after too many wrong ones; 503 with Retry-After when queue or disk is full: then nothing of the
 * request was taken. */
#ifndef KEFU_COLLECTORS_HTTP_H
#define KEFU_COLLECTORS_HTTP_H

#include "kefu/base/http.h"
#include "kefu/model/batch.h"

#define HTTP_DOOR_BODY_MAX_BYTES ((size_t)1 << 20)

/* The sources a token may write; 0: all. Borrowed until the handler returns. Of one that may not: for how long its address is to
 * try no other, for it has tried too many. */
struct http_right {
    const struct str *sources;
    size_t sources_n;
    int wait_s;
};

struct http_door {
    struct ingest *ingest; /* borrowed */
    /* May who asks, by the token that is shown or not, write events? Fills right, also when not. */
    bool (*may_write)(void *arg, const struct http_request *r, struct http_right *right);
    void *arg;
};

/* For the listener's `admit` and `handle`, with the door as arg. */
int http_door_admit(void *door, struct http_request *r);
void http_door_handle(void *door, struct http_request *r);

/* The token of "Authorization: Bearer TOKEN"; absent if there is none. */
struct str http_bearer(const struct http_head *h);

#endif
