/* Backup and restore by SQLite's backup interface, through a file of another name.
 *
 * Keeps true: a file under its final name is whole, checked and synced; a database in use is never written over; its write-ahead
 * log never stays beside another database (it would be played into it). Refuses to put back what has damage. */
#include "kefu/store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kefu/base/mem.h"
#include "kefu/store/attempt.h"
#include "kefu/store/lock.h"

#define PATH_MAX_BYTES  4096
#define PAGES_A_STEP    2048
#define KEPT_NUMBER_MAX 1000

static int join(char path[PATH_MAX_BYTES], const char *a, const char *b, struct err *e)
{
    return (size_t)snprintf(path, PATH_MAX_BYTES, "%s%s", a, b) < PATH_MAX_BYTES - 8
               ? 0
               : err_set(e, a, "the path is too long");
}

static int sync_path(const char *path, int flags, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    int bad = fd < 0 || fsync(fd) ? err_set(e, path, "cannot sync it: %s", strerror(errno)) : 0;
    if (fd >= 0)
        close(fd);
    return bad;
}

static int sync_folder_of(const char *path, struct err *e)
{
    char *copy = xstrndup(path, strlen(path));
    int bad = sync_path(dirname(copy), O_DIRECTORY, e);
    free(copy);
    return bad;
}

static int copy_pages(struct db *from, struct db *to, const struct reader_watch *w, struct err *e)
{
    sqlite3_backup *b = sqlite3_backup_init(to->sql, "main", from->sql, "main");
    int rc = b ? SQLITE_OK : SQLITE_ERROR;
    while (rc == SQLITE_OK) {
        rc = sqlite3_backup_step(b, PAGES_A_STEP);
        int all = sqlite3_backup_pagecount(b);
        if (w->progress)
            w->progress(w->arg, "copy", (uint64_t)(all - sqlite3_backup_remaining(b)), (uint64_t)all);
    }
    sqlite3_backup_finish(b);
    if (rc == SQLITE_DONE)
        return 0;
    return err_set(e, to->path, "copying: %s (SQLite %d)%s", sqlite3_errstr(rc), rc,
                   (rc & 0xff) == SQLITE_FULL ? "; make room on the disk" : "");
}

/* Copies into a new file, which needs no log beside it. In one read transaction, so that the copy is of one moment and does
 * not begin anew with each commit. */
static int copy(struct db *from, const char *path, const struct reader_watch *w, struct err *e)
{
    struct db to = {0};
    char *mode = NULL;
    int64_t tables_n;
    if (unlink(path) && errno != ENOENT)
        return err_set(e, path, "is in the way: %s", strerror(errno));
    if (db_exec(from, "BEGIN") != SQLITE_OK)
        return db_err(from, e, "reading");
    int bad = db_ask_int(from, "SELECT count(*) FROM sqlite_schema", &tables_n, e) || db_open(&to, path, NULL, e);
    if (!bad) {
        bad = copy_pages(from, &to, w, e) || db_ask_text(&to, "PRAGMA journal_mode = DELETE", &mode, e);
    }
    db_close(&to); /* one that could not be opened holds memory too */
    free(mode);
    (void)db_exec(from, "COMMIT"); /* it has only read */
    return bad ? -1 : sync_path(path, 0, e);
}

/* ---- checking ---- */

struct first_damage {
    const struct reader_watch *outer;
    struct err *e;
    bool found;
};

static void keep_first(void *arg, const struct err *e)
{
    struct first_damage *f = arg;
    if (!f->found)
        *f->e = *e;
    f->found = true;
}

static void pass_on(void *arg, const char *what, uint64_t done_n, uint64_t all_n)
{
    const struct reader_watch *w = ((struct first_damage *)arg)->outer;
    if (w->progress)
        w->progress(w->arg, what, done_n, all_n);
}

/* -1 with the first damage in e. */
static int check(struct reader *r, const struct reader_watch *w, struct err *e)
{
    struct reader_found found = {0};
    struct first_damage first = {.outer = w, .e = e};
    reader_check(r, &(struct reader_watch){keep_first, pass_on, &first}, &found);
    return first.found ? -1 : 0;
}

static int check_file(const char *path, const struct reader_watch *w, struct err *e)
{
    struct reader r;
    if (reader_open(&r, path, e))
        return -1;
    int bad = check(&r, w, e);
    reader_close(&r);
    return bad;
}

int backup_make(struct reader *r, const char *file, const struct reader_watch *w, struct err *e)
{
    char part[PATH_MAX_BYTES];
    if (join(part, file, ".part", e))
        return -1;
    int bad = copy(&r->db, part, w, e) || check_file(part, w, e);
    if (!bad && rename(part, file))
        bad = err_set(e, file, "cannot put the backup there: %s", strerror(errno));
    if (bad) {
        (void)unlink(part);
        return -1;
    }
    return sync_folder_of(file, e);
}

/* ---- putting back ---- */

/* Takes the database out of the way, before its log: without a database a start refuses, without its log it would not. */
static int set_old_aside(const char *path, char kept[PATH_MAX_BYTES], struct err *e)
{
    char log[PATH_MAX_BYTES], kept_log[PATH_MAX_BYTES + 8];
    kept[0] = '\0';
    int number = 1;
    do {
        snprintf(kept, PATH_MAX_BYTES, "%.4000s.before-restore-%d", path, number);
    } while (access(kept, F_OK) == 0 && ++number < KEPT_NUMBER_MAX);
    if (rename(path, kept)) {
        kept[0] = '\0';
        if (errno != ENOENT)
            return err_set(e, path, "cannot be moved aside: %s", strerror(errno));
    }
    snprintf(log, sizeof log, "%.4000s-wal", path);
    snprintf(kept_log, sizeof kept_log, "%s-wal", kept[0] ? kept : path);
    if (rename(log, kept_log) && errno != ENOENT)
        return err_set(e, log, "cannot be moved aside: %s", strerror(errno));
    snprintf(log, sizeof log, "%.4000s-shm", path);
    if (unlink(log) && errno != ENOENT)
        return err_set(e, log, "cannot be removed: %s", strerror(errno));
    return 0;
}

static int swap(const char *part, const char *path, char kept[PATH_MAX_BYTES], struct err *e)
{
    if (set_old_aside(path, kept, e))
        return -1;
    /* What is out of the way must be so on the disk before the new one is there. */
    if (sync_folder_of(path, e))
        return -1;
    if (rename(part, path))
        return err_set(e, path, "cannot put the backup there: %s", strerror(errno));
    return sync_folder_of(path, e);
}

int backup_restore(const char *dir, const char *file, const struct reader_watch *w, char kept[4096], struct err *e)
{
    char path[PATH_MAX_BYTES], part[PATH_MAX_BYTES];
    struct lock lock;
    struct reader r;
    kept[0] = '\0';
    if (join(path, dir, "/kefu.db", e) || join(part, path, ".part", e) || reader_open(&r, file, e))
        return -1;
    int bad = check(&r, w, e);
    if (!bad && lock_take(&lock, dir, e) == 0) {
        bad = copy(&r.db, part, w, e) || swap(part, path, kept, e) || lock_mark_made(&lock, dir, e) ||
              attempt_forget(dir, e);
        lock_release(&lock);
    } else {
        bad = -1;
    }
    reader_close(&r);
    return bad ? -1 : 0;
}
