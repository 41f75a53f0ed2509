/* What is shown of agents and teams live. Figures come from the site, the live tier from the rules' durable memory. */
#include "kefu/daemon/show_agent.h"

#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/show.h"
#include "kefu/rules/score.h"

#define WAITS_SHOWN 20
#define OVER_SHOWN  50
#define WAITS_LOOK  200 /* of an agent, when those over the target are gathered */

static const char *status_word(enum event_how status)
{
    switch (status) {
    case STATUS_ONLINE: return "\"online\"";
    case STATUS_BUSY: return "\"busy\"";
    case STATUS_AWAY: return "\"away\"";
    case STATUS_OFFLINE: return "\"offline\"";
    default: return "null";
    }
}

static void show_wait(struct buf *out, const struct daemon *d, const struct site_wait *w)
{
    show_conversation(out, d->settings->config.conversation_url, w->conversation);
    buf_put_byte(out, ',');
    show_time(out, "since", w->since);
    buf_put_byte(out, ',');
    show_time(out, "held_since", w->held_since);
    buf_put_byte(out, ',');
    show_time(out, "due", w->due);
    buf_put_byte(out, ',');
    show_time(out, "abandon", w->abandon);
}

static void show_waits(struct buf *out, const struct daemon *d, uint32_t agent)
{
    struct site_wait waits[WAITS_SHOWN];
    size_t n = site_waits(d->site, agent, waits, WAITS_SHOWN);
    buf_put_str(out, STR_LIT("\"waits\":["));
    for (size_t i = 0; i < n; i++) {
        buf_put_str(out, i ? STR_LIT(",{") : STR_LIT("{"));
        show_wait(out, d, &waits[i]);
        buf_put_byte(out, '}');
    }
    buf_put_byte(out, ']');
}

static void show_today(struct buf *out, const struct daemon *d, uint32_t agent, int32_t day)
{
    static const struct figures none;
    char text[16];
    const struct figures *f = site_figures(d->site, agent, PERIOD_DAY, day);
    civil_print_day(text, sizeof(text), day);
    buf_printf(out, "\"today\":{\"day\":\"%s\",\"figures\":", text);
    show_figures(out, f ? f : &none);
    buf_put_str(out, STR_LIT(",\"responses\":"));
    show_responses(out, site_responses(d->site, agent, PERIOD_DAY, day));
    buf_put_byte(out, '}');
}

static const struct tier *tier_named(const struct rulebook *r, struct str name)
{
    for (size_t i = 0; name.n && i < r->tiers_n; i++) {
        if (str_eq(r->tiers[i].name, name)) {
            return &r->tiers[i];
        }
    }
    return NULL;
}

static void show_month(struct buf *out, const struct daemon *d, uint32_t agent, const struct agent_view *v)
{
    char text[16];
    civil_print_month(text, sizeof(text), v->month);
    buf_printf(out, "\"month\":{\"month\":\"%s\",\"figures\":", text);
    show_figures(out, &v->month_to_date);
    buf_put_str(out, STR_LIT(",\"score\":"));
    show_score(out, &(struct show_scored){v->rulebook, &v->month_to_date,
                                          site_had_orders(d->site, PERIOD_MONTH, v->month), &v->score});
    buf_put_str(out, STR_LIT(",\"responses\":"));
    show_responses(out, site_responses(d->site, agent, PERIOD_MONTH, v->month));
    buf_put_str(out, STR_LIT(",\"live_tier\":"));
    show_tier(out, tier_named(v->rulebook, v->live_tier));
    buf_printf(out, ",\"provisional\":%s}", v->provisional ? "true" : "false");
}

static void show_person(struct buf *out, const struct daemon *d, uint32_t agent, const struct agent_now *now)
{
    buf_put_str(out, STR_LIT("\"agent\":"));
    buf_put_json(out, site_agent_id(d->site, agent));
    buf_put_str(out, STR_LIT(",\"name\":"));
    show_text(out, now->name);
    buf_put_str(out, STR_LIT(",\"team\":"));
    show_text(out, now->team);
    buf_printf(out, ",\"status\":%s", status_word(now->status));
}

void show_agent_row(struct buf *out, struct daemon *d, uint32_t agent, uint64_t seq)
{
    struct agent_now now;
    struct agent_view v;
    int32_t day = tz_day(d->settings->tz, site_as_of(d->site));
    site_agent_now(d->site, agent, &now);
    pipeline_view(d->pipeline, agent, &v);
    buf_put_byte(out, '{');
    show_person(out, d, agent, &now);
    buf_printf(out, ",\"seq\":%" PRIu64 ",\"open\":%" PRId64 ",\"waiting\":%" PRId64 ",", seq, now.open_n,
               now.waiting_n);
    show_waits(out, d, agent);
    buf_printf(out, ",\"target_ms\":%" PRId64 ",", rulebooks_for_day(&d->settings->rulebooks, day)->response_target_ms);
    show_today(out, d, agent, day);
    buf_put_byte(out, ',');
    show_month(out, d, agent, &v);
    buf_put_byte(out, '}');
}

void show_agent_brief(struct buf *out, struct daemon *d, uint32_t agent)
{
    struct agent_now now;
    struct agent_view v;
    site_agent_now(d->site, agent, &now);
    pipeline_view(d->pipeline, agent, &v);
    buf_put_byte(out, '{');
    show_person(out, d, agent, &now);
    buf_put_str(out, STR_LIT(",\"total_milli\":"));
    show_number(out, v.score.total_milli);
    buf_put_str(out, STR_LIT(",\"total\":"));
    show_cut(out, v.score.total_milli);
    buf_put_str(out, STR_LIT(",\"tier\":"));
    show_tier(out, tier_of(v.rulebook, v.score.tier));
    buf_printf(out, ",\"provisional\":%s}", v.provisional ? "true" : "false");
}

/* --- teams -------------------------------------------------------------------------------------------------------- */

static struct str team_of(const struct daemon *d, uint32_t agent)
{
    struct agent_now now;
    site_agent_now(d->site, agent, &now);
    return now.team;
}

static int by_id(const void *a, const void *b, void *site)
{
    return str_cmp(site_agent_id(site, *(const uint32_t *)a), site_agent_id(site, *(const uint32_t *)b));
}

uint32_t *team_members(struct daemon *d, struct str team, size_t *n)
{
    uint32_t *list = NULL;
    size_t cap = 0;
    *n = 0;
    for (uint32_t a = 1; team.n && a <= site_agents_n(d->site); a++) {
        if (str_eq(team_of(d, a), team)) {
            xgrow(&list, &cap, *n + 1, sizeof(*list));
            list[(*n)++] = a;
        }
    }
    if (list) {
        qsort_r(list, *n, sizeof(*list), by_id, d->site);
    }
    return list;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

struct str *team_names(struct daemon *d, size_t *n)
{
    struct str *list = xcalloc(site_agents_n(d->site) + (size_t)1, sizeof(*list));
    size_t all_n = 0;
    for (uint32_t a = 1; a <= site_agents_n(d->site); a++) {
        struct str team = team_of(d, a);
        if (team.n) {
            list[all_n++] = team;
        }
    }
    qsort(list, all_n, sizeof(*list), by_name);
    *n = 0;
    for (size_t i = 0; i < all_n; i++) {
        if (*n == 0 || !str_eq(list[*n - 1], list[i])) {
            list[(*n)++] = list[i];
        }
    }
    return list;
}

struct over {
    uint32_t agent;
    struct site_wait wait;
};

/* A team added up. */
struct sum {
    int64_t online_n, open_n, waiting_n, over_n, oldest_at, next_due;
    struct over *over; /* owned */
    size_t over_listed_n, over_cap;
    struct hist responses;
};

static int by_due(const void *a, const void *b)
{
    int64_t x = ((const struct over *)a)->wait.due, y = ((const struct over *)b)->wait.due;
    return (x > y) - (x < y);
}

static void add_waits(struct sum *s, const struct daemon *d, uint32_t agent)
{
    struct site_wait waits[WAITS_LOOK];
    size_t n = site_waits(d->site, agent, waits, WAITS_LOOK);
    for (size_t i = 0; i < n; i++) {
        if (waits[i].due > site_as_of(d->site)) {
            s->next_due = waits[i].due < s->next_due ? waits[i].due : s->next_due;
            continue;
        }
        xgrow(&s->over, &s->over_cap, s->over_listed_n + 1, sizeof(*s->over));
        s->over[s->over_listed_n++] = (struct over){agent, waits[i]};
        s->over_n++;
    }
}

static void add_up(struct sum *s, const struct daemon *d, const uint32_t *members, size_t n)
{
    int32_t day = tz_day(d->settings->tz, site_as_of(d->site));
    *s = (struct sum){.oldest_at = INT64_MAX, .next_due = INT64_MAX};
    for (size_t i = 0; i < n; i++) {
        struct agent_now now;
        const struct hist *h = site_responses(d->site, members[i], PERIOD_DAY, day);
        site_agent_now(d->site, members[i], &now);
        s->online_n += now.status == STATUS_ONLINE || now.status == STATUS_BUSY;
        s->open_n += now.open_n;
        s->waiting_n += now.waiting_n;
        s->oldest_at = now.waiting_n && now.oldest_wait_at < s->oldest_at ? now.oldest_wait_at : s->oldest_at;
        if (now.waiting_n) {
            add_waits(s, d, members[i]);
        }
        if (h) {
            hist_merge(&s->responses, h);
        }
    }
    if (s->over) {
        qsort(s->over, s->over_listed_n, sizeof(*s->over), by_due);
    }
}

static void sum_fini(struct sum *s)
{
    free(s->over);
    hist_fini(&s->responses);
}

static void show_sum(struct buf *out, const struct sum *s, struct str team, size_t agents_n)
{
    buf_put_str(out, STR_LIT("{\"team\":"));
    buf_put_json(out, team);
    buf_printf(out,
               ",\"agents_n\":%zu,\"online_n\":%" PRId64 ",\"open\":%" PRId64 ",\"waiting\":%" PRId64
               ",\"over\":%" PRId64 ",",
               agents_n, s->online_n, s->open_n, s->waiting_n, s->over_n);
    show_time(out, "oldest_wait", s->oldest_at);
    buf_put_byte(out, '}');
}

void show_team_brief(struct buf *out, struct daemon *d, struct str team)
{
    struct sum s;
    size_t n;
    uint32_t *members = team_members(d, team, &n);
    add_up(&s, d, members, n);
    show_sum(out, &s, team, n);
    sum_fini(&s);
    free(members);
}

int64_t show_team_top(struct buf *out, struct daemon *d, struct str team, const uint32_t *members, size_t n)
{
    struct sum s;
    add_up(&s, d, members, n);
    buf_put_str(out, STR_LIT("\"summary\":"));
    show_sum(out, &s, team, n);
    buf_put_str(out, STR_LIT(",\"over\":["));
    for (size_t i = 0; i < s.over_listed_n && i < OVER_SHOWN; i++) {
        buf_put_str(out, i ? STR_LIT(",{\"agent\":") : STR_LIT("{\"agent\":"));
        buf_put_json(out, site_agent_id(d->site, s.over[i].agent));
        buf_put_byte(out, ',');
        show_wait(out, d, &s.over[i].wait);
        buf_put_byte(out, '}');
    }
    buf_put_str(out, STR_LIT("],\"responses\":"));
    show_responses(out, &s.responses);
    int64_t next_due = s.next_due;
    sum_fini(&s);
    return next_due;
}
