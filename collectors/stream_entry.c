/* From entry to event. Keeps true: an entry is one input, and one event or one refusal; a refusal names the entry. */
#include "kefu/collectors/stream_entry.h"

#include <hiredis/hiredis.h>

#include "kefu/base/buf.h"
#include "kefu/collectors/stream_reply.h"

bool stream_entry_id(const struct redisReply *entry, struct stream_id *id, bool *gone)
{
    const redisReply *fields = stream_reply_at(entry, 1);
    *gone = !fields || fields->type != REDIS_REPLY_ARRAY;
    return stream_reply_id(stream_reply_at(entry, 0), id);
}

/* Puts "KEY ID: " before a reason. */
static void name_entry(struct batch *b, struct refusal *r, struct str key, struct str id)
{
    struct buf text = {0};
    buf_printf(&text, "%.*s %.*s: %.*s", STR_ARG(key), STR_ARG(id), STR_ARG(r->reason));
    r->reason = arena_copy(&b->arena, buf_str(&text));
    buf_fini(&text);
}

static void refuse(struct batch *b, const char *what, size_t bytes)
{
    struct refusal *r = batch_add_refusal(b);
    r->kind = REFUSAL_BAD;
    r->reason = arena_copy(&b->arena, str_of(what));
    r->input_bytes = bytes;
    b->inputs_n++;
}

/* The event's JSON; false: there is no such field. */
static bool find(const redisReply *fields, struct str name, struct str *out)
{
    for (size_t i = 0; i + 1 < stream_reply_n(fields); i += 2) {
        if (str_eq(stream_reply_text(fields->element[i]), name)) {
            *out = stream_reply_text(fields->element[i + 1]);
            return true;
        }
    }
    return false;
}

void stream_entry_decode(struct batch *b, const struct stream_entry_context *c, const struct redisReply *entry)
{
    struct str json = {0};
    size_t refusals_n = b->refusals_n;
    if (!find(stream_reply_at(entry, 1), c->field, &json)) {
        struct buf what = {0};
        buf_printf(&what, "found no field \"%.*s\", expected one event as JSON in it%c", STR_ARG(c->field), 0);
        refuse(b, what.p, 0);
        buf_fini(&what);
    } else if (json.n > STREAM_ENTRY_MAX_BYTES) {
        refuse(b, "found more than 1 MiB, expected one event", json.n);
    } else {
        decode_one(b, json, &c->decode);
    }
    if (b->refusals_n > refusals_n)
        name_entry(b, &b->refusals[refusals_n], c->key, stream_reply_text(stream_reply_at(entry, 0)));
}

void stream_entry_refuse(struct batch *b, struct str key, struct stream_id id, const char *what)
{
    char text[STREAM_ID_BYTES];
    refuse(b, what, 0);
    name_entry(b, &b->refusals[b->refusals_n - 1], key, stream_id_print(text, id));
}
