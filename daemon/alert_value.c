/* What is seen of a subject now: one function a kind of rule. Reads state alone, and is exact: shares and means are of whole
 * numbers, limits are met in millionths. */
#include "kefu/daemon/alert_inside.h"

#include "kefu/base/fix.h"
#include "kefu/rules/score.h"

#define DAY_MS        INT64_C(86400000)
#define SILENT_MAX_MS (7 * DAY_MS) /* a source that was silent for longer is no more */
#define MONTHS_BACK   12
#define GONE_MS       INT64_C(3600000)
#define MS            (FIX_ONE / 1000)

struct look { /* at one subject */
    const struct turn *t;
    struct alert *x;
    const struct alert_rule *r;
    struct alert_seen *seen;
    bool *remember;
};

static const struct site *site_of(const struct look *l)
{
    return l->t->a->o.site;
}

static void see(const struct look *l, int64_t value_micro)
{
    l->seen->known = true;
    l->seen->value_micro = value_micro;
}

struct str alert_team_of(const struct alerts *a, const struct subject *s)
{
    struct agent_now now = {0};
    if (s->of == OF_AGENT && s->agent) {
        site_agent_now(a->o.site, s->agent, &now);
    }
    return s->of == OF_TEAM ? s->id : now.team;
}

/* Calls `each` for the agents of the subject: one, those of a team, or all and nobody. */
static void each_agent(const struct look *l, void (*each)(const struct look *l, uint32_t agent, void *sum), void *sum)
{
    const struct subject *s = &l->x->subject;
    if (s->of == OF_AGENT) {
        each(l, s->agent, sum);
        return;
    }
    for (uint32_t agent = s->of == OF_SITE ? 0 : 1; agent <= site_agents_n(site_of(l)); agent++) {
        struct agent_now now;
        site_agent_now(site_of(l), agent, &now);
        if (s->of == OF_SITE || str_eq(now.team, s->id)) {
            each(l, agent, sum);
        }
    }
}

/* --- now ---------------------------------------------------------------------------------------------------------- */

/* The earliest instant from which on less than GONE_MS of working time has passed: between `gone`, which is too early, and now.
 * It is the same for all agents, and kept for the turn. */
static int64_t not_gone_from(struct alerts *a, int64_t gone, int64_t now_ms)
{
    const struct site *s = a->o.site;
    int64_t near = now_ms;
    if (a->waited_for.now_ms == now_ms) {
        return a->waited_for.from_ms;
    }
    while (near - gone > 1) {
        int64_t middle = gone + (near - gone) / 2;
        if (site_worked(s, middle, now_ms) < GONE_MS) {
            near = middle;
        } else {
            gone = middle;
        }
    }
    a->waited_for.now_ms = now_ms;
    a->waited_for.from_ms = near;
    return near;
}

/* Since when the customer waits who has waited longest, of those that are still waited for: after an hour of working time
 * the customer has gone, the wait is a miss, and must not hide those who came later. INT64_MAX: nobody. */
static int64_t waits_since(struct alerts *a, uint32_t agent, int64_t now_ms)
{
    struct site *s = a->o.site;
    struct agent_now now;
    site_agent_now(s, agent, &now);
    if (!now.waiting_n || site_worked(s, now.oldest_wait_at, now_ms) < GONE_MS) {
        return now.oldest_wait_at;
    }
    return site_wait_since(s, agent, not_gone_from(a, now.oldest_wait_at, now_ms));
}

int64_t alert_wait_reaches(const struct turn *t, const struct alert *x)
{
    const struct site *s = t->a->o.site;
    int64_t since_ms = waits_since(t->a, x->subject.agent, t->now_ms);
    int64_t at_ms = since_ms == INT64_MAX ? INT64_MAX : site_after(s, since_ms, x->rule->raise_micro / MS);
    return at_ms > t->now_ms ? at_ms : INT64_MAX;
}

static void look_wait(const struct look *l)
{
    int64_t since_ms = waits_since(l->t->a, l->x->subject.agent, l->t->now_ms);
    if (since_ms != INT64_MAX) {
        see(l, site_worked(site_of(l), since_ms, l->t->now_ms) * MS);
    }
}

static void look_open(const struct look *l)
{
    struct agent_now now;
    site_agent_now(site_of(l), l->x->subject.agent, &now);
    see(l, now.open_n * FIX_ONE);
}

static void look_away(const struct look *l)
{
    struct agent_now now;
    site_agent_now(site_of(l), l->x->subject.agent, &now);
    bool away = now.status == STATUS_AWAY || now.status == STATUS_OFFLINE;
    int64_t since_ms = away ? waits_since(l->t->a, l->x->subject.agent, l->t->now_ms) : INT64_MAX;
    since_ms = now.status_at > since_ms ? now.status_at : since_ms;
    if (l->t->now_ms > since_ms) {
        see(l, (l->t->now_ms - since_ms) * MS);
    }
}

/* --- windows ------------------------------------------------------------------------------------------------------ */

static void add_window(const struct look *l, uint32_t agent, void *sum)
{
    struct window_sums *all = sum, w;
    window_sums(site_window(site_of(l), agent), l->t->now_ms, l->r->window_min, &w);
    all->answered += w.answered;
    all->within += w.within;
    all->missed += w.missed;
    all->response_sum_ms += w.response_sum_ms;
}

static void look_response(const struct look *l)
{
    struct window_sums w = {0};
    each_agent(l, add_window, &w);
    if (w.answered >= l->r->min_samples) {
        see(l, fix_div_round((__int128)w.response_sum_ms * MS, w.answered));
    }
}

static void look_within(const struct look *l)
{
    struct window_sums w = {0};
    each_agent(l, add_window, &w);
    int64_t turns = w.answered + w.missed;
    if (turns >= l->r->min_samples) {
        see(l, fix_div_round((__int128)w.within * FIX_ONE, turns));
    }
}

/* --- ratings ------------------------------------------------------------------------------------------------------ */

/* Those of today and yesterday are counted against what was counted before: one that is new happened, one that was taken
 * back makes room for another. */
static void look_rating(const struct look *l)
{
    struct alert_memory *m = &l->x->work;
    const struct window *w = site_window(site_of(l), l->x->subject.agent);
    int32_t today = tz_day(l->t->a->o.tz, l->t->now_ms);
    uint32_t counted[2] = {today == m->day ? m->counted[0] : 0, today == m->day       ? m->counted[1]
                                                                : today == m->day + 1 ? m->counted[0]
                                                                                      : 0};
    for (int back = 0; back < 2; back++) {
        uint32_t n = window_ratings(w, today - back, l->r->raise_micro / 1000);
        l->seen->happened |= n > counted[back];
        counted[back] = n;
    }
    bool any = counted[0] || counted[1] || m->counted[0] || m->counted[1];
    bool changed = today != m->day || counted[0] != m->counted[0] || counted[1] != m->counted[1];
    if (any && changed) {
        *l->remember = true;
        m->day = today;
        m->counted[0] = counted[0];
        m->counted[1] = counted[1];
    }
    if (l->seen->happened) {
        l->seen->value_micro = l->r->raise_micro;
    }
}

static void add_ratings(const struct look *l, uint32_t agent, void *sum)
{
    struct figures *all = sum;
    int32_t today = tz_day(l->t->a->o.tz, l->t->now_ms);
    for (int32_t day = today - (int32_t)l->r->window_days + 1; day <= today; day++) {
        const struct figures *f = site_figures(site_of(l), agent, PERIOD_DAY, day);
        if (f) {
            figures_add(all, f, 1);
        }
    }
}

static void look_rating_mean(const struct look *l)
{
    struct figures f = {0};
    each_agent(l, add_ratings, &f);
    if (f.rating_n >= l->r->min_samples) {
        see(l, fix_div_round((__int128)f.rating_sum * MS, f.rating_n));
    }
}

/* --- months ------------------------------------------------------------------------------------------------------- */

static void score_of(const struct look *l, int32_t month, const struct figures *f, struct score *out)
{
    const struct rulebook *b = rulebooks_for_day(l->t->a->o.rulebooks, civil_month_first(month));
    score_month(b, f, site_had_orders(site_of(l), PERIOD_MONTH, month), out);
}

/* Shares and means stay as they are; what is counted grows with the days. */
static void look_projected(const struct look *l)
{
    const struct tz *tz = l->t->a->o.tz;
    int32_t month = civil_month(tz_day(tz, l->t->now_ms));
    int64_t from_ms = tz_at(tz, civil_month_first(month), 0), to_ms = tz_at(tz, civil_month_first(month + 1), 0);
    const struct figures *f = site_figures(site_of(l), l->x->subject.agent, PERIOD_MONTH, month);
    if (!f || f->handled < l->r->min_samples || l->t->now_ms <= from_ms) {
        return;
    }
    struct figures whole = *f;
    struct score score;
    whole.cross = fix_div_round((__int128)f->cross * (to_ms - from_ms), l->t->now_ms - from_ms);
    score_of(l, month, &whole, &score);
    if (score.total_milli != SCORE_NONE && score.tier >= 0) {
        see(l, score.total_milli * MS);
    }
}

static void look_unqualified(const struct look *l)
{
    int32_t month = civil_month(tz_day(l->t->a->o.tz, l->t->now_ms));
    int64_t n = 0;
    for (; n < MONTHS_BACK; n++) {
        int32_t at = month - 1 - (int32_t)n;
        const struct figures *f = site_figures(site_of(l), l->x->subject.agent, PERIOD_MONTH, at);
        const struct rulebook *b = rulebooks_for_day(l->t->a->o.rulebooks, civil_month_first(at));
        struct score score = {.tier = -1};
        if (f) {
            score_of(l, at, f, &score);
        }
        if (score.tier < 0 || (size_t)score.tier + 1 < b->tiers_n) {
            break;
        }
    }
    see(l, n * FIX_ONE);
}

/* --- the house ---------------------------------------------------------------------------------------------------- */

bool alert_source_last(const struct alerts *a, const struct alert_rule *r, struct str source, int64_t now_ms,
                       int64_t *last_ms)
{
    const struct sources *all = a->o.sources;
    for (size_t i = 0; all && i < sources_n(all); i++) {
        struct source_count c = sources_at(all, i);
        if (str_eq(c.source, source)) {
            *last_ms = c.last_ts;
            return c.last_ts > now_ms - SILENT_MAX_MS && c.events_n >= (uint64_t)r->min_samples;
        }
    }
    return false;
}

static bool find_feed(const struct look *l, struct alerts_feed *out)
{
    const struct alerts *a = l->t->a;
    for (size_t i = 0; i < a->own.feeds_n; i++) {
        a->own.feed(a->o.own_arg, i, out);
        if (str_eq(out->name, l->x->subject.id)) {
            return true;
        }
    }
    return false;
}

/* Who says nothing in a house that never closes may rest; whom we cannot ask fails at any hour. */
static void look_source(const struct look *l)
{
    struct alerts_feed f = {.heard_ms = INT64_MIN, .failing_since_ms = INT64_MAX};
    int64_t last_ms = INT64_MIN;
    bool sends = alert_source_last(l->t->a, l->r, l->x->subject.id, l->t->now_ms, &last_ms);
    bool fails = find_feed(l, &f) && f.failing_since_ms < l->t->now_ms;
    last_ms = f.heard_ms > last_ms ? f.heard_ms : last_ms;
    last_ms = fails && f.failing_since_ms > last_ms ? f.failing_since_ms : last_ms;
    if (fails || (sends && site_has_hours(site_of(l)))) {
        see(l, site_worked(site_of(l), last_ms, l->t->now_ms) * MS);
    }
}

static void look_lost(const struct look *l)
{
    struct alerts_feed f;
    struct alert_memory *m = &l->x->work;
    if (!find_feed(l, &f)) {
        return;
    }
    int64_t more = f.lost_n > m->lost_n ? (int64_t)(f.lost_n - m->lost_n) * FIX_ONE : 0;
    if (alert_is_raised(l->x) || !more || more < l->r->raise_micro) {
        m->lost_n =
            f.lost_n < m->lost_n ? 0 : m->lost_n; /* a collector that was taken off and came again counts anew */
        return;
    }
    m->lost_n = f.lost_n;
    l->seen->happened = true;
    l->seen->value_micro = more;
}

static void look_quarantine(const struct look *l)
{
    const struct quarantine *q = l->t->a->o.quarantine ? *l->t->a->o.quarantine : NULL;
    int64_t n = 0;
    for (size_t i = q ? quarantine_n(q) : 0; i-- > 0; n++) {
        if (quarantine_at(q, i)->at_ms < l->t->now_ms - l->r->window_min * 60000) {
            break;
        }
    }
    see(l, n * FIX_ONE);
}

static void look_redis(const struct look *l)
{
    see(l, l->t->a->own.redis_away_ms * MS);
}

static void look_channel(const struct look *l)
{
    const struct channels *all = l->t->a->o.channels;
    for (size_t i = 0; all && i < all->n; i++) {
        if (str_eq(all->list[i].name, l->x->subject.id)) {
            see(l, l->t->a->own.stuck_ms[i] * MS);
        }
    }
}

void alert_look(const struct turn *t, struct alert *x, struct alert_seen *seen, bool *remember)
{
    static void (*const looks[ALERT_KINDS_N])(const struct look *) = {
        [ALERT_WAIT] = look_wait,
        [ALERT_RESPONSE_MEAN] = look_response,
        [ALERT_WITHIN_SHARE] = look_within,
        [ALERT_OPEN] = look_open,
        [ALERT_RATING] = look_rating,
        [ALERT_RATING_MEAN] = look_rating_mean,
        [ALERT_PROJECTED_SCORE] = look_projected,
        [ALERT_UNQUALIFIED_MONTHS] = look_unqualified,
        [ALERT_AWAY] = look_away,
        [ALERT_SOURCE_SILENT] = look_source,
        [ALERT_SOURCE_LOST] = look_lost,
        [ALERT_QUARANTINE] = look_quarantine,
        [ALERT_REDIS] = look_redis,
        [ALERT_CHANNEL] = look_channel,
    };
    *seen = (struct alert_seen){0};
    if (looks[x->rule->kind]) {
        looks[x->rule->kind](&(struct look){t, x, x->rule, seen, remember});
    }
}
