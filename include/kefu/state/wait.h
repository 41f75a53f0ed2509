/* A wait (对话轮次): from a customer's question to what ends it, and who held it meanwhile.
 *
 * Source of every rule: SPEC.md, "Wait", "Answered", "Not answered". Holds of an agent in one wait add up; the present
 * hold is (holder, start); ended ones are summed in `holds`, nobody (0) among them. */
#ifndef KEFU_STATE_WAIT_H
#define KEFU_STATE_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/model/event.h"
#include "kefu/state/calendar.h"
#include "kefu/state/fact.h"

struct hold {
    uint32_t agent;
    int64_t first_at; /* start of the agent's first hold in this wait */
    int64_t sum_ms;   /* working time of ended holds */
};

struct wait {
    bool open;
    bool explicit_hold;   /* the holder holds it by explicit assignment */
    uint32_t holder;      /* 0: nobody, the queue */
    uint32_t last_holder; /* the agent who held it last before the present hold; 0: none */
    uint32_t holds_n;
    int64_t opened_at;  /* when the customer began to wait (a handoff begins anew) */
    int64_t start;      /* of the present hold */
    struct hold *holds; /* owned; ended holds, one an agent */
    uint32_t *excused;  /* owned; agents for whom it makes neither answer nor miss; 0: for nobody */
    uint32_t excused_n;
};

void wait_fini(struct wait *w);
void wait_open(struct wait *w, int64_t at, uint32_t holder, bool explicit_hold);
/* The bot had it till now: holds are forgotten, the present holder's clock starts. */
void wait_restart(struct wait *w, int64_t at);
/* A decision of a person: the wait is not counted for these agents (0: for nobody at all). */
void wait_excuse(struct wait *w, const uint32_t *agents, uint32_t n);
/* An assignment while the wait is open. */
struct assignment {
    int64_t at;
    uint32_t agent; /* 0: to nobody */
    enum event_how by;
};
void wait_assign(struct wait *w, struct calendar *c, const struct assignment *a);
/* The first public human message: ends the wait, emits the answer and the misses. True: the sender is credited. */
struct answer {
    int64_t at;
    uint32_t sender;
    bool first; /* it is the episode's first human message */
};
bool wait_answer(struct wait *w, struct calendar *c, const struct answer *a, const struct sink *sink);
/* The episode was resolved over it: ends the wait, emits the misses. */
void wait_drop(struct wait *w, struct calendar *c, int64_t at, const struct sink *sink);
/* A bot had it: ends without a trace. */
void wait_forget(struct wait *w, struct calendar *c, int64_t at, const struct sink *sink);
/* Misses that stand at as_of while it is open. */
void wait_so_far(const struct wait *w, struct calendar *c, int64_t as_of, const struct sink *sink);
/* When the present holder has held it for the response target (INT64_MAX: never). */
int64_t wait_target_due(const struct wait *w, struct calendar *c);
/* When the present holder's miss falls due (INT64_MAX: never). */
int64_t wait_due(const struct wait *w, struct calendar *c);

#endif
