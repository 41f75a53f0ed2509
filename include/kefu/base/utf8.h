/* UTF-8, a character at a time. */
#ifndef KEFU_BASE_UTF8_H
#define KEFU_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/str.h"

/* Length in bytes (1 … 4) of the character at p < end; 0 if there is none: a stray or missing byte, an overlong form, a
 * surrogate half, beyond U+10FFFF. Never reads at or behind end. */
size_t utf8_length(const char *p, const char *end);

/* The code point of the character at p, which must be valid; *n is its length in bytes. */
uint32_t utf8_get(const char *p, size_t *n);

/* Writes a code point (below 0x110000, no surrogate) to out (room for 4 bytes); returns its length. */
size_t utf8_put(char *out, uint32_t code);

/* The longest beginning of s that has at most max_n bytes and does not cut a character; s must be valid. */
struct str utf8_cut(struct str s, size_t max_n);

#endif
