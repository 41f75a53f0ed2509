/* The head of an HTTP/1.x request, read strictly.
 *
 * Two servers that read one request differently are a way in for smugglers, so whatever leaves room for two readings is
 * refused: bare line feeds, folded lines, blanks around a header's name, control bytes, more than one Content-Length or
 * one that is not digits only, any Transfer-Encoding, more or fewer than one Host. Pure: bytes in, slices out. */
#ifndef KEFU_BASE_HTTP_HEAD_H
#define KEFU_BASE_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/str.h"

#define HTTP_HEAD_MAX_BYTES 8192
#define HTTP_HEADERS_MAX    64

struct http_header {
    struct str name;
    struct str value; /* without blanks around it */
};

struct http_head {
    struct str method; /* "POST" */
    struct str path;   /* begins with '/', without the query; not unescaped */
    struct str query;  /* behind the '?', absent if there is none */
    int minor;         /* HTTP/1.minor: 0 or 1 */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t headers_n;
    bool has_length;
    uint64_t length_bytes; /* Content-Length; 0 without */
    bool wants_close;      /* "Connection: close", or HTTP/1.0 */
    bool wants_continue;   /* "Expect: 100-continue" */
};

/* Looks for the end of a head in the bytes come so far. Returns the length of the head with its empty line; 0: not there
 * yet; -1: a line does not end in CR LF. *seen_n keeps the place between calls (0 at first), so no byte is looked at twice. */
long http_head_end(struct str bytes, size_t *seen_n);

/* Reads a whole head. 0, or the status to refuse it with: 400, 411 (any Transfer-Encoding), 417, 431 or 505. Slices borrow
 * from the text. */
int http_head_parse(struct str text, struct http_head *h);

/* A header by name, without regard to case; absent if it is not there, the first if there are several. */
struct str http_head_find(const struct http_head *h, const char *name);

/* The last of them, and in *n how many there are: proxies that do not replace a header put theirs behind those that came. */
struct str http_head_last(const struct http_head *h, const char *name, size_t *n);

#endif
