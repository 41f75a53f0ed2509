/* Names that were erased, and what stands for them: put in place of them at the door, so that what is sent again is the same event
 * as before, and a name that is gone does not come back.
 *
 * Kept are keyed hashes of the names (the key of customers' ids), never the names. */
#ifndef KEFU_MODEL_ALIASES_H
#define KEFU_MODEL_ALIASES_H

#include "kefu/base/arena.h"
#include "kefu/base/digest.h"
#include "kefu/base/str.h"
#include "kefu/model/event.h"

/* What kind of name; the letter stands on disk. */
#define ALIAS_AGENT        'a'
#define ALIAS_CUSTOMER     'u' /* of the keyed hash by which customers are known */
#define ALIAS_CONVERSATION 'c'
#define ALIAS_ORDER        'o'
#define ALIAS_ID           'e' /* of an event: its source, a line feed, its id */

struct aliases;

struct aliases *aliases_new(const uint8_t key[DIGEST_KEY_BYTES]);
void aliases_free(struct aliases *a);
/* The hash by which a name is known: hexadecimal digits. */
#define ALIAS_HASH_BYTES (2 * DIGEST_KEYED_BYTES + 1)
void aliases_hash(char out[ALIAS_HASH_BYTES], const uint8_t key[DIGEST_KEY_BYTES], char kind, struct str name);
/* Adds one; both are copied. */
void aliases_add(struct aliases *a, struct str hash, struct str to);
/* Puts what stands for its names into an event; strings live in the arena or as long as a. a may be NULL. */
void aliases_apply(const struct aliases *a, struct event *e);

#endif
