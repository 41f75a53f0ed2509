/* P1's sender, and the load of P5b: lines over the unix socket. send SOCKET EVENTS.ndjson [PER_SECOND]
 *
 * Everything is read into memory first; then written on one connection as fast as it is taken, or PER_SECOND lines a second,
 * while acknowledgements are read. Ends when the last acknowledgement has come and the peer has closed; fails if a line was
 * not acknowledged. begun_ns and acked_ns are CLOCK_MONOTONIC: first byte offered, last acknowledgement read. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

#define WRITE_BYTES   ((size_t)1 << 17)
#define PACE_MS       5 /* a paced sender sends so often */
#define NS_PER_SECOND INT64_C(1000000000)

struct sender {
    int fd;
    struct str left;    /* not yet written */
    int64_t per_second; /* 0: as fast as it is taken */
    int64_t begun_ns, acked_ns;
    int64_t lines_n, written_n, acked_n, accepted_n;
    bool eof;
    struct buf answers; /* the end of what came: part of a line */
};

static int64_t count_lines(struct str s)
{
    int64_t n = 0;
    for (const char *p = s.p; (p = memchr(p, '\n', (size_t)(s.p + s.n - p))) != NULL; p++)
        n++;
    return n;
}

/* The whole number after NAME in a line of our own daemon's JSON. */
static int64_t number_in(const char *line, const char *name)
{
    const char *p = strstr(line, name);
    if (!p)
        bench_die("no %s in the acknowledgement: %.200s", name, line);
    return strtoll(p + strlen(name), NULL, 10);
}

static void take_answers(struct sender *s)
{
    char *line = s->answers.p;
    for (char *end; (end = memchr(line, '\n', (size_t)(s->answers.p + s->answers.n - line))) != NULL; line = end + 1) {
        *end = '\0';
        s->acked_n = number_in(line, "\"ack\": ");
        s->accepted_n += number_in(line, "\"accepted\": ");
        if (s->acked_n == s->lines_n && !s->acked_ns)
            s->acked_ns = bench_wall_ns();
    }
    size_t rest_n = (size_t)(s->answers.p + s->answers.n - line);
    memmove(s->answers.p, line, rest_n);
    s->answers.n = rest_n;
}

static void read_some(struct sender *s)
{
    char bytes[1 << 16];
    ssize_t n = read(s->fd, bytes, sizeof bytes);
    if (n < 0 && errno != EAGAIN)
        bench_die("read: %s", strerror(errno));
    s->eof = n == 0;
    if (n > 0) {
        buf_put(&s->answers, bytes, (size_t)n);
        take_answers(s);
    }
}

/* How many bytes may be offered now. */
static size_t allowed(const struct sender *s)
{
    size_t n = s->left.n < WRITE_BYTES ? s->left.n : WRITE_BYTES;
    if (!s->per_second)
        return n;
    int64_t due_n = (bench_wall_ns() - s->begun_ns) * s->per_second / NS_PER_SECOND - s->written_n;
    const char *p = s->left.p, *end = p + n;
    while (due_n-- > 0 && p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        p = line_end ? line_end + 1 : end;
    }
    return (size_t)(p - s->left.p);
}

static void write_some(struct sender *s)
{
    size_t most_n = allowed(s);
    ssize_t n = most_n ? write(s->fd, s->left.p, most_n) : 0;
    if (n < 0 && errno != EAGAIN)
        bench_die("write: %s", strerror(errno));
    if (n <= 0)
        return;
    if (s->per_second)
        s->written_n += count_lines((struct str){s->left.p, (size_t)n});
    s->left = (struct str){s->left.p + n, s->left.n - (size_t)n};
    if (!s->left.n)
        shutdown(s->fd, SHUT_WR);
}

static void run(struct sender *s)
{
    s->begun_ns = bench_wall_ns();
    while (!s->eof) {
        bool writes = s->left.n > 0 && !s->per_second;
        struct pollfd p = {s->fd, (short)(POLLIN | (writes ? POLLOUT : 0)), 0};
        poll(&p, 1, s->left.n && s->per_second ? PACE_MS : -1);
        if (p.revents & (POLLIN | POLLHUP | POLLERR))
            read_some(s);
        if (s->left.n && ((p.revents & POLLOUT) || s->per_second))
            write_some(s);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4)
        bench_die("usage: send SOCKET EVENTS.ndjson [PER_SECOND]");
    struct str text = bench_read_file(argv[2]);
    struct sender s = {.left = text, .lines_n = count_lines(text)};
    s.per_second = argc == 4 ? bench_number(argv[3], 1) : 0;
    s.fd = bench_connect_unix(argv[1]);
    fcntl(s.fd, F_SETFL, O_NONBLOCK);
    run(&s);
    if (s.acked_n != s.lines_n)
        bench_die("%" PRId64 " of %" PRId64 " lines were acknowledged", s.acked_n, s.lines_n);
    printf("{\"lines\":%" PRId64 ",\"accepted\":%" PRId64 ",\"begun_ns\":%" PRId64 ",\"acked_ns\":%" PRId64 "}\n",
           s.lines_n, s.accepted_n, s.begun_ns, s.acked_ns);
    close(s.fd);
    buf_fini(&s.answers);
    free((void *)(uintptr_t)text.p);
    return 0;
}
