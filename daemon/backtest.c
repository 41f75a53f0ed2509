/* The way of a start, up to the totals. Keeps true: nothing is written but what a start writes into its own copy. */
#include "kefu/daemon/backtest.h"

#include <stdlib.h>

#include "kefu/base/digest.h"
#include "kefu/daemon/months.h"
#include "kefu/daemon/sources.h"

#define STEPS 100000

static void fold(void *arg, uint64_t seq, const struct event *e)
{
    (void)seq;
    (void)site_fold(arg, e, e->ts);
}

int backtest_open(struct backtest *b, const char *dir, const struct rulebooks *rulebooks, const struct tz *tz,
                  struct err *e)
{
    static const struct checkpoint_options never = {.events_max = UINT64_MAX, .every_ms = INT64_MAX / 2};
    uint64_t next_seq;
    *b = (struct backtest){.rulebooks = rulebooks, .tz = tz};
    b->store = store_open(dir, e);
    if (!b->store || shelf_seed(b->store, &b->shelf.seed, e) || !(b->reader = shelf_reader_open(b->store, e)))
        return -1;
    b->shelf.ask = shelf_reader_ask;
    b->shelf.arg = b->reader;
    b->site =
        site_new(&(struct site_options){.tz = tz, .rulebooks = rulebooks, .shelf = &b->shelf, .seed = b->shelf.seed});
    b->sources = sources_new(b->shelf.seed, tz);
    b->checkpoint = checkpoint_new(b->site, b->sources, &never);
    struct store_replay replay = {.each = fold, .arg = b->site};
    return checkpoint_load(b->checkpoint, b->store, &next_seq, e) || store_replay(b->store, next_seq, &replay, e) ? -1
                                                                                                                  : 0;
}

void backtest_run(struct backtest *b, int64_t now_ms)
{
    while (site_advance(b->site, now_ms, STEPS) <= now_ms)
        ;
}

void backtest_close(struct backtest *b)
{
    if (b->checkpoint)
        checkpoint_free(b->checkpoint);
    if (b->sources)
        sources_free(b->sources);
    site_free(b->site);
    shelf_reader_free(b->reader);
    store_close(b->store);
    *b = (struct backtest){0};
}

static const struct book_row *find_before(void *arg, struct str agent)
{
    const struct month_draft *d = arg;
    return d ? months_find(d->rows, d->rows_n, agent) : NULL;
}

void backtest_month(const struct backtest *b, int32_t month, const struct month_draft *before, struct month_draft *out)
{
    month_draft_make(out, &(struct month_request){.site = b->site,
                                                  .rulebooks = b->rulebooks,
                                                  .tz = b->tz,
                                                  .month = month,
                                                  .before = find_before,
                                                  .arg = (void *)(uintptr_t)before});
}
