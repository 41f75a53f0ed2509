/* Pieces of JSON that several answers of /v1/ are made of, as docs/openapi.json has them.
 *
 * Each appends one value, or one or more members without a comma at either end. Nothing here computes a figure: figures come
 * from the site, scores from rules/score.h. No pay. */
#ifndef KEFU_DAEMON_SHOW_H
#define KEFU_DAEMON_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/hist.h"
#include "kefu/model/figures.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/score.h"
#include "kefu/model/view.h"

/* "name":"2026-…Z","name_ms":N; both null for VIEW_NONE and INT64_MAX. */
void show_time(struct buf *out, const char *name, int64_t at_ms);
void show_text(struct buf *out, struct str text);    /* a string, null if absent */
void show_number(struct buf *out, int64_t value);    /* null for VIEW_NONE, which is SCORE_NONE too */
void show_cut(struct buf *out, int64_t total_milli); /* "89.99", cut; null for SCORE_NONE */
void show_label(struct buf *out, const struct label *l);
void show_tier(struct buf *out, const struct tier *t); /* null for NULL */
void show_figures(struct buf *out, const struct figures *f);
void show_responses(struct buf *out, const struct hist *h); /* NULL: none */
void show_percent(struct buf *out, struct str text);        /* percent-encoded, for an address */
/* "conversation":"c","url":…: the template with the id in it, percent-encoded; null if there is no template. */
void show_conversation(struct buf *out, struct str template, struct str conversation);

/* Who an agent is: "agent", "name", "team" and, if it is asked for, "employee_no". */
struct show_who {
    struct str agent, name, team, employee_no;
    bool number;
};
void show_who(struct buf *out, const struct show_who *w);

/* What a KPI is: "name", "label", "metric". */
void show_kpi_head(struct buf *out, const struct kpi *k);

/* A month's score with each KPI's part. */
struct show_scored {
    const struct rulebook *rulebook;
    const struct figures *figures;
    bool had_orders;
    const struct score *score;
};
void show_score(struct buf *out, const struct show_scored *s);

static inline const struct tier *tier_of(const struct rulebook *r, int tier)
{
    return tier >= 0 && (size_t)tier < r->tiers_n ? &r->tiers[tier] : NULL;
}

#endif
