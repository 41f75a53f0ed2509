/* Byte buffers and cursors.
 *
 * It keeps true that a record has one spelling: a varint longer than it need be is malformed, so that equal
 * records are equal bytes. A cursor never reads at or past its end, whatever the bytes say. */
#include "kefu/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

void buf_fini(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}

void buf_reserve(struct buf *b, size_t more_n)
{
    assert(more_n <= SIZE_MAX - b->n);
    size_t need = b->n + more_n;
    if (need <= b->cap)
        return;
    size_t cap = b->cap <= SIZE_MAX / 2 ? b->cap * 2 : SIZE_MAX;
    if (cap < 64)
        cap = 64;
    if (cap < need)
        cap = need;
    b->p = xrealloc(b->p, cap);
    b->cap = cap;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
    if (!n)
        return;
    buf_reserve(b, n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void buf_put_str(struct buf *b, struct str s)
{
    buf_put(b, s.p, s.n);
}

void buf_put_byte(struct buf *b, uint8_t byte)
{
    buf_reserve(b, 1);
    b->p[b->n++] = (char)byte;
}

void buf_put_uvar(struct buf *b, uint64_t v)
{
    buf_reserve(b, 10);
    while (v >= 0x80) {
        b->p[b->n++] = (char)(uint8_t)(v | 0x80);
        v >>= 7;
    }
    b->p[b->n++] = (char)(uint8_t)v;
}

void buf_put_svar(struct buf *b, int64_t v)
{
    uint64_t sign = v < 0 ? UINT64_MAX : 0;
    buf_put_uvar(b, ((uint64_t)v << 1) ^ sign);
}

void buf_put_number(struct buf *b, uint64_t v, int digits_n)
{
    char digits[20];
    char *p = digits + sizeof digits;
    assert(digits_n <= (int)sizeof digits);
    do {
        *--p = (char)('0' + v % 10);
        v /= 10;
        digits_n--;
    } while (v || digits_n > 0);
    buf_put(b, p, (size_t)(digits + sizeof digits - p));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    buf_reserve(b, 32);
    int n = vsnprintf(b->p + b->n, b->cap - b->n, format, args);
    assert(n >= 0);
    if ((size_t)n >= b->cap - b->n) {
        buf_reserve(b, (size_t)n + 1);
        (void)vsnprintf(b->p + b->n, b->cap - b->n, format, again);
    }
    b->n += (size_t)n;
    va_end(again);
    va_end(args);
}

static void put_json_escape(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"': buf_put(b, "\\\"", 2); break;
    case '\\': buf_put(b, "\\\\", 2); break;
    case '\n': buf_put(b, "\\n", 2); break;
    case '\r': buf_put(b, "\\r", 2); break;
    case '\t': buf_put(b, "\\t", 2); break;
    default: buf_printf(b, "\\u%04x", c); break;
    }
}

void buf_put_json(struct buf *b, struct str s)
{
    size_t from = 0; /* of the run of plain bytes not yet put */
    buf_reserve(b, s.n + 2);
    buf_put_byte(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_put(b, s.p + from, i - from);
        put_json_escape(b, c);
        from = i + 1;
    }
    if (s.n > from)
        buf_put(b, s.p + from, s.n - from);
    buf_put_byte(b, '"');
}

static uint64_t turn_bad(struct cursor *c)
{
    c->bad = true;
    c->p = c->end;
    return 0;
}

uint8_t cursor_byte(struct cursor *c)
{
    if (c->p == c->end)
        return (uint8_t)turn_bad(c);
    return *c->p++;
}

uint64_t cursor_uvar(struct cursor *c)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (c->p == c->end)
            return turn_bad(c);
        uint64_t byte = *c->p++;
        if (shift == 63 && byte > 1)
            return turn_bad(c); /* more than 64 bits */
        v |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return byte == 0 && shift ? turn_bad(c) : v; /* a longer spelling than needed */
    }
    return turn_bad(c);
}

int64_t cursor_svar(struct cursor *c)
{
    uint64_t v = cursor_uvar(c);
    return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

struct str cursor_bytes(struct cursor *c, size_t n)
{
    if (n > (size_t)(c->end - c->p)) {
        turn_bad(c);
        return (struct str){0};
    }
    struct str s = {(const char *)c->p, n};
    c->p += n;
    return s;
}
