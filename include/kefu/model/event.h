/* An event, decoded and normalised: what every way in makes and everything behind the door reads.
 *
 * The event table of SPEC.md as data. Text fields are listed once (EVENT_STRS) so that decoding, encoding, comparing and
 * copying are loops. Message text is not here: it was read at the door for `closer`, `placeholder` and `text_bytes` and
 * dropped. Customer ids are here only as keyed hashes. */
#ifndef KEFU_MODEL_EVENT_H
#define KEFU_MODEL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"

/* Numbers are written to disk: never change or reuse one. */
enum event_type {
    EVENT_NONE = 0,
    EVENT_OPENED = 1,   /* conversation.opened */
    EVENT_MESSAGE = 2,  /* message */
    EVENT_RECALLED = 3, /* message.recalled */
    EVENT_ASSIGNED = 4, /* conversation.assigned */
    EVENT_HANDOFF = 5,  /* conversation.handoff */
    EVENT_RESOLVED = 6, /* conversation.resolved */
    EVENT_REOPENED = 7, /* conversation.reopened */
    EVENT_RATING = 8,   /* rating */
    EVENT_VOIDED = 9,   /* rating.voided */
    EVENT_ORDER = 10,   /* order */
    EVENT_PROFILE = 11, /* agent.profile */
    EVENT_STATUS = 12,  /* agent.status */
    /* What people do in kefud. */
    EVENT_EXCUSED = 13,            /* turn.excused */
    EVENT_UNDONE = 14,             /* decision.undone */
    EVENT_EXEMPT = 15,             /* agent.exempt */
    EVENT_APPEAL = 16,             /* appeal.opened */
    EVENT_APPEAL_DECIDED = 17,     /* appeal.decided */
    EVENT_MONTH_CLOSED = 18,       /* month.closed */
    EVENT_MONTH_REOPENED = 19,     /* month.reopened */
    EVENT_ADJUSTMENT_DECIDED = 20, /* adjustment.decided */
    EVENT_PROPOSAL_DECIDED = 21,   /* proposal.decided */
    EVENT_ALERT_ACKED = 24,        /* alert.acknowledged */
    EVENT_ALERT_SILENCED = 25,     /* alert.silenced */
    EVENT_ALERT_UNSILENCED = 26,   /* alert.unsilenced */
    EVENT_PERSON_ERASED = 27,      /* person.erased */
    EVENT_TYPES
};

/* What list an event joins: its subject. */
enum subject_kind {
    SUBJECT_NONE = 0,
    SUBJECT_CONVERSATION = 1,
    SUBJECT_ORDER = 2,
    SUBJECT_AGENT = 3,
    SUBJECT_MONTH = 4, /* joins no list and changes no figure: it stands in the book (model/book.h) */
    SUBJECT_ALERT = 5  /* joins no list either: what comes of it is in the memory of the alerts */
};

/* The one "which" of an event: message.from, by of assigned and resolved, order state, agent status. On disk. */
enum event_how {
    HOW_NONE = 0,
    FROM_CUSTOMER = 1,
    FROM_AGENT = 2,
    FROM_BOT = 3,
    FROM_SYSTEM = 4,
    BY_SYSTEM = 5,
    BY_SUPERVISOR = 6,
    BY_AGENT = 7,
    BY_CUSTOMER = 8,
    BY_BOT = 9,
    BY_TIMEOUT = 10,
    ORDER_PAID = 11,
    ORDER_REFUNDED = 12,
    STATUS_ONLINE = 13,
    STATUS_BUSY = 14,
    STATUS_AWAY = 15,
    STATUS_OFFLINE = 16,
    EXEMPT_LEAVE = 17,
    EXEMPT_TRAINING = 18,
    EXEMPT_NONE = 19, /* takes an exemption back */
    DECIDED_ACCEPTED = 20,
    DECIDED_REJECTED = 21,
    ABOUT_RATING = 22,
    ABOUT_TURN = 23,
    EVENT_HOWS
};

/* Flags. On disk. The last two are derived at the door and are no part of an event's content. */
enum event_flag {
    EVENT_PRIVATE = 1 << 0,
    EVENT_AUTO = 1 << 1,
    EVENT_CLOSING_TRUE = 1 << 2,  /* `closing` was given as true */
    EVENT_CLOSING_FALSE = 1 << 3, /* `closing` was given as false */
    EVENT_HAS_TEXT = 1 << 4,      /* a text was given, be it empty */
    EVENT_CROSS = 1 << 5,         /* order of kind cross (main otherwise) */
    EVENT_CLOSER = 1 << 6,        /* derived: asks for nothing (SPEC.md, Closer; `closing` included) */
    EVENT_PLACEHOLDER = 1 << 7    /* derived: nothing but placeholder phrases */
};
#define EVENT_DERIVED (EVENT_CLOSER | EVENT_PLACEHOLDER)

/* Text fields besides id, source and subject: X(NAME, "json name", longest in bytes). The order is on disk. */
#define EVENT_STRS(X)                                                                                                  \
    X(AGENT, "agent", 128)                                                                                             \
    X(CUSTOMER, "customer", 128) /* here: DIGEST_KEYED_BYTES bytes of hash */                                          \
    X(SHOP, "shop", 128)                                                                                               \
    X(CHANNEL, "channel", 128)                                                                                         \
    X(TOPIC, "topic", 128)                                                                                             \
    X(REF, "message", 128)          /* the message or rating meant; "rating" in rating.voided */                       \
    X(REF_SOURCE, "of_source", 128) /* always given after decoding a reference: defaults to the event's own source */  \
    X(CONVERSATION, "conversation", 128) /* of an order; elsewhere it is the subject */                                \
    X(REASON, "reason", 512)                                                                                           \
    X(ACTOR, "actor", 128)                                                                                             \
    X(NAME, "name", 512)                                                                                               \
    X(TEAM, "team", 128)                                                                                               \
    X(EMPLOYEE_NO, "employee_no", 128)                                                                                 \
    X(HIRED_ON, "hired_on", 10) /* YYYY-MM-DD; of an exemption "from" */                                               \
    X(LEFT_ON, "left_on", 10)   /* of an exemption "to" */

enum event_str {
#define X(name, json, max) EVENT_##name,
    EVENT_STRS(X)
#undef X
        EVENT_STR_N
};

struct event {
    enum event_type type;
    enum event_how how;
    uint32_t flags;     /* enum event_flag */
    int64_t ts;         /* milliseconds since 1970 UTC */
    struct str source;  /* 1 … 128 bytes */
    struct str id;      /* 1 … 128 bytes, unique within source */
    struct str subject; /* the conversation, order or agent whose list it joins */
    struct str strs[EVENT_STR_N];
    int64_t amount_fen;  /* order */
    int64_t score_milli; /* rating: score × 1000 */
    int64_t scale;       /* rating */
    int64_t text_bytes;  /* length of the text that was there; 0 without EVENT_HAS_TEXT */
};

/* The name of SPEC.md ("conversation.opened"); "" for EVENT_NONE. */
struct str event_type_name(enum event_type type);
/* EVENT_NONE if there is no such type. */
enum event_type event_type_find(struct str name);
/* The word of SPEC.md ("customer", "timeout", "paid"); "" for HOW_NONE. */
struct str event_how_name(enum event_how how);
enum subject_kind event_subject_kind(enum event_type type);
/* The rank that orders events of one instant in a conversation (SPEC.md, Figures): 0 … 10; 0 for orders and agents. */
int event_rank(enum event_type type, enum event_how how);
/* The order of events in a list: (ts, rank, source, id). Less than, equal, greater than zero. */
int event_cmp(const struct event *a, const struct event *b);
/* Same content: all that the sender said (the identity too), derived flags aside. */
bool event_same(const struct event *a, const struct event *b);
/* A copy whose strings live in the arena. */
struct event event_copy(const struct event *e, struct arena *arena);

/* The record of an event as it stands in the journal, the quarantine and exports: version byte, then fields, self-contained
 * (no numbers of an intern table). About 60 bytes for a chat message. */
void event_encode(struct buf *out, const struct event *e);
/* Reads one record; strings borrow from the cursor's bytes. -1 with err: unknown version or damaged; *e is then empty, and
 * the cursor behind the record if its length could be read (else `bad`). */
int event_decode(struct cursor *in, struct event *e, struct err *err);
/* The event as one JSON object in canonical form (keys in the order of SPEC.md's table, ts as milliseconds; customer as
 * hexadecimal of its hash; no text), for quarantine lists and exports. */
void event_print_json(struct buf *out, const struct event *e);

#endif
