/* The two chains: closed rows and entries of the book, lines of the audit log.
 *
 * Keeps true: no hash in a chain changes. A text that was changed keeps the hash it was written with; an entry at the end of
 * its chain names it and the hash of what stands there now, so that whoever checks can tell an erasure from a forgery. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/base/tz.h"
#include "kefu/daemon/erase_inside.h"
#include "kefu/store/audit.h"
#include "kefu/store/book.h"

struct vouching {
    struct erasure *x;
    struct book_text *rows; /* owned: of the entry to come */
    size_t rows_n, rows_cap;
    struct book_entry last;
    struct arena *arena;
    struct book_text *entries; /* owned: as they stand */
    size_t entries_n, entries_cap;
    int bad;
};

static struct str keep(struct erasure *x, struct buf *b)
{
    struct str s = arena_copy(&x->arena, buf_str(b));
    buf_fini(b);
    return s;
}

static struct str sha256_of(struct erasure *x, struct str text)
{
    char hex[DIGEST_SHA256_HEX];
    digest_sha256_hex(hex, text);
    return arena_copy(&x->arena, str_of(hex));
}

/* Row k of the entry to come: what stands there now. */
static void vouch(struct vouching *v, int64_t entry, int64_t row, struct str word, struct str what)
{
    struct buf b = {0};
    buf_printf(&b, "{\"v\":1,\"n\":%zu,\"entry\":%" PRId64 ",\"row\":%" PRId64 ",\"%.*s\":", v->rows_n + 1, entry, row,
               STR_ARG(word));
    buf_put_json(&b, what);
    buf_put_byte(&b, '}');
    xgrow(&v->rows, &v->rows_cap, v->rows_n + 1, sizeof *v->rows);
    struct book_text *t = &v->rows[v->rows_n++];
    *t = (struct book_text){.number = (int64_t)v->rows_n, .text = keep(v->x, &b)};
    t->sha256 = sha256_of(v->x, t->text);
}

static void keep_entry(void *arg, const struct book_text *t)
{
    struct vouching *v = arg;
    struct arena *a = &v->x->arena;
    xgrow(&v->entries, &v->entries_cap, v->entries_n + 1, sizeof *v->entries);
    v->entries[v->entries_n++] =
        (struct book_text){.number = t->number, .sha256 = arena_copy(a, t->sha256), .text = arena_copy(a, t->text)};
    v->bad |= book_read_entry(t, a, &v->last, v->x->e);
}

/* An entry whose actor, reason or evidence names the person. */
static int change_entry(struct vouching *v, const struct book_text *t)
{
    struct erasure *x = v->x;
    struct book_entry e;
    struct buf text = {0};
    bool changed = false;
    if (book_read_entry(t, &x->arena, &e, x->e))
        return -1;
    e.actor = erase_text(x, e.actor, &changed);
    e.reason = erase_text(x, e.reason, &changed);
    for (size_t i = 0; i < e.evidence_n; i++)
        e.evidence[i] = erase_json(x, e.evidence[i], &changed);
    if (!changed)
        return 0;
    book_print_entry(&text, &e);
    struct str fresh = keep(x, &text);
    vouch(v, t->number, 0, STR_LIT("sha256"), sha256_of(x, fresh));
    struct db_row row = row_of(x->db, SQL_BOOK_PUT);
    row_int(&row, t->number);
    row_int(&row, e.kind);
    row_int(&row, e.month);
    row_text(&row, t->sha256);
    row_text(&row, fresh);
    x->rows_n++;
    return row_save(&row) == SQLITE_OK ? 0 : db_err(x->db, x->e, "writing the book");
}

struct row_list {
    struct vouching *v;
    struct book_text *list; /* owned */
    size_t n, cap;
};

static void keep_row(void *arg, const struct book_text *t)
{
    struct row_list *l = arg;
    struct arena *a = &l->v->x->arena;
    struct book_row row;
    if (l->v->bad || (l->v->bad = book_read_row(t, a, &row, l->v->x->e)) || !row.agent.n ||
        str_eq(erase_agent(l->v->x, row.agent), row.agent))
        return;
    xgrow(&l->list, &l->cap, l->n + 1, sizeof *l->list);
    l->list[l->n++] =
        (struct book_text){.number = t->number, .sha256 = arena_copy(a, t->sha256), .text = arena_copy(a, t->text)};
}

/* The person's rows of an entry: salt and name go, the pseudonym stays. */
static int change_rows(struct vouching *v, int64_t entry)
{
    struct erasure *x = v->x;
    struct row_list l = {.v = v};
    struct buf identity = {0};
    int rc = SQLITE_OK, bad = book_each_row(x->db, entry, keep_row, &l, x->e) || v->bad ? -1 : 0;
    book_print_identity(&identity, &(struct book_row){.agent = x->t->person});
    for (size_t i = 0; !bad && rc == SQLITE_OK && i < l.n; i++) {
        vouch(v, entry, l.list[i].number, STR_LIT("person"), x->t->person);
        struct db_row row = row_of(x->db, SQL_BOOKED_ADD);
        row_int(&row, entry);
        row_int(&row, l.list[i].number);
        row_text(&row, (struct str){0});
        row_text(&row, buf_str(&identity));
        row_text(&row, l.list[i].sha256);
        row_text(&row, l.list[i].text);
        rc = row_save(&row);
        x->rows_n++;
    }
    buf_fini(&identity);
    free(l.list);
    return bad ? bad : rc == SQLITE_OK ? 0 : db_err(x->db, x->e, "writing rows of the book");
}

static int add_voucher(struct vouching *v)
{
    struct erasure *x = v->x;
    char rows_sha256[DIGEST_SHA256_HEX];
    struct buf text = {0};
    struct book_entry e = {.number = (int64_t)v->entries_n + 1,
                           .kind = BOOK_ERASED,
                           .month = v->last.month,
                           .version = 1,
                           .actor = x->t->actor,
                           .reason = x->t->reason,
                           .at_ms = x->t->at_ms,
                           .as_of = x->t->at_ms,
                           .rows_n = (int64_t)v->rows_n,
                           .prev = v->entries[v->entries_n - 1].sha256};
    book_rows_sha256(rows_sha256, v->rows, v->rows_n);
    e.rows_sha256 = str_of(rows_sha256);
    book_print_entry(&text, &e);
    struct book_work work = {.kind = e.kind, .month = e.month, .rows = v->rows, .rows_n = v->rows_n};
    work.entry = (struct book_text){.number = e.number, .text = keep(x, &text)};
    work.entry.sha256 = sha256_of(x, work.entry.text);
    return book_do(x->db, &work) == SQLITE_OK ? 0 : db_err(x->db, x->e, "adding to the book");
}

static int change_book(struct erasure *x)
{
    struct vouching v = {.x = x};
    int bad = book_each_entry(x->db, keep_entry, &v, x->e) || v.bad ? -1 : 0;
    for (size_t i = 0; !bad && i < v.entries_n; i++) {
        struct book_entry e;
        bad = book_read_entry(&v.entries[i], &x->arena, &e, x->e) || change_entry(&v, &v.entries[i]);
        if (!bad && e.kind != BOOK_ERASED)
            bad = change_rows(&v, v.entries[i].number);
    }
    if (!bad && v.rows_n)
        bad = add_voucher(&v);
    free(v.rows);
    free(v.entries);
    return bad ? -1 : 0;
}

/* --- the audit log ------------------------------------------------------------------------------------------------ */

struct lines {
    struct erasure *x;
    struct audit_row *list; /* owned */
    size_t n, cap;
};

static void keep_line(void *arg, const struct audit_row *row)
{
    struct lines *l = arg;
    struct arena *a = &l->x->arena;
    bool changed = false;
    struct str fresh = erase_json(l->x, row->line, &changed);
    if (!changed)
        return;
    xgrow(&l->list, &l->cap, l->n + 1, sizeof *l->list);
    l->list[l->n++] = (struct audit_row){row->number, fresh, arena_copy(a, row->hash)};
}

static int change_audit(struct erasure *x)
{
    struct lines l = {.x = x};
    struct buf line = {0};
    char at[32], head[DIGEST_SHA256_HEX];
    int rc = SQLITE_OK, bad = audit_each(x->db, keep_line, &l, x->e);
    rfc3339_print(at, sizeof at, x->t->at_ms);
    buf_printf(&line, "{\"at\":\"%s\",\"did\":\"person.erase\",\"kind\":\"%s\",\"person\":", at,
               x->t->customer ? "customer" : "agent");
    buf_put_json(&line, x->t->person);
    buf_put_str(&line, STR_LIT(",\"actor\":"));
    buf_put_json(&line, x->t->actor);
    buf_put_str(&line, STR_LIT(",\"changed\":["));
    for (size_t i = 0; !bad && rc == SQLITE_OK && i < l.n; i++) {
        struct str sha256 = sha256_of(x, l.list[i].line);
        buf_printf(&line, "%s[%" PRId64 ",\"%.*s\"]", i ? "," : "", l.list[i].number, STR_ARG(sha256));
        struct db_row row = row_of(x->db, SQL_AUDIT_PUT);
        row_int(&row, l.list[i].number);
        row_text(&row, l.list[i].line);
        row_text(&row, l.list[i].hash);
        rc = row_save(&row);
        x->rows_n++;
    }
    buf_put_str(&line, STR_LIT("]}"));
    rc = !bad && rc == SQLITE_OK ? audit_add(x->db, buf_str(&line), head) : rc;
    buf_fini(&line);
    free(l.list);
    return bad ? bad : rc == SQLITE_OK ? 0 : db_err(x->db, x->e, "writing the audit log");
}

int erase_book(struct erasure *x)
{
    return change_book(x) || change_audit(x) ? -1 : 0;
}
