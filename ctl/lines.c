/* Blocks of whole lines. Refuses what is compressed, with the command that mends it, and lines too long for an event. */
#include "kefu/ctl/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *lines_title(const char *name)
{
    return strcmp(name, "-") == 0 ? "standard input" : name;
}

int lines_open(struct lines *l, const char *name, struct err *e)
{
    *l = (struct lines){.name = name, .fd = STDIN_FILENO, .next_line = 1, .size_bytes = -1};
    if (strcmp(name, "-") == 0)
        return 0;
    l->fd = open(name, O_RDONLY | O_CLOEXEC);
    if (l->fd < 0)
        return err_set(e, name, "%s", strerror(errno));
    struct stat st;
    if (fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode))
        l->size_bytes = st.st_size;
    return 0;
}

void lines_close(struct lines *l)
{
    if (l->fd > STDERR_FILENO)
        close(l->fd);
    l->fd = -1;
    buf_fini(&l->held);
}

static int refuse_compressed(const struct lines *l, struct err *e)
{
    if (l->held.n < 2 || memcmp(l->held.p, "\x1f\x8b", 2) != 0)
        return 0;
    return err_set(e, lines_title(l->name), "found gzip, expected lines of JSON; use: zcat FILE | kefuctl … -");
}

/* Reads once more into held. */
static int fill(struct lines *l, struct err *e)
{
    buf_reserve(&l->held, LINES_BLOCK_BYTES);
    ssize_t n;
    do {
        n = read(l->fd, l->held.p + l->held.n, LINES_BLOCK_BYTES);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_set(e, lines_title(l->name), "%s", strerror(errno));
    bool first = l->read_bytes == 0;
    l->held.n += (size_t)n;
    l->read_bytes += n;
    if (n == 0) {
        l->ended = true;
        if (l->held.n > 0 && l->held.p[l->held.n - 1] != '\n')
            buf_put_byte(&l->held, '\n');
    }
    return first ? refuse_compressed(l, e) : 0;
}

static uint64_t count_lines(struct str s)
{
    uint64_t n = 0;
    const char *end = s.p + s.n;
    for (const char *p = s.p; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
        n++;
    return n;
}

static void drop_used(struct lines *l)
{
    l->held.n -= l->used_n;
    if (l->held.n > 0)
        memmove(l->held.p, l->held.p + l->used_n, l->held.n);
    l->used_n = 0;
}

/* The end of the last whole line in held, past its line feed; 0: there is none. */
static size_t whole_lines(const struct lines *l)
{
    const char *last = l->held.n > 0 ? memrchr(l->held.p, '\n', l->held.n) : NULL;
    return last ? (size_t)(last - l->held.p) + 1 : 0;
}

int lines_next(struct lines *l, struct str *block, struct err *e)
{
    drop_used(l);
    if (l->held.n > LINES_LINE_MAX)
        return err_set(e, lines_title(l->name),
                       "line %" PRIu64 " is longer than 1 MiB; is this NDJSON, one event a line?", l->next_line);
    if (l->ended)
        return 0;
    if (fill(l, e) != 0)
        return -1;
    l->used_n = whole_lines(l);
    if (l->ended && l->used_n == 0)
        return 0;
    *block = (struct str){l->held.p, l->used_n};
    l->line = l->next_line;
    l->next_line += count_lines(*block);
    return 1;
}
