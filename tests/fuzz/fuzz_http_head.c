/* Any bytes as the head of a request: no crash, no read behind it, and whatever is taken is what honest servers agree on. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kefu/base/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool truth)
{
    if (!truth) {
        abort();
    }
}

/* Whether the bytes come at once or one by one, the end is the same. */
static long find_end(struct str bytes)
{
    size_t seen_n = 0, slow_n = 0;
    long end = http_head_end(bytes, &seen_n), slow = 0;
    for (size_t i = 1; i <= bytes.n && slow == 0; i++) {
        slow = http_head_end((struct str){bytes.p, i}, &slow_n);
    }
    must(slow == end || (slow < 0 && end < 0));
    must(end <= (long)bytes.n);
    return end;
}

static bool inside(struct str all, struct str part)
{
    return part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n);
}

static void check_headers(struct str head, const struct http_head *h)
{
    size_t lengths_n = 0, hosts_n = 0;
    must(h->headers_n <= HTTP_HEADERS_MAX);
    for (size_t i = 0; i < h->headers_n; i++) {
        const struct http_header *header = &h->headers[i];
        must(header->name.n > 0 && inside(head, header->name) && inside(head, header->value));
        must(!memchr(header->name.p, ' ', header->name.n) && !memchr(header->name.p, ':', header->name.n));
        must(header->value.n == 0 || !memchr(header->value.p, '\n', header->value.n));
        must(header->name.n != 17 || strncasecmp(header->name.p, "Transfer-Encoding", 17) != 0);
        lengths_n += header->name.n == 14 && strncasecmp(header->name.p, "Content-Length", 14) == 0;
        hosts_n += header->name.n == 4 && strncasecmp(header->name.p, "Host", 4) == 0;
    }
    must(lengths_n == (size_t)h->has_length && hosts_n <= 1 && (hosts_n == 1 || h->minor == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct http_head h;
    struct str bytes = {(const char *)data, n};
    long end = find_end(bytes);
    if (end <= 0) {
        return 0;
    }
    struct str head = {bytes.p, (size_t)end};
    int status = http_head_parse(head, &h);
    must(status == 0 || (status >= 400 && status <= 505));
    if (status == 0) {
        must(h.method.n > 0 && h.path.n > 0 && h.path.p[0] == '/' && (h.minor == 0 || h.minor == 1));
        must(inside(head, h.method) && inside(head, h.path) && inside(head, h.query));
        check_headers(head, &h);
    }
    return 0;
}
