/* The fields of one event, read from slices of its JSON by the event table. Part of collectors/decode.
 *
 * Members are read where they stand, without a tree: numbers keep the literal they were written in (exact), and the usual
 * event costs no allocation but its strings. Every function returns -1 with r->why.what = "field: found …, expected …";
 * of a text, a customer, a name or a stated reason only the kind of what was found is told, never the value. */
#ifndef KEFU_COLLECTORS_DECODE_FIELDS_H
#define KEFU_COLLECTORS_DECODE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "kefu/base/arena.h"
#include "kefu/base/err.h"
#include "kefu/collectors/decode.h"
#include "kefu/model/event.h"
#include "kefu/model/event_table.h"

#define JSON_ESCAPE_MAX 6 /* \uXXXX may stand for one byte */

struct reading {
    const struct decode_context *c;
    struct arena *arena; /* the event's strings go here */
    struct event *e;
    struct str
        values[EVENT_KEYS_N]; /* the raw text of each known member, borrowed from the JSON; absent if there is none */
    bool plain;               /* no string of them has an escape */
    struct str text;          /* the literal of `text`, borrowed from the JSON; absent if none */
    struct err why;
    char scratch[JSON_ESCAPE_MAX * EVENT_STR_BYTES_MAX + 2]; /* where escapes are undone */
};

/* id alone: e->id. First of all, so that a refusal can name it. */
int fields_id(struct reading *r);
/* source (default and allow-list applied), type, ts (its bounds too, but not whether it is ahead of the clock). */
int fields_envelope(struct reading *r);
/* One field of the type's row. */
int fields_one(struct reading *r, const struct event_field *f);

#endif
