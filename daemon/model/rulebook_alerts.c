/* The alert rules of a rulebook: one row a field. A rule that could not do what it says is refused, not bent. */
#include <stdio.h>
#include <string.h>

#include "kefu/base/fix.h"
#include "kefu/model/rulebook_reader.h"

enum { ALERTS_MAX = 64, PATH_MAX_N = 160, NAME_MAX_N = 64 };

#define SECONDS_MAX INT64_C(2678400) /* 31 days */

#define VALUE_MAX_MICRO (INT64_C(1000000000) * FIX_ONE)

/* A rule while it is read: where it stands, and what it says. */
struct place {
    const struct reader *r;
    const char *path; /* "alerts[3]" */
    const cJSON *v;
    struct alert_rule *to;
};

static const cJSON *member(const struct place *p, const char *name, char at[PATH_MAX_N])
{
    snprintf(at, PATH_MAX_N, "%.110s.%.40s", p->path, name);
    return cJSON_GetObjectItemCaseSensitive(p->v, name);
}

static int read_name(const struct place *p)
{
    char at[PATH_MAX_N];
    const cJSON *v = member(p, "name", at);
    if (reader_text(p->r, at, v, &p->to->name))
        return -1;
    for (size_t i = 0; i < p->to->name.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", p->to->name.p[i]))
            return reader_fail(p->r, at, "found \"%.60s\", expected letters a-z, digits, _ and - alone", p->to->name.p);
    return p->to->name.n <= NAME_MAX_N ? 0 : reader_fail(p->r, at, "found %zu bytes, expected 1 to 64", p->to->name.n);
}

static int read_label(const struct place *p)
{
    static const char *const known[] = {"zh", "en", NULL};
    char at[PATH_MAX_N], part[PATH_MAX_N];
    const cJSON *v = member(p, "label", at);
    if (!cJSON_IsObject(v))
        return reader_fail(p->r, at, "found %s, expected {\"zh\": …, \"en\": …}", reader_kind(v));
    if (reader_known(p->r, at, v, known))
        return -1;
    snprintf(part, sizeof part, "%.120s.zh", at);
    if (reader_text(p->r, part, cJSON_GetObjectItemCaseSensitive(v, "zh"), &p->to->zh))
        return -1;
    snprintf(part, sizeof part, "%.120s.en", at);
    return reader_text(p->r, part, cJSON_GetObjectItemCaseSensitive(v, "en"), &p->to->en);
}

static int read_kind(const struct place *p)
{
    char at[PATH_MAX_N], all[300] = "";
    struct str word;
    size_t n = 0;
    const cJSON *v = member(p, "when", at);
    if (reader_text(p->r, at, v, &word))
        return -1;
    for (int k = ALERT_NONE + 1; k < ALERT_KINDS_N; k++) {
        if (str_eq(word, alert_kind_name((enum alert_kind)k))) {
            p->to->kind = (enum alert_kind)k;
            return 0;
        }
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", n ? ", " : "", alert_kind_name((enum alert_kind)k).p);
    }
    return reader_fail(p->r, at, "found \"%.40s\", expected one of %s", word.p, all);
}

static int read_scope(const struct place *p)
{
    char at[PATH_MAX_N];
    struct str word;
    const cJSON *v = member(p, "scope", at);
    if (reader_text(p->r, at, v, &word))
        return -1;
    for (uint32_t s = SCOPE_AGENT; s <= SCOPE_SITE; s *= 2)
        if (str_eq(word, alert_scope_name((enum alert_scope)s)) && alert_kind_scopes(p->to->kind) & s) {
            p->to->scope = (enum alert_scope)s;
            return 0;
        }
    uint32_t may = alert_kind_scopes(p->to->kind);
    return reader_fail(p->r, at, "found \"%.40s\", of \"%s\" expected%s%s%s", word.p, alert_kind_name(p->to->kind).p,
                       may & SCOPE_AGENT ? " agent" : "", may & SCOPE_TEAM ? " team" : "",
                       may & SCOPE_SITE ? " site" : "");
}

static int read_severity(const struct place *p)
{
    char at[PATH_MAX_N];
    struct str word;
    const cJSON *v = member(p, "severity", at);
    if (reader_text(p->r, at, v, &word))
        return -1;
    for (int s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++)
        if (str_eq(word, alert_severity_name((enum alert_severity)s))) {
            p->to->severity = (enum alert_severity)s;
            return 0;
        }
    return reader_fail(p->r, at, "found \"%.40s\", expected info, warning or critical", word.p);
}

static int read_hears(const struct place *p)
{
    char at[PATH_MAX_N];
    struct texts words;
    const cJSON *v = member(p, "hears", at);
    if (reader_texts(p->r, at, v, &words))
        return -1;
    for (size_t i = 0; i < words.n; i++) {
        uint32_t bit = alert_hears_bit(words.list[i]);
        if (!bit)
            return reader_fail(p->r, at, "found \"%.40s\", expected of agent, lead, payroll, ops", words.list[i].p);
        p->to->hears |= bit;
    }
    return p->to->hears ? 0
                        : reader_fail(p->r, at, "nobody hears of it; name at least one of agent, lead, payroll, ops");
}

static int read_limits(const struct place *p)
{
    const struct range any = {0, VALUE_MAX_MICRO};
    char at[PATH_MAX_N];
    struct alert_rule *to = p->to;
    const cJSON *v = member(p, "raise", at);
    bool needs = to->kind != ALERT_TIER_UP && to->kind != ALERT_TIER_DOWN;
    if ((v || needs) && reader_micro(p->r, at, v, any, &to->raise_micro))
        return -1;
    to->clear_micro = to->raise_micro;
    v = member(p, "clear", at);
    if (!v)
        return 0;
    if (alert_is(to, TRAIT_EVENT))
        return reader_fail(p->r, at, "what happens at once is not over by a limit; take this line out");
    if (reader_micro(p->r, at, v, any, &to->clear_micro))
        return -1;
    bool well = alert_is(to, TRAIT_BELOW) ? to->clear_micro >= to->raise_micro : to->clear_micro <= to->raise_micro;
    return well ? 0
                : reader_fail(p->r, at, "it stands on the bad side of raise; expected %s raise",
                              alert_is(to, TRAIT_BELOW) ? "at least" : "at most");
}

static int read_seconds(const struct place *p, const char *name, int64_t *to_ms)
{
    char at[PATH_MAX_N];
    int64_t s = 0;
    const cJSON *v = member(p, name, at);
    if (v && reader_whole(p->r, at, v, (struct range){0, SECONDS_MAX}, &s))
        return -1;
    *to_ms = s * 1000;
    return 0;
}

static int read_window(const struct place *p)
{
    char at[PATH_MAX_N];
    struct alert_rule *to = p->to;
    const cJSON *v = member(p, "window_min", at);
    if ((v || alert_is(to, TRAIT_WINDOW)) && reader_whole(p->r, at, v, (struct range){5, 60}, &to->window_min))
        return -1;
    if (v && to->window_min != 5 && to->window_min != 15 && to->window_min != 60)
        return reader_fail(p->r, at, "found %lld, expected 5, 15 or 60 minutes", (long long)to->window_min);
    v = member(p, "window_days", at);
    return (v || alert_is(to, TRAIT_DAYS)) && reader_whole(p->r, at, v, (struct range){1, 31}, &to->window_days) ? -1
                                                                                                                 : 0;
}

static int read_rest(const struct place *p)
{
    char at[PATH_MAX_N];
    struct alert_rule *to = p->to;
    to->min_samples = 1;
    const cJSON *v = member(p, "min_samples", at);
    if (v && reader_whole(p->r, at, v, (struct range){1, 1000000}, &to->min_samples))
        return -1;
    v = member(p, "quiet", at);
    if (v && !cJSON_IsBool(v))
        return reader_fail(p->r, at, "found %s, expected true or false", reader_kind(v));
    to->quiet = cJSON_IsTrue(v);
    return read_seconds(p, "for_s", &to->for_ms) || read_seconds(p, "keep_firing_s", &to->keep_firing_ms) ||
                   read_seconds(p, "cooldown_s", &to->cooldown_ms) || read_seconds(p, "repeat_s", &to->repeat_ms) ||
                   read_window(p)
               ? -1
               : 0;
}

static int read_rule(const struct place *p)
{
    static const char *const known[] = {"name",       "label",    "when",       "scope",       "severity",
                                        "raise",      "clear",    "for_s",      "min_samples", "keep_firing_s",
                                        "cooldown_s", "repeat_s", "window_min", "window_days", "hears",
                                        "quiet",      NULL};
    *p->to = (struct alert_rule){0};
    if (reader_known(p->r, p->path, p->v, known))
        return -1;
    return read_name(p) || read_label(p) || read_kind(p) || read_scope(p) || read_severity(p) || read_limits(p) ||
                   read_hears(p) || read_rest(p)
               ? -1
               : 0;
}

int reader_alerts(const struct reader *r, const cJSON *v, struct rulebook *out)
{
    int n = cJSON_GetArraySize(v);
    if (!cJSON_IsArray(v) || n > ALERTS_MAX)
        return reader_fail(r, "alerts", "found %s, expected a list of at most %d rules", reader_kind(v), ALERTS_MAX);
    out->alerts = arena_alloc(r->arena, ((size_t)n + 1) * sizeof *out->alerts);
    out->alerts_n = 0;
    const cJSON *rule = NULL;
    cJSON_ArrayForEach(rule, v)
    {
        char path[PATH_MAX_N];
        struct alert_rule *to = &out->alerts[out->alerts_n];
        snprintf(path, sizeof path, "alerts[%zu]", out->alerts_n);
        if (read_rule(&(struct place){r, path, rule, to}))
            return -1;
        for (size_t i = 0; i < out->alerts_n; i++)
            if (str_eq(out->alerts[i].name, to->name))
                return reader_fail(r, path, "a second rule named \"%.60s\"; give each a name of its own", to->name.p);
        out->alerts_n++;
    }
    return 0;
}
