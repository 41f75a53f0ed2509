/* Reads a rulebook: one row a field, each with its own reader; the first thing that is not right ends it. */
#include "kefu/model/rulebook.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/buf.h"
#include "kefu/base/digest.h"
#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/base/nearest.h"
#include "kefu/base/tz.h"
#include "kefu/model/rulebook_reader.h"

#define APPEAL_DAYS  3
#define LIMIT_MAX_MS (INT64_C(366) * 86400000)

struct rulebook_memory {
    struct arena arena;
};

int reader_fail(const struct reader *r, const char *path, const char *format, ...)
{
    char where[sizeof r->err->where];
    char what[sizeof r->err->what];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    json_where(where, sizeof where, r->text, r->file, path);
    return err_set(r->err, where, "%s", what);
}

const char *reader_kind(const cJSON *v)
{
    if (!v)
        return "nothing";
    if (cJSON_IsObject(v) || cJSON_IsArray(v))
        return cJSON_IsObject(v) ? "an object" : cJSON_GetArraySize(v) ? "a list" : "an empty list";
    if (cJSON_IsString(v) || cJSON_IsNumber(v))
        return cJSON_IsString(v) ? "a text" : "a number";
    return cJSON_IsNull(v) ? "null" : "a truth value";
}

int reader_whole(const struct reader *r, const char *path, const cJSON *v, struct range in, int64_t *out)
{
    char room[64];
    bool ok = cJSON_IsNumber(v) && fix_parse_whole(json_literal(v, room, sizeof room), out) == 0;
    if (ok && *out >= in.min && *out <= in.max)
        return 0;
    return reader_fail(r, path, "found %s, expected a whole number from %lld to %lld",
                       cJSON_IsNumber(v) ? room : reader_kind(v), (long long)in.min, (long long)in.max);
}

int reader_micro(const struct reader *r, const char *path, const cJSON *v, struct range in, int64_t *out)
{
    char room[64];
    bool ok = cJSON_IsNumber(v) && fix_parse(json_literal(v, room, sizeof room), out) == 0;
    if (ok && *out >= in.min && *out <= in.max)
        return 0;
    return reader_fail(r, path, "found %s, expected a number from %lld to %lld",
                       cJSON_IsNumber(v) ? room : reader_kind(v), (long long)(in.min / FIX_ONE),
                       (long long)(in.max / FIX_ONE));
}

int reader_text(const struct reader *r, const char *path, const cJSON *v, struct str *out)
{
    if (!cJSON_IsString(v))
        return reader_fail(r, path, "found %s, expected a text", reader_kind(v));
    struct str s = str_of(v->valuestring);
    if (s.n < 1 || s.n > 128)
        return reader_fail(r, path, "found %zu bytes, expected a text of 1 to 128 bytes", s.n);
    *out = arena_copy(r->arena, s);
    return 0;
}

int reader_texts(const struct reader *r, const char *path, const cJSON *v, struct texts *out)
{
    if (!cJSON_IsArray(v))
        return reader_fail(r, path, "found %s, expected a list of texts", reader_kind(v));
    *out = (struct texts){.list = arena_alloc(r->arena, ((size_t)cJSON_GetArraySize(v) + 1) * sizeof(struct str))};
    const cJSON *text = NULL;
    cJSON_ArrayForEach(text, v)
    {
        char at[160];
        snprintf(at, sizeof at, "%.120s[%zu]", path, out->n);
        if (reader_text(r, at, text, &out->list[out->n]))
            return -1;
        out->n++;
    }
    return 0;
}

static bool listed(const char *name, const char *const *known)
{
    for (; *known; known++)
        if (!strcmp(name, *known))
            return true;
    return false;
}

/* Says which fields there are; of many, only the likeliest. */
static int fail_unknown(const struct reader *r, const char *path, const char *name, const char *const *known)
{
    char all[200] = "";
    size_t n = 0, k = 0;
    for (; known[k] && n < sizeof all; k++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", k ? ", " : "", known[k]);
    if (n < sizeof all)
        return reader_fail(r, path, "there is no such field; known are %s (begin a note of your own with x_)", all);
    while (known[k])
        k++;
    return reader_fail(r, path, "there is no such field; was %s meant? (begin a note of your own with x_)",
                       nearest(name, known, k));
}

int reader_known(const struct reader *r, const char *path, const cJSON *object, const char *const *known)
{
    const cJSON *v = NULL;
    if (!cJSON_IsObject(object)) /* what a list holds has no names to look at */
        return reader_fail(r, path, "found %s, expected an object", reader_kind(object));
    cJSON_ArrayForEach(v, object)
    {
        if (!strncmp(v->string, "x_", 2) || listed(v->string, known))
            continue;
        char at[160];
        snprintf(at, sizeof at, "%.70s%s%.80s", path, *path ? "." : "", v->string);
        return fail_unknown(r, at, v->string, known);
    }
    return 0;
}

/* One function a kind of field; `at` is the place in the rulebook, by the row's offset. */
struct field;
typedef int read_field(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out);

struct field {
    const char *name;
    read_field *read;
    size_t offset;
    bool optional;
};

static void *place(struct rulebook *out, const struct field *f)
{
    return (char *)out + f->offset;
}

static int read_name(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    return reader_text(r, f->name, v, place(out, f));
}

static int read_limit(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    return reader_whole(r, f->name, v, (struct range){0, LIMIT_MAX_MS}, place(out, f));
}

static int read_count(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    return reader_whole(r, f->name, v, (struct range){0, INT64_C(1000000000000)}, place(out, f));
}

static int read_month(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    if (cJSON_IsString(v) && civil_parse_month(str_of(v->valuestring), &out->effective_month) == 0)
        return 0;
    if (cJSON_IsString(v))
        return reader_fail(r, f->name, "found \"%.40s\", expected a month such as \"2026-12\"", v->valuestring);
    return reader_fail(r, f->name, "found %s, expected a month such as \"2026-12\"", reader_kind(v));
}

static int read_timeout(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    struct str word = cJSON_IsString(v) ? str_of(v->valuestring) : STR_LIT("");
    bool last_reply = str_eq(word, STR_LIT("resolved_at_last_reply"));
    if (!last_reply && !str_eq(word, STR_LIT("unresolved")))
        return reader_fail(r, f->name, "expected \"unresolved\" or \"resolved_at_last_reply\"");
    out->timeout_counts_as = last_reply ? TIMEOUT_RESOLVED_AT_LAST_REPLY : TIMEOUT_UNRESOLVED;
    return 0;
}

static int read_hysteresis(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    int64_t micro = 0;
    if (reader_micro(r, f->name, v, (struct range){0, 100 * FIX_ONE}, &micro))
        return -1;
    out->hysteresis_milli = fix_div_round(micro, FIX_ONE / 1000);
    return 0;
}

/* The offset is that of the pointer; the count stands behind it. */
static int read_phrases(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    return reader_texts(r, f->name, v, place(out, f));
}

static int read_hours(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    (void)f;
    return reader_service_hours(r, v, out);
}

static int read_special(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    (void)f;
    return reader_special_days(r, v, out);
}

static int read_truth(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    bool *to = place(out, f);
    *to = cJSON_IsTrue(v);
    return cJSON_IsBool(v) ? 0 : reader_fail(r, f->name, "found %s, expected true or false", reader_kind(v));
}

static int read_few(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    return reader_whole(r, f->name, v, (struct range){0, 60}, place(out, f));
}

static int read_bonus(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    (void)f;
    return reader_bonus(r, v, out);
}

static int read_kpis(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    (void)f;
    return reader_kpis(r, v, out);
}

static int read_tiers(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    (void)f;
    return reader_tiers(r, v, out);
}

static int read_alerts(const struct reader *r, const struct field *f, const cJSON *v, struct rulebook *out)
{
    (void)f;
    return reader_alerts(r, v, out);
}

#define FIELD(name, read)                                                                                              \
    {                                                                                                                  \
#name, read, offsetof(struct rulebook, name), false                                                            \
    }
#define OPTIONAL(name, read)                                                                                           \
    {                                                                                                                  \
#name, read, offsetof(struct rulebook, name), true                                                             \
    }
_Static_assert(offsetof(struct rulebook, closing_phrases_n) - offsetof(struct rulebook, closing_phrases) ==
                   offsetof(struct texts, n) - offsetof(struct texts, list),
               "a list of phrases in a rulebook is a struct texts");

static const struct field fields[] = {
    FIELD(name, read_name),
    {"effective_from", read_month, 0, true},
    FIELD(response_target_ms, read_limit),
    FIELD(resolution_limit_ms, read_limit),
    FIELD(fcr_window_ms, read_limit),
    FIELD(abandon_after_ms, read_limit),
    FIELD(idle_after_ms, read_limit),
    OPTIONAL(timeout_counts_as, read_timeout),
    OPTIONAL(timezone, read_name),
    {"service_hours", read_hours, 0, true},
    {"special_days", read_special, 0, true},
    FIELD(closing_phrases, read_phrases),
    FIELD(closing_particles, read_phrases),
    OPTIONAL(placeholder_phrases, read_phrases),
    FIELD(cross_sell_min_fen, read_count),
    FIELD(tier_min_handled, read_count),
    {"hysteresis", read_hysteresis, 0, false},
    FIELD(dwell_ms, read_limit),
    FIELD(transfer_after_months, read_count),
    OPTIONAL(promote_after_months, read_few),
    OPTIONAL(appeal_days, read_few),
    OPTIONAL(prorate_counts, read_truth),
    OPTIONAL(exempt_days_left_out, read_truth),
    OPTIONAL(grace_months, read_few),
    {"bonus_curve", read_bonus, 0, true},
    {"kpis", read_kpis, 0, false},
    {"tiers", read_tiers, 0, false},
    {"alerts", read_alerts, 0, true},
};
enum { FIELDS_N = sizeof fields / sizeof *fields };

static int read_fields(const struct reader *r, const cJSON *tree, bool over_base, struct rulebook *out)
{
    const char *names[FIELDS_N + 1] = {NULL};
    for (size_t i = 0; i < FIELDS_N; i++)
        names[i] = fields[i].name;
    if (reader_known(r, "", tree, names))
        return -1;
    for (size_t i = 0; i < FIELDS_N; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(tree, fields[i].name);
        if (!v && (fields[i].optional || over_base))
            continue;
        if (!v)
            return reader_fail(r, fields[i].name, "the field is missing");
        if (fields[i].read(r, &fields[i], v, out))
            return -1;
    }
    return 0;
}

static struct rulebook *new_over(const struct rulebook *base)
{
    struct rulebook *r = xcalloc(1, sizeof *r);
    if (base)
        *r = *base;
    r->memory = xcalloc(1, sizeof *r->memory);
    reader_own(r, &r->memory->arena);
    r->effective_month = INT32_MIN;
    r->always_open = base ? base->always_open : true;
    r->appeal_days = base ? base->appeal_days : APPEAL_DAYS;
    for (int d = 0; d < 7 && !base; d++)
        r->week[d] = (struct day_hours){.spans = {{0, 1440}}, .n = 1};
    return r;
}

/* The hash of all that a figure, a score or pay hangs on: what the file says and what it leaves to its base, but not how it
 * is laid out, and not whom alerts wake. */
static void sign(struct rulebook *out, cJSON *tree, const struct rulebook *base)
{
    struct buf said = {0};
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "alerts");
    char *text = cJSON_PrintUnformatted(tree);
    buf_put_str(&said, str_of(base ? base->sha256 : ""));
    buf_put_str(&said, str_of(text));
    digest_sha256_hex(out->sha256, buf_str(&said));
    cJSON_free(text);
    buf_fini(&said);
}

struct rulebook *rulebook_read(struct str text, const char *file, const struct rulebook *base, struct err *e)
{
    struct err unwanted = {0};
    struct rulebook *out = new_over(base);
    struct reader r = {.text = text, .file = file, .arena = &out->memory->arena, .err = e ? e : &unwanted};
    cJSON *tree = json_parse_commented(text, file, r.err);
    if (!tree || read_fields(&r, tree, base != NULL, out)) {
        rulebook_free(out);
        out = NULL;
    } else {
        sign(out, tree, base);
        out->text = arena_copy(&out->memory->arena, text);
    }
    cJSON_Delete(tree);
    return out;
}

void rulebook_free(struct rulebook *r)
{
    if (!r)
        return;
    arena_fini(&r->memory->arena);
    free(r->memory);
    free(r);
}

const struct rulebook *rulebooks_for_day(const struct rulebooks *r, int32_t day)
{
    if (r->n == 1)
        return r->list[0];
    int32_t month = civil_month(day);
    size_t k = r->n - 1;
    while (k > 0 && r->list[k]->effective_month > month)
        k--;
    return r->list[k];
}
