/* The lane of effects into Redis streams: one after another, in order, each exactly once in its stream.
 *
 * An effect has its final stream id, so a stream refuses it the second time. A refused id counts as sent only if the very
 * entry stands there, or the id is older than the stream's first entry (trimmed since). Otherwise something else stands
 * on top: the lane waits, tries again, and says in the log what to do; it never takes such an effect for sent.
 * The durable queue is the owner's outbox; the lane holds at most LANE_MAX effects. */
#ifndef KEFU_PUBLISH_LANE_H
#define KEFU_PUBLISH_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/redis_conn.h"
#include "kefu/base/str.h"
#include "kefu/model/effect.h"

#define LANE_MAX 4096

struct lane;

struct lane_handlers {
    /* Redis has the effect of this number. May come twice for one. */
    void (*sent)(void *arg, uint64_t number);
    /* The stream may lack entries (start, FLUSHALL, another Redis, or more effects than the lane holds): before returning,
     * give with lane_add, by rising number, every row of the stream not yet marked as sent and every retained row whose
     * stream id is above after_ms-after_n. What the lane holds already may be given again. */
    void (*resend)(void *arg, struct str stream, int64_t after_ms, uint64_t after_n);
    void *arg; /* borrowed */
};

struct lane_options {
    struct str prefix;   /* borrowed for as long as the lane lives */
    size_t stream_max_n; /* entries a stream keeps, about */
};

/* Borrows conn, which must be freed first. */
struct lane *lane_new(struct redis_conn *conn, const struct lane_options *o, const struct lane_handlers *h);
void lane_free(struct lane *l);
/* Takes a copy of an effect, at its place by number (one that is here already is passed over). -1: the lane is full; the
 * row stays in the outbox and `resend` will be called when there is room. */
int lane_add(struct lane *l, const struct effect *e);
/* Redis may be written to, or not. */
void lane_set_live(struct lane *l, bool live);
/* Asks for everything again (`resend` for each stream), once live. */
void lane_start_over(struct lane *l);
/* Redis has room again: goes on if something waits for that. */
void lane_go(struct lane *l);
/* Cuts entries off the streams that are older than this wall time, more or less (Redis keeps whole nodes). To be called now
 * and then with a time that rises; an effect older than that which the stream refuses counts as sent and cut off. */
void lane_trim(struct lane *l, int64_t before_ms);
/* Tries again what was put off. */
void lane_retry(struct lane *l);
size_t lane_waiting(const struct lane *l);

#endif
