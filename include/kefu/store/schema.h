/* The tables of the store and every statement run on them: all SQL of the schema is in schema.c.
 *
 * Migrations are numbered by their place in a table that only grows; PRAGMA user_version counts those done and moves in
 * the transaction of each. A file of another program, or of a newer kefud, is refused and not touched. */
#ifndef KEFU_STORE_SCHEMA_H
#define KEFU_STORE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "kefu/base/err.h"

/* PRAGMA application_id of our files: "KEFU". */
#define SCHEMA_APPLICATION_ID 0x4B454655

enum sql {
    SQL_JOURNAL_ADD,
    SQL_JOURNAL_FROM,
    SQL_JOURNAL_FIRST,
    SQL_JOURNAL_LAST,
    SQL_JOURNAL_NEXT,
    SQL_JOURNAL_HOLDER,
    SQL_JOURNAL_ROW,
    SQL_JOURNAL_DROP,
    SQL_ASIDE_ADD,
    SQL_ASIDE_EACH,
    SQL_POSITION_SET,
    SQL_POSITION_GET,
    SQL_POSITION_DROP,
    SQL_POSITION_EACH,
    SQL_META_SET,
    SQL_META_GET,
    SQL_META_DROP,
    SQL_META_EACH,
    SQL_QUARANTINE_ADD,
    SQL_QUARANTINE_EACH,
    SQL_QUARANTINE_DROP,
    SQL_MEMORY_SET,
    SQL_MEMORY_EACH,
    SQL_MEMORY_DROP,
    SQL_OUTBOX_ADD,
    SQL_OUTBOX_EACH,
    SQL_OUTBOX_UNSENT,
    SQL_OUTBOX_RECENT,
    SQL_OUTBOX_SENT,
    SQL_MARKS_SET,
    SQL_MARKS_GET,
    SQL_FRESH_ADD,
    SQL_FRESH_MERGE,
    SQL_FRESH_DROP,
    SQL_FRESH_EACH,
    SQL_FRESH_FIRST,
    SQL_SUBJECT_CHILL,
    SQL_SUBJECT_ID,
    SQL_SUBJECT_WARM,
    SQL_SUBJECT_ALL,
    SQL_SUBJECT_PART,
    SQL_SUBJECT_TOP,
    SQL_SUBJECT_BY_KEY,
    SQL_SUBJECT_BY_IDENTITY,
    SQL_FREE_PAGES,
    SQL_SUBJECT_BY_GROUP,
    SQL_SUBJECT_BY_NUMBER,
    SQL_SHELF_ROWS,
    SQL_POINTER_SET,
    SQL_POINTER_GET,
    SQL_POINTER_ALL,
    SQL_POINTER_PART,
    SQL_POINTER_TOP,
    SQL_SUBJECT_COLD,
    SQL_AUDIT_ADD,
    SQL_AUDIT_LAST,
    SQL_AUDIT_EACH,
    SQL_AUDIT_RECENT,
    SQL_TOTAL_SET,
    SQL_TOTAL_EACH,
    SQL_TOTAL_CLEAR,
    SQL_FRESH_TOTAL_ADD,
    SQL_FRESH_TOTAL_EACH,
    SQL_FRESH_TOTAL_FIRST,
    SQL_FRESH_TOTAL_MERGE,
    SQL_FRESH_TOTAL_DROP,
    SQL_FILTER_SET,
    SQL_FILTER_EACH,
    SQL_JOURNAL_OLDEST,
    SQL_JOURNAL_TRIM,
    SQL_BOOK_ADD,
    SQL_BOOK_EACH,
    SQL_BOOKED_ADD,
    SQL_BOOKED_OF,
    SQL_BOOKED_EACH,
    SQL_RULEBOOK_ADD,
    SQL_RULEBOOK_EACH,
    SQL_SUBJECT_OLD,
    SQL_SUBJECT_DROP,
    SQL_SUBJECT_IS,
    SQL_TOTAL_DROP,
    SQL_LATE_DROP,
    SQL_OUTBOX_OLD,
    SQL_POINTER_DROP,
    SQL_SUBJECT_NEXT,
    SQL_SUBJECT_NAME,
    SQL_TOTAL_OF_DROP,
    SQL_OUTBOX_NEXT,
    SQL_OUTBOX_PUT,
    SQL_AUDIT_PUT,
    SQL_BOOK_PUT,
    SQL_GONE_ADD,
    SQL_GONE_IS,
    SQL_GONE_EACH,
    SQL_N
};

struct db;

/* The text of a statement. */
const char *schema_sql(enum sql which);
/* The tables whose rows have checksums, all but the journal, each with the statement that reads it whole. One that can grow
 * large has two more: its rows of numbers above ?1 and up to ?1 + SCHEMA_PART_ROWS, and its highest number (else SQL_N). */
#define SCHEMA_PART_ROWS 64
/* Numbers of subjects that SQL_SUBJECT_OLD looks at, and rows that SQL_TOTAL_CLEAR, SQL_TOTAL_DROP … SQL_OUTBOX_OLD take at a time. */
#define SCHEMA_OLD_ROWS 500
struct schema_table {
    const char *name;
    enum sql each, part, top;
};
const struct schema_table *schema_tables(size_t *n);
/* Is the file empty, or ours and not from the future? Changes nothing. -1 with e otherwise. */
int schema_check(struct db *db, struct err *e);
/* Is it of this kefud's version, so that every table must be there? -1 with e. */
int schema_is_newest(struct db *db, bool *newest, struct err *e);
/* Brings it to the newest version, each step in its own transaction. -1 with e. */
int schema_migrate(struct db *db, struct err *e);
/* SQLite's quick check of the small tables that a start reads whole (the journal's rows are checked as they are read). */
int schema_quick_check(struct db *db, struct err *e);

#endif
