/* Opening the store, and the one way in which anything is written to it while kefud runs.
 *
 * It keeps true: what is answered COMMIT_DONE is on disk (WAL, synchronous=FULL: the commit has synced); a group of commits
 * is there whole or not at all; a COMMIT that failed is never guessed about, the process ends and the next start looks.
 * It refuses a store that is open elsewhere, that has lost its database, or that is damaged where a start reads it. */
#include "kefu/store/store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kefu/base/buf.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/store/db.h"
#include "kefu/store/journal.h"
#include "kefu/store/lock.h"
#include "kefu/store/rows.h"
#include "kefu/store/shelf.h"

#define EXIT_LOST 74 /* EX_IOERR */
/* The log is moved into the database at 4 MiB, between groups; a reader that sits on an old state is waited for at 64. */
#define LOG_TIDY_PAGES  1024
#define LOG_FORCE_PAGES 16384
#define LOG_WAIT_MS     50
#define SETTLE_TRIES    12 /* of DB_BUSY_MS each, at a start */

struct store {
    char *dir;
    const char *vfs; /* borrowed; NULL: SQLite's own */
    struct lock lock;
    struct db db;
    _Atomic uint64_t last_seq;
    struct store_marks marks;
    struct attempt attempt;
    struct journal journal;
    struct buf room;   /* for outbox rows, kept between groups */
    int log_pages;     /* in the write-ahead log after the last commit */
    int tidy_at_pages; /* when to try to empty it next */
};

/* Durability is in doubt, or the database does what it never should: no answer may be given. */
static _Noreturn void lost(struct store *s, const char *step, int rc)
{
    log_line(LOG_LEVEL_ERROR, "store_lost", "step=%s code=%d errno=%d detail=\"%s\" path=\"%s\"", step, rc,
             sqlite3_system_errno(s->db.sql), sqlite3_errmsg(s->db.sql), s->db.path);
    _exit(EXIT_LOST);
}

static int count_log_pages(void *arg, sqlite3 *sql, const char *name, int pages)
{
    (void)sql;
    (void)name;
    ((struct store *)arg)->log_pages = pages;
    return SQLITE_OK;
}

static int64_t size_of(const char *path, const char *suffix)
{
    char full[4096];
    struct stat st;
    if ((size_t)snprintf(full, sizeof full, "%s%s", path, suffix) >= sizeof full || stat(full, &st))
        return 0;
    return st.st_size;
}

/* SQLite would make a missing database anew and throw away the log beside it. */
static int check_there(const struct store *s, const char *path, struct err *e)
{
    if (size_of(path, "") > 0)
        return 0;
    if (s->lock.made || size_of(path, "-wal") > 0)
        return err_set(e, path,
                       "the database is gone, but this directory has held one; put the latest backup in its place, or "
                       "empty the directory to begin anew");
    return 0;
}

/* Moves the whole log into the database and syncs both: what an unlucky COMMIT left is settled from here on. Who reads for long
 * (a backup, a check of every page) is waited for: a start that gave up at once would be a shop without figures. */
static int settle_log(struct db *db, struct err *e)
{
    int rc = SQLITE_BUSY;
    for (int tries = 0; (rc & 0xff) == SQLITE_BUSY && tries < SETTLE_TRIES; tries++) {
        if (tries)
            log_line(LOG_LEVEL_WARN, "database_in_use", "path=\"%s\" mend=\"end what reads it\" waited_ms=%d", db->path,
                     tries * DB_BUSY_MS);
        rc = sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    return rc == SQLITE_OK ? 0 : db_err(db, e, "settling the write-ahead log");
}

static int read_ends(struct store *s, struct err *e)
{
    uint64_t first_seq = 0, last_seq = 0;
    if (journal_open(&s->journal, &s->db, e) || journal_ends(&s->journal, &first_seq, &last_seq, e) ||
        rows_marks(&s->db, &s->marks, e))
        return -1;
    atomic_store(&s->last_seq, last_seq);
    return 0;
}

static int open_in(struct store *s, const char *vfs, struct err *e)
{
    char path[4096];
    if (lock_take(&s->lock, s->dir, e))
        return -1;
    if ((size_t)snprintf(path, sizeof path, "%s/kefu.db", s->dir) >= sizeof path - 8)
        return err_set(e, s->dir, "the path is too long");
    if (check_there(s, path, e) || db_open(&s->db, path, vfs, e) || schema_check(&s->db, e) ||
        db_configure(&s->db, e) || schema_migrate(&s->db, e) || settle_log(&s->db, e) ||
        schema_quick_check(&s->db, e) || db_prepare(&s->db, true, e) || read_ends(s, e))
        return -1;
    sqlite3_wal_hook(s->db.sql, count_log_pages, s);
    s->tidy_at_pages = LOG_TIDY_PAGES;
    return lock_mark_made(&s->lock, s->dir, e);
}

struct store *store_open(const char *dir, struct err *e)
{
    return store_open_vfs(dir, NULL, e);
}

struct store *store_open_vfs(const char *dir, const char *vfs, struct err *e)
{
    struct store *s = xcalloc(1, sizeof *s);
    s->dir = xstrndup(dir, strlen(dir));
    s->lock.fd = -1;
    s->vfs = vfs;
    s->attempt.fd = -1;
    if (open_in(s, vfs, e) == 0)
        return s;
    store_close(s);
    return NULL;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    journal_fini(&s->journal);
    db_close(&s->db);
    attempt_end(&s->attempt);
    lock_release(&s->lock);
    buf_fini(&s->room);
    free(s->dir);
    free(s);
}

struct db *store_db(struct store *s)
{
    return &s->db;
}

const char *store_vfs(const struct store *s)
{
    return s->vfs;
}

uint64_t store_bytes(const struct store *s)
{
    return (uint64_t)size_of(s->db.path, "");
}

uint64_t store_last_seq(const struct store *s)
{
    return atomic_load(&s->last_seq);
}

int store_count_start(struct store *s, struct err *e)
{
    return attempt_begin(&s->attempt, s->dir, e);
}

int store_replay(struct store *s, uint64_t from_seq, const struct store_replay *r, struct err *e)
{
    s->journal.attempt = &s->attempt;
    int bad = journal_replay(&s->journal, from_seq, store_last_seq(s), r, e);
    s->journal.attempt = NULL;
    attempt_over(&s->attempt, !bad);
    return bad;
}

uint64_t store_aside_n(const struct store *s)
{
    uint64_t events_n = 0;
    for (size_t i = 0; i < s->journal.gaps_n; i++)
        events_n += s->journal.gaps[i].n;
    return events_n;
}

int store_set_aside(struct store *s, struct store_aside *a, struct err *e)
{
    struct store_replay nobody = {0};
    struct journal_gap gap;
    uint64_t next_seq = a->seq;
    bool sound = !journal_is_aside(&s->journal, a->seq) &&
                 journal_step(&s->journal, &next_seq, a->seq, &nobody, e) == 0 && next_seq > a->seq;
    if (sound && !a->force && !attempt_blames(s->dir, a->seq))
        return err_set(e, s->db.path,
                       "the row that holds %" PRIu64
                       " is sound, and the last starts did not end at it; to set it aside all "
                       "the same: --force",
                       a->seq);
    if (journal_set_aside(&s->journal, a->seq, a->at_ms, &gap, e) || attempt_forget(s->dir, e))
        return -1;
    a->seq = gap.seq;
    a->n = gap.n;
    return 0;
}

int store_each_memory(struct store *s, void (*each)(void *arg, const struct memory_row *row), void *arg, struct err *e)
{
    return rows_each_memory(&s->db, each, arg, e);
}

int store_each_quarantined(struct store *s, void (*each)(void *arg, const struct quarantined *q), void *arg,
                           struct err *e)
{
    return rows_each_quarantined(&s->db, each, arg, e);
}

int store_each_unsent(struct store *s, void (*each)(void *arg, const struct effect *f), void *arg, struct err *e)
{
    return rows_each_unsent(&s->db, each, arg, e);
}

int store_each_sent(struct store *s, uint64_t above, void (*each)(void *arg, const struct effect *f), void *arg,
                    struct err *e)
{
    return rows_each_sent(&s->db, above, each, arg, e);
}

int store_marks(struct store *s, struct store_marks *m, struct err *e)
{
    (void)e; /* read, and refused if damaged, by store_open */
    *m = s->marks;
    return 0;
}

int store_get(struct store *s, struct str key, struct str *value, struct err *e)
{
    return rows_get(&s->db, key, value, e);
}

int store_set(struct store *s, struct str key, struct str value, struct err *e)
{
    return rows_set(&s->db, key, value) == SQLITE_OK ? 0 : db_err(&s->db, e, "keeping a value");
}

/* Gives the commits their sequences, counting from the store's last; returns the new last. */
static uint64_t number(struct commit **commits, size_t n, uint64_t last_seq)
{
    for (size_t i = 0; i < n; i++) {
        commits[i]->first_seq = commits[i]->events_n ? last_seq + 1 : 0;
        last_seq += commits[i]->events_n;
    }
    return last_seq;
}

/* Everything between BEGIN and COMMIT. */
static int write_rows(struct store *s, struct commit **commits, size_t n, struct store_marks *marks)
{
    int rc = journal_add(&s->journal, commits, n, store_last_seq(s) + 1);
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
        rc = rows_add(&s->db, commits[i], marks, &s->room);
    return rc;
}

/* SQLITE_OK or SQLITE_FULL: then nothing of it is there. Does not come back with anything else. */
static int write_all(struct store *s, struct commit **commits, size_t n, struct store_marks *marks)
{
    const char *step = "begin";
    int rc = db_exec(&s->db, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK) {
        step = "write";
        rc = write_rows(s, commits, n, marks);
    }
    if (rc == SQLITE_OK) {
        step = "commit";
        rc = db_exec(&s->db, "COMMIT");
    }
    if (rc == SQLITE_OK)
        return SQLITE_OK;
    if (rc != SQLITE_FULL)
        lost(s, step, rc);
    /* No room: found while writing, before any sync, so the transaction is not there. SQLite may have rolled back itself. */
    if (!sqlite3_get_autocommit(s->db.sql) && (rc = db_exec(&s->db, "ROLLBACK")) != SQLITE_OK)
        lost(s, "rollback", rc);
    return SQLITE_FULL;
}

/* Moves the log into the database. A failed sync must not be tried again as if nothing were: the kernel may have dropped the
 * pages. BUSY: somebody reads an old state; that is waited for a moment only, since commits wait meanwhile. */
static void move_log(struct store *s, int mode)
{
    int in_log = 0, moved = 0;
    sqlite3_busy_timeout(s->db.sql, LOG_WAIT_MS);
    int rc = sqlite3_wal_checkpoint_v2(s->db.sql, NULL, mode, &in_log, &moved);
    sqlite3_busy_timeout(s->db.sql, DB_BUSY_MS);
    if (rc != SQLITE_OK && rc != SQLITE_FULL && (rc & 0xff) != SQLITE_BUSY)
        lost(s, "checkpoint", rc);
    bool emptied = rc == SQLITE_OK && in_log == moved;
    s->tidy_at_pages = emptied ? LOG_TIDY_PAGES : s->log_pages + LOG_TIDY_PAGES;
    s->log_pages = emptied ? 0 : s->log_pages;
}

static bool ends_tidying(const struct commit *c)
{
    return c->shelf && c->shelf->step == SHELF_TIDY && !c->shelf->more;
}

/* Each in a transaction of its own: one that has met damage can only be rolled back, and events must not go with it. */
static void trim_journal(struct store *s, struct commit **commits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct shelf_work *w = commits[i]->shelf;
        int rc = w && w->step == SHELF_TRIM ? shelf_trim(&s->db, w) : SQLITE_OK;
        if (rc != SQLITE_OK)
            lost(s, "trim", rc);
    }
}

void store_write(struct store *s, struct commit **commits, size_t n)
{
    if (!n)
        return;
    trim_journal(s, commits, n);
    struct store_marks marks = s->marks;
    uint64_t last_seq = number(commits, n, store_last_seq(s));
    int rc = write_all(s, commits, n, &marks);
    if (rc == SQLITE_OK) {
        atomic_store(&s->last_seq, last_seq);
        s->marks = marks;
    }
    for (size_t i = 0; i < n; i++) {
        commits[i]->result = rc == SQLITE_OK ? COMMIT_DONE : COMMIT_FULL;
        if (rc != SQLITE_OK)
            commits[i]->first_seq = 0;
        else if (ends_tidying(commits[i]))
            move_log(s, SQLITE_CHECKPOINT_TRUNCATE);
    }
}

void store_tidy(struct store *s)
{
    if (s->log_pages < s->tidy_at_pages)
        return;
    move_log(s, s->log_pages < LOG_FORCE_PAGES ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART);
}
