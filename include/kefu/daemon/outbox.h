/* Effects on their way out, and the latest of those that are out, in case the other side loses them.
 *
 * The store holds them for good; this is what of it still has to go, up to OUTBOX_KEPT of what has gone, and the numbers that
 * have gone and are not yet marked so on disk. Owns copies. */
#ifndef KEFU_DAEMON_OUTBOX_H
#define KEFU_DAEMON_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/model/effect.h"

#define OUTBOX_KEPT 4096

struct outbox;

struct outbox *outbox_new(void);
void outbox_free(struct outbox *o);
/* A durable effect; copied. Numbers rise from call to call, but for those read at start. Borrowed until the next add. */
const struct effect *outbox_add(struct outbox *o, const struct effect *f);
/* One read at start that has gone out before. */
void outbox_add_sent(struct outbox *o, const struct effect *f);
/* It is outside. False: no such effect is on its way (said twice). */
bool outbox_sent(struct outbox *o, uint64_t number);
/* Numbers sent and not yet handed out here; *n of them, the caller frees. NULL when there are none. */
uint64_t *outbox_take_sent(struct outbox *o, size_t *n);
/* Puts numbers back that could not be marked. */
void outbox_untake(struct outbox *o, const uint64_t *numbers, size_t n);
bool outbox_has_sent(const struct outbox *o);

/* How many are on their way. */
size_t outbox_unsent_n(const struct outbox *o);
/* Calls `each` for every effect of the stream (absent: of all) that is on its way or whose stream id is above
 * after_ms-after_n, by rising number. It may call outbox_sent, not outbox_add. */
struct outbox_from {
    struct str stream;
    int64_t after_ms;
    uint64_t after_n;
};
void outbox_each(struct outbox *o, const struct outbox_from *from, void (*each)(void *arg, const struct effect *f),
                 void *arg);

#endif
