/* What simulated conversations play on: the team, the dice, the clock, and the page their events are written to.
 *
 * Events leave as lines of canonical JSON, built piece by piece: scene_begin, any number of fields, scene_end. Values are
 * the simulator's own texts and need no escapes. */
#ifndef KEFU_CTL_SCENE_H
#define KEFU_CTL_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/ctl/dice.h"
#include "kefu/ctl/team.h"

struct scene {
    struct teammate *team; /* owned by the simulation */
    uint32_t team_n;
    struct dice dice;
    uint64_t seed;
    uint32_t tag;         /* tells the names of this run from another's */
    bool short_ids;       /* ids of exactly 16 bytes, for benchmarks */
    bool live;            /* short conversations, everybody at work */
    int32_t room_n;       /* conversations a member takes at once before a queue forms */
    int64_t at_ms;        /* now */
    uint64_t last_number; /* conversations begun */
    uint64_t number_max;  /* no more than so many */
    uint64_t events_n;
    struct buf *out; /* borrowed for a step */
    size_t lines_n;  /* written in this step */
};

/* Begins the event `type` of a conversation (number > 0) or of none. own_n is the number of the event within its
 * conversation (or of its kind, named by `type`); returns what scene_put_event prints again as this event's id. */
uint64_t scene_begin(struct scene *s, const char *type, uint64_t conversation, uint64_t own_n);
void scene_field(struct scene *s, const char *key, const char *value);
void scene_number(struct scene *s, const char *key, int64_t value);
/* A field that names the event `token` of a conversation. */
void scene_event(struct scene *s, const char *key, uint64_t conversation, uint64_t token);
void scene_customer(struct scene *s, uint64_t customer);
void scene_order(struct scene *s, uint64_t order);
void scene_end(struct scene *s);

/* A member at work with the fewest conversations (those in a good or bad hour first), not `except` (-1: anybody). crowded:
 * over room_n too. -1: nobody. */
int32_t scene_pick(struct scene *s, int32_t except, bool crowded);

#endif
