/* Facts: what a conversation says of agents, one at a time, before anything is summed.
 *
 * The machine of a conversation emits facts; a sink adds them to totals, takes them out again, or explains them. */
#ifndef KEFU_STATE_FACT_H
#define KEFU_STATE_FACT_H

#include <stdbool.h>
#include <stdint.h>

enum fact_kind {
    FACT_NONE = 0,
    FACT_ANSWER, /* a wait was answered: ms = response */
    FACT_MISS,   /* a wait was held to the limit and not answered */
    FACT_IDLE,   /* an open episode that counts as handled, not resolved */
    FACT_RATING  /* ms = milli-stars of five */
};

struct fact {
    enum fact_kind kind;
    uint32_t agent; /* 0: nobody */
    int32_t day;
    int64_t ms;
    bool first;  /* ANSWER: the episode's first human message */
    bool within; /* ANSWER: within the response target */
};

struct sink {
    void (*fact)(void *arg, const struct fact *f); /* borrows for the call */
    void *arg;
};

static inline void sink_put(const struct sink *s, struct fact f)
{
    s->fact(s->arg, &f);
}

#endif
