/* The alert rules at work: looks at values when they change or when time alone changes them, keeps what is remembered of each
 * alert, and says what Redis and the channels are to be told.
 *
 * It runs after the judge, in the same judgement: memory and effects become durable in one commit. Each change is an entry of
 * the stream "alerts" at once. Channels are told in notices, one message of a rule for a team, gathered for 0.3 s, then at
 * most one in 30 s (critical: 5 s); what a silence, our own trouble or quiet hours mute is told when they end, if it still
 * stands. What people do (acknowledge, silence) arrives as events through the journal and is idempotent. One thread. */
#ifndef KEFU_DAEMON_ALERTS_H
#define KEFU_DAEMON_ALERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/tz.h"
#include "kefu/daemon/judge.h"
#include "kefu/daemon/quarantine.h"
#include "kefu/daemon/sources.h"
#include "kefu/model/channel.h"
#include "kefu/model/event.h"
#include "kefu/model/rulebook.h"
#include "kefu/rules/alert.h"
#include "kefu/state/site.h"

struct alerts;

/* A way in: a platform's collector, a Redis stream. */
struct alerts_feed {
    struct str name;          /* of the source, or of the stream; borrowed for the look */
    int64_t heard_ms;         /* its last sign of life; INT64_MIN: none since the start */
    int64_t failing_since_ms; /* since when it cannot be asked or read; INT64_MAX: it can */
    uint64_t lost_n;          /* events that are gone or put aside, and gaps, since the start */
};

/* What the house knows of itself, in ms; 0: well. */
struct alerts_own {
    int64_t redis_away_ms;
    int64_t stuck_ms[CHANNELS_MAX]; /* for so long a channel has taken nothing, in the order of channels */
    bool full;                      /* the disk is: mutes as our own trouble does */
    size_t feeds_n;                 /* asked for by number when sources are looked at; arg is own_arg */
    void (*feed)(void *arg, size_t i, struct alerts_feed *out);
};

struct alerts_options { /* all borrowed; the last four may be NULL */
    struct site *site;  /* a rolling one; waits that are long over are put aside in it (site_wait_since) */
    const struct rulebooks *rulebooks;
    const struct tz *tz;
    const struct sources *sources;
    struct quarantine *const *quarantine; /* which may come later */
    const struct channels *channels;
    void (*own)(void *arg, struct alerts_own *out);
    void *own_arg;
};

struct alerts *alerts_new(const struct alerts_options *o);
void alerts_free(struct alerts *a); /* NULL is well */
/* A row read at start; those of other rules are passed over. -1 with e: damaged. */
int alerts_load(struct alerts *a, const struct memory_row *row, struct err *e);
/* An event that was folded. Acts of persons upon alerts are copied and wait for the next look; others are passed over. */
void alerts_act(struct alerts *a, const struct event *e);
/* Tells once, when the outcome of the act of this id is durable: at once if it is (or there is none). Also before alerts_free ends. */
void alerts_when_settled(struct alerts *a, struct str id, void (*settled)(void *arg), void *arg);
/* Acts whose outcome is not durable yet: a checkpoint must not be cut over them. */
bool alerts_has_acts(const struct alerts *a);
/* The list of channels is another: alerts of those that are gone come to their end. */
void alerts_channels_changed(struct alerts *a);
/* The figures or the present of an agent (0 too) changed. */
void alerts_mark(struct alerts *a, uint32_t agent);

int64_t alerts_due_ms(const struct alerts *a); /* INT64_MIN: now */
bool alerts_are_due(const struct alerts *a, int64_t now_ms);
/* Looks, and adds to the judgement. It must be settled before the next run. */
void alerts_run(struct alerts *a, struct judge *j, struct judgement *g, int64_t now_ms);
void alerts_settle(struct alerts *a, bool durable);

/* For lists. Strings are borrowed until the next run. */
struct alert_view {
    const struct alert_rule *rule;
    struct str subject; /* agent, team, source or channel; absent: the site */
    struct str team;    /* of the agent, or the team itself */
    bool is_agent;
    const struct alert_memory *memory;
    struct str acked_by;
    struct str muted; /* why channels are not told: "silenced", "own trouble", "quiet hours"; absent: they are */
};
/* Those pending, firing or acknowledged, in no order. */
void alerts_each(const struct alerts *a, int64_t now_ms, void (*each)(void *arg, const struct alert_view *v),
                 void *arg);
struct alert_silence {
    struct str id, rule, agent, team, actor, reason; /* rule "*": all */
    int64_t from_ms, until_ms;
};
void alerts_each_silence(const struct alerts *a, int64_t now_ms, void (*each)(void *arg, const struct alert_silence *s),
                         void *arg);
/* Since the start: how many were raised and came to their end, durably. */
struct alerts_counts {
    uint64_t raised_n, resolved_n;
    size_t silences_n; /* in force */
};
void alerts_counts(const struct alerts *a, struct alerts_counts *out);
/* Rises when a silence comes, goes or is another. */
uint64_t alerts_silences_changed_n(const struct alerts *a);
/* Is there a firing alert of that number? */
bool alerts_has(const struct alerts *a, uint64_t number);
bool alerts_has_rule(const struct alerts *a, int64_t now_ms, struct str name);

#endif
