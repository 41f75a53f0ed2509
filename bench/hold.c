/* How long a step of a checkpoint holds the loop, and its commits the writer: hold EVENTS.ndjson FOLDER
 *
 * Folds all lines into a site as the daemon has it, then makes one whole checkpoint into a store in FOLDER, a turn at a time,
 * while the lines come once more behind it (each another event, at the same times), so that what is about to be written
 * changes. Of each turn the time by the clock is taken and the thread's own CPU time, which neighbours on the machine stretch
 * less. A commit's time is from its push until it is back, with what syncing takes in FOLDER: so long others wait behind it.
 * A line for each kind of step, and one for all. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/checkpoint.h"
#include "kefu/store/shelf.h"
#include "support.h"

#define AGAIN_A_TURN 200 /* events folded between two turns: a rush of 200,000 a second at a turn a millisecond */
#define LONG_NS      5000000
#define KINDS_MAX    16

struct list {
    int64_t *ns; /* owned */
    size_t n, cap;
};

struct kind {
    const char *name;
    struct list cpu, wall, commit;
};

struct held {
    struct bench_site b;
    struct batch *batch;
    size_t next; /* event to come again */
    struct checkpoint *c;
    struct writer *w;
    struct clock clock;
    struct kind kinds[KINDS_MAX]; /* the first: all */
    size_t kinds_n;
    struct list fold; /* of the events between two turns: what they freeze because they change it */
    int64_t pushed_ns;
    struct kind *pushed_by; /* NULL: nothing is under way */
};

static void add(struct list *l, int64_t ns)
{
    xgrow(&l->ns, &l->cap, l->n + 1, sizeof *l->ns);
    l->ns[l->n++] = ns;
}

static struct kind *kind_of(struct held *h, const char *name)
{
    size_t i = 0;
    while (i < h->kinds_n && strcmp(h->kinds[i].name, name) != 0)
        i++;
    if (i == KINDS_MAX)
        bench_die("more kinds of steps than there are");
    h->kinds_n += i == h->kinds_n;
    h->kinds[i].name = name;
    return &h->kinds[i];
}

static void nothing(void *arg)
{
    *(bool *)arg = true;
}

static void take_back(struct held *h)
{
    struct pollfd p = {.fd = writer_fd(h->w), .events = POLLIN};
    poll(&p, 1, h->pushed_by ? 10000 : 0);
    for (struct commit *c; (c = writer_take(h->w));) {
        c->back(c);
        add(&h->kinds[0].commit, bench_wall_ns() - h->pushed_ns);
        add(&h->pushed_by->commit, bench_wall_ns() - h->pushed_ns);
        h->pushed_by = NULL;
    }
}

/* Folds some events anew, under other ids. */
static void fold_again(struct held *h)
{
    char id[160];
    int64_t ns = -bench_cpu_ns();
    for (int k = 0; k < AGAIN_A_TURN && h->next < h->batch->events_n; k++) {
        struct event e = h->batch->events[h->next++];
        int n = snprintf(id, sizeof id, "again-%.*s", STR_ARG(e.id));
        e.id = (struct str){id, (size_t)n};
        site_fold(h->b.site, &e, e.ts);
    }
    site_advance(h->b.site, site_as_of(h->b.site), SIZE_MAX);
    add(&h->fold, ns + bench_cpu_ns());
}

static void turn(struct held *h)
{
    struct checkpoint_status s;
    checkpoint_status(h->c, &s);
    bool was_idle = checkpoint_is_idle(h->c);
    int64_t cpu_ns = -bench_cpu_ns(), wall_ns = -bench_wall_ns();
    checkpoint_turn(h->c, &(struct checkpoint_now){bench_time_ms(), bench_wall_ns() / 1000000, h->w, &h->clock});
    cpu_ns += bench_cpu_ns();
    wall_ns += bench_wall_ns();
    if (!was_idle)
        return; /* it waited for the writer */
    struct kind *kind = kind_of(h, s.busy ? s.doing : "cut");
    add(&h->kinds[0].cpu, cpu_ns);
    add(&h->kinds[0].wall, wall_ns);
    add(&kind->cpu, cpu_ns);
    add(&kind->wall, wall_ns);
    if (checkpoint_is_idle(h->c))
        return;
    h->pushed_ns = bench_wall_ns();
    h->pushed_by = kind;
}

static void print_list(const char *name, struct list *l)
{
    size_t long_n = 0;
    if (!l->n)
        return;
    bench_sort(l->ns, l->n);
    for (size_t i = 0; i < l->n; i++)
        long_n += l->ns[i] > LONG_NS;
    printf(",\"%s\":{\"n\":%zu,\"p50_ns\":%" PRId64 ",\"p99_ns\":%" PRId64 ",\"max_ns\":%" PRId64 ",\"over_5ms\":%zu}",
           name, l->n, bench_rank(l->ns, l->n, 50), bench_rank(l->ns, l->n, 99), l->ns[l->n - 1], long_n);
}

static void print(struct held *h)
{
    struct site_counts counts;
    site_counts(h->b.site, &counts);
    for (size_t i = h->kinds_n; i-- > 0;) {
        struct kind *k = &h->kinds[i];
        printf("{\"events\":%" PRIu64 ",\"agents\":%u,\"step\":\"%s\"", counts.events_n, site_agents_n(h->b.site),
               k->name);
        print_list("cpu", &k->cpu);
        print_list("wall", &k->wall);
        print_list("commit", &k->commit);
        if (i == 0)
            print_list("fold", &h->fold);
        printf("}\n");
        free(k->cpu.ns);
        free(k->wall.ns);
        free(k->commit.ns);
    }
    free(h->fold.ns);
}

int main(int argc, char **argv)
{
    struct err e;
    struct shelf shelf;
    struct held h = {.clock = clock_real(), .kinds_n = 1, .kinds[0].name = "all"};
    if (argc != 3)
        bench_die("usage: hold EVENTS.ndjson FOLDER");
    digest_start();
    mem_settle(); /* as the daemon does when its start is over */
    struct store *store = store_open(argv[2], &e);
    if (!store || shelf_seed(store, &shelf.seed, &e))
        bench_die("%s: %s", e.where, e.what);
    shelf.arg = shelf_reader_open(store, &e);
    shelf.ask = shelf_reader_ask;
    bench_site_init(&h.b);
    site_free(h.b.site);
    h.b.site =
        site_new(&(struct site_options){.tz = h.b.tz, .rulebooks = &h.b.rulebooks, .shelf = &shelf, .rolling = true});
    struct str text = bench_read_file(argv[1]);
    h.batch = batch_new(STR_LIT("bench"), NULL, NULL);
    decode_lines(h.batch, text, &h.b.decode);
    bench_site_fold(&h.b, h.batch->events, h.batch->events_n);
    struct sources *sources = sources_new(1, h.b.tz);
    struct checkpoint_options o = {.events_max = UINT64_MAX, .every_ms = INT64_MAX / 4, .rest_ms = 3600000};
    h.c = checkpoint_new(h.b.site, sources, &o);
    h.w = writer_start(store, &(struct writer_options){.queue_max = 64, .group_max = 4000});
    bool done = false;
    checkpoint_want(h.c, nothing, &done);
    while (!done) {
        turn(&h);
        take_back(&h);
        fold_again(&h);
    }
    print(&h);
    writer_finish(h.w);
    writer_free(h.w);
    checkpoint_free(h.c);
    sources_free(sources);
    batch_free(h.batch);
    free((void *)(uintptr_t)text.p);
    site_free(h.b.site);
    h.b.site = NULL;
    bench_site_fini(&h.b);
    shelf_reader_free(shelf.arg);
    store_close(store);
    return 0;
}
