/* KPIs and tiers of a rulebook. */
#include <stdio.h>

#include "kefu/base/fix.h"
#include "kefu/model/rulebook_reader.h"
#include "kefu/model/score.h"

#define VALUE_MAX_MICRO  (INT64_C(1000000000) * FIX_ONE)
#define POINTS_MAX_MICRO (100 * FIX_ONE)
#define BONUS_MAX_FEN    INT64_C(1000000000000)

enum { TIERS_MAX = 32, CURVE_MAX = 64, PATH_MAX_N = 160 };

struct str metric_name(enum metric m)
{
    static const struct str names[] = {{"", 0},
#define X(name, text) STR_LIT(text),
                                       METRICS(X)
#undef X
    };
    return names[m];
}

static int read_metric(const struct reader *r, const char *path, const cJSON *v, enum metric *out)
{
    struct str name;
    if (reader_text(r, path, v, &name))
        return -1;
    for (int m = METRIC_NONE + 1; m < METRIC_N; m++)
        if (str_eq(metric_name((enum metric)m), name)) {
            *out = (enum metric)m;
            return 0;
        }
    return reader_fail(r, path,
                       "found \"%.60s\", expected one of reply_within_rate, first_reply_within_rate, "
                       "response_mean_seconds, first_response_mean_seconds, resolved_within_rate, resolved_rate, "
                       "fcr_rate, rating_mean, rating_good_rate, cross_sell_orders",
                       name.p);
}

static int read_label(const struct reader *r, const char *path, const cJSON *v, struct label *out)
{
    static const char *const known[] = {"zh", "en", NULL};
    char at[PATH_MAX_N];
    if (!v)
        return 0;
    if (!cJSON_IsObject(v))
        return reader_fail(r, path, "found %s, expected {\"zh\": …, \"en\": …}", reader_kind(v));
    if (reader_known(r, path, v, known))
        return -1;
    const cJSON *zh = cJSON_GetObjectItemCaseSensitive(v, "zh");
    const cJSON *en = cJSON_GetObjectItemCaseSensitive(v, "en");
    snprintf(at, sizeof at, "%.120s.zh", path);
    if (zh && reader_text(r, at, zh, &out->zh))
        return -1;
    snprintf(at, sizeof at, "%.120s.en", path);
    return en && reader_text(r, at, en, &out->en) ? -1 : 0;
}

/* zero_at and full_at, in either order, as a curve of two points. */
static int read_line(const struct reader *r, const char *path, const cJSON *v, struct kpi *k)
{
    static const char *const known[] = {"zero_at", "full_at", NULL};
    const struct range any = {-VALUE_MAX_MICRO, VALUE_MAX_MICRO};
    char at[PATH_MAX_N];
    int64_t zero = 0;
    int64_t full = 0;
    if (reader_known(r, path, v, known))
        return -1;
    snprintf(at, sizeof at, "%.120s.zero_at", path);
    if (reader_micro(r, at, cJSON_GetObjectItemCaseSensitive(v, "zero_at"), any, &zero))
        return -1;
    snprintf(at, sizeof at, "%.120s.full_at", path);
    if (reader_micro(r, at, cJSON_GetObjectItemCaseSensitive(v, "full_at"), any, &full))
        return -1;
    if (zero == full)
        return reader_fail(r, at, "zero_at and full_at are equal; set them apart (lower may be better)");
    k->points_n = 2;
    k->points = arena_alloc(r->arena, 2 * sizeof *k->points);
    k->points[zero < full ? 0 : 1] = (struct curve_point){zero, 0};
    k->points[zero < full ? 1 : 0] = (struct curve_point){full, POINTS_MAX_MICRO};
    return 0;
}

static int read_point(const struct reader *r, const char *path, const cJSON *v, struct curve_point *out)
{
    const struct range any = {-VALUE_MAX_MICRO, VALUE_MAX_MICRO};
    const struct range points = {0, POINTS_MAX_MICRO};
    if (!cJSON_IsArray(v) || cJSON_GetArraySize(v) != 2)
        return reader_fail(r, path, "expected a pair [value, points]");
    if (reader_micro(r, path, cJSON_GetArrayItem(v, 0), any, &out->value_micro))
        return -1;
    return reader_micro(r, path, cJSON_GetArrayItem(v, 1), points, &out->points_micro);
}

static int read_curve(const struct reader *r, const char *path, const cJSON *v, struct kpi *k)
{
    static const char *const known[] = {"points", NULL};
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(v, "points");
    int n = cJSON_GetArraySize(list);
    if (reader_known(r, path, v, known))
        return -1;
    if (!cJSON_IsArray(list) || n < 1 || n > CURVE_MAX)
        return reader_fail(r, path, "points: expected a list of 1 to %d pairs [value, points]", CURVE_MAX);
    k->points = arena_alloc(r->arena, (size_t)n * sizeof *k->points);
    k->points_n = 0;
    const cJSON *point = NULL;
    cJSON_ArrayForEach(point, list)
    {
        char at[PATH_MAX_N];
        size_t i = k->points_n;
        snprintf(at, sizeof at, "%.100s.points[%zu]", path, i);
        if (read_point(r, at, point, &k->points[i]))
            return -1;
        if (i && k->points[i].value_micro <= k->points[i - 1].value_micro)
            return reader_fail(r, at, "its value is not above the one before; order the points by value");
        k->points_n++;
    }
    return 0;
}

static int read_score(const struct reader *r, const char *path, const cJSON *v, struct kpi *k)
{
    if (!cJSON_IsObject(v))
        return reader_fail(r, path, "found %s, expected {\"zero_at\": …, \"full_at\": …} or {\"points\": …}",
                           reader_kind(v));
    if (cJSON_GetObjectItemCaseSensitive(v, "points"))
        return read_curve(r, path, v, k);
    return read_line(r, path, v, k);
}

/* A member of an object in a list: its path is written to `at`. */
static const cJSON *member(const cJSON *object, const char *path, const char *name, char at[PATH_MAX_N])
{
    snprintf(at, PATH_MAX_N, "%.110s.%.40s", path, name);
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static int read_kpi(const struct reader *r, const char *path, const cJSON *v, struct kpi *k)
{
    static const char *const known[] = {"name", "label", "metric", "weight", "min_samples", "score", NULL};
    char at[PATH_MAX_N];
    *k = (struct kpi){.min_samples = 1};
    if (reader_known(r, path, v, known))
        return -1;
    const cJSON *x = member(v, path, "name", at);
    if (reader_text(r, at, x, &k->name))
        return -1;
    x = member(v, path, "label", at);
    if (read_label(r, at, x, &k->label))
        return -1;
    x = member(v, path, "metric", at);
    if (read_metric(r, at, x, &k->metric))
        return -1;
    x = member(v, path, "weight", at);
    if (reader_micro(r, at, x, (struct range){0, 1000000 * FIX_ONE}, &k->weight_micro))
        return -1;
    x = member(v, path, "min_samples", at);
    if (x && reader_whole(r, at, x, (struct range){1, 1000000000}, &k->min_samples))
        return -1;
    x = member(v, path, "score", at);
    return read_score(r, at, x, k);
}

int reader_kpis(const struct reader *r, const cJSON *v, struct rulebook *out)
{
    int n = cJSON_GetArraySize(v);
    if (!cJSON_IsArray(v) || n < 1 || n > SCORE_KPIS_MAX)
        return reader_fail(r, "kpis", "found %s, expected a list of 1 to %d KPIs", reader_kind(v), SCORE_KPIS_MAX);
    out->kpis = arena_alloc(r->arena, (size_t)n * sizeof *out->kpis);
    out->kpis_n = 0;
    int64_t weights = 0;
    const cJSON *kpi = NULL;
    cJSON_ArrayForEach(kpi, v)
    {
        char path[PATH_MAX_N];
        struct kpi *k = &out->kpis[out->kpis_n];
        snprintf(path, sizeof path, "kpis[%zu]", out->kpis_n);
        if (read_kpi(r, path, kpi, k))
            return -1;
        for (size_t i = 0; i < out->kpis_n; i++)
            if (str_eq(out->kpis[i].name, k->name))
                return reader_fail(r, path, "a second KPI named \"%.60s\"; give each a name of its own", k->name.p);
        weights += k->weight_micro;
        out->kpis_n++;
    }
    if (weights <= 0)
        return reader_fail(r, "kpis", "the weights sum to 0; give at least one KPI a weight above 0");
    return 0;
}

static int read_tier(const struct reader *r, const char *path, const cJSON *v, struct tier *t)
{
    static const char *const known[] = {"name", "label", "min", "bonus_fen", "perks", "actions", NULL};
    struct texts perks = {0};
    struct texts actions = {0};
    char at[PATH_MAX_N];
    *t = (struct tier){0};
    if (reader_known(r, path, v, known))
        return -1;
    const cJSON *x = member(v, path, "name", at);
    if (reader_text(r, at, x, &t->name))
        return -1;
    x = member(v, path, "label", at);
    if (read_label(r, at, x, &t->label))
        return -1;
    x = member(v, path, "min", at);
    if (reader_micro(r, at, x, (struct range){0, POINTS_MAX_MICRO}, &t->min_micro))
        return -1;
    x = member(v, path, "bonus_fen", at);
    if (x && reader_whole(r, at, x, (struct range){0, INT64_C(100000000000)}, &t->bonus_fen))
        return -1;
    x = member(v, path, "perks", at);
    if (x && reader_texts(r, at, x, &perks))
        return -1;
    x = member(v, path, "actions", at);
    if (x && reader_texts(r, at, x, &actions))
        return -1;
    t->perks = perks.list;
    t->perks_n = perks.n;
    t->actions = actions.list;
    t->actions_n = actions.n;
    return 0;
}

/* Does tier i stand well after those before it? */
static int check_tier(const struct reader *r, const char *path, const struct rulebook *out, size_t i)
{
    const struct tier *t = &out->tiers[i];
    for (size_t k = 0; k < i; k++)
        if (str_eq(out->tiers[k].name, t->name))
            return reader_fail(r, path, "a second tier named \"%.60s\"; give each a name of its own", t->name.p);
    if (i == 0)
        return 0;
    bool rising = out->tiers[1].min_micro > out->tiers[0].min_micro;
    int64_t below = rising ? out->tiers[i - 1].min_micro : t->min_micro;
    int64_t above = rising ? t->min_micro : out->tiers[i - 1].min_micro;
    if (below >= above)
        return reader_fail(r, path, "its min is out of order; list tiers from the highest down, or from 0 up");
    return 0;
}

/* Tiers may be listed either way; inside, the highest comes first. */
static void highest_first(struct rulebook *out)
{
    size_t n = out->tiers_n;
    if (n < 2 || out->tiers[0].min_micro > out->tiers[1].min_micro)
        return;
    for (size_t i = 0; i < n / 2; i++) {
        struct tier kept = out->tiers[i];
        out->tiers[i] = out->tiers[n - 1 - i];
        out->tiers[n - 1 - i] = kept;
    }
}

int reader_tiers(const struct reader *r, const cJSON *v, struct rulebook *out)
{
    int n = cJSON_GetArraySize(v);
    if (!cJSON_IsArray(v) || n < 1 || n > TIERS_MAX)
        return reader_fail(r, "tiers", "found %s, expected a list of 1 to %d tiers", reader_kind(v), TIERS_MAX);
    out->tiers = arena_alloc(r->arena, (size_t)n * sizeof *out->tiers);
    out->tiers_n = 0;
    const cJSON *tier = NULL;
    cJSON_ArrayForEach(tier, v)
    {
        char path[PATH_MAX_N];
        snprintf(path, sizeof path, "tiers[%zu]", out->tiers_n);
        if (read_tier(r, path, tier, &out->tiers[out->tiers_n]) || check_tier(r, path, out, out->tiers_n))
            return -1;
        out->tiers_n++;
    }
    char last[PATH_MAX_N];
    bool rising = n > 1 && out->tiers[0].min_micro < out->tiers[1].min_micro;
    snprintf(last, sizeof last, "tiers[%d].min", rising ? 0 : n - 1);
    highest_first(out);
    if (out->tiers[n - 1].min_micro != 0)
        return reader_fail(r, last, "the lowest tier must begin at 0, or some scores would have no tier");
    return 0;
}

static int read_bonus_point(const struct reader *r, const char *path, const cJSON *v, struct bonus_point *out)
{
    if (!cJSON_IsArray(v) || cJSON_GetArraySize(v) != 2)
        return reader_fail(r, path, "expected a pair [points, fen]");
    if (reader_micro(r, path, cJSON_GetArrayItem(v, 0), (struct range){0, POINTS_MAX_MICRO}, &out->points_micro))
        return -1;
    return reader_whole(r, path, cJSON_GetArrayItem(v, 1), (struct range){0, BONUS_MAX_FEN}, &out->fen);
}

int reader_bonus(const struct reader *r, const cJSON *v, struct rulebook *out)
{
    int n = cJSON_GetArraySize(v);
    out->bonus_n = 0;
    if (cJSON_IsNull(v))
        return 0;
    if (!cJSON_IsArray(v) || n < 1 || n > CURVE_MAX)
        return reader_fail(r, "bonus_curve", "expected a list of 1 to %d pairs [points, fen], or null", CURVE_MAX);
    out->bonus = arena_alloc(r->arena, (size_t)n * sizeof *out->bonus);
    const cJSON *point = NULL;
    cJSON_ArrayForEach(point, v)
    {
        char at[PATH_MAX_N];
        size_t i = out->bonus_n;
        snprintf(at, sizeof at, "bonus_curve[%zu]", i);
        if (read_bonus_point(r, at, point, &out->bonus[i]))
            return -1;
        if (i && out->bonus[i].points_micro <= out->bonus[i - 1].points_micro)
            return reader_fail(r, at, "its points are not above those before; order the pairs by points");
        out->bonus_n++;
    }
    return 0;
}
