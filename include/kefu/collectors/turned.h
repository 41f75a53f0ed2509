/* What one payload of a platform has become: events, and what made none, each with the reason.
 *
 * A collector writes events as the JSON of SPEC.md's table and hands them to the ordinary door (collectors/decode.h), so that
 * every check, and the reading and dropping of message text, is made in one place. Nothing of a payload vanishes: what is no
 * event is ignored by name or refused by name. Ids of the platform get the collector's name in front ("cw7:1502"). */
#ifndef KEFU_COLLECTORS_TURNED_H
#define KEFU_COLLECTORS_TURNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/buf.h"
#include "kefu/base/str.h"
#include "kefu/collectors/decode.h"
#include "kefu/collectors/people.h"
#include "kefu/model/batch.h"

enum turned_kind {
    TURNED_NONE = 0,
    TURNED_EVENT = 1,
    TURNED_IGNORED = 2, /* understood, and nothing that a figure needs */
    TURNED_REFUSED = 3  /* not understood: goes to quarantine */
};

struct turned_item {
    enum turned_kind kind;
    struct str json; /* of an event; holds message text: to be decoded and dropped */
    struct str why;  /* one line without message text or names */
};

struct turned {
    struct str name;             /* the collector's: prefix of ids, and the events' source */
    const struct people *people; /* NULL: nobody is bound */
    struct arena arena;
    struct turned_item *items; /* owned */
    size_t n, cap;
    struct buf draft; /* of the event being written */
    struct str ring;  /* the payload is a bell: ask with this token ("" if it gave none); p NULL: it is not */
};

void turned_init(struct turned *t, struct str name, const struct people *people);
void turned_fini(struct turned *t);

/* An event: begin, then its fields, then end with the reason why it is one. Strings are valid UTF-8; absent ones leave the
 * field out. */
void turned_begin(struct turned *t, const char *type, int64_t ts);
void turned_id(struct turned *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void turned_text(struct turned *t, const char *field, struct str value);
/* The same of HTML: without its tags, the common entities undone. */
void turned_html(struct turned *t, const char *field, struct str html);
void turned_true(struct turned *t, const char *field, bool value); /* false leaves it out */
void turned_number(struct turned *t, const char *field, int64_t value);
void turned_literal(struct turned *t, const char *field, struct str number);
/* NAME:ID */
void turned_own(struct turned *t, const char *field, struct str id);
/* The agent that the account NAME:ID is bound to, else NAME:ID itself; absent: null. */
void turned_agent(struct turned *t, const char *field, struct str id);
void turned_end(struct turned *t, const char *why_format, ...) __attribute__((format(printf, 2, 3)));

void turned_ignore(struct turned *t, const char *why_format, ...) __attribute__((format(printf, 2, 3)));
void turned_refuse(struct turned *t, const char *why_format, ...) __attribute__((format(printf, 2, 3)));

size_t turned_count(const struct turned *t, enum turned_kind kind);
/* Puts events and refusals into a batch, in order. c's default_source is not used: the source is the collector's name. */
void turned_decode(const struct turned *t, struct batch *b, const struct decode_context *c);

#endif
