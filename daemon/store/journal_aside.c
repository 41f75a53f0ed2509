/* Setting damaged rows of the journal aside: their bytes go to the table `aside`, and their place becomes a gap.
 *
 * Keeps true: nothing is thrown away (what cannot be read stays where it is, inside the gap), all of it is one transaction,
 * and sequences are never given a second time. It looks for the next row that can be read by trying, since a damaged page
 * hides how many it held. */
#include <inttypes.h>
#include <stdbool.h>

#include "kefu/base/mem.h"
#include "kefu/store/journal.h"

/* Of the last row of all, whose own count is all there is to go by: more is not believed. */
#define LAST_ROW_EVENTS_MAX ((uint64_t)1 << 22)

static bool is_corrupt(int rc)
{
    return (rc & 0xff) == SQLITE_CORRUPT;
}

/* The first row from `seq` on: SQLITE_ROW with its place, SQLITE_DONE, or an error. */
static int row_from(struct journal *j, uint64_t seq, uint64_t *found)
{
    sqlite3_stmt *stmt = j->db->statements[SQL_JOURNAL_NEXT];
    sqlite3_bind_int64(stmt, 1, (int64_t)seq);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *found = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return rc;
}

int journal_after(struct journal *j, uint64_t seq, uint64_t last_seq, uint64_t *after, struct err *e)
{
    uint64_t bad = seq + 1, good = 0;
    *after = last_seq + 1;
    int rc = row_from(j, bad, after);
    if (!is_corrupt(rc))
        return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_err(j->db, e, "looking for the next row");
    for (uint64_t step = 1; is_corrupt(rc) && bad < last_seq; step *= 2) {
        bad = good ? good : bad;
        good = last_seq - bad > step ? bad + step : last_seq;
        rc = row_from(j, good, after);
        if (is_corrupt(rc))
            bad = good;
    }
    if (rc != SQLITE_ROW)
        return err_set(e, j->db->path, "the end of the journal cannot be read; put the latest backup in its place");
    while (good - bad > 1) {
        uint64_t middle = bad + (good - bad) / 2;
        *(row_from(j, middle, after) == SQLITE_ROW ? &good : &bad) = middle;
    }
    return row_from(j, good, after) == SQLITE_ROW ? 0 : db_err(j->db, e, "looking for the next row");
}

/* Which row holds `seq`, as far as that can be told; n = 0: none that can be seen. */
static struct journal_gap holder(struct journal *j, uint64_t seq)
{
    struct journal_gap row = {seq, 0};
    sqlite3_stmt *stmt = j->db->statements[SQL_JOURNAL_HOLDER];
    sqlite3_bind_int64(stmt, 1, (int64_t)seq);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        struct journal_gap found = {(uint64_t)sqlite3_column_int64(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 1)};
        if (found.seq <= seq && (found.seq == seq || seq - found.seq < found.n))
            row = found;
    }
    sqlite3_reset(stmt);
    return row;
}

/* Writes the row of `aside`, with the bytes of the row in the journal if it is to be moved. SQLite's result code. */
static int save(struct journal *j, const struct journal_gap *gap, int64_t at_ms, bool move)
{
    sqlite3_stmt *old = j->db->statements[SQL_JOURNAL_ROW];
    struct db_row row = row_of(j->db, SQL_ASIDE_ADD);
    sqlite3_bind_int64(old, 1, (int64_t)gap->seq);
    int rc = move ? sqlite3_step(old) : SQLITE_DONE;
    row_uint(&row, gap->seq);
    row_uint(&row, gap->n);
    row_int(&row, at_ms);
    row_int(&row, rc == SQLITE_ROW ? sqlite3_column_int64(old, 4) : 0);
    row_blob(&row, rc == SQLITE_ROW ? column_str(old, 3) : (struct str){0});
    int saved = rc == SQLITE_ROW || rc == SQLITE_DONE ? row_save(&row) : rc;
    sqlite3_reset(old);
    if (saved == SQLITE_OK && rc == SQLITE_ROW) {
        struct db_row gone = row_of(j->db, SQL_JOURNAL_DROP);
        row_uint(&gone, gap->seq);
        saved = row_run(&gone);
    }
    return saved;
}

static int save_all(struct journal *j, const struct journal_gap *gap, int64_t at_ms, bool move)
{
    int rc = db_exec(j->db, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK)
        rc = save(j, gap, at_ms, move);
    if (rc == SQLITE_OK)
        rc = db_exec(j->db, "COMMIT");
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(j->db->sql))
        (void)db_exec(j->db, "ROLLBACK"); /* rc says what went wrong */
    return rc;
}

bool journal_is_aside(const struct journal *j, uint64_t seq)
{
    for (size_t i = 0; i < j->gaps_n; i++)
        if (seq >= j->gaps[i].seq && seq - j->gaps[i].seq < j->gaps[i].n)
            return true;
    return false;
}

static int find_gap(struct journal *j, uint64_t seq, struct journal_gap *gap, struct err *e)
{
    uint64_t first, last, after = 0;
    if (journal_ends(j, &first, &last, e))
        return -1;
    if (!seq || seq > last)
        return err_set(e, j->db->path, "the journal goes up to %" PRIu64 "; there is no %" PRIu64, last, seq);
    if (journal_is_aside(j, seq))
        return err_set(e, j->db->path, "%" PRIu64 " is set aside already", seq);
    *gap = holder(j, seq);
    if (journal_after(j, gap->seq, last, &after, e))
        return -1;
    if (after > last && gap->n && gap->n <= LAST_ROW_EVENTS_MAX)
        after = gap->seq + gap->n;
    for (size_t i = 0; i < j->gaps_n; i++)
        after = j->gaps[i].seq > gap->seq && j->gaps[i].seq < after ? j->gaps[i].seq : after;
    gap->n = after - gap->seq;
    return 0;
}

int journal_set_aside(struct journal *j, uint64_t seq, int64_t at_ms, struct journal_gap *gap, struct err *e)
{
    if (find_gap(j, seq, gap, e))
        return -1;
    int rc = save_all(j, gap, at_ms, true);
    if (is_corrupt(rc))
        rc = save_all(j, gap, at_ms, false);
    return rc == SQLITE_OK ? 0 : db_err(j->db, e, "setting a row aside");
}
