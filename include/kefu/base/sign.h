/* What platforms sign and seal with: HMACs, the old checksums, AES-256-CBC. Only for speaking to them; nothing of ours leans
 * on SHA-1 or MD5.
 *
 * SHA-256 is libsodium's; the rest is OpenSSL's libcrypto, loaded by sign_new when the first collector needs it. */
#ifndef KEFU_BASE_SIGN_H
#define KEFU_BASE_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"

#define SIGN_MD5_BYTES    16
#define SIGN_SHA1_BYTES   20
#define SIGN_SHA256_BYTES 32
#define SIGN_AES_BYTES    32

struct sign;

/* NULL with e: libcrypto is not installed. The caller owns. */
struct sign *sign_new(struct err *e);
void sign_free(struct sign *s);

/* HMAC-SHA256 of the parts one after the other. */
void sign_hmac_sha256(uint8_t out[SIGN_SHA256_BYTES], struct str key, const struct str *parts, size_t parts_n);
void sign_hmac_sha1(const struct sign *s, uint8_t out[SIGN_SHA1_BYTES], struct str key, struct str text);
void sign_sha1(const struct sign *s, uint8_t out[SIGN_SHA1_BYTES], struct str text);
void sign_md5(const struct sign *s, uint8_t out[SIGN_MD5_BYTES], struct str text);
/* AES-256-CBC, the padding left on. Replaces *out. -1: not a whole number of blocks of 16 bytes, or none. */
int sign_aes_open(const struct sign *s, const uint8_t key[SIGN_AES_BYTES], struct str sealed, struct buf *out);
/* The other way, for tests and for answers; plain is a whole number of blocks. Appends. */
int sign_aes_seal(const struct sign *s, const uint8_t key[SIGN_AES_BYTES], struct str plain, struct buf *out);

/* Is the text (hexadecimal of either case; base64) exactly these bytes? The same time whatever differs. */
bool sign_is_hex(struct str text, const uint8_t *mac, size_t n);
bool sign_is_base64(struct str text, const uint8_t *mac, size_t n);
/* Are these two the same? The same time whatever differs, but for their lengths. An absent one is like nothing. */
bool sign_same(struct str a, struct str b);
/* Appends bytes as lower-case hexadecimal, or what base64 (standard, padded) stands for; -1: it is none. */
void sign_put_hex(struct buf *out, const uint8_t *bytes, size_t n);
int sign_put_base64_of(struct buf *out, struct str text);
/* Writes bytes as base64 with a zero byte; out_n is at least 4 × (n / 3 + 1) + 1. */
void sign_put_base64(char *out, size_t out_n, const uint8_t *bytes, size_t n);

#endif
