/* What a closed month proposes about people, and what it brings them: actions that a named person confirms or rejects, perks
 * and since when they hold, the bonus by team and by shop as it is and as projected.
 *
 * An action that hurts a person (all but the proposal of a team lead) can be confirmed only after the days of appeal of the
 * rulebook; the calendar never does. */
#ifndef KEFU_DAEMON_MONTH_PROPOSE_H
#define KEFU_DAEMON_MONTH_PROPOSE_H

#include "kefu/base/buf.h"
#include "kefu/daemon/months.h"

/* Whose are told: of whom sees() says so. NULL: everybody's. */
struct month_sight {
    bool (*sees)(void *arg, struct str agent);
    void *arg;
};
/* [{"agent", "proposal", "months" (in a row), "confirm_from" (ms), "state": open, accepted or rejected[, "decided_by",
 * "decided_at", "reason"]}] of a closed month. -1 with e: it is not closed. */
int month_print_proposals(struct buf *out, struct months *m, int32_t month, const struct month_sight *sight,
                          struct err *e);
/* [{"agent", "perk", "since" (month)}] of a closed month, months closed in a row counted back. */
int month_print_perks(struct buf *out, struct months *m, int32_t month, struct err *e);
/* {"bonus_fen", "projected_fen", "teams": [{"team", "agents", "bonus_fen", "projected_fen"}], "shops" (month_shops.h)}. Projected, of a month that has
 * not ended: counts and conversations go on as so far, shares and means stay. Holds pay. */
int month_print_bonus(struct buf *out, struct months *m, int32_t month, struct err *e);
/* Confirms or rejects act->agent's act->proposal of act->month. */
enum month_outcome months_propose(struct months *m, const struct month_act *act, struct err *e);

#endif
