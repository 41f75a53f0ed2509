/* Makes all that a rulebook points to its own.
 *
 * A rulebook read over a base takes over fields of the base. It must not borrow them: rulebooks live as long as the facts
 * they judge, and a reload frees the base long before. */
#include "kefu/model/rulebook_reader.h"

static void *copy(struct arena *a, const void *from, size_t n)
{
    void *to = arena_alloc(a, n + 1);
    if (n)
        memcpy(to, from, n);
    return to;
}

static struct str *copy_texts(struct arena *a, const struct str *from, size_t n)
{
    struct str *to = copy(a, from, n * sizeof *from);
    for (size_t i = 0; i < n; i++)
        to[i] = arena_copy(a, to[i]);
    return to;
}

static void copy_label(struct arena *a, struct label *l)
{
    l->zh = arena_copy(a, l->zh);
    l->en = arena_copy(a, l->en);
}

static void copy_kpis(struct arena *a, struct rulebook *r)
{
    r->kpis = copy(a, r->kpis, r->kpis_n * sizeof *r->kpis);
    for (size_t i = 0; i < r->kpis_n; i++) {
        struct kpi *k = &r->kpis[i];
        k->name = arena_copy(a, k->name);
        copy_label(a, &k->label);
        k->points = copy(a, k->points, k->points_n * sizeof *k->points);
    }
}

static void copy_tiers(struct arena *a, struct rulebook *r)
{
    r->tiers = copy(a, r->tiers, r->tiers_n * sizeof *r->tiers);
    for (size_t i = 0; i < r->tiers_n; i++) {
        struct tier *t = &r->tiers[i];
        t->name = arena_copy(a, t->name);
        copy_label(a, &t->label);
        t->perks = copy_texts(a, t->perks, t->perks_n);
        t->actions = copy_texts(a, t->actions, t->actions_n);
    }
}

static void copy_alerts(struct arena *a, struct rulebook *r)
{
    r->alerts = copy(a, r->alerts, r->alerts_n * sizeof *r->alerts);
    for (size_t i = 0; i < r->alerts_n; i++) {
        struct alert_rule *rule = &r->alerts[i];
        rule->name = arena_copy(a, rule->name);
        rule->zh = arena_copy(a, rule->zh);
        rule->en = arena_copy(a, rule->en);
    }
}

void reader_own(struct rulebook *r, struct arena *a)
{
    r->name = arena_copy(a, r->name);
    r->timezone = arena_copy(a, r->timezone);
    r->special = copy(a, r->special, r->special_n * sizeof *r->special);
    r->closing_phrases = copy_texts(a, r->closing_phrases, r->closing_phrases_n);
    r->closing_particles = copy_texts(a, r->closing_particles, r->closing_particles_n);
    r->placeholder_phrases = copy_texts(a, r->placeholder_phrases, r->placeholder_phrases_n);
    r->bonus = copy(a, r->bonus, r->bonus_n * sizeof *r->bonus);
    copy_kpis(a, r);
    copy_tiers(a, r);
    copy_alerts(a, r);
}
