/* The rows of a month as payroll knows them: of a closed one as they stand in the book, else as a closing would freeze them now. */
#ifndef KEFU_DAEMON_BOOKED_H
#define KEFU_DAEMON_BOOKED_H

#include "kefu/daemon/month_export.h"
#include "kefu/daemon/months.h"

struct booked {
    int32_t month;
    const struct book_entry *closing; /* NULL: it is not closed */
    const struct rulebook *rulebook;
    struct book_row *rows; /* by booked_key */
    size_t n;
    struct month_export closed; /* owned: what the rows are of, one of the two */
    struct month_draft draft;
};

/* booked_fini is due either way. -1 with e: the book is damaged. */
int booked_read(struct booked *b, struct months *m, int32_t month, struct err *e);
/* Adds those who have left and are still paid by an adjustment; after booked_read. */
void booked_add_leavers(struct booked *b);
void booked_fini(struct booked *b);
/* By what a row is known: the agent's id, or of one who was forgotten the digits of "person". */
struct str booked_key(const struct book_row *row);
const struct book_row *booked_find(const struct booked *b, struct str agent); /* NULL: none */
/* Adjustments of earlier months that are paid with this one; 0 while it is not closed. */
int64_t booked_adjusted_fen(const struct booked *b, const struct book_row *row);
const struct tier *booked_tier(const struct booked *b, const struct book_row *row); /* NULL: not rated */

#endif
