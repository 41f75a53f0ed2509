/* Who sends: how many events of each source are in the state, and the latest stamp among them. For status. */
#ifndef KEFU_DAEMON_SOURCES_H
#define KEFU_DAEMON_SOURCES_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/model/event.h"

struct sources;

/* Nobody has sent anything yet. seed: for the hash table, random in a daemon. */
struct sources *sources_new(uint64_t seed);
void sources_free(struct sources *s);
/* Counts an accepted event (borrowed for the call) for its source; what people do counts for none. */
void sources_saw(struct sources *s, const struct event *e);

/* All of it as bytes, and back into an empty one. -1 with e: not such bytes. */
void sources_encode(const struct sources *s, struct buf *out);
int sources_decode(struct sources *s, struct cursor *in, struct err *e);

struct source_count {
    struct str source;
    uint64_t events_n;
    int64_t last_ts;
};
size_t sources_n(const struct sources *s);
struct source_count sources_at(const struct sources *s, size_t i); /* 0 … n-1, by first sight */

#endif
