/* P5: from an event to new figures. latency INGEST_SOCKET REDIS_SOCKET AGENTS PROBES GAP_MS
 *
 * A probe is a cross-sale of one agent, stamped now and written to the ingest socket; it has arrived when the value of the
 * agent's cross_sell KPI in Redis, asked over and over by a second connection, has moved. Agents take turns, so that with 300
 * of them each is left alone by the probes for seconds; GAP_MS (and up to as much again) passes between two probes. Nothing
 * else of the load may contain orders. */
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "support.h"
#include "kefu/base/mem.h"

#define LOST_NS  INT64_C(10000000000)
#define POLL_US  100
#define NS_OF_MS INT64_C(1000000)

struct prober {
    int ingest;
    redisContext *redis;
    uint32_t random;
};

static void rest_us(int64_t us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

/* The figure a probe moves, as text; "" where there is none yet. */
static void read_figure(struct prober *p, int64_t agent, char out[32])
{
    redisReply *r = redisCommand(p->redis, "HGET {kefu}:agent:a%015" PRId64 " kpi:cross_sell:value", agent);
    if (!r || r->type == REDIS_REPLY_ERROR)
        bench_die("redis: %s", r ? r->str : p->redis->errstr);
    snprintf(out, 32, "%s", r->type == REDIS_REPLY_STRING ? r->str : "");
    freeReplyObject(r);
}

static void send_probe(struct prober *p, int64_t agent, int64_t i)
{
    char line[400];
    int n = snprintf(line, sizeof line,
                     "{\"id\":\"p%015" PRId64 "\",\"source\":\"probe\",\"ts\":%" PRId64
                     ",\"type\":\"order\",\"order\":\"probe%011" PRId64 "\",\"agent\":\"a%015" PRId64
                     "\",\"kind\":\"cross\",\"amount_fen\":990,\"state\":\"paid\"}\n",
                     i, bench_time_ms(), i, agent);
    if (write(p->ingest, line, (size_t)n) != n)
        bench_die("the ingest socket took no probe");
}

static void drop_answers(struct prober *p)
{
    char bytes[4096];
    while (read(p->ingest, bytes, sizeof bytes) > 0)
        continue;
}

static int64_t probe_ns(struct prober *p, int64_t agent, int64_t i)
{
    char before[32], now[32];
    read_figure(p, agent, before);
    int64_t ns = -bench_wall_ns();
    send_probe(p, agent, i);
    for (;;) {
        read_figure(p, agent, now);
        int64_t spent_ns = ns + bench_wall_ns();
        if (strcmp(now, before) != 0)
            return spent_ns;
        if (spent_ns > LOST_NS)
            bench_die("probe %" PRId64 " did not reach Redis within 10 s", i);
        rest_us(POLL_US);
    }
}

/* Between 1 and 2 times gap_ms, so that probes do not fall in step with timers. */
static void pause_between(struct prober *p, int64_t gap_ms)
{
    p->random = p->random * 1664525U + 1013904223U;
    rest_us(gap_ms * 1000 + (int64_t)(p->random >> 12) % (gap_ms * 1000));
}

int main(int argc, char **argv)
{
    if (argc != 6)
        bench_die("usage: latency INGEST_SOCKET REDIS_SOCKET AGENTS PROBES GAP_MS");
    int64_t agents_n = bench_number(argv[3], 1), probes_n = bench_number(argv[4], 1), gap_ms = bench_number(argv[5], 1);
    struct prober p = {bench_connect_unix(argv[1]), redisConnectUnix(argv[2]), 1};
    if (!p.redis || p.redis->err)
        bench_die("%s: no Redis", argv[2]);
    fcntl(p.ingest, F_SETFL, O_NONBLOCK);
    int64_t *ns = xcalloc((size_t)probes_n, sizeof *ns), first = bench_time_ms();
    for (int64_t i = 0; i < probes_n; i++) {
        pause_between(&p, gap_ms);
        ns[i] = probe_ns(&p, i % agents_n, first + i);
        drop_answers(&p);
    }
    bench_sort(ns, (size_t)probes_n);
    printf("{\"probes\":%" PRId64 ",\"p50_ns\":%" PRId64 ",\"p99_ns\":%" PRId64 "}\n", probes_n,
           bench_rank(ns, (size_t)probes_n, 50), bench_rank(ns, (size_t)probes_n, 99));
    free(ns);
    redisFree(p.redis);
    close(p.ingest);
    return 0;
}
