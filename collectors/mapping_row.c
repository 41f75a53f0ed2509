/* Turns a row into events by the mapping. Keeps true: a value that is nothing is left out, one that cannot be read is a refusal
 * with its column; ids follow from what is told, never from text or customers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/digest.h"
#include "kefu/base/fix.h"
#include "kefu/base/mem.h"
#include "kefu/collectors/mapping.h"
#include "kefu/collectors/mapping_inside.h"
#include "kefu/collectors/value.h"
#include "kefu/model/event_table.h"

/* --- the first row ------------------------------------------------------------------------------------------------ */

static struct str trimmed(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s = (struct str){s.p + 1, s.n - 1};
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r')) {
        s.n--;
    }
    return s;
}

static int find_column(struct mapping_column *c, const struct str *cells, size_t n, bool is_optional, struct err *e)
{
    char list[200] = "";
    size_t used = 0;
    c->at = MAPPING_NOWHERE;
    for (size_t a = 0; a < c->names_n; a++) {
        for (size_t i = 0; i < n; i++) {
            if (str_eq(trimmed(cells[i]), c->names[a])) {
                c->at = i;
                return 0;
            }
        }
    }
    if (c->names_n == 0 || is_optional) {
        return 0;
    }
    for (size_t i = 0; i < n && used < sizeof(list) - 4; i++) {
        struct str name = trimmed(cells[i]);
        int put =
            snprintf(list + used, sizeof(list) - used, "%s%.*s", i ? ", " : "", name.n > 40 ? 40 : (int)name.n, name.p);
        used += put > 0 ? (size_t)put : 0;
    }
    return err_set(e, "first row", "there is no column \"%.*s\"; it has: %s", STR_ARG(c->names[0]), list);
}

static int find_columns(struct mapping_event *event, const struct str *cells, size_t n, struct err *e)
{
    if (find_column(&event->when.column, cells, n, false, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < event->specs_n; i++) {
        struct mapping_spec *s = &event->specs[i];
        if (find_column(&s->column, cells, n, s->is_optional, e) < 0 || find_column(&s->and, cells, n, false, e) < 0 ||
            find_column(&s->plus[0], cells, n, false, e) < 0 || find_column(&s->plus[1], cells, n, false, e) < 0) {
            return -1;
        }
    }
    return 0;
}

int mapping_head(struct mapping *m, const struct str *cells, size_t n, struct err *e)
{
    intern_fini(&m->told);
    intern_init(&m->told, 0);
    if (find_column(&m->skip.column, cells, n, false, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < m->events_n; i++) {
        if (find_columns(&m->events[i], cells, n, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

struct one_row {
    struct mapping *m;
    const struct str *cells;
    size_t n;
    struct turned *out;
    struct arena arena; /* for values put together; of this row */
};

static struct str cell_at(const struct one_row *r, const struct mapping_column *c)
{
    return c->at < r->n ? trimmed(r->cells[c->at]) : (struct str){NULL, 0};
}

static bool applies(const struct one_row *r, const struct mapping_when *w)
{
    if (w->column.names_n == 0) {
        return true;
    }
    struct str value = cell_at(r, &w->column);
    for (size_t i = 0; i < w->values_n; i++) {
        if (str_eq(value, w->values[i])) {
            return !w->is_not;
        }
    }
    return w->is_not;
}

/* The text of a field in this row; absent: it is nothing. */
static struct str text_of(struct one_row *r, const struct mapping_spec *s)
{
    if (s->constant.n) {
        return s->constant;
    }
    struct str text = cell_at(r, &s->column), more = cell_at(r, &s->and);
    for (size_t i = 0; i < s->words_n; i++) {
        if (str_eq(text, s->words[i][0])) {
            return s->words[i][1];
        }
    }
    if (value_is_none(text)) {
        return (struct str){NULL, 0};
    }
    if (s->and.names_n == 0) {
        return text;
    }
    char *both = arena_bytes(&r->arena, text.n + 1 + more.n);
    memcpy(both, text.n ? text.p : "", text.n);
    both[text.n] = ' ';
    memcpy(both + text.n + 1, more.n ? more.p : "", more.n);
    return (struct str){both, text.n + 1 + more.n};
}

static const struct mapping_spec *spec_of(const struct mapping_event *event, const char *field)
{
    for (size_t i = 0; i < event->specs_n; i++) {
        if (str_eq(event->specs[i].field, str_of(field))) {
            return &event->specs[i];
        }
    }
    return NULL;
}

static struct str field_text(struct one_row *r, const struct mapping_event *event, const char *field)
{
    const struct mapping_spec *s = spec_of(event, field);
    return s ? text_of(r, s) : (struct str){NULL, 0};
}

static int refuse(struct one_row *r, const struct mapping_spec *s, const char *expected)
{
    struct str column = s->column.names_n ? s->column.names[0] : s->field;
    turned_refuse(r->out, "%.*s: expected %s", STR_ARG(column), expected);
    return -1;
}

/* What the columns of plus add up to. */
static enum value_read read_plus(struct one_row *r, const struct mapping_spec *s, int64_t *ms)
{
    enum value_read all = VALUE_READ;
    for (int i = 0; i < 2 && all == VALUE_READ; i++) {
        int64_t one_ms = 0;
        if (s->plus[i].names_n) {
            all = value_duration(cell_at(r, &s->plus[i]), s->unit_ms, &one_ms);
        }
        *ms += one_ms;
    }
    return all;
}

/* When it was: 0, 1 if there is no time, -1 after a refusal. */
static int read_ts(struct one_row *r, const struct mapping_event *event, int64_t *ts)
{
    const struct mapping_spec *s = spec_of(event, "ts");
    int64_t more_ms = 0;
    struct str text = s ? text_of(r, s) : (struct str){NULL, 0};
    if (!text.n) {
        return 1;
    }
    if (value_time(text, r->m->tz, ts) != VALUE_READ) {
        return refuse(r, s, "a time such as 2026-03-02 09:00:45");
    }
    enum value_read plus = read_plus(r, s, &more_ms);
    if (plus == VALUE_BAD) {
        return refuse(r, s, "in the columns of plus lengths of time such as 2分30秒");
    }
    *ts += more_ms;
    return plus == VALUE_NONE ? 1 : 0;
}

static bool is_yes(struct str s)
{
    static const char *const words[] = {"true", "1", "y", "Y", "yes", "是", "有"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_eq(s, str_of(words[i]))) {
            return true;
        }
    }
    return false;
}

/* Milli units as a decimal. */
static void put_milli(struct one_row *r, const char *field, int64_t milli)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64 ".%03" PRId64, milli / 1000, milli % 1000);
    turned_literal(r->out, field, str_of(text));
}

static int put_score(struct one_row *r, const struct mapping_spec *s, struct str text)
{
    int64_t v;
    if (memchr(text.p, '%', text.n) || memmem(text.p, text.n, "％", 3)) {
        if (value_share(text, &v) != VALUE_READ || v % 10 != 0) {
            return refuse(r, s, "a share such as 99.71%");
        }
        put_milli(r, "score", v / 10);
        turned_number(r->out, "scale", 100);
        return 0;
    }
    if (value_milli(text, &v) != VALUE_READ || v < 0) {
        return refuse(r, s, "a number of stars such as 4.5");
    }
    put_milli(r, "score", v);
    return 0;
}

static int put_scale(struct one_row *r, const struct mapping_spec *s, struct str text)
{
    int64_t v;
    if (value_milli(text, &v) != VALUE_READ || v <= 0 || v % 1000 != 0) {
        return refuse(r, s, "a whole number of stars such as 5");
    }
    turned_number(r->out, "scale", v / 1000);
    return 0;
}

static int put_fen(struct one_row *r, const struct mapping_spec *s, struct str text)
{
    int64_t fen;
    if (value_fen(text, &fen) != VALUE_READ) {
        return refuse(r, s, "an amount in yuan such as 1,234.50");
    }
    turned_number(r->out, "amount_fen", fen);
    return 0;
}

static int put_value(struct one_row *r, const struct mapping_spec *s, const struct event_field *f, struct str text)
{
    switch (f->kind) {
    case FIELD_SCORE: return put_score(r, s, text);
    case FIELD_FEN: return put_fen(r, s, text);
    case FIELD_SCALE: return put_scale(r, s, text);
    case FIELD_FLAG:
    case FIELD_CLOSING: turned_true(r->out, f->name.p, is_yes(text)); return 0;
    case FIELD_SUBJECT:
    case FIELD_CUSTOMER: break;
    default:
        if (f->key == EVENT_KEY_agent) {
            turned_agent(r->out, "agent", text);
        } else if (f->key == EVENT_KEY_conversation) { /* that an order came from */
            turned_own(r->out, "conversation", text);
        } else {
            turned_text(r->out, f->name.p, text);
        }
        return 0;
    }
    if (f->key == EVENT_KEY_agent) { /* the subject of a profile or status */
        turned_agent(r->out, "agent", text);
    } else {
        turned_own(r->out, f->name.p, text);
    }
    return 0;
}

/* --- events ------------------------------------------------------------------------------------------------------- */

void mapping_id(struct mapping *m, struct turned *out, struct str facts)
{
    char hash[DIGEST_SHA256_HEX];
    uint32_t before_n = intern_count(&m->told), at = intern_put(&m->told, facts);
    xgrow(&m->times, &m->times_cap, (size_t)at + 1, sizeof(*m->times));
    m->times[at] = at > before_n ? 1 : m->times[at] + 1;
    digest_sha256_hex(hash, facts);
    hash[32] = 0;
    if (m->times[at] > 1) {
        turned_id(out, "%s-%" PRIu32, hash, m->times[at]);
    } else {
        turned_id(out, "%s", hash);
    }
}

/* Everything an event says but text and customer. */
static void put_id(struct one_row *r, const struct mapping_event *event, int64_t ts)
{
    struct buf facts = {0};
    struct str own = field_text(r, event, "id");
    if (own.n) {
        turned_text(r->out, "id", own);
        return;
    }
    buf_printf(&facts, "%.*s|%" PRId64, STR_ARG(event->type), ts);
    for (size_t i = 0; i < event->specs_n; i++) {
        const struct mapping_spec *s = &event->specs[i];
        if (!str_eq(s->field, STR_LIT("ts")) && !str_eq(s->field, STR_LIT("text")) &&
            !str_eq(s->field, STR_LIT("customer"))) {
            struct str text = text_of(r, s);
            buf_printf(&facts, "|%.*s=%.*s", STR_ARG(s->field), STR_ARG(text));
        }
    }
    mapping_id(r->m, r->out, buf_str(&facts));
    buf_fini(&facts);
}

/* Is a value there for every field that must be? Else the column that lacks it. */
static bool is_whole(struct one_row *r, const struct mapping_event *event, const struct event_row *row,
                     const char **lacks)
{
    struct str from = field_text(r, event, "from");
    for (const struct event_field *f = row->fields; f->kind != FIELD_NONE; f++) {
        bool asked = f->only_for == HOW_NONE || str_eq(from, event_how_name(f->only_for));
        if (f->required && asked && f->kind != FIELD_STR_OR_NULL && !field_text(r, event, f->name.p).n) {
            *lacks = f->name.p;
            return false;
        }
    }
    return true;
}

static void put_fields(struct one_row *r, const struct mapping_event *event, const struct event_row *row)
{
    for (const struct event_field *f = row->fields; f->kind != FIELD_NONE; f++) {
        const struct mapping_spec *s = spec_of(event, f->name.p);
        struct str text = s ? text_of(r, s) : (struct str){NULL, 0};
        if (s && !text.n && f->kind == FIELD_STR_OR_NULL) {
            turned_agent(r->out, f->name.p, text);
        } else if (text.n && put_value(r, s, f, text) < 0) {
            return;
        }
    }
    turned_end(r->out, "as the mapping says");
}

static void put_event(struct one_row *r, const struct mapping_event *event)
{
    const struct event_row *row = event_row(event_type_find(event->type));
    const char *lacks = "ts";
    int64_t ts = 0;
    if (!row) {
        mapping_transcript(r->m, r->out, field_text(r, event, "text"), field_text(r, event, "customer"));
        return;
    }
    int when = read_ts(r, event, &ts);
    if (when < 0) {
        return;
    }
    if (when > 0 || !is_whole(r, event, row, &lacks)) {
        turned_ignore(r->out, "%.*s: nothing stands for %s", STR_ARG(event->type), lacks);
        return;
    }
    turned_begin(r->out, row->name.p, ts);
    put_id(r, event, ts);
    put_fields(r, event, row);
}

void mapping_row(struct mapping *m, const struct str *cells, size_t n, struct turned *out)
{
    struct one_row r = {.m = m, .cells = cells, .n = n, .out = out};
    if (m->skip.column.names_n && applies(&r, &m->skip)) {
        turned_ignore(out, "skipped, as the mapping says");
        return;
    }
    for (size_t i = 0; i < m->events_n; i++) {
        if (applies(&r, &m->events[i].when)) {
            put_event(&r, &m->events[i]);
        }
    }
    arena_fini(&r.arena);
}
