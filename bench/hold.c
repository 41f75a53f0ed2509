/* How long a step of a checkpoint holds the loop: hold EVENTS.ndjson FOLDER
 *
 * Folds all lines into a site as the daemon has it, then makes one whole checkpoint into a store in FOLDER, a turn at a time,
 * while the lines come once more behind it (each another event, at the same times), so that what is about to be written
 * changes. Of each turn the thread's own CPU time is taken, which neighbours on the machine stretch less than a clock. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/daemon/checkpoint.h"
#include "kefu/store/shelf.h"
#include "support.h"

#define AGAIN_A_TURN 200 /* events folded between two turns: a rush of 200,000 a second at a turn a millisecond */

struct held {
    int64_t *ns; /* owned; of each turn that did something */
    size_t n, cap;
};

static void nothing(void *arg)
{
    *(bool *)arg = true;
}

static void take_back(struct writer *w)
{
    struct pollfd p = {.fd = writer_fd(w), .events = POLLIN};
    poll(&p, 1, 1);
    for (struct commit *c; (c = writer_take(w));)
        c->back(c);
}

/* Folds some events anew, under other ids. */
static void fold_again(struct bench_site *b, const struct batch *batch, size_t *next)
{
    char id[160];
    for (int k = 0; k < AGAIN_A_TURN && *next < batch->events_n; k++) {
        struct event e = batch->events[(*next)++];
        int n = snprintf(id, sizeof id, "again-%.*s", STR_ARG(e.id));
        e.id = (struct str){id, (size_t)n};
        site_fold(b->site, &e, e.ts);
    }
    site_advance(b->site, site_as_of(b->site), SIZE_MAX);
}

int main(int argc, char **argv)
{
    struct err e;
    struct shelf shelf;
    if (argc != 3)
        bench_die("usage: hold EVENTS.ndjson FOLDER");
    digest_start();
    struct store *store = store_open(argv[2], &e);
    if (!store || shelf_seed(store, &shelf.seed, &e))
        bench_die("%s: %s", e.where, e.what);
    shelf.arg = shelf_reader_open(store, &e);
    shelf.ask = shelf_reader_ask;
    struct bench_site b;
    bench_site_init(&b);
    site_free(b.site);
    b.site = site_new(&(struct site_options){.tz = b.tz, .rulebooks = &b.rulebooks, .shelf = &shelf, .rolling = true});
    struct str text = bench_read_file(argv[1]);
    struct batch *batch = batch_new(STR_LIT("bench"), NULL, NULL);
    decode_lines(batch, text, &b.decode);
    bench_site_fold(&b, batch->events, batch->events_n);
    struct sources *sources = sources_new(1, b.tz);
    struct checkpoint_options o = {.events_max = UINT64_MAX, .every_ms = INT64_MAX / 4, .rest_ms = 3600000};
    struct checkpoint *c = checkpoint_new(b.site, sources, &o);
    struct writer *w = writer_start(store, &(struct writer_options){.queue_max = 64, .group_max = 4000});
    struct held h = {.cap = 1000000};
    h.ns = calloc(h.cap, sizeof *h.ns);
    bool done = false;
    size_t next = 0;
    checkpoint_want(c, nothing, &done);
    while (!done && h.n < h.cap) {
        int64_t ns = -bench_cpu_ns();
        checkpoint_turn(c, &(struct checkpoint_now){bench_time_ms(), bench_wall_ns() / 1000000, w});
        h.ns[h.n++] = ns + bench_cpu_ns();
        fold_again(&b, batch, &next);
        take_back(w);
    }
    bench_sort(h.ns, h.n);
    struct site_counts counts;
    site_counts(b.site, &counts);
    printf("{\"events\":%" PRIu64 ",\"agents\":%u,\"turns\":%zu,\"p50_ns\":%" PRId64 ",\"p99_ns\":%" PRId64
           ",\"max_ns\":%" PRId64 "}\n",
           counts.events_n, site_agents_n(b.site), h.n, bench_rank(h.ns, h.n, 50), bench_rank(h.ns, h.n, 99),
           h.ns[h.n - 1]);
    writer_finish(w);
    take_back(w);
    writer_free(w);
    checkpoint_free(c);
    sources_free(sources);
    batch_free(batch);
    free((void *)(uintptr_t)text.p);
    free(h.ns);
    site_free(b.site);
    b.site = NULL;
    bench_site_fini(&b);
    shelf_reader_free(shelf.arg);
    store_close(store);
    return 0;
}
