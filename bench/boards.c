/* P9: many that listen. boards http PORT LIST SECONDS | boards redis SOCKET LIST SECONDS | boards publish SOCKET LIST SECONDS
 *
 * http: opens the streams of LIST (lines "PATH TOKEN") and takes, of each event, how long after its as_of it was read. redis:
 * subscribes to the channels of LIST (lines "CHANNEL BYTES", one connection each) and takes the same of messages that begin with
 * the microseconds at which they were sent. publish: sends each channel of LIST its bytes twice a second. The first second, in
 * which all is opened, is left out. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "support.h"
#include "kefu/base/buf.h"
#include "kefu/base/mem.h"

#define NS_OF_S    INT64_C(1000000000)
#define ROOM_BYTES (1 << 20)
#define BOARDS_MAX 8192
#define ROUNDS_A_S 2

struct line {
    char name[256], word[256];
};

struct board {
    int fd;
    char tail[48]; /* of what was read last: a stamp may be cut */
    size_t tail_n;
};

struct run {
    struct line *lines;
    struct board *boards;
    size_t n;
    const char *mark; /* what stands before a stamp */
    int64_t unit_ns;  /* of a stamp, since 1970 */
    int64_t *late_ns; /* owned */
    size_t late_n, late_cap;
    int64_t bytes_n, warm_ns;
};

static void read_list(struct run *r, const char *path)
{
    char line[600];
    FILE *f = fopen(path, "r");
    if (!f)
        bench_die("%s: cannot be read", path);
    r->lines = xcalloc(BOARDS_MAX, sizeof *r->lines);
    r->boards = xcalloc(BOARDS_MAX, sizeof *r->boards);
    while (r->n < BOARDS_MAX && fgets(line, sizeof line, f))
        if (sscanf(line, "%255s %255s", r->lines[r->n].name, r->lines[r->n].word) == 2)
            r->n++;
    fclose(f);
    if (!r->n)
        bench_die("%s: holds no boards", path);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * NS_OF_S + t.tv_nsec;
}

static void say(int fd, struct str text)
{
    if (write(fd, text.p, text.n) != (ssize_t)text.n)
        bench_die("a connection takes nothing");
}

static void open_http(struct run *r, const char *port)
{
    struct buf b = {0};
    for (size_t i = 0; i < r->n; i++) {
        b.n = 0;
        r->boards[i].fd = bench_connect_port(port);
        buf_printf(&b, "GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n", r->lines[i].name,
                   r->lines[i].word);
        say(r->boards[i].fd, buf_str(&b));
    }
    buf_fini(&b);
}

static void open_redis(struct run *r, const char *socket)
{
    struct buf b = {0};
    for (size_t i = 0; i < r->n; i++) {
        b.n = 0;
        r->boards[i].fd = bench_connect_unix(socket);
        buf_printf(&b, "SUBSCRIBE %s\r\n", r->lines[i].name);
        say(r->boards[i].fd, buf_str(&b));
    }
    buf_fini(&b);
}

static void take_stamp(struct run *r, const char *at)
{
    int64_t now = now_ns();
    char *end;
    int64_t stamp = strtoll(at, &end, 10);
    if (now < r->warm_ns || strncmp(end, ",\"hours", 7) == 0) /* the heat's, which is a minute old by right */
        return;
    xgrow(&r->late_ns, &r->late_cap, r->late_n + 1, sizeof *r->late_ns);
    r->late_ns[r->late_n++] = now - stamp * r->unit_ns;
}

/* Every stamp in what was read; the last bytes wait for what is still to come of them. */
static void look(struct run *r, struct board *b, char *bytes, size_t n)
{
    size_t mark_n = strlen(r->mark), done = 0;
    bytes[n] = 0;
    for (char *p = bytes; (p = memmem(p, n - (size_t)(p - bytes), r->mark, mark_n)) != NULL; p += mark_n) {
        if ((size_t)(p - bytes) + mark_n + 28 > n)
            break;
        take_stamp(r, p + mark_n);
        done = (size_t)(p - bytes) + mark_n;
    }
    b->tail_n = n - done < sizeof b->tail - 1 ? n - done : sizeof b->tail - 1;
    memcpy(b->tail, bytes + n - b->tail_n, b->tail_n);
}

static void read_board(struct run *r, struct board *b, char *room)
{
    memcpy(room, b->tail, b->tail_n);
    ssize_t n = read(b->fd, room + b->tail_n, ROOM_BYTES);
    if (n <= 0)
        bench_die("a board was closed");
    r->bytes_n += now_ns() < r->warm_ns ? 0 : n;
    look(r, b, room, b->tail_n + (size_t)n);
}

static void listen_for(struct run *r, int64_t seconds)
{
    struct epoll_event events[512];
    char *room = xmalloc(ROOM_BYTES + sizeof r->boards->tail + 1);
    int poll = epoll_create1(0);
    for (size_t i = 0; i < r->n; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &r->boards[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, r->boards[i].fd, &e);
    }
    r->warm_ns = now_ns() + NS_OF_S;
    for (int64_t end = now_ns() + (seconds + 1) * NS_OF_S; now_ns() < end;) {
        int n = epoll_wait(poll, events, 512, 50);
        for (int i = 0; i < n; i++)
            read_board(r, events[i].data.ptr, room);
    }
    close(poll);
    free(room);
}

static void print(struct run *r, int64_t seconds)
{
    if (!r->late_n)
        bench_die("nothing was pushed");
    bench_sort(r->late_ns, r->late_n);
    printf("{\"boards\":%zu,\"pushes\":%zu,\"bytes\":%" PRId64 ",\"seconds\":%" PRId64 ",\"p50_ns\":%" PRId64
           ",\"p99_ns\":%" PRId64 "}\n",
           r->n, r->late_n, r->bytes_n, seconds, bench_rank(r->late_ns, r->late_n, 50),
           bench_rank(r->late_ns, r->late_n, 99));
}

/* One after the other through half a second, so that sending is spread as the daemon's is. */
static void publish(struct run *r, const char *socket, int64_t seconds)
{
    struct buf b = {0};
    char drop[65536];
    int fd = bench_connect_unix(socket);
    int64_t begun = now_ns();
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (int64_t sent = 0; now_ns() < begun + seconds * NS_OF_S; sent++) {
        const struct line *l = &r->lines[(size_t)sent % r->n];
        size_t n = (size_t)bench_number(l->word, 32);
        int64_t due = begun + sent * NS_OF_S / (int64_t)(ROUNDS_A_S * r->n);
        while (now_ns() < due)
            usleep(100);
        b.n = 0;
        buf_printf(&b, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(l->name), l->name, n);
        buf_printf(&b, "#at=%-*" PRId64 "\r\n", (int)n - 4, now_ns() / 1000);
        for (size_t at = 0; at < b.n;) {
            ssize_t w = write(fd, b.p + at, b.n - at);
            at += w > 0 ? (size_t)w : 0;
            while (read(fd, drop, sizeof drop) > 0)
                continue;
        }
    }
    buf_fini(&b);
}

int main(int argc, char **argv)
{
    struct run r = {.mark = "\"as_of_ms\":", .unit_ns = 1000000};
    if (argc != 5)
        bench_die("usage: boards http PORT LIST SECONDS | redis SOCKET LIST SECONDS | publish SOCKET LIST SECONDS");
    int64_t seconds = bench_number(argv[4], 1);
    read_list(&r, argv[3]);
    if (strcmp(argv[1], "publish") == 0) {
        publish(&r, argv[2], seconds);
        return 0;
    }
    if (strcmp(argv[1], "http") == 0) {
        open_http(&r, argv[2]);
    } else {
        r.mark = "#at=";
        r.unit_ns = 1000;
        open_redis(&r, argv[2]);
    }
    listen_for(&r, seconds);
    print(&r, seconds);
    return 0;
}
