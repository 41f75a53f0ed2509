/* What the shelf drops when the site has let go of evidence (state/let_go.h): rows of conversations and orders whose last event
 * lies before, the pointers to them, sums of days, what came late for these months, and effects told long ago.
 *
 * Of each order a hash stays (table `gone`), so that it is not paid twice. Done in small steps, each a transaction; a crash
 * between them is no harm, since nobody asks for such rows any more. */
#ifndef KEFU_STORE_LET_GO_H
#define KEFU_STORE_LET_GO_H

#include "kefu/base/err.h"
#include "kefu/model/shelf.h"
#include "kefu/store/db.h"
#include "kefu/store/store.h"

/* One step of SHELF_LET_GO, inside the store's transaction; moves work->stage and work->from on. SQLite's result code. */
int let_go_step(struct db *db, struct shelf_work *work);
/* The month up to which all steps are done; INT32_MIN: none ever was. -1 with e. */
int let_go_done(struct store *s, int32_t *month, struct err *e);

#endif
