/* The strict JSON scanner: one walk over the text, no tree.
 *
 * It keeps nothing but the keys of the objects it is inside of (for duplicates), and goes no deeper than it is told. It
 * refuses what RFC 8259 refuses, and also what would let two readers see two things: bad UTF-8, surrogate halves, \u0000,
 * a key given twice. What it has accepted is safe to slice and to unescape. Its errors show one byte of the text or one
 * key, never a value: values may be what must not be logged. */
#include "kefu/base/json_scan.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/json_keys.h"
#include "kefu/base/utf8.h"

struct scan {
    const char *start;
    const char *p;
    const char *end;
    int depth;
    int max_depth;
    struct json_member *members; /* of the outermost object, if wanted */
    size_t members_cap;
    size_t members_n;
    const char *fail_at; /* the first thing that is wrong */
    const char *expected;
    char found[96];        /* "" : describe the byte at fail_at */
    struct json_keys keys; /* of all objects that are open, as a stack */
};

static bool scan_value(struct scan *s);

static void scan_init(struct scan *s, struct str text, int max_depth)
{
    s->start = text.n ? text.p : "";
    s->p = s->start;
    s->end = s->start + text.n;
    s->depth = 0;
    s->max_depth = max_depth;
    s->members = NULL;
    s->members_cap = 0;
    s->members_n = 0;
    json_keys_init(&s->keys);
    s->fail_at = NULL;
    s->expected = "";
    s->found[0] = 0;
}

/* Notes what is wrong and where; always false. found NULL: the byte that stands there. */
static bool fail(struct scan *s, const char *at, const char *found, const char *expected)
{
    s->fail_at = at;
    s->expected = expected;
    snprintf(s->found, sizeof s->found, "%s", found ? found : "");
    return false;
}

/* The byte at fail_at in words. Never more than one byte: the text may hold what must not be logged. */
static void describe_found(const struct scan *s, char *out, size_t out_n)
{
    if (s->found[0]) {
        snprintf(out, out_n, "%s", s->found);
        return;
    }
    if (s->fail_at >= s->end) {
        snprintf(out, out_n, "the end");
        return;
    }
    unsigned char c = (unsigned char)*s->fail_at;
    if (c > 0x20 && c < 0x7f) {
        snprintf(out, out_n, c == '"' ? "'%c'" : "\"%c\"", c);
    } else {
        snprintf(out, out_n, "byte 0x%02X", c);
    }
}

/* Line and column (in characters), both from 1. */
static void position(const char *start, const char *at, int *line, int *column)
{
    *line = 1;
    *column = 1;
    for (const char *p = start; p < at; p++) {
        if (*p == '\n') {
            (*line)++;
            *column = 1;
        } else if (((unsigned char)*p & 0xC0) != 0x80) {
            (*column)++;
        }
    }
}

/* Fills e from what fail() noted. */
static int report(const struct scan *s, struct err *e)
{
    char found[96];
    char where[64];
    int line;
    int column;
    describe_found(s, found, sizeof found);
    position(s->start, s->fail_at, &line, &column);
    snprintf(where, sizeof where, "line %d column %d", line, column);
    return err_set(e, where, "found %s, expected %s", found, s->expected);
}

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t')) {
        s->p++;
    }
}

static bool next_is(const struct scan *s, char c)
{
    return s->p < s->end && *s->p == c;
}

/* True if none of eight bytes is a quote, a backslash, a control character or outside ASCII. May err on the side of false. */
static bool plain_eight(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t high = UINT64_C(0x8080808080808080);
    uint64_t w;
    memcpy(&w, p, sizeof w);
    uint64_t quote = w ^ (ones * '"');
    uint64_t slash = w ^ (ones * '\\');
    return ((w | (w - ones * 0x20) | (quote - ones) | (slash - ones)) & high) == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The value of the four digits of \uXXXX at p (behind the u), -1 if they are none. */
static int hex_four(const char *p, const char *end)
{
    if (end - p < 4) {
        return -1;
    }
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0) {
            return -1;
        }
        v = v * 16 + d;
    }
    return v;
}

static bool scan_unicode_escape(struct scan *s)
{
    const char *at = s->p; /* the backslash */
    int v = hex_four(at + 2, s->end);
    if (v < 0) {
        return fail(s, at, "\\u without four hexadecimal digits", "\\uXXXX");
    }
    if (v == 0) {
        return fail(s, at, "\\u0000", "text without zero characters");
    }
    if (v >= 0xDC00 && v <= 0xDFFF) {
        return fail(s, at, "the second half of a surrogate pair alone", "both halves");
    }
    s->p = at + 6;
    if (v < 0xD800 || v > 0xDBFF) {
        return true;
    }
    int low = s->end - s->p >= 6 && s->p[0] == '\\' && s->p[1] == 'u' ? hex_four(s->p + 2, s->end) : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
        return fail(s, at, "the first half of a surrogate pair alone", "both halves");
    }
    s->p += 6;
    return true;
}

static bool scan_escape(struct scan *s)
{
    char c = s->end - s->p >= 2 ? s->p[1] : 0;
    if (c == 'u') {
        return scan_unicode_escape(s);
    }
    if (c == 0 || !strchr("\"\\/bfnrt", c)) {
        return fail(s, s->p, "a backslash", "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    }
    s->p += 2;
    return true;
}

/* One character that is not plain, inside a string. */
static bool scan_odd_character(struct scan *s, bool *escaped)
{
    unsigned char c = (unsigned char)*s->p;
    if (c == '\\') {
        *escaped = true;
        return scan_escape(s);
    }
    if (c < 0x20) {
        return fail(s, s->p, NULL, "control characters in strings as escapes");
    }
    size_t n = utf8_length(s->p, s->end);
    if (n == 0) {
        return fail(s, s->p, NULL, "valid UTF-8");
    }
    s->p += n;
    return true;
}

/* At a quote; goes behind the closing one. */
static bool scan_string(struct scan *s, bool *escaped)
{
    const char *opening = s->p++;
    for (;;) {
        while (s->end - s->p >= 8 && plain_eight(s->p)) {
            s->p += 8;
        }
        if (s->p >= s->end) {
            return fail(s, opening, "a string without end", "a closing quote");
        }
        unsigned char c = (unsigned char)*s->p;
        if (c == '"') {
            s->p++;
            return true;
        }
        if (c >= 0x20 && c < 0x80 && c != '\\') {
            s->p++;
        } else if (!scan_odd_character(s, escaped)) {
            return false;
        }
    }
}

static bool scan_digits(struct scan *s)
{
    const char *from = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9') {
        s->p++;
    }
    return s->p > from || fail(s, s->p, NULL, "a digit");
}

static bool scan_number(struct scan *s)
{
    if (next_is(s, '-')) {
        s->p++;
    }
    if (next_is(s, '0')) {
        s->p++;
        if (s->p < s->end && *s->p >= '0' && *s->p <= '9') {
            return fail(s, s->p - 1, NULL, "a number without leading zeros");
        }
    } else if (!scan_digits(s)) {
        return false;
    }
    if (next_is(s, '.')) {
        s->p++;
        if (!scan_digits(s)) {
            return false;
        }
    }
    if (next_is(s, 'e') || next_is(s, 'E')) {
        s->p++;
        if (next_is(s, '+') || next_is(s, '-')) {
            s->p++;
        }
        return scan_digits(s);
    }
    return true;
}

static bool scan_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0) {
        return fail(s, s->p, NULL, "a JSON value");
    }
    s->p += n;
    return true;
}

/* An object ends, whose keys are those from `first` on: was each there once? */
static bool scan_keys_end(struct scan *s, size_t first)
{
    const char *at = json_keys_pop(&s->keys, first);
    if (!at) {
        return true;
    }
    size_t n = 1; /* as written, cut near the 40th byte at the end of a character */
    while (n < 40 && at[n] != '"') {
        n += at[n] == '\\' ? 2 : 1;
    }
    while (((unsigned char)at[n] & 0xC0) == 0x80) {
        n++;
    }
    char found[96];
    snprintf(found, sizeof found, "the key %.*s\" twice", (int)n, at);
    return fail(s, at, found, "each key once");
}

/* "key": value */
static bool scan_member(struct scan *s)
{
    if (!next_is(s, '"')) {
        return fail(s, s->p, NULL, "a key in double quotes");
    }
    struct str key = {s->p, 0};
    bool escaped = false;
    if (!scan_string(s, &escaped)) {
        return false;
    }
    key.n = (size_t)(s->p - key.p);
    json_keys_push(&s->keys, key, escaped);
    skip_blanks(s);
    if (!next_is(s, ':')) {
        return fail(s, s->p, NULL, "\":\"");
    }
    s->p++;
    skip_blanks(s);
    const char *value = s->p;
    if (!scan_value(s)) {
        return false;
    }
    if (s->depth == 1) {
        if (s->members_n < s->members_cap) {
            s->members[s->members_n] = (struct json_member){{key.p + 1, key.n - 2}, {value, (size_t)(s->p - value)}};
        }
        s->members_n++;
    }
    return true;
}

/* Behind a member or an element: true to go on with the next, false at the end or if neither follows (*ok tells). */
static bool scan_comma(struct scan *s, char closing, bool *ok)
{
    skip_blanks(s);
    if (next_is(s, closing)) {
        s->p++;
        return false;
    }
    if (!next_is(s, ',')) {
        *ok = fail(s, s->p, NULL, closing == '}' ? "\",\" or \"}\"" : "\",\" or \"]\"");
        return false;
    }
    s->p++;
    skip_blanks(s);
    return true;
}

static bool scan_object(struct scan *s)
{
    size_t first = s->keys.n;
    bool ok = true;
    s->p++;
    skip_blanks(s);
    if (next_is(s, '}')) {
        s->p++;
        return true;
    }
    do {
        if (!scan_member(s)) {
            return false;
        }
    } while (scan_comma(s, '}', &ok));
    return ok && scan_keys_end(s, first);
}

static bool scan_array(struct scan *s)
{
    bool ok = true;
    s->p++;
    skip_blanks(s);
    if (next_is(s, ']')) {
        s->p++;
        return true;
    }
    do {
        if (!scan_value(s)) {
            return false;
        }
    } while (scan_comma(s, ']', &ok));
    return ok;
}

/* One value; goes behind it. The only recursion, bounded by max_depth. */
static bool scan_value(struct scan *s)
{
    bool escaped = false;
    char c = s->p < s->end ? *s->p : 0;
    switch (c) {
    case '"': return scan_string(s, &escaped);
    case 't': return scan_word(s, "true");
    case 'f': return scan_word(s, "false");
    case 'n': return scan_word(s, "null");
    case '{':
    case '[': break;
    default:
        if (c == '-' || (c >= '0' && c <= '9')) {
            return scan_number(s);
        }
        return fail(s, s->p, NULL, "a JSON value");
    }
    if (s->depth >= s->max_depth) {
        return fail(s, s->p, "a value nested too deep",
                    s->max_depth == JSON_DEPTH_MAX ? "at most 16 levels" : "fewer levels");
    }
    s->depth++;
    bool ok = c == '{' ? scan_object(s) : scan_array(s);
    s->depth--;
    return ok;
}

/* Reads the value at the start of text into s; whole: nothing but blanks may stand around it. */
static int scan_run(struct scan *s, bool whole, struct err *e)
{
    if (whole) {
        skip_blanks(s);
    }
    bool ok = scan_value(s);
    if (ok && whole) {
        skip_blanks(s);
        ok = s->p == s->end || fail(s, s->p, NULL, "nothing behind the value");
    }
    int result = ok ? 0 : report(s, e);
    json_keys_fini(&s->keys);
    return result;
}

int json_check(struct str text, int max_depth, struct err *e)
{
    struct scan s;
    scan_init(&s, text, max_depth);
    return scan_run(&s, true, e);
}

int json_first(struct str text, int max_depth, size_t *used, struct err *e)
{
    struct scan s;
    scan_init(&s, text, max_depth);
    int result = scan_run(&s, false, e);
    *used = (size_t)(s.p - s.start);
    return result;
}

int json_members(struct str text, struct json_member *members, size_t cap, size_t *n, struct err *e)
{
    struct scan s;
    scan_init(&s, text, JSON_DEPTH_MAX);
    s.members = members;
    s.members_cap = cap;
    skip_blanks(&s);
    struct str value = {s.p, (size_t)(s.end - s.p)};
    int result = scan_run(&s, true, e);
    *n = s.members_n;
    if (result == 0 && *value.p != '{') {
        *n = 0;
        return err_set(e, "", "found %s, expected an object", json_kind(value));
    }
    return result;
}

const char *json_kind(struct str value)
{
    switch (value.n ? value.p[0] : 0) {
    case 0: return "nothing";
    case '"': return "a string";
    case '{': return "an object";
    case '[': return "an array";
    case 't': return "true";
    case 'f': return "false";
    case 'n': return "null";
    default: return "a number";
    }
}

/* Undoes the escape at p (checked); returns how long it is, *out_n what it became. */
static size_t undo_escape(const char *p, const char *end, char *out, size_t *out_n)
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    if (p[1] != 'u') {
        const char *known = strchr(from, p[1]);
        out[0] = known ? to[known - from] : p[1];
        *out_n = 1;
        return 2;
    }
    uint32_t c = (uint32_t)hex_four(p + 2, end);
    if (c < 0xD800 || c > 0xDBFF) {
        *out_n = utf8_put(out, c);
        return 6;
    }
    uint32_t low = (uint32_t)hex_four(p + 8, end);
    *out_n = utf8_put(out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
    return 12;
}

size_t json_unescape(struct str literal, char *out)
{
    const char *p = literal.p + 1;
    const char *end = literal.p + literal.n - 1;
    size_t n = 0;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((slash ? slash : end) - p);
        memcpy(out + n, p, plain);
        n += plain;
        p += plain;
        if (slash) {
            size_t put;
            p += undo_escape(p, end, out + n, &put);
            n += put;
        }
    }
    return n;
}
