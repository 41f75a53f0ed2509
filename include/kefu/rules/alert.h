/* The life of an alert: none → pending → firing → acknowledged → over (SPEC.md: alerts are history, not figures).
 *
 * An alert is one rule about one subject. Pure: what is seen, memory and time in; memory and what changed out. Memory is
 * durable as a row of the rules' memory in the same commit as what follows from it, so that a restart raises nothing anew and
 * forgets nothing; `untold` says what channels have yet to be told of. A value that swings around its limit makes one firing:
 * it is over only behind the clear limit, and only if it stays there. */
#ifndef KEFU_RULES_ALERT_H
#define KEFU_RULES_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/model/alert.h"

enum alert_state { STATE_NONE = 0, STATE_PENDING = 1, STATE_FIRING = 2, STATE_ACKED = 3 };

enum alert_untold { UNTOLD_RAISED = 1, UNTOLD_RESOLVED = 2, UNTOLD_AGAIN = 4 };

#define ALERT_NEVER INT64_MIN

struct alert_memory { /* zeroed: nothing known */
    enum alert_state state;
    uint32_t untold;     /* what channels have not been told */
    bool told;           /* they were told that it was raised */
    uint64_t number;     /* of the effect that raised it: its id; 0: never raised */
    int64_t since_ms;    /* PENDING: since when it holds; FIRING, ACKED: when it was raised */
    int64_t good_ms;     /* FIRING, ACKED: since when the value is well; ALERT_NEVER: it is not */
    int64_t resolved_ms; /* when it was over last; 0: never */
    int64_t told_ms;     /* when channels were told last */
    int64_t value_micro; /* when it was raised */
    int32_t day;         /* of ALERT_RATING: ratings counted on this day and the one before */
    uint32_t counted[2];
    uint64_t lost_n; /* of ALERT_SOURCE_LOST: told of; no row holds it, for the source counts from our start */
};

struct alert_seen {
    bool known;          /* there is a value, of min_samples */
    bool happened;       /* TRAIT_EVENT: it happened now (once more) */
    int64_t value_micro; /* if known */
};

enum alert_change { CHANGE_NONE = 0, CHANGE_RAISED, CHANGE_RESOLVED, CHANGE_AGAIN };

struct alert_outcome {
    enum alert_change change;
    bool remember;         /* memory changed and must be kept */
    int64_t look_again_ms; /* when time alone changes something; INT64_MAX: never */
};

/* Brings m up to date. On CHANGE_RAISED the caller sets m->number. */
struct alert_outcome alert_step(struct alert_memory *m, const struct alert_rule *r, const struct alert_seen *seen,
                                int64_t now_ms);
/* The rule or its subject is no more. */
struct alert_outcome alert_end(struct alert_memory *m, int64_t now_ms);
/* A person has taken it on: true if that changed anything. */
bool alert_acknowledge(struct alert_memory *m);
/* Channels have been told all there is (or, if nobody hears, nothing has to be told). */
void alert_told(struct alert_memory *m, int64_t now_ms);
/* Is there anything in it that a row must hold? (After a resolution, the cooldown.) */
bool alert_is_empty(const struct alert_memory *m, const struct alert_rule *r, int64_t now_ms);
/* Is it raised at this value? */
bool alert_is_over(const struct alert_rule *r, int64_t value_micro);

void alert_encode(struct buf *out, const struct alert_memory *m);
int alert_decode(struct cursor *in, struct alert_memory *m, struct err *e);

#endif
