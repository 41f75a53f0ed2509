/* An episode: a stretch of a conversation up to its resolution, whose owner is credited (SPEC.md, "Episode", "Owner of an
 * ended episode", "Counted", "Idle").
 *
 * `struct running` is the open episode, with who took part; when it ends it becomes a `struct episode`, which holds only
 * what figures need. */
#ifndef KEFU_STATE_EPISODE_H
#define KEFU_STATE_EPISODE_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/model/event.h"
#include "kefu/state/calendar.h"
#include "kefu/state/fact.h"

#define NEVER INT64_MIN /* an instant that was not */

struct party { /* an agent's part in an open episode */
    uint32_t agent;
    bool was_explicit; /* explicit assignee at some moment of it, also carried in */
    bool served;       /* a message of this agent ended a wait in it */
    int64_t first_at;  /* first assignment or message in it */
};

struct rated { /* the rating that counts for an episode; day INT32_MIN: none */
    int32_t day;
    int32_t off_ms; /* when: day × RATED_DAY_MS and this much more (or less, as the zone has it) */
    int32_t milli;  /* milli-stars of five */
    uint32_t agent; /* its own agent, 0: none named */
};
#define RATED_DAY_MS INT64_C(86400000)

struct running {
    bool open;
    bool in_human_hands;
    uint32_t parties_n;
    struct party *parties; /* owned */
    int64_t start;
    int64_t first_customer_at; /* not ignored; NEVER */
    int64_t last_customer_at;
    int64_t first_human_at;
    int64_t last_human_at;
    int64_t served_at;    /* of the human message that ended the last wait; NEVER */
    uint32_t last_human;  /* sender of the last human message, 0: none */
    uint32_t last_served; /* the last agent whose message ended a wait, 0: none */
    struct rated rated;
};

enum episode_flag {
    EPISODE_COUNTED = 1 << 0,
    EPISODE_RESOLVED = 1 << 1, /* counted and resolved */
    EPISODE_TIMED = 1 << 2,    /* resolved, with a human message: has resolve_ms */
    EPISODE_IN_TIME = 1 << 3,  /* timed, within the limit, no agent resolved it over an open wait */
    EPISODE_HUMAN = 1 << 4,    /* was in human hands */
    EPISODE_OVER_WAIT = 1 << 5 /* a wait was open when it was resolved */
};

/* A rating that counts, as a fact: its own agent's, or of the one it is credited to. */
static inline struct fact rating_fact(const struct rated *r, uint32_t credit, enum why why)
{
    return (struct fact){.kind = FACT_RATING,
                         .agent = r->agent ? r->agent : credit,
                         .day = r->day,
                         .ms = r->milli,
                         .why = r->agent ? WHY_OWN_AGENT : why,
                         .from = NEVER,
                         .to = r->day * RATED_DAY_MS + r->off_ms};
}

enum fcr { FCR_NONE = 0, FCR_PASS, FCR_FAIL, FCR_PENDING };

struct episode {
    uint32_t owner;  /* 0: none */
    uint32_t credit; /* whose a rating without an agent of its own is; 0: nobody */
    uint8_t flags;
    uint8_t fcr;               /* as it stands in the totals now */
    uint8_t by;                /* enum event_how: who resolved it */
    int32_t day;               /* of the resolved event */
    int64_t resolved_at;       /* the event, or the last reply (timeout_counts_as) */
    int64_t ended_at;          /* the event */
    int64_t first_customer_at; /* NEVER */
    int64_t resolve_ms;
    struct rated rated;
};

/* Who is assigned to a conversation. */
struct assignee {
    uint32_t agent; /* 0: nobody */
    bool is_explicit;
    int64_t since;
};

void running_fini(struct running *r);
void running_start(struct running *r, int64_t at, const struct assignee *a);
/* The agent was assigned, or wrote, at `at`. */
struct party *running_party(struct running *r, uint32_t agent, int64_t at);
/* The last to serve: the last agent whose message ended a wait, else the last human sender; 0: none. */
uint32_t running_last_to_serve(const struct running *r);
/* Whose a rating without an agent of its own is while the episode is open at as_of. */
uint32_t running_credit(const struct running *r, const struct assignee *a);
/* The owner a timeout at `at` would give, by the rulebook of the day of judged_at; 0: none. */
uint32_t running_timeout_owner(const struct running *r, const struct assignee *a, struct calendar *c, int64_t at,
                               int64_t judged_at);

/* A resolution. */
struct resolution {
    int64_t at;
    enum event_how by;
    uint32_t agent; /* named, 0: none */
    bool over_wait; /* a wait was open */
};
/* Ends the episode: fills `out` (fcr FCR_NONE) and closes r. */
void running_end(struct running *r, const struct assignee *a, struct calendar *c, const struct resolution *how,
                 struct episode *out);

/* Idle at as_of: fills whose it is and on which day; false: it is not. */
struct idle {
    uint32_t owner;
    int32_t day;
};
bool running_idle(const struct running *r, const struct assignee *a, struct calendar *c, int64_t as_of,
                  struct idle *out);
/* The next instant after as_of at which that may change; INT64_MAX: none. */
int64_t running_idle_due(const struct running *r, const struct assignee *a, struct calendar *c, int64_t as_of);

#endif
