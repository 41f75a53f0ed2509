/* A rulebook: targets, hours, phrases, KPIs, weights, tiers and incentives, as plain data.
 *
 * Read from JSON with comments; refused with file, line, field and the mend when anything in it is not as it should be.
 * Under one name a rulebook never changes. All decimals are exact to six places (base/fix.h). */
#ifndef KEFU_MODEL_RULEBOOK_H
#define KEFU_MODEL_RULEBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/base/str.h"
#include "kefu/model/alert.h"

/* The metrics of SPEC.md's table: X(NAME, "name in rulebooks"). */
#define METRICS(X)                                                                                                     \
    X(REPLY_WITHIN_RATE, "reply_within_rate")                                                                          \
    X(FIRST_REPLY_WITHIN_RATE, "first_reply_within_rate")                                                              \
    X(RESPONSE_MEAN_SECONDS, "response_mean_seconds")                                                                  \
    X(FIRST_RESPONSE_MEAN_SECONDS, "first_response_mean_seconds")                                                      \
    X(RESOLVED_WITHIN_RATE, "resolved_within_rate")                                                                    \
    X(RESOLVED_RATE, "resolved_rate")                                                                                  \
    X(FCR_RATE, "fcr_rate")                                                                                            \
    X(RATING_MEAN, "rating_mean")                                                                                      \
    X(RATING_GOOD_RATE, "rating_good_rate")                                                                            \
    X(CROSS_SELL_ORDERS, "cross_sell_orders")

enum metric {
    METRIC_NONE = 0,
#define X(name, text) METRIC_##name,
    METRICS(X)
#undef X
        METRIC_N
};

struct label { /* what people read; either may be absent, then the name is shown */
    struct str zh;
    struct str en;
};

struct curve_point {
    int64_t value_micro;  /* of the metric */
    int64_t points_micro; /* points 0 … 100 */
};

struct kpi {
    struct str name;
    struct label label;
    enum metric metric;
    int64_t weight_micro; /* >= 0 */
    int64_t min_samples;  /* >= 1 */
    /* The score as a piecewise-linear curve, by ascending value, flat outside. zero_at/full_at is a curve of two points. */
    struct curve_point *points;
    size_t points_n; /* >= 1 */
};

struct tier {
    struct str name;
    struct label label;
    int64_t min_micro; /* points at which it begins; the last tier's is 0 */
    int64_t bonus_fen; /* >= 0: pay, shown on pay interfaces alone */
    struct str *perks; /* words such as "promotion_eligible", "shift_choice" */
    size_t perks_n;
    struct str *actions; /* words such as "training_required" */
    size_t actions_n;
};

struct span { /* service hours of a day, in minutes from its midnight; end > start, end <= 2880 (past midnight) */
    int32_t start_min;
    int32_t end_min;
};
#define RULEBOOK_SPANS_MAX 16
struct day_hours {
    struct span spans[RULEBOOK_SPANS_MAX]; /* by start */
    int32_t n;                             /* 0: closed */
};
struct special_day {
    int32_t day; /* as base/tz.h counts */
    struct day_hours hours;
};

struct bonus_point {
    int64_t points_micro; /* 0 … 100 */
    int64_t fen;
};

enum timeout_counts_as { TIMEOUT_UNRESOLVED = 0, TIMEOUT_RESOLVED_AT_LAST_REPLY = 1 };

struct rulebook {
    struct str name;         /* 1 … 128 bytes */
    int32_t effective_month; /* the first month it judges, as base/tz.h counts; INT32_MIN: since ever (seed) */
    int64_t response_target_ms;
    int64_t resolution_limit_ms;
    int64_t fcr_window_ms;
    int64_t abandon_after_ms;
    int64_t idle_after_ms;
    enum timeout_counts_as timeout_counts_as;
    struct str timezone;         /* compute only; the site's zone is in kefud.json */
    bool always_open;            /* no service_hours; special_days still hold */
    struct day_hours week[7];    /* Monday first; when always_open, each the whole day */
    struct special_day *special; /* by day */
    size_t special_n;
    struct str *closing_phrases;
    size_t closing_phrases_n;
    struct str *closing_particles;
    size_t closing_particles_n;
    struct str *placeholder_phrases;
    size_t placeholder_phrases_n;
    int64_t cross_sell_min_fen;
    int64_t tier_min_handled;
    struct kpi *kpis;
    size_t kpis_n;
    struct tier *tiers; /* from the highest to the one that begins at 0 */
    size_t tiers_n;
    int64_t transfer_after_months; /* unqualified months running after which a transfer is suggested; 0: never */
    int64_t promote_after_months; /* months running in the highest tier after which a team lead is proposed; 0: never */
    int64_t appeal_days;          /* days after a closing before what hurts a person may be confirmed */
    struct bonus_point *bonus;    /* the bonus as a curve over the score, in place of the tiers' */
    size_t bonus_n;               /* 0: the tiers' */
    bool prorate_counts;          /* targets of counts are those of a whole month: in part of one, a part of them */
    bool exempt_days_left_out;    /* figures of days of leave and training do not count in the closed month */
    int64_t grace_months;         /* a new hire's first months bring nothing that hurts */
    int64_t hysteresis_milli;     /* live tier: points (milli) by which the border must be passed */
    int64_t dwell_ms;             /* or how long the score must stand beyond it */
    struct alert_rule *alerts;    /* in the order of the file */
    size_t alerts_n;
    char sha256[65];                /* of what figures and pay hang on: all fields but alerts, the base's too */
    struct str text;                /* the file's bytes, whole (of a derived one: its own) */
    struct rulebook_memory *memory; /* owns all of the above */
};

/* Reads the rulebook in `text` (JSON with comments); `file` names it in errors. `base`, if given, supplies every field the
 * text does not have, each replaced whole: how `kefuctl compute --rulebook` and the rulebooks of a site are read, over
 * seed. Without base every field must be there but service_hours, special_days, placeholder_phrases, timeout_counts_as,
 * alerts, effective_from (then INT32_MIN) and timezone. The result borrows nothing, neither of text nor of base; the caller owns it.
 * NULL with e: where = "file:line field", what = found, expected, and the mend. Refused are:
 * unknown fields (one that begins with "x_" is a note and is skipped), weights below 0 or summing to 0, unknown metrics,
 * duplicate KPI or tier names, tiers out of order (highest down, or from 0 up) or without one at 0, curves not ascending, hours
 * that are no times, days that are no dates, phrases that are empty, limits out of range.
 *
 * Fields: name, effective_from ("2026-12"), response_target_ms, resolution_limit_ms, fcr_window_ms, abandon_after_ms,
 * idle_after_ms (0 … 366 days), timeout_counts_as ("unresolved" or "resolved_at_last_reply"), timezone, service_hours
 * ({"mon": [["09:00", "18:00"], …], …} or null: always open), special_days ({"2026-10-01": [], …}), closing_phrases,
 * closing_particles, placeholder_phrases, cross_sell_min_fen, tier_min_handled, hysteresis (points), dwell_ms,
 * transfer_after_months, promote_after_months, appeal_days (3 if absent), bonus_curve ([[points, fen], …]), prorate_counts,
 * exempt_days_left_out (true or false), grace_months (0 … 12; all of these may be absent), kpis ([{name, label, metric, weight, min_samples, score}]; score is {zero_at, full_at} or
 * {points: [[value, points], …]}), tiers ([{name, label, min, bonus_fen, perks, actions}]), alerts ([{name, label, when,
 * scope, severity, raise, clear, for_s, min_samples, keep_firing_s, cooldown_s, repeat_s, window_min, window_days, hears, quiet}],
 * model/alert.h; may be absent); label is {zh, en}. */
struct rulebook *rulebook_read(struct str text, const char *file, const struct rulebook *base, struct err *e);
void rulebook_free(struct rulebook *r);

/* "" for METRIC_NONE. */
struct str metric_name(enum metric m);

/* The rulebooks a site has adopted, by effective_month; the first is in force since ever. Borrowed pointers. */
struct rulebooks {
    const struct rulebook *list[64];
    size_t n;
};
/* The one in force for a civil day. */
const struct rulebook *rulebooks_for_day(const struct rulebooks *r, int32_t day);

#endif
