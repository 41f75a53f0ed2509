/* The report of SPEC.md: a row for every agent and period that has any figure.
 *
 * `kefuctl compute` prints it from an engine in memory, the control socket from the running daemon: the same code, so that
 * the two can be compared byte for byte. Holds no pay. */
#ifndef KEFU_DAEMON_REPORT_H
#define KEFU_DAEMON_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/tz.h"
#include "kefu/model/period.h"
#include "kefu/model/rulebook.h"
#include "kefu/state/site.h"

/* All pointers are borrowed for the call. */
struct report_request {
    const struct site *site;
    const struct rulebooks *rulebooks; /* those the site was made with */
    const struct tz *tz;               /* the site's */
    enum period_kind by;               /* PERIOD_DAY or PERIOD_MONTH */
    int64_t as_of;                     /* of the site; INT64_MIN (nothing happened yet) is printed as null */
    bool one_line;                     /* no line feeds at all; else one row a line and one at the end */
};

/* Appends the report object to out: {"rulebook", "as_of", "rows"}. Rows are by agent (nobody, null, first; then by the
 * bytes of the id), then by period. A month's row has scores by the rulebook of that month; a day's row and nobody's have
 * the pairs alone. "rulebook" is the one in force at as_of. Cannot fail. */
void report_print(struct buf *out, const struct report_request *r);

#endif
