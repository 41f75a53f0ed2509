/* Reads, writes and checks tokens.json. A file that is damaged in any row is refused whole: nobody gets in by half. */
#include "kefu/model/access.h"

#include <cjson/cJSON.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"

struct str role_name(enum role r)
{
    static const struct str names[] = {{"", 0},
#define X(name, word) STR_LIT(word),
                                       ACCESS_ROLES(X)
#undef X
    };
    return names[r];
}

enum role role_find(struct str name)
{
    for (int r = ROLE_NONE + 1; r < ROLE_N; r++)
        if (str_eq(role_name((enum role)r), name))
            return (enum role)r;
    return ROLE_NONE;
}

enum { LIST_MAX = 64, WHERE_MAX = 192 };

/* Where the reader stands: the row, for errors. */
struct place {
    struct str text;
    const char *file;
    size_t row;
    struct err *err;
};

static int fail(const struct place *p, const char *field, const char *what)
{
    char path[96];
    char where[WHERE_MAX];
    snprintf(path, sizeof path, "tokens[%zu]%s%.60s", p->row, *field ? "." : "", field);
    json_where(where, sizeof where, p->text, p->file, path);
    return err_set(p->err, where, "%s; or make a new token with `kefuctl token add`", what);
}

static struct str *copy_list(struct arena *a, const struct str *list, size_t n)
{
    struct str *copy = arena_alloc(a, (n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_copy(a, list[i]);
    return copy;
}

static struct token *add(struct tokens *t, const struct token *like)
{
    xgrow(&t->list, &t->cap, t->n + 1, sizeof *t->list);
    struct token *k = &t->list[t->n++];
    *k = *like;
    k->id = arena_copy(&t->arena, like->id);
    k->sha256 = arena_copy(&t->arena, like->sha256);
    k->subject = arena_copy(&t->arena, like->subject);
    k->login = arena_copy(&t->arena, like->login);
    k->sources = copy_list(&t->arena, like->sources, like->sources_n);
    k->teams = copy_list(&t->arena, like->teams, like->teams_n);
    return k;
}

static bool is_name(const cJSON *v)
{
    return cJSON_IsString(v) && v->valuestring[0] && strlen(v->valuestring) <= ACCESS_NAME_BYTES;
}

/* A field that is left out keeps what *out holds; one of a wrong kind is refused, for it would mean less than was meant. */
static int read_text(const struct place *p, const cJSON *row, const char *name, struct str *out)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, name);
    if (v && !is_name(v))
        return fail(p, name, "expected a text of 1 to 128 bytes");
    *out = v ? str_of(v->valuestring) : *out;
    return 0;
}

static int read_time(const struct place *p, const cJSON *row, const char *name, int64_t *out)
{
    char room[64];
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, name);
    if (!v)
        return 0;
    if (!cJSON_IsNumber(v) || fix_parse_whole(json_literal(v, room, sizeof room), out) || *out < 0)
        return fail(p, name, "expected whole milliseconds since 1970");
    return 0;
}

/* A list of names, at most LIST_MAX of them, into out. */
static int read_list(const struct place *p, const cJSON *row, const char *name, struct str *out, size_t *out_n)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(row, name);
    const cJSON *v = NULL;
    int n = cJSON_GetArraySize(list);
    if (!list)
        return 0;
    if (!cJSON_IsArray(list) || n < 1 || n > LIST_MAX)
        return fail(p, name, "expected a list of 1 to 64 names; leave the field out where it is not needed");
    cJSON_ArrayForEach(v, list)
    {
        char field[32];
        snprintf(field, sizeof field, "%s[%zu]", name, *out_n);
        if (!is_name(v))
            return fail(p, field, "expected the name of a source or a team, a text of 1 to 128 bytes");
        out[(*out_n)++] = str_of(v->valuestring);
    }
    return 0;
}

static int check_names(const struct place *p, const cJSON *row)
{
    static const char *const known[] = {"id",      "sha256", "role",     "subject",   "teams",
                                        "sources", "login",  "added_at", "expires_at"};
    const cJSON *v = NULL;
    cJSON_ArrayForEach(v, row)
    {
        bool is_known = strncmp(v->string, "x_", 2) == 0;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            is_known = is_known || strcmp(v->string, known[i]) == 0;
        if (!is_known)
            return fail(
                p, v->string,
                "there is no such field; known are id, sha256, role, subject, teams, sources, login, added_at, expires_at");
    }
    return 0;
}

static bool is_sha256(struct str s)
{
    return s.n == DIGEST_SHA256_HEX - 1 && strspn(s.p, "0123456789abcdef") == s.n;
}

static int check_row(const struct place *p, const struct tokens *t, const struct token *k)
{
    if (!k->id.n)
        return fail(p, "id", "the field is missing");
    if (!is_sha256(k->sha256))
        return fail(p, "sha256", "expected 64 hexadecimal digits in small letters");
    if (k->role == ROLE_NONE)
        return fail(p, "role", "expected agent, lead, payroll, hr, ingest or admin");
    if (k->sources_n && k->role != ROLE_INGEST)
        return fail(p, "sources", "only a token of role ingest is bound to sources; take the field out");
    if (k->teams_n && k->role != ROLE_LEAD)
        return fail(p, "teams", "only a token of role lead is of teams; take the field out");
    for (size_t i = 0; i < t->n; i++) {
        if (str_eq(t->list[i].id, k->id))
            return fail(p, "id", "an earlier token has this id, so revoking it would leave one of them");
        if (k->login.n && str_eq(t->list[i].login, k->login))
            return fail(p, "login", "an earlier token has this login, so who logs in by it could be either");
        if (str_eq(t->list[i].sha256, k->sha256))
            return fail(p, "sha256", "an earlier token has this hash, so revoking one would leave the other");
    }
    return 0;
}

static int read_row(const struct place *p, const cJSON *row, struct tokens *t)
{
    struct str role = {0};
    struct str sources[LIST_MAX], teams[LIST_MAX];
    struct token k = {.sources = sources, .teams = teams, .expires_at = INT64_MAX};
    if (!cJSON_IsObject(row))
        return fail(p, "", "expected an object");
    if (check_names(p, row) || read_text(p, row, "id", &k.id) || read_text(p, row, "sha256", &k.sha256) ||
        read_text(p, row, "role", &role) || read_text(p, row, "subject", &k.subject) ||
        read_time(p, row, "added_at", &k.added_at) || read_time(p, row, "expires_at", &k.expires_at) ||
        read_text(p, row, "login", &k.login) || read_list(p, row, "sources", sources, &k.sources_n) ||
        read_list(p, row, "teams", teams, &k.teams_n))
        return -1;
    k.role = role_find(role);
    if (check_row(p, t, &k))
        return -1;
    add(t, &k);
    return 0;
}

static int fail_file(const struct place *p, const char *field, const char *what)
{
    char where[WHERE_MAX];
    json_where(where, sizeof where, p->text, p->file, field);
    return err_set(p->err, where, "%s; expected {\"tokens\": [...]}, as `kefuctl token add` writes it", what);
}

static int read_rows(struct place *p, const cJSON *tree, struct tokens *t)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(tree, "tokens");
    const cJSON *row = NULL;
    if (!cJSON_IsObject(tree) || !rows)
        return fail_file(p, "tokens", "the list is missing");
    if (!cJSON_IsArray(rows))
        return fail_file(p, "tokens", "this is no list");
    cJSON_ArrayForEach(row, tree)
    {
        if (row != rows && strncmp(row->string, "x_", 2) != 0)
            return fail_file(p, row->string, "there is no such field");
    }
    cJSON_ArrayForEach(row, rows)
    {
        if (read_row(p, row, t))
            return -1;
        p->row++;
    }
    return 0;
}

int access_read(struct tokens *t, struct str text, const char *file, struct err *e)
{
    struct place p = {.text = text, .file = file, .err = e};
    *t = (struct tokens){0};
    cJSON *tree = json_parse_commented(text, file, e);
    int bad = !tree || read_rows(&p, tree, t);
    cJSON_Delete(tree);
    if (bad)
        access_fini(t);
    return bad ? -1 : 0;
}

static void print_list(struct buf *out, const char *name, const struct str *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_printf(out, ", ");
        else
            buf_printf(out, ", \"%s\": [", name);
        buf_put_json(out, list[i]);
    }
    if (n)
        buf_put_byte(out, ']');
}

static void print_token(const struct token *k, struct buf *out)
{
    buf_printf(out, "  {\"id\": ");
    buf_put_json(out, k->id);
    buf_printf(out, ", \"sha256\": \"%.*s\", \"role\": \"%.*s\"", STR_ARG(k->sha256), STR_ARG(role_name(k->role)));
    if (k->subject.n) {
        buf_printf(out, ", \"subject\": ");
        buf_put_json(out, k->subject);
    }
    if (k->login.n) {
        buf_printf(out, ", \"login\": ");
        buf_put_json(out, k->login);
    }
    print_list(out, "sources", k->sources, k->sources_n);
    print_list(out, "teams", k->teams, k->teams_n);
    buf_printf(out, ", \"added_at\": %lld", (long long)k->added_at);
    if (k->expires_at != INT64_MAX)
        buf_printf(out, ", \"expires_at\": %lld", (long long)k->expires_at);
    buf_printf(out, "}");
}

void access_print(const struct tokens *t, struct buf *out)
{
    buf_printf(out, "{\"tokens\": [\n");
    for (size_t i = 0; i < t->n; i++) {
        print_token(&t->list[i], out);
        buf_printf(out, i + 1 < t->n ? ",\n" : "\n");
    }
    buf_printf(out, "]}\n");
}

void access_fini(struct tokens *t)
{
    free(t->list);
    arena_fini(&t->arena);
    *t = (struct tokens){0};
}

static bool is_taken(const struct tokens *t, const char *id)
{
    for (size_t i = 0; i < t->n; i++)
        if (str_eq(t->list[i].id, str_of(id)))
            return true;
    return false;
}

/* Makes a secret and its hash. */
static void mint(char clear[ACCESS_TOKEN_BYTES], char sha256[DIGEST_SHA256_HEX])
{
    uint8_t secret[32];
    digest_random(secret, sizeof secret);
    memcpy(clear, "kefu_", 5); /* NOLINT(bugprone-not-null-terminated-result): the base64 behind it ends it */
    sodium_bin2base64(clear + 5, ACCESS_TOKEN_BYTES - 5, secret, sizeof secret,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
    digest_sha256_hex(sha256, str_of(clear));
}

struct str access_add(struct tokens *t, const struct token *like, char clear[ACCESS_TOKEN_BYTES])
{
    char sha256[DIGEST_SHA256_HEX];
    char id[13];
    do {
        mint(clear, sha256);
        snprintf(id, sizeof id, "t%.8s", sha256);
    } while (is_taken(t, id));
    struct token k = *like;
    k.id = str_of(id);
    k.sha256 = str_of(sha256);
    return add(t, &k)->id;
}

int access_revoke(struct tokens *t, struct str id)
{
    for (size_t i = 0; i < t->n; i++) {
        if (!str_eq(t->list[i].id, id))
            continue;
        memmove(&t->list[i], &t->list[i + 1], (t->n - i - 1) * sizeof *t->list);
        t->n--;
        return 0;
    }
    return -1;
}

static const struct token *in_time(const struct token *k, int64_t now_ms)
{
    return k && k->expires_at > now_ms ? k : NULL;
}

const struct token *access_check(const struct tokens *t, struct str presented, int64_t now_ms)
{
    char sha256[DIGEST_SHA256_HEX];
    const struct token *found = NULL;
    digest_sha256_hex(sha256, presented);
    for (size_t i = 0; i < t->n; i++)
        if (digest_same(t->list[i].sha256.p, sha256, DIGEST_SHA256_HEX - 1))
            found = &t->list[i];
    return in_time(found, now_ms);
}

const struct token *access_find(const struct tokens *t, struct str id, int64_t now_ms)
{
    for (size_t i = 0; i < t->n; i++)
        if (str_eq(t->list[i].id, id))
            return in_time(&t->list[i], now_ms);
    return NULL;
}

const struct token *access_find_login(const struct tokens *t, struct str login, int64_t now_ms)
{
    for (size_t i = 0; login.n && i < t->n; i++)
        if (str_eq(t->list[i].login, login))
            return in_time(&t->list[i], now_ms);
    return NULL;
}
