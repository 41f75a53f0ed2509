/* A site: all state of a company, and the only door to it.
 *
 * State is the fold of accepted events; its figures are a function of (events, rulebooks, as_of), whatever the order of
 * arrival (SPEC.md, promise 2). The site keeps as_of: events stamped later are held in their lists and counted when
 * as_of reaches them; open waits become misses, idle chats handled, pending first contacts passed, by deadline.
 * Agents are numbers from 1; 0 is nobody. Days and months are numbers of base/tz.h in the site's zone.
 * One thread only. Nothing here fails on any event that decode let through. */
#ifndef KEFU_STATE_SITE_H
#define KEFU_STATE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/hist.h"
#include "kefu/base/tz.h"
#include "kefu/model/aliases.h"
#include "kefu/model/batch.h"
#include "kefu/model/event.h"
#include "kefu/model/figures.h"
#include "kefu/model/period.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/shelf.h"
#include "kefu/state/window.h"

struct site;

struct site_options {
    const struct tz *tz;               /* borrowed, must outlive the site */
    const struct rulebooks *rulebooks; /* borrowed, n >= 1 */
    const struct shelf *shelf;         /* borrowed; NULL: everything stays in memory and is never frozen */
    uint64_t seed;                     /* for hash tables: random in a daemon, any in tests */
    const struct aliases *aliases;     /* borrowed; NULL: none (site_alias) */
    bool rolling;                      /* keeps the last hour of each agent too (site_window) */
    int64_t quiet_ms; /* so long after its last event an open conversation is nobody's any more: it counts as open
                                          and waiting in no list of now, and may rest. No figure hangs on it. 0: it never is */
};

/* An empty site, as of the beginning of time. Never NULL; site_free takes NULL. */
struct site *site_new(const struct site_options *o);
void site_free(struct site *s);

/* To be called when rulebooks were added to those the site was given (for months that have not begun). */
void site_rulebooks_changed(struct site *s);

/* What folding this event would answer: ACCEPTED, DUPLICATE, or REJECTED (a conflict). Changes no figure (but may bring a
 * conversation back into memory). */
enum verdict site_probe(struct site *s, const struct event *e);
/* What the event of this identity is, if it is one of this conversation; EVENT_NONE: it is not. Changes no figure, as above. */
enum event_type site_event_type(struct site *s, struct str conversation, struct str source, struct str id);
/* Puts what stands for erased names into an event that comes in, before it is probed (model/aliases.h). */
void site_alias(const struct site *s, struct event *e);
/* Is a conversation of the customer (a keyed hash) open, and not quiet? */
bool site_customer_is_here(const struct site *s, struct str hash);
/* Folds an event (borrowed for the call) at as_of = max(as_of so far, now_ms). Events that come out of order count only
 * after the next site_advance: call it after each batch, before reading figures. */
enum verdict site_fold(struct site *s, const struct event *e, int64_t now_ms);
/* The events folded from now on are known to be of no identity that lies cold, so that the shelf need not be asked for each:
 * they were found new (site_probe) when all was known that is cold by now. */
void site_vouch(struct site *s, bool vouched);
/* Who folds or probes many events says a dozen events before each, that it will come: what it is going to touch is then
 * brought near while others are folded. Changes no figure; may be left out. */
#define SITE_AHEAD 12     /* events */
struct site_ahead {       /* the caller's; zeroed before the first event */
    uint64_t subjects[8]; /* hashes of those under way */
    uint32_t n;
};
void site_prefetch(const struct site *s, struct site_ahead *ahead, const struct event *e);
/* The same for who only probes. */
void site_prefetch_probe(const struct site *s, const struct event *e);
/* Moves as_of on to now_ms (never back) and settles what fell due. Takes at most max_steps steps (a subject each) and returns
 * the next instant at which it has work: <= now_ms if max_steps was not enough, INT64_MAX if nothing is due ever. */
int64_t site_advance(struct site *s, int64_t now_ms, size_t max_steps);
int64_t site_as_of(const struct site *s); /* INT64_MIN before the first event or advance */

/* Agents: every one ever named in an event, numbers 1 … site_agents_n. */
uint32_t site_agents_n(const struct site *s);
struct str site_agent_id(const struct site *s, uint32_t agent);
uint32_t site_agent_find(const struct site *s, struct str id); /* 0: never heard of */

/* Totals of an agent (or nobody: 0) in a period; NULL: no figure. Borrowed until the next fold or advance. */
const struct figures *site_figures(const struct site *s, uint32_t agent, enum period_kind kind, int32_t period);
const struct hist *site_responses(const struct site *s, uint32_t agent, enum period_kind kind, int32_t period);
/* Periods in which an agent has totals, ascending; *n of them, borrowed until the next fold or advance. */
struct totals {
    int32_t period;
    bool ahead; /* is on the shelf as of the cut under way, or was not there at it (state/cut.c) */
    struct figures figures;
    struct hist responses;
};
const struct totals *site_totals(const struct site *s, uint32_t agent, enum period_kind kind, size_t *n);
/* Of which shops an agent's handled conversations of a month were: by the bytes of the names, and last, as "", those for which
 * none was named; none at all if none of them named any. *n of them, with their names in the arena. */
struct shop_handled *site_shops(const struct site *s, uint32_t agent, int32_t month, struct arena *arena, size_t *n);
/* Was there any order event in the period? (cross_sell_orders has no data otherwise.) */
bool site_had_orders(const struct site *s, enum period_kind kind, int32_t period);

/* An agent now. Strings are borrowed until the next fold. */
struct agent_now {
    struct str name, team, employee_no, hired_on, left_on; /* latest profile; absent: never told */
    enum event_how status;                                 /* HOW_NONE: never told */
    int64_t status_at;                                     /* since when */
    int64_t open_n;                                        /* open conversations assigned */
    int64_t waiting_n;                                     /* open waits held */
    int64_t oldest_wait_at;                                /* start of the oldest of them; INT64_MAX: none */
};
void site_agent_now(const struct site *s, uint32_t agent, struct agent_now *out);
/* Working time in [from, to), and the first instant from `from` on that is in it (INT64_MAX: none). */
int64_t site_worked(const struct site *s, int64_t from_ms, int64_t to_ms);
int64_t site_after(const struct site *s, int64_t from_ms,
                   int64_t need_ms); /* the first instant that has so much of it */
int64_t site_next_open(const struct site *s, int64_t from_ms);
bool site_has_hours(const struct site *s); /* false: open all week */
/* The last hour of an agent (0 is nobody); NULL: nothing in it. Borrowed until the next fold or advance. */
const struct window *site_window(const struct site *s, uint32_t agent);

/* Who waits for an agent (0: in the queue), the one who waits longest first: fills at most max, returns how many. */
struct site_wait {
    struct str conversation; /* borrowed until the next fold */
    int64_t since;           /* the customer waits */
    int64_t held_since;      /* the agent has held it without a break */
    int64_t due;             /* the response target is reached, in working time; INT64_MAX: never */
    int64_t abandon;         /* it counts as missed, though open; INT64_MAX: never */
};
size_t site_waits(const struct site *s, uint32_t agent, struct site_wait *out, size_t max);
/* Since when the one has waited who has waited longest of those who began at `from` or later; INT64_MAX: nobody. Whoever began
 * before is put aside and looked at no more, so that a `from` that rises from call to call costs each wait once. */
int64_t site_wait_since(struct site *s, uint32_t agent, int64_t from);

/* The events of an agent's own list (profile, status, and what people decided about the agent), in order, up to the site's
 * time. Strings are borrowed for the call. */
void site_agent_events(const struct site *s, uint32_t agent, void (*each)(void *arg, const struct event *e), void *arg);
/* All events of a conversation, as they came or in order; brings it back into memory. Strings are borrowed for the call. False:
 * there is no such conversation. */
bool site_conversation_events(struct site *s, struct str conversation, void (*each)(void *arg, const struct event *e),
                              void *arg);

/* Agents (0 too) whose totals or `now` changed since the last site_clean; order of first change. */
const uint32_t *site_dirty(const struct site *s, size_t *n);
void site_clean(struct site *s);

/* Closed months: facts of months before this one no longer change unseen; INT32_MIN: none is closed. */
void site_close_before(struct site *s, int32_t month);
/* What changed the figures of closed months since it was last taken: an agent, and the subject by which. Settled subjects
 * only: to be taken when site_advance has come to its end. Strings are borrowed for the call. */
struct site_late {
    struct str agent;
    int32_t month;
    enum subject_kind kind;
    struct str key;
};
bool site_has_late(const struct site *s); /* some is here, or owed */
/* What was taken is not on the disk yet: no cut meanwhile, which would hold the figures without their evidence. */
void site_owe_late(struct site *s, bool owes);
void site_take_late(struct site *s, void (*each)(void *arg, const struct site_late *late), void *arg);

/* Counts, for status. */
struct site_counts {
    uint64_t events_n; /* accepted */
    uint64_t conversations_n;
    uint64_t open_n;    /* with an open episode */
    uint64_t waiting_n; /* with an open wait */
    uint64_t customers_n;
    uint64_t orders_n;
};
void site_counts(const struct site *s, struct site_counts *out);

#endif
