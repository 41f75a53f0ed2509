/* The insides of the reader of streams: shared by collectors/redis_stream.c (connection, batches, reading) and
 * collectors/stream_look.c (what is done about one stream before it is read). Nobody else includes this. */
#ifndef KEFU_COLLECTORS_STREAM_INSIDE_H
#define KEFU_COLLECTORS_STREAM_INSIDE_H

#include <event2/event.h>

#include "kefu/base/redis_conn.h"
#include "kefu/collectors/redis_stream.h"
#include "kefu/collectors/stream_reply.h"

enum step {
    STEP_NONE = 0,
    STEP_ABOUT,   /* is there a stream? */
    STEP_GROUP,   /* and our group? */
    STEP_MAKE,    /* it is made */
    STEP_COUNTED, /* Redis is told that what was trimmed unread has been read */
    STEP_PROBE,   /* may we acknowledge? */
    STEP_NEXT,    /* what stands behind our position? */
    STEP_OURS,    /* and is it pending? */
    STEP_REWIND,  /* it is not: the group is ahead of us, and set back */
    STEP_PAGE,    /* what is pending for us */
    STEP_AGAIN,   /* is read again */
    STEP_BODY,    /* or, if that never ended well, */
    STEP_BURY,    /* is moved aside */
    STEP_CLAIM,   /* what is idle with others becomes pending for us */
    STEP_READ     /* all streams together */
};

struct stream {
    struct str key; /* owned, as position_key */
    struct buf position_key;
    struct stream_id position; /* durable */
    struct stream_about about;
    struct stream_group group;
    struct stream_id rewound; /* re-read up to here: until then history is no position */
    struct stream_id cursor;  /* of pending entries */
    struct stream_id claim;   /* of others' */
    struct stream_id at;      /* the entry that STEP_NEXT or STEP_BODY is about */
    int64_t deliveries;       /* of it */
    size_t page_n;            /* entries to read again */
    struct buf body;          /* fields of the entry to be buried, encoded */
    size_t body_n;
    bool claimed; /* others were asked in this round */
    bool found;   /* something of theirs became ours */
    bool anew;    /* it is another stream than the one that was read */
    bool broken;
    char error[160];
    uint64_t entries_n, lost_n, dead_n, claimed_n;
};

/* A batch, and whom it came from. */
struct flying {
    struct redis_stream *source; /* NULL: it is gone */
    struct stream *stream;
    struct batch *batch;
    struct stream_id last; /* becomes the position; zero: none does */
    struct buf ids;        /* to acknowledge, encoded */
    size_t ids_n;
    bool waits; /* for room */
    struct flying *next;
};

struct redis_stream {
    struct ingest *ingest;
    struct redis_conn *conn;
    struct event *check; /* a look is due */
    struct event *pause; /* a pause ends, or batches go again */
    struct timeval check_tv;
    struct stream streams[REDIS_STREAM_KEYS_MAX];
    size_t streams_n;
    size_t turn; /* the stream that is looked at */
    enum step step;
    bool ready, busy, paused, stopping;
    bool check_due;
    bool idle;     /* the last read brought nothing */
    size_t read_n; /* entries to read next, of all streams together */
    bool told;     /* an error was logged since the last read that went well */
    struct flying *flying;
    struct buf group, consumer, field, claim_ms, scratch;
};

/* ---- of redis_stream.c ---- */

/* The stream that is looked at. */
static inline struct stream *stream_now(struct redis_stream *s)
{
    return &s->streams[s->turn];
}

static inline bool stream_id_is(struct stream_id id)
{
    return id.ms || id.n;
}

/* Sends a command for the present step. */
void stream_ask(struct redis_stream *s, const struct str *words, size_t n);
#define WORDS(...) (struct str[]){__VA_ARGS__}, sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str)
/* Sends what was put into s->scratch. */
void stream_send(struct redis_stream *s);
/* Done with the present stream, which can be read: on to the next one. */
void stream_mended(struct redis_stream *s);

/* A batch for the stream, empty. */
struct flying *stream_flying(struct redis_stream *s, struct stream *st);
/* Adds an id to those that are acknowledged when the batch is durable. */
void stream_put_id(struct flying *f, struct stream_id id);
/* n entries from about this id on vanished: counted, logged, and one row of the quarantine with the batch. */
void stream_lose(struct flying *f, struct stream_id from, uint64_t n);
/* Hands the batch in; `last`, unless it is zero or behind, is committed with it as the stream's position. */
void stream_take_off(struct redis_stream *s, struct flying *f, struct stream_id last);
/* A list of entries, pending for us or new, becomes a batch and takes off. Returns the last id, zero for none. */
struct stream_id stream_take(struct redis_stream *s, struct stream *st, const struct redisReply *list, bool pending);
/* Acknowledges one entry at once. */
void stream_acknowledge_one(struct redis_stream *s, struct stream *st, struct stream_id id);

/* ---- of stream_look.c ---- */

/* What a step sends, and what follows from its reply. */
struct stream_step {
    void (*send)(struct redis_stream *s);
    void (*got)(struct redis_stream *s, const struct redisReply *r);
    const char *passes; /* an error that is an answer; NULL: none */
};
extern const struct stream_step stream_steps[STEP_READ];

#endif
