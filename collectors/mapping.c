/* Reads a mapping file. Keeps true: what it says is checked against the event table before the first row is read; unknown
 * fields and types are refused with the nearest known one. */
#include "kefu/collectors/mapping.h"

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/base/nearest.h"
#include "kefu/collectors/mapping_inside.h"
#include "kefu/model/event_table.h"

struct reading_map {
    struct mapping *m;
    struct str text;
    const char *file;
    char path[96];
    struct err *e;
};

static int fail(const struct reading_map *r, const char *field, const char *what)
{
    char path[160], where[192];
    snprintf(path, sizeof(path), "%s%s%.50s", r->path, *r->path && *field ? "." : "", field);
    json_where(where, sizeof(where), r->text, r->file, path);
    return err_set(r->e, where, "%s", what);
}

static struct str keep(struct reading_map *r, const char *text)
{
    return arena_copy(&r->m->arena, str_of(text));
}

/* A column's name, or a list of them. */
static int read_column(struct reading_map *r, struct mapping_column *c, const cJSON *v, const char *field)
{
    const cJSON *name = NULL;
    c->at = MAPPING_NOWHERE;
    if (cJSON_IsString(v) && *v->valuestring) {
        c->names[c->names_n++] = keep(r, v->valuestring);
        return 0;
    }
    cJSON_ArrayForEach(name, v)
    {
        if (!cJSON_IsString(name) || c->names_n == MAPPING_ALIASES_MAX) {
            c->names_n = 0;
            break;
        }
        c->names[c->names_n++] = keep(r, name->valuestring);
    }
    return cJSON_IsArray(v) && c->names_n > 0 ? 0 : fail(r, field, "expected a column's name, or a list of up to 8");
}

static int read_words(struct reading_map *r, struct mapping_spec *s, const cJSON *v)
{
    const cJSON *word = NULL;
    cJSON_ArrayForEach(word, v)
    {
        if (!cJSON_IsString(word) || s->words_n == MAPPING_WORDS_MAX) {
            return fail(r, "words", "expected an object of up to 32 texts, such as {\"满意\": \"5\"}");
        }
        s->words[s->words_n][0] = keep(r, word->string);
        s->words[s->words_n++][1] = keep(r, word->valuestring);
    }
    return 0;
}

/* One column, or two of which each is added. */
static int read_plus(struct reading_map *r, struct mapping_spec *s, const cJSON *v)
{
    if (!cJSON_IsArray(v)) {
        return read_column(r, &s->plus[0], v, "plus");
    }
    bool two = cJSON_GetArraySize(v) == 2 && read_column(r, &s->plus[0], cJSON_GetArrayItem(v, 0), "plus") == 0 &&
               read_column(r, &s->plus[1], cJSON_GetArrayItem(v, 1), "plus") == 0;
    return two ? 0 : fail(r, "plus", "expected a column of lengths of time, or a list of two");
}

static int read_detail(struct reading_map *r, struct mapping_spec *s, const cJSON *v)
{
    if (strcmp(v->string, "column") == 0) {
        return read_column(r, &s->column, v, "column");
    }
    if (strcmp(v->string, "and") == 0) {
        return read_column(r, &s->and, v, "and");
    }
    if (strcmp(v->string, "plus") == 0) {
        return read_plus(r, s, v);
    }
    if (strcmp(v->string, "words") == 0 && cJSON_IsObject(v)) {
        return read_words(r, s, v);
    }
    if (strcmp(v->string, "optional") == 0 && cJSON_IsBool(v)) {
        s->is_optional = cJSON_IsTrue(v);
        return 0;
    }
    if (strcmp(v->string, "unit") == 0 && cJSON_IsString(v) &&
        (strcmp(v->valuestring, "s") == 0 || strcmp(v->valuestring, "min") == 0)) {
        s->unit_ms = v->valuestring[0] == 's' ? 1000 : 60000;
        return 0;
    }
    return fail(r, v->string,
                "expected column, and, plus, unit (\"s\" or \"min\"), words or optional, each in its kind");
}

static int read_spec(struct reading_map *r, struct mapping_spec *s, const cJSON *v)
{
    const cJSON *detail = NULL;
    s->field = keep(r, v->string);
    s->unit_ms = 1000;
    s->column.at = s->and.at = s->plus[0].at = s->plus[1].at = MAPPING_NOWHERE;
    if (cJSON_IsString(v) && v->valuestring[0] == '=') {
        s->constant = keep(r, v->valuestring + 1);
        return s->constant.n ? 0 : fail(r, v->string, "expected a word behind the =");
    }
    if (!cJSON_IsObject(v)) {
        return read_column(r, &s->column, v, v->string);
    }
    cJSON_ArrayForEach(detail, v)
    {
        if (read_detail(r, s, detail) < 0) {
            return -1;
        }
    }
    return s->column.names_n ? 0 : fail(r, v->string, "expected a column in it");
}

static int read_when(struct reading_map *r, struct mapping_when *w, const cJSON *v, const char *field)
{
    const cJSON *is = cJSON_GetObjectItemCaseSensitive(v, "is"),
                *is_not = cJSON_GetObjectItemCaseSensitive(v, "is_not");
    const cJSON *value = NULL, *values = is_not ? is_not : is;
    if (!v) {
        return 0;
    }
    if (read_column(r, &w->column, cJSON_GetObjectItemCaseSensitive(v, "column"), field) < 0) {
        return -1;
    }
    w->is_not = is_not != NULL;
    cJSON_ArrayForEach(value, values)
    {
        if (!cJSON_IsString(value) || w->values_n == MAPPING_WORDS_MAX) {
            return fail(r, field, "expected up to 32 texts in is or is_not");
        }
        w->values[w->values_n++] = keep(r, value->valuestring);
    }
    return w->values_n > 0 && !is != !is_not
               ? 0
               : fail(r, field, "expected a column, and is or is_not with a list of texts");
}

/* Has the type such a field? A transcript has two. */
static int check_field(struct reading_map *r, struct str type, const char *field)
{
    const char *names[EVENT_FIELDS_MAX + 4] = {"id", "ts"};
    size_t n = 2;
    char what[160];
    const struct event_row *row = event_row(event_type_find(type));
    for (size_t i = 0; row && row->fields[i].kind != FIELD_NONE; i++) {
        names[n++] = row->fields[i].name.p;
    }
    if (!row) {
        names[0] = "text";
        names[1] = "customer";
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], field) == 0) {
            return 0;
        }
    }
    snprintf(what, sizeof(what), "%.*s has no such field; was %s meant?", STR_ARG(type), nearest(field, names, n));
    return fail(r, field, what);
}

static int read_event(struct reading_map *r, struct mapping_event *event, const cJSON *v)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(v, "type"), *field = NULL;
    if (!cJSON_IsString(type) ||
        (event_type_find(str_of(type->valuestring)) == EVENT_NONE && strcmp(type->valuestring, "transcript") != 0)) {
        return fail(r, "type", "expected a type of the event table, such as message or rating, or transcript");
    }
    event->type = keep(r, type->valuestring);
    cJSON_ArrayForEach(field, v)
    {
        if (field == type || strcmp(field->string, "when") == 0 || strncmp(field->string, "x_", 2) == 0) {
            continue;
        }
        if (check_field(r, event->type, field->string) < 0) {
            return -1;
        }
        if (event->specs_n == MAPPING_FIELDS_MAX) {
            return fail(r, field->string, "found more than 16 fields");
        }
        if (read_spec(r, &event->specs[event->specs_n++], field) < 0) {
            return -1;
        }
    }
    return read_when(r, &event->when, cJSON_GetObjectItemCaseSensitive(v, "when"), "when");
}

static int read_events(struct reading_map *r, const cJSON *list)
{
    const cJSON *v = NULL;
    int n = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || n < 1 || n > MAPPING_EVENTS_MAX) {
        return fail(r, "events", "expected a list of 1 to 32 events");
    }
    size_t bytes = (size_t)n * sizeof(struct mapping_event);
    r->m->events = memset(arena_alloc(&r->m->arena, bytes), 0, bytes);
    cJSON_ArrayForEach(v, list)
    {
        snprintf(r->path, sizeof(r->path), "events[%zu]", r->m->events_n);
        if (!cJSON_IsObject(v)) {
            return fail(r, "", "expected an object with a type");
        }
        if (read_event(r, &r->m->events[r->m->events_n++], v) < 0) {
            return -1;
        }
    }
    r->path[0] = 0;
    return 0;
}

static int read_text(struct reading_map *r, const cJSON *tree, const char *field, const char *otherwise,
                     struct str *out)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(tree, field);
    if ((v && !cJSON_IsString(v)) || (!v && !otherwise)) {
        return fail(r, field, "expected a text");
    }
    *out = keep(r, v ? v->valuestring : otherwise);
    return 0;
}

static int check_top(struct reading_map *r, const cJSON *tree)
{
    static const char *const names[] = {"name", "timezone", "encoding", "skip", "events"};
    const cJSON *v = NULL;
    cJSON_ArrayForEach(v, tree)
    {
        bool known = strncmp(v->string, "x_", 2) == 0;
        for (size_t i = 0; i < 5; i++) {
            known |= strcmp(names[i], v->string) == 0;
        }
        if (!known) {
            char what[120];
            snprintf(what, sizeof(what), "there is no such field; was %s meant?", nearest(v->string, names, 5));
            return fail(r, v->string, what);
        }
    }
    return cJSON_IsObject(tree) ? 0 : fail(r, "", "expected an object with name and events");
}

static int read_all(struct reading_map *r, const cJSON *tree)
{
    struct mapping *m = r->m;
    struct str zone;
    struct err e;
    if (check_top(r, tree) < 0 || read_text(r, tree, "name", NULL, &m->name) < 0 ||
        read_text(r, tree, "timezone", "Asia/Shanghai", &zone) < 0 ||
        read_text(r, tree, "encoding", "auto", &m->encoding) < 0) {
        return -1;
    }
    if (m->name.n == 0 || m->name.n > 32) {
        return fail(r, "name", "expected 1 to 32 bytes: the source of the events and the prefix of their ids");
    }
    if (!str_eq(m->encoding, STR_LIT("auto")) && !str_eq(m->encoding, STR_LIT("utf-8")) &&
        !str_eq(m->encoding, STR_LIT("gbk"))) {
        return fail(r, "encoding", "expected auto, utf-8 or gbk");
    }
    m->tz = tz_load(zone, &e);
    if (!m->tz) {
        return fail(r, "timezone", e.what);
    }
    return read_when(r, &m->skip, cJSON_GetObjectItemCaseSensitive(tree, "skip"), "skip") < 0
               ? -1
               : read_events(r, cJSON_GetObjectItemCaseSensitive(tree, "events"));
}

struct mapping *mapping_read(struct str text, const char *file, struct err *e)
{
    struct mapping *m = xcalloc(1, sizeof(*m));
    struct reading_map r = {.m = m, .text = text, .file = file, .e = e};
    intern_init(&m->told, 0);
    cJSON *tree = json_parse_commented(text, file, e);
    int bad = !tree || read_all(&r, tree) < 0;
    cJSON_Delete(tree);
    if (bad) {
        mapping_free(m);
        return NULL;
    }
    return m;
}

void mapping_free(struct mapping *m)
{
    if (m) {
        intern_fini(&m->told);
        free(m->times);
        tz_free(m->tz);
        arena_fini(&m->arena);
        free(m);
    }
}

struct str mapping_name(const struct mapping *m)
{
    return m->name;
}

struct str mapping_encoding(const struct mapping *m)
{
    return m->encoding;
}
