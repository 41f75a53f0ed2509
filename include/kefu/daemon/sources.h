/* Who sends: how many events of each source are in the state, and the latest stamp among them. For status. */
#ifndef KEFU_DAEMON_SOURCES_H
#define KEFU_DAEMON_SOURCES_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/model/event.h"

struct sources;

struct sources *sources_new(uint64_t seed);
void sources_free(struct sources *s);
void sources_saw(struct sources *s, const struct event *e);

struct source_count {
    struct str source;
    uint64_t events_n;
    int64_t last_ts;
};
size_t sources_n(const struct sources *s);
struct source_count sources_at(const struct sources *s, size_t i); /* 0 … n-1, by first sight */

#endif
