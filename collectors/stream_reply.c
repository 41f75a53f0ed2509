/* Looks into replies of Redis. Keeps true: nothing here trusts the shape of a reply. */
#include "kefu/collectors/stream_reply.h"

#include <hiredis/hiredis.h>

struct str stream_reply_text(const struct redisReply *r)
{
    if (!r || (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_STATUS))
        return (struct str){0};
    return (struct str){r->str, (size_t)r->len};
}

bool stream_reply_id(const struct redisReply *r, struct stream_id *out)
{
    return stream_id_read(stream_reply_text(r), out);
}

size_t stream_reply_n(const struct redisReply *r)
{
    return r && r->type == REDIS_REPLY_ARRAY ? r->elements : 0;
}

const struct redisReply *stream_reply_at(const struct redisReply *r, size_t i)
{
    return i < stream_reply_n(r) ? r->element[i] : NULL;
}

/* The value of a name in a list of names and values; NULL: it is not there. */
static const redisReply *member(const redisReply *r, const char *name)
{
    for (size_t i = 0; i + 1 < stream_reply_n(r); i += 2) {
        if (str_eq(stream_reply_text(r->element[i]), str_of(name)))
            return r->element[i + 1];
    }
    return NULL;
}

static int64_t whole(const redisReply *r, int64_t otherwise)
{
    return r && r->type == REDIS_REPLY_INTEGER ? r->integer : otherwise;
}

void stream_reply_about(const struct redisReply *r, struct stream_about *out)
{
    *out = (struct stream_about){.exists = stream_reply_n(r) > 0};
    out->length = whole(member(r, "length"), 0);
    out->added = whole(member(r, "entries-added"), -1);
    (void)stream_reply_id(member(r, "last-generated-id"), &out->last);
    (void)stream_reply_id(stream_reply_at(member(r, "first-entry"), 0), &out->first);
}

bool stream_reply_group(const struct redisReply *r, struct str name, struct stream_group *out)
{
    for (size_t i = 0; i < stream_reply_n(r); i++) {
        const redisReply *group = r->element[i];
        if (!str_eq(stream_reply_text(member(group, "name")), name))
            continue;
        out->read = whole(member(group, "entries-read"), -1);
        return stream_reply_id(member(group, "last-delivered-id"), &out->delivered);
    }
    return false;
}

bool stream_reply_pending(const struct redisReply *r, size_t i, struct stream_pending *out)
{
    const redisReply *row = stream_reply_at(r, i);
    out->deliveries = whole(stream_reply_at(row, 3), 0);
    return stream_reply_id(stream_reply_at(row, 0), &out->id);
}
