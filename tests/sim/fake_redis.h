/* A Redis in memory, on the other side of base/redis_conn.h: it understands what the lane of effects sends, and no more.
 *
 * Redis promises that a command on a connection is done whole or not at all, in order; that a stream takes an id only above
 * its last; and nothing about whether an answer arrives. So here. The program is linked with --wrap: redis_conn_send and
 * redis_conn_drop of the code under test end here, and what it sends waits until fake_redis_run. */
#ifndef KEFU_TESTS_SIM_FAKE_REDIS_H
#define KEFU_TESTS_SIM_FAKE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/buf.h"
#include "kefu/base/redis_conn.h"

/* An entry that a stream has taken. */
struct told {
    int64_t ms;
    uint64_t n;
    unsigned flushes_n; /* of Redis, when it came */
    struct str pairs;   /* field, zero byte, value, zero byte, … */
    size_t strings_n;
};

struct fake_command;

struct fake_redis {
    bool reachable;    /* the server is there */
    bool connected;    /* and somebody has a connection */
    uint64_t epoch;    /* what meta holds; 0: nothing */
    struct told *told; /* owned; every entry ever taken, in order */
    size_t told_n, told_cap;
    size_t first;  /* of the stream as it is: told[first …]; those before were trimmed or flushed */
    size_t trim_n; /* entries a stream keeps, whatever it is told; 0: all */
    size_t gone_n; /* times an entry was asked for by its id that is there no more */
    unsigned flushes_n;
    int64_t top_ms; /* the stream's last id */
    uint64_t top_n;
    struct fake_command *commands; /* owned; sent and not yet done */
    size_t commands_n, commands_cap;
    void (*step)(
        void *arg); /* called before a command is done, and before its answer is read; it may lose the connection */
    void *arg;
    const bool *dead; /* the sender is no more: nothing is answered */
    struct arena arena;
};

/* What the code under test takes for its connection. */
struct redis_conn *fake_redis_conn(struct fake_redis *r);
/* Does what was sent, in order, and answers, until nothing is left or the sender is dead. */
void fake_redis_run(struct fake_redis *r);
/* The connection ends: of what was sent the first done_n commands were done; nothing is answered, but if the sender lives
 * each of its callbacks learns of the loss. */
void fake_redis_lose(struct fake_redis *r, size_t done_n);
void fake_redis_flush(struct fake_redis *r);
void fake_redis_fini(struct fake_redis *r);

#endif
