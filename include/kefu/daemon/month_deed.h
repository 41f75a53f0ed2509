/* What a person may do about a month: the four acts, by one name each, for the control socket and for the board. */
#ifndef KEFU_DAEMON_MONTH_DEED_H
#define KEFU_DAEMON_MONTH_DEED_H

#include "kefu/daemon/months.h"

enum month_deed { DEED_NONE = 0, DEED_CLOSE, DEED_REOPEN, DEED_ADJUST, DEED_PROPOSE };

/* months_close, months_reopen, months_adjust or months_propose. */
enum month_outcome month_do(struct months *m, enum month_deed deed, const struct month_act *act, struct err *e);
/* What the audit log calls it: "month.close", "adjustment.accept" … */
const char *month_did(enum month_deed deed, bool accept);

#endif
