/* P10: what an event costs as a site grows. grow AGENTS EVENTS SIZE…
 *
 * A simulated team of AGENTS fills a site. When it holds SIZE conversations (rising sizes), the next EVENTS events are
 * timed: CPU time of site_fold and site_advance alone, so that others on the machine weigh little. */
#include <inttypes.h>
#include <stdio.h>

#include "support.h"
#include "kefu/ctl/simulation.h"

#define PER_DAY     20000                  /* conversations, whatever the team's size */
#define START_MS    INT64_C(1772294400000) /* 2026-03-01 00:00 in Shanghai */
#define CHUNK_BYTES ((size_t)1 << 18)

struct growth {
    struct bench_site b;
    struct simulation *team;
    int64_t spent_ns; /* in folds since the window opened */
    uint64_t folded_n;
};

/* The next few hundred events. */
static void fold_chunk(struct growth *g)
{
    struct buf lines = {0};
    struct batch *batch = batch_new(STR_LIT("bench"), NULL, NULL);
    while (lines.n < CHUNK_BYTES)
        simulation_step(g->team, &lines);
    decode_lines(batch, buf_str(&lines), &g->b.decode);
    int64_t ns = -bench_cpu_ns();
    bench_site_fold(&g->b, batch->events, batch->events_n);
    g->spent_ns += ns + bench_cpu_ns();
    g->folded_n += batch->events_n;
    batch_free(batch);
    buf_fini(&lines);
}

static uint64_t conversations(const struct growth *g)
{
    struct site_counts c;
    site_counts(g->b.site, &c);
    return c.conversations_n;
}

static void measure(struct growth *g, uint64_t size, uint64_t events_n)
{
    while (conversations(g) < size)
        fold_chunk(g);
    g->spent_ns = 0;
    g->folded_n = 0;
    do
        fold_chunk(g);
    while (g->folded_n < events_n);
    printf("{\"conversations\":%" PRIu64 ",\"agents\":%" PRIu32 ",\"ps_per_event\":%" PRId64 "}", size,
           site_agents_n(g->b.site), (int64_t)(g->spent_ns * 1000 / (int64_t)g->folded_n));
}

int main(int argc, char **argv)
{
    if (argc < 4)
        bench_die("usage: grow AGENTS EVENTS SIZE...");
    struct growth g = {0};
    bench_site_init(&g.b);
    g.team = simulation_new(&(struct simulation_options){.seed = 1,
                                                         .start_ms = START_MS,
                                                         .end_ms = INT64_MAX,
                                                         .per_day = PER_DAY,
                                                         .agents_n = (uint32_t)bench_number(argv[1], 1),
                                                         .short_ids = true});
    uint64_t events_n = (uint64_t)bench_number(argv[2], 1);
    printf("[");
    for (int i = 3; i < argc; i++) {
        printf("%s", i > 3 ? "," : "");
        measure(&g, (uint64_t)bench_number(argv[i], 1), events_n);
    }
    printf("]\n");
    simulation_free(g.team);
    bench_site_fini(&g.b);
    return 0;
}
