/* What became of a batch, as the peer reads it: counts, and each refused input with its reason. */
#ifndef KEFU_COLLECTORS_ANSWER_H
#define KEFU_COLLECTORS_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/model/batch.h"

/* Appends `"accepted": a, "duplicate": d, "rejected": [{place: n, "id": …, "reason": …}]` (no braces around it). place is the
 * word for an input's number ("index", "line"), first its number of the batch's first input. An id that could not be read
 * is null. */
void answer_print(struct buf *out, const struct batch *b, const char *place, uint64_t first);
/* How many of the batch's events have this verdict. */
size_t answer_count(const struct batch *b, enum verdict v);

#endif
