/* The people of the simulated shop: who they are, when they work, how they work.
 *
 * Twelve are written by hand, so that the demo has characters; a larger team repeats them with small differences. Shares
 * are in 10,000. Times are local to the shop (UTC+8, no summer time). */
#ifndef KEFU_CTL_TEAM_H
#define KEFU_CTL_TEAM_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/ctl/dice.h"
#include "kefu/model/event.h"

#define TEAM_OFFSET_MS (INT64_C(8) * 3600000)

struct habits {
    const char *name;   /* borrowed, static */
    const char *team;   /* borrowed, static */
    int32_t think_ms;   /* mean time to an answer when nothing is wrong */
    int32_t late;       /* share of answers that come very late */
    int32_t forgets;    /* share of waits that are never answered */
    int32_t praised;    /* share of ratings that are five stars */
    int32_t solves;     /* share of conversations after which the customer does not come back */
    int32_t resolves;   /* share of conversations ended properly, not left to time out */
    int32_t polite;     /* share of thanks that get a word back */
    int32_t sells;      /* cross-sales a conversation, share of 10,000 */
    int32_t rounds;     /* questions a conversation takes on average, in tenths */
    int32_t start_min;  /* of the shift, minutes from local midnight */
    int32_t length_min; /* of the shift */
};

struct teammate {
    char id[24];
    struct habits is;
    int32_t off_phase;     /* which days are free */
    enum event_how status; /* as last told */
    int32_t open_n;        /* conversations in hand */
    int32_t mood;          /* -1 a bad hour, 0 as always, 1 a good hour */
};

/* The i-th member of any team, from 0; the same for the same i and seed. short_ids: ids of 16 bytes. */
void team_member(struct teammate *out, uint32_t i, uint64_t seed, bool short_ids);
/* What a member should be doing: STATUS_ONLINE, STATUS_AWAY (a meal) or STATUS_OFFLINE. */
enum event_how team_duty(const struct teammate *t, int64_t at_ms);
/* How long until the answer to a waiting customer is written, in a usual hour. */
int64_t team_think_ms(const struct teammate *t, struct dice *d);
/* The stars (1 … 5) a customer gives who had to wait long for slow_n answers. */
int team_stars(const struct teammate *t, struct dice *d, int slow_n);

#endif
