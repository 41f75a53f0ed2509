/* JSON, read strictly: cJSON with a guard in front of it.
 *
 * cJSON by itself cuts strings at \u0000, rounds big integers, keeps the first of duplicate keys and accepts bad UTF-8,
 * so every text goes through json_check first. Numbers are handed on as the literal text they were written in: the only
 * floating point is inside cJSON and is never used for figures. Errors name line, column or path, and the mend. */
#ifndef KEFU_BASE_JSON_H
#define KEFU_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

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

/* Undoes the escapes of a string literal (with its quotes, already checked) into out (room for literal.n bytes), returns
 * the length in bytes. */
size_t json_unescape(struct str literal, char *out);

/* Check, then parse. NULL with e filled. The tree is the caller's (cJSON_Delete) and dies in the function that asked. */
cJSON *json_parse(struct str text, struct err *e);
/* The same for files of people: // and slash-star comments count as blanks (lines keep their numbers), a UTF-8 byte
 * order mark at the start is skipped. `name` is what e->where begins with ("rulebooks/a.json:12"). */
cJSON *json_parse_commented(struct str text, const char *name, struct err *e);

/* The line (from 1) on which the value at `path` stands in a text that json_parse_commented accepted; path such as
 * "kpis[2].weight" ("" is the whole). 0: there is no such place. */
int json_line(struct str text, const char *path);

/* A number of a tree as its decimal literal (15 significant digits, 17 if needed to tell it apart), for fix_parse.
 * Writes at most out_n bytes with a zero byte; returns the slice. */
struct str json_literal(const cJSON *number, char *out, size_t out_n);

/* Reads a whole file (at most max_n bytes) into memory the caller frees; -1 with e (not there, not readable, too long). */
int json_read_file(const char *path, size_t max_n, char **text, size_t *n, struct err *e);

#endif
