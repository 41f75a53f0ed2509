/* Members of JSON objects, appended to a text that is being written: ,"name":value without blanks.
 *
 * A comma comes first, unless the object has just begun; so a text that begins with a member, to be put behind others, begins with a
 * comma. Names are ours and need no escape. */
#ifndef KEFU_BASE_JSON_PUT_H
#define KEFU_BASE_JSON_PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/str.h"

void json_put_name(struct buf *out, const char *name); /* what follows is its value */
void json_put_text(struct buf *out, const char *name, struct str text);
void json_put_known(struct buf *out, const char *name, struct str text); /* nothing, if it is absent or empty */
void json_put_whole(struct buf *out, const char *name, int64_t value);
void json_put_truth(struct buf *out, const char *name, bool value);
void json_put_texts(struct buf *out, const char *name, const struct str *texts, size_t n);

#endif
