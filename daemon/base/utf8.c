/* UTF-8, a character at a time: the bit patterns of RFC 3629 stand here and nowhere else.
 *
 * utf8_length is the gate: it accepts exactly the well-formed sequences. The others trust what has passed it. */
#include "kefu/base/utf8.h"

#include <stdbool.h>

/* Do n - 1 continuation bytes follow? */
static bool continues(const unsigned char *p, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return false;
        }
    }
    return true;
}

size_t utf8_length(const char *at, const char *end)
{
    const unsigned char *p = (const unsigned char *)at;
    unsigned char c = p[0];
    if (c < 0x80) {
        return 1;
    }
    size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4 || n > (size_t)(end - at) || !continues(p, n)) {
        return 0;
    }
    bool overlong = (c == 0xE0 && p[1] < 0xA0) || (c == 0xF0 && p[1] < 0x90);
    bool surrogate = c == 0xED && p[1] > 0x9F;
    bool beyond = c == 0xF4 && p[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : n;
}

uint32_t utf8_get(const char *at, size_t *n)
{
    const unsigned char *p = (const unsigned char *)at;
    if (p[0] < 0x80) {
        *n = 1;
        return p[0];
    }
    *n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    uint32_t code = p[0] & (0x7FU >> *n);
    for (size_t i = 1; i < *n; i++) {
        code = code << 6 | (p[i] & 0x3FU);
    }
    return code;
}

size_t utf8_put(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)(((0xF00U >> n) & 0xFF) | code);
    return n;
}

struct str utf8_cut(struct str s, size_t max_n)
{
    if (s.n <= max_n) {
        return s;
    }
    while (max_n > 0 && ((unsigned char)s.p[max_n] & 0xC0) == 0x80) {
        max_n--;
    }
    return (struct str){s.p, max_n};
}
