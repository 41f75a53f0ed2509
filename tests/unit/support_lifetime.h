/* A site that lives over a shelf of the test's own: cut, frozen, written cold, and dead at any moment, with what lies on the shelf kept
 * as a store would keep it. */
#ifndef KEFU_TESTS_SUPPORT_LIFETIME_H
#define KEFU_TESTS_SUPPORT_LIFETIME_H

#include "kefu/state/freeze.h"
#include "support_gathering.h"
#include "support_shelf.h"
#include "support_story.h"

struct desk { /* of a cut under way: counts only after the flip */
    struct shelf_row rows[ROWS_MAX];
    struct shelf_total totals[TOTALS_MAX];
    size_t rows_n, totals_n;
    struct buf head;
    size_t folded;
    bool on;
};

struct lifetime {
    struct story *story;
    struct support_random *r;
    struct site *site;
    struct kept kept;
    struct shelf shelf;
    struct desk *desk;
    struct freezer freezer;
    struct bloom filters[2]; /* as they would be on disk: only ever taken up whole */
    size_t folded;
    int64_t as_of;
    struct gathering gathering;
};

/* Its story and random numbers are borrowed. */
void lifetime_init(struct lifetime *l);
void lifetime_fini(struct lifetime *l);
struct site *lifetime_site(struct lifetime *l); /* an empty one over the shelf; who takes it frees the one before */
void lifetime_settle(struct site *s, size_t steps);
void lifetime_cut(struct lifetime *l); /* if it may */
/* A few more of the cut under way; at its end it counts. */
void lifetime_freeze_some(struct lifetime *l);
/* What rests and has no event from `before` on leaves memory, but for a random tenth. */
void lifetime_chill(struct lifetime *l, int64_t before);
/* The process dies; the next one takes up the last flip, or counts all of it anew. */
void lifetime_die(struct lifetime *l, bool anew);

#endif
