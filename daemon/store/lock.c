/* DIR/lock: flock, and one line "pid=N made=0|1".
 *
 * The line is of fixed width and written in one go, so it is never seen half done by a reader. A line that cannot be read
 * counts as made=1: then a missing database is asked about rather than made anew. */
#include "kefu/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kefu/base/mem.h"

/* A new directory is only there after a power cut if the one above it was synced. */
static int sync_parent(const char *dir, struct err *e)
{
    char *copy = xstrndup(dir, strlen(dir));
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int bad = fd < 0 || fsync(fd) ? err_set(e, dir, "cannot sync the directory above: %s", strerror(errno)) : 0;
    if (fd >= 0)
        close(fd);
    free(copy);
    return bad;
}

static int make_dir(const char *dir, struct err *e)
{
    if (mkdir(dir, 0700) == 0)
        return sync_parent(dir, e);
    if (errno != EEXIST)
        return err_set(e, dir, "cannot make the state directory: %s", strerror(errno));
    return 0;
}

/* What the line says; an empty file is a new one. */
static void read_line(int fd, long *pid, bool *made)
{
    char line[64] = "";
    ssize_t n = pread(fd, line, sizeof line - 1, 0);
    *pid = strncmp(line, "pid=", 4) == 0 ? strtol(line + 4, NULL, 10) : 0;
    *made = n != 0 && !strstr(line, " made=0");
}

static int write_line(const struct lock *l, const char *dir, struct err *e)
{
    char line[64];
    int n = snprintf(line, sizeof line, "pid=%-10ld made=%d\n", (long)getpid(), l->made ? 1 : 0);
    if (pwrite(l->fd, line, (size_t)n, 0) != n || fdatasync(l->fd))
        return err_set(e, dir, "cannot write the lock file: %s", strerror(errno));
    return 0;
}

int lock_take(struct lock *l, const char *dir, struct err *e)
{
    char path[4096];
    long pid = 0;
    l->fd = -1;
    if ((size_t)snprintf(path, sizeof path, "%s/lock", dir) >= sizeof path)
        return err_set(e, dir, "the path is too long");
    if (make_dir(dir, e))
        return -1;
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (l->fd < 0)
        return err_set(e, path, "cannot open: %s", strerror(errno));
    int taken = flock(l->fd, LOCK_EX | LOCK_NB);
    int why = errno;
    read_line(l->fd, &pid, &l->made);
    int bad = 0;
    if (taken && why == EWOULDBLOCK)
        bad = err_set(e, path, "this store is open in another kefud (process %ld); end it first", pid);
    else if (taken)
        bad = err_set(e, path, "cannot lock: %s", strerror(why));
    else
        bad = write_line(l, path, e);
    if (bad)
        lock_release(l);
    return bad;
}

int lock_mark_made(struct lock *l, const char *dir, struct err *e)
{
    if (l->made)
        return 0;
    l->made = true;
    return write_line(l, dir, e);
}

void lock_release(struct lock *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
