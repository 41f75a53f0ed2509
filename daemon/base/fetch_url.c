/* Keeps true: a host is letters, digits, dots and dashes, or an IPv6 address in brackets, so that what is compared with the
 * list is what curl will ask. It refuses user names, blanks, and every other way to write one host so that it looks like another. */
#include "kefu/base/fetch_url.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "kefu/base/fetch.h"

static bool begins(struct str s, const char *word)
{
    size_t n = strlen(word);
    return s.n >= n && strncasecmp(s.p, word, n) == 0;
}

static bool is_host_byte(char c, bool bracketed)
{
    bool digit = c >= '0' && c <= '9', letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return digit || letter || c == '.' || (bracketed ? c == ':' : c == '-');
}

/* How many bytes the host takes up; 0: there is none. */
static size_t host_bytes(struct str s)
{
    bool bracketed = s.n > 0 && s.p[0] == '[';
    size_t n = bracketed;
    while (n < s.n && is_host_byte(s.p[n], bracketed)) {
        n++;
    }
    if (!bracketed) {
        return n;
    }
    return n > 2 && n < s.n && s.p[n] == ']' ? n + 1 : 0;
}

static int port_of(struct str digits)
{
    long port = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9' || port > 65535) {
            return -1;
        }
        port = port * 10 + (digits.p[i] - '0');
    }
    return digits.n > 0 && port > 0 && port <= 65535 ? (int)port : -1;
}

static int check_bytes(struct str url, struct err *e)
{
    if (url.n == 0 || url.n > FETCH_URL_MAX_BYTES) {
        return err_set(e, "url", "found %zu bytes, expected 1 to %d", url.n, FETCH_URL_MAX_BYTES);
    }
    for (size_t i = 0; i < url.n; i++) {
        unsigned char c = (unsigned char)url.p[i];
        if (c <= 0x20 || c >= 0x7F) {
            return err_set(e, "url", "byte %zu is a blank, a control character or no ASCII; write it as %%XX", i + 1);
        }
    }
    return 0;
}

int fetch_url_read(struct str url, struct fetch_url *out, struct err *e)
{
    *out = (struct fetch_url){0};
    if (check_bytes(url, e) < 0) {
        return -1;
    }
    out->tls = begins(url, "https://");
    if (!out->tls && !begins(url, "http://")) {
        return err_set(e, "url", "expected https:// or http:// at the start");
    }
    size_t at = out->tls ? 8 : 7;
    out->host = (struct str){url.p + at, host_bytes((struct str){url.p + at, url.n - at})};
    at += out->host.n;
    if (out->host.n == 0 || out->host.n > 255) {
        return err_set(e, "url", "expected a host name behind the scheme");
    }
    out->port = out->tls ? 443 : 80;
    if (at < url.n && url.p[at] == ':') {
        size_t from = ++at;
        while (at < url.n && url.p[at] != '/') {
            at++;
        }
        int port = port_of((struct str){url.p + from, at - from});
        if (port < 0) {
            return err_set(e, "url", "expected a port from 1 to 65535 behind the host");
        }
        out->port = (uint16_t)port;
    }
    if (at < url.n && url.p[at] != '/') {
        return err_set(e, "url", "expected \"/\" behind the host, found another character");
    }
    out->rest = (struct str){url.p + at, url.n - at};
    return 0;
}

/* Does an entry of the list mean this host and port? */
static bool is_listed(struct str entry, const struct fetch_url *u)
{
    struct str host = {entry.p, host_bytes(entry)};
    int port = u->tls ? 443 : 80;
    if (host.n < entry.n) {
        port = entry.p[host.n] == ':' ? port_of((struct str){entry.p + host.n + 1, entry.n - host.n - 1}) : -1;
    }
    return host.n == u->host.n && host.n > 0 && strncasecmp(host.p, u->host.p, host.n) == 0 && port == u->port;
}

int fetch_check(struct str url, const struct fetch_reach *reach, struct err *e)
{
    struct fetch_url u;
    if (fetch_url_read(url, &u, e) < 0) {
        return -1;
    }
    if (!u.tls && !reach->allow_private) {
        return err_set(e, "url", "expected https://; plain http is for private addresses that are allowed as such");
    }
    for (size_t i = 0; i < reach->hosts_n; i++) {
        if (is_listed(reach->hosts[i], &u)) {
            return 0;
        }
    }
    return err_set(e, "url", "%.*s port %u is not among the hosts that may be asked", STR_ARG(u.host), u.port);
}

/* What of the Internet is not for everybody: RFC 6890 and its like, as first address and number of fixed bits. */
static bool is_public_v4(uint32_t a)
{
    static const struct {
        uint32_t first;
        int bits;
    } closed[] = {
        {0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16},
        {0xAC100000, 12}, {0xC0000000, 24}, {0xC0000200, 24}, {0xC0586300, 24}, {0xC0A80000, 16},
        {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24}, {0xE0000000, 3}, /* multicast, reserved, broadcast */
    };
    for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
        if ((a ^ closed[i].first) >> (32 - closed[i].bits) == 0) {
            return false;
        }
    }
    return true;
}

static uint32_t word_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Only 2000::/3 is given out; of that not what carries or stands for an IPv4 address that is closed. */
static bool is_public_v6(const uint8_t a[16])
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF}, translated[12] = {0, 0x64, 0xFF, 0x9B};
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, translated, 12) == 0) {
        return is_public_v4(word_at(a + 12));
    }
    if (word_at(a) == 0x20010DB8 || word_at(a) >> 9 == 0x20010000 >> 9) {
        return false; /* examples; Teredo and other special purposes */
    }
    if (a[0] == 0x20 && a[1] == 0x02) {
        return is_public_v4(word_at(a + 2)); /* 6to4 */
    }
    return a[0] >> 5 == 1;
}

bool fetch_is_public(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET) {
        return is_public_v4(ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr));
    }
    return a->sa_family == AF_INET6 && is_public_v6(((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr);
}
