/* What kefud keeps in Redis (docs/redis.md), read again every second: the way of `kefuctl watch`, which needs no kefud near. */
#ifndef KEFU_CTL_WATCH_FEED_H
#define KEFU_CTL_WATCH_FEED_H

#include <stdbool.h>
#include <stddef.h>

#include "kefu/base/arena.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"

struct event_base;

/* A hash: field, value, field, value … */
struct watch_hash {
    struct str id; /* of the agent; absent for others */
    struct str *pairs;
    size_t pairs_n; /* strings */
};

/* The value of a field; absent: there is none. */
struct str watch_field(const struct watch_hash *h, const char *name);

/* One look at everything; all strings in its arena. */
struct watch_data {
    bool alive; /* a kefud keeps this up to date */
    bool one;   /* who names an agent: agents holds that one alone */
    struct watch_hash meta;
    struct watch_hash *agents; /* in no order */
    size_t agents_n;
    struct arena arena;
};

struct watch_feed_options {
    struct event_base *base; /* borrowed; the rest is copied */
    struct str address;      /* as base/redis_conn.h */
    struct str username, password;
    struct str prefix;
    struct str who;             /* an agent, or a team; absent: everybody */
    void (*changed)(void *arg); /* a look is complete, or the connection was lost or came back */
    void *arg;
};

struct watch_feed;

/* Starts to connect; comes back by itself when the connection is lost. NULL with e: the address is none. */
struct watch_feed *watch_feed_new(const struct watch_feed_options *o, struct err *e);
void watch_feed_free(struct watch_feed *f);
/* The latest look; NULL: there was none yet. Borrowed until `changed` is called again. */
const struct watch_data *watch_feed_data(const struct watch_feed *f);
bool watch_feed_is_connected(const struct watch_feed *f);
/* What Redis said against us last, such as NOPERM; "" for nothing. */
const char *watch_feed_error(const struct watch_feed *f);

#endif
