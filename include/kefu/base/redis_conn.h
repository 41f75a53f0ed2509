/* One connection to Redis that comes back by itself: hiredis on libevent, made safe.
 *
 * By itself hiredis never notices a stopped Redis, buffers without bound, resolves names inside the loop and frees its
 * context under its user. Here: reconnection by timer (0.1 s doubling to 5 s, with jitter), PING every 5 s with the
 * connection dropped when the answer is 2 s late, a cap on what is in flight, addresses instead of names, and every
 * callback called exactly once. Commands are not queued while the connection is away: the caller keeps what it must.
 * All of it belongs to the thread of the event base. hiredis writes with write(2): the process must ignore SIGPIPE. */
#ifndef KEFU_BASE_REDIS_CONN_H
#define KEFU_BASE_REDIS_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"

struct event_base;
struct redisReply; /* hiredis/hiredis.h */
struct redis_conn;

/* What an answer means for the one who asked. */
enum answer {
    ANSWER_NONE = 0,
    ANSWER_OK,    /* no error */
    ANSWER_LOST,  /* the connection ended first: it may have been done or not */
    ANSWER_LATER, /* passes, by itself or by an operator's hand: LOADING, BUSY, OOM, MISCONF, CLUSTERDOWN, TRYAGAIN… */
    ANSWER_ELSEWHERE, /* this server is not the one to ask: READONLY, MOVED, ASK */
    ANSWER_NO_SCRIPT, /* NOSCRIPT: load the script again */
    ANSWER_DENIED,    /* NOAUTH, WRONGPASS, NOPERM */
    ANSWER_REFUSED    /* every other error: WRONGTYPE, a bad id… */
};

/* Classifies a reply; NULL is ANSWER_LOST. Errors that a script passes on are judged by their own code. */
enum answer redis_answer(const struct redisReply *reply);
/* The text of an error reply, "" for others; borrowed from the reply. */
const char *redis_error(const struct redisReply *reply);

struct redis_conn_options {
    struct str
        address; /* "/run/redis.sock", "unix:/run/redis.sock", "127.0.0.1:6379", "[::1]:6379", "localhost:6379" */
    struct str username; /* absent: the default user */
    struct str password; /* absent: no AUTH */
    size_t commands_max; /* in flight; 0: 1,000 */
    size_t bytes_max;    /* in flight; 0: 1 MiB */
};

/* Both may be NULL. Called in the loop; each `ready` is followed by one `lost`, not when freed. */
struct redis_conn_handlers {
    /* Commands may be sent from now on. fresh: this is not the Redis process of last time, as far as can be told. */
    void (*ready)(void *arg, bool fresh);
    void (*lost)(void *arg);
    void *arg; /* borrowed */
};

/* Starts to connect. NULL with e: the address is none of the above (names are refused: resolving them would hold the loop;
 * the message says to give an address). Borrows base; copies the options. Free it outside of its own callbacks. */
struct redis_conn *redis_conn_new(struct event_base *base, const struct redis_conn_options *o,
                                  const struct redis_conn_handlers *h, struct err *e);
/* Calls the callback of every command in flight with NULL, then frees. c may be NULL. */
void redis_conn_free(struct redis_conn *c);

/* Connected, and Redis has answered the greeting: commands go out now. */
bool redis_conn_is_ready(const struct redis_conn *c);
/* Why it is not, as of the last attempt; "" if it is, or none has ended yet. Borrowed until the next turn of the loop. */
const char *redis_conn_why(const struct redis_conn *c);

/* What to do with the answer: called exactly once, `reply` is borrowed for the call, NULL if the connection was lost. */
struct redis_call {
    void (*back)(void *arg, uint64_t tag, const struct redisReply *reply); /* NULL: the answer does not matter */
    void *arg;
    uint64_t tag;
};

/* Sends one command, encoded with redis_put_count and redis_put_arg. -1: not connected, or too much is in flight; then
 * nothing was sent and call is not called. A single command larger than bytes_max goes when nothing else is in flight. */
int redis_conn_send(struct redis_conn *c, struct str encoded, const struct redis_call *call);

/* Drops the connection (after the present callback) and connects anew after the longest pause. For servers that answer
 * but are of no use, such as READONLY. `why` is for the log. */
void redis_conn_drop(struct redis_conn *c, const char *why);

/* A command on the wire: how many arguments, then each of them. */
void redis_put_count(struct buf *b, size_t n);
void redis_put_arg(struct buf *b, struct str arg);

#endif
