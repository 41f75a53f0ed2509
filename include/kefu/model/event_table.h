/* The event table of SPEC.md as data: one row a type, one entry a field. Decoding and printing are loops over it.
 *
 * A new type is a new row here (and an EVENT_… number); a new field an entry. `id`, `source`, `ts` and `type` are of every
 * row and stand in none. */
#ifndef KEFU_MODEL_EVENT_TABLE_H
#define KEFU_MODEL_EVENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "kefu/base/str.h"
#include "kefu/model/event.h"

enum field_kind {
    FIELD_NONE = 0,    /* ends a row's list */
    FIELD_SUBJECT,     /* string of 1 … 128 bytes: event.subject */
    FIELD_STR,         /* string: event.strs[which], 1 byte to the longest of EVENT_STRS */
    FIELD_STR_OR_NULL, /* the same, or null (strs[which] absent); the field itself must be there */
    FIELD_CUSTOMER,    /* string of 1 … 128 bytes, kept as its keyed hash */
    FIELD_DATE,        /* string "YYYY-MM-DD" of a real date: strs[which] */
    FIELD_WORD,        /* one of the words of how_first … how_last: event.how; absent: how_default */
    FIELD_CROSS,       /* "main" or "cross": flag EVENT_CROSS */
    FIELD_FLAG,        /* true or false: flag `which` */
    FIELD_CLOSING,     /* true or false, kept apart from absent: EVENT_CLOSING_TRUE, EVENT_CLOSING_FALSE */
    FIELD_TEXT,        /* string of any length: read for flags and length, then forgotten */
    FIELD_FEN,         /* whole, 0 … EVENT_FEN_MAX: amount_fen */
    FIELD_SCORE,       /* decimal: score_milli */
    FIELD_SCALE        /* whole, 1 … EVENT_SCALE_MAX, 5 if absent: scale */
};

/* Bounds of figures, chosen so that no sum of a month of events can overflow. */
#define EVENT_ID_BYTES_MAX  128
#define EVENT_STR_BYTES_MAX 512                    /* the longest of EVENT_STRS */
#define EVENT_TS_MIN        INT64_C(946684800000)  /* 2000-01-01T00:00:00Z */
#define EVENT_TS_MAX        INT64_C(4102444800000) /* before 2100-01-01T00:00:00Z */
#define EVENT_FEN_MAX       INT64_C(1000000000000) /* ten thousand million yuan */
#define EVENT_SCALE_MAX     INT64_C(1000000)
#define EVENT_SCALE_DEFAULT INT64_C(5)

/* Every name that the table knows: X(name, its first byte, its last but one, its last). */
#define EVENT_KEYS(X)                                                                                                  \
    X(id, 'i', 'i', 'd')                                                                                               \
    X(source, 's', 'c', 'e')                                                                                           \
    X(ts, 't', 't', 's')                                                                                               \
    X(type, 't', 'p', 'e')                                                                                             \
    X(conversation, 'c', 'o', 'n')                                                                                     \
    X(from, 'f', 'o', 'm')                                                                                             \
    X(agent, 'a', 'n', 't')                                                                                            \
    X(customer, 'c', 'e', 'r')                                                                                         \
    X(shop, 's', 'o', 'p')                                                                                             \
    X(channel, 'c', 'e', 'l')                                                                                          \
    X(topic, 't', 'i', 'c')                                                                                            \
    X(text, 't', 'x', 't')                                                                                             \
    X(private, 'p', 't', 'e')                                                                                          \
    X(auto, 'a', 't', 'o')                                                                                             \
    X(closing, 'c', 'n', 'g')                                                                                          \
    X(message, 'm', 'g', 'e')                                                                                          \
    X(of_source, 'o', 'c', 'e')                                                                                        \
    X(by, 'b', 'b', 'y')                                                                                               \
    X(score, 's', 'r', 'e')                                                                                            \
    X(scale, 's', 'l', 'e')                                                                                            \
    X(rating, 'r', 'n', 'g')                                                                                           \
    X(reason, 'r', 'o', 'n')                                                                                           \
    X(actor, 'a', 'o', 'r')                                                                                            \
    X(order, 'o', 'e', 'r')                                                                                            \
    X(kind, 'k', 'n', 'd')                                                                                             \
    X(amount_fen, 'a', 'e', 'n')                                                                                       \
    X(state, 's', 't', 'e')                                                                                            \
    X(name, 'n', 'm', 'e')                                                                                             \
    X(team, 't', 'a', 'm')                                                                                             \
    X(employee_no, 'e', 'n', 'o')                                                                                      \
    X(hired_on, 'h', 'o', 'n')                                                                                         \
    X(left_on, 'l', 'o', 'n')                                                                                          \
    X(status, 's', 'u', 's')                                                                                           \
    X(to, 't', 't', 'o')                                                                                               \
    X(why, 'w', 'h', 'y')                                                                                              \
    X(decision, 'd', 'o', 'n')                                                                                         \
    X(appeal, 'a', 'a', 'l')                                                                                           \
    X(month, 'm', 't', 'h')                                                                                            \
    X(proposal, 'p', 'a', 'l')                                                                                         \
    X(about, 'a', 'u', 't')                                                                                            \
    X(alert, 'a', 'r', 't')                                                                                            \
    X(rule, 'r', 'l', 'e')                                                                                             \
    X(silence, 's', 'c', 'e')                                                                                          \
    X(minutes, 'm', 'e', 's')                                                                                          \
    X(person, 'p', 'o', 'n')

enum event_key {
    EVENT_KEY_none = 0,
#define X(key, first, last_but_one, last) EVENT_KEY_##key,
    EVENT_KEYS(X)
#undef X
        EVENT_KEYS_N
};

struct event_field {
    struct str name;    /* in JSON */
    enum event_key key; /* the same as a number */
    enum field_kind kind;
    bool required;
    int which;                                       /* an EVENT_… of strs, or a flag; by kind */
    enum event_how only_for;                         /* the field is read only when event.how is this; else ignored */
    enum event_how how_first, how_last, how_default; /* FIELD_WORD */
};

#define EVENT_FIELDS_MAX 10 /* of a row, its end not counted */

struct event_row {
    enum event_type type;
    struct str name;
    enum subject_kind subject;
    bool refers;                                     /* names another event: of_source defaults to the own source */
    struct event_field fields[EVENT_FIELDS_MAX + 1]; /* in the order in which they are read and printed */
};

/* What a person does in kefud: it has an actor, and comes in through kefuctl or the board, never through a door for events. */
static inline bool event_is_act(enum event_type type)
{
    return type >= EVENT_EXCUSED;
}

/* The row of a type; NULL for EVENT_NONE and numbers that are no type. */
const struct event_row *event_row(enum event_type type);
/* The number of a name in JSON; EVENT_KEY_none for a name that no type has. */
enum event_key event_key_find(struct str name);
/* The longest a text field may be in JSON, in bytes. */
size_t event_str_max(enum event_str which);

#endif
