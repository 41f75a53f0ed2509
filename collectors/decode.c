/* The door. A piece of JSON goes in, one event or one refusal comes out; every input is counted once.
 *
 * It keeps true that one bad input never spoils another, that no message text and no customer id goes further than this
 * call, and that whether an event is accepted depends on its bytes, the clock and the token alone. Members are read in place
 * (collectors/decode_scan, and base/json_scan for what that leaves) and not from a tree of cJSON: numbers stay exact, and a
 * daemon's whole budget is a microsecond or two. */
#include "kefu/collectors/decode.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/json_scan.h"
#include "kefu/base/mem.h"
#include "kefu/base/tz.h"
#include "kefu/collectors/decode_fields.h"
#include "kefu/collectors/decode_scan.h"
#include "kefu/collectors/text.h"

#define MEMBERS_INLINE 48 /* events of more members cost an allocation */

static struct str rest_of(struct str s, size_t from)
{
    return (struct str){s.p + from, s.n - from};
}

/* How many blanks s begins with. */
static size_t blanks(struct str s)
{
    size_t n = 0;
    while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t' || s.p[n] == '\r' || s.p[n] == '\n')) {
        n++;
    }
    return n;
}

static struct refusal *refuse(struct batch *b, struct str input, enum refusal_kind kind, const char *reason)
{
    struct refusal *r = batch_add_refusal(b);
    r->kind = kind;
    r->input_bytes = input.n;
    r->reason = arena_copy(&b->arena, str_of(reason));
    return r;
}

/* Keys written with escapes are still the keys they mean. */
static void undo_keys(struct batch *b, struct str json, struct json_member *members, size_t n)
{
    if (json.n == 0 || !memchr(json.p, '\\', json.n)) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct str *key = &members[i].key;
        if (memchr(key->p, '\\', key->n)) {
            char *undone = arena_alloc(&b->arena, key->n + 2);
            *key = (struct str){undone, json_unescape((struct str){key->p - 1, key->n + 2}, undone)};
        }
    }
}

/* SPEC.md, Closer: of customers; placeholders: of agents. The text is forgotten here. */
static void judge_text(struct reading *r)
{
    struct event *e = r->e;
    const struct rulebook *rules = r->c->rulebook;
    struct str text = {r->text.p + 1, r->text.n - 2};
    char *undone = NULL;
    if (!r->plain && memchr(text.p, '\\', text.n)) {
        undone = xmalloc(r->text.n);
        text = (struct str){undone, json_unescape(r->text, undone)};
    }
    e->text_bytes = (int64_t)text.n;
    if (e->how == FROM_CUSTOMER && !(e->flags & EVENT_CLOSING_FALSE) && text_is_closer(text, rules)) {
        e->flags |= EVENT_CLOSER;
    }
    if (e->how == FROM_AGENT && text_is_placeholder(text, rules)) {
        e->flags |= EVENT_PLACEHOLDER;
    }
    free(undone);
}

/* What follows from several fields together. */
static int finish_event(struct reading *r, const struct event_row *row)
{
    struct event *e = r->e;
    if (row->refers && e->strs[EVENT_REF_SOURCE].n == 0) {
        e->strs[EVENT_REF_SOURCE] = e->source;
    }
    if (e->type == EVENT_RATING && e->score_milli > e->scale * 1000) {
        struct str score = r->values[EVENT_KEY_score];
        int shown = score.n < 40 ? (int)score.n : 40;
        return err_set(&r->why, "", "score: found %.*s, expected at most the scale, %lld", shown, score.p,
                       (long long)e->scale);
    }
    if (r->text.n) {
        judge_text(r);
    }
    if (e->how == FROM_CUSTOMER && (e->flags & EVENT_CLOSING_TRUE)) {
        e->flags |= EVENT_CLOSER;
    }
    return 0;
}

static int read_event(struct reading *r)
{
    if (fields_id(r) || fields_envelope(r)) {
        return -1;
    }
    const struct event_row *row = event_row(r->e->type);
    for (const struct event_field *f = row->fields; f->kind != FIELD_NONE; f++) {
        if (fields_one(r, f)) {
            return -1;
        }
    }
    return finish_event(r, row);
}

static bool is_ahead(const struct event *e, const struct decode_context *c)
{
    return c->now_ms != INT64_MAX && e->ts - DECODE_AHEAD_MS > c->now_ms;
}

/* The event stays, in the arena, for the time when it will be due. */
static void refuse_future(struct batch *b, struct str json, const struct event *e)
{
    char reason[160];
    char at[32];
    rfc3339_print(at, sizeof at, e->ts);
    snprintf(reason, sizeof reason,
             "ts: found %s, expected at most 5 minutes ahead of this clock; tried again when due", at);
    struct event *kept = arena_alloc(&b->arena, sizeof *kept);
    *kept = *e;
    batch_drop_event(b);
    struct refusal *r = refuse(b, json, REFUSAL_FUTURE, reason);
    r->id = kept->id;
    r->event = kept;
}

/* Puts the values of known names in their places. A name that stands twice is refused by now, but the first id is told. */
static void place_values(struct reading *r, const struct json_member *members, size_t n)
{
    memset(r->values, 0, sizeof r->values);
    for (size_t i = 0; i < n; i++) {
        struct str *value = &r->values[event_key_find(members[i].key)];
        *value = value->n ? *value : members[i].value;
    }
}

static void decode_values(struct batch *b, struct str json, struct reading *r)
{
    r->e = batch_add_event(b);
    if (read_event(r)) {
        struct str id = r->e->id;
        batch_drop_event(b);
        refuse(b, json, REFUSAL_BAD, r->why.what)->id = id;
    } else if (is_ahead(r->e, r->c)) {
        refuse_future(b, json, r->e);
    }
}

/* A reading's scratch is large and needs no zeroing. */
static void reading_init(struct reading *r, struct batch *b, const struct decode_context *c)
{
    r->c = c;
    r->arena = &b->arena;
    r->plain = false;
    r->text = (struct str){0};
}

/* No JSON, or no object. The id is told if it stood before the fault. */
static void refuse_json(struct batch *b, struct str json, const struct err *e, struct reading *r)
{
    char reason[sizeof e->what + sizeof e->where + 2];
    struct event nothing = {0};
    /* An input is usually one line: naming it would mislead in a file of many. */
    const char *where = strlen(e->where) > 7 && memcmp(e->where, "line 1 ", 7) == 0 ? e->where + 7 : e->where;
    snprintf(reason, sizeof reason, "%s%s%s", where, *where ? ": " : "", e->what);
    struct reading of_nothing = *r;
    of_nothing.e = &nothing;
    if (fields_id(&of_nothing)) {
        nothing.id = (struct str){0};
    }
    refuse(b, json, REFUSAL_BAD, reason)->id = nothing.id;
}

/* Known names to their places; -1 with e: not an object, the names before the fault are placed. */
static int read_members(struct batch *b, struct str json, struct reading *r, struct err *e)
{
    struct json_member inline_members[MEMBERS_INLINE];
    struct json_member *members = inline_members;
    size_t n;
    int bad = json_members(json, members, MEMBERS_INLINE, &n, e);
    if (n > MEMBERS_INLINE) {
        size_t cap = n;
        members = xmalloc(cap * sizeof *members);
        bad = json_members(json, members, cap, &n, e);
    }
    undo_keys(b, json, members, n);
    place_values(r, members, n);
    if (members != inline_members) {
        free(members);
    }
    return bad;
}

void decode_one_generic(struct batch *b, struct str json, const struct decode_context *c)
{
    struct reading r;
    struct err e;
    reading_init(&r, b, c);
    if (read_members(b, json, &r, &e)) {
        refuse_json(b, json, &e, &r);
    } else {
        decode_values(b, json, &r);
    }
    b->inputs_n++;
}

/* Decodes the plain object that json begins with and returns its length; 0: it does not begin with one, nothing was done. If
 * `alone`, nothing but blanks may follow. */
static size_t decode_plain(struct batch *b, struct str json, const struct decode_context *c, bool alone)
{
    struct reading r;
    reading_init(&r, b, c);
    memset(r.values, 0, sizeof r.values);
    r.plain = true;
    size_t n = decode_scan(json, r.values);
    if (n == 0 || (alone && blanks(rest_of(json, n)) < json.n - n)) {
        return 0;
    }
    decode_values(b, alone ? json : (struct str){json.p, n}, &r);
    b->inputs_n++;
    return n;
}

void decode_one(struct batch *b, struct str json, const struct decode_context *c)
{
    if (!decode_plain(b, json, c, true)) {
        decode_one_generic(b, json, c);
    }
}

size_t decode_lines(struct batch *b, struct str bytes, const struct decode_context *c)
{
    size_t used = 0;
    while (used < bytes.n) {
        struct str rest = rest_of(bytes, used);
        const char *newline = memchr(rest.p, '\n', rest.n);
        if (!newline) {
            break;
        }
        struct str line = {rest.p, (size_t)(newline - rest.p)};
        used += line.n + 1;
        if (blanks(line) == line.n) {
            b->inputs_n++; /* line numbers stay true */
        } else {
            decode_one(b, line, c);
        }
    }
    return used;
}

/* As decode_lines, but the last line may lack its end, and blank lines are nothing. */
static void decode_body_lines(struct batch *b, struct str body, const struct decode_context *c)
{
    while (body.n > 0) {
        const char *newline = memchr(body.p, '\n', body.n);
        struct str line = {body.p, newline ? (size_t)(newline - body.p) : body.n};
        body = rest_of(body, newline ? line.n + 1 : line.n);
        if (blanks(line) < line.n) {
            decode_one(b, line, c);
        }
    }
}

/* The length of the element at the start of s by its brackets and quotes alone, whatever is wrong inside: the way to the next
 * one. False if they do not close. */
static bool element_extent(struct str s, size_t *n)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (depth == 0 && (c == ',' || c == ']')) {
            *n = i;
            return true;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        }
    }
    return false;
}

/* One input for all from `at` on, which cannot be told apart. */
static void refuse_rest(struct batch *b, struct str body, size_t at, const char *what)
{
    char reason[400];
    snprintf(reason, sizeof reason, "byte %zu of the array: %s; nothing from here on was read", at + 1, what);
    refuse(b, rest_of(body, at), REFUSAL_BAD, reason);
    b->inputs_n++;
}

/* Decodes the element at *at and goes behind it. False if its end cannot be told: then it is refused with the rest. */
static bool decode_element(struct batch *b, struct str body, size_t *at, const struct decode_context *c)
{
    struct err e;
    struct str rest = rest_of(body, *at);
    size_t n = decode_plain(b, rest, c, false);
    if (n) {
        *at += n;
        return true;
    }
    if (json_first(rest, JSON_DEPTH_MAX, &n, &e) && !element_extent(rest, &n)) {
        refuse_rest(b, body, *at, e.what);
        return false;
    }
    decode_one(b, (struct str){rest.p, n}, c);
    *at += n;
    return true;
}

static bool byte_is(struct str s, size_t at, char c)
{
    return at < s.n && s.p[at] == c;
}

static size_t skip_to_token(struct str s, size_t at)
{
    return at + blanks(rest_of(s, at));
}

static void decode_array(struct batch *b, struct str body, const struct decode_context *c)
{
    size_t at = skip_to_token(body, 1);
    bool more = !byte_is(body, at, ']');
    while (more) {
        if (!decode_element(b, body, &at, c)) {
            return;
        }
        at = skip_to_token(body, at);
        more = byte_is(body, at, ',');
        at = more ? skip_to_token(body, at + 1) : at;
    }
    if (!byte_is(body, at, ']')) {
        refuse_rest(b, body, at, at < body.n ? "expected \",\" or \"]\"" : "found the end, expected \",\" or \"]\"");
        return;
    }
    at = skip_to_token(body, at + 1);
    if (at < body.n) {
        refuse_rest(b, body, at, "expected nothing behind the array");
    }
}

/* Does a line after the first begin an object? Then a body that is no single value was meant as lines. */
static bool looks_like_lines(struct str body)
{
    const char *newline = memchr(body.p, '\n', body.n);
    while (newline) {
        body = rest_of(body, (size_t)(newline - body.p));
        body = rest_of(body, blanks(body));
        if (body.n > 0 && body.p[0] == '{') {
            return true;
        }
        newline = body.n ? memchr(body.p, '\n', body.n) : NULL;
    }
    return false;
}

/* One object to the end of the body, be it broken? */
static bool is_single(struct str body)
{
    size_t n;
    if (body.p[0] == '{' && json_first(body, JSON_DEPTH_MAX, &n, NULL) == 0) {
        return n + blanks(rest_of(body, n)) == body.n;
    }
    return !looks_like_lines(body);
}

void decode_body(struct batch *b, struct str body, const struct decode_context *c)
{
    body = rest_of(body, blanks(body));
    if (body.n > 0 && body.p[0] == '[') {
        decode_array(b, body, c);
    } else if (decode_plain(b, body, c, true)) {
        return;
    } else if (body.n == 0 || is_single(body)) {
        decode_one(b, body, c);
    } else {
        decode_body_lines(b, body, c);
    }
}
