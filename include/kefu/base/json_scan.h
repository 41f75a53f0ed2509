/* JSON checked and sliced in place, without a tree: what is quick enough for events and exact for numbers.
 *
 * A checked text may be sliced by its members and unescaped; numbers stay the literal they were written in (for
 * base/fix.h). Trees, for files of people, are in base/json.h. Errors show one byte of the text or one key, never a
 * value: values may be what must not be logged. */
#ifndef KEFU_BASE_JSON_SCAN_H
#define KEFU_BASE_JSON_SCAN_H

#include <stddef.h>

#include "kefu/base/err.h"
#include "kefu/base/str.h"

#define JSON_DEPTH_MAX 16

/* One member of the outermost object, as slices of the text. */
struct json_member {
    struct str key;   /* between the quotes, escapes not undone */
    struct str value; /* the raw text of the value, strings with their quotes */
};

/* Is `text` exactly one JSON value: RFC 8259 grammar, valid UTF-8 without surrogate halves, no \u0000, no duplicate keys
 * in an object (compared with their escapes undone), nesting at most max_depth, nothing but blanks around it? -1 with e:
 * where = "line L column C", what = what was found and expected. */
int json_check(struct str text, int max_depth, struct err *e);

/* The same check at depth JSON_DEPTH_MAX and that the value is an object, whose members are written to `members` (at most
 * cap; *n is how many there are in all, those over cap are checked but not kept). Slices borrow from text. */
int json_members(struct str text, struct json_member *members, size_t cap, size_t *n, struct err *e);

/* Reads the one value `text` begins with (no blanks before it), checked as above; *used is its length in bytes. What
 * follows it is not looked at. -1 with e: *used is where the first wrong byte stands, or before. */
int json_first(struct str text, int max_depth, size_t *used, struct err *e);

/* What kind of value begins here, for messages: "a string", "null", "an array"… Looks at the first byte alone. */
const char *json_kind(struct str value);

/* Undoes the escapes of a string literal (with its quotes, already checked) into out (room for literal.n bytes), returns
 * the length in bytes. */
size_t json_unescape(struct str literal, char *out);

#endif
