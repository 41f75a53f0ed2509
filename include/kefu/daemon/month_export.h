/* What an export of a closed month is made of, read from the book: for kefuctl on its own, and for the daemon's HTTP. */
#ifndef KEFU_DAEMON_MONTH_EXPORT_H
#define KEFU_DAEMON_MONTH_EXPORT_H

#include "kefu/daemon/months.h"
#include "kefu/publish/month_export.h"

struct month_export {
    struct export_month month; /* for the functions of publish/month_export.h */
    struct month_rows rows;    /* owned, like all below */
    struct export_adjustment *adjustments;
    struct month_rows *pairs; /* of an adjustment each */
    size_t pairs_n;
    struct rulebook *rulebook;
};

/* Of the closing in force, or of a version (0: the one in force). month_export_fini is due either way. -1 with e: there is no
 * such closing, or the book is damaged. */
int month_export_read(struct month_export *x, const struct months *m, int32_t month, int64_t version, struct err *e);
void month_export_fini(struct month_export *x);
/* A rulebook as the store remembers it; the caller's. NULL with e: it knows none of this name. */
struct rulebook *month_rulebook(const struct months *m, struct str name, struct err *e);

#endif
