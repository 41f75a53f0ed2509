/* Serves what was compiled in. It refuses to run anything inline: the policy names our own origin and nothing else. */
#include "kefu/daemon/assets.h"

#include <string.h>

#include "kefu/daemon/call.h"

#define POLICY                                                                                                             \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " \
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

static const struct asset *find(struct str path)
{
    for (size_t i = 0; i < assets_n; i++) {
        if (str_eq(str_of(assets[i].path), path)) {
            return &assets[i];
        }
    }
    return NULL;
}

static bool is_page(struct str path)
{
    size_t at = path.n;
    while (at > 0 && path.p[at - 1] != '/') {
        at--;
    }
    bool api = path.n >= 4 && memcmp(path.p, "/v1/", 4) == 0;
    return !api && !memchr(path.p + at, '.', path.n - at);
}

static bool takes(const struct http_head *h, const char *coding)
{
    struct str v = http_head_find(h, "Accept-Encoding");
    return v.n && memmem(v.p, v.n, coding, strlen(coding));
}

/* The smallest that the client reads. */
static struct str choose(struct http_request *r, const struct asset *a)
{
    const struct http_head *h = http_request_head(r);
    if (a->br && takes(h, "br")) {
        http_add_header(r, "Content-Encoding", "br");
        return (struct str){a->br, a->br_n};
    }
    if (a->gzip && takes(h, "gzip")) {
        http_add_header(r, "Content-Encoding", "gzip");
        return (struct str){a->gzip, a->gzip_n};
    }
    return (struct str){a->plain, a->plain_n};
}

static void add_headers(struct http_request *r, const struct asset *a)
{
    bool for_ever = strncmp(a->path, "/assets/", 8) == 0;
    http_add_header(r, "ETag", a->etag);
    http_add_header(r, "Vary", "Accept-Encoding");
    http_add_header(r, "Content-Security-Policy", POLICY);
    http_add_header(r, "Referrer-Policy", "no-referrer");
    http_add_header(r, "X-Frame-Options", "DENY");
    http_add_header(r, "Cross-Origin-Opener-Policy", "same-origin");
    http_add_header(r, "Permissions-Policy", "camera=(), geolocation=(), microphone=()");
    http_set_cache(r, for_ever ? "public, max-age=31536000, immutable" : "no-cache");
}

void assets_answer(struct http_request *r)
{
    const struct http_head *h = http_request_head(r);
    const struct asset *a = find(h->path);
    if (!a && is_page(h->path)) {
        a = find(STR_LIT("/index.html"));
    }
    if (!a) {
        call_not_found(r);
        return;
    }
    struct str had = http_head_find(h, "If-None-Match");
    add_headers(r, a);
    if (had.n && memmem(had.p, had.n, a->etag, strlen(a->etag))) {
        http_answer(r, 304, a->type, (struct str){0});
        return;
    }
    http_answer(r, 200, a->type, choose(r, a));
}
