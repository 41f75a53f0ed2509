/* What happens in a simulated month: lines of JSON as their sources write them, under which rulebooks, in which zone.
 *
 * Two kinds. A shop: the team of ctl/simulation.h, people as they are. A story: the histories of
 * support_story.h, in which everything lies near a border. Into both go lines that contradict others and lines that are no
 * events. Each line remembers what its senders were told. */
#ifndef KEFU_TESTS_SIM_SCRIPT_H
#define KEFU_TESTS_SIM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/digest.h"
#include "kefu/base/tz.h"
#include "kefu/collectors/decode.h"
#include "kefu/model/event.h"
#include "kefu/model/rulebook.h"
#include "../unit/support_story.h"

struct line {
    struct str json;
    struct event event; /* as decoded; zeroed for a line that is none */
    bool bad;           /* no event */
    size_t denies;      /* the line that it has the identity of, with other content; SIZE_MAX: none */
    /* what its senders were told, so far: */
    bool kept;    /* accepted, or a duplicate */
    bool refused; /* a conflict */
    bool later;   /* from the future: it comes in by itself */
};

struct script {
    struct line *lines; /* owned; by time, the added ones at the end */
    size_t n, cap;
    struct rulebook *seed; /* owned */
    struct rulebooks rulebooks;
    struct zone zone; /* tz owned */
    struct story story;
    int64_t from, end; /* first event, and the end of the month or of the story */
    struct arena arena;
};

extern const uint8_t script_key[DIGEST_KEY_BYTES];

/* A month of a small shop, of about so many conversations a day. */
void script_shop(struct script *s, uint64_t seed, int64_t per_day);
/* A story of n events. */
void script_story(struct script *s, uint64_t seed, size_t n);
/* Nothing yet but a rulebook by which one conversation makes a firm tier; for scripts written line by line. */
void script_empty(struct script *s);
/* Adds a line; decodes it. Returns its number. */
size_t script_add(struct script *s, struct str json);
/* Adds contradictions (percent of the lines) and as many lines that are no events. */
void script_spoil(struct script *s, uint64_t *random, uint32_t percent);
void script_fini(struct script *s);

#endif
