/* Writing and reading the journal's rows.
 *
 * Keeps true: sequences run without gaps, a group of commits is one row (less overhead than a row a commit), and replay
 * hands out nothing of a row that does not prove whole. A damaged row stops replay with its sequence and the mend: figures
 * that people are paid by must not silently lose events. */
#include "kefu/store/journal.h"

#include <inttypes.h>
#include <stdio.h>

#define PAYLOAD_VERSION 1
/* A payload buffer that one giant batch has made larger than this is given back. */
#define PAYLOAD_KEEP_BYTES  (4u << 20)
#define PROGRESS_EVERY_ROWS 64

int journal_last(struct db *db, uint64_t *last_seq, struct err *e)
{
    sqlite3_stmt *stmt = db->statements[SQL_JOURNAL_LAST];
    int rc = sqlite3_step(stmt);
    *last_seq = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
    int bad = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_err(db, e, "reading the end of the journal");
    sqlite3_reset(stmt);
    return bad;
}

static size_t encode_all(struct commit *const *commits, size_t n, struct buf *payload)
{
    size_t events_n = 0;
    buf_put_byte(payload, PAYLOAD_VERSION);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < commits[i]->events_n; k++)
            event_encode(payload, commits[i]->events[k]);
        events_n += commits[i]->events_n;
    }
    return events_n;
}

int journal_add(struct db *db, struct commit *const *commits, size_t n, uint64_t first_seq, struct buf *payload)
{
    int rc = SQLITE_OK;
    payload->n = 0;
    size_t events_n = encode_all(commits, n, payload);
    if (events_n) {
        struct db_row row = row_of(db, SQL_JOURNAL_ADD);
        row_uint(&row, first_seq);
        row_uint(&row, events_n);
        row_int(&row, commits[n - 1]->at_ms);
        row_blob(&row, buf_str(payload));
        rc = row_save(&row);
    }
    if (payload->cap > PAYLOAD_KEEP_BYTES)
        buf_fini(payload);
    return rc;
}

/* One row of the journal while it is read. */
struct row {
    uint64_t seq;
    uint64_t n;
    struct cursor records; /* behind the version byte */
};

static int damaged(struct db *db, uint64_t seq, const char *how, struct err *e)
{
    char where[sizeof e->where];
    snprintf(where, sizeof where, "%.150s journal %" PRIu64, db->path, seq);
    return err_set(e, where,
                   "damaged (%s); put the latest backup in its place, or to go on without the events of this row: "
                   "kefuctl journal set-aside %" PRIu64,
                   how, seq);
}

/* Looks at the row the statement stands on. `next_seq` is what must come (0: the first row may start anywhere). */
static int row_open(struct db *db, sqlite3_stmt *stmt, uint64_t next_seq, struct row *row, struct err *e)
{
    *row = (struct row){.seq = (uint64_t)sqlite3_column_int64(stmt, 0),
                        .n = (uint64_t)sqlite3_column_int64(stmt, 1),
                        .records = cursor_of(column_str(stmt, 3))};
    if (next_seq && row->seq != next_seq)
        return damaged(db, next_seq, "the row is missing", e);
    if (!row_sound(stmt))
        return damaged(db, row->seq, "its checksum does not fit", e);
    uint8_t version = cursor_byte(&row->records);
    if (version != PAYLOAD_VERSION)
        return err_set(e, db->path, "journal %" PRIu64 " has version %d, this kefud reads %d: install the newer kefud",
                       row->seq, version, PAYLOAD_VERSION);
    return 0;
}

/* Hands out a row's events. Its checksum held, so a record that does not decode was written so. */
static int row_replay(struct db *db, struct row *row, uint64_t from_seq, const struct store_replay *r, struct err *e)
{
    struct event event;
    struct err inner;
    for (uint64_t i = 0; i < row->n; i++) {
        if (event_decode(&row->records, &event, &inner))
            return damaged(db, row->seq, inner.what, e);
        if (row->seq + i >= from_seq)
            r->each(r->arg, row->seq + i, &event);
    }
    return row->records.p == row->records.end ? 0 : damaged(db, row->seq, "bytes behind its last record", e);
}

/* Reads row after row; next_seq is what must come. */
static int replay_rows(struct db *db, uint64_t from_seq, uint64_t last_seq, const struct store_replay *r, struct err *e)
{
    sqlite3_stmt *stmt = db->statements[SQL_JOURNAL_FROM];
    uint64_t next_seq = 0;
    int rc = SQLITE_DONE;
    for (uint64_t rows_n = 1; (rc = sqlite3_step(stmt)) == SQLITE_ROW; rows_n++) {
        struct row row;
        if (row_open(db, stmt, next_seq, &row, e))
            return -1;
        if (!next_seq && row.seq > from_seq)
            return damaged(db, from_seq, "the row is missing", e);
        if (row_replay(db, &row, from_seq, r, e))
            return -1;
        next_seq = row.seq + row.n;
        if (r->progress && (rows_n % PROGRESS_EVERY_ROWS == 0 || next_seq > last_seq))
            r->progress(r->arg, next_seq - from_seq, last_seq + 1 - from_seq);
    }
    if ((rc & 0xff) == SQLITE_CORRUPT)
        return damaged(db, next_seq ? next_seq : from_seq, "its page cannot be read", e);
    if (rc != SQLITE_DONE)
        return db_err(db, e, "reading the journal");
    return next_seq == last_seq + 1 ? 0 : damaged(db, next_seq, "the row is missing", e);
}

int journal_replay(struct db *db, uint64_t from_seq, uint64_t last_seq, const struct store_replay *r, struct err *e)
{
    sqlite3_stmt *stmt = db->statements[SQL_JOURNAL_FROM];
    uint64_t first = from_seq ? from_seq : 1;
    if (first > last_seq)
        return 0;
    sqlite3_bind_int64(stmt, 1, (int64_t)first);
    int bad = replay_rows(db, first, last_seq, r, e);
    sqlite3_reset(stmt);
    return bad;
}
