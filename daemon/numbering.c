/* Reservations of snapshot numbers, kept in the store as a position. Keeps true: last <= reserved, and reserved is on disk. It
 * refuses to give a number that a crash and a clock set back could give again. */
#include "kefu/daemon/numbering.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fix.h"

#define KEY      STR_LIT("snapshots")
#define SEQ_A_MS 1000 /* numbers a millisecond that a start from the clock leaves room for */

static struct str print(struct numbering *n, uint64_t v)
{
    int length = snprintf(n->text, sizeof n->text, "%" PRIu64, v);
    return (struct str){n->text, (size_t)length};
}

int numbering_start(struct numbering *n, struct store *s, int64_t now_ms, struct err *e)
{
    struct str text;
    int64_t stored = 0;
    *n = (struct numbering){.last = now_ms > 0 ? (uint64_t)now_ms * SEQ_A_MS : 0};
    if (store_get(s, STR_LIT("position/snapshots"), &text, e))
        return -1;
    bool bad = text.n && (fix_parse_whole(text, &stored) || stored < 0);
    free((char *)(uintptr_t)text.p);
    if (bad)
        return err_set(e, "position snapshots", "is no number; restore a backup");
    if ((uint64_t)stored > n->last)
        n->last = (uint64_t)stored;
    n->reserved = n->last + NUMBERING_STEP;
    return store_set(s, STR_LIT("position/snapshots"), print(n, n->reserved), e);
}

bool numbering_take(struct numbering *n, uint64_t *seq)
{
    if (n->last == n->reserved)
        return false;
    *seq = ++n->last;
    return true;
}

bool numbering_wants(const struct numbering *n)
{
    return n->reserved && !n->asked && n->reserved - n->last < NUMBERING_STEP / 2;
}

void numbering_fill(struct numbering *n, struct commit *c)
{
    assert(!n->asked);
    n->asked = n->last + NUMBERING_STEP;
    c->position_key = KEY;
    c->position = print(n, n->asked);
}

void numbering_settle(struct numbering *n, bool durable)
{
    if (durable && n->asked)
        n->reserved = n->asked;
    n->asked = 0;
}
