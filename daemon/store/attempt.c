/* STATE/replaying: "at=N crash_seq=N crash_n=N", of fixed width.
 *
 * Keeps true: only a process that vanished while it folded is counted, and only against the sequence it vanished at. */
#include "kefu/store/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/log.h"

#define LINE "at=%020" PRIu64 " crash_seq=%020" PRIu64 " crash_n=%u\n"

static int path_of(char *path, size_t n, const char *dir)
{
    return (size_t)snprintf(path, n, "%s/replaying", dir) < n ? 0 : -1;
}

/* The number behind `name`, 0 if there is none; goes on behind it. */
static uint64_t take(const char **line, const char *name)
{
    const char *at = strstr(*line, name);
    char *end;
    if (!at)
        return 0;
    uint64_t n = strtoull(at + strlen(name), &end, 10);
    *line = end;
    return n;
}

/* What the start before has left; zeros if it came to an end of its own. */
static uint64_t read_line(struct attempt *a)
{
    char line[128] = "";
    const char *rest = line;
    if (pread(a->fd, line, sizeof line - 1, 0) <= 0)
        return 0;
    uint64_t at = take(&rest, "at=");
    a->crash_seq = take(&rest, " crash_seq=");
    a->crash_n = (unsigned)take(&rest, " crash_n=");
    return at;
}

void attempt_at(struct attempt *a, uint64_t seq)
{
    char line[128];
    if (a->fd < 0)
        return;
    int n = snprintf(line, sizeof line, LINE, seq, a->crash_seq, a->crash_n);
    if (pwrite(a->fd, line, (size_t)n, 0) == n)
        return;
    log_line(LOG_LEVEL_WARN, "attempt_unnoted", "detail=\"%s\"", strerror(errno));
    attempt_end(a);
}

int attempt_begin(struct attempt *a, const char *dir, struct err *e)
{
    char path[4096];
    *a = (struct attempt){.fd = -1};
    if (path_of(path, sizeof path, dir) == 0)
        a->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (a->fd < 0)
        return 0;
    uint64_t at = read_line(a);
    if (at && at == a->crash_seq)
        a->crash_n++;
    else if (at)
        *a = (struct attempt){.fd = a->fd, .crash_seq = at, .crash_n = 1};
    attempt_at(a, 0);
    if (a->crash_n < ATTEMPTS_MAX)
        return 0;
    return err_set(e, dir,
                   "%u starts in a row ended while they folded the journal's row %" PRIu64
                   ". To go on without its events: kefuctl journal set-aside %" PRIu64
                   "; to try once more: remove %.100s/replaying",
                   a->crash_n, a->crash_seq, a->crash_seq, dir);
}

void attempt_end(struct attempt *a)
{
    if (a->fd >= 0)
        close(a->fd);
    a->fd = -1;
}

void attempt_over(struct attempt *a, bool through)
{
    if (through)
        *a = (struct attempt){.fd = a->fd};
    attempt_at(a, 0);
    attempt_end(a);
}

bool attempt_blames(const char *dir, uint64_t seq)
{
    char path[4096];
    struct attempt a = {.fd = -1};
    if (path_of(path, sizeof path, dir) == 0)
        a.fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t at = a.fd >= 0 ? read_line(&a) : 0;
    bool blames = (a.crash_seq == seq && a.crash_n + (at == seq) >= ATTEMPTS_MAX);
    attempt_end(&a);
    return blames;
}

int attempt_forget(const char *dir, struct err *e)
{
    char path[4096];
    if (path_of(path, sizeof path, dir) || (unlink(path) && errno != ENOENT))
        return err_set(e, dir, "cannot remove the file \"replaying\" in it: %s", strerror(errno));
    return 0;
}
