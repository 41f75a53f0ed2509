/* Alert rules over a history, without store, clock or network: what would have fired, and what channels would have been sent.
 *
 * The same site, judge and alerts as the daemon's, under a clock that goes from event to event and stops at every deadline
 * between. Events are to come in the order of their time; a late one counts when it comes. */
#ifndef KEFU_DAEMON_ALERT_REPLAY_H
#define KEFU_DAEMON_ALERT_REPLAY_H

#include "kefu/daemon/alerts.h"

struct alert_replay;

struct alert_replay_options { /* borrowed */
    const struct rulebooks *rulebooks;
    const struct tz *tz;
    const struct channels *channels; /* may be NULL */
    /* Every effect, with the time at which it was decided; borrowed for the call. */
    void (*effect)(void *arg, int64_t now_ms, const struct effect *f);
    void *arg;
};

struct alert_replay *alert_replay_new(const struct alert_replay_options *o);
void alert_replay_free(struct alert_replay *r);
/* Goes on to the event's time (never back), then folds it. */
void alert_replay_event(struct alert_replay *r, const struct event *e);
/* Lets time pass. */
void alert_replay_to(struct alert_replay *r, int64_t now_ms);

#endif
