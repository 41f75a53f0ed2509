/* What the tests of the door share. In their tables ' stands for ", so that they can be read. */
#ifndef KEFU_TESTS_SUPPORT_DECODE_H
#define KEFU_TESTS_SUPPORT_DECODE_H

#include <stdint.h>

#include "kefu/base/digest.h"
#include "kefu/collectors/decode.h"

#define NOW  INT64_C(1772409600000) /* 2026-03-02T00:00:00Z */
#define A128 A32 A32 A32 A32
#define A32  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEAD "'id':'i1','ts':1772409600000,"
#define MSG  HEAD "'type':'message','conversation':'c1',"
#define RATE HEAD "'type':'rating','conversation':'c1',"
#define ORD  HEAD "'type':'order','order':'o1','agent':'A',"

extern const uint8_t decode_key[DIGEST_KEY_BYTES];

/* At NOW, with a few phrases, any source. */
struct decode_context door_context(void);
/* A copy the caller frees, in memory of exactly its own size, ' made ". */
struct str door_text(const char *text);
/* Decodes a quoted text with `how`; the bytes are gone afterwards, so that what the batch holds is its own. */
struct batch *door_decoded(const char *text, void (*how)(struct batch *, struct str, const struct decode_context *));
void door_drop(struct str s); /* frees what door_text gave */

#endif
