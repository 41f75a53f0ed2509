/* Reads who asks, strictly: a header counts only from a proxy that the configuration names, a cookie only whole.
 *
 * It keeps true that nobody is somebody without a token that is in tokens.json and in time, whichever way it is shown: revoking
 * the token ends its sessions, its streams and its single sign-on at once. */
#include "kefu/daemon/who.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kefu/collectors/http.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/knock.h"
#include "kefu/daemon/session.h"

static bool is_trusted(const struct daemon *d, const struct http_request *r)
{
    struct str list = d->settings->config.proxy_addresses;
    struct str peer = str_of(http_request_peer(r));
    const char *p = list.p;
    while (peer.n && p && *p) {
        p += strspn(p, ", ");
        size_t n = strcspn(p, ", ");
        if (str_eq((struct str){p, n}, peer)) {
            return true;
        }
        p += n;
    }
    return false;
}

/* The last word of a list with commas, in however many lines it came: what the nearest proxy put there. */
static struct str last_of(const struct http_request *r, const char *name)
{
    size_t n;
    struct str list = http_head_last(http_request_head(r), name, &n);
    size_t from = list.n;
    while (from > 0 && list.p[from - 1] != ',') {
        from--;
    }
    while (from < list.n && list.p[from] == ' ') {
        from++;
    }
    return (struct str){list.p + from, list.n - from};
}

struct str who_address(struct daemon *d, const struct http_request *r)
{
    struct str last = is_trusted(d, r) ? last_of(r, "X-Forwarded-For") : (struct str){0};
    return last.n ? last : str_of(http_request_peer(r));
}

bool who_secure(struct daemon *d, const struct http_request *r)
{
    return is_trusted(d, r) && str_eq(last_of(r, "X-Forwarded-Proto"), STR_LIT("https"));
}

bool who_same_origin(const struct http_request *r)
{
    const struct http_head *h = http_request_head(r);
    struct str site = http_head_find(h, "Sec-Fetch-Site"), origin = http_head_find(h, "Origin"),
               host = http_head_find(h, "Host");
    if (site.n && !str_eq(site, STR_LIT("same-origin")) && !str_eq(site, STR_LIT("none"))) {
        return false;
    }
    if (!origin.n) {
        return true;
    }
    const char *colon = memchr(origin.p, ':', origin.n);
    size_t scheme_n = colon ? (size_t)(colon - origin.p) + 3 : origin.n + 1;
    if (scheme_n > origin.n) {
        return false;
    }
    return str_eq((struct str){origin.p + scheme_n, origin.n - scheme_n}, host);
}

int who_was_wrong(struct daemon *d, const struct http_request *r)
{
    struct str address = who_address(d, r);
    int64_t mono_ms = clock_mono_ms(&d->clock);
    int wait_s = knock_wait_s(d->knocks, address, mono_ms);
    knock_wrong(d->knocks, address, mono_ms);
    return wait_s;
}

const struct token *who_bears(struct daemon *d, const struct http_request *r, int *wait_s)
{
    struct str bearer = http_bearer(http_request_head(r));
    const struct token *t = bearer.n ? access_check(&d->settings->tokens, bearer, clock_wall_ms(&d->clock)) : NULL;
    *wait_s = bearer.n && !t ? who_was_wrong(d, r) : 0;
    return t;
}

static struct str team_of(const struct daemon *d, struct str agent)
{
    struct agent_now now;
    uint32_t number = agent.n ? site_agent_find(d->site, agent) : 0;
    if (!number) {
        return (struct str){0};
    }
    site_agent_now(d->site, number, &now);
    return now.team;
}

static bool is_somebody(struct daemon *d, const struct token *t, struct who *out)
{
    out->token = t;
    if (!t || t->role == ROLE_INGEST) {
        return false;
    }
    out->until_ms = t->expires_at < out->until_ms ? t->expires_at : out->until_ms;
    out->caller = (struct caller){
        .role = t->role, .teams = t->teams, .teams_n = t->teams_n, .leaderboard = d->settings->config.leaderboard};
    if (t->role == ROLE_AGENT) {
        out->caller.agent = t->subject;
        out->caller.team = team_of(d, t->subject);
    }
    return true;
}

static struct str cookie_of(const struct http_head *h)
{
    struct str all = http_head_find(h, "Cookie");
    static const struct str name = STR_LIT(WHO_COOKIE "=");
    for (size_t at = 0; at < all.n;) {
        const char *end = memchr(all.p + at, ';', all.n - at);
        size_t n = end ? (size_t)(end - all.p) - at : all.n - at;
        if (n > name.n && memcmp(all.p + at, name.p, name.n) == 0) {
            return (struct str){all.p + at + name.n, n - name.n};
        }
        at += n + 1;
        while (at < all.n && all.p[at] == ' ') {
            at++;
        }
    }
    return (struct str){0};
}

static bool by_session(struct daemon *d, struct str value, struct who *out)
{
    int64_t now_ms = clock_wall_ms(&d->clock);
    struct session s;
    if (!sessions_find(d->sessions, value, now_ms, &s)) {
        return false;
    }
    out->session = value;
    out->until_ms = s.until_ms;
    return is_somebody(d, access_find(&d->settings->tokens, s.token, now_ms), out);
}

/* Whom a trusted proxy names. False: nobody may be believed, for there are two lines and one may be the visitor's. */
static bool read_login(struct daemon *d, const struct http_request *r, struct str *login)
{
    struct str header = d->settings->config.sso_header;
    size_t n = 0;
    *login = header.n && is_trusted(d, r) ? http_head_last(http_request_head(r), header.p, &n) : (struct str){0};
    return n <= 1;
}

bool who_asks(struct daemon *d, const struct http_request *r, struct who *out)
{
    const struct http_head *h = http_request_head(r);
    struct str cookie = cookie_of(h), login;
    *out = (struct who){.until_ms = INT64_MAX};
    if (!read_login(d, r, &login)) {
        return false;
    }
    if (login.n) {
        out->by_proxy = true;
        return is_somebody(d, access_find_login(&d->settings->tokens, login, clock_wall_ms(&d->clock)), out);
    }
    if (http_bearer(h).n) {
        return is_somebody(d, who_bears(d, r, &out->wait_s), out);
    }
    return cookie.n && by_session(d, cookie, out);
}

void who_keep(const struct who *w, struct who_kept *out)
{
    snprintf(out->token, sizeof(out->token), "%.*s", STR_ARG(w->token->id));
    snprintf(out->session, sizeof(out->session), "%.*s", STR_ARG(w->session));
}

bool who_still(struct daemon *d, const struct who_kept *kept, struct who *out)
{
    *out = (struct who){.until_ms = INT64_MAX};
    if (kept->session[0]) {
        return by_session(d, str_of(kept->session), out);
    }
    return is_somebody(d, access_find(&d->settings->tokens, str_of(kept->token), clock_wall_ms(&d->clock)), out);
}
