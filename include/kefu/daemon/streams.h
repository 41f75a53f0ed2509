/* The Redis streams that kefud.json names, as a way in: where each was left, and the reader itself. */
#ifndef KEFU_DAEMON_STREAMS_H
#define KEFU_DAEMON_STREAMS_H

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/collectors/redis_stream.h"

struct daemon; /* daemon/daemon.h */

/* Zeroed: no streams. */
struct streams {
    struct redis_stream *reader;                 /* NULL: none are read */
    struct str positions[REDIS_STREAM_KEYS_MAX]; /* owned, as stored */
};

/* Reads from the store where each stream was left; before the writer has it. -1 with e: damaged. */
int streams_load(struct daemon *d, struct err *e);
/* Begins to read. -1 with e: the address is none. */
int streams_open(struct daemon *d, struct err *e);
/* Reads no more; what is under way is still acknowledged. */
void streams_stop(struct daemon *d);
void streams_free(struct daemon *d);
/* The member "streams" of the status. */
void streams_put_status(struct buf *out, const struct daemon *d);

#endif
