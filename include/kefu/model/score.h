/* What a rulebook makes of figures: a score of each KPI, a total, a tier (SPEC.md, Scores). */
#ifndef KEFU_MODEL_SCORE_H
#define KEFU_MODEL_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCORE_KPIS_MAX 32
#define SCORE_NONE     INT64_MIN /* no data: not zero */

struct kpi_score {
    int64_t num; /* the metric as a pair; den 0: no data */
    int64_t den;
    int64_t score_milli; /* 0 … 100000, or SCORE_NONE */
};

struct score {
    struct kpi_score kpis[SCORE_KPIS_MAX]; /* in the rulebook's order */
    size_t kpis_n;
    int64_t total_milli; /* 0 … 100000, or SCORE_NONE */
    int tier;            /* index in the rulebook's tiers, -1: not rated */
    bool complete;       /* every KPI with a weight has data and tier_min_handled is reached */
};

#endif
