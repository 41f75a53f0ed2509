/* Builds the world, turns it, writes down what goes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kefu/base/digest.h"
#include "kefu/base/mem.h"
#include "kefu/rules/seed.h"
#include "kefu/store/shelf.h"
#include "support_world.h"

static int64_t world_now(void *arg)
{
    return ((struct world *)arg)->now_ms;
}

static int64_t world_worked(void *arg)
{
    struct world *w = arg;
    w->worked_us += w->look_us;
    return w->worked_us;
}

static void copy(char *to, size_t to_n, struct str s)
{
    snprintf(to, to_n, "%.*s", STR_ARG(s));
}

static void out_agent(void *arg, const struct agent_view *v)
{
    struct world *w = arg;
    assert_in_range(w->seen_n, 0, 4095);
    struct seen *s = &w->seen[w->seen_n++];
    copy(s->agent, sizeof(s->agent), v->agent);
    copy(s->tier, sizeof(s->tier), v->live_tier);
    s->provisional = v->provisional;
    s->month = v->month;
    s->answered = v->month_to_date.answered;
    s->as_of = v->as_of;
    s->seq = v->seq;
}

static void out_effect(void *arg, const struct effect *f)
{
    struct world *w = arg;
    struct buf text = {0};
    assert_in_range(w->effects_n, 0, 255);
    for (size_t i = 0; i < f->pairs_n; i += 2) {
        buf_printf(&text, "%.*s=%.*s ", STR_ARG(f->pairs[i]), STR_ARG(f->pairs[i + 1]));
    }
    copy(w->effect_text[w->effects_n], sizeof(w->effect_text[0]), buf_str(&text));
    w->effects[w->effects_n++] = f->number;
    buf_fini(&text);
}

static void tell_own(void *arg, struct alerts_own *own)
{
    *own = ((struct world *)arg)->own;
}

static void open_shelf(struct world *w)
{
    struct err e;
    assert_int_equal(shelf_seed(w->store, &w->shelf.seed, &e), 0);
    w->shelf_reader = shelf_reader_open(w->store, &e);
    assert_non_null(w->shelf_reader);
    w->shelf.ask = shelf_reader_ask;
    w->shelf.arg = w->shelf_reader;
}

void world_open(struct world *w)
{
    static const uint8_t key[DIGEST_KEY_BYTES];
    struct err e;
    w->store = store_open_vfs(w->dir, w->vfs, &e);
    assert_non_null(w->store);
    if (w->shelved) {
        open_shelf(w);
    }
    w->site = site_new(&(struct site_options){.tz = w->tz,
                                              .rulebooks = &w->rulebooks,
                                              .seed = 7,
                                              .rolling = w->alerts,
                                              .quiet_ms = w->quiet_ms,
                                              .shelf = w->shelved ? &w->shelf : NULL});
    w->p = pipeline_new(&(struct pipeline_options){.site = w->site,
                                                   .store = w->store,
                                                   .tz = w->tz,
                                                   .rulebooks = &w->rulebooks,
                                                   .customer_key = key,
                                                   .clock = {world_now, world_now, w, world_worked},
                                                   .out = {out_agent, out_effect, w},
                                                   .writer = {.queue_max = 64, .group_max = 1000},
                                                   .events_max = w->events_max,
                                                   .checkpoint = w->checkpoint,
                                                   .quarantine_max = w->quarantine_max,
                                                   .alerts = w->alerts,
                                                   .replaying = w->replaying,
                                                   .replaying_arg = w->made_arg,
                                                   .channels = w->channels,
                                                   .own = tell_own,
                                                   .own_arg = w});
    if (w->made) {
        w->made(w->made_arg);
    }
    assert_int_equal(pipeline_start(w->p, &e), 0);
}

void world_close(struct world *w)
{
    pipeline_free(w->p);
    site_free(w->site);
    shelf_reader_free(w->shelf_reader);
    w->shelf_reader = NULL;
    store_close(w->store);
}

int world_setup(void **state)
{
    struct err e;
    struct world *w = xcalloc(1, sizeof(*w));
    const char *tmp = getenv("TMPDIR");
    snprintf(w->dir, sizeof w->dir, "%s/kefu-pipeline-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(w->dir));
    digest_start();
    w->now_ms = T0;
    w->quarantine_max = 10;
    w->events_max = 100;
    w->checkpoint = (struct checkpoint_options){.events_max = 1000000, .every_ms = 3600000, .rest_ms = MINUTE};
    w->tz = tz_load(STR_LIT("Asia/Shanghai"), &e);
    w->seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &e);
    assert_non_null(w->tz);
    assert_non_null(w->seed);
    w->rulebooks = (struct rulebooks){{w->seed}, 1};
    world_open(w);
    *state = w;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

int world_teardown(void **state)
{
    struct world *w = *state;
    world_close(w);
    rulebook_free(w->seed);
    tz_free(w->tz);
    nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

void world_again(struct world *w)
{
    world_close(w);
    w->seen_n = w->effects_n = 0;
    world_open(w);
}

/* Turns until nothing is left to do now. Time moves a little, so that looks put off come due. */
/* One turn; false: nothing is left to do now. */
static bool turn(struct world *w)
{
    int64_t wait_ms = pipeline_turn(w->p);
    if (pipeline_is_idle(w->p)) {
        return false;
    }
    struct pollfd fd = {.fd = pipeline_fd(w->p), .events = POLLIN};
    poll(&fd, 1, wait_ms == 0 ? 0 : 5);
    w->now_ms += 5;
    return true;
}

void world_run(struct world *w)
{
    while (turn(w)) {
    }
}

void world_run_for(struct world *w, int64_t ms)
{
    int64_t until_ms = w->now_ms + ms;
    while (w->now_ms < until_ms && turn(w)) {
    }
}

void world_done(struct batch *b)
{
    ((struct world *)b->owner)->done_n++;
}

void world_done_and_free(struct batch *b)
{
    world_done(b);
    batch_free(b);
}

struct batch *world_batch(struct world *w)
{
    return batch_new(STR_LIT("test"), world_done, w);
}

struct event *world_add(struct batch *b, enum event_type type, const char *id, int64_t ts)
{
    struct event *e = batch_add_event(b);
    *e = (struct event){.type = type,
                        .source = STR_LIT("default"),
                        .id = arena_copy(&b->arena, str_of(id)),
                        .subject = STR_LIT("c1"),
                        .ts = ts};
    b->inputs_n++;
    return e;
}

struct event *world_message(struct batch *b, const char *id, int64_t ts, enum event_how from)
{
    struct event *e = world_add(b, EVENT_MESSAGE, id, ts);
    e->how = from;
    if (from == FROM_AGENT) {
        e->strs[EVENT_AGENT] = STR_LIT("amy");
    }
    return e;
}

void world_submit(struct world *w, struct batch *b)
{
    struct ingest *in = pipeline_ingest(w->p);
    assert_int_equal(in->submit(in, b), 0);
}

/* A question and its answer 10 s later, through the pipeline. */
void world_ask_and_answer(struct world *w)
{
    struct batch *b = world_batch(w);
    world_message(b, "m1", T0 - MINUTE, FROM_CUSTOMER);
    world_message(b, "m2", T0 - MINUTE + 10000, FROM_AGENT);
    world_submit(w, b);
    world_run(w);
    assert_int_equal(b->result, BATCH_STORED);
    batch_free(b);
}

int64_t world_answered(struct world *w)
{
    uint32_t agent = site_agent_find(w->site, STR_LIT("amy"));
    const struct figures *f = agent ? site_figures(w->site, agent, PERIOD_MONTH, pipeline_month(w->p)) : NULL;
    return f ? f->answered : 0;
}

struct seen *world_last_seen(struct world *w)
{
    assert_true(w->seen_n > 0);
    return &w->seen[w->seen_n - 1];
}
