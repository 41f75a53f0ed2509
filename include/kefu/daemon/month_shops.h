/* The bonus of a month by shop: each agent's bonus split over the shops that the agent's handled conversations were of
 * (rules/pay.h), and summed. Who handled nothing, or nothing that named a shop, stands under no shop. Holds pay. */
#ifndef KEFU_DAEMON_MONTH_SHOPS_H
#define KEFU_DAEMON_MONTH_SHOPS_H

#include "kefu/base/buf.h"
#include "kefu/base/intern.h"
#include "kefu/model/book.h"

struct shop_sum {
    struct str shop; /* borrows from names; "": none */
    int64_t agents_n, handled, bonus_fen, projected_fen;
};

struct shop_sums {
    struct intern names;
    struct shop_sum *list; /* owned; by number in names, 0: no shop */
    size_t n, cap;
};

void shop_sums_init(struct shop_sums *s);
void shop_sums_fini(struct shop_sums *s);
/* An agent's row, and what its bonus would be at the month's end. */
void shop_sums_add(struct shop_sums *s, const struct book_row *row, int64_t projected_fen);
/* [{"shop", "agents", "handled", "bonus_fen", "projected_fen"}], by the bytes of the names, no shop ("") last. Once: it sorts. */
void shop_sums_print(struct buf *out, struct shop_sums *s);

#endif
