/* Hashes and random bytes, by libsodium, and a checksum, by xxHash. */
#ifndef KEFU_BASE_DIGEST_H
#define KEFU_BASE_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/str.h"

#define DIGEST_KEY_BYTES   16
#define DIGEST_KEYED_BYTES 16
#define DIGEST_SHA256_HEX  65 /* with its zero byte */

/* Must be called once before anything below (libsodium's start); exits with a log line if that fails. */
void digest_start(void);
void digest_random(void *out, size_t n);
/* 128 bits of SipHash-2-4 of s under a key of 16 bytes: how customer ids are kept (SPEC.md, Minimal data). */
void digest_keyed(uint8_t out[DIGEST_KEYED_BYTES], const uint8_t key[DIGEST_KEY_BYTES], struct str s);
void digest_sha256_hex(char out[DIGEST_SHA256_HEX], struct str s);
/* True if equal; takes the same time whatever differs. */
bool digest_same(const void *a, const void *b, size_t n);
/* A 64-bit checksum (XXH3, no seed) for what lies on disk: against damage, not against malice. */
uint64_t digest_checksum(struct str s);

#endif
