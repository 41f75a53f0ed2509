/* Reads kefud.json by the table of its options. */
#include "kefu/model/config.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/nearest.h"
#include "kefu/model/rulebook_reader.h"

enum option_kind { OPTION_TEXT, OPTION_PATH, OPTION_WHOLE, OPTION_TRUTH };

struct option {
    const char *name;
    size_t offset;
    const char *text; /* default of TEXT and PATH */
    int64_t whole;    /* default of WHOLE and TRUTH */
    int64_t min, max; /* of WHOLE; in bytes, of TEXT and PATH */
    enum option_kind kind;
    enum config_change change;
};

enum { PATH_MOST = 1024 };

static const struct option options[] = {
#define AT(name)                                   offsetof(struct config, name)
#define TEXT(name, def, least, most, change, help) {#name, AT(name), def, 0, least, most, OPTION_TEXT, CONFIG_##change},
#define PATH(name, def, least, change, help)       {#name, AT(name), def, 0, least, PATH_MOST, OPTION_PATH, CONFIG_##change},
#define WHOLE(name, def, least, most, change, help)                                                                    \
    {#name, AT(name), NULL, def, least, most, OPTION_WHOLE, CONFIG_##change},
#define TRUTH(name, def, change, help) {#name, AT(name), NULL, def, 0, 1, OPTION_TRUTH, CONFIG_##change},
    CONFIG_ROWS(TEXT, PATH, WHOLE, TRUTH)
#undef AT
#undef TEXT
#undef PATH
#undef WHOLE
#undef TRUTH
};
enum { OPTIONS_N = sizeof options / sizeof *options };

struct source {
    struct str text;
    const char *file;
};

int config_fail(struct str text, const char *file, const char *option, struct err *e, const char *what)
{
    char where[192];
    json_where(where, sizeof where, text, file, option);
    return err_set(e, where, "%s", what);
}

static int fail(const struct source *s, const char *option, struct err *e, const char *what)
{
    return config_fail(s->text, s->file, option, e, what);
}

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < OPTIONS_N; i++)
        if (!strcmp(options[i].name, name))
            return &options[i];
    return NULL;
}

static int fail_unknown(const struct source *s, const char *name, struct err *e)
{
    const char *names[OPTIONS_N];
    char what[200];
    for (size_t i = 0; i < OPTIONS_N; i++)
        names[i] = options[i].name;
    snprintf(what, sizeof what, "there is no such option; was %s meant? (begin a note of your own with x_)",
             nearest(name, names, OPTIONS_N));
    return fail(s, name, e, what);
}

static void *place(struct config *c, const struct option *o)
{
    return (char *)c + o->offset;
}

/* A copy that ends in a zero byte, also when it is empty. */
static struct str keep(struct config *c, struct str text)
{
    return text.n ? arena_copy(&c->arena, text) : STR_LIT("");
}

static int set_text(struct config *c, const struct option *o, const cJSON *v, const struct source *s, struct err *e)
{
    char what[160];
    struct str text = cJSON_IsString(v) ? str_of(v->valuestring) : STR_LIT("");
    if (cJSON_IsString(v) && text.n >= (size_t)o->min && text.n <= (size_t)o->max) {
        *(struct str *)place(c, o) = keep(c, text);
        return 0;
    }
    if (cJSON_IsString(v))
        snprintf(what, sizeof what, "found %zu bytes, expected %lld to %lld; leave the option out for its default",
                 text.n, (long long)o->min, (long long)o->max);
    else
        snprintf(what, sizeof what, "found %s, expected a text", reader_kind(v));
    return fail(s, o->name, e, what);
}

static int set_whole(struct config *c, const struct option *o, const cJSON *v, const struct source *s, struct err *e)
{
    char room[64];
    char what[160];
    int64_t *out = place(c, o);
    if (cJSON_IsNumber(v) && fix_parse_whole(json_literal(v, room, sizeof room), out) == 0 && *out >= o->min &&
        *out <= o->max)
        return 0;
    snprintf(what, sizeof what, "found %s, expected a whole number from %lld to %lld",
             cJSON_IsNumber(v) ? room : reader_kind(v), (long long)o->min, (long long)o->max);
    return fail(s, o->name, e, what);
}

static int set_truth(struct config *c, const struct option *o, const cJSON *v, const struct source *s, struct err *e)
{
    char what[80];
    snprintf(what, sizeof what, "found %s, expected true or false", reader_kind(v));
    if (!cJSON_IsBool(v))
        return fail(s, o->name, e, what);
    *(bool *)place(c, o) = cJSON_IsTrue(v);
    return 0;
}

static int set(struct config *c, const struct option *o, const cJSON *v, const struct source *s, struct err *e)
{
    if (o->kind == OPTION_WHOLE)
        return set_whole(c, o, v, s, e);
    return o->kind == OPTION_TRUTH ? set_truth(c, o, v, s, e) : set_text(c, o, v, s, e);
}

static void set_defaults(struct config *c)
{
    for (size_t i = 0; i < OPTIONS_N; i++) {
        const struct option *o = &options[i];
        if (o->kind == OPTION_WHOLE)
            *(int64_t *)place(c, o) = o->whole;
        else if (o->kind == OPTION_TRUTH)
            *(bool *)place(c, o) = o->whole != 0;
        else
            *(struct str *)place(c, o) = keep(c, str_of(o->text));
    }
}

struct str config_path(struct config *c, struct str dir, const char *name)
{
    size_t n = dir.n + 1 + strlen(name);
    char *path = arena_alloc(&c->arena, n + 1);
    snprintf(path, n + 1, "%.*s/%s", STR_ARG(dir), name);
    return str_of(path);
}

/* The path of a unix socket is relative to the folder, too. */
static void make_redis_whole(struct config *c, struct str *address, struct str folder)
{
    if (strncmp(address->p, "unix:", 5) != 0)
        return;
    const char *path = address->p + strlen("unix:");
    if (!*path || *path == '/')
        return;
    char *whole = arena_alloc(&c->arena, strlen("unix:") + folder.n + 1 + strlen(path) + 1);
    sprintf(whole, "unix:%.*s/%s", STR_ARG(folder), path);
    *address = str_of(whole);
}

/* The folder the file is in; "." if its name says none. */
static struct str folder_of(const struct config *c)
{
    const char *slash = strrchr(c->file.p, '/');
    if (!slash)
        return STR_LIT(".");
    return (struct str){c->file.p, (size_t)(slash - c->file.p)};
}

static void make_whole(struct config *c)
{
    struct str folder = folder_of(c);
    for (size_t i = 0; i < OPTIONS_N; i++) {
        struct str *path = options[i].kind == OPTION_PATH ? place(c, &options[i]) : NULL;
        if (path && path->n && path->p[0] != '/' && strncmp(path->p, CONFIG_CREDENTIAL, strlen(CONFIG_CREDENTIAL)) != 0)
            *path = config_path(c, folder, path->p);
    }
    make_redis_whole(c, &c->redis_address, folder);
    make_redis_whole(c, &c->streams_address, folder);
    if (!c->run_dir.n)
        c->run_dir = c->state_dir;
    if (!c->tokens_file.n)
        c->tokens_file = config_path(c, c->state_dir, "tokens.json");
    if (!c->customer_key_file.n)
        c->customer_key_file = config_path(c, c->state_dir, "customer.key");
}

static bool is_address(struct str host, bool bracketed)
{
    struct in6_addr room;
    char text[64];
    if (host.n < 1 || host.n >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", STR_ARG(host));
    return inet_pton(bracketed ? AF_INET6 : AF_INET, text, &room) == 1;
}

static int read_port(struct str s, uint16_t *port)
{
    unsigned long number = 0;
    if (s.n < 1 || s.n > 5)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        number = number * 10 + (unsigned long)(s.p[i] - '0');
    }
    *port = (uint16_t)number;
    return number <= 65535 ? 0 : -1;
}

/* "HOST:PORT" or "[HOST]:PORT" as its parts; false: there is no such colon. */
static bool split(struct str address, struct str *host, struct str *port, bool *bracketed)
{
    const char *colon = address.n ? memrchr(address.p, ':', address.n) : NULL;
    if (!colon)
        return false;
    *host = (struct str){address.p, (size_t)(colon - address.p)};
    *port = (struct str){colon + 1, address.n - host->n - 1};
    *bracketed = host->n > 2 && host->p[0] == '[' && host->p[host->n - 1] == ']';
    if (*bracketed)
        *host = (struct str){host->p + 1, host->n - 2};
    return true;
}

int config_listen(struct str listen, char host[64], uint16_t *port)
{
    struct str name;
    struct str number;
    bool bracketed = false;
    if (!split(listen, &name, &number, &bracketed) || !is_address(name, bracketed) || read_port(number, port))
        return -1;
    snprintf(host, 64, "%.*s", STR_ARG(name));
    return 0;
}

static int check_listen(const struct config *c, const struct source *s, struct err *e)
{
    char host[64];
    uint16_t port = 0;
    if (!c->http_listen.n)
        return 0;
    if (config_listen(c->http_listen, host, &port))
        return fail(s, "http_listen", e, "expected an address and a port such as \"127.0.0.1:7787\" or \"[::1]:7787\"");
    bool loopback = !strncmp(host, "127.", 4) || !strcmp(host, "::1");
    if (!loopback && !c->http_allow_remote)
        return fail(s, "http_listen", e,
                    "this is not a loopback address; put a TLS proxy in front, or set http_allow_remote to true");
    return 0;
}

/* Names are not asked of a resolver while the daemon runs, so an address must be a number (or localhost). */
static bool is_redis_address(struct str a)
{
    struct str host;
    struct str number;
    uint16_t port = 0;
    bool bracketed = false;
    if (a.n > 5 && !strncmp(a.p, "unix:", 5))
        return true;
    if (a.n <= 4 || strncmp(a.p, "tcp:", 4) != 0 || !split((struct str){a.p + 4, a.n - 4}, &host, &number, &bracketed))
        return false;
    bool named = !bracketed && str_eq(host, STR_LIT("localhost"));
    return (named || is_address(host, bracketed)) && !read_port(number, &port) && port > 0;
}

static int check_address(struct str address, const char *option, const struct source *s, struct err *e)
{
    if (!address.n || is_redis_address(address))
        return 0;
    return fail(
        s, option, e,
        "expected \"unix:PATH\", \"tcp:127.0.0.1:6379\" (a numeric address; IPv6 in brackets), or \"\" for none");
}

/* The next word of *rest; false: there is none. */
static bool next_word(struct str *rest, struct str *word)
{
    size_t from = 0, to;
    while (from < rest->n && rest->p[from] == ' ')
        from++;
    for (to = from; to < rest->n && rest->p[to] != ' ';)
        to++;
    *word = (struct str){rest->p + from, to - from};
    *rest = (struct str){rest->p + to, rest->n - to};
    return word->n > 0;
}

size_t config_streams(const struct config *c, struct str out[CONFIG_STREAMS_MAX])
{
    size_t n = 0;
    struct str rest = c->streams;
    while (n < CONFIG_STREAMS_MAX && next_word(&rest, &out[n]))
        n++;
    return n;
}

static int check_streams(const struct config *c, const struct source *s, struct err *e)
{
    struct str keys[CONFIG_STREAMS_MAX], more, rest = c->streams;
    size_t n = config_streams(c, keys), said_n = 0;
    while (next_word(&rest, &more))
        said_n++;
    if (said_n > n)
        return fail(s, "streams", e, "found more than 16 keys; run another kefud for the others");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(keys[i], keys[k]))
                return fail(s, "streams", e, "a key stands there twice");
    if (n && !c->streams_address.n && !c->redis_address.n)
        return fail(s, "streams", e, "redis_address is \"\"; say in streams_address where these streams are");
    return 0;
}

static int check_redis(const struct config *c, const struct source *s, struct err *e)
{
    bool bad = check_address(c->redis_address, "redis_address", s, e) ||
               check_address(c->streams_address, "streams_address", s, e) || check_streams(c, s, e);
    return bad ? -1 : 0;
}

static int read_tree(struct config *c, const cJSON *tree, const struct source *s, struct err *e)
{
    const cJSON *v = NULL;
    if (!cJSON_IsObject(tree))
        return fail(s, "", e, "expected an object of options");
    cJSON_ArrayForEach(v, tree)
    {
        const struct option *o = find(v->string);
        if (!strncmp(v->string, "x_", 2))
            continue;
        if (!o)
            return fail_unknown(s, v->string, e);
        if (set(c, o, v, s, e))
            return -1;
    }
    return 0;
}

int config_read(struct config *c, struct str text, const char *file, struct err *e)
{
    struct source s = {text, file};
    *c = (struct config){0};
    c->file = arena_copy(&c->arena, str_of(file));
    set_defaults(c);
    cJSON *tree = json_parse_commented(text, file, e);
    int bad = !tree || read_tree(c, tree, &s, e);
    cJSON_Delete(tree);
    if (!bad) {
        make_whole(c);
        bad = check_listen(c, &s, e) || check_redis(c, &s, e);
    }
    if (bad)
        config_fini(c);
    return bad ? -1 : 0;
}

static bool same(const struct config *a, const struct config *b, const struct option *o)
{
    const void *x = (const char *)a + o->offset;
    const void *y = (const char *)b + o->offset;
    if (o->kind == OPTION_WHOLE)
        return *(const int64_t *)x == *(const int64_t *)y;
    if (o->kind == OPTION_TRUTH)
        return *(const bool *)x == *(const bool *)y;
    return str_eq(*(const struct str *)x, *(const struct str *)y);
}

/* For messages; a long text is only named, so that none is cut within a character. */
static void print_value(const struct config *c, const struct option *o, char out[80])
{
    const void *v = (const char *)c + o->offset;
    const struct str *text = v;
    if (o->kind == OPTION_WHOLE)
        snprintf(out, 80, "%lld", (long long)*(const int64_t *)v);
    else if (o->kind == OPTION_TRUTH)
        snprintf(out, 80, "%s", *(const bool *)v ? "true" : "false");
    else if (text->n <= 70)
        snprintf(out, 80, "\"%.*s\"", STR_ARG(*text));
    else
        snprintf(out, 80, "a text of %zu bytes", text->n);
}

int config_reload_check(const struct config *old, const struct config *fresh, struct str text, struct err *e)
{
    for (size_t i = 0; i < OPTIONS_N; i++) {
        const struct option *o = &options[i];
        char was[80];
        char is[80];
        char what[260];
        if (o->change == CONFIG_RELOAD || same(old, fresh, o))
            continue;
        print_value(old, o, was);
        print_value(fresh, o, is);
        snprintf(what, sizeof what, "found %s, but kefud runs with %s; restart kefud to change it", is, was);
        return config_fail(text, fresh->file.p, o->name, e, what);
    }
    return 0;
}

void config_fini(struct config *c)
{
    arena_fini(&c->arena);
    *c = (struct config){0};
}
