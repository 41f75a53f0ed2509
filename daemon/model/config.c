/* Reads kefud.json by the table of its options. */
#include "kefu/model/config.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"

enum option_kind { OPTION_TEXT, OPTION_PATH, OPTION_WHOLE, OPTION_TRUTH };

struct option {
    const char *name;
    enum option_kind kind;
    size_t offset;
    const char *text; /* default of TEXT and PATH */
    int64_t whole;    /* default of WHOLE and TRUTH */
    int64_t min, max; /* WHOLE; max also bytes of TEXT */
};

static const struct option options[] = {
#define TEXT(name, def, most, help) {#name, OPTION_TEXT, offsetof(struct config, name), def, 0, 0, most},
#define PATH(name, def, help)       {#name, OPTION_PATH, offsetof(struct config, name), def, 0, 0, 1024},
#define WHOLE(name, def, least, most, help)                                                                            \
    {#name, OPTION_WHOLE, offsetof(struct config, name), NULL, def, least, most},
#define TRUTH(name, def, help) {#name, OPTION_TRUTH, offsetof(struct config, name), NULL, def, 0, 1},
    CONFIG_OPTIONS(TEXT, PATH, WHOLE, TRUTH)
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

static int fail(const struct source *s, const char *option, struct err *e, const char *what)
{
    char where[192];
    int line = json_line(s->text, option);
    if (line > 0)
        snprintf(where, sizeof where, "%s:%d %s", s->file, line, option);
    else
        snprintf(where, sizeof where, "%s %s", s->file, option);
    return err_set(e, where, "%s", what);
}

/* How many letters must change to make a from b: enough to find what was meant. */
static size_t distance(const char *a, const char *b)
{
    enum { MOST = 40 };
    size_t row[MOST + 1];
    size_t n = strlen(b) < MOST ? strlen(b) : MOST;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t either = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < either ? change : either;
        }
    }
    return row[n];
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
    const struct option *nearest = &options[0];
    char what[200];
    for (size_t i = 1; i < OPTIONS_N; i++)
        if (distance(name, options[i].name) < distance(name, nearest->name))
            nearest = &options[i];
    snprintf(what, sizeof what, "there is no such option; was %s meant? (begin a note of your own with x_)",
             nearest->name);
    return fail(s, name, e, what);
}

static void *place(struct config *c, const struct option *o)
{
    return (char *)c + o->offset;
}

static int set_text(struct config *c, const struct option *o, const cJSON *v, const struct source *s, struct err *e)
{
    char what[120];
    struct str text = cJSON_IsString(v) ? str_of(v->valuestring) : STR_LIT("");
    if (cJSON_IsString(v) && text.n <= (size_t)o->max) {
        *(struct str *)place(c, o) = arena_copy(&c->arena, text);
        return 0;
    }
    snprintf(what, sizeof what, "expected a text of at most %lld bytes", (long long)o->max);
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
    snprintf(what, sizeof what, "expected a whole number from %lld to %lld", (long long)o->min, (long long)o->max);
    return fail(s, o->name, e, what);
}

static int set_truth(struct config *c, const struct option *o, const cJSON *v, const struct source *s, struct err *e)
{
    if (!cJSON_IsBool(v))
        return fail(s, o->name, e, "expected true or false");
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
            *(struct str *)place(c, o) = arena_copy(&c->arena, str_of(o->text));
    }
}

struct str config_path(struct config *c, struct str dir, const char *name)
{
    size_t n = dir.n + 1 + strlen(name);
    char *path = arena_alloc(&c->arena, n + 1);
    snprintf(path, n + 1, "%.*s/%s", STR_ARG(dir), name);
    return str_of(path);
}

static void make_whole(struct config *c)
{
    const char *slash = strrchr(c->file.p, '/');
    struct str folder = {c->file.p, slash ? (size_t)(slash - c->file.p) : 0};
    for (size_t i = 0; i < OPTIONS_N; i++) {
        struct str *path = options[i].kind == OPTION_PATH ? place(c, &options[i]) : NULL;
        if (path && path->n && path->p[0] != '/' && slash)
            *path = config_path(c, folder, path->p);
    }
    if (!c->run_dir.n)
        c->run_dir = c->state_dir;
    if (!c->tokens_file.n)
        c->tokens_file = config_path(c, c->state_dir, "tokens.json");
    if (!c->customer_key_file.n)
        c->customer_key_file = config_path(c, c->state_dir, "customer.key");
}

int config_listen(struct str listen, char host[64], uint16_t *port)
{
    struct in_addr v4;
    struct in6_addr v6;
    size_t colon = listen.n;
    while (colon > 0 && listen.p[colon - 1] != ':')
        colon--;
    if (colon < 2 || colon - 1 > 60 || listen.n - colon < 1 || listen.n - colon > 5)
        return -1;
    bool bracketed = listen.p[0] == '[' && listen.p[colon - 2] == ']';
    snprintf(host, 64, "%.*s", (int)(colon - 1 - (bracketed ? 2 : 0)), listen.p + (bracketed ? 1 : 0));
    int64_t number = 0;
    if (fix_parse_whole((struct str){listen.p + colon, listen.n - colon}, &number) || number < 0 || number > 65535)
        return -1;
    *port = (uint16_t)number;
    return inet_pton(bracketed ? AF_INET6 : AF_INET, host, bracketed ? (void *)&v6 : (void *)&v4) == 1 ? 0 : -1;
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

static int check_redis(const struct config *c, const struct source *s, struct err *e)
{
    const char *a = c->redis_address.p;
    if (!c->redis_address.n || (!strncmp(a, "unix:", 5) && a[5]) || (!strncmp(a, "tcp:", 4) && strchr(a + 4, ':')))
        return 0;
    return fail(s, "redis_address", e, "expected \"unix:PATH\", \"tcp:ADDRESS:PORT\" or \"\"");
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

void config_fini(struct config *c)
{
    arena_fini(&c->arena);
    *c = (struct config){0};
}
