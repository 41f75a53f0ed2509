/* The door: JSON bytes become events of model/event.h, or refusals with a reason a person can act on.
 *
 * Every check of SPEC.md's event table is made here and nowhere else. The table is data, one row a type
 * (model/event_table.h). Members are read in place, plain lines by the quick scanner of collectors/decode_scan, all others by
 * the strict and generic one of base/json_scan, and not from a tree of cJSON:
 * numbers keep the literal they were written in, so 4.3 is exactly 4.3 and no id or amount passes through a double, and an
 * event costs well under a microsecond.
 *
 * Besides SPEC.md's rules, figures have bounds, so that no sum can overflow: ts from 2000-01-01 to 2099-12-31, scale up to
 * 1,000,000, amount_fen from 0 to 10^12. Text fields are 1 … 128 bytes (name, reason: 512); an empty one is refused, since
 * it is neither a value nor absent. `text` may be empty and of any length.
 *
 * A reason is one line: "field: found …, expected …", or "column N: …" where the JSON itself is wrong. It quotes the value
 * found (cut, invisible characters escaped), but of a text, a customer, a person's name or number and a stated reason tells
 * only what kind of value it was. */
#ifndef KEFU_COLLECTORS_DECODE_H
#define KEFU_COLLECTORS_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/str.h"
#include "kefu/model/batch.h"
#include "kefu/model/rulebook.h"

#define DECODE_AHEAD_MS INT64_C(300000) /* events stamped further ahead of the clock are kept for later */

struct decode_context {
    int64_t now_ms;                  /* INT64_MAX: no limit on the future (compute) */
    const struct rulebook *rulebook; /* phrase lists */
    const uint8_t *customer_key;     /* DIGEST_KEY_BYTES */
    struct str default_source;       /* usually "default" */
    /* Sources a token may write, and how many; 0: all. Others are refused, the reason says which are allowed. */
    const struct str *sources;
    size_t sources_n;
    bool acts; /* what people do (event_is_act) is taken too: of files that a person computes from, never at a door */
};

/* Decodes one JSON value into b: adds one event or one refusal and counts one input. Bytes are borrowed for the call. */
void decode_one(struct batch *b, struct str json, const struct decode_context *c);
/* The same without the quick scanner (collectors/decode_scan): the reference that decode_one is held to in tests. */
void decode_one_generic(struct batch *b, struct str json, const struct decode_context *c);
/* A body of HTTP: one object, an array of objects, or NDJSON (told by the first byte that is no blank, and by whether an
 * object goes to the end). Blank lines count as no input. A body that is nothing of these is one refused input.
 * A bad element of an array does not spoil the others, even when it is no JSON, as long as its quotes and brackets show
 * where it ends; else one refusal stands for all from there on and gives the byte. */
void decode_body(struct batch *b, struct str body, const struct decode_context *c);
/* Lines of NDJSON: decodes each whole line in `bytes`, returns how many bytes were used (the rest is a line not yet ended).
 * Each line, blank or not, counts as one input so that index + 1 is the line number; blank ones are skipped silently. */
size_t decode_lines(struct batch *b, struct str bytes, const struct decode_context *c);

#endif
