/* What a closed month brings an agent: bonus, perks, actions, and how many months in a row.
 *
 * Pure. Money is whole fen, and leaves only through the interfaces of pay. */
#ifndef KEFU_RULES_PAY_H
#define KEFU_RULES_PAY_H

#include "kefu/model/book.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/score.h"

/* What a month can propose; further words are the rulebook's own actions of a tier. Those that hurt a person are proposals:
 * a named person confirms them after the days of appeal (daemon/months.h). */
#define PAY_TRANSFER  STR_LIT("transfer_suggested")
#define PAY_TEAM_LEAD STR_LIT("team_lead_proposed")

/* Fills KPIs, total, tier, bonus, perks, actions and months in a row of `row`, whose figures, days and grace are there. `before` is the
 * agent's row of the month before, as it counts now; NULL: none. Strings are the rulebook's. */
void pay_row(const struct rulebook *r, bool had_orders, const struct book_row *before, struct book_row *row);

/* Splits an amount (>= 0) over shops by the conversations handled for each: every part is cut to a whole fen, and what is left
 * over goes, a fen each, to those that were cut most; of equal ones to the earlier in the list. So parts[0 … n-1] are the
 * amount to the fen. All handled > 0, n >= 1. */
void pay_split(int64_t fen, const struct shop_handled *shops, size_t n, int64_t *parts);

#endif
