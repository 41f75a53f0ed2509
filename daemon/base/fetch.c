/* libcurl does the talking, libevent the waiting: curl tells which descriptors and which deadline it waits for.
 *
 * Keeps true: an address is looked at where the socket is made, after every resolving, so a name that
 * changes its mind gets nowhere; what curl reports as done is handed out from the loop, when nothing of curl is on the stack.
 * It refuses redirects, proxies, other protocols, and answers over their bound. */
#include "kefu/base/fetch.h"

#include <assert.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "kefu/base/buf.h"
#include "kefu/base/fetch_url.h"
#include "kefu/base/late.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"

#define TIMEOUT_MS       10000
#define CONNECT_MS       5000
#define ANSWER_MAX_BYTES ((size_t)1 << 20)
#define CALLS_AT_ONCE    16 /* more wait inside curl */

/* What is called of libcurl, which is loaded late. */
#define CURL_FUNCTIONS(X)                                                                                              \
    X(global_init)                                                                                                     \
    X(global_cleanup)                                                                                                  \
    X(slist_append)                                                                                                    \
    X(slist_free_all)                                                                                                  \
    X(easy_init)                                                                                                       \
    X(easy_cleanup)                                                                                                    \
    X(easy_setopt)                                                                                                     \
    X(easy_getinfo)                                                                                                    \
    X(easy_strerror)                                                                                                   \
    X(multi_init)                                                                                                      \
    X(multi_cleanup)                                                                                                   \
    X(multi_setopt)                                                                                                    \
    X(multi_add_handle)                                                                                                \
    X(multi_remove_handle)                                                                                             \
    X(multi_assign)                                                                                                    \
    X(multi_info_read)                                                                                                 \
    X(multi_socket_action)

struct curl {
#define X(name) __typeof__(curl_##name) *(name);
    CURL_FUNCTIONS(X)
#undef X
};

static const struct late_symbol curl_symbols[] = {
#define X(name) {"curl_" #name, offsetof(struct curl, name)},
    CURL_FUNCTIONS(X)
#undef X
        {NULL, 0},
};

struct fetch {
    struct curl curl;
    CURLM *multi;
    struct event_base *base;
    struct event *timer;
    struct fetch_call *calls;
    size_t calls_n;
};

struct fetch_call {
    struct fetch *fetch;
    struct fetch_call *prev, *next;
    CURL *easy;
    struct curl_slist *headers;
    struct buf sent; /* the body */
    struct buf got;
    size_t got_max;
    bool too_long;
    bool private_refused;
    bool allow_private;
    char host[256];
    void (*done)(void *arg, const struct fetch_answer *a);
    void *arg;
};

/* --- the loop's side ---------------------------------------------------------------------------------------------- */

static void call_free(struct fetch_call *c)
{
    struct fetch *f = c->fetch;
    f->curl.multi_remove_handle(f->multi, c->easy);
    f->curl.easy_cleanup(c->easy);
    f->curl.slist_free_all(c->headers);
    buf_fini(&c->sent);
    buf_fini(&c->got);
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        f->calls = c->next;
    }
    if (c->next) {
        c->next->prev = c->prev;
    }
    f->calls_n--;
    free(c);
}

static void explain(const struct fetch_call *c, CURLcode code, struct err *e)
{
    if (c->too_long) {
        err_set(e, c->host, "the answer is longer than %zu bytes", c->got_max);
    } else if (c->private_refused) {
        err_set(e, c->host, "leads to an address that is not public; allow private addresses for it, if that is meant");
    } else {
        err_set(e, c->host, "%s", c->fetch->curl.easy_strerror(code));
    }
}

static void finish(struct fetch_call *c, CURLcode code)
{
    struct fetch_answer a = {.retry_after_s = -1};
    void (*done)(void *, const struct fetch_answer *) = c->done;
    void *arg = c->arg;
    struct buf got = c->got;
    long status = 0;
    curl_off_t wait_s = 0;
    c->got = (struct buf){0};
    c->fetch->curl.easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    c->fetch->curl.easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &wait_s);
    a.status = code == CURLE_OK ? (int)status : 0;
    a.retry_after_s = wait_s > 0 ? (int64_t)wait_s : -1;
    if (a.status) {
        a.body = buf_str(&got);
    } else {
        explain(c, code, &a.why);
    }
    call_free(c);
    done(arg, &a); /* last: it may begin the next call, or end the fetcher's owner's work */
    buf_fini(&got);
}

static void hand_out(struct fetch *f)
{
    CURLMsg *m;
    int left;
    while ((m = f->curl.multi_info_read(f->multi, &left)) != NULL) {
        if (m->msg == CURLMSG_DONE) {
            struct fetch_call *c = NULL;
            CURLcode code = m->data.result;
            f->curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
            finish(c, code);
        }
    }
}

static void on_socket_ready(evutil_socket_t fd, short what, void *arg)
{
    struct fetch *f = arg;
    int running;
    int flags = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    f->curl.multi_socket_action(f->multi, fd, flags, &running);
    hand_out(f);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    struct fetch *f = arg;
    int running;
    (void)fd;
    (void)what;
    f->curl.multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    hand_out(f);
}

/* curl wants other things of a descriptor than before. */
static int on_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *watch)
{
    struct fetch *f = arg;
    struct event *ev = watch;
    (void)easy;
    if (ev) {
        event_free(ev);
    }
    ev = NULL;
    if (what != CURL_POLL_REMOVE) {
        short want = (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);
        ev = event_new(f->base, fd, want, on_socket_ready, f);
        event_add(ev, NULL);
    }
    f->curl.multi_assign(f->multi, fd, ev);
    return 0;
}

static int on_deadline(CURLM *multi, long ms, void *arg)
{
    struct fetch *f = arg;
    (void)multi;
    if (ms < 0) {
        evtimer_del(f->timer);
        return 0;
    }
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};
    evtimer_add(f->timer, &tv); /* 0 too: never from within curl */
    return 0;
}

/* --- curl's side -------------------------------------------------------------------------------------------------- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct fetch_call *c = arg;
    (void)purpose;
    if (!c->allow_private && !fetch_is_public(&a->addr)) {
        c->private_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t take_body(char *p, size_t one, size_t n, void *arg)
{
    struct fetch_call *c = arg;
    size_t bytes = one * n;
    if (bytes > c->got_max - c->got.n) {
        c->too_long = true;
        return 0;
    }
    buf_put(&c->got, p, bytes);
    return bytes;
}

static int add_headers(struct fetch_call *c, const struct fetch_request *r, struct err *e)
{
    struct buf line = {0};
    int status = 0;
    c->headers = c->fetch->curl.slist_append(NULL, "Expect:"); /* no wait for "100 Continue" */
    for (size_t i = 0; i < r->headers_n && status == 0; i++) {
        const struct fetch_header *h = &r->headers[i];
        for (size_t k = 0; k < h->value.n && status == 0; k++) {
            if ((unsigned char)h->value.p[k] < 0x20) {
                status = err_set(e, c->host, "the header %s holds a control character", h->name);
            }
        }
        line.n = 0;
        buf_printf(&line, "%s: %.*s", h->name, STR_ARG(h->value));
        buf_put_byte(&line, 0);
        c->headers = c->fetch->curl.slist_append(c->headers, line.p);
    }
    buf_fini(&line);
    return status;
}

static void set_guards(struct fetch_call *c, const struct fetch_request *r)
{
    const struct curl *curl = &c->fetch->curl;
    CURL *easy = c->easy;
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, r->reach.allow_private ? "http,https" : "https");
    curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl->easy_setopt(easy, CURLOPT_PROXY, "");
    curl->easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, c);
    curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(r->timeout_ms ? r->timeout_ms : TIMEOUT_MS));
    curl->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static void set_request(struct fetch_call *c, const struct fetch_request *r, const char *url)
{
    const struct curl *curl = &c->fetch->curl;
    CURL *easy = c->easy;
    curl->easy_setopt(easy, CURLOPT_URL, url);
    curl->easy_setopt(easy, CURLOPT_PRIVATE, c);
    curl->easy_setopt(easy, CURLOPT_HTTPHEADER, c->headers);
    curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl->easy_setopt(easy, CURLOPT_WRITEDATA, c);
    curl->easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, NULL);
    curl->easy_setopt(easy, CURLOPT_USERAGENT, "kefud/" KEFU_VERSION);
    if (strcmp(r->method, "POST") == 0) {
        buf_put_str(&c->sent, r->body);
        curl->easy_setopt(easy, CURLOPT_POST, 1L);
        curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->sent.n);
        curl->easy_setopt(easy, CURLOPT_POSTFIELDS, c->sent.n ? c->sent.p : "");
    }
}

static struct fetch_call *call_new(struct fetch *f, const struct fetch_request *r)
{
    struct fetch_call *c = xcalloc(1, sizeof(*c));
    c->fetch = f;
    c->easy = f->curl.easy_init();
    if (!c->easy) {
        log_line(LOG_LEVEL_ERROR, "out_of_memory", "what=\"a call of libcurl\"");
        exit(70);
    }
    c->got_max = r->answer_max_bytes ? r->answer_max_bytes : ANSWER_MAX_BYTES;
    c->allow_private = r->reach.allow_private;
    c->done = r->done;
    c->arg = r->arg;
    c->next = f->calls;
    if (c->next) {
        c->next->prev = c;
    }
    f->calls = c;
    f->calls_n++;
    return c;
}

struct fetch_call *fetch_send(struct fetch *f, const struct fetch_request *r, struct err *e)
{
    char url[FETCH_URL_MAX_BYTES + 1];
    struct fetch_url parts;
    assert(strcmp(r->method, "GET") == 0 || strcmp(r->method, "POST") == 0);
    if (fetch_check(r->url, &r->reach, e) < 0 || fetch_url_read(r->url, &parts, e) < 0) {
        return NULL;
    }
    struct fetch_call *c = call_new(f, r);
    snprintf(c->host, sizeof(c->host), "%.*s", STR_ARG(parts.host));
    snprintf(url, sizeof(url), "%.*s", STR_ARG(r->url));
    if (add_headers(c, r, e) < 0) {
        call_free(c);
        return NULL;
    }
    set_guards(c, r);
    set_request(c, r, url);
    f->curl.multi_add_handle(f->multi, c->easy);
    return c;
}

void fetch_cancel(struct fetch_call *c)
{
    call_free(c);
}

size_t fetch_calls_n(const struct fetch *f)
{
    return f->calls_n;
}

struct fetch *fetch_new(struct event_base *base, struct err *e)
{
    struct fetch *f = xcalloc(1, sizeof(*f));
    if (late_load("libcurl.so.4", "libcurl4", curl_symbols, &f->curl, e) < 0) {
        free(f);
        return NULL;
    }
    if (f->curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(f->multi = f->curl.multi_init())) {
        err_set(e, "libcurl.so.4", "it cannot be started");
        free(f);
        return NULL;
    }
    f->base = base;
    f->timer = evtimer_new(base, on_time, f);
    f->curl.multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
    f->curl.multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    f->curl.multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_deadline);
    f->curl.multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    f->curl.multi_setopt(f->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CALLS_AT_ONCE);
    return f;
}

void fetch_free(struct fetch *f)
{
    if (!f) {
        return;
    }
    for (struct fetch_call *c = f->calls, *next; c; c = next) {
        next = c->next;
        call_free(c);
    }
    f->curl.multi_cleanup(f->multi);
    event_free(f->timer);
    f->curl.global_cleanup();
    free(f);
}
