/* A shop that reads Redis streams, with a real Redis and a store that the test plays: it decides when a batch is durable, and
 * what is left of everything after a crash is the positions and events of batches that were. */
#ifndef KEFU_TESTS_SUPPORT_STREAM_H
#define KEFU_TESTS_SUPPORT_STREAM_H

#include <event2/event.h>

#include "kefu/base/mem.h"
#include "kefu/collectors/redis_stream.h"
#include "support_redis.h"

#define EVENTS_MAX 32768
#define LIMIT_MS   20000

struct shop {
    struct ingest ingest; /* first: the reader holds its address */
    struct event_base *base;
    struct own_redis redis;
    struct redis_stream *reader;
    struct event *disk; /* what was handed in becomes durable */
    struct str keys[2];
    size_t keys_n;
    char group[16], user[16], password[16];
    bool held;    /* nothing becomes durable */
    bool refuses; /* the queue is full */
    int full_n;   /* so many batches come back as the disk is full */
    struct batch *waiting[8];
    size_t waiting_n, submits_n;
    /* durable: */
    char ids[EVENTS_MAX][24];
    size_t ids_n;
    char position[2][48], position_was[48];
    char reason[512]; /* of the latest refusal */
    size_t refusals_n;
    size_t wanted;
};

int shop_set_up(void **state);
int shop_tear_down(void **state);
void shop_open(struct shop *s);
/* The process is gone, with all that was not durable. */
void shop_crash(struct shop *s);
/* What was handed in becomes durable, unless it is held. */
void shop_disk(evutil_socket_t fd, short what, void *arg);

/* An entry with one event; n of them on the first stream, with ids from m<from> on. */
void shop_add_as(struct shop *s, const char *key, const char *entry_id, const char *id);
void shop_add(struct shop *s, size_t from, size_t n);

/* For await. */
bool shop_has_wanted(void *arg);
bool shop_has_batch(void *arg);
bool shop_all_acknowledged(void *arg);
bool shop_is_reading(void *arg);
bool shop_is_broken(void *arg);

bool shop_state_is(struct shop *s, size_t i, const char *state);
struct redis_stream_state shop_state(struct shop *s);
/* Until n events are durable and nothing is pending. */
void shop_await(struct shop *s, size_t n);
/* Everything is looked at twice more. */
void shop_await_looks(struct shop *s);
/* The events from place `from` on are m<first>, m<first + 1> … */
void shop_ids_are(struct shop *s, size_t from, size_t n, size_t first);

#endif
