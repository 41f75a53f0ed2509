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

static struct str text_of(const cJSON *row, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, name);
    return cJSON_IsString(v) ? str_of(v->valuestring) : (struct str){0};
}

static int64_t time_of(const cJSON *row, const char *name, int64_t otherwise)
{
    char room[64];
    int64_t at = 0;
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, name);
    if (!cJSON_IsNumber(v) || fix_parse_whole(json_literal(v, room, sizeof room), &at))
        return otherwise;
    return at;
}

static struct token *add(struct tokens *t, const struct token *like)
{
    xgrow(&t->list, &t->cap, t->n + 1, sizeof *t->list);
    struct token *k = &t->list[t->n++];
    *k = *like;
    k->id = arena_copy(&t->arena, like->id);
    k->sha256 = arena_copy(&t->arena, like->sha256);
    k->subject = arena_copy(&t->arena, like->subject);
    k->sources = arena_alloc(&t->arena, (like->sources_n + 1) * sizeof *k->sources);
    for (size_t i = 0; i < like->sources_n; i++)
        k->sources[i] = arena_copy(&t->arena, like->sources[i]);
    return k;
}

static const char *read_token(struct tokens *t, const cJSON *row)
{
    struct token k = {.id = text_of(row, "id"),
                      .sha256 = text_of(row, "sha256"),
                      .role = role_find(text_of(row, "role")),
                      .subject = text_of(row, "subject"),
                      .added_at = time_of(row, "added_at", 0),
                      .expires_at = time_of(row, "expires_at", INT64_MAX)};
    const cJSON *sources = cJSON_GetObjectItemCaseSensitive(row, "sources");
    const cJSON *v = NULL;
    if (!k.id.n)
        return "id: expected a text";
    if (k.sha256.n != DIGEST_SHA256_HEX - 1)
        return "sha256: expected 64 hexadecimal digits";
    if (k.role == ROLE_NONE)
        return "role: expected agent, lead, payroll, hr, ingest or admin";
    struct str list[64];
    k.sources = list;
    cJSON_ArrayForEach(v, sources)
    {
        if (!cJSON_IsString(v) || k.sources_n == sizeof list / sizeof *list)
            return "sources: expected a list of at most 64 texts";
        list[k.sources_n++] = str_of(v->valuestring);
    }
    add(t, &k);
    return NULL;
}

int access_read(struct tokens *t, struct str text, const char *file, struct err *e)
{
    *t = (struct tokens){0};
    cJSON *tree = json_parse_commented(text, file, e);
    if (!tree)
        return -1;
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(tree, "tokens");
    const char *wrong = cJSON_IsArray(rows) ? NULL : "expected {\"tokens\": […]}";
    const cJSON *row = NULL;
    size_t n = 0;
    cJSON_ArrayForEach(row, rows)
    {
        wrong = wrong ? wrong : read_token(t, row);
        n += !wrong;
    }
    if (wrong) {
        char where[192];
        char path[40];
        snprintf(path, sizeof path, "tokens[%zu]", n);
        snprintf(where, sizeof where, "%s:%d %s", file, json_line(text, path), path);
        err_set(e, where, "%s; make tokens with kefuctl token add", wrong);
        access_fini(t);
    }
    cJSON_Delete(tree);
    return wrong ? -1 : 0;
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
    for (size_t i = 0; i < k->sources_n; i++) {
        buf_printf(out, i ? ", " : ", \"sources\": [");
        buf_put_json(out, k->sources[i]);
    }
    buf_printf(out, "%s, \"added_at\": %lld", k->sources_n ? "]" : "", (long long)k->added_at);
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

struct str access_add(struct tokens *t, const struct token *like, char clear[ACCESS_TOKEN_BYTES])
{
    uint8_t secret[32];
    char sha256[DIGEST_SHA256_HEX];
    char id[13];
    digest_random(secret, sizeof secret);
    memcpy(clear, "kefu_", 5);
    sodium_bin2base64(clear + 5, ACCESS_TOKEN_BYTES - 5, secret, sizeof secret,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
    digest_sha256_hex(sha256, str_of(clear));
    snprintf(id, sizeof id, "t%.8s", sha256);
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

const struct token *access_check(const struct tokens *t, struct str presented, int64_t now_ms)
{
    char sha256[DIGEST_SHA256_HEX];
    const struct token *found = NULL;
    digest_sha256_hex(sha256, presented);
    for (size_t i = 0; i < t->n; i++)
        if (digest_same(t->list[i].sha256.p, sha256, DIGEST_SHA256_HEX - 1))
            found = &t->list[i];
    return found && found->expires_at > now_ms ? found : NULL;
}
