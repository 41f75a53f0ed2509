/* Copies of a whole store: made beside a running daemon, put back where none runs.
 *
 * A backup is one SQLite file, the store as it was at one moment; what is acknowledged before it begins is in it. It has been
 * read back and checked before it gets its name. The key of the customer ids is not in it (daemon/key.h). */
#ifndef KEFU_STORE_BACKUP_H
#define KEFU_STORE_BACKUP_H

#include <stddef.h>

#include "kefu/base/err.h"
#include "kefu/store/reader.h"

/* Writes FILE.part (0600), checks it, syncs it and renames it to FILE, in place of what had that name. Keeps a read transaction
 * for as long as the copying takes. `w` is told of progress and of damage in the copy. -1 with e: could not be written, or
 * there is damage; FILE is then as it was. */
int backup_make(struct reader *r, const char *file, const struct reader_watch *w, struct err *e);
/* Checks FILE whole, copies it into the state directory `dir` (made if it is not there) and sets it in the place of the
 * database, which is kept under the name told in `kept` ("" if there was none). -1 with e: a daemon runs there, or FILE does
 * not hold a sound store, or it could not be written; the directory's store is then as it was, or, after a crash at the
 * very end, refuses to start until this is done again. */
int backup_restore(const char *dir, const char *file, const struct reader_watch *w, char kept[4096], struct err *e);

#endif
