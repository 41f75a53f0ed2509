/* How far a start has come in the journal, so that one sequence that ends the process each time is found.
 *
 * STATE/replaying holds one line while a start replays: where it is, and how many starts before it have ended at one
 * sequence. A start that fails with a message, or comes through, leaves nothing to count. It is a help, not a promise: it
 * is not synced, and where it cannot be written a start goes on without it. */
#ifndef KEFU_STORE_ATTEMPT_H
#define KEFU_STORE_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/err.h"

#define ATTEMPTS_MAX 3 /* ends at one sequence, and no more starts */

struct attempt {
    int fd; /* -1: not kept */
    uint64_t crash_seq;
    unsigned crash_n; /* starts that ended at crash_seq, running */
};

/* Looks what became of the starts before. -1 with e (sequence and mend): ATTEMPTS_MAX of them have ended at one sequence. */
int attempt_begin(struct attempt *a, const char *dir, struct err *e);
/* The events from `seq` on are about to be folded; 0: none any more. */
void attempt_at(struct attempt *a, uint64_t seq);
/* The replay is over, either way without the process having vanished; `through`: to its end, so that the count begins anew.
 * Lets go of the file. */
void attempt_over(struct attempt *a, bool through);
void attempt_end(struct attempt *a);
/* Is `seq` the sequence at which so many starts have ended that the next is refused? */
bool attempt_blames(const char *dir, uint64_t seq);
/* Forgets what was counted, because what ended them is gone. -1 with e. */
int attempt_forget(const char *dir, struct err *e);

#endif
