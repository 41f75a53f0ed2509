/* A store counted anew under other rulebooks, in memory, to see what they would have made of the months there were.
 *
 * Works on a copy of the store that is its own (store/backup.h). What was decided at the door (closers, placeholders) stays as
 * it was decided then. */
#ifndef KEFU_DAEMON_BACKTEST_H
#define KEFU_DAEMON_BACKTEST_H

#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/base/tz.h"
#include "kefu/daemon/checkpoint.h"
#include "kefu/daemon/month_draft.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/shelf.h"
#include "kefu/state/site.h"
#include "kefu/store/shelf.h"
#include "kefu/store/store.h"

struct backtest {
    struct store *store; /* owned, like all below */
    struct shelf shelf;
    struct shelf_reader *reader;
    struct site *site;
    struct sources *sources;
    struct checkpoint *checkpoint;
    const struct rulebooks *rulebooks; /* borrowed, as is tz */
    const struct tz *tz;
};

/* Reads the store in `dir` whole, judged by these rulebooks, as of now_ms. backtest_close is due either way. -1 with e. */
int backtest_open(struct backtest *b, const char *dir, const struct rulebooks *rulebooks, const struct tz *tz,
                  struct err *e);
void backtest_run(struct backtest *b, int64_t now_ms);
void backtest_close(struct backtest *b);
/* The month as it would be closed. `before`: the draft of the month before, or NULL. month_draft_free is due. */
void backtest_month(const struct backtest *b, int32_t month, const struct month_draft *before, struct month_draft *out);

#endif
