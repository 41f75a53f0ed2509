/* Webhooks of platforms: POST /v1/hooks/NAME, and GET where a platform first asks who we are.
 *
 * A delivery is answered after commit, as each platform wants it answered. One that does not prove where it comes from is 401
 * and nothing of it is read; 404 is a name that no collector has; 503 with Retry-After when queue or disk is full: nothing of
 * it was taken. What was proved but cannot be understood goes to quarantine and is answered as taken: sending it again would
 * not mend it. */
#ifndef KEFU_COLLECTORS_HOOK_H
#define KEFU_COLLECTORS_HOOK_H

#include "kefu/base/http.h"
#include "kefu/collectors/platform.h"
#include "kefu/model/batch.h"

#define HOOK_PATH "/v1/hooks/"

enum hook_end { HOOK_NONE = 0, HOOK_TAKEN, HOOK_REFUSED, HOOK_FULL };

/* How a delivery ended. */
struct hook_told {
    struct str name; /* the collector's; copied, so it holds when the collector is gone */
    enum hook_end end;
    size_t accepted_n, duplicate_n, rejected_n, ignored_n;
    int64_t last_ts;       /* of its events; INT64_MIN: none */
    const struct err *why; /* HOOK_REFUSED */
    struct str ring;       /* the platform rang, with this token (perhaps "") ; p NULL: it did not */
};

struct hook_door {
    struct ingest *ingest;   /* borrowed, like all */
    const struct sign *sign; /* NULL: no collector is configured */
    const struct collector *(*find)(void *arg, struct str name);
    void (*tell)(void *arg, const struct hook_told *t);
    void *arg;
};

/* For the listener's `admit` and `handle`, with the door as arg. */
int hook_door_admit(void *door, struct http_request *r);
void hook_door_handle(void *door, struct http_request *r);

/* What a batch of a collector came to, for hook_told and for what was asked for. */
void hook_count(const struct batch *b, struct hook_told *t);
/* A new batch of what was turned, decoded; the way is "hook" or "pull". It keeps what is here first without a conflict. */
struct batch *hook_batch(const struct turned *t, struct ingest *in, const char *way);

#endif
