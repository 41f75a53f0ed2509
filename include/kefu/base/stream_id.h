/* Ids of entries in Redis streams: milliseconds and a counter, "1772442045131-7". */
#ifndef KEFU_BASE_STREAM_ID_H
#define KEFU_BASE_STREAM_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/str.h"

#define STREAM_ID_BYTES 48 /* the longest as text, with its zero byte */

/* Zero is before every entry there can be. Both parts are of 64 bits without a sign: others may choose ids as they like. */
struct stream_id {
    uint64_t ms;
    uint64_t n;
};

/* Reads a whole "ms-n" of digits; false: it is none, *out is zero. */
bool stream_id_read(struct str text, struct stream_id *out);
/* Writes it, with a zero byte behind it, and returns it as a str over out. */
struct str stream_id_print(char out[STREAM_ID_BYTES], struct stream_id id);
/* Less than, equal, greater than zero. */
int stream_id_cmp(struct stream_id a, struct stream_id b);

#endif
