/* Reads the head of a request line by line. Every check is an answer to a way in which servers have been known to
 * disagree about where a request ends; none of them is needed by an honest client. It keeps no state but the caller's
 * `seen_n`, copies nothing, and refuses rather than repairs. */
#include "kefu/base/http_head.h"

#include <strings.h>

enum { BAD = 400, NO_TRANSFER_ENCODING = 411, BAD_EXPECT = 417, TOO_MANY = 431, BAD_VERSION = 505 };

static bool is_token_byte(char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
        return true;
    }
    return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_token_byte(s.p[i])) {
            return false;
        }
    }
    return s.n > 0;
}

static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool same_word(struct str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* Cuts the piece before the first `c` off *rest; false if there is none. */
static bool cut_at(struct str *rest, char c, struct str *piece)
{
    const char *at = rest->n ? memchr(rest->p, c, rest->n) : NULL;
    if (!at) {
        return false;
    }
    *piece = (struct str){rest->p, (size_t)(at - rest->p)};
    *rest = (struct str){at + 1, rest->n - piece->n - 1};
    return true;
}

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s = (struct str){s.p + 1, s.n - 1};
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    return s;
}

long http_head_end(struct str bytes, size_t *seen_n)
{
    for (size_t i = *seen_n; i < bytes.n; i++) {
        if (bytes.p[i] != '\n') {
            continue;
        }
        if (i == 0 || bytes.p[i - 1] != '\r') {
            return -1;
        }
        if (i == 1 || bytes.p[i - 2] == '\n') {
            return (long)(i + 1);
        }
    }
    *seen_n = bytes.n;
    return 0;
}

static int parse_target(struct str target, struct http_head *h)
{
    if (target.n == 0 || target.p[0] != '/') {
        return BAD;
    }
    for (size_t i = 0; i < target.n; i++) {
        unsigned char c = (unsigned char)target.p[i];
        if (c <= 0x20 || c >= 0x7f || c == '#') {
            return BAD;
        }
    }
    h->query = target;
    if (!cut_at(&h->query, '?', &h->path)) {
        h->path = target;
        h->query = (struct str){NULL, 0};
    }
    return 0;
}

static int parse_request_line(struct str line, struct http_head *h)
{
    struct str target;
    if (!cut_at(&line, ' ', &h->method) || !is_token(h->method) || !cut_at(&line, ' ', &target)) {
        return BAD;
    }
    if (str_eq(line, STR_LIT("HTTP/1.1"))) {
        h->minor = 1;
    } else if (!str_eq(line, STR_LIT("HTTP/1.0"))) {
        return line.n == 8 && strncmp(line.p, "HTTP/", 5) == 0 ? BAD_VERSION : BAD;
    }
    h->wants_close = h->minor == 0;
    return parse_target(target, h);
}

static int parse_length(struct str value, struct http_head *h)
{
    if (h->has_length || value.n == 0 || value.n > 15) {
        return BAD;
    }
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9') {
            return BAD;
        }
        h->length_bytes = h->length_bytes * 10 + (uint64_t)(value.p[i] - '0');
    }
    h->has_length = true;
    return 0;
}

static void parse_connection(struct str value, struct http_head *h)
{
    struct str word;
    while (cut_at(&value, ',', &word)) {
        h->wants_close |= same_word(trim(word), "close");
    }
    h->wants_close |= same_word(trim(value), "close");
}

static int parse_header(struct str line, struct http_head *h)
{
    struct http_header *header = &h->headers[h->headers_n];
    if (h->headers_n == HTTP_HEADERS_MAX) {
        return TOO_MANY;
    }
    if (!cut_at(&line, ':', &header->name) || !is_token(header->name) || !is_value(line)) {
        return BAD;
    }
    header->value = trim(line);
    h->headers_n++;
    if (same_word(header->name, "Content-Length")) {
        return parse_length(header->value, h);
    }
    if (same_word(header->name, "Transfer-Encoding")) {
        return NO_TRANSFER_ENCODING;
    }
    if (same_word(header->name, "Connection")) {
        parse_connection(header->value, h);
    }
    if (same_word(header->name, "Expect")) {
        h->wants_continue = same_word(header->value, "100-continue");
        return h->wants_continue ? 0 : BAD_EXPECT;
    }
    return 0;
}

/* One line without its CR LF; false at the empty line that ends the head. */
static bool next_line(struct str *rest, struct str *line)
{
    if (!cut_at(rest, '\n', line) || line->n <= 1) {
        return false;
    }
    line->n--;
    return true;
}

int http_head_parse(struct str text, struct http_head *h)
{
    struct str line;
    h->headers_n = 0;
    h->has_length = h->wants_close = h->wants_continue = false;
    h->length_bytes = 0;
    h->minor = 0;
    if (!next_line(&text, &line)) {
        return BAD;
    }
    int status = parse_request_line(line, h);
    while (!status && next_line(&text, &line)) {
        status = parse_header(line, h);
    }
    if (status) {
        return status;
    }
    size_t n;
    http_head_last(h, "Host", &n);
    return n > 1 || (n == 0 && h->minor == 1) ? BAD : 0;
}

struct str http_head_find(const struct http_head *h, const char *name)
{
    for (size_t i = 0; i < h->headers_n; i++) {
        if (same_word(h->headers[i].name, name)) {
            return h->headers[i].value;
        }
    }
    return (struct str){NULL, 0};
}

struct str http_head_last(const struct http_head *h, const char *name, size_t *n)
{
    struct str last = {NULL, 0};
    *n = 0;
    for (size_t i = 0; i < h->headers_n; i++) {
        if (same_word(h->headers[i].name, name)) {
            last = h->headers[i].value;
            ++*n;
        }
    }
    return last;
}
