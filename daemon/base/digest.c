/* libsodium and xxHash under names of ours.
 *
 * It keeps true that what keeps secrets (keyed hashes, comparisons) is libsodium's, and that the checksum of records never
 * changes: it is on disk. */
#include "kefu/base/digest.h"

#include <sodium.h>
#include <stdlib.h>
#include <sysexits.h>

#include "kefu/base/log.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(DIGEST_KEY_BYTES == crypto_shorthash_siphashx24_KEYBYTES, "key of SipHash");
_Static_assert(DIGEST_KEYED_BYTES == crypto_shorthash_siphashx24_BYTES, "width of SipHash");
_Static_assert(DIGEST_SHA256_HEX == 2 * crypto_hash_sha256_BYTES + 1, "width of SHA-256");

static const unsigned char *bytes_of(struct str s)
{
    return (const unsigned char *)(s.n ? s.p : "");
}

void digest_start(void)
{
    if (sodium_init() >= 0)
        return;
    log_line(LOG_LEVEL_ERROR, "sodium_failed", "what=\"libsodium could not be started\"");
    exit(EX_SOFTWARE);
}

void digest_random(void *out, size_t n)
{
    randombytes_buf(out, n);
}

void digest_keyed(uint8_t out[DIGEST_KEYED_BYTES], const uint8_t key[DIGEST_KEY_BYTES], struct str s)
{
    (void)crypto_shorthash_siphashx24(out, bytes_of(s), s.n, key);
}

void digest_sha256_hex(char out[DIGEST_SHA256_HEX], struct str s)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256(hash, bytes_of(s), s.n);
    (void)sodium_bin2hex(out, DIGEST_SHA256_HEX, hash, sizeof hash);
}

bool digest_same(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

uint64_t digest_checksum(struct str s)
{
    return XXH3_64bits(bytes_of(s), s.n);
}
