/* JSON, read strictly: cJSON with a guard in front of it.
 *
 * cJSON by itself cuts strings at \u0000, rounds big integers, keeps the first of duplicate keys and accepts bad UTF-8,
 * so every text goes through json_check (base/json_scan.h) first. Numbers are handed on as the literal text they were written in: the only
 * floating point is inside cJSON and is never used for figures. Errors name line, column or path, and the mend. */
#ifndef KEFU_BASE_JSON_H
#define KEFU_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/base/json_scan.h"
#include "kefu/base/str.h"

/* Check (at most JSON_DEPTH_MAX levels), then parse. NULL with e filled. The tree is the caller's (cJSON_Delete) and dies in the function that asked. */
cJSON *json_parse(struct str text, struct err *e);
/* The same for what a platform answers: in strings, a character that strict JSON has not (half a surrogate pair, \u0000, bad
 * UTF-8, a bare control character) is read as U+FFFD, '?' or a blank, so that somebody's odd text does not lose the rest. */
cJSON *json_parse_mended(struct str text, struct err *e);
/* The same for files of people: // and slash-star comments count as blanks (lines keep their numbers), a UTF-8 byte
 * order mark at the start is skipped. `name` is what e->where begins with ("rulebooks/a.json:12 column 5"). */
cJSON *json_parse_commented(struct str text, const char *name, struct err *e);

/* The line (from 1) on which the value at `path` stands in a text that json_parse_commented accepted; path such as
 * "kpis[2].weight" ("" is the whole). 0: there is no such place. */
int json_line(struct str text, const char *path);
/* Writes "file:line path" for an error (cut to out_n, zero-terminated). Where nothing stands at `path`, because a member is
 * missing, the line is that of the value it is missing in. */
void json_where(char *out, size_t out_n, struct str text, const char *file, const char *path);

/* A number of a tree as its decimal literal (15 significant digits, 17 if needed to tell it apart), for fix_parse.
 * Writes at most out_n bytes with a zero byte; returns the slice. */
struct str json_literal(const cJSON *number, char *out, size_t out_n);

/* Reads a whole file (at most max_n bytes) into memory the caller frees; -1 with e (not there, not readable, too long). */
int json_read_file(const char *path, size_t max_n, char **text, size_t *n, struct err *e);

#endif
