/* A month in the life of kefud, played in a second: the real way of an event (decode, pipeline, writer, SQLite, fold, rules,
 * outbox, lane) between invented senders, an invented Redis, an invented disk and an invented clock.
 *
 * Everything follows from one seed: the same seed, the same month, to the last operation of the disk. A life is one run of
 * the process. It ends by a stop, a kill or a power cut at any operation of the disk and at any word that leaves it; the
 * next life simply opens what it finds. Senders send again whatever they were not answered. */
#ifndef KEFU_TESTS_SIM_SIM_H
#define KEFU_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/daemon/pipeline.h"
#include "kefu/publish/lane.h"
#include "kefu/store/shelf.h"
#include "../unit/support_random.h"
#include "../unit/support_vfs.h"
#include "fake_redis.h"
#include "script.h"

#define SENDERS_N          4
#define SIM_QUARANTINE_MAX 600
#define SIM_QUIET_MS       INT64_C(200000000) /* some days: of a month there are such conversations, and others */

enum sim_fault {
    SIM_KILL = 1 << 0,
    SIM_POWER = 1 << 1,
    SIM_RESTART = 1 << 2,
    SIM_FULL = 1 << 3,        /* the disk, for some minutes */
    SIM_CLOCK = 1 << 4,       /* two hours on or back */
    SIM_REDIS_AWAY = 1 << 5,  /* for some hours */
    SIM_REDIS_LOSE = 1 << 6,  /* the connection, and answers with it */
    SIM_REDIS_FLUSH = 1 << 7, /* FLUSHALL */
    SIM_REPEAT = 1 << 8,      /* a sender begins again from the start */
    SIM_LOOK = 1 << 9,        /* no fault: the figures are compared with a clean fold's */
    SIM_ALL = (1 << 10) - 1
};

struct sim_options {
    uint64_t seed;
    int faults;             /* enum sim_fault */
    int64_t every_ms;       /* mean time between two of them; 0: none by itself */
    uint32_t late_percent;  /* of the lines that come minutes to days late, or early */
    uint64_t cut_at;        /* the first life ends at this step; 0: not */
    uint64_t cut_at_answer; /* … at this answer to a batch, just before it leaves; 0: not */
    bool kill;              /* those two are kills; else power cuts */
    uint64_t lose_at;       /* the connection to Redis is lost at this command, or before its answer; 0: not */
    bool alerts;            /* alert rules are on, and a channel hears of all; else nobody looks */
    uint64_t full_at;       /* the disk is full from this step of the first life on, for a minute; 0: not */
    /* Changes the options of the next life, for instance what is kept in memory; `dice` is random. NULL: nothing. */
    void (*tune)(struct pipeline_options *o, uint64_t dice);
};

enum delivery_state { DELIVERY_WAITING = 0, DELIVERY_OUT, DELIVERY_DONE };

struct delivery {
    int64_t due_ms;
    uint32_t line;
    enum delivery_state state;
};

struct sender {
    struct delivery *list; /* owned; by due_ms */
    size_t n, cap;
    size_t first;     /* those before are done */
    int64_t pause_ms; /* it sends nothing before */
};

/* What was last shown of an agent. */
struct sim_shown {
    struct str agent;
    int32_t month;
    struct figures figures;
};

struct sim {
    struct sim_options o;
    struct script script;
    uint64_t random;
    int64_t true_ms;     /* the time it really is */
    int64_t skew_ms;     /* by which the daemon's wall clock is wrong */
    int64_t fault_at_ms; /* the next fault */
    int64_t full_until_ms, away_until_ms;
    struct sender senders[SENDERS_N];
    struct fake_redis redis;
    uint64_t epochs_n;
    uint64_t *heard; /* owned; numbers of alerts and messages that left, in order, some twice */
    size_t heard_n, heard_cap;
    struct channels channels;
    bool shelved, trims_journal; /* this world has a shelf (checkpoints); its journal is not kept for ever */
    struct sim_shown *shown;     /* owned */
    size_t shown_n, shown_cap;
    /* this life */
    char base[256];
    unsigned dir; /* base/dir holds the store */
    struct fault_plan *plan;
    struct store *store; /* NULL: it is down */
    struct shelf shelf;
    struct shelf_reader *shelf_reader;
    struct site *site;
    struct pipeline *pipeline;
    struct lane *lane;
    bool lane_live;
    uint64_t lane_epoch; /* what this life wrote to meta; 0: nothing */
    bool dead;
    int64_t up_again_ms;
    int64_t tick_ms;       /* when Redis is looked at next */
    int64_t turn_again_ms; /* as pipeline_turn said */
    uint64_t seq;          /* of the last snapshot of this life */
    bool all_told;         /* every line has had its answer once: none may be new */
    /* what happened, for the report */
    uint64_t redis_steps_n;                       /* commands and answers */
    uint64_t answers_n, accepted_n, duplicates_n; /* batches answered; lines told so, as the senders heard it */
    uint64_t lives_n, cuts_n, kills_n, stops_n, fulls_n, refused_n, unheard_n, jumps_n, losses_n, flushes_n, looks_n;
    size_t effects_n; /* tier changes decided */
};

/* The script must be made; the lines of the script are given to senders, some to several. */
void sim_init(struct sim *s, const struct sim_options *o);
void sim_fini(struct sim *s);

/* Lives until every sender has its answers, Redis has every effect and nothing waits for its time; then mends everything
 * that is broken. Fails the test if that does not come to an end. */
void sim_run(struct sim *s);
/* One instant: what is due now is done; then time goes on to what comes next. */
void sim_step(struct sim *s);
void sim_until(struct sim *s, int64_t true_ms);
/* Until nothing is under way and nothing waits. */
void sim_settle(struct sim *s);
bool sim_is_quiet(struct sim *s);

/* Life (life.c). */
void life_begin(struct sim *s); /* on what is in base/dir; stays down for a while if the disk has no room */
void life_turn(struct sim *s);  /* all that is to be done now */
int64_t life_wait_ms(struct sim *s);
void life_stop(struct sim *s); /* as SIGTERM does */
void life_bury(struct sim *s); /* after its death: what it did since counts for nothing */
/* Is the disk full now? */
void life_watch_disk(struct sim *s);
/* Sets a cut `steps` operations ahead. */
void life_doom(struct sim *s, uint64_t steps, bool kill);

/* Senders (senders.c). */
void senders_make(struct sim *s, int64_t from_ms);
void senders_add(struct sim *s, size_t sender, size_t line, int64_t due_ms);
void senders_send(struct sim *s);
int64_t senders_next_ms(const struct sim *s);
bool senders_are_done(const struct sim *s);
/* A sender sends all again from the start. */
void sender_repeat(struct sim *s, size_t sender);

/* Verdicts (verdict.c): fail the test, naming the seed. */
void verdict_look(struct sim *s);  /* the figures now, against a clean fold of the journal */
void verdict_final(struct sim *s); /* after sim_run */
/* Instead, with alerts on (alerts.c): what was decided left at least once, and firing and over take turns. How many were raised. */
size_t verdict_alerts(struct sim *s);
void alerts_channel(struct channels *c);
char *verdict_report(struct sim *s); /* of days and months, as kefuctl prints it; malloc'ed */

uint32_t sim_below(struct sim *s, uint32_t n);
static inline bool sim_maybe(struct sim *s, uint32_t percent)
{
    return sim_below(s, 100) < percent;
}

#endif
