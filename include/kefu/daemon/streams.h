/* The Redis streams that kefud.json names, as a way in: where each was left, and the reader itself. */
#ifndef KEFU_DAEMON_STREAMS_H
#define KEFU_DAEMON_STREAMS_H

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/collectors/redis_stream.h"

struct daemon;      /* daemon/daemon.h */
struct alerts_feed; /* daemon/alerts.h */

/* Zeroed: no streams. */
struct streams {
    struct redis_stream *reader;                     /* NULL: none are read */
    struct str positions[REDIS_STREAM_KEYS_MAX];     /* owned, as stored */
    int64_t failing_since_ms[REDIS_STREAM_KEYS_MAX]; /* as alerts saw it; 0: it does not */
};

/* Reads from the store where each stream was left; before the writer has it. -1 with e: damaged. */
int streams_load(struct daemon *d, struct err *e);
/* Begins to read. -1 with e: the address is none. */
int streams_open(struct daemon *d, struct err *e);
/* Reads no more; what is under way is still acknowledged. */
void streams_stop(struct daemon *d);
void streams_free(struct daemon *d);
/* Ways in as alerts look at them: collectors, then streams. Since when a stream fails is known from the first look on. */
size_t streams_feeds_n(const struct daemon *d);
void streams_feed(struct daemon *d, size_t i, struct alerts_feed *out);
/* Names of the ways in that have not been read up to this time: collectors that ask and had no good answer since, streams that are not
 * being read. At most max; returns how many. */
size_t streams_unread(const struct daemon *d, int64_t until_ms, struct str *names, size_t max);
/* The member "streams" of the status. */
void streams_put_status(struct buf *out, const struct daemon *d);

#endif
