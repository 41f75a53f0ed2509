/* Entries and rows of the book as canonical text, and back.
 *
 * It keeps true that a text read and printed again is the same text: every number is whole and below 2^53, keys have one
 * order, nothing is left out because it is empty. It refuses texts of another version. */
#include "kefu/model/book.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/json_put.h"
#include "kefu/base/tz.h"

#define VERSION 1

struct str book_kind_word(enum book_kind kind)
{
    switch (kind) {
#define X(name, number, word)                                                                                          \
    case BOOK_##name: return STR_LIT(word);
        BOOK_KINDS(X)
#undef X
    case BOOK_NONE: break;
    }
    return STR_LIT("");
}

static enum book_kind kind_of(struct str word)
{
#define X(name, number, text)                                                                                          \
    if (str_eq(word, STR_LIT(text)))                                                                                   \
        return BOOK_##name;
    BOOK_KINDS(X)
#undef X
    return BOOK_NONE;
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

static void put_none(struct buf *out, const char *key, int64_t v)
{
    if (v != SCORE_NONE) {
        json_put_whole(out, key, v);
        return;
    }
    json_put_name(out, key);
    buf_put_str(out, STR_LIT("null"));
}

static void put_month(struct buf *out, int32_t month)
{
    char text[16];
    civil_print_month(text, sizeof text, month);
    json_put_text(out, "month", str_of(text));
}

void book_print_entry(struct buf *out, const struct book_entry *e)
{
    buf_put_byte(out, '{');
    json_put_whole(out, "v", VERSION);
    json_put_whole(out, "n", e->number);
    json_put_text(out, "kind", book_kind_word(e->kind));
    put_month(out, e->month);
    json_put_whole(out, "version", e->version);
    json_put_text(out, "actor", e->actor);
    json_put_text(out, "reason", e->reason);
    json_put_text(out, "decision", e->decision);
    json_put_text(out, "proposal", e->proposal);
    json_put_texts(out, "evidence", e->evidence, e->evidence_n);
    json_put_whole(out, "evidence_all", e->evidence_all_n);
    json_put_whole(out, "at", e->at_ms);
    json_put_whole(out, "as_of", e->as_of);
    json_put_whole(out, "last_seq", (int64_t)e->last_seq);
    json_put_text(out, "rulebook", e->rulebook);
    json_put_text(out, "rulebook_sha256", e->rulebook_sha256);
    json_put_whole(out, "fcr_pending", e->pending_n);
    json_put_whole(out, "bonus_fen", e->bonus_fen);
    json_put_whole(out, "rows", e->rows_n);
    json_put_text(out, "rows_sha256", e->rows_sha256);
    json_put_text(out, "prev", e->prev);
    buf_put_byte(out, '}');
}

void book_print_identity(struct buf *out, const struct book_row *r)
{
    buf_put_byte(out, '{');
    json_put_text(out, "agent", r->agent);
    json_put_text(out, "name", r->name);
    json_put_text(out, "employee_no", r->employee_no);
    json_put_text(out, "hired_on", r->hired_on);
    json_put_text(out, "left_on", r->left_on);
    buf_put_byte(out, '}');
}

static void put_moves(struct buf *out, const struct book_row *r)
{
    char day[16];
    buf_put_str(out, STR_LIT(",\"moves\":["));
    for (size_t i = 0; i < r->moves_n; i++) {
        civil_print_day(day, sizeof day, r->moves[i].day);
        buf_printf(out, "%s{\"day\":\"%s\"", i ? "," : "", day);
        json_put_text(out, "team", r->moves[i].team);
        buf_put_byte(out, '}');
    }
    buf_put_byte(out, ']');
}

/* Only if there are any, so that rows of before print as they did. */
static void put_exempt(struct buf *out, const struct book_row *r)
{
    char from[16], to[16];
    if (r->exempt_n == 0)
        return;
    buf_put_str(out, STR_LIT(",\"exempt\":["));
    for (size_t i = 0; i < r->exempt_n; i++) {
        civil_print_day(from, sizeof from, r->exempt[i].from);
        civil_print_day(to, sizeof to, r->exempt[i].to);
        buf_printf(out, "%s{\"from\":\"%s\",\"to\":\"%s\"}", i ? "," : "", from, to);
    }
    buf_put_byte(out, ']');
}

static void put_figures(struct buf *out, const struct figures *f)
{
    json_put_name(out, "figures");
    buf_put_byte(out, '{');
#define X(name) json_put_whole(out, #name, f->name);
    FIGURES(X)
#undef X
    buf_put_byte(out, '}');
}

/* Only if any was named, so that rows of before print as they did. */
static void put_shops(struct buf *out, const struct book_row *r)
{
    if (r->shops_n == 0)
        return;
    json_put_name(out, "shops");
    buf_put_byte(out, '[');
    for (size_t i = 0; i < r->shops_n; i++) {
        buf_put_str(out, i ? STR_LIT(",{") : STR_LIT("{"));
        json_put_text(out, "shop", r->shops[i].shop);
        json_put_whole(out, "handled", r->shops[i].handled);
        buf_put_byte(out, '}');
    }
    buf_put_byte(out, ']');
}

static void put_kpis(struct buf *out, const struct book_row *r)
{
    buf_put_str(out, STR_LIT(",\"kpis\":["));
    for (size_t i = 0; i < r->kpis_n; i++) {
        const struct book_kpi *k = &r->kpis[i];
        buf_put_str(out, i ? STR_LIT(",{") : STR_LIT("{"));
        json_put_text(out, "name", k->name);
        json_put_whole(out, "num", k->num);
        json_put_whole(out, "den", k->den);
        put_none(out, "value_micro", k->den > 0 ? k->value_micro : SCORE_NONE);
        json_put_whole(out, "samples", k->samples);
        json_put_whole(out, "weight_micro", k->weight_micro);
        put_none(out, "points_milli", k->score_milli);
        buf_put_byte(out, '}');
    }
    buf_put_byte(out, ']');
}

void book_print_members(struct buf *out, const struct book_row *r, bool pay)
{
    json_put_text(out, "team", r->team);
    put_moves(out, r);
    json_put_whole(out, "days", r->days);
    json_put_whole(out, "employed_days", r->employed_days);
    json_put_whole(out, "exempt_days", r->exempt_days);
    put_exempt(out, r);
    json_put_whole(out, "grace", r->grace);
    put_figures(out, &r->figures);
    put_shops(out, r);
    put_kpis(out, r);
    put_none(out, "total_milli", r->total_milli);
    json_put_text(out, "tier", r->tier);
    if (pay)
        json_put_whole(out, "bonus_fen", r->bonus_fen);
    json_put_texts(out, "perks", r->perks, r->perks_n);
    json_put_texts(out, "actions", r->actions, r->actions_n);
    json_put_whole(out, "unqualified_months", r->unqualified_months);
    json_put_whole(out, "top_months", r->top_months);
}

void book_print_row(struct buf *out, const struct book_row *r)
{
    buf_put_byte(out, '{');
    json_put_whole(out, "v", VERSION);
    json_put_whole(out, "n", r->number);
    json_put_text(out, "person", r->person);
    book_print_members(out, r, true);
    buf_put_byte(out, '}');
}

void book_person(char out[DIGEST_SHA256_HEX], struct str salt, struct str identity)
{
    struct buf both = {0};
    buf_put_str(&both, salt);
    buf_put_byte(&both, '\n');
    buf_put_str(&both, identity);
    digest_sha256_hex(out, buf_str(&both));
    buf_fini(&both);
}

void book_rows_sha256(char out[DIGEST_SHA256_HEX], const struct book_text *rows, size_t n)
{
    struct buf all = {0};
    for (size_t i = 0; i < n; i++) {
        buf_put_str(&all, rows[i].text);
        buf_put_byte(&all, '\n');
    }
    digest_sha256_hex(out, buf_str(&all));
    buf_fini(&all);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct reading {
    const cJSON *tree;
    struct arena *arena;
    bool bad;
};

static const cJSON *member(struct reading *r, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(r->tree, key);
    r->bad |= !v;
    return v;
}

static int64_t whole_of(struct reading *r, const cJSON *v)
{
    char literal[40];
    int64_t n = 0;
    r->bad |= !cJSON_IsNumber(v) || fix_parse_whole(json_literal(v, literal, sizeof literal), &n) < 0;
    return n;
}

static int64_t whole(struct reading *r, const char *key)
{
    return whole_of(r, member(r, key));
}

static int64_t whole_or_none(struct reading *r, const char *key)
{
    const cJSON *v = member(r, key);
    return cJSON_IsNull(v) ? SCORE_NONE : whole_of(r, v);
}

static struct str text_of(struct reading *r, const cJSON *v)
{
    r->bad |= !cJSON_IsString(v);
    return cJSON_IsString(v) ? arena_copy(r->arena, str_of(v->valuestring)) : (struct str){0};
}

static struct str text(struct reading *r, const char *key)
{
    return text_of(r, member(r, key));
}

static int32_t month_of(struct reading *r)
{
    int32_t month = 0;
    r->bad |= civil_parse_month(text(r, "month"), &month) < 0;
    return month;
}

static void read_words(struct reading *r, const char *key, struct str *out, size_t *n)
{
    const cJSON *v;
    *n = 0;
    cJSON_ArrayForEach(v, member(r, key))
    {
        if (*n == BOOK_WORDS_MAX) {
            r->bad = true;
            return;
        }
        out[(*n)++] = text_of(r, v);
    }
}

static void read_moves(struct reading *r, struct book_row *out)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, member(r, "moves"))
    {
        struct reading one = {v, r->arena, false};
        struct book_move *m = &out->moves[out->moves_n];
        if (out->moves_n == BOOK_WORDS_MAX) {
            r->bad = true;
            return;
        }
        out->moves_n++;
        m->team = text(&one, "team");
        r->bad |= civil_parse_day(text(&one, "day"), &m->day) < 0 || one.bad;
    }
}

static void read_exempt(struct reading *r, struct book_row *out)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, cJSON_GetObjectItemCaseSensitive(r->tree, "exempt"))
    {
        struct reading one = {v, r->arena, false};
        struct book_span *s = &out->exempt[out->exempt_n];
        if (out->exempt_n == BOOK_WORDS_MAX) {
            r->bad = true;
            return;
        }
        out->exempt_n++;
        bool well =
            civil_parse_day(text(&one, "from"), &s->from) == 0 && civil_parse_day(text(&one, "to"), &s->to) == 0;
        r->bad |= !well || one.bad;
    }
}

static void read_figures(struct reading *r, struct figures *f)
{
    struct reading in = {member(r, "figures"), r->arena, false};
#define X(name) f->name = whole(&in, #name);
    FIGURES(X)
#undef X
    r->bad |= in.bad;
}

static void read_shops(struct reading *r, struct book_row *out)
{
    const cJSON *v, *all = cJSON_GetObjectItemCaseSensitive(r->tree, "shops");
    if (!all)
        return;
    r->bad |= !cJSON_IsArray(all);
    out->shops = arena_alloc(r->arena, (size_t)cJSON_GetArraySize(all) * sizeof *out->shops);
    cJSON_ArrayForEach(v, all)
    {
        struct reading one = {v, r->arena, false};
        struct shop_handled *s = &out->shops[out->shops_n++];
        *s = (struct shop_handled){text(&one, "shop"), whole(&one, "handled")};
        r->bad |= one.bad || s->handled <= 0;
    }
}

static void read_kpis(struct reading *r, struct book_row *out)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, member(r, "kpis"))
    {
        struct reading one = {v, r->arena, false};
        struct book_kpi *k = &out->kpis[out->kpis_n];
        if (out->kpis_n == SCORE_KPIS_MAX) {
            r->bad = true;
            return;
        }
        out->kpis_n++;
        k->name = text(&one, "name");
        k->num = whole(&one, "num");
        k->den = whole(&one, "den");
        k->value_micro = whole_or_none(&one, "value_micro");
        k->samples = whole(&one, "samples");
        k->weight_micro = whole(&one, "weight_micro");
        k->score_milli = whole_or_none(&one, "points_milli");
        r->bad |= one.bad;
    }
}

static void read_identity(struct reading *r, struct book_row *out)
{
    out->agent = text(r, "agent");
    out->name = text(r, "name");
    out->employee_no = text(r, "employee_no");
    out->hired_on = text(r, "hired_on");
    out->left_on = text(r, "left_on");
}

static void read_row(struct reading *r, struct book_row *out)
{
    out->number = whole(r, "n");
    out->person = text(r, "person");
    out->team = text(r, "team");
    read_moves(r, out);
    out->days = whole(r, "days");
    out->employed_days = whole(r, "employed_days");
    out->exempt_days = whole(r, "exempt_days");
    read_exempt(r, out);
    out->grace = whole(r, "grace") != 0;
    read_figures(r, &out->figures);
    read_shops(r, out);
    read_kpis(r, out);
    out->total_milli = whole_or_none(r, "total_milli");
    out->tier = text(r, "tier");
    out->bonus_fen = whole(r, "bonus_fen");
    read_words(r, "perks", out->perks, &out->perks_n);
    read_words(r, "actions", out->actions, &out->actions_n);
    out->unqualified_months = whole(r, "unqualified_months");
    out->top_months = whole(r, "top_months");
}

static void read_entry(struct reading *r, struct book_entry *out)
{
    out->number = whole(r, "n");
    out->kind = kind_of(text(r, "kind"));
    out->month = month_of(r);
    out->version = whole(r, "version");
    out->actor = text(r, "actor");
    out->reason = text(r, "reason");
    out->decision = text(r, "decision");
    out->proposal = text(r, "proposal");
    read_words(r, "evidence", out->evidence, &out->evidence_n);
    out->evidence_all_n = whole(r, "evidence_all");
    out->at_ms = whole(r, "at");
    out->as_of = whole(r, "as_of");
    out->last_seq = (uint64_t)whole(r, "last_seq");
    out->rulebook = text(r, "rulebook");
    out->rulebook_sha256 = text(r, "rulebook_sha256");
    out->pending_n = whole(r, "fcr_pending");
    out->bonus_fen = whole(r, "bonus_fen");
    out->rows_n = whole(r, "rows");
    out->rows_sha256 = text(r, "rows_sha256");
    out->prev = text(r, "prev");
    r->bad |= out->kind == BOOK_NONE;
}

static cJSON *parse(struct str line, const char *what, int64_t number, struct err *e)
{
    struct err why;
    cJSON *tree = json_parse(line, &why);
    if (!cJSON_IsObject(tree)) {
        err_set(e, what, "number %" PRId64 ": found no JSON object; put the latest backup in its place", number);
        cJSON_Delete(tree);
        return NULL;
    }
    return tree;
}

static int finish(const struct reading *r, const char *what, int64_t number, struct err *e)
{
    return r->bad ? err_set(e, what, "number %" PRId64 ": found a text of another version, or a damaged one", number)
                  : 0;
}

int book_read_entry(const struct book_text *t, struct arena *arena, struct book_entry *out, struct err *e)
{
    *out = (struct book_entry){0};
    cJSON *tree = parse(t->text, "book", t->number, e);
    if (!tree)
        return -1;
    struct reading r = {tree, arena, false};
    r.bad = whole(&r, "v") != VERSION;
    read_entry(&r, out);
    out->sha256 = arena_copy(arena, t->sha256);
    cJSON_Delete(tree);
    return finish(&r, "book", t->number, e);
}

int book_read_row(const struct book_text *t, struct arena *arena, struct book_row *out, struct err *e)
{
    *out = (struct book_row){0};
    cJSON *tree = parse(t->text, "row of the book", t->number, e);
    if (!tree)
        return -1;
    struct reading r = {tree, arena, false};
    r.bad = whole(&r, "v") != VERSION;
    read_row(&r, out);
    cJSON_Delete(tree);
    if (finish(&r, "row of the book", t->number, e) || !t->identity.n)
        return finish(&r, "row of the book", t->number, e);
    tree = parse(t->identity, "identity in the book", t->number, e);
    if (!tree)
        return -1;
    r.tree = tree;
    read_identity(&r, out);
    cJSON_Delete(tree);
    return finish(&r, "identity in the book", t->number, e);
}
