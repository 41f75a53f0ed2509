/* Explanations: an account of an agent's day or month, gathered in steps of some milliseconds on the loop.
 *
 * Whoever asks waits until the account is whole; it is then kept for a while, so that its pages belong together. Conversations in
 * memory are told where they are, those on the shelf by a connection of its own; figures and account agree to the last integer at
 * the instant that the account names, or the daemon says so in its log and gathers anew. One account is gathered at a time. The
 * heat of the day (turns by hour) is gathered in the same way for everybody. */
#ifndef KEFU_DAEMON_EXPLAIN_H
#define KEFU_DAEMON_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/http.h"
#include "kefu/model/period.h"
#include "kefu/views/account.h"

struct daemon;
struct explain;

struct explain *explain_new(struct daemon *d);
void explain_free(struct explain *x);
/* Requests that wait are answered with 503. */
void explain_stop(struct explain *x);

#define EXPLAIN_SNAPSHOT_BYTES 17
struct explained {
    char snapshot[EXPLAIN_SNAPSHOT_BYTES];
    struct account account; /* newest first */
    struct figures figures; /* what it sums up to, and what was shown at as_of */
    int64_t as_of;
};

/* What is asked: of whom and when, and how to answer. `answer` is called once, in the loop: with the account (borrowed), or NULL
 * if it cannot be had now. It answers the request and frees `arg`. */
struct explain_ask {
    uint32_t agent;
    enum period_kind kind;
    int32_t period;
    uint64_t asker; /* a number of whoever asks: nobody takes all places */
    void (*answer)(void *arg, const struct explained *x);
    void *arg;
};
/* False: too many wait, or too many for this asker; answer is not called. */
bool explain_ask(struct explain *x, const struct explain_ask *ask);
/* One that is kept; NULL: it has gone, or is of another agent or period. */
const struct explained *explain_find(struct explain *x, struct str snapshot, const struct explain_ask *of);

/* Counts the turns of today by hour for all teams, if that is a minute old, and gives them to live_heat. */
void explain_want_heat(struct explain *x);

#endif
