/* Keeps true: nothing is guessed from a value of the wrong kind, and no number passes through a double unless it is a time
 * that the platform itself sends as one. */
#include "kefu/collectors/peek.h"

#include <inttypes.h>
#include <stdio.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/tz.h"

const cJSON *peek(const cJSON *at, const char *path)
{
    char name[64];
    while (at && *path) {
        size_t n = strcspn(path, ".");
        snprintf(name, sizeof(name), "%.*s", (int)n, path);
        at = cJSON_IsObject(at) ? cJSON_GetObjectItemCaseSensitive(at, name) : NULL;
        path += n + (path[n] == '.');
    }
    return at && !cJSON_IsNull(at) ? at : NULL;
}

struct str peek_text(const cJSON *at, const char *path)
{
    const cJSON *v = peek(at, path);
    return cJSON_IsString(v) && *v->valuestring ? str_of(v->valuestring) : (struct str){NULL, 0};
}

/* The number there as a whole one; -1: there is none. */
static int whole(const cJSON *v, int64_t *out)
{
    char literal[40];
    return cJSON_IsNumber(v) ? fix_parse_whole(json_literal(v, literal, sizeof(literal)), out) : -1;
}

struct str peek_id(const cJSON *at, const char *path, struct peek_id *room)
{
    const cJSON *v = peek(at, path);
    struct str text = peek_text(at, path);
    int64_t number = 0;
    if (text.n > 0 && text.n <= 120) {
        return text;
    }
    if (whole(v, &number) < 0 || number <= 0) {
        return (struct str){NULL, 0};
    }
    int n = snprintf(room->bytes, sizeof(room->bytes), "%" PRId64, number);
    return (struct str){room->bytes, (size_t)n};
}

int64_t peek_ms(const cJSON *at, const char *path)
{
    char literal[40];
    const cJSON *v = peek(at, path);
    int64_t ms = 0, micro = 0;
    if (cJSON_IsString(v)) {
        return rfc3339_parse(str_of(v->valuestring), &ms, NULL) == 0 ? ms : 0;
    }
    if (!cJSON_IsNumber(v) || fix_parse(json_literal(v, literal, sizeof(literal)), &micro) < 0 || micro <= 0) {
        return 0;
    }
    return micro / 1000;
}

int64_t peek_whole(const cJSON *at, const char *path, int64_t otherwise)
{
    int64_t number = 0;
    return whole(peek(at, path), &number) == 0 ? number : otherwise;
}

bool peek_true(const cJSON *at, const char *path)
{
    return cJSON_IsTrue(peek(at, path));
}
