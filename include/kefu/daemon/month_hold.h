/* What still comes in, or may, of a month that has ended and is not closed. The calendar waits for it; a person sees it and decides.
 *
 *   first_contacts  those of its last day may still fail, until a time
 *   late_input      an event of it or of an earlier month was taken within the last 24 hours (an import is under way)
 *   silent_source   a source told something of it and nothing since it ended; the calendar waits 7 days from when it was heard last
 *   unread_way      a collector that asks has had no good answer since the month ended, or a stream is not being read */
#ifndef KEFU_DAEMON_MONTH_HOLD_H
#define KEFU_DAEMON_MONTH_HOLD_H

#include "kefu/base/buf.h"
#include "kefu/daemon/months.h"

enum hold_why { HOLD_FIRST_CONTACTS = 0, HOLD_LATE_INPUT, HOLD_SILENT_SOURCE, HOLD_UNREAD_WAY };
struct month_hold {
    enum hold_why why;
    struct str name;  /* of a source or a way; else absent. Borrowed until the next event */
    int64_t until_ms; /* from then on it holds nothing back; INT64_MAX: until it is mended */
};
#define MONTH_HOLDS_MAX 32

/* Fills `out` with what holds the month back; returns how many, at most MONTH_HOLDS_MAX. 0 of a month that runs or is closed. */
size_t month_holds(const struct months *m, int32_t month, struct month_hold out[MONTH_HOLDS_MAX]);
/* ,"held":[{"why","name"?,"until"?}] or nothing, if nothing does. */
void month_print_holds(struct buf *out, const struct months *m, int32_t month);
/* Writes into the log that the calendar waits, and for what. */
void month_log_holds(const struct months *m, int32_t month);

#endif
