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
    FACT_RATING, /* ms = milli-stars of five */
    FACT_TURN    /* a turn that counts for nothing; only for a sink that asks for turns */
};

/* Why it is, and for a TURN, why it is not: X(NAME, "code in explanations"). */
#define FACT_WHYS(X)                                                                                                   \
    X(ANSWERED_IN_TIME, "answered_in_time")                                                                            \
    X(ANSWERED_LATE, "answered_late")                                                                                  \
    X(HELD_PAST_TARGET, "held_past_target")         /* held it for the target; another has answered, or will */        \
    X(RESOLVED_UNANSWERED, "resolved_unanswered")   /* held it for the target; resolved over the open wait */          \
    X(TOGETHER_PAST_TARGET, "together_past_target") /* nobody alone, but all together; the last holder's */            \
    X(OPEN_PAST_LIMIT, "open_past_limit")           /* still open, held for the abandon limit */                       \
    X(OUTSIDE_HOURS, "outside_hours")               /* asked and answered outside service hours */                     \
    X(HELPED_HOLDER, "helped_holder")               /* answered while another held it by explicit assignment */        \
    X(HELD_SHORT, "held_short")                     /* gave it away before the target */                               \
    X(BOT_ANSWERED, "bot_answered")                                                                                    \
    X(RESOLVED_SHORT, "resolved_in_time") /* resolved before the target, so never owed an answer */                    \
    X(EXCUSED, "excused")                 /* by a lead, on an appeal */                                                \
    X(STILL_OPEN, "still_open")                                                                                        \
    X(IDLE, "idle")                                                                                                    \
    X(OWN_AGENT, "own_agent")     /* the rating names its agent */                                                     \
    X(OWNER, "owner")             /* the rating is the owner's */                                                      \
    X(RATING_OPEN, "rating_open") /* the episode has not ended: whoever served last, or is assigned */

enum why {
    WHY_NONE = 0,
#define X(name, code) WHY_##name,
    FACT_WHYS(X)
#undef X
        WHY_N
};

struct fact {
    enum fact_kind kind;
    uint32_t agent; /* 0: nobody */
    int32_t day;
    int64_t ms;  /* ANSWER: the response; MISS, TURN: how long this agent held it */
    bool first;  /* ANSWER: the episode's first human message */
    bool within; /* ANSWER: within the response target */
    enum why why;
    int64_t from;     /* ANSWER, MISS, TURN: when this agent's clock began */
    int64_t to;       /* when it ended; INT64_MAX: it has not; RATING: when it came */
    int64_t limit_ms; /* what it was held against; 0: nothing */
    int64_t at;       /* ANSWER: when; MISS: when it was certain */
    int64_t asked_at; /* ANSWER, MISS, TURN: when the customer began to wait; 0: no turn */
};

struct sink {
    void (*fact)(void *arg, const struct fact *f); /* borrows for the call */
    void *arg;
    bool turns; /* wants to hear of turns that count for nothing, too */
};

static inline void sink_put(const struct sink *s, struct fact f)
{
    s->fact(s->arg, &f);
}

#endif
