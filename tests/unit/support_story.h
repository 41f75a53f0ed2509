/* For tests of the state: a rich random history with the rulebooks that judge it, and how it reaches the site.
 *
 * Everything lies near a border: a month's end, two or three rulebooks that differ in every limit, times that are a limit or
 * one millisecond beside it, names told late, ratings and messages taken back, orders refunded before they are paid. */
#ifndef KEFU_TESTS_SUPPORT_STORY_H
#define KEFU_TESTS_SUPPORT_STORY_H

#include "kefu/base/tz.h"
#include "support_site.h"

#define STORY_BOOKS_MAX 3

struct zone {
    const char *name;
    struct tz *tz;
};

struct story {
    const struct zone *zone;                 /* borrowed */
    struct rulebook *books[STORY_BOOKS_MAX]; /* owned */
    struct rulebooks rulebooks;              /* of these */
    struct event *events;                    /* owned; by time, nearly in the order of the lists */
    size_t n;
    uint32_t conversations, customers, agents; /* how many different ones */
    int64_t from, end;                         /* the first event; an instant after the last one */
    int64_t quiet_ms;                          /* of a site: after so long an open conversation is nobody's; 0: never */
    struct arena arena;                        /* the strings of the events */
};

/* A story of n events in the zone (borrowed). */
void story_init(struct story *s, struct support_random *r, const struct zone *zone, size_t n);
void story_fini(struct story *s);
struct site *story_site(const struct story *s);
/* A limit of one of the rulebooks, sometimes a millisecond more or less, or another length of time. */
int64_t story_span(const struct story *s, struct support_random *r);
/* Puts the events into the order in which they arrive: most in their own, some much later. */
void story_mix(struct story *s, struct support_random *r);
/* Rulebooks, events and the figures that a site came to, as a line of JSON for tests/oracle/test_stories.py. malloc'ed. */
char *story_print_json(const struct story *s, const char *name, const struct site *site);

#endif
