/* What a closed month brings an agent: bonus, perks, actions, and how many months in a row.
 *
 * Pure. Money is whole fen, and leaves only through the interfaces of pay. */
#ifndef KEFU_RULES_PAY_H
#define KEFU_RULES_PAY_H

#include "kefu/model/book.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/score.h"

/* Fills KPIs, total, tier, bonus, perks, actions and months in a row of `row`, whose figures are there. `before` is the
 * agent's row of the month before, as it counts now; NULL: none. Strings are the rulebook's. */
void pay_row(const struct rulebook *r, bool had_orders, const struct book_row *before, struct book_row *row);

#endif
