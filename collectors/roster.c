/* One row a field. Keeps true: a collector has exactly what its platform needs, so that a mistake shows when the file is
 * checked and not when the first customer writes. It refuses unknown fields with the nearest known one, and secrets themselves. */
#include "kefu/collectors/roster.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fetch_url.h"
#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/nearest.h"

#define CREDENTIAL_PREFIX "credential:" /* model/config.h: CONFIG_CREDENTIAL */
#define TEXT_MAX_BYTES    1024

enum row_kind { ROW_TEXT = 1, ROW_FILE, ROW_WHOLE, ROW_TRUTH };

static const struct row {
    const char *name;
    enum row_kind kind;
    unsigned setting; /* 0: of every platform */
    size_t offset;
} rows[] = {
    {"name", ROW_TEXT, 0, offsetof(struct collector, name)},
    {"platform", ROW_TEXT, 0, 0},
    {"secret_file", ROW_FILE, SETTING_SECRET, offsetof(struct collector, secret_file)},
    {"key_file", ROW_FILE, SETTING_KEY, offsetof(struct collector, key_file)},
    {"token_file", ROW_FILE, SETTING_TOKEN, offsetof(struct collector, token_file)},
    {"url", ROW_TEXT, SETTING_URL, offsetof(struct collector, url)},
    {"account", ROW_TEXT, SETTING_ACCOUNT, offsetof(struct collector, account)},
    {"ask_every_s", ROW_WHOLE, SETTING_EVERY, offsetof(struct collector, ask_every_s)},
    {"allow_private", ROW_TRUTH, SETTING_PRIVATE, offsetof(struct collector, allow_private)},
    {"signed", ROW_TRUTH, SETTING_SIGNED, offsetof(struct collector, is_signed)},
};
#define ROWS_N (sizeof(rows) / sizeof(rows[0]))

struct reading_roster {
    struct roster *r;
    struct str text;
    const char *file;
    size_t at; /* which collector */
    struct err *e;
};

static int fail(const struct reading_roster *g, const char *field, const char *what)
{
    char path[96], where[192];
    snprintf(path, sizeof(path), "[%zu]%s%.60s", g->at, *field ? "." : "", field);
    json_where(where, sizeof(where), g->text, g->file, path);
    return err_set(g->e, where, "%s", what);
}

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < ROWS_N; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static int fail_unknown(const struct reading_roster *g, const char *name)
{
    const char *names[ROWS_N];
    char what[200];
    if (strcmp(name, "secret") == 0 || strcmp(name, "key") == 0 || strcmp(name, "token") == 0) {
        snprintf(what, sizeof(what), "a secret does not stand here; put it into a file of its own and say \"%s_file\"",
                 name);
        return fail(g, name, what);
    }
    for (size_t i = 0; i < ROWS_N; i++) {
        names[i] = rows[i].name;
    }
    snprintf(what, sizeof(what), "there is no such field; was %s meant? (begin a note of your own with x_)",
             nearest(name, names, ROWS_N));
    return fail(g, name, what);
}

/* DIR/NAME for a path relative to the file's folder; else the path itself. */
static struct str whole_path(struct reading_roster *g, const char *path)
{
    const char *slash = strrchr(g->file, '/');
    if (*path == '/' || !slash || strncmp(path, CREDENTIAL_PREFIX, strlen(CREDENTIAL_PREFIX)) == 0) {
        return arena_copy(&g->r->arena, str_of(path));
    }
    size_t n = (size_t)(slash - g->file) + 1 + strlen(path);
    char *whole = arena_bytes(&g->r->arena, n + 1);
    snprintf(whole, n + 1, "%.*s/%s", (int)(slash - g->file), g->file, path);
    return (struct str){whole, n};
}

static int set_text(struct reading_roster *g, struct collector *c, const struct row *row, const cJSON *v)
{
    struct str *out = (struct str *)(void *)((char *)c + row->offset);
    if (!cJSON_IsString(v) || !*v->valuestring || strlen(v->valuestring) > TEXT_MAX_BYTES) {
        return fail(g, row->name, "expected a text of 1 to 1024 bytes");
    }
    *out = row->kind == ROW_FILE ? whole_path(g, v->valuestring) : arena_copy(&g->r->arena, str_of(v->valuestring));
    return 0;
}

static int set_whole(struct reading_roster *g, struct collector *c, const struct row *row, const cJSON *v)
{
    char literal[40];
    int64_t *out = (int64_t *)(void *)((char *)c + row->offset);
    if (!cJSON_IsNumber(v) || fix_parse_whole(json_literal(v, literal, sizeof(literal)), out) < 0 ||
        *out < ROSTER_EVERY_MIN || *out > ROSTER_EVERY_MAX) {
        return fail(g, row->name, "expected a whole number of seconds from 10 to 86400");
    }
    return 0;
}

static int set(struct reading_roster *g, struct collector *c, const struct row *row, const cJSON *v)
{
    if (row->kind == ROW_WHOLE) {
        return set_whole(g, c, row, v);
    }
    if (row->kind == ROW_TRUTH) {
        *(bool *)((char *)c + row->offset) = cJSON_IsTrue(v);
        return cJSON_IsBool(v) ? 0 : fail(g, row->name, "expected true or false");
    }
    return set_text(g, c, row, v);
}

static int check_name(const struct reading_roster *g, const struct collector *c)
{
    bool good = c->name.n >= 1 && c->name.n <= ROSTER_NAME_MAX;
    for (size_t i = 0; i < c->name.n; i++) {
        char b = c->name.p[i];
        good = good && ((b >= 'a' && b <= 'z') || (b >= '0' && b <= '9') || b == '-' || b == '_');
    }
    if (!good || str_eq(c->name, STR_LIT("default"))) {
        return fail(g, "name", "expected 1 to 32 of a-z, 0-9, - and _, and not \"default\", which is what others send");
    }
    for (size_t i = 0; i < g->at; i++) {
        if (str_eq(g->r->list[i].name, c->name)) {
            return fail(g, "name", "another collector has this name; ids of the two would meet");
        }
    }
    return 0;
}

static int find_platform(const struct reading_roster *g, struct collector *c, const cJSON *object)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, "platform");
    c->platform = cJSON_IsString(v) ? platform_find(str_of(v->valuestring)) : NULL;
    if (c->platform) {
        return 0;
    }
    char what[200];
    size_t n = (size_t)snprintf(what, sizeof(what), "expected one of");
    for (size_t i = 0; i < platforms_n && n < sizeof(what); i++) {
        n += (size_t)snprintf(what + n, sizeof(what) - n, "%s %s", i ? "," : "", platforms[i]->name);
    }
    return fail(g, "platform", what);
}

/* Are the settings given those that the platform wants? */
static int check_settings(const struct reading_roster *g, const struct collector *c, unsigned given)
{
    char what[160];
    for (size_t i = 0; i < ROWS_N; i++) {
        unsigned bit = rows[i].setting;
        if (bit & c->platform->must & ~given) {
            snprintf(what, sizeof(what), "the field is missing: a collector of %s needs it", c->platform->name);
            return fail(g, rows[i].name, what);
        }
        if (bit & given & ~(c->platform->must | c->platform->may)) {
            snprintf(what, sizeof(what), "a collector of %s has no use for it; take it out", c->platform->name);
            return fail(g, rows[i].name, what);
        }
    }
    if (c->platform->puller && (given & (SETTING_URL | SETTING_TOKEN)) == SETTING_URL) {
        return fail(g, "token_file",
                    "the field is missing: with url the platform is asked, and it wants to know by whom");
    }
    return 0;
}

static int check_url(const struct reading_roster *g, struct collector *c)
{
    struct fetch_url u;
    struct err e;
    while (c->url.n > 0 && c->url.p[c->url.n - 1] == '/') {
        c->url.n--;
    }
    if (c->url.n == 0) {
        return 0;
    }
    if (fetch_url_read(c->url, &u, &e) < 0) {
        return fail(g, "url", e.what);
    }
    if (!u.tls && !c->allow_private) {
        return fail(g, "url",
                    "expected https://; plain http is for addresses of your own net: set allow_private to true");
    }
    return 0;
}

static int read_fields(struct reading_roster *g, struct collector *c, const cJSON *object, unsigned *given)
{
    const cJSON *v = NULL;
    cJSON_ArrayForEach(v, object)
    {
        const struct row *row = find_row(v->string);
        if (strncmp(v->string, "x_", 2) == 0) {
            continue;
        }
        if (!row) {
            return fail_unknown(g, v->string);
        }
        if (row->offset == 0) {
            continue; /* the platform is known already */
        }
        if (set(g, c, row, v) < 0) {
            return -1;
        }
        *given |= row->setting;
    }
    return 0;
}

static int read_one(struct reading_roster *g, struct collector *c, const cJSON *object)
{
    unsigned given = 0;
    if (!cJSON_IsObject(object)) {
        return fail(g, "", "expected an object with name and platform");
    }
    if (find_platform(g, c, object) < 0) {
        return -1;
    }
    assert(c->platform);
    c->url = str_of(c->platform->url);
    c->ask_every_s = c->platform->ask_every_s;
    c->is_signed = true;
    bool bad = read_fields(g, c, object, &given) < 0 || check_name(g, c) < 0 || check_settings(g, c, given) < 0 ||
               check_url(g, c) < 0;
    return bad ? -1 : 0;
}

static int read_all(struct reading_roster *g, const cJSON *tree)
{
    const cJSON *object = NULL;
    int n = cJSON_GetArraySize(tree);
    if (!cJSON_IsArray(tree) || n > ROSTER_MAX) {
        char where[192];
        json_where(where, sizeof(where), g->text, g->file, "");
        return err_set(g->e, where, "expected an array of at most %d collectors", ROSTER_MAX);
    }
    size_t bytes = ((size_t)n + 1) * sizeof(struct collector);
    g->r->list = arena_alloc(&g->r->arena, bytes);
    memset(g->r->list, 0, bytes);
    cJSON_ArrayForEach(object, tree)
    {
        if (read_one(g, &g->r->list[g->at], object) < 0) {
            return -1;
        }
        g->r->n = ++g->at;
    }
    return 0;
}

int roster_read(struct roster *r, struct str text, const char *file, struct err *e)
{
    struct reading_roster g = {.r = r, .text = text, .file = file, .e = e};
    *r = (struct roster){0};
    cJSON *tree = json_parse_commented(text, file, e);
    int bad = !tree || read_all(&g, tree) < 0;
    cJSON_Delete(tree);
    if (bad) {
        roster_fini(r);
    }
    return bad ? -1 : 0;
}

void roster_fini(struct roster *r)
{
    arena_fini(&r->arena);
    *r = (struct roster){0};
}

const struct collector *roster_find(const struct roster *r, struct str name)
{
    for (size_t i = 0; i < r->n; i++) {
        if (str_eq(r->list[i].name, name)) {
            return &r->list[i];
        }
    }
    return NULL;
}

int roster_secrets(struct collector *c, int (*each)(void *arg, const char *field, struct str path, struct str *secret),
                   void *arg)
{
    struct {
        const char *field;
        struct str path;
        struct str *secret;
    } list[] = {{"secret_file", c->secret_file, &c->secret},
                {"key_file", c->key_file, &c->key},
                {"token_file", c->token_file, &c->token}};
    for (size_t i = 0; i < 3; i++) {
        int status = list[i].path.n ? each(arg, list[i].field, list[i].path, list[i].secret) : 0;
        if (status) {
            return status;
        }
    }
    return 0;
}
