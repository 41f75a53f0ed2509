/* Thin names over libsodium and libcrypto. Keeps true: comparisons of what is secret take the same time whatever differs, and
 * libcrypto is asked for nothing but what platforms have chosen for us. */
#include "kefu/base/sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdlib.h>

#include "kefu/base/late.h"
#include "kefu/base/mem.h"

#define CRYPTO_FUNCTIONS(X)                                                                                            \
    X(HMAC)                                                                                                            \
    X(EVP_Digest)                                                                                                      \
    X(EVP_sha1)                                                                                                        \
    X(EVP_md5)                                                                                                         \
    X(EVP_aes_256_cbc)                                                                                                 \
    X(EVP_CIPHER_CTX_new)                                                                                              \
    X(EVP_CIPHER_CTX_free)                                                                                             \
    X(EVP_CIPHER_CTX_set_padding)                                                                                      \
    X(EVP_CipherInit_ex)                                                                                               \
    X(EVP_CipherUpdate)

struct sign {
#define X(name) __typeof__(name) *(name);
    CRYPTO_FUNCTIONS(X)
#undef X
};

static const struct late_symbol symbols[] = {
#define X(name) {#name, offsetof(struct sign, name)},
    CRYPTO_FUNCTIONS(X)
#undef X
        {NULL, 0},
};

static const unsigned char *bytes_of(struct str s)
{
    return (const unsigned char *)(s.n ? s.p : "");
}

struct sign *sign_new(struct err *e)
{
    struct sign *s = xcalloc(1, sizeof(*s));
    if (late_load("libcrypto.so.3", "libssl3", symbols, s, e) < 0) {
        free(s);
        return NULL;
    }
    return s;
}

void sign_free(struct sign *s)
{
    free(s);
}

void sign_hmac_sha256(uint8_t out[SIGN_SHA256_BYTES], struct str key, const struct str *parts, size_t parts_n)
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, bytes_of(key), key.n);
    for (size_t i = 0; i < parts_n; i++) {
        crypto_auth_hmacsha256_update(&state, bytes_of(parts[i]), parts[i].n);
    }
    crypto_auth_hmacsha256_final(&state, out);
}

void sign_hmac_sha1(const struct sign *s, uint8_t out[SIGN_SHA1_BYTES], struct str key, struct str text)
{
    unsigned n = SIGN_SHA1_BYTES;
    s->HMAC(s->EVP_sha1(), bytes_of(key), (int)key.n, bytes_of(text), text.n, out, &n);
}

void sign_sha1(const struct sign *s, uint8_t out[SIGN_SHA1_BYTES], struct str text)
{
    unsigned n = SIGN_SHA1_BYTES;
    s->EVP_Digest(bytes_of(text), text.n, out, &n, s->EVP_sha1(), NULL);
}

void sign_md5(const struct sign *s, uint8_t out[SIGN_MD5_BYTES], struct str text)
{
    unsigned n = SIGN_MD5_BYTES;
    s->EVP_Digest(bytes_of(text), text.n, out, &n, s->EVP_md5(), NULL);
}

/* The platforms' vector is the key's own first block. */
static int aes(const struct sign *s, const uint8_t *key, struct str in, struct buf *out, int seal)
{
    if (in.n == 0 || in.n % 16 || in.n > (size_t)1 << 26) {
        return -1;
    }
    EVP_CIPHER_CTX *x = s->EVP_CIPHER_CTX_new();
    int n = 0;
    buf_reserve(out, in.n + 16);
    bool good = x && s->EVP_CipherInit_ex(x, s->EVP_aes_256_cbc(), NULL, key, key, seal) == 1 &&
                s->EVP_CIPHER_CTX_set_padding(x, 0) == 1 &&
                s->EVP_CipherUpdate(x, (unsigned char *)out->p + out->n, &n, bytes_of(in), (int)in.n) == 1 &&
                (size_t)n == in.n;
    s->EVP_CIPHER_CTX_free(x);
    out->n += good ? (size_t)n : 0;
    return good ? 0 : -1;
}

int sign_aes_open(const struct sign *s, const uint8_t key[SIGN_AES_BYTES], struct str sealed, struct buf *out)
{
    out->n = 0;
    return aes(s, key, sealed, out, 0);
}

int sign_aes_seal(const struct sign *s, const uint8_t key[SIGN_AES_BYTES], struct str plain, struct buf *out)
{
    return aes(s, key, plain, out, 1);
}

bool sign_is_hex(struct str text, const uint8_t *mac, size_t n)
{
    unsigned char found[64];
    size_t found_n = 0;
    if (n > sizeof(found) || text.n != 2 * n ||
        sodium_hex2bin(found, sizeof(found), text.p, text.n, NULL, &found_n, NULL) != 0) {
        return false;
    }
    return found_n == n && sodium_memcmp(found, mac, n) == 0;
}

bool sign_is_base64(struct str text, const uint8_t *mac, size_t n)
{
    char expected[128];
    if (sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL) > sizeof(expected)) {
        return false;
    }
    sign_put_base64(expected, sizeof(expected), mac, n);
    return sign_same(text, str_of(expected));
}

bool sign_same(struct str a, struct str b)
{
    return a.n > 0 && a.n == b.n && sodium_memcmp(a.p, b.p, a.n) == 0;
}

void sign_put_hex(struct buf *out, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        buf_put_byte(out, (uint8_t)digits[bytes[i] >> 4]);
        buf_put_byte(out, (uint8_t)digits[bytes[i] & 15]);
    }
}

int sign_put_base64_of(struct buf *out, struct str text)
{
    size_t n = 0;
    buf_reserve(out, text.n + 1);
    if (text.n == 0 || sodium_base642bin((unsigned char *)out->p + out->n, text.n, text.p, text.n, NULL, &n, NULL,
                                         sodium_base64_VARIANT_ORIGINAL) != 0) {
        return -1;
    }
    out->n += n;
    return 0;
}

void sign_put_base64(char *out, size_t out_n, const uint8_t *bytes, size_t n)
{
    sodium_bin2base64(out, out_n, bytes, n, sodium_base64_VARIANT_ORIGINAL);
}
