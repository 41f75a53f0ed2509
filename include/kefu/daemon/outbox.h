/* Effects on their way out: durable, not yet known to have been taken by the other side.
 *
 * The store holds them for good; this is what of it still has to go out, and the numbers that have gone and are not yet
 * marked so on disk. Owns copies. */
#ifndef KEFU_DAEMON_OUTBOX_H
#define KEFU_DAEMON_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/model/effect.h"

struct outbox;

struct outbox *outbox_new(void);
void outbox_free(struct outbox *o);
/* A durable effect; copied. Numbers rise from call to call. Borrowed until it is sent. */
const struct effect *outbox_add(struct outbox *o, const struct effect *f);
/* It is outside. False: no such effect is on its way (said twice). */
bool outbox_sent(struct outbox *o, uint64_t number);
/* Numbers sent and not yet handed out here; *n of them, the caller frees. NULL when there are none. */
uint64_t *outbox_take_sent(struct outbox *o, size_t *n);
/* Puts numbers back that could not be marked. */
void outbox_untake(struct outbox *o, const uint64_t *numbers, size_t n);
bool outbox_has_sent(const struct outbox *o);

/* Effects on their way, oldest first: 0 … n-1. */
size_t outbox_n(const struct outbox *o);
const struct effect *outbox_at(const struct outbox *o, size_t i);

#endif
