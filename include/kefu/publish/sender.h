/* The way of notices to one channel: in order, at its pace, with patience, each until it is there.
 *
 * The durable queue is the owner's outbox; this is what of it is on its way. Robots get what waits together as one digest, as
 * much as fits. What a vendor refuses for good is not lost and not hammered either: the channel stands still and tries again
 * each ten minutes, and says in the log what is to be mended. At most one call is under way. Never logs an address or a text. */
#ifndef KEFU_PUBLISH_SENDER_H
#define KEFU_PUBLISH_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/fetch.h"
#include "kefu/model/channel.h"
#include "kefu/model/effect.h"
#include "kefu/publish/robot.h"

struct sender;

struct sender_options { /* all borrowed */
    struct fetch *fetch;
    const struct channel *channel;            /* copied, its texts are not */
    void (*sent)(void *arg, uint64_t number); /* the channel has the notice of this number; may come twice */
    void (*wake)(void *arg);                  /* an answer came: sender_turn is due */
    void *arg;
    uint64_t seed; /* of the jitter */
};

struct sender *sender_new(const struct sender_options *o);
void sender_free(struct sender *s); /* ends the call under way; NULL is well */

/* Takes a copy, at its place by number; one that is here already is passed over. */
void sender_add(struct sender *s, const struct effect *notice);
/* A message of the house that no outbox holds (the disk is full): goes before all others, and is gone with the process. */
void sender_urgent(struct sender *s, struct str title, struct str text);
/* One try of a test message, and what came of it; `told` is called once, perhaps from within sender_turn. why: "" or an error. */
struct sender_test {
    struct str title, text;
    void (*told)(void *arg, const struct robot_answer *a, const char *why);
    void *arg;
};
void sender_test(struct sender *s, const struct sender_test *t);
void sender_forget_test(struct sender *s, const void *arg); /* told is not called any more */

/* Sends what may be sent. Returns after how many ms there is more to do (INT64_MAX: an answer or a notice comes first). */
struct sender_now {
    int64_t wall_ms, mono_ms;
};
int64_t sender_turn(struct sender *s, const struct sender_now *now);

/* What waits for a channel goes to another one (copied, its texts borrowed), which has its name: with patience begun anew, and from the start
 * what was under way to another address. */
void sender_adopt(struct sender *s, const struct channel *c);
/* There is no such channel any more: all that waits counts as sent, tests as refused. Returns how many notices were given up. */
size_t sender_give_up(struct sender *s);

/* Since it was made: notices the channel has taken, calls that were refused, put off or not answered. */
struct sender_counts {
    uint64_t taken_n, failed_n;
};
struct sender_counts sender_counts(const struct sender *s);

size_t sender_waiting_n(const struct sender *s);
int64_t sender_stuck_ms(const struct sender *s,
                        int64_t mono_ms); /* for so long nothing was taken though something waits */

#endif
