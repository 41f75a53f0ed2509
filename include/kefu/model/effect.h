/* Something a rule decided that must be told outside once: a tier change, an alert, or a
 * message for a channel (stream "channel:NAME").
 *
 * An effect gets its final stream id before it is committed to the outbox, so that whatever crashes, the same entry is
 * sent again under the same id and the stream refuses the second one. Never holds pay. */
#ifndef KEFU_MODEL_EFFECT_H
#define KEFU_MODEL_EFFECT_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/str.h"

#define EFFECT_PAIRS_MAX 16

enum effect_kind { EFFECT_NONE = 0, EFFECT_TIER = 1, EFFECT_ALERT = 2, EFFECT_NOTICE = 3 };

struct effect {
    enum effect_kind kind;
    uint64_t number;   /* in the outbox; rising, never reused */
    int64_t stream_ms; /* the stream id is stream_ms-stream_n: max(now, last) and a counter */
    uint64_t stream_n;
    struct str stream;                      /* "tiers", "alerts", "channel:NAME" */
    struct str pairs[2 * EFFECT_PAIRS_MAX]; /* field, value, field, value … */
    size_t pairs_n;                         /* strings in pairs */
};

#endif
