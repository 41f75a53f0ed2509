/* Tables, migrations and statements: the one place for the store's SQL.
 *
 * It keeps true that every table has a `site` column (one process may later hold many sites; today it is always SITE), that
 * every row ends in a checksum over the columns its SELECT lists before it, in the order in which its INSERT binds them,
 * and that a migration and its number are one transaction. It refuses what it does not know. */
#include "kefu/store/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/buf.h"
#include "kefu/store/db.h"

#define SITE       "1"
#define QUOTED(x)  #x
#define TEXT_OF(x) QUOTED(x)

/* Never change one that has landed: add one. */
static const char *const MIGRATIONS[] = {
    /* 1. The checksum stands before the blobs so that reading it needs no walk along their overflow pages. */
    "CREATE TABLE meta(site INTEGER NOT NULL, key TEXT NOT NULL, checksum INTEGER NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY(site, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE journal(seq INTEGER PRIMARY KEY, site INTEGER NOT NULL, n INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;"
    "CREATE TABLE position(site INTEGER NOT NULL, key TEXT NOT NULL, checksum INTEGER NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY(site, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE quarantine(number INTEGER PRIMARY KEY, site INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, way TEXT NOT NULL, id TEXT NOT NULL, reason TEXT NOT NULL, input_bytes INTEGER NOT NULL,"
    " due_ms INTEGER NOT NULL, checksum INTEGER NOT NULL, record BLOB) STRICT;"
    "CREATE TABLE memory(site INTEGER NOT NULL, rule TEXT NOT NULL, subject TEXT NOT NULL, checksum INTEGER NOT NULL,"
    " blob BLOB NOT NULL, PRIMARY KEY(site, rule, subject)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE outbox(number INTEGER PRIMARY KEY, site INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0,"
    " kind INTEGER NOT NULL, stream_ms INTEGER NOT NULL, stream_n INTEGER NOT NULL, stream TEXT NOT NULL,"
    " checksum INTEGER NOT NULL, pairs BLOB NOT NULL) STRICT;"
    "CREATE INDEX outbox_unsent ON outbox(site, number) WHERE sent = 0;"
    "CREATE TABLE marks(site INTEGER PRIMARY KEY, effect_number INTEGER NOT NULL, stream_ms INTEGER NOT NULL,"
    " stream_n INTEGER NOT NULL, quarantine_row INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT;",
    /* 2. The shelf (shelf.h). */
    "CREATE TABLE subject(id INTEGER PRIMARY KEY, site INTEGER NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL,"
    " grp INTEGER NOT NULL, last_ts INTEGER NOT NULL, cold INTEGER NOT NULL, checksum INTEGER NOT NULL,"
    " blob BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX subject_key ON subject(site, kind, key);"
    "CREATE INDEX subject_group ON subject(site, grp, last_ts) WHERE grp <> 0;"
    "CREATE INDEX subject_warm ON subject(site, id) WHERE cold = 0;"
    "CREATE TABLE fresh(number INTEGER PRIMARY KEY, site INTEGER NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL,"
    " grp INTEGER NOT NULL, last_ts INTEGER NOT NULL, cold INTEGER NOT NULL, checksum INTEGER NOT NULL,"
    " blob BLOB NOT NULL) STRICT;"
    "CREATE TABLE total(site INTEGER NOT NULL, agent TEXT NOT NULL, kind INTEGER NOT NULL, period INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL, blob BLOB NOT NULL, PRIMARY KEY(site, agent, kind, period)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE identity(site INTEGER NOT NULL, hash INTEGER NOT NULL, subject INTEGER NOT NULL,"
    " PRIMARY KEY(site, hash, subject)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE filter(site INTEGER NOT NULL, which INTEGER NOT NULL, part INTEGER NOT NULL, n INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(site, which, part)) STRICT;",
    /* 3. What was set aside of the journal, and the gaps it left; payload is NULL where the bytes could not be read. */
    ("CREATE TABLE aside(seq INTEGER PRIMARY KEY, site INTEGER NOT NULL, n INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
     " row_checksum INTEGER NOT NULL, checksum INTEGER NOT NULL, payload BLOB) STRICT;"), /* two lines of one text */
    /* 4. Where identities of cold subjects lie, packed (pointer.h); `identity` keeps what is in it. */
    ("CREATE TABLE pointer(number INTEGER PRIMARY KEY, site INTEGER NOT NULL, checksum INTEGER NOT NULL,"
     " blob BLOB NOT NULL) STRICT;"),
    /* 5. Who looked at pay (audit.h), and cold conversations by time, for explanations. */
    "CREATE TABLE audit(number INTEGER PRIMARY KEY, site INTEGER NOT NULL, checksum INTEGER NOT NULL, line TEXT NOT NULL,"
    " hash TEXT NOT NULL) STRICT;"
    "CREATE INDEX subject_cold ON subject(site, last_ts) WHERE cold = 1 AND kind = 1;",
    /* 6. The book (model/book.h), and every rulebook that was ever in force. */
    "CREATE TABLE book(number INTEGER PRIMARY KEY, site INTEGER NOT NULL, kind INTEGER NOT NULL, month INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL, checksum INTEGER NOT NULL, text TEXT NOT NULL) STRICT;"
    "CREATE TABLE booked(site INTEGER NOT NULL, entry INTEGER NOT NULL, number INTEGER NOT NULL, salt TEXT NOT NULL,"
    " identity TEXT NOT NULL, sha256 TEXT NOT NULL, checksum INTEGER NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY(site, entry, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE rulebook(site INTEGER NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, month INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, checksum INTEGER NOT NULL, text BLOB NOT NULL, PRIMARY KEY(site, name)) STRICT,"
    " WITHOUT ROWID;",
    /* 7. Hashes of the keys of orders that were let go of (let_go.h). */
    ("CREATE TABLE gone(site INTEGER NOT NULL, hash INTEGER NOT NULL, checksum INTEGER NOT NULL,"
     " PRIMARY KEY(site, hash)) STRICT, WITHOUT ROWID;"),
    /* 8. Totals of a cut that does not count yet, as `fresh` has its rows. */
    ("CREATE TABLE fresh_total(number INTEGER PRIMARY KEY, site INTEGER NOT NULL, agent TEXT NOT NULL,"
     " kind INTEGER NOT NULL, period INTEGER NOT NULL, checksum INTEGER NOT NULL, blob BLOB NOT NULL) STRICT;"),
};
#define MIGRATIONS_N ((int64_t)(sizeof MIGRATIONS / sizeof MIGRATIONS[0]))

#define POINTER     "SELECT number, blob, checksum FROM pointer"
#define ROW_COLUMNS "kind, key, grp, last_ts, cold, blob, checksum"
#define SUBJECT     "SELECT " ROW_COLUMNS " FROM subject"
#define UPSERT                                                                                                          \
    " ON CONFLICT(site, kind, key) DO UPDATE SET grp = excluded.grp, last_ts = excluded.last_ts, cold = excluded.cold," \
    " checksum = excluded.checksum, blob = excluded.blob"

static const char *const STATEMENTS[SQL_N] = {
    [SQL_JOURNAL_ADD] = "INSERT INTO journal(site, seq, n, at_ms, payload, checksum) VALUES(" SITE ", ?, ?, ?, ?, ?)",
    /* From the row that holds sequence ?1 (or the first behind it) on. */
    [SQL_JOURNAL_FROM] =
        "SELECT seq, n, at_ms, payload, checksum FROM journal WHERE site = " SITE " AND seq >= coalesce("
        "(SELECT max(seq) FROM journal WHERE site = " SITE " AND seq <= ?1), 0) ORDER BY seq",
    [SQL_JOURNAL_FIRST] = "SELECT seq FROM journal WHERE site = " SITE " ORDER BY seq LIMIT 1",
    [SQL_JOURNAL_LAST] = "SELECT seq + n - 1 FROM journal WHERE site = " SITE " ORDER BY seq DESC LIMIT 1",
    [SQL_JOURNAL_NEXT] = "SELECT seq FROM journal WHERE site = " SITE " AND seq >= ?1 ORDER BY seq LIMIT 1",
    [SQL_JOURNAL_HOLDER] = "SELECT seq, n FROM journal WHERE site = " SITE " AND seq <= ?1 ORDER BY seq DESC LIMIT 1",
    [SQL_JOURNAL_ROW] = "SELECT seq, n, at_ms, payload, checksum FROM journal WHERE site = " SITE " AND seq = ?1",
    [SQL_JOURNAL_DROP] = "DELETE FROM journal WHERE site = " SITE " AND seq = ?",
    [SQL_ASIDE_ADD] = "INSERT INTO aside(site, seq, n, at_ms, row_checksum, payload, checksum)"
                      " VALUES(" SITE ", ?, ?, ?, ?, ?, ?)",
    [SQL_ASIDE_EACH] =
        "SELECT seq, n, at_ms, row_checksum, payload, checksum FROM aside WHERE site = " SITE " ORDER BY seq",
    [SQL_POSITION_SET] = "INSERT OR REPLACE INTO position(site, key, value, checksum) VALUES(" SITE ", ?, ?, ?)",
    [SQL_POSITION_GET] = "SELECT key, value, checksum FROM position WHERE site = " SITE " AND key = ?",
    [SQL_POSITION_DROP] = "DELETE FROM position WHERE site = " SITE " AND key = ?",
    [SQL_POSITION_EACH] = "SELECT key, value, checksum FROM position WHERE site = " SITE " ORDER BY key",
    [SQL_META_SET] = "INSERT OR REPLACE INTO meta(site, key, value, checksum) VALUES(" SITE ", ?, ?, ?)",
    [SQL_META_GET] = "SELECT key, value, checksum FROM meta WHERE site = " SITE " AND key = ?",
    [SQL_META_DROP] = "DELETE FROM meta WHERE site = " SITE " AND key = ?",
    [SQL_META_EACH] = "SELECT key, value, checksum FROM meta WHERE site = " SITE " ORDER BY key",
    [SQL_QUARANTINE_ADD] = "INSERT INTO quarantine(site, number, at_ms, kind, way, id, reason, input_bytes, due_ms,"
                           " record, checksum) VALUES(" SITE ", ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_QUARANTINE_EACH] = "SELECT number, at_ms, kind, way, id, reason, input_bytes, due_ms, record, checksum"
                            " FROM quarantine WHERE site = " SITE " ORDER BY number",
    [SQL_QUARANTINE_DROP] = "DELETE FROM quarantine WHERE site = " SITE " AND number = ?",
    [SQL_MEMORY_SET] =
        "INSERT OR REPLACE INTO memory(site, rule, subject, blob, checksum) VALUES(" SITE ", ?, ?, ?, ?)",
    [SQL_MEMORY_EACH] = "SELECT rule, subject, blob, checksum FROM memory WHERE site = " SITE " ORDER BY rule, subject",
    [SQL_MEMORY_DROP] = "DELETE FROM memory WHERE site = " SITE " AND rule = ? AND subject = ?",
    [SQL_OUTBOX_ADD] = "INSERT INTO outbox(site, number, kind, stream_ms, stream_n, stream, pairs, checksum)"
                       " VALUES(" SITE ", ?, ?, ?, ?, ?, ?, ?)",
    [SQL_OUTBOX_EACH] = "SELECT number, kind, stream_ms, stream_n, stream, pairs, checksum FROM outbox"
                        " WHERE site = " SITE " ORDER BY number",
    [SQL_OUTBOX_UNSENT] = "SELECT number, kind, stream_ms, stream_n, stream, pairs, checksum FROM outbox"
                          " WHERE site = " SITE " AND sent = 0 ORDER BY number",
    [SQL_OUTBOX_RECENT] = "SELECT number, kind, stream_ms, stream_n, stream, pairs, checksum FROM outbox"
                          " WHERE site = " SITE " AND sent = 1 AND number > ?1 ORDER BY number",
    [SQL_OUTBOX_SENT] = "UPDATE outbox SET sent = 1 WHERE site = " SITE " AND number = ?",
    [SQL_MARKS_SET] = "INSERT OR REPLACE INTO marks(site, effect_number, stream_ms, stream_n, quarantine_row, checksum)"
                      " VALUES(" SITE ", ?, ?, ?, ?, ?)",
    [SQL_MARKS_GET] = "SELECT effect_number, stream_ms, stream_n, quarantine_row, checksum FROM marks"
                      " WHERE site = " SITE,
    [SQL_FRESH_ADD] = "INSERT INTO fresh(site, kind, key, grp, last_ts, cold, blob, checksum)"
                      " VALUES(" SITE ", ?, ?, ?, ?, ?, ?, ?)",
    [SQL_FRESH_EACH] =
        "SELECT kind, key, grp, last_ts, cold, blob, checksum FROM fresh WHERE site = " SITE " ORDER BY number",
    [SQL_FRESH_FIRST] = "SELECT min(number) FROM fresh",
    [SQL_FRESH_MERGE] =
        "INSERT INTO subject(site, kind, key, grp, last_ts, cold, checksum, blob)"
        " SELECT site, kind, key, grp, last_ts, cold, checksum, blob FROM fresh WHERE number <= ?" UPSERT,
    [SQL_FRESH_DROP] = "DELETE FROM fresh WHERE number <= ?",
    [SQL_SUBJECT_CHILL] = "INSERT INTO subject(site, kind, key, grp, last_ts, cold, blob, checksum)"
                          " VALUES(" SITE ", ?, ?, ?, ?, ?, ?, ?)" UPSERT,
    [SQL_SUBJECT_ID] = "SELECT id FROM subject WHERE site = " SITE " AND kind = ? AND key = ?",
    /* All that lies there: rows that are about to be moved in go before those that they replace. */
    [SQL_SHELF_ROWS] = "WITH moving AS (SELECT " ROW_COLUMNS " FROM fresh WHERE EXISTS (SELECT 1 FROM meta WHERE"
                       " site = " SITE " AND key = 'shelf_merging'))"
                       " SELECT " ROW_COLUMNS " FROM subject WHERE site = " SITE
                       " AND (kind, key) NOT IN (SELECT kind, key FROM moving) UNION ALL SELECT * FROM moving",
    [SQL_SUBJECT_WARM] = SUBJECT " WHERE site = " SITE " AND cold = 0 ORDER BY id",
    /* The plus: by number. SQLite would take an index that begins with the site, and go through all of it for each part. */
    [SQL_SUBJECT_ALL] = SUBJECT " WHERE +site = " SITE " ORDER BY id",
    [SQL_SUBJECT_PART] = SUBJECT " WHERE +site = " SITE " AND id > ?1 AND id <= ?1 + " TEXT_OF(SCHEMA_PART_ROWS),
    [SQL_SUBJECT_TOP] = "SELECT max(id) FROM subject",
    [SQL_SUBJECT_BY_KEY] = SUBJECT " WHERE site = " SITE " AND kind = 1 AND key = ?",
    [SQL_SUBJECT_BY_IDENTITY] =
        SUBJECT " WHERE id IN (SELECT subject FROM identity WHERE site = " SITE " AND hash = ?)",
    [SQL_SUBJECT_BY_GROUP] = SUBJECT " WHERE site = " SITE " AND grp <> 0 AND grp = ? AND last_ts >= ?",
    [SQL_SUBJECT_BY_NUMBER] = SUBJECT " WHERE id = ?",
    [SQL_POINTER_SET] = "INSERT OR REPLACE INTO pointer(site, number, blob, checksum) VALUES(" SITE ", ?, ?, ?)",
    [SQL_POINTER_DROP] = "DELETE FROM pointer WHERE number = ?",
    [SQL_POINTER_GET] = POINTER " WHERE number = ?",
    [SQL_POINTER_ALL] = POINTER " WHERE site = " SITE " ORDER BY number",
    [SQL_POINTER_PART] = POINTER " WHERE site = " SITE " AND number > ?1 AND number <= ?1 + " TEXT_OF(SCHEMA_PART_ROWS),
    [SQL_POINTER_TOP] = "SELECT max(number) FROM pointer",
    [SQL_SUBJECT_COLD] = SUBJECT " WHERE site = " SITE " AND cold = 1 AND kind = 1 AND last_ts >= ? ORDER BY last_ts",
    [SQL_AUDIT_ADD] = "INSERT INTO audit(site, number, line, hash, checksum) VALUES(" SITE ", ?, ?, ?, ?)",
    [SQL_AUDIT_LAST] =
        "SELECT number, line, hash, checksum FROM audit WHERE site = " SITE " ORDER BY number DESC LIMIT 1",
    [SQL_AUDIT_EACH] = "SELECT number, line, hash, checksum FROM audit WHERE site = " SITE " ORDER BY number",
    [SQL_AUDIT_RECENT] =
        "SELECT number, line, hash, checksum FROM audit WHERE site = " SITE " ORDER BY number DESC LIMIT ?",
    [SQL_TOTAL_SET] = "INSERT OR REPLACE INTO total(site, agent, kind, period, blob, checksum)"
                      " VALUES(" SITE ", ?, ?, ?, ?, ?)",
    [SQL_TOTAL_CLEAR] = "DELETE FROM total WHERE (site, agent, kind, period) IN (SELECT site, agent, kind, period FROM"
                        " total WHERE site = " SITE " LIMIT " TEXT_OF(SCHEMA_OLD_ROWS) ")",
    [SQL_FRESH_TOTAL_ADD] = "INSERT INTO fresh_total(site, agent, kind, period, blob, checksum)"
                            " VALUES(" SITE ", ?, ?, ?, ?, ?)",
    [SQL_FRESH_TOTAL_EACH] =
        "SELECT agent, kind, period, blob, checksum FROM fresh_total WHERE site = " SITE " ORDER BY number",
    [SQL_FRESH_TOTAL_FIRST] = "SELECT min(number) FROM fresh_total",
    [SQL_FRESH_TOTAL_MERGE] = "INSERT OR REPLACE INTO total(site, agent, kind, period, checksum, blob)"
                              " SELECT site, agent, kind, period, checksum, blob FROM fresh_total WHERE number <= ?",
    [SQL_FRESH_TOTAL_DROP] = "DELETE FROM fresh_total WHERE number <= ?",
    [SQL_TOTAL_EACH] = "SELECT agent, kind, period, blob, checksum FROM total WHERE site = " SITE,
    [SQL_FILTER_SET] =
        "INSERT OR REPLACE INTO filter(site, which, part, n, bytes, checksum) VALUES(" SITE ", ?, ?, ?, ?, ?)",
    [SQL_FILTER_EACH] = "SELECT which, part, n, bytes, checksum FROM filter WHERE site = " SITE " ORDER BY which, part",
    [SQL_JOURNAL_OLDEST] =
        "SELECT seq, seq + n - 1, at_ms FROM journal WHERE site = " SITE " AND seq >= ?1 ORDER BY seq LIMIT 65",
    [SQL_FREE_PAGES] = "PRAGMA freelist_count",
    [SQL_JOURNAL_TRIM] = "DELETE FROM journal WHERE site = " SITE " AND seq >= ? AND seq <= ?",
    [SQL_BOOK_ADD] = "INSERT INTO book(site, number, kind, month, sha256, text, checksum)"
                     " VALUES(" SITE ", ?, ?, ?, ?, ?, ?)",
    [SQL_BOOK_EACH] =
        "SELECT number, kind, month, sha256, text, checksum FROM book WHERE site = " SITE " ORDER BY number",
    [SQL_BOOKED_ADD] = "INSERT OR REPLACE INTO booked(site, entry, number, salt, identity, sha256, text, checksum)"
                       " VALUES(" SITE ", ?, ?, ?, ?, ?, ?, ?)",
    [SQL_BOOKED_OF] = "SELECT entry, number, salt, identity, sha256, text, checksum FROM booked WHERE site = " SITE
                      " AND entry = ? ORDER BY number",
    [SQL_BOOKED_EACH] = "SELECT entry, number, salt, identity, sha256, text, checksum FROM booked WHERE site = " SITE
                        " ORDER BY entry, number",
    [SQL_RULEBOOK_ADD] = "INSERT OR REPLACE INTO rulebook(site, name, sha256, month, at_ms, text, checksum)"
                         " VALUES(" SITE ", ?, ?, ?, ?, ?, ?)",
    [SQL_RULEBOOK_EACH] =
        "SELECT name, sha256, month, at_ms, text, checksum FROM rulebook WHERE site = " SITE " ORDER BY month, name",
    [SQL_SUBJECT_OLD] = "SELECT id, kind, key FROM subject WHERE +site = " SITE
                        " AND id > ?1 AND id <= ?1 + " TEXT_OF(SCHEMA_OLD_ROWS) " AND kind <> 3 AND last_ts < ?2",
    [SQL_SUBJECT_DROP] = "DELETE FROM subject WHERE id = ?",
    [SQL_SUBJECT_IS] = "SELECT 1 FROM subject WHERE id = ?",
    [SQL_TOTAL_DROP] =
        "DELETE FROM total WHERE (site, agent, kind, period) IN (SELECT site, agent, kind, period FROM"
        " total WHERE site = " SITE " AND kind IN (1, 3) AND period < ?1 LIMIT " TEXT_OF(SCHEMA_OLD_ROWS) ")",
    [SQL_LATE_DROP] = "DELETE FROM memory WHERE (site, rule, subject) IN (SELECT site, rule, subject FROM memory"
                      " WHERE site = " SITE " AND rule = 'late' AND subject < ?1 LIMIT " TEXT_OF(SCHEMA_OLD_ROWS) ")",
    [SQL_OUTBOX_OLD] = "DELETE FROM outbox WHERE number IN (SELECT number FROM outbox WHERE site = " SITE
                       " AND sent = 1 AND stream_ms < ?1 LIMIT " TEXT_OF(SCHEMA_OLD_ROWS) ")",
    [SQL_SUBJECT_NEXT] = "SELECT id, kind, key, grp, last_ts, cold, blob FROM subject WHERE +site = " SITE
                         " AND id > ? ORDER BY id LIMIT 1",
    [SQL_SUBJECT_NAME] = "UPDATE subject SET key = ? WHERE id = ?",
    [SQL_TOTAL_OF_DROP] = "DELETE FROM total WHERE site = " SITE " AND agent = ?",
    [SQL_OUTBOX_NEXT] = "SELECT number, kind, stream_ms, stream_n, stream, sent, pairs FROM outbox WHERE site = " SITE
                        " AND number > ? ORDER BY number LIMIT 1",
    [SQL_OUTBOX_PUT] = "INSERT OR REPLACE INTO outbox(site, number, kind, stream_ms, stream_n, stream, pairs, checksum)"
                       " VALUES(" SITE ", ?, ?, ?, ?, ?, ?, ?)",
    [SQL_AUDIT_PUT] = "INSERT OR REPLACE INTO audit(site, number, line, hash, checksum) VALUES(" SITE ", ?, ?, ?, ?)",
    [SQL_BOOK_PUT] = "INSERT OR REPLACE INTO book(site, number, kind, month, sha256, text, checksum)"
                     " VALUES(" SITE ", ?, ?, ?, ?, ?, ?)",
    [SQL_GONE_ADD] = "INSERT OR REPLACE INTO gone(site, hash, checksum) VALUES(" SITE ", ?, ?)",
    [SQL_GONE_IS] = "SELECT hash, checksum FROM gone WHERE site = " SITE " AND hash = ?",
    [SQL_GONE_EACH] = "SELECT hash, checksum FROM gone WHERE site = " SITE,
};

const char *schema_sql(enum sql which)
{
    return STATEMENTS[which];
}

const struct schema_table *schema_tables(size_t *n)
{
#define SMALL(name, each)                                                                                              \
    {                                                                                                                  \
        name, each, SQL_N, SQL_N                                                                                       \
    }
    static const struct schema_table tables[] = {
        SMALL("meta", SQL_META_EACH),
        SMALL("aside", SQL_ASIDE_EACH),
        SMALL("position", SQL_POSITION_EACH),
        SMALL("memory", SQL_MEMORY_EACH),
        SMALL("outbox", SQL_OUTBOX_EACH),
        SMALL("quarantine", SQL_QUARANTINE_EACH),
        SMALL("marks", SQL_MARKS_GET),
        SMALL("audit", SQL_AUDIT_EACH),
        SMALL("total", SQL_TOTAL_EACH),
        SMALL("filter", SQL_FILTER_EACH),
        SMALL("fresh", SQL_FRESH_EACH),
        SMALL("fresh_total", SQL_FRESH_TOTAL_EACH),
        {"subject", SQL_SUBJECT_ALL, SQL_SUBJECT_PART, SQL_SUBJECT_TOP},
        {"pointer", SQL_POINTER_ALL, SQL_POINTER_PART, SQL_POINTER_TOP},
        SMALL("book", SQL_BOOK_EACH),
        SMALL("booked", SQL_BOOKED_EACH),
        SMALL("rulebook", SQL_RULEBOOK_EACH),
        SMALL("gone", SQL_GONE_EACH),
    };
#undef SMALL
    *n = sizeof tables / sizeof tables[0];
    return tables;
}

int schema_check(struct db *db, struct err *e)
{
    int64_t id = 0, version = 0, tables_n = 0;
    if (db_ask_int(db, "PRAGMA application_id", &id, e) || db_ask_int(db, "PRAGMA user_version", &version, e) ||
        db_ask_int(db, "SELECT count(*) FROM sqlite_schema", &tables_n, e))
        return -1;
    if (id == 0 && version == 0 && tables_n == 0)
        return 0;
    if (id != SCHEMA_APPLICATION_ID)
        return err_set(e, db->path, "is a database of another program (application_id %" PRId64 "); it was not touched",
                       id);
    if (version > MIGRATIONS_N)
        return err_set(e, db->path,
                       "was written by a newer kefud (schema %" PRId64 ", this one knows %" PRId64
                       "); install that version, or restore a backup made by this one",
                       version, MIGRATIONS_N);
    return 0;
}

int schema_is_newest(struct db *db, bool *newest, struct err *e)
{
    int64_t version = 0;
    int bad = db_ask_int(db, "PRAGMA user_version", &version, e);
    *newest = version == MIGRATIONS_N;
    return bad;
}

static int migrate_one(struct db *db, int64_t version, struct err *e)
{
    struct buf sql = {0};
    buf_printf(&sql, "BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %" PRId64 "; COMMIT;",
               MIGRATIONS[version], SCHEMA_APPLICATION_ID, version + 1);
    buf_put_byte(&sql, 0);
    int bad = db_exec(db, sql.p) == SQLITE_OK ? 0 : db_err(db, e, "bringing the schema up to date");
    if (bad && !sqlite3_get_autocommit(db->sql))
        (void)db_exec(db, "ROLLBACK"); /* the start fails either way; closing would roll back too */
    buf_fini(&sql);
    return bad;
}

int schema_migrate(struct db *db, struct err *e)
{
    int64_t version = 0;
    if (db_ask_int(db, "PRAGMA user_version", &version, e))
        return -1;
    for (; version < MIGRATIONS_N; version++)
        if (migrate_one(db, version, e))
            return -1;
    return 0;
}

int schema_quick_check(struct db *db, struct err *e)
{
    size_t n;
    const struct schema_table *tables = schema_tables(&n);
    for (size_t i = 0; i < n; i++) {
        char *said = NULL, check[80];
        if (tables[i].part != SQL_N)
            continue; /* a start does not read it whole */
        snprintf(check, sizeof check, "PRAGMA quick_check('%s')", tables[i].name);
        if (db_ask_text(db, check, &said, e))
            return -1;
        bool ok = str_eq(str_of(said), STR_LIT("ok"));
        if (!ok)
            (void)err_set(e, db->path, "is damaged (%s); put the latest backup in its place", said);
        free(said);
        if (!ok)
            return -1;
    }
    return 0;
}
