/* See support.h. Nothing here is timed. */
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "kefu/base/digest.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/rules/seed.h"

#define ADVANCE_EVERY 1000 /* events; a daemon's turn under load is of this size */

void bench_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static int64_t read_clock(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t bench_wall_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t bench_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int64_t bench_time_ms(void)
{
    return read_clock(CLOCK_REALTIME) / 1000000;
}

int64_t bench_memory_bytes(void)
{
    long long all, resident;
    FILE *f = fopen("/proc/self/statm", "re");
    /* The kernel writes this file: its numbers are in range. NOLINTNEXTLINE(cert-err34-c) */
    if (!f || fscanf(f, "%lld %lld", &all, &resident) != 2)
        bench_die("/proc/self/statm: %s", strerror(errno));
    fclose(f);
    return resident * sysconf(_SC_PAGESIZE);
}

int64_t bench_number(const char *text, int64_t least)
{
    char *end;
    long long v = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || v < least)
        bench_die("found \"%s\", expected a whole number from %lld", text, (long long)least);
    return v;
}

struct str bench_read_file(const char *path)
{
    struct err e;
    char *text;
    size_t n;
    if (json_read_file(path, (size_t)1 << 36, &text, &n, &e) != 0)
        bench_die("%s: %s", e.where, e.what);
    return (struct str){text, n};
}

void bench_site_init(struct bench_site *b)
{
    static const uint8_t key[DIGEST_KEY_BYTES];
    struct err e;
    digest_start();
    b->seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &e);
    b->tz = b->seed ? tz_load(b->seed->timezone, &e) : NULL;
    if (!b->tz)
        bench_die("%s: %s", e.where, e.what);
    b->rulebooks = (struct rulebooks){.list = {b->seed}, .n = 1};
    b->site = site_new(&(struct site_options){.tz = b->tz, .rulebooks = &b->rulebooks, .seed = 1});
    b->decode = (struct decode_context){
        .now_ms = INT64_MAX, .rulebook = b->seed, .customer_key = key, .default_source = STR_LIT("default")};
}

void bench_site_fini(struct bench_site *b)
{
    site_free(b->site);
    tz_free(b->tz);
    rulebook_free(b->seed);
}

void bench_site_fold(struct bench_site *b, const struct event *events, size_t n)
{
    struct site_ahead ahead = {0};
    struct mem_ahead heap = {0};
    for (size_t i = 0; i < n; i++) {
        if (i % ADVANCE_EVERY == 0)
            mem_ahead(&heap); /* as a turn of the daemon's does */
        if (i + SITE_AHEAD < n)
            site_prefetch(b->site, &ahead, &events[i + SITE_AHEAD]);
        site_fold(b->site, &events[i], events[i].ts);
        if (i % ADVANCE_EVERY == ADVANCE_EVERY - 1 || i == n - 1)
            site_advance(b->site, events[i].ts, SIZE_MAX);
    }
}

static int connect_to(const void *address, socklen_t n, int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, address, n) != 0)
        bench_die("connect: %s", strerror(errno));
    return fd;
}

int bench_connect_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof a.sun_path)
        bench_die("%s: too long for a socket", path);
    memcpy(a.sun_path, path, strlen(path) + 1);
    return connect_to(&a, sizeof a, AF_UNIX);
}

int bench_connect_port(const char *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)bench_number(port, 1)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return connect_to(&a, sizeof a, AF_INET);
}

int64_t bench_rank(const int64_t *sorted, size_t n, size_t percent)
{
    size_t rank = (n * percent + 99) / 100;
    return sorted[rank > 0 ? rank - 1 : 0];
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void bench_sort(int64_t *list, size_t n)
{
    qsort(list, n, sizeof *list, by_size);
}
