/* A small world for tests of the pipeline: a real store in a folder of its own, a real site, a clock that only the test moves,
 * and a notebook of what goes out. Waiting is waiting for the writer's descriptor, never for time. */
#ifndef KEFU_TESTS_SUPPORT_WORLD_H
#define KEFU_TESTS_SUPPORT_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/tz.h"
#include "kefu/daemon/pipeline.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/shelf.h"
#include "kefu/state/site.h"
#include "kefu/store/shelf.h"
#include "kefu/store/store.h"

#define T0     INT64_C(1770000000000) /* 2026-02-02 in Shanghai */
#define MINUTE INT64_C(60000)

struct seen {
    char agent[32];
    char tier[64];
    bool provisional;
    int32_t month;
    int64_t answered;
    int64_t as_of;
    uint64_t seq;
};

struct world {
    char dir[64];
    int64_t now_ms;
    int64_t look_us; /* so much work time passes at each look at the clock; 0: none */
    int64_t worked_us;
    struct tz *tz;
    struct rulebook *seed;
    struct rulebooks rulebooks;
    struct store *store;
    struct site *site;
    struct pipeline *p;
    struct seen seen[4096];
    size_t seen_n;
    uint64_t effects[256];
    char effect_text[256][1024];
    size_t effects_n;
    size_t quarantine_max;
    size_t done_n; /* batches given back */
    bool alerts;   /* alert rules are looked after; set before world_open */
    const struct channels *channels;
    struct alerts_own own; /* what the house says of itself */
    const char *vfs;       /* of the store; NULL: SQLite's own */
    int64_t quiet_ms;      /* as of site_options; set before world_open */
    bool shelved;          /* there are checkpoints, and what rests leaves memory; set before world_open */
    size_t events_max;     /* under way at a time */
    struct checkpoint_options checkpoint; /* hardly ever by themselves, unless said otherwise before world_open */
    void (*made)(void *arg); /* the pipeline is made and not started: who has to do with the replay begins here */
    void (*replaying)(void *arg, uint64_t seq); /* pipeline_options.replaying */
    void *made_arg;                             /* of both */
    struct shelf shelf;
    struct shelf_reader *shelf_reader;
};

/* For cmocka: a world that is started, at T0; and its end. */
int world_setup(void **state);
int world_teardown(void **state);
void world_open(struct world *w);
void world_close(struct world *w);
/* Ends it and starts it on the same store; the notebook is empty then. */
void world_again(struct world *w);
/* Turns until nothing is left to do now. Time moves a little, so that looks put off come due. */
void world_run(struct world *w);
/* The same, for at most so long on the test's clock. */
void world_run_for(struct world *w, int64_t ms);

/* A batch whose `done` counts in the world, and events for it (of conversation c1; agent messages are amy's). */
struct batch *world_batch(struct world *w);
struct event *world_add(struct batch *b, enum event_type type, const char *id, int64_t ts);
struct event *world_message(struct batch *b, const char *id, int64_t ts, enum event_how from);
void world_submit(struct world *w, struct batch *b);
void world_done(struct batch *b);
void world_done_and_free(struct batch *b);

/* A question and its answer 10 s later, through the pipeline; and how many answers amy has this month. */
void world_ask_and_answer(struct world *w);
int64_t world_answered(struct world *w);
struct seen *world_last_seen(struct world *w);

#endif
