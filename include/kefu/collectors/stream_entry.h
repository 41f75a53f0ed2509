/* Entries of a Redis stream become a batch.
 *
 * An entry holds one event as JSON in one field; other fields are nobody's. What is no event goes into the quarantine like a
 * bad line, its reason begun with the stream and the entry's id, under which it can be read again as long as the stream has
 * it. */
#ifndef KEFU_COLLECTORS_STREAM_ENTRY_H
#define KEFU_COLLECTORS_STREAM_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "kefu/base/str.h"
#include "kefu/base/stream_id.h"
#include "kefu/collectors/decode.h"
#include "kefu/model/batch.h"

#define STREAM_ENTRY_MAX_BYTES ((size_t)1 << 20)

struct redisReply;

struct stream_entry_context {
    struct decode_context decode;
    struct str key;   /* of the stream, for reasons */
    struct str field; /* that holds the event */
};

/* The id of an entry [id, fields]; *gone: it is pending, and no longer in the stream. False: this is no entry. */
bool stream_entry_id(const struct redisReply *entry, struct stream_id *id, bool *gone);
/* Adds what the entry holds: one event or one refusal. */
void stream_entry_decode(struct batch *b, const struct stream_entry_context *c, const struct redisReply *entry);
/* Adds a refusal that is about entries themselves: "KEY ID: what". */
void stream_entry_refuse(struct batch *b, struct str key, struct stream_id id, const char *what);

#endif
