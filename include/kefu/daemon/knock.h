/* Who knocks with wrong tokens: counts by address, so that guessing is slow and cheap for us. */
#ifndef KEFU_DAEMON_KNOCK_H
#define KEFU_DAEMON_KNOCK_H

#include <stdint.h>

#include "kefu/base/str.h"

struct knocks;

struct knocks *knocks_new(int most_a_minute);
void knocks_free(struct knocks *k);
/* Seconds that the address has to wait; 0: it may try. */
int knock_wait_s(const struct knocks *k, struct str address, int64_t mono_ms);
void knock_wrong(struct knocks *k, struct str address, int64_t mono_ms);

#endif
