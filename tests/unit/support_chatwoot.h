/* A Chatwoot that never was: two days of conversations as canonical events, as the webhooks that Chatwoot would have sent of
 * them (in the shape of its public payloads), and as its REST API would answer afterwards. */
#ifndef KEFU_TESTS_SUPPORT_CHATWOOT_H
#define KEFU_TESTS_SUPPORT_CHATWOOT_H

#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/buf.h"
#include "support_site.h"

enum life_kind { LIFE_MESSAGE = 1, LIFE_RATING, LIFE_STATE };

/* A delivery that Chatwoot would have made. */
struct life_hook {
    enum life_kind kind;
    bool twin;  /* a conversation_status_changed: conversation_updated tells the same */
    bool whole; /* its message is stamped on a whole second, so that REST knows its time exactly */
    struct str body;
};

struct life_message {
    int64_t id, ts_ms;
    int type;   /* 0 incoming, 1 outgoing, 3 template */
    int sender; /* 0 contact, 1 agent, 2 bot, 3 nobody */
    int64_t sender_id;
    bool private;
    int rating; /* of a survey, once answered */
    int64_t rated_ms;
};

struct life_talk {
    int64_t id, created_ms, updated_ms, contact;
    const char *status;
    int64_t assignee; /* 0: nobody */
    struct life_message messages[64];
    int messages_n;
};

/* A delivery whose snapshot is taken one step later. */
struct life_late {
    bool is_message;
    struct life_message message;
};

struct life {
    struct support_random random;
    struct arena arena;
    struct buf canonical; /* NDJSON */
    struct life_hook *hooks;
    size_t hooks_n, hooks_cap;
    struct life_talk *talks;
    size_t talks_n;
    int64_t next_message, start_ms, end_ms;
    struct life_late late[4];
    int late_n;
};

/* n conversations within two days. */
void life_make(struct life *l, size_t n);
void life_fini(struct life *l);
/* What REST answers to a path with its query (behind the host), as of the end. Appends the body; the status. */
int life_answer(const struct life *l, struct str path, struct buf *body);

#endif
