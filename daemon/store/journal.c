/* Writing and reading the journal's rows.
 *
 * Keeps true: sequences run without gaps but those of what was set aside, a group of commits is one row (less overhead than
 * a row a commit), and replay hands out nothing of a row that does not prove whole. A damaged row stops replay with its
 * sequence and the mend: figures that people are paid by must not silently lose events. */
#include "kefu/store/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/store/ahead.h"

enum { PLAIN = 1, SQUEEZED = 2 }; /* versions of the payload */

/* Room that one giant batch has made larger than this is given back. */
#define ROOM_KEEP_BYTES ((size_t)4 << 20)
/* No record is longer (model/event_codec.c), and no row of ours opens to more: what claims to is damage. */
#define RECORD_MAX_BYTES  ((uint64_t)(1 << 14) + 3)
#define RECORDS_MAX_BYTES ((uint64_t)1 << 30)
/* A reader that keeps one transaction open makes the write-ahead log grow. */
#define ROWS_A_TRANSACTION 64

static int read_gaps(struct journal *j, struct err *e)
{
    sqlite3_stmt *stmt = j->db->statements[SQL_ASIDE_EACH];
    int rc = SQLITE_DONE, bad = 0;
    while (stmt && !bad && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        j->gaps = xrealloc(j->gaps, (j->gaps_n + 1) * sizeof *j->gaps);
        j->gaps[j->gaps_n++] =
            (struct journal_gap){(uint64_t)sqlite3_column_int64(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 1)};
        if (!row_sound(stmt))
            bad = err_set(e, j->db->path, "table aside: damaged; put the latest backup in its place");
    }
    if (!bad && rc != SQLITE_DONE)
        bad = db_err(j->db, e, "reading what was set aside");
    sqlite3_reset(stmt);
    return bad;
}

int journal_open(struct journal *j, struct db *db, struct err *e)
{
    *j = (struct journal){.db = db};
    return read_gaps(j, e);
}

void journal_fini(struct journal *j)
{
    pack_fini(&j->pack);
    buf_fini(&j->records);
    buf_fini(&j->payload);
    free(j->gaps);
    *j = (struct journal){0};
}

static int read_end(struct journal *j, enum sql which, uint64_t otherwise, uint64_t *seq, struct err *e)
{
    sqlite3_stmt *stmt = j->db->statements[which];
    int rc = sqlite3_step(stmt);
    *seq = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(stmt, 0) : otherwise;
    int bad = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_err(j->db, e, "reading the ends of the journal");
    sqlite3_reset(stmt);
    return bad;
}

int journal_ends(struct journal *j, uint64_t *first_seq, uint64_t *last_seq, struct err *e)
{
    uint64_t first = 0;
    if (read_end(j, SQL_JOURNAL_FIRST, 0, &first, e) || read_end(j, SQL_JOURNAL_LAST, 0, last_seq, e))
        return -1;
    for (size_t i = 0; i < j->gaps_n; i++) {
        uint64_t gap_last = j->gaps[i].seq + j->gaps[i].n - 1;
        *last_seq = gap_last > *last_seq ? gap_last : *last_seq;
    }
    *first_seq = first ? first : *last_seq + 1;
    return 0;
}

/* ---- writing ---- */

static size_t encode_all(struct commit *const *commits, size_t n, struct buf *records)
{
    size_t events_n = 0;
    records->n = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < commits[i]->events_n; k++)
            event_encode(records, commits[i]->events[k]);
        events_n += commits[i]->events_n;
    }
    return events_n;
}

/* The payload of j->records, whichever version is shorter. */
static struct str make_payload(struct journal *j)
{
    j->payload.n = 0;
    buf_put_byte(&j->payload, SQUEEZED);
    buf_put_uvar(&j->payload, j->records.n);
    if (pack_squeeze(&j->pack, buf_str(&j->records), &j->payload) && j->payload.n <= j->records.n)
        return buf_str(&j->payload);
    j->payload.n = 0;
    buf_put_byte(&j->payload, PLAIN);
    buf_put_str(&j->payload, buf_str(&j->records));
    return buf_str(&j->payload);
}

static void give_back(struct buf *room)
{
    if (room->cap > ROOM_KEEP_BYTES)
        buf_fini(room);
}

int journal_add(struct journal *j, struct commit *const *commits, size_t n, uint64_t first_seq)
{
    int rc = SQLITE_OK;
    size_t events_n = encode_all(commits, n, &j->records);
    if (events_n) {
        struct db_row row = row_of(j->db, SQL_JOURNAL_ADD);
        row_uint(&row, first_seq);
        row_uint(&row, events_n);
        row_int(&row, commits[n - 1]->at_ms);
        row_blob(&row, make_payload(j));
        rc = row_save(&row);
    }
    give_back(&j->records);
    give_back(&j->payload);
    return rc;
}

/* ---- reading ---- */

/* How far a replay has come. */
struct reading {
    uint64_t next_seq;  /* what must come */
    bool first;         /* it may be within the row that comes */
    uint64_t limit_seq; /* the last that is wanted before a gap or the end */
};

static int damaged(struct journal *j, uint64_t seq, const char *how, struct err *e)
{
    char where[sizeof e->where];
    j->damaged_seq = seq;
    snprintf(where, sizeof where, "%.150s journal %" PRIu64, j->db->path, seq);
    return err_set(e, where,
                   "damaged (%s); put the latest backup in its place, or to go on without the events of this row: "
                   "kefuctl journal set-aside %" PRIu64,
                   how, seq);
}

/* The records of a squeezed payload. What it claims to be is looked at before anything is opened. */
static int open_squeezed(struct journal *j, struct journal_row *row, struct cursor packed, struct err *e)
{
    uint64_t bytes = cursor_uvar(&packed);
    if (packed.bad || bytes > RECORDS_MAX_BYTES || bytes / RECORD_MAX_BYTES > row->n)
        return damaged(j, row->seq, "it opens to more than its events can be", e);
    struct str squeezed = {(const char *)packed.p, (size_t)(packed.end - packed.p)};
    if (pack_open(&j->pack, squeezed, (size_t)bytes, &row->records))
        return damaged(j, row->seq, "it does not open", e);
    return 0;
}

static int open_payload(struct journal *j, sqlite3_stmt *stmt, struct journal_row *row, struct err *e)
{
    struct str payload = column_str(stmt, 3);
    struct cursor in = cursor_of(payload);
    uint8_t version = cursor_byte(&in);
    row->records.n = 0;
    if (version == SQUEEZED)
        return open_squeezed(j, row, in, e);
    if (version == PLAIN) {
        buf_put(&row->records, in.p, (size_t)(in.end - in.p));
        return 0;
    }
    return err_set(e, j->db->path,
                   "journal %" PRIu64 " has version %d, this kefud reads up to %d: install the newer kefud", row->seq,
                   version, SQUEEZED);
}

/* Its checksum held, so a record that does not decode was written so. */
static int decode_events(struct journal *j, struct journal_row *row, struct err *e)
{
    struct cursor in = cursor_of(buf_str(&row->records));
    struct err inner;
    for (size_t i = 0; i < row->n; i++) {
        xgrow(&row->events, &row->cap, i + 1, sizeof *row->events); /* as many as there are, whatever the row claims */
        if (event_decode(&in, &row->events[i], &inner))
            return damaged(j, row->seq, inner.what, e);
    }
    return in.p == in.end ? 0 : damaged(j, row->seq, "bytes behind its last record", e);
}

/* Reads the row the statement stands on: it must be the one that holds next_seq, and begin with it unless it is the first of
 * a replay. */
static int read_row(struct journal *j, sqlite3_stmt *stmt, const struct reading *g, struct journal_row *row,
                    struct err *e)
{
    row->seq = (uint64_t)sqlite3_column_int64(stmt, 0);
    row->n = (uint64_t)sqlite3_column_int64(stmt, 1);
    bool holds = row->seq == g->next_seq || (g->first && row->seq < g->next_seq && g->next_seq - row->seq < row->n);
    if (!holds)
        return damaged(j, g->next_seq, "the row is missing", e);
    if (!row_sound(stmt) || !row->n)
        return damaged(j, row->seq, "its checksum does not fit", e);
    row->from_seq = g->next_seq;
    row->to_seq = g->limit_seq < row->seq + row->n - 1 ? g->limit_seq : row->seq + row->n - 1;
    return open_payload(j, stmt, row, e) || decode_events(j, row, e) ? -1 : 0;
}

/* One transaction's rows, up to the limit. */
static int read_rows(struct journal *j, struct reading *g, const struct journal_taker *to, struct err *e)
{
    sqlite3_stmt *stmt = j->db->statements[SQL_JOURNAL_FROM];
    int rc = SQLITE_ROW;
    int rows_n = 0;
    for (; g->next_seq <= g->limit_seq && rows_n < ROWS_A_TRANSACTION && (rc = sqlite3_step(stmt)) == SQLITE_ROW;
         rows_n++) {
        struct journal_row *row = to->room(to->arg);
        if (read_row(j, stmt, g, row, e))
            return -1;
        g->next_seq = row->seq + row->n;
        g->first = false;
        to->take(to->arg, row);
    }
    if (rc == SQLITE_ROW)
        return 0;
    if ((rc & 0xff) == SQLITE_CORRUPT)
        return damaged(j, g->next_seq, "its page cannot be read", e);
    return rc == SQLITE_DONE ? damaged(j, g->next_seq, "the row is missing", e)
                             : db_err(j->db, e, "reading the journal");
}

/* Goes over the gap that next_seq is in, if any, and sets the limit before the next one. */
static void go_over_gaps(const struct journal *j, struct reading *g, uint64_t last_seq)
{
    g->limit_seq = last_seq;
    for (size_t i = 0; i < j->gaps_n; i++) {
        const struct journal_gap *gap = &j->gaps[i];
        if (gap->seq > g->next_seq) {
            g->limit_seq = gap->seq <= last_seq ? gap->seq - 1 : last_seq;
            return;
        }
        if (g->next_seq - gap->seq < gap->n)
            g->next_seq = gap->seq + gap->n;
    }
}

int journal_rows(struct journal *j, uint64_t *next_seq, uint64_t last_seq, const struct journal_taker *to,
                 struct err *e)
{
    struct reading g = {.next_seq = *next_seq, .first = true};
    int bad = 0;
    j->damaged_seq = 0;
    go_over_gaps(j, &g, last_seq);
    if (g.next_seq <= last_seq) {
        sqlite3_stmt *stmt = j->db->statements[SQL_JOURNAL_FROM];
        sqlite3_bind_int64(stmt, 1, (int64_t)g.next_seq);
        bad = read_rows(j, &g, to, e);
        sqlite3_reset(stmt);
    }
    *next_seq = g.next_seq;
    return bad;
}

void journal_row_fini(struct journal_row *row)
{
    buf_fini(&row->records);
    free(row->events);
    *row = (struct journal_row){0};
}

void journal_hand_out(struct journal *j, const struct journal_row *row, const struct store_replay *r)
{
    size_t n = r->each ? (size_t)(row->to_seq + 1 - row->from_seq) : 0;
    const struct event *events = row->events + (row->from_seq - row->seq);
    if (j->attempt)
        attempt_at(j->attempt, row->seq);
    for (size_t i = 0, told_n = 0; i < n; i++) {
        for (; r->ahead && told_n < n && told_n <= i + STORE_AHEAD; told_n++)
            r->ahead(r->arg, &events[told_n]);
        r->each(r->arg, row->from_seq + i, &events[i]);
    }
}

/* ---- reading in the caller ---- */

struct at_once {
    struct journal *j;
    struct journal_row row;
    const struct store_replay *r;
};

static struct journal_row *one_room(void *arg)
{
    return &((struct at_once *)arg)->row;
}

static void hand_out_at_once(void *arg, struct journal_row *row)
{
    struct at_once *a = arg;
    journal_hand_out(a->j, row, a->r);
}

int journal_step(struct journal *j, uint64_t *next_seq, uint64_t last_seq, const struct store_replay *r, struct err *e)
{
    struct at_once a = {.j = j, .r = r};
    int bad = journal_rows(j, next_seq, last_seq, &(struct journal_taker){one_room, hand_out_at_once, &a}, e);
    journal_row_fini(&a.row);
    return bad;
}

int journal_replay(struct journal *j, uint64_t from_seq, uint64_t last_seq, const struct store_replay *r, struct err *e)
{
    uint64_t first = from_seq ? from_seq : 1;
    if (r->beside && first <= last_seq)
        return ahead_replay(j, first, last_seq, r, e);
    for (uint64_t next = first; next <= last_seq;) {
        if (journal_step(j, &next, last_seq, r, e))
            return -1;
        if (r->progress)
            r->progress(r->progress_arg, (next > last_seq ? last_seq + 1 : next) - first, last_seq + 1 - first);
    }
    return 0;
}

/* ---- writing anew ---- */

/* The records of a row with what `change` makes of them, in *fresh. True: something changed. */
static bool change_records(const struct journal_row *row, bool (*change)(void *, struct event *), void *arg,
                           struct buf *fresh)
{
    bool changed = false;
    fresh->n = 0;
    for (uint64_t i = 0; i < row->n; i++) {
        changed |= change(arg, &row->events[i]);
        event_encode(fresh, &row->events[i]);
    }
    return changed;
}

static int put_anew(struct journal *j, const struct journal_row *row, int64_t at_ms, struct buf *fresh, struct err *e)
{
    struct db_row drop = row_of(j->db, SQL_JOURNAL_DROP);
    row_uint(&drop, row->seq);
    int rc = row_run(&drop);
    struct buf old = j->records;
    j->records = *fresh; /* make_payload's */
    *fresh = old;
    struct db_row add = row_of(j->db, SQL_JOURNAL_ADD);
    row_uint(&add, row->seq);
    row_uint(&add, row->n);
    row_int(&add, at_ms);
    row_blob(&add, make_payload(j));
    rc = rc == SQLITE_OK ? row_save(&add) : rc;
    return rc == SQLITE_OK ? 0 : db_err(j->db, e, "writing the journal anew");
}

/* The first row from *next on, and when it was committed. 1: there is one; 0: none; -1 with e. */
static int next_whole_row(struct journal *j, uint64_t next, struct journal_row *row, int64_t *at_ms, struct err *e)
{
    sqlite3_stmt *stmt = j->db->statements[SQL_JOURNAL_FROM];
    sqlite3_bind_int64(stmt, 1, (int64_t)next);
    int rc = sqlite3_step(stmt), found = rc == SQLITE_ROW;
    row->seq = (uint64_t)sqlite3_column_int64(stmt, 0);
    row->n = (uint64_t)sqlite3_column_int64(stmt, 1);
    *at_ms = sqlite3_column_int64(stmt, 2);
    if (rc != SQLITE_ROW)
        found = rc == SQLITE_DONE ? 0 : db_err(j->db, e, "reading the journal");
    else if (row->seq < next)
        found = 0; /* the last row, which holds what is before */
    else if (!row_sound(stmt))
        found = damaged(j, row->seq, "its checksum does not fit", e);
    else if (open_payload(j, stmt, row, e) || decode_events(j, row, e))
        found = -1;
    sqlite3_reset(stmt);
    return found;
}

int journal_rewrite(struct journal *j, bool (*change)(void *, struct event *), void *arg, uint64_t *rows_n,
                    struct err *e)
{
    struct journal_row row = {0};
    struct buf fresh = {0};
    uint64_t next = 0;
    int64_t at_ms;
    int found;
    while ((found = next_whole_row(j, next, &row, &at_ms, e)) > 0) {
        next = row.seq + row.n;
        if (!change_records(&row, change, arg, &fresh))
            continue;
        if (put_anew(j, &row, at_ms, &fresh, e)) {
            found = -1;
            break;
        }
        ++*rows_n;
    }
    journal_row_fini(&row);
    buf_fini(&fresh);
    return found;
}
