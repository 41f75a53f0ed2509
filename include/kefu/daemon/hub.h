/* All channels together: notices find their way by the name of their stream; what no channel of today is meant by has gone as far
 * as it goes. Tells of a full disk by itself, without the outbox, which needs the disk. */
#ifndef KEFU_DAEMON_HUB_H
#define KEFU_DAEMON_HUB_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/clock.h"
#include "kefu/base/err.h"
#include "kefu/daemon/alerts.h"
#include "kefu/model/channel.h"
#include "kefu/model/effect.h"
#include "kefu/publish/sender.h"

struct hub;

struct hub_options {
    struct event_base *base;   /* all borrowed */
    struct channels *channels; /* none: every notice counts as gone */
    struct clock clock;
    void (*sent)(void *arg, uint64_t number);
    void *arg;
    uint64_t seed;
};

/* NULL with e: libcurl is missing. Loads it only if there are channels. */
struct hub *hub_new(const struct hub_options *o, struct err *e);
void hub_free(struct hub *h); /* NULL is well */

/* Another list while all goes on, in two steps: can it be worked with (-1 with e: libcurl is missing)? Then it changes places
 * with the one in force. What waits goes to the channel that has the name now; what waits for one that is not listed any more
 * counts as gone, and the log says how much it was. */
int hub_prepare(struct hub *h, const struct channels *fresh, struct err *e);
void hub_adopt(struct hub *h, struct channels *fresh);

void hub_effect(struct hub *h, const struct effect *notice);
/* Sends what may be sent; `full`: the disk has no room. Returns after how many ms to come again. */
int64_t hub_turn(struct hub *h, bool full);
/* How long each channel has taken nothing. */
void hub_own(const struct hub *h, struct alerts_own *own);

/* A test message to the channel of that name; -1 with e: there is none. told as in publish/sender.h. */
int hub_test(struct hub *h, struct str name, void (*told)(void *arg, const struct robot_answer *a, const char *why),
             void *arg, struct err *e);
void hub_forget_test(struct hub *h, const void *arg);

struct sender_counts hub_counts(const struct hub *h, size_t channel);
size_t hub_waiting_n(const struct hub *h, size_t channel);

#endif
