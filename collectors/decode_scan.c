/* One walk, no stack, no list of keys: what it does not know at first sight it leaves to the generic scanner.
 *
 * It keeps true that it accepts only what base/json_scan accepts, with the same slices: strings end at their quote, are
 * UTF-8 and hold neither escapes nor control characters, numbers follow RFC 8259, no name stands twice. Eight bytes are
 * looked at together; nothing behind the end of the text is read. */
#include "kefu/collectors/decode_scan.h"

#include <string.h>

#include "kefu/base/utf8.h"

/* A bit in each byte of eight that ends the plain part of a string: quote, backslash, control or not ASCII. Only the lowest
 * is sure: the subtractions borrow upwards. */
static uint64_t odd_bytes(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t high = UINT64_C(0x8080808080808080);
    uint64_t w;
    memcpy(&w, p, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    uint64_t quote = w ^ (ones * '"');
    uint64_t slash = w ^ (ones * '\\');
    return (w | (w - ones * 0x20) | (quote - ones) | (slash - ones)) & high;
}

/* The first byte from p on that is not plain ASCII of a string; end if there is none. */
static const char *over_plain(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t odd = odd_bytes(p);
        if (odd) {
            return p + __builtin_ctzll(odd) / 8;
        }
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }
    return p;
}

/* Behind the characters of two and more bytes that p begins with; p itself if the first is none. */
static const char *over_wide(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p >= 0x80) {
        unsigned char c = (unsigned char)*p;
        /* Chinese: three bytes, of which these first ones have no forbidden second. */
        if (c > 0xE0 && c < 0xF0 && c != 0xED && end - p >= 3 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80) {
            p += 3;
            continue;
        }
        size_t n = utf8_length(p, end);
        if (!n) {
            return p;
        }
        p += n;
    }
    return p;
}

/* Behind the closing quote of the string whose opening quote is at p; NULL if it is not plain to there. */
static const char *over_string(const char *p, const char *end)
{
    p = over_plain(p + 1, end);
    while (p < end && *p != '"') {
        const char *wide_end = over_wide(p, end);
        if (wide_end == p) {
            return NULL;
        }
        p = over_plain(wide_end, end);
    }
    return p < end ? p + 1 : NULL;
}

static const char *over_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    return p;
}

/* Without an exponent: who writes one is read by the generic scanner. */
static const char *over_number(const char *p, const char *end)
{
    const char *whole = p + (*p == '-');
    p = over_digits(whole, end);
    if (p == whole || (*whole == '0' && p - whole > 1)) {
        return NULL;
    }
    if (p < end && *p == '.') {
        const char *fraction = p + 1;
        p = over_digits(fraction, end);
        return p > fraction ? p : NULL;
    }
    return p;
}

static const char *over_word(const char *p, const char *end, struct str word)
{
    return (size_t)(end - p) >= word.n && memcmp(p, word.p, word.n) == 0 ? p + word.n : NULL;
}

static const char *over_value(const char *p, const char *end)
{
    switch (p < end ? *p : 0) {
    case '"': return over_string(p, end);
    case 't': return over_word(p, end, STR_LIT("true"));
    case 'f': return over_word(p, end, STR_LIT("false"));
    case 'n': return over_word(p, end, STR_LIT("null"));
    case 0: return NULL;
    default: return over_number(p, end);
    }
}

static const char *over_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) {
        p++;
    }
    return p;
}

/* One member at p, into its value's place. Behind it, or NULL. */
static const char *over_member(const char *p, const char *end, struct str *values)
{
    const char *key_end = p < end && *p == '"' ? over_string(p, end) : NULL;
    if (!key_end) {
        return NULL;
    }
    struct str *value = &values[event_key_find((struct str){p + 1, (size_t)(key_end - p) - 2})];
    p = over_blanks(key_end, end);
    if (p == end || *p != ':' || value == &values[EVENT_KEY_none] || value->n) {
        return NULL;
    }
    p = over_blanks(p + 1, end);
    const char *value_end = over_value(p, end);
    if (value_end) {
        *value = (struct str){p, (size_t)(value_end - p)};
    }
    return value_end;
}

size_t decode_scan(struct str json, struct str values[EVENT_KEYS_N])
{
    const char *start = json.n ? json.p : "";
    const char *end = start + json.n;
    const char *p = over_blanks(start, end);
    if (p == end || *p != '{') {
        return 0;
    }
    do {
        p = over_member(over_blanks(p + 1, end), end, values); /* behind the brace or the comma */
        p = p ? over_blanks(p, end) : NULL;
    } while (p && p < end && *p == ',');
    return p && p < end && *p == '}' ? (size_t)(p + 1 - start) : 0;
}
