/* The key under which customer ids are hashed (SPEC.md, Minimal data).
 *
 * It lives in a file of its own, mode 0600, made at the first start. The store keeps a check value of it: with another key the
 * same customer would be two, and first contacts would be wrong. So a store that has events never gets a new key. */
#ifndef KEFU_DAEMON_KEY_H
#define KEFU_DAEMON_KEY_H

#include <stdint.h>

#include "kefu/base/digest.h"
#include "kefu/base/err.h"
#include "kefu/store/store.h"

/* `path` is a file or names a credential (daemon/credential.h). Reads the key; makes it if it is a file that is not there and
 * the store is empty (a credential is never made). Before writer_start. -1 with e: the key is missing though there are
 * events, is not the store's key, can be read by others, or cannot be read or made. */
int key_load(const char *path, struct store *s, uint8_t key[DIGEST_KEY_BYTES], struct err *e);

#endif
