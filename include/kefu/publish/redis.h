/* What people and programs may read in Redis (docs/redis.md), kept up to date under one prefix.
 *
 * Snapshots of agents go out whole, each in one atomic step, the first change at once and then at most one in 100 ms an
 * agent; the latest of each is kept in memory, so that a Redis that was flushed, replaced or away gets everything again.
 * Effects go into streams exactly once (publish/lane.h). Nothing here ever waits for Redis. Never publishes pay. */
#ifndef KEFU_PUBLISH_REDIS_H
#define KEFU_PUBLISH_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/clock.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"
#include "kefu/model/effect.h"
#include "kefu/model/view.h"
#include "kefu/publish/lane.h"

/* The number of the contract with readers, in meta: raised when something that docs/redis.md promises is changed or taken
 * away, not when something is added. */
#define PUBLISHER_CONTRACT "1"

struct event_base;
struct publisher;

struct publisher_options {
    struct str address;       /* as base/redis_conn.h */
    struct str username;      /* absent: the default user */
    struct str password;      /* absent: none */
    struct str prefix;        /* absent: "{kefu}:"; up to 128 bytes */
    struct str version;       /* of kefud, for meta */
    size_t stream_max_n;      /* entries a stream keeps, about; 0: 100,000 */
    int64_t stream_keep_days; /* and how long; 0: whatever their age */
    struct clock clock;
    bool clean; /* names were erased: the streams are emptied before anything else, and filled again by resend … */
    void (*cleaned)(
        void *arg); /* … which is told when they were, together with all that is no more; NULL: nobody asks */
    void *cleaned_arg;
};

/* Starts to connect. NULL with e: address or prefix cannot be. Borrows base, copies the options; the handlers are those of
 * the lane (resend calls publisher_effect). digest_start must have been called; SIGPIPE must be ignored. */
struct publisher *publisher_new(struct event_base *base, const struct publisher_options *o,
                                const struct lane_handlers *h, struct err *e);
/* Not from within a handler. p may be NULL. What has not been sent stays the owner's. */
void publisher_free(struct publisher *p);

/* The agent's latest snapshot; replaces an earlier one not yet sent. Borrows for the call. */
void publisher_agent(struct publisher *p, const struct agent_view *v);
/* The agent is no more: hash and board entry go. */
void publisher_forget(struct publisher *p, struct str agent);
/* Every agent there is has been given: agents found in Redis under the prefix and not given are taken out, now and after
 * every start from scratch. To be called once after start-up. */
void publisher_complete(struct publisher *p);
/* As lane_add. */
int publisher_effect(struct publisher *p, const struct effect *e);

struct publisher_state {
    const char *why;         /* it is away (redis_conn_why) */
    bool live;               /* connected and set up */
    size_t agents_n;         /* snapshots kept */
    size_t agents_waiting_n; /* whose latest snapshot Redis has not confirmed */
    size_t effects_waiting_n;
    uint64_t snapshots_n; /* confirmed since the start */
    uint64_t effects_n;   /* told as sent since the start */
    uint64_t errors_n;    /* error replies since the start */
};
void publisher_state(const struct publisher *p, struct publisher_state *out);

#endif
