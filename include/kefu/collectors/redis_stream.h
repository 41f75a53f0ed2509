/* Events out of Redis streams, by a consumer group: a way in like any other, with a place of its own to go on from.
 *
 * An entry is acknowledged to Redis after it is durable here, and the id up to which a stream has been read is written in the
 * same transaction as the events. That position, not the group, is the truth: a group that is gone (FLUSHALL, another Redis)
 * is made again at the position; a group that is ahead of it (the store was restored from a backup) is set back to it. What
 * comes twice by that is a duplicate, since an event is known by its identity.
 *
 * One step at a time: first, for each stream, group and position are looked at, entries pending for us are read again, those
 * idle with other consumers taken over; then all streams are read together. An entry read and never finished five times goes
 * to the stream KEY:dead and into the quarantine. Entries that vanished before they were read (trimmed) are counted, logged and
 * noted in the quarantine. Needs Redis 7. A full queue or disk means waiting, nothing more is read. */
#ifndef KEFU_COLLECTORS_REDIS_STREAM_H
#define KEFU_COLLECTORS_REDIS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"
#include "kefu/model/batch.h"

#define REDIS_STREAM_KEYS_MAX       16
#define REDIS_STREAM_DELIVERIES_MAX 5

struct event_base;
struct redis_stream;

struct redis_stream_options {
    struct event_base *base; /* borrowed, like ingest; the rest is copied */
    struct ingest *ingest;
    struct str address; /* as base/redis_conn.h */
    struct str username, password;
    const struct str *keys;      /* 1 … REDIS_STREAM_KEYS_MAX */
    const struct str *positions; /* as stored, one a key; absent: never read */
    size_t keys_n;
    struct str group, consumer;
    struct str field; /* that holds the event */
    int64_t claim_ms; /* entries idle with another consumer for so long are ours */
    int64_t check_ms; /* between two looks at groups, pending and idle entries; 0: half of claim_ms, at most 30 s */
};

/* Starts to connect. NULL with e: the address is none. Free it outside its own callbacks. */
struct redis_stream *redis_stream_open(const struct redis_stream_options *o, struct err *e);
/* Reads no more; what is under way is still made durable and acknowledged. */
void redis_stream_stop(struct redis_stream *s);
/* s may be NULL. Batches under way come back without anybody to tell. */
void redis_stream_free(struct redis_stream *s);

/* The name under which the position of a stream is stored. Another address is another stream: it is read from its start, and
 * what was read before by the other address is there twice, as duplicates. */
void redis_stream_position_key(struct buf *out, struct str address, struct str key);

/* How a stream is doing; all counts since the start. */
struct redis_stream_state {
    struct str key;
    const char *state; /* "away", "checking", "reading", "broken" */
    struct str error;  /* why it is broken; absent: it is not. Borrowed until the loop goes on */
    char position[48]; /* the last id read and durable */
    uint64_t entries_n;
    uint64_t lost_n;    /* vanished before they were read */
    uint64_t dead_n;    /* moved to KEY:dead */
    uint64_t claimed_n; /* taken over from other consumers */
};
size_t redis_stream_n(const struct redis_stream *s);
void redis_stream_state(const struct redis_stream *s, size_t i, struct redis_stream_state *out);

#endif
