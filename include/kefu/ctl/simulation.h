/* A simulated customer-service team: events in the order of time, the same bytes for the same options on every machine.
 *
 * Pure: no clock, no files. The caller asks when the next thing happens and lets it happen. Feeds the demo, the benchmarks
 * and tests. */
#ifndef KEFU_CTL_SIMULATION_H
#define KEFU_CTL_SIMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"

struct simulation_options {
    uint64_t seed;
    int64_t start_ms;           /* the first events (profiles) are stamped with it */
    int64_t end_ms;             /* no new conversations from then on; INT64_MAX: never */
    uint64_t conversations_max; /* no more than so many; 0: no limit */
    int64_t per_day;            /* conversations on an average day, > 0 */
    uint32_t agents_n;          /* 1 … 100000 */
    bool short_ids;             /* ids of 16 bytes, for benchmarks */
};

struct simulation;

struct simulation *simulation_new(const struct simulation_options *o);
void simulation_free(struct simulation *s);
/* When the next thing happens; INT64_MAX: nothing any more. Never falls. */
int64_t simulation_next_ms(const struct simulation *s);
/* Lets it happen: appends its events to out, each a line of canonical JSON, and returns how many (0 is possible). */
size_t simulation_step(struct simulation *s, struct buf *out);

/* From at_ms (not before simulation_next_ms) on everybody is at work, conversations are short, and about chats_n of them are
 * open at a time; pauses are speed_percent / 100 times as fast. */
void simulation_go_live(struct simulation *s, int64_t at_ms, uint32_t chats_n, int64_t speed_percent);

/* The members, 0 … agents_n - 1. */
const char *simulation_agent_id(const struct simulation *s, uint32_t i);
/* Gives a member a good hour (1: quick, praised, sells), a bad one (-1) or a usual one (0). */
void simulation_set_mood(struct simulation *s, uint32_t i, int mood);
/* Appends a cross-sale of a member at at_ms to out, or, if refund, the refund of this member's last such one; false: there
 * is none. */
bool simulation_cross_sale(struct simulation *s, uint32_t i, int64_t at_ms, bool refund, struct buf *out);

#endif
