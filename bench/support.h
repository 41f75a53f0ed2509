/* What the programs of bench/ have in common: clocks, a site as the daemon makes it, memory, an end with a reason.
 *
 * Each program prints one line of JSON with whole numbers (nanoseconds, bytes, counts) and ends with 0, or says on standard
 * error what is wrong and ends with 1. Ratios are bench/run's business. */
#ifndef KEFU_BENCH_SUPPORT_H
#define KEFU_BENCH_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/str.h"
#include "kefu/base/tz.h"
#include "kefu/collectors/decode.h"
#include "kefu/model/rulebook.h"
#include "kefu/state/site.h"

void bench_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

int64_t bench_wall_ns(void);      /* CLOCK_MONOTONIC: the same for all processes of a run */
int64_t bench_cpu_ns(void);       /* of this thread */
int64_t bench_time_ms(void);      /* since 1970 UTC */
int64_t bench_memory_bytes(void); /* resident set of this process */

/* A whole number of an argument, at least `least`. */
int64_t bench_number(const char *text, int64_t least);
/* A whole file in memory; the caller frees .p. */
struct str bench_read_file(const char *path);

/* A site under the seed rulebook, and how to decode for it. */
struct bench_site {
    struct rulebook *seed;
    struct rulebooks rulebooks;
    struct tz *tz;
    struct site *site;
    struct decode_context decode;
};
void bench_site_init(struct bench_site *b);
void bench_site_fini(struct bench_site *b);
/* Folds events at their own times, as_of moving with them as in a daemon that keeps up. */
void bench_site_fold(struct bench_site *b, const struct event *events, size_t n);

/* Connected stream sockets, blocking. */
int bench_connect_unix(const char *path);
int bench_connect_port(const char *port); /* on 127.0.0.1 */

/* Order statistic by nearest rank of a sorted list, n > 0; percent 1 … 100. */
int64_t bench_rank(const int64_t *sorted, size_t n, size_t percent);
void bench_sort(int64_t *list, size_t n);

#endif
