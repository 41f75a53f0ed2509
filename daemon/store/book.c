/* Rows of book, booked and rulebook.
 *
 * Keeps true: an entry and its rows are one transaction, with the event that made them. The check goes on past damage, and
 * tells where it is as people name it: by month, version and row. */
#include "kefu/store/book.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/base/tz.h"

static int add_entry(struct db *db, const struct book_work *work)
{
    struct db_row row = row_of(db, SQL_BOOK_ADD);
    row_int(&row, work->entry.number);
    row_int(&row, work->kind);
    row_int(&row, work->month);
    row_text(&row, work->entry.sha256);
    row_text(&row, work->entry.text);
    return row_save(&row);
}

static int add_row(struct db *db, int64_t entry, const struct book_text *t)
{
    struct db_row row = row_of(db, SQL_BOOKED_ADD);
    row_int(&row, entry);
    row_int(&row, t->number);
    row_text(&row, t->salt);
    row_text(&row, t->identity);
    row_text(&row, t->sha256);
    row_text(&row, t->text);
    return row_save(&row);
}

static int add_rulebook(struct db *db, const struct book_rulebook *r)
{
    struct db_row row = row_of(db, SQL_RULEBOOK_ADD);
    row_text(&row, r->name);
    row_text(&row, r->sha256);
    row_int(&row, r->month);
    row_int(&row, r->at_ms);
    row_blob(&row, r->text);
    return row_save(&row);
}

int book_do(struct db *db, const struct book_work *work)
{
    int rc = work->entry.number ? add_entry(db, work) : SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < work->adopted_n; i++)
        rc = add_rulebook(db, &work->adopted[i]);
    for (size_t i = 0; rc == SQLITE_OK && i < work->rows_n; i++)
        rc = add_row(db, work->entry.number, &work->rows[i]);
    return rc;
}

static struct book_text entry_at(sqlite3_stmt *stmt)
{
    return (struct book_text){
        .number = sqlite3_column_int64(stmt, 0), .sha256 = column_str(stmt, 3), .text = column_str(stmt, 4)};
}

static struct book_text row_at(sqlite3_stmt *stmt)
{
    return (struct book_text){.number = sqlite3_column_int64(stmt, 1),
                              .salt = column_str(stmt, 2),
                              .identity = column_str(stmt, 3),
                              .sha256 = column_str(stmt, 4),
                              .text = column_str(stmt, 5)};
}

/* Steps to the next row: 1 there is one and it is sound, 0 the end, -1 with e. Resets unless it is 1. */
static int next(struct db *db, enum sql which, const char *table, struct err *e)
{
    sqlite3_stmt *stmt = db->statements[which];
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && row_sound(stmt))
        return 1;
    int bad = 0;
    if (rc == SQLITE_ROW) {
        struct str key = column_str(stmt, 0);
        bad = err_set(e, db->path,
                      "table %s, row %.*s: damaged (its checksum does not fit); kefuctl month verify says more", table,
                      STR_ARG(key));
    } else if (rc != SQLITE_DONE) {
        bad = db_err(db, e, table);
    }
    sqlite3_reset(stmt);
    return bad;
}

int book_each_entry(struct db *db, void (*each)(void *, const struct book_text *), void *arg, struct err *e)
{
    sqlite3_stmt *stmt = db->statements[SQL_BOOK_EACH];
    int got = 0;
    while (stmt && (got = next(db, SQL_BOOK_EACH, "book", e)) == 1) {
        struct book_text t = entry_at(stmt);
        each(arg, &t);
    }
    return got;
}

int book_each_row(struct db *db, int64_t entry, void (*each)(void *, const struct book_text *), void *arg,
                  struct err *e)
{
    sqlite3_stmt *stmt = db->statements[SQL_BOOKED_OF];
    int got = 0;
    if (stmt)
        sqlite3_bind_int64(stmt, 1, entry);
    while (stmt && (got = next(db, SQL_BOOKED_OF, "booked", e)) == 1) {
        struct book_text t = row_at(stmt);
        each(arg, &t);
    }
    return got;
}

int book_open(struct db *db, struct store *s, struct err *e)
{
    return db_open_read_only(db, store_db(s)->path, store_vfs(s), e) || db_prepare(db, true, e) ? -1 : 0;
}

int book_look(struct db *db, const char *path, struct err *e)
{
    bool newest;
    if (db_open_read_only(db, path, NULL, e) || schema_check(db, e) || schema_is_newest(db, &newest, e))
        return -1;
    return db_prepare(db, newest, e);
}

void book_close(struct db *db)
{
    db_close(db);
}

int book_each_rulebook(struct db *db, void (*each)(void *, const struct book_rulebook *), void *arg, struct err *e)
{
    sqlite3_stmt *stmt = db->statements[SQL_RULEBOOK_EACH];
    int got = 0;
    while (stmt && (got = next(db, SQL_RULEBOOK_EACH, "rulebook", e)) == 1) {
        struct book_rulebook r = {column_str(stmt, 0), column_str(stmt, 1), sqlite3_column_int(stmt, 2),
                                  sqlite3_column_int64(stmt, 3), column_str(stmt, 4)};
        each(arg, &r);
    }
    return got;
}

/* --- the check ---------------------------------------------------------------------------------------------------- */

/* What an entry of an erasure vouches for: the person that stands in a row now, or the hash of an entry's text. */
struct voucher {
    int64_t entry, row; /* 0: of the entry itself */
    struct str what;    /* in the arena of vouchers */
};

struct check {
    struct voucher *vouchers; /* owned */
    size_t vouchers_n, vouchers_cap;
    struct arena kept;
    struct db *db;
    void (*damage)(void *arg, const struct err *e);
    void *arg;
    struct book_found *found;
    struct arena arena;
    struct book_entry entry; /* whose rows are looked at */
    struct buf rows;         /* their texts */
    int64_t rows_n;
};

static void tell(struct check *c, const char *where, const char *what)
{
    struct err e;
    err_set(&e, where, "%s; put the latest backup in its place", what);
    c->found->damages_n++;
    c->damage(c->arg, &e);
}

static void place(const struct check *c, char *out, size_t out_n)
{
    char month[16];
    civil_print_month(month, sizeof month, c->entry.month);
    struct str kind = book_kind_word(c->entry.kind);
    snprintf(out, out_n, "month %s, version %" PRId64 " (entry %" PRId64 ", %.*s)", month, c->entry.version,
             c->entry.number, STR_ARG(kind));
}

static bool hash_fits(struct str sha256, struct str text)
{
    char hex[DIGEST_SHA256_HEX];
    digest_sha256_hex(hex, text);
    return str_eq(sha256, (struct str){hex, BOOK_HEX_BYTES});
}

static void tell_row(struct check *c, const struct book_text *t, const struct book_row *row, const char *what)
{
    char at[120], where[192];
    place(c, at, sizeof at);
    snprintf(where, sizeof where, "%s, row %" PRId64 "%s%.*s", at, t->number, row->agent.n ? " of " : "",
             (int)(row->agent.n > 40 ? 40 : row->agent.n), row->agent.p ? row->agent.p : "");
    tell(c, where, what);
}

static bool is_vouched(const struct check *c, int64_t entry, int64_t row, struct str what)
{
    for (size_t i = 0; i < c->vouchers_n; i++) {
        const struct voucher *v = &c->vouchers[i];
        if (v->entry == entry && v->row == row && str_eq(v->what, what))
            return true;
    }
    return false;
}

static void check_forgotten(struct check *c, const struct book_text *t, const struct book_row *row)
{
    if (t->identity.n && !is_vouched(c, c->entry.number, t->number, row->agent))
        tell_row(c, t, row, "its person was changed, and no erasure says so");
    else
        c->found->forgotten_n++;
}

/* A row of an erasure is no person's: its hash is all there is to check. */
static void check_voucher(struct check *c, const struct book_text *t, bool sound)
{
    static const struct book_row nobody;
    c->found->rows_n++;
    c->rows_n++;
    buf_put_str(&c->rows, t->text);
    buf_put_byte(&c->rows, '\n');
    if (!hash_fits(t->sha256, t->text) || !sound)
        tell_row(c, t, &nobody, "its SHA-256 or its checksum does not fit");
}

static void check_row(struct check *c, const struct book_text *t, bool sound)
{
    if (c->entry.kind == BOOK_ERASED) {
        check_voucher(c, t, sound);
        return;
    }
    struct book_row row;
    struct err e;
    char person[DIGEST_SHA256_HEX];
    int bad = book_read_row(t, &c->arena, &row, &e);
    c->found->rows_n++;
    c->rows_n++;
    buf_put_str(&c->rows, t->text);
    buf_put_byte(&c->rows, '\n');
    if (!hash_fits(t->sha256, t->text)) {
        tell_row(c, t, &row, "its SHA-256 does not fit");
    } else if (!sound) {
        tell_row(c, t, &row, "its checksum does not fit");
    } else if (bad) {
        tell_row(c, t, &row, e.what);
    } else if (t->salt.n) {
        book_person(person, t->salt, t->identity);
        if (!str_eq(row.person, (struct str){person, BOOK_HEX_BYTES}))
            tell_row(c, t, &row, "it is bound to another person");
    } else {
        check_forgotten(c, t, &row);
    }
}

static void check_rows(struct check *c)
{
    sqlite3_stmt *stmt = c->db->statements[SQL_BOOKED_OF];
    char where[192];
    int rc;
    c->rows.n = 0;
    c->rows_n = 0;
    sqlite3_bind_int64(stmt, 1, c->entry.number);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct book_text t = row_at(stmt);
        check_row(c, &t, row_sound(stmt));
    }
    sqlite3_reset(stmt);
    place(c, where, sizeof where);
    if (rc != SQLITE_DONE)
        tell(c, where, sqlite3_errmsg(c->db->sql));
    if (c->rows_n != c->entry.rows_n)
        tell(c, where, "rows are missing, or there are more than it names");
    else if (!hash_fits(c->entry.rows_sha256, buf_str(&c->rows)))
        tell(c, where, "its rows are not those that its SHA-256 was made of");
}

static void check_entry(struct check *c, const struct book_text *t, bool sound)
{
    struct err e;
    char where[192], number[40];
    snprintf(number, sizeof number, "entry %" PRId64, t->number);
    c->found->entries_n++;
    if (book_read_entry(t, &c->arena, &c->entry, &e)) {
        tell(c, number, e.what);
    } else {
        place(c, where, sizeof where);
        char now[DIGEST_SHA256_HEX];
        digest_sha256_hex(now, t->text);
        if (!str_eq(t->sha256, str_of(now)) && !is_vouched(c, t->number, 0, str_of(now)))
            tell(c, where, "its SHA-256 does not fit");
        else if (!sound)
            tell(c, where, "its checksum does not fit");
        if (t->number != c->found->entries_n || c->entry.number != t->number)
            tell(c, where, "entries before it are missing");
        else if (!str_eq(c->entry.prev, str_of(c->found->head)))
            tell(c, where, "it is not chained to the entry before it");
        check_rows(c);
    }
    snprintf(c->found->head, sizeof c->found->head, "%.*s", STR_ARG(t->sha256));
    arena_reset(&c->arena);
}

/* Every row belongs to an entry that was looked at. */
static void check_strays(struct check *c)
{
    sqlite3_stmt *stmt = c->db->statements[SQL_BOOKED_EACH];
    int64_t rows_n = 0;
    int rc = SQLITE_DONE;
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        rows_n++;
    sqlite3_reset(stmt);
    if (rc != SQLITE_DONE)
        tell(c, c->db->path, sqlite3_errmsg(c->db->sql));
    else if (rows_n != c->found->rows_n)
        tell(c, "book", "there are rows of an entry that is missing");
}

static void take_voucher(void *arg, const struct book_text *t)
{
    struct check *c = arg;
    struct err e;
    cJSON *tree = json_parse(t->text, &e);
    const cJSON *what = cJSON_GetObjectItemCaseSensitive(tree, "person");
    what = what ? what : cJSON_GetObjectItemCaseSensitive(tree, "sha256");
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(tree, "entry");
    const cJSON *row = cJSON_GetObjectItemCaseSensitive(tree, "row");
    if (cJSON_IsString(what) && cJSON_IsNumber(entry) && cJSON_IsNumber(row)) {
        xgrow(&c->vouchers, &c->vouchers_cap, c->vouchers_n + 1, sizeof *c->vouchers);
        c->vouchers[c->vouchers_n++] = (struct voucher){(int64_t)entry->valuedouble, (int64_t)row->valuedouble,
                                                        arena_copy(&c->kept, str_of(what->valuestring))};
    }
    cJSON_Delete(tree);
}

struct kinds {
    int64_t *list; /* owned: numbers of entries of erasures */
    size_t n, cap;
};

static void note_erasure(void *arg, const struct book_text *t)
{
    struct kinds *k = arg;
    if (!memmem(t->text.p, t->text.n, "\"kind\":\"erased\"", 15))
        return;
    xgrow(&k->list, &k->cap, k->n + 1, sizeof *k->list);
    k->list[k->n++] = t->number;
}

/* Damage on the way is told when it is come to. */
static void read_vouchers(struct check *c)
{
    struct kinds k = {0};
    struct err e;
    (void)book_each_entry(c->db, note_erasure, &k, &e);
    for (size_t i = 0; i < k.n; i++)
        (void)book_each_row(c->db, k.list[i], take_voucher, c, &e);
    free(k.list);
}

void book_verify(struct db *db, void (*damage)(void *, const struct err *), void *arg, struct book_found *out)
{
    struct check c = {.db = db, .damage = damage, .arg = arg, .found = out};
    sqlite3_stmt *stmt = db->statements[SQL_BOOK_EACH];
    int rc = SQLITE_DONE;
    *out = (struct book_found){0};
    memset(out->head, '0', BOOK_HEX_BYTES);
    read_vouchers(&c);
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct book_text t = entry_at(stmt);
        check_entry(&c, &t, row_sound(stmt));
    }
    sqlite3_reset(stmt);
    if (rc != SQLITE_DONE)
        tell(&c, db->path, sqlite3_errmsg(db->sql));
    check_strays(&c);
    buf_fini(&c.rows);
    arena_fini(&c.arena);
    arena_fini(&c.kept);
    free(c.vouchers);
}
