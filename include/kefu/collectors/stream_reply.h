/* What Redis answers about streams, taken apart. Replies are borrowed; what is not of the shape asked for reads as nothing. */
#ifndef KEFU_COLLECTORS_STREAM_REPLY_H
#define KEFU_COLLECTORS_STREAM_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/str.h"
#include "kefu/base/stream_id.h"

struct redisReply; /* hiredis/hiredis.h */

/* A text; absent for any other reply, NULL too. */
struct str stream_reply_text(const struct redisReply *r);
/* An id in a text; false: it is none. */
bool stream_reply_id(const struct redisReply *r, struct stream_id *out);
/* Element i of an array; NULL: there is none. */
const struct redisReply *stream_reply_at(const struct redisReply *r, size_t i);
size_t stream_reply_n(const struct redisReply *r);

/* XINFO STREAM. */
struct stream_about {
    bool exists;
    int64_t length;
    int64_t added;          /* ever; -1: a Redis before 7 does not say */
    struct stream_id first; /* zero: empty */
    struct stream_id last;  /* ever given */
};
void stream_reply_about(const struct redisReply *r, struct stream_about *out);

/* XINFO GROUPS: the group of that name; false: it is not there. */
struct stream_group {
    struct stream_id delivered; /* the last */
    int64_t read;               /* entries before that one, and it; -1: Redis does not know */
};
bool stream_reply_group(const struct redisReply *r, struct str name, struct stream_group *out);

/* XPENDING with a range: row i. */
struct stream_pending {
    struct stream_id id;
    int64_t deliveries;
};
bool stream_reply_pending(const struct redisReply *r, size_t i, struct stream_pending *out);

#endif
