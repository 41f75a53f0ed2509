/* Reading fields: one function a kind of the event table, one way to say what was wrong.
 *
 * It keeps true that nothing is guessed: a field is exactly what SPEC.md asks or the event is refused. Reasons quote what
 * was found (cut, invisible characters escaped) so that a person finds the place, except where the value is private. */
#include "kefu/collectors/decode_fields.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kefu/base/buf.h"
#include "kefu/base/digest.h"
#include "kefu/base/fix.h"
#include "kefu/base/json_scan.h"
#include "kefu/base/tz.h"
#include "kefu/base/utf8.h"

#define SHOWN_BYTES_MAX 60  /* of a value, in a reason */
#define TS_BYTES_MAX    200 /* of a literal: 36 characters, each as an escape at worst */

#define NAMED(text)                                                                                                    \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
static const struct event_field id_field = {
    .name = NAMED("id"), .key = EVENT_KEY_id, .kind = FIELD_STR, .required = true};
static const struct event_field source_field = {.name = NAMED("source"), .key = EVENT_KEY_source, .kind = FIELD_STR};
static const struct event_field type_field = {
    .name = NAMED("type"), .key = EVENT_KEY_type, .kind = FIELD_STR, .required = true};
static const struct event_field ts_field = {.name = NAMED("ts"), .key = EVENT_KEY_ts, .required = true};

/* The raw value of a member; "" if there is none. */
static struct str value_of(const struct reading *r, enum event_key key)
{
    return r->values[key].n ? r->values[key] : STR_LIT("");
}

/* Characters that would move or hide what a person reads: controls, direction marks, line separators. */
static bool is_invisible(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || (code >= 0x200B && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

/* Appends the inside of a string or a number as it was written, cut. */
static void show_cut(struct buf *out, struct str raw)
{
    struct str shown = utf8_cut(raw, SHOWN_BYTES_MAX);
    for (size_t i = 0; i < shown.n;) {
        size_t n;
        uint32_t code = utf8_get(shown.p + i, &n);
        if (is_invisible(code)) {
            buf_printf(out, "\\u%04X", (unsigned)code);
        } else {
            buf_put(out, shown.p + i, n);
        }
        i += n;
    }
    if (shown.n < raw.n) {
        buf_put_str(out, STR_LIT("…"));
    }
}

static bool is_private(const struct event_field *f)
{
    bool of_a_person =
        f->kind == FIELD_STR && (f->which == EVENT_NAME || f->which == EVENT_EMPLOYEE_NO || f->which == EVENT_REASON);
    return f->kind == FIELD_CUSTOMER || f->kind == FIELD_TEXT || of_a_person;
}

static void show_value(struct buf *out, struct str value)
{
    char first = value.n ? value.p[0] : 0;
    if (first == '"') {
        buf_put_byte(out, '"');
        show_cut(out, (struct str){value.p + 1, value.n - 2});
        buf_put_byte(out, '"');
    } else if (first == '-' || (first >= '0' && first <= '9')) {
        show_cut(out, value);
    } else {
        buf_put_str(out, str_of(json_kind(value)));
    }
}

/* The one sentence of every refusal; always -1. */
static int wrong(struct reading *r, const struct event_field *f, struct str value, const char *expected)
{
    struct buf found = {0};
    if (is_private(f)) {
        buf_put_str(&found, str_of(json_kind(value)));
    } else {
        show_value(&found, value);
    }
    err_set(&r->why, "", "%.*s: found %.*s, expected %s", STR_ARG(f->name), STR_ARG(buf_str(&found)), expected);
    buf_fini(&found);
    return -1;
}

static int wrong_string(struct reading *r, const struct event_field *f, size_t max)
{
    struct str value = value_of(r, f->key);
    char expected[64];
    snprintf(expected, sizeof expected, "a string of 1 to %zu bytes", max);
    if (value.n < 2 || value.p[0] != '"') {
        return wrong(r, f, value, expected);
    }
    err_set(&r->why, "", "%.*s: found %s string, expected %s", STR_ARG(f->name), value.n > 2 ? "a longer" : "an empty",
            expected);
    return -1;
}

/* The field's value as a string of 1 … max bytes: *out borrows from the JSON, or from r->scratch if it had escapes. */
static int want_string(struct reading *r, const struct event_field *f, size_t max, struct str *out)
{
    struct str value = value_of(r, f->key);
    if (value.n < 2 || value.p[0] != '"') {
        return wrong_string(r, f, max);
    }
    *out = (struct str){value.p + 1, value.n - 2};
    if (!r->plain && out->n <= JSON_ESCAPE_MAX * max && memchr(out->p, '\\', out->n)) {
        *out = (struct str){r->scratch, json_unescape(value, r->scratch)};
    }
    return out->n >= 1 && out->n <= max ? 0 : wrong_string(r, f, max);
}

static int take_string(struct reading *r, const struct event_field *f, size_t max, struct str *out)
{
    struct str borrowed = {0};
    if (want_string(r, f, max, &borrowed)) {
        return -1;
    }
    *out = arena_copy(r->arena, borrowed);
    return 0;
}

int fields_id(struct reading *r)
{
    return take_string(r, &id_field, EVENT_ID_BYTES_MAX, &r->e->id);
}

/* May this token write the source? */
static int check_source(struct reading *r)
{
    const struct decode_context *c = r->c;
    for (size_t i = 0; i < c->sources_n; i++) {
        if (str_eq(c->sources[i], r->e->source)) {
            return 0;
        }
    }
    if (c->sources_n == 0) {
        return 0;
    }
    struct buf found = {0};
    show_cut(&found, r->e->source);
    struct buf allowed = {0};
    for (size_t i = 0; i < c->sources_n; i++) {
        buf_printf(&allowed, "%s\"%.*s\"", i ? " or " : "", STR_ARG(c->sources[i]));
    }
    err_set(&r->why, "", "source: found \"%.*s\", expected %.*s, which this token may write", STR_ARG(buf_str(&found)),
            STR_ARG(buf_str(&allowed)));
    buf_fini(&found);
    buf_fini(&allowed);
    return -1;
}

static int read_source(struct reading *r)
{
    if (r->values[EVENT_KEY_source].n == 0) {
        r->e->source = arena_copy(r->arena, r->c->default_source);
    } else if (take_string(r, &source_field, EVENT_ID_BYTES_MAX, &r->e->source)) {
        return -1;
    }
    return check_source(r);
}

static int read_type(struct reading *r)
{
    struct str name = {0};
    if (want_string(r, &type_field, EVENT_ID_BYTES_MAX, &name)) {
        return -1;
    }
    r->e->type = event_type_find(name);
    if (event_is_act(r->e->type) && !r->c->acts) {
        return err_set(&r->why, "", "type: found %.*s, which a person does with kefuctl or on the board, not an event",
                       STR_ARG(name));
    }
    if (r->e->type != EVENT_NONE) {
        return 0;
    }
    struct buf known = {0};
    for (int t = 1; t < EVENT_TYPES; t++) {
        if (!event_is_act((enum event_type)t)) {
            buf_printf(&known, "%s%.*s", t > 1 ? ", " : "", STR_ARG(event_type_name((enum event_type)t)));
        }
    }
    buf_put_byte(&known, 0);
    wrong(r, &type_field, value_of(r, EVENT_KEY_type), known.p);
    buf_fini(&known);
    return -1;
}

/* A time as a string; value is its literal. */
static int read_rfc3339(struct reading *r, struct str value)
{
    char undone[TS_BYTES_MAX];
    struct err e = {.what = "expected RFC 3339 with an offset, such as 2026-03-02T09:00:45.131Z"};
    if (value.n <= sizeof undone) {
        struct str text = {undone, json_unescape(value, undone)};
        if (rfc3339_parse(text, &r->e->ts, &e) == 0) {
            return 0;
        }
    }
    size_t skip = strncmp(e.what, "expected ", 9) == 0 ? 9 : 0; /* wrong() says it */
    return wrong(r, &ts_field, value, e.what + skip);
}

/* Milliseconds as nearly everybody writes them: digits alone, few enough to be exact. */
static bool read_digits(struct str value, int64_t *out)
{
    int64_t v = 0;
    if (value.n == 0 || value.n > 15 || (value.p[0] == '0' && value.n > 1)) {
        return false;
    }
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9') {
            return false;
        }
        v = v * 10 + (value.p[i] - '0');
    }
    *out = v;
    return true;
}

static int read_ts(struct reading *r)
{
    struct str value = value_of(r, EVENT_KEY_ts);
    if (value.n && value.p[0] == '"') {
        if (read_rfc3339(r, value)) {
            return -1;
        }
    } else if (!read_digits(value, &r->e->ts) && fix_parse_whole(value, &r->e->ts)) {
        return wrong(r, &ts_field, value, "integer milliseconds since 1970 or RFC 3339 with an offset");
    }
    if (r->e->ts >= EVENT_TS_MIN && r->e->ts < EVENT_TS_MAX) {
        return 0;
    }
    bool seconds = r->e->ts >= EVENT_TS_MIN / 1000 && r->e->ts < EVENT_TS_MAX / 1000;
    return wrong(r, &ts_field, value,
                 seconds ? "milliseconds since 1970 (these look like seconds)"
                         : "a time from 2000-01-01 to 2099-12-31");
}

int fields_envelope(struct reading *r)
{
    return read_source(r) || read_type(r) || read_ts(r) ? -1 : 0;
}

static int read_customer(struct reading *r, const struct event_field *f)
{
    struct str customer = {0};
    if (want_string(r, f, event_str_max(EVENT_CUSTOMER), &customer)) {
        return -1;
    }
    uint8_t *hash = arena_alloc(r->arena, DIGEST_KEYED_BYTES);
    digest_keyed(hash, r->c->customer_key, customer);
    r->e->strs[f->which] = (struct str){(const char *)hash, DIGEST_KEYED_BYTES};
    return 0;
}

static int read_date(struct reading *r, const struct event_field *f)
{
    struct str *date = &r->e->strs[f->which];
    int32_t day;
    struct str value = value_of(r, f->key);
    if (value.n < 2 || value.p[0] != '"' || take_string(r, f, EVENT_ID_BYTES_MAX, date) ||
        civil_parse_day(*date, &day)) {
        return wrong(r, f, value, "a date that exists, as YYYY-MM-DD");
    }
    return 0;
}

static int wrong_word(struct reading *r, const struct event_field *f, struct str value)
{
    char expected[128] = "";
    size_t n = 0;
    for (int how = (int)f->how_first; how <= (int)f->how_last; how++) {
        struct str word = event_how_name((enum event_how)how);
        const char *before = how == (int)f->how_first ? "" : how == (int)f->how_last ? " or " : ", ";
        n += (size_t)snprintf(expected + n, sizeof expected - n, "%s%.*s", before, STR_ARG(word));
    }
    return wrong(r, f, value, expected);
}

/* A short string literal without its quotes and escapes; absent if it is none, or too long to be one of our words. */
static struct str short_word(const struct reading *r, struct str value, char out[64])
{
    if (value.n < 2 || value.n > 64 || value.p[0] != '"') {
        return (struct str){0};
    }
    return r->plain ? (struct str){value.p + 1, value.n - 2} : (struct str){out, json_unescape(value, out)};
}

static int read_word(struct reading *r, const struct event_field *f)
{
    struct str value = value_of(r, f->key);
    char undone[64];
    struct str word = short_word(r, value, undone);
    for (int how = (int)f->how_first; how <= (int)f->how_last; how++) {
        if (str_eq(word, event_how_name((enum event_how)how))) {
            r->e->how = (enum event_how)how;
            return 0;
        }
    }
    return wrong_word(r, f, value);
}

static int read_cross(struct reading *r, const struct event_field *f)
{
    struct str value = value_of(r, f->key);
    char undone[64];
    struct str word = short_word(r, value, undone);
    bool cross = str_eq(word, STR_LIT("cross"));
    if (!cross && !str_eq(word, STR_LIT("main"))) {
        return wrong(r, f, value, "main or cross");
    }
    r->e->flags |= cross ? EVENT_CROSS : 0;
    return 0;
}

static int read_flag(struct reading *r, const struct event_field *f)
{
    struct str value = value_of(r, f->key);
    bool yes = str_eq(value, STR_LIT("true"));
    if (!yes && !str_eq(value, STR_LIT("false"))) {
        return wrong(r, f, value, "true or false");
    }
    if (f->kind == FIELD_CLOSING) {
        r->e->flags |= yes ? EVENT_CLOSING_TRUE : EVENT_CLOSING_FALSE;
    } else {
        r->e->flags |= yes ? (uint32_t)f->which : 0;
    }
    return 0;
}

static int read_text(struct reading *r, const struct event_field *f)
{
    struct str value = value_of(r, f->key);
    if (value.p[0] != '"') {
        return wrong(r, f, value, "a string");
    }
    r->text = value;
    r->e->flags |= EVENT_HAS_TEXT;
    return 0;
}

static int read_score(struct reading *r, const struct event_field *f)
{
    struct str value = value_of(r, f->key);
    if (fix_parse_milli(value, &r->e->score_milli) || r->e->score_milli <= 0) {
        return wrong(r, f, value, "a number above 0 with at most 3 decimals");
    }
    return 0;
}

/* A whole number of low … high. */
static int read_whole(struct reading *r, const struct event_field *f, int64_t low, int64_t high, int64_t *out)
{
    struct str value = value_of(r, f->key);
    if (fix_parse_whole(value, out) == 0 && *out >= low && *out <= high) {
        return 0;
    }
    char expected[96];
    snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, low, high);
    return wrong(r, f, value, expected);
}

static int read_present(struct reading *r, const struct event_field *f)
{
    struct event *e = r->e;
    switch (f->kind) {
    case FIELD_NONE: return 0;
    case FIELD_SUBJECT: return take_string(r, f, EVENT_ID_BYTES_MAX, &e->subject);
    case FIELD_STR_OR_NULL:
        if (str_eq(r->values[f->key], STR_LIT("null"))) {
            return 0;
        }
        return take_string(r, f, event_str_max((enum event_str)f->which), &e->strs[f->which]);
    case FIELD_STR: return take_string(r, f, event_str_max((enum event_str)f->which), &e->strs[f->which]);
    case FIELD_CUSTOMER: return read_customer(r, f);
    case FIELD_DATE: return read_date(r, f);
    case FIELD_WORD: return read_word(r, f);
    case FIELD_CROSS: return read_cross(r, f);
    case FIELD_FLAG:
    case FIELD_CLOSING: return read_flag(r, f);
    case FIELD_TEXT: return read_text(r, f);
    case FIELD_FEN: return read_whole(r, f, 0, EVENT_FEN_MAX, &e->amount_fen);
    case FIELD_SCORE: return read_score(r, f);
    case FIELD_SCALE: return read_whole(r, f, 1, EVENT_SCALE_MAX, &e->scale);
    }
    return 0;
}

int fields_one(struct reading *r, const struct event_field *f)
{
    if (f->only_for != HOW_NONE && f->only_for != r->e->how) {
        return 0;
    }
    if (f->required || r->values[f->key].n) {
        return read_present(r, f); /* which refuses a required one that is absent: "found nothing" */
    }
    if (f->kind == FIELD_WORD) {
        r->e->how = f->how_default;
    } else if (f->kind == FIELD_SCALE) {
        r->e->scale = EVENT_SCALE_DEFAULT;
    }
    return 0;
}
