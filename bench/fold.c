/* P2: the fold alone. fold EVENTS.ndjson
 *
 * Decodes all lines into memory first; then times site_fold and site_advance over them on this one thread, each event at its
 * own time, and nothing else. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

int main(int argc, char **argv)
{
    if (argc != 2)
        bench_die("usage: fold EVENTS.ndjson");
    struct bench_site b;
    bench_site_init(&b);
    struct str text = bench_read_file(argv[1]);
    struct batch *batch = batch_new(STR_LIT("bench"), NULL, NULL);
    int64_t decode_ns = -bench_cpu_ns();
    decode_lines(batch, text, &b.decode);
    decode_ns += bench_cpu_ns();
    free((void *)(uintptr_t)text.p);
    int64_t wall_ns = -bench_wall_ns(), cpu_ns = -bench_cpu_ns();
    bench_site_fold(&b, batch->events, batch->events_n);
    wall_ns += bench_wall_ns();
    cpu_ns += bench_cpu_ns();
    struct site_counts counts;
    site_counts(b.site, &counts);
    printf("{\"events\":%zu,\"accepted\":%" PRIu64 ",\"ns\":%" PRId64 ",\"cpu_ns\":%" PRId64
           ",\"decode_cpu_ns\":%" PRId64 "}\n",
           batch->events_n, counts.events_n, wall_ns, cpu_ns, decode_ns);
    batch_free(batch);
    bench_site_fini(&b);
    return 0;
}
