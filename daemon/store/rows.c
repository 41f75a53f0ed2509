/* Rows of meta, position, quarantine, memory, outbox and marks.
 *
 * Keeps true: numbers once given (effects, stream ids, quarantine rows) are remembered in `marks` even when their rows are
 * gone, so none is given twice. Refuses a row whose checksum does not fit. A sent effect stays, flagged: after a loss in
 * Redis it goes out again; the flag is no part of its checksum. */
#include "kefu/store/rows.h"

#include <stdio.h>
#include <string.h>

#include "kefu/base/mem.h"
#include "kefu/store/audit.h"
#include "kefu/store/book.h"
#include "kefu/store/shelf.h"

static const struct str POSITION = {"position/", 9};

static bool is_position(struct str key)
{
    return key.n > POSITION.n && memcmp(key.p, POSITION.p, POSITION.n) == 0;
}

static int set_row(struct db *db, enum sql set, enum sql drop, struct str key, struct str value)
{
    struct db_row row = row_of(db, value.n ? set : drop);
    row_text(&row, key);
    if (!value.n)
        return row_run(&row);
    row_blob(&row, value);
    return row_save(&row);
}

static int position_set(struct db *db, struct str key, struct str value)
{
    return set_row(db, SQL_POSITION_SET, SQL_POSITION_DROP, key, value);
}

int rows_set(struct db *db, struct str key, struct str value)
{
    if (!is_position(key))
        return set_row(db, SQL_META_SET, SQL_META_DROP, key, value);
    return position_set(db, (struct str){key.p + POSITION.n, key.n - POSITION.n}, value);
}

static int quarantine_add(struct db *db, const struct quarantined *q)
{
    struct db_row row = row_of(db, SQL_QUARANTINE_ADD);
    row_uint(&row, q->row);
    row_int(&row, q->at_ms);
    row_int(&row, q->kind);
    row_text(&row, q->way);
    row_text(&row, q->id);
    row_text(&row, q->reason);
    row_uint(&row, q->input_bytes);
    row_int(&row, q->due_ms);
    row_blob(&row, q->record);
    return row_save(&row);
}

static int run_number(struct db *db, enum sql which, uint64_t number)
{
    struct db_row row = row_of(db, which);
    row_uint(&row, number);
    return row_run(&row);
}

int rows_memory(struct db *db, const struct memory_row *m)
{
    struct db_row row = row_of(db, m->blob.n ? SQL_MEMORY_SET : SQL_MEMORY_DROP);
    row_text(&row, m->rule);
    row_text(&row, m->subject);
    if (!m->blob.n)
        return row_run(&row);
    row_blob(&row, m->blob);
    return row_save(&row);
}

static int outbox_add(struct db *db, const struct effect *f, struct buf *room)
{
    room->n = 0;
    buf_put_uvar(room, f->pairs_n);
    for (size_t i = 0; i < f->pairs_n; i++) {
        buf_put_uvar(room, f->pairs[i].n);
        buf_put_str(room, f->pairs[i]);
    }
    struct db_row row = row_of(db, SQL_OUTBOX_ADD);
    row_uint(&row, f->number);
    row_int(&row, f->kind);
    row_int(&row, f->stream_ms);
    row_uint(&row, f->stream_n);
    row_text(&row, f->stream);
    row_blob(&row, buf_str(room));
    return row_save(&row);
}

static void raise_marks(struct store_marks *m, const struct commit *c)
{
    for (size_t i = 0; i < c->quarantine_add_n; i++)
        if (c->quarantine_add[i].row > m->quarantine_row)
            m->quarantine_row = c->quarantine_add[i].row;
    for (size_t i = 0; i < c->outbox_add_n; i++) {
        const struct effect *f = &c->outbox_add[i];
        if (f->number > m->effect_number)
            m->effect_number = f->number;
        if (f->stream_ms > m->stream_ms || (f->stream_ms == m->stream_ms && f->stream_n > m->stream_n)) {
            m->stream_ms = f->stream_ms;
            m->stream_n = f->stream_n;
        }
    }
}

static int marks_set(struct db *db, const struct store_marks *m)
{
    struct db_row row = row_of(db, SQL_MARKS_SET);
    row_uint(&row, m->effect_number);
    row_int(&row, m->stream_ms);
    row_uint(&row, m->stream_n);
    row_uint(&row, m->quarantine_row);
    return row_save(&row);
}

static int add_quarantine(struct db *db, const struct commit *c)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < c->quarantine_add_n; i++)
        rc = quarantine_add(db, &c->quarantine_add[i]);
    for (size_t i = 0; rc == SQLITE_OK && i < c->quarantine_drop_n; i++)
        rc = run_number(db, SQL_QUARANTINE_DROP, c->quarantine_drop[i]);
    return rc;
}

static int add_effects(struct db *db, const struct commit *c, struct buf *room)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < c->memory_n; i++)
        rc = rows_memory(db, &c->memory[i]);
    for (size_t i = 0; rc == SQLITE_OK && i < c->outbox_add_n; i++)
        rc = outbox_add(db, &c->outbox_add[i], room);
    for (size_t i = 0; rc == SQLITE_OK && i < c->outbox_sent_n; i++)
        rc = run_number(db, SQL_OUTBOX_SENT, c->outbox_sent[i]);
    return rc;
}

int rows_add(struct db *db, const struct commit *c, struct store_marks *marks, struct buf *room)
{
    int rc = c->position_key.n ? position_set(db, c->position_key, c->position) : SQLITE_OK;
    if (rc == SQLITE_OK)
        rc = add_quarantine(db, c);
    if (rc == SQLITE_OK)
        rc = add_effects(db, c, room);
    if (rc == SQLITE_OK && (c->quarantine_add_n || c->outbox_add_n)) {
        raise_marks(marks, c);
        rc = marks_set(db, marks);
    }
    for (size_t i = 0; rc == SQLITE_OK && i < c->audit_n; i++)
        rc = audit_add(db, c->audit[i], c->audit_head);
    if (rc == SQLITE_OK && c->shelf)
        rc = shelf_do(db, c->shelf);
    if (rc == SQLITE_OK && c->book)
        rc = book_do(db, c->book);
    for (size_t i = 0; rc == SQLITE_OK && c->book && i < c->book->late_n; i++)
        rc = rows_memory(db, &c->book->late[i]);
    return rc;
}

static int row_damaged(struct db *db, const char *table, sqlite3_stmt *stmt, struct err *e)
{
    struct str key = column_str(stmt, 0);
    return err_set(e, db->path,
                   "table %s, row %.*s: damaged (its checksum does not fit); put the latest backup in its place", table,
                   STR_ARG(key));
}

/* Steps to the next row: 1 there is one and it is sound, 0 the end, -1 with e. Resets at the end. */
static int next_row(struct db *db, enum sql which, const char *table, struct err *e)
{
    sqlite3_stmt *stmt = db->statements[which];
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && row_sound(stmt))
        return 1;
    int bad = 0;
    if (rc == SQLITE_ROW)
        bad = row_damaged(db, table, stmt, e);
    else if (rc != SQLITE_DONE)
        bad = db_err(db, e, table);
    sqlite3_reset(stmt);
    return bad;
}

int rows_marks(struct db *db, struct store_marks *marks, struct err *e)
{
    sqlite3_stmt *stmt = db->statements[SQL_MARKS_GET];
    *marks = (struct store_marks){0};
    int got = next_row(db, SQL_MARKS_GET, "marks", e);
    if (got == 1)
        *marks = (struct store_marks){.effect_number = (uint64_t)sqlite3_column_int64(stmt, 0),
                                      .stream_ms = sqlite3_column_int64(stmt, 1),
                                      .stream_n = (uint64_t)sqlite3_column_int64(stmt, 2),
                                      .quarantine_row = (uint64_t)sqlite3_column_int64(stmt, 3)};
    sqlite3_reset(stmt);
    return got < 0 ? -1 : 0;
}

int rows_each_memory(struct db *db, void (*each)(void *, const struct memory_row *), void *arg, struct err *e)
{
    sqlite3_stmt *stmt = db->statements[SQL_MEMORY_EACH];
    int got;
    while ((got = next_row(db, SQL_MEMORY_EACH, "memory", e)) == 1) {
        struct memory_row m = {column_str(stmt, 0), column_str(stmt, 1), column_str(stmt, 2)};
        each(arg, &m);
    }
    return got;
}

int rows_each_quarantined(struct db *db, void (*each)(void *, const struct quarantined *), void *arg, struct err *e)
{
    sqlite3_stmt *stmt = db->statements[SQL_QUARANTINE_EACH];
    int got;
    while ((got = next_row(db, SQL_QUARANTINE_EACH, "quarantine", e)) == 1) {
        struct quarantined q = {.row = (uint64_t)sqlite3_column_int64(stmt, 0),
                                .at_ms = sqlite3_column_int64(stmt, 1),
                                .kind = (enum refusal_kind)sqlite3_column_int(stmt, 2),
                                .way = column_str(stmt, 3),
                                .id = column_str(stmt, 4),
                                .reason = column_str(stmt, 5),
                                .input_bytes = (size_t)sqlite3_column_int64(stmt, 6),
                                .due_ms = sqlite3_column_int64(stmt, 7),
                                .record = column_str(stmt, 8)};
        each(arg, &q);
    }
    return got;
}

/* Field and value strings out of the outbox's blob. -1: they are not as outbox_add wrote them. */
static int read_pairs(struct str blob, struct effect *f)
{
    struct cursor in = cursor_of(blob);
    f->pairs_n = (size_t)cursor_uvar(&in);
    if (f->pairs_n > sizeof f->pairs / sizeof f->pairs[0])
        return -1;
    for (size_t i = 0; i < f->pairs_n; i++)
        f->pairs[i] = cursor_bytes(&in, (size_t)cursor_uvar(&in));
    return in.bad || in.p != in.end ? -1 : 0;
}

static int each_effect(struct db *db, enum sql which, void (*each)(void *, const struct effect *), void *arg,
                       struct err *e)
{
    sqlite3_stmt *stmt = db->statements[which];
    int got;
    while ((got = next_row(db, which, "outbox", e)) == 1) {
        struct effect f = {.number = (uint64_t)sqlite3_column_int64(stmt, 0),
                           .kind = (enum effect_kind)sqlite3_column_int(stmt, 1),
                           .stream_ms = sqlite3_column_int64(stmt, 2),
                           .stream_n = (uint64_t)sqlite3_column_int64(stmt, 3),
                           .stream = column_str(stmt, 4)};
        if (read_pairs(column_str(stmt, 5), &f)) {
            got = row_damaged(db, "outbox", stmt, e);
            sqlite3_reset(stmt);
            break;
        }
        each(arg, &f);
    }
    return got;
}

int rows_each_unsent(struct db *db, void (*each)(void *, const struct effect *), void *arg, struct err *e)
{
    return each_effect(db, SQL_OUTBOX_UNSENT, each, arg, e);
}

int rows_each_sent(struct db *db, uint64_t above, void (*each)(void *, const struct effect *), void *arg, struct err *e)
{
    sqlite3_bind_int64(db->statements[SQL_OUTBOX_RECENT], 1, (sqlite3_int64)above);
    return each_effect(db, SQL_OUTBOX_RECENT, each, arg, e);
}

int rows_get(struct db *db, struct str key, struct str *value, struct err *e)
{
    enum sql which = is_position(key) ? SQL_POSITION_GET : SQL_META_GET;
    if (is_position(key))
        key = (struct str){key.p + POSITION.n, key.n - POSITION.n};
    sqlite3_stmt *stmt = db->statements[which];
    *value = (struct str){0};
    sqlite3_bind_text64(stmt, 1, key.p, key.n, SQLITE_STATIC, SQLITE_UTF8);
    int got = next_row(db, which, which == SQL_META_GET ? "meta" : "position", e);
    if (got == 1) {
        struct str found = column_str(stmt, 1);
        char *copy = xmalloc(found.n);
        memcpy(copy, found.p, found.n); /* a key of random bytes may hold a zero */
        *value = (struct str){copy, found.n};
    }
    sqlite3_reset(stmt);
    return got < 0 ? -1 : 0;
}

int rows_ask_number(struct db *db, enum sql which, int64_t *number)
{
    sqlite3_stmt *stmt = db->statements[which];
    int rc = sqlite3_step(stmt);
    *number = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}
