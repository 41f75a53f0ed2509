/* The part of a checkpoint that lets go of the evidence of closed months (state/let_go.h): first on the disk, then in memory, in
 * small steps. What the cut has said decides; a crash in between is no harm, and a later round goes on. */
#ifndef KEFU_DAEMON_LETTING_H
#define KEFU_DAEMON_LETTING_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/model/shelf.h"
#include "kefu/state/let_go.h"

struct letting {
    int32_t wanted; /* evidence is to be kept from this month on; INT32_MIN: all of it */
    int32_t gone;   /* all before this month is off the disk */
    struct let_go at;
};
#define LETTING_NONE ((struct letting){.wanted = INT32_MIN, .gone = INT32_MIN})

/* Is a round due? */
bool letting_is_due(const struct letting *l, const struct site *s);
/* At a cut: the site lets go. */
void letting_cut(const struct letting *l, struct site *s);
/* One step. *work is the last one that was written, and becomes the next. */
enum letting_next { LETTING_DONE = 0, LETTING_WRITE, LETTING_AGAIN };
enum letting_next letting_step(struct letting *l, struct site *s, struct shelf_work *work);

#endif
