/* A replay with two hands: a thread reads, proves and decodes rows of the journal while the caller folds the ones before.
 *
 * The connection is the thread's until the replay is over, so the caller must ask nothing of it meanwhile (what it reads of
 * cold conversations has a connection of its own). What is handed out, and in which order, is what journal_replay hands out. */
#ifndef KEFU_STORE_AHEAD_H
#define KEFU_STORE_AHEAD_H

#include "kefu/store/journal.h"

/* The events first_seq … last_seq (first_seq <= last_seq). -1 with e as journal_replay, when all rows before the damage have
 * been handed out. A thread that cannot start ends the process. */
int ahead_replay(struct journal *j, uint64_t first_seq, uint64_t last_seq, const struct store_replay *r, struct err *e);

#endif
