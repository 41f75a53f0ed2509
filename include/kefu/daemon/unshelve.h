/* What the last flip holds, for a start: shelf_recover, then all that lies there into an empty site. */
#ifndef KEFU_DAEMON_UNSHELVE_H
#define KEFU_DAEMON_UNSHELVE_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/daemon/sources.h"
#include "kefu/state/site.h"
#include "kefu/store/store.h"

struct unshelved {
    uint64_t seq;      /* of the last flip; 0: there was none, and nothing below is filled */
    uint64_t flying_n; /* events that were under way at its cut */
    bool anew;    /* rulebooks or zone are not those of the totals: all was counted from the lists, which is logged */
    int32_t gone; /* all before this month is off the disk */
};

/* -1 with e: damaged, or not what a checkpoint has written. */
int unshelve(struct store *store, struct site *site, struct sources *sources, struct unshelved *out, struct err *e);

#endif
