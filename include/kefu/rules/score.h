/* Scores: from the figures of a month to KPI points, a total and a tier. Pure; exact integers (SPEC.md, Scores). */
#ifndef KEFU_RULES_SCORE_H
#define KEFU_RULES_SCORE_H

#include <stdbool.h>

#include "kefu/model/figures.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/score.h"

/* The pair of a metric over figures. had_orders: was there any order event of the site in the period. *samples is the
 * count that min_samples is held against. */
void score_metric(enum metric m, const struct figures *f, bool had_orders, struct kpi_score *pair, int64_t *samples);
/* Pairs, KPI scores, total and tier of a month. */
/* A part of a month, for a rulebook that prorates counts: of `days`, so many were worked. */
struct score_part {
    int64_t worked_days, days;
};
/* As score_month, but for counts if the rulebook prorates them; without a day of work they have no data. */
void score_part(const struct rulebook *r, const struct figures *f, bool had_orders, const struct score_part *part,
                struct score *out);
void score_month(const struct rulebook *r, const struct figures *f, bool had_orders, struct score *out);
/* The total and tier anew after a KPI's score_milli was changed; handled: the figure that tier_min_handled is held against. */
void score_retotal(const struct rulebook *r, int64_t handled, struct score *s);
/* Pairs alone, all scores SCORE_NONE, no tier: for day rows and for nobody's row. */
void score_pairs(const struct rulebook *r, const struct figures *f, bool had_orders, struct score *out);
/* Points (milli) a KPI's curve gives to num / den (den > 0). */
int64_t score_curve(const struct kpi *k, int64_t num, int64_t den);

#endif
