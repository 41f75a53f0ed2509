/* The read-only look at a store and the check of every row in it.
 *
 * Keeps true: damage is reported and gone past, so that one look tells all of it; nothing is ever written. */
#include "kefu/store/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* More than so many damages are one: the file as a whole is bad. */
#define PAGES_SAID_MAX 20

static int check_is_store(struct reader *r, struct err *e)
{
    int64_t tables_n;
    if (schema_check(&r->db, e) || db_ask_int(&r->db, "SELECT count(*) FROM sqlite_schema", &tables_n, e))
        return -1;
    return tables_n ? 0 : err_set(e, r->db.path, "holds nothing: it is no store");
}

int reader_open(struct reader *r, const char *path, struct err *e)
{
    bool newest;
    *r = (struct reader){0};
    if (db_open_read_only(&r->db, path, NULL, e) == 0 && check_is_store(r, e) == 0 &&
        schema_is_newest(&r->db, &newest, e) == 0 && db_prepare(&r->db, newest, e) == 0 &&
        journal_open(&r->journal, &r->db, e) == 0 && journal_ends(&r->journal, &r->first_seq, &r->last_seq, e) == 0)
        return 0;
    reader_close(r);
    return -1;
}

void reader_close(struct reader *r)
{
    journal_fini(&r->journal);
    db_close(&r->db);
}

int reader_begin(struct reader *r, struct err *e)
{
    if (db_exec(&r->db, "BEGIN") != SQLITE_OK)
        return db_err(&r->db, e, "looking");
    return journal_ends(&r->journal, &r->first_seq, &r->last_seq, e);
}

void reader_end(struct reader *r)
{
    (void)db_exec(&r->db, "COMMIT"); /* nothing was written; closing would end it too */
}

static void report(const struct reader_watch *w, struct reader_found *found, const struct err *e)
{
    found->damages_n++;
    w->damage(w->arg, e);
}

static void count_event(void *arg, uint64_t seq, const struct event *e)
{
    (void)seq;
    (void)e;
    ((struct reader_found *)arg)->events_n++;
}

/* Damage at the head of the journal that is none: rows behind it have been given up since we looked. */
static bool was_trimmed(struct reader *r, uint64_t *next_seq)
{
    struct err e;
    uint64_t first_seq, last_seq;
    if (journal_ends(&r->journal, &first_seq, &last_seq, &e) || first_seq <= *next_seq)
        return false;
    *next_seq = first_seq;
    return true;
}

/* Reports, and goes behind what is damaged. */
static void go_past(struct reader *r, uint64_t *next_seq, const struct reader_watch *w, struct reader_found *found,
                    struct err *e)
{
    uint64_t bad_seq = r->journal.damaged_seq ? r->journal.damaged_seq : *next_seq;
    report(w, found, e);
    if (journal_after(&r->journal, bad_seq, r->last_seq, next_seq, e)) {
        report(w, found, e);
        *next_seq = r->last_seq + 1;
    }
}

void reader_check_journal(struct reader *r, uint64_t *next_seq, const struct reader_watch *w,
                          struct reader_found *found)
{
    struct store_replay count = {.each = count_event, .arg = found};
    struct err e;
    if (journal_step(&r->journal, next_seq, r->last_seq, &count, &e) && !was_trimmed(r, next_seq))
        go_past(r, next_seq, w, found, &e);
    found->rows_n++;
    if (w->progress)
        w->progress(w->arg, "journal", *next_seq - r->first_seq, r->last_seq + 1 - r->first_seq);
}

/* Every row the statement gives. */
static void check_rows(struct reader *r, sqlite3_stmt *stmt, const char *table, const struct reader_watch *w,
                       struct reader_found *found)
{
    struct err e;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        found->rows_n++;
        if (row_sound(stmt))
            continue;
        struct str key = column_str(stmt, 0);
        (void)err_set(&e, r->db.path,
                      "table %s, row %.*s: damaged (its checksum does not fit); put the latest backup in its place",
                      table, STR_ARG(key));
        report(w, found, &e);
    }
    if (rc != SQLITE_DONE) {
        (void)db_err(&r->db, &e, table);
        report(w, found, &e);
    }
    sqlite3_reset(stmt);
}

/* Is there a number above `from`? What cannot be read has no end that we know: the rows said so. */
static bool has_more(struct reader *r, enum sql top, int64_t from)
{
    sqlite3_stmt *stmt = r->db.statements[top];
    bool more = sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int64(stmt, 0) > from;
    sqlite3_reset(stmt);
    return more;
}

bool reader_check_table(struct reader *r, size_t table, int64_t *from, const struct reader_watch *w,
                        struct reader_found *found)
{
    size_t n;
    const struct schema_table *t = &schema_tables(&n)[table];
    bool part = from && t->part != SQL_N;
    sqlite3_stmt *stmt = r->db.statements[part ? t->part : t->each];
    if (!stmt)
        return false;
    if (part) {
        sqlite3_bind_int64(stmt, 1, *from);
        *from += SCHEMA_PART_ROWS;
    }
    check_rows(r, stmt, t->name, w, found);
    if (w->progress)
        w->progress(w->arg, t->name, table + 1, n);
    return part && has_more(r, t->top, *from);
}

void reader_check_pages(struct reader *r, const struct reader_watch *w, struct reader_found *found)
{
    sqlite3_stmt *stmt = NULL;
    struct err e;
    char check[60];
    snprintf(check, sizeof check, "PRAGMA integrity_check(%d)", PAGES_SAID_MAX);
    int rc = sqlite3_prepare_v2(r->db.sql, check, -1, &stmt, NULL);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(stmt);
        struct str said = rc == SQLITE_ROW ? column_str(stmt, 0) : (struct str){0};
        if (!said.n || str_eq(said, STR_LIT("ok")))
            continue;
        (void)err_set(&e, r->db.path, "%.*s; put the latest backup in its place", STR_ARG(said));
        report(w, found, &e);
    }
    if (rc != SQLITE_DONE) {
        (void)db_err(&r->db, &e, "integrity_check");
        report(w, found, &e);
    }
    sqlite3_finalize(stmt);
}

void reader_check(struct reader *r, const struct reader_watch *w, struct reader_found *found)
{
    size_t n;
    (void)schema_tables(&n);
    reader_check_pages(r, w, found);
    for (size_t i = 0; i < n; i++)
        (void)reader_check_table(r, i, NULL, w, found);
    for (uint64_t next = r->first_seq; next <= r->last_seq;)
        reader_check_journal(r, &next, w, found);
}
