/* Asking a platform for what it did not tell us: a small machine that is given answers and says what to ask next.
 *
 * It knows no socket and no clock, so a test can play the platform. Whoever turns it (daemon/collect.h) asks one thing at a
 * time, makes what came durable together with the position, and only then asks on; when a call or a commit fails it asks
 * `next` again later. So a machine moves on in `stored`, never in `take`. */
#ifndef KEFU_COLLECTORS_PULLER_H
#define KEFU_COLLECTORS_PULLER_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/base/fetch.h"
#include "kefu/collectors/platform.h"

/* A question. The buffers are the caller's, emptied before the call. */
struct pull_ask {
    bool post;         /* else GET */
    struct buf url;    /* whole */
    struct buf header; /* value of header_name, if that is set */
    const char *header_name;
    struct buf body;
};

/* What an answer brought. */
struct pull_got {
    struct turned *out;
    struct buf position;            /* empty: the position stays */
    int64_t gap_from_ms, gap_to_ms; /* a stretch of which nothing can be known any more; 0, 0: none */
    char trouble[160];              /* what is passed over for now, and come back to; "": nothing is */
};

struct puller {
    /* position: what was committed last; absent: never. */
    void *(*start)(const struct collector *c, struct str position, int64_t now_ms);
    void (*end)(void *state);
    /* Fills the question. False: nothing until *due_ms. */
    bool (*next)(void *state, int64_t now_ms, struct pull_ask *ask, int64_t *due_ms);
    /* Reads the answer (status is not 0). -1 with why: it is no good one, ask again later. */
    int (*take)(void *state, const struct fetch_answer *a, struct pull_got *got, struct err *why);
    /* What `take` brought is durable. */
    void (*stored)(void *state, int64_t now_ms);
    /* The platform rang: there is something; token as it gave it. NULL: it never rings. */
    void (*ring)(void *state, struct str token);
};

#endif
