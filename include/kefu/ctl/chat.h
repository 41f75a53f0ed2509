/* One simulated conversation: a small machine that is woken, writes what happens now, and says when to wake it next. */
#ifndef KEFU_CTL_CHAT_H
#define KEFU_CTL_CHAT_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/ctl/scene.h"

enum chat_stage {
    CHAT_FREE = 0, /* over: the slot can be used again */
    CHAT_OPEN,     /* the customer writes for the first time */
    CHAT_BOT,      /* the bot greets */
    CHAT_BOT_DONE, /* the bot was enough */
    CHAT_HANDOFF,  /* the customer wants a person */
    CHAT_QUEUE,    /* waits for a member with room */
    CHAT_REPLY,    /* the member's answer is due */
    CHAT_MORE,     /* a second line of it */
    CHAT_ASK,      /* the customer goes on */
    CHAT_ASK_MORE, /* a second line, or the first one anew after recalling it */
    CHAT_CLOSE,    /* thanks, or silence */
    CHAT_RESOLVE,
    CHAT_TIMEOUT,
    CHAT_RATE,
    CHAT_VOID,
    CHAT_REFUND,
    CHAT_RETURN, /* not solved: the customer is back */
    CHAT_STAGES
};

struct chat {
    enum chat_stage stage;
    uint64_t number;
    uint64_t customer;
    uint64_t own_n; /* events so far */
    uint64_t token; /* of the last customer message, then of the rating */
    uint64_t order; /* cross-sale; 0: none */
    int64_t order_fen;
    int64_t since_ms; /* start of the present wait */
    int32_t agent;    /* index in the team; -1: nobody */
    int32_t before;   /* who let it go */
    uint8_t shop;
    uint8_t rounds_n; /* questions still to come */
    uint8_t slow_n;   /* answers that took over half a minute */
    bool queued;
    bool thanked;
};

/* Makes a new conversation in c, customer included; it begins when it is first woken. */
void chat_start(struct chat *c, struct scene *s);
/* Writes what happens at s->at_ms and returns in how many ms to wake it again; -1: it is over (CHAT_FREE). */
int64_t chat_step(struct chat *c, struct scene *s);

#endif
