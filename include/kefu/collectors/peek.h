/* Looking into a platform's payload, a cJSON tree: what is not there, or is of another kind, is simply absent.
 *
 * A path is member names with dots between them ("conversation.meta.sender"). Everything borrows from the tree. */
#ifndef KEFU_COLLECTORS_PEEK_H
#define KEFU_COLLECTORS_PEEK_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/str.h"

struct peek_id {
    char bytes[160];
};

/* The value there; NULL: none, or null. `at` may be NULL. */
const cJSON *peek(const cJSON *at, const char *path);
/* A string that is not empty; absent otherwise. */
struct str peek_text(const cJSON *at, const char *path);
/* An id: a string of up to 120 bytes that is not empty, or a whole number above 0, as text in `room`; absent otherwise. */
struct str peek_id(const cJSON *at, const char *path, struct peek_id *room);
/* An instant: seconds since 1970 as a number (whole or not), or RFC 3339. Milliseconds; 0: none there (a 0 is none). */
int64_t peek_ms(const cJSON *at, const char *path);
/* A whole number; `otherwise` if there is none. */
int64_t peek_whole(const cJSON *at, const char *path, int64_t otherwise);
bool peek_true(const cJSON *at, const char *path);

#endif
