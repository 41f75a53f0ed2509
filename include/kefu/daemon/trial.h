/* A backtest asked for by HTTP: `kefuctl backtest --json` beside the daemon, in a process of its own.
 *
 * It counts a copy of the store twice, which takes seconds to minutes and as much memory as the daemon: so it may be ended at any
 * time, by its limit, by the kernel for want of memory (before the daemon), or with the daemon, and nothing else notices. One
 * at a time; the last result is kept until the next begins. Holds pay. One thread: the loop. */
#ifndef KEFU_DAEMON_TRIAL_H
#define KEFU_DAEMON_TRIAL_H

#include <event2/event.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/base/str.h"

struct trial;

#define TRIAL_ID_BYTES 16

struct trial *trial_new(struct event_base *base); /* borrowed */
/* Ends what runs. NULL is well. */
void trial_free(struct trial *t);

struct trial_ask {
    struct str rulebook; /* its text */
    struct str month;    /* such as "2026-03"; absent: the last three */
    struct str state_dir, timezone;
};
/* Begins one. The id is borrowed until the next. NULL with e: another one runs, or it cannot be begun. */
const char *trial_begin(struct trial *t, const struct trial_ask *ask, struct err *e);

enum trial_state { TRIAL_NONE = 0, TRIAL_RUNNING, TRIAL_DONE, TRIAL_BAD_RULEBOOK, TRIAL_FAILED };
/* How the one with this id stands; TRIAL_NONE: there is none. *said: DONE the JSON of kefuctl, BAD_RULEBOOK and FAILED what it said;
 * borrowed until the next begins. */
enum trial_state trial_find(const struct trial *t, struct str id, struct str *said);

#endif
