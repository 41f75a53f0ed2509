/* Alert rules as a rulebook states them, and the words of alerts that several layers use.
 *
 * A rule looks at one kind of value of one subject (an agent, a team, the site, a source of events) and says when it is raised
 * and when it is over, how long either must hold, and who hears of it. Values are decimals in millionths ("micro"): seconds,
 * shares 0 … 1, stars of five, points, counts. Plain data; rules/alert.h acts on it. No rule is about pay. */
#ifndef KEFU_MODEL_ALERT_H
#define KEFU_MODEL_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/str.h"

enum alert_unit { UNIT_COUNT = 0, UNIT_SECONDS, UNIT_SHARE, UNIT_STARS, UNIT_POINTS };

/* What a scope is about; a rule names one, a kind allows some. */
enum alert_scope { SCOPE_NONE = 0, SCOPE_AGENT = 1, SCOPE_TEAM = 2, SCOPE_SITE = 4 };

enum alert_trait {
    TRAIT_BELOW = 1,   /* raised at or under its limit, else at or over it */
    TRAIT_EVENT = 2,   /* happens and is not over by itself: no resolved notice */
    TRAIT_PRIVATE = 4, /* for channels of one person alone */
    TRAIT_WINDOW = 8,  /* needs window_min */
    TRAIT_OWN = 16,    /* our own trouble: mutes alerts about agents and teams while it lasts */
    TRAIT_DAYS = 32    /* needs window_days */
};

/* X(NAME, "name in rulebooks", unit, scopes, traits): what the value is
 *   wait              seconds of working time for which the customer who has waited longest has waited: of an agent, or (site)
 *                     of nobody, in the queue
 *   response_mean     mean response in the window                    within_share  answered in time ÷ (answered + missed) in it
 *   open              open conversations of an agent                 rating        a rating of at most so many stars came
 *   rating_mean       mean rating of the last window_days days       tier_up, tier_down  the live tier changed
 *   projected_score   the month's score as it would end at this rate (samples: handled episodes)
 *   unqualified_months  months running that ended in the lowest tier
 *   away              seconds for which an agent is away or offline and customers wait for this agent
 *   source_silent     seconds of working time without a sign of life of a source: an event, a delivery of its hook, a good answer to
 *                     what it was asked; only where service_hours are set. And seconds for which asking it, or reading its stream, fails
 *   source_lost       events of a source that are gone for good or were put aside, and stretches of time of which nothing can be
 *                     known; told once, then no sooner than keep_firing_ms
 *   quarantine        events refused in the window                   redis         seconds without Redis
 *   channel           seconds for which a channel has taken nothing */
#define ALERT_KINDS(X)                                                                                                 \
    X(WAIT, "wait", UNIT_SECONDS, SCOPE_AGENT | SCOPE_SITE, 0)                                                         \
    X(RESPONSE_MEAN, "response_mean", UNIT_SECONDS, SCOPE_AGENT | SCOPE_TEAM | SCOPE_SITE, TRAIT_WINDOW)               \
    X(WITHIN_SHARE, "within_share", UNIT_SHARE, SCOPE_AGENT | SCOPE_TEAM | SCOPE_SITE, TRAIT_WINDOW | TRAIT_BELOW)     \
    X(OPEN, "open", UNIT_COUNT, SCOPE_AGENT, 0)                                                                        \
    X(RATING, "rating", UNIT_STARS, SCOPE_AGENT, TRAIT_EVENT | TRAIT_PRIVATE | TRAIT_BELOW)                            \
    X(RATING_MEAN, "rating_mean", UNIT_STARS, SCOPE_AGENT | SCOPE_TEAM | SCOPE_SITE,                                   \
      TRAIT_DAYS | TRAIT_PRIVATE | TRAIT_BELOW)                                                                        \
    X(TIER_UP, "tier_up", UNIT_POINTS, SCOPE_AGENT, TRAIT_EVENT | TRAIT_PRIVATE)                                       \
    X(TIER_DOWN, "tier_down", UNIT_POINTS, SCOPE_AGENT, TRAIT_EVENT | TRAIT_PRIVATE)                                   \
    X(PROJECTED_SCORE, "projected_score", UNIT_POINTS, SCOPE_AGENT, TRAIT_PRIVATE | TRAIT_BELOW)                       \
    X(UNQUALIFIED_MONTHS, "unqualified_months", UNIT_COUNT, SCOPE_AGENT, TRAIT_PRIVATE)                                \
    X(AWAY, "away", UNIT_SECONDS, SCOPE_AGENT, 0)                                                                      \
    X(SOURCE_SILENT, "source_silent", UNIT_SECONDS, SCOPE_SITE, TRAIT_OWN)                                             \
    X(SOURCE_LOST, "source_lost", UNIT_COUNT, SCOPE_SITE, TRAIT_EVENT)                                                 \
    X(QUARANTINE, "quarantine", UNIT_COUNT, SCOPE_SITE, TRAIT_WINDOW)                                                  \
    X(REDIS, "redis", UNIT_SECONDS, SCOPE_SITE, 0)                                                                     \
    X(CHANNEL, "channel", UNIT_SECONDS, SCOPE_SITE, 0)

enum alert_kind {
    ALERT_NONE = 0,
#define X(name, text, unit, scopes, traits) ALERT_##name,
    ALERT_KINDS(X)
#undef X
        ALERT_KINDS_N
};

enum alert_severity { SEVERITY_NONE = 0, SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL };

/* Who hears: roles of channels (model/channel.h), as a set. */
enum alert_hears { HEARS_AGENT = 1, HEARS_LEAD = 2, HEARS_PAYROLL = 4, HEARS_OPS = 8 };

struct alert_rule {
    struct str name; /* 1 … 64 of a-z 0-9 _ - */
    struct str zh;   /* what people read; the name if absent */
    struct str en;
    enum alert_kind kind;
    enum alert_scope scope;
    enum alert_severity severity;
    uint32_t hears;
    int64_t raise_micro;
    int64_t clear_micro; /* on the good side of raise, or the same */
    int64_t for_ms;      /* so long it must hold before it fires */
    int64_t min_samples;
    int64_t keep_firing_ms; /* so long it must be over before it is resolved */
    int64_t cooldown_ms;    /* so long after a resolution it does not fire again */
    int64_t repeat_ms;      /* told again after so long if nobody acknowledged it; 0: never */
    int64_t window_min;     /* 5, 15 or 60 */
    int64_t window_days;    /* 1 … 31 */
    bool quiet;             /* told within service hours only */
};

/* Of a kind; "" and 0 for ALERT_NONE. */
struct str alert_kind_name(enum alert_kind k);
enum alert_unit alert_kind_unit(enum alert_kind k);
uint32_t alert_kind_scopes(enum alert_kind k);
uint32_t alert_kind_traits(enum alert_kind k);
static inline bool alert_is(const struct alert_rule *r, enum alert_trait t)
{
    return alert_kind_traits(r->kind) & t;
}
/* "agent", "team", "site"; "info", "warning", "critical". */
struct str alert_scope_name(enum alert_scope s);
struct str alert_severity_name(enum alert_severity s);
/* The bit of a word ("agent", "lead", "payroll", "ops"); 0: no such word. */
uint32_t alert_hears_bit(struct str word);

#endif
