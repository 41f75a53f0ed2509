/* The quick way into an object: one walk over a plain line straight to the values of known names. Part of collectors/decode.
 *
 * It can only say yes. Nearly all events are plain: known names, each once, without escapes, values that are no objects. For
 * any other text it gives up, and the generic scanner (base/json_scan) finds out what it is and what is wrong with it. So
 * a verdict on bad input is always the generic one's, and what is taken here is what that one would have taken
 * (tests/unit/test_decode_twice.c). */
#ifndef KEFU_COLLECTORS_DECODE_SCAN_H
#define KEFU_COLLECTORS_DECODE_SCAN_H

#include <stddef.h>

#include "kefu/base/str.h"
#include "kefu/model/event_table.h"

/* Reads the object that stands first in json, blanks before it aside; returns its length with these blanks. What follows is
 * not looked at. values: all absent at the call; then the raw text of each value by its name's key, strings with their
 * quotes, valid UTF-8 without escapes. 0: it is not plain; values are then anything. */
size_t decode_scan(struct str json, struct str values[EVENT_KEYS_N]);

#endif
