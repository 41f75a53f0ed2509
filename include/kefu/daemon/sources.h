/* Who sends: how many events of each source are in the state, the latest stamp among them, and when it was heard last. And of each
 * month, when an event of it was taken last: what is still coming in keeps the calendar from closing it. */
#ifndef KEFU_DAEMON_SOURCES_H
#define KEFU_DAEMON_SOURCES_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/base/tz.h"
#include "kefu/model/event.h"

struct sources;

/* Nobody has sent anything yet. seed: for the hash table, random in a daemon. tz: whose months they are; borrowed. */
struct sources *sources_new(uint64_t seed, const struct tz *tz);
void sources_free(struct sources *s);
/* Counts an accepted event (borrowed for the call), taken now by the wall clock, for its source; what people do counts for none. */
void sources_saw(struct sources *s, const struct event *e, int64_t now_ms);
/* Wall time at which an event stamped in this month or an earlier one was taken last; INT64_MIN: none was since that is written down. */
int64_t sources_took_ms(const struct sources *s, int32_t month);

/* All of it as bytes, and back into an empty one. -1 with e: not such bytes. */
void sources_encode(const struct sources *s, struct buf *out);
int sources_decode(struct sources *s, struct cursor *in, struct err *e);
/* The same of when each was heard; behind it, since an older kefud did not write it down (then there is nothing). */
void sources_encode_heard(const struct sources *s, struct buf *out);
void sources_decode_heard(struct sources *s, struct cursor *in);

struct source_count {
    struct str source;
    uint64_t events_n;
    int64_t last_ts;
    int64_t heard_ms; /* wall time at which its last event was taken; INT64_MIN: not known */
};
size_t sources_n(const struct sources *s);
struct source_count sources_at(const struct sources *s, size_t i); /* 0 … n-1, by first sight */

#endif
