/* A growing run of bytes that owns its memory, with the small integers of our records.
 *
 * Varints are LEB128 (seven bits a byte, low first), signed ones zigzag first. Readers never read past the
 * end: a cursor that meets a malformed or cut number turns `bad` and gives zeros from then on. */
#ifndef KEFU_BASE_BUF_H
#define KEFU_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/str.h"

struct buf {
    char *p;    /* owned; NULL while empty */
    size_t n;   /* bytes in use */
    size_t cap; /* bytes allocated */
};

void buf_fini(struct buf *b); /* frees and zeroes; a zeroed buf is a valid empty one */
void buf_reserve(struct buf *b, size_t more_n);
void buf_put(struct buf *b, const void *p, size_t n);
void buf_put_str(struct buf *b, struct str s);
void buf_put_byte(struct buf *b, uint8_t byte);
void buf_put_uvar(struct buf *b, uint64_t v);
void buf_put_svar(struct buf *b, int64_t v);
/* v in decimal, with zeros in front if it has fewer than digits_n digits (at most 20): printf costs a microsecond here. */
void buf_put_number(struct buf *b, uint64_t v, int digits_n);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends s as a JSON string with its quotes; s must be valid UTF-8. */
void buf_put_json(struct buf *b, struct str s);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}

/* Reads from borrowed bytes. */
struct cursor {
    const uint8_t *p;
    const uint8_t *end;
    bool bad;
};

static inline struct cursor cursor_of(struct str s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    return (struct cursor){p, p ? p + s.n : p, false};
}

uint8_t cursor_byte(struct cursor *c);
uint64_t cursor_uvar(struct cursor *c);
int64_t cursor_svar(struct cursor *c);
/* n bytes, borrowed from what the cursor reads; absent and `bad` if there are fewer. */
struct str cursor_bytes(struct cursor *c, size_t n);

#endif
