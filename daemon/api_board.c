/* What is live: one's own page, agents, teams, and the same as streams. */
#include "kefu/daemon/api.h"

#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/explain.h"
#include "kefu/daemon/live.h"
#include "kefu/daemon/show.h"
#include "kefu/daemon/show_agent.h"

#define BUSY_S 5

/* Opens an object with the time; what is behind that tells one answer from another. */
static size_t begin(struct buf *out, const struct daemon *d)
{
    buf_put_byte(out, '{');
    show_time(out, "as_of", site_as_of(d->site));
    return out->n;
}

static void answer_agent(struct call *c, uint32_t agent)
{
    struct buf out = {0};
    size_t tagged = begin(&out, c->d);
    buf_put_str(&out, STR_LIT(",\"agent\":"));
    show_agent_row(&out, c->d, agent, live_agent_seq(c->d->live, agent));
    buf_put_byte(&out, '}');
    call_answer_tagged(c, &out, tagged);
}

/* With ?alerts=1 the list of alerts comes along, to those who have one. */
static void open_live(struct call *c, struct live_ask ask)
{
    ask.who = &c->who;
    ask.alerts = call_query(c, "alerts").n && rights_reach(c->who.caller.role, PART_ALERTS) != REACH_NONE;
    if (!live_open(c->d->live, c->r, &ask)) {
        call_busy(c->r, "too many boards are open", BUSY_S);
    }
}

/* The agent that the caller is. An agent of whom no event has told yet has no page yet. */
static uint32_t myself(struct call *c)
{
    c->args[0] = c->who.caller.agent;
    return call_agent(c);
}

void api_me(struct call *c)
{
    uint32_t agent = myself(c);
    if (agent) {
        answer_agent(c, agent);
    }
}

void api_me_live(struct call *c)
{
    uint32_t agent = myself(c);
    if (agent) {
        open_live(c, (struct live_ask){.agent = agent});
    }
}

void api_agent(struct call *c)
{
    uint32_t agent = call_agent(c);
    if (agent) {
        answer_agent(c, agent);
    }
}

void api_agent_live(struct call *c)
{
    uint32_t agent = call_agent(c);
    if (agent) {
        open_live(c, (struct live_ask){.agent = agent});
    }
}

void api_agents(struct call *c)
{
    struct call_page page;
    struct buf out = {0};
    size_t n;
    if (!call_page(c, &page)) {
        return;
    }
    uint32_t *agents = call_agents(c, &page, call_query(c, "team"), &n);
    buf_put_str(&out, STR_LIT("{\"agents\":["));
    for (size_t i = 0; i < n && i < page.limit; i++) {
        if (i) {
            buf_put_byte(&out, ',');
        }
        show_agent_brief(&out, c->d, agents[i]);
    }
    call_show_next(c, &out, agents, n, page.limit);
    free(agents);
    call_answer_tagged(c, &out, 0);
}

void api_teams(struct call *c)
{
    struct buf out = {0};
    size_t n;
    struct str *teams = team_names(c->d, &n);
    bool any = false;
    buf_put_str(&out, STR_LIT("{\"teams\":["));
    for (size_t i = 0; i < n; i++) {
        if (!call_may_team(c, teams[i])) {
            continue;
        }
        if (any) {
            buf_put_byte(&out, ',');
        }
        show_team_brief(&out, c->d, teams[i]);
        any = true;
    }
    buf_put_str(&out, STR_LIT("]}"));
    free(teams);
    call_answer_tagged(c, &out, 0);
}

/* The members of args[0], a team that the caller may see; NULL: it is answered. */
static uint32_t *members_of(struct call *c, size_t *n)
{
    uint32_t *members = c->args[0].n && call_may_team(c, c->args[0]) ? team_members(c->d, c->args[0], n) : NULL;
    if (!members) {
        call_not_found(c->r);
    }
    return members;
}

void api_team(struct call *c)
{
    struct buf out = {0};
    size_t n;
    uint32_t *members = members_of(c, &n);
    if (!members) {
        return;
    }
    explain_want_heat(c->d->explain);
    size_t tagged = begin(&out, c->d);
    buf_put_str(&out, STR_LIT(",\"team\":"));
    buf_put_json(&out, c->args[0]);
    buf_printf(&out, ",\"seq\":%" PRIu64 ",", live_team_seq(c->d->live, c->args[0]));
    show_team_top(&out, c->d, c->args[0], members, n);
    buf_put_str(&out, STR_LIT(",\"heat\":"));
    buf_put_str(&out, live_heat_of(c->d->live, c->args[0]));
    buf_put_str(&out, STR_LIT(",\"agents\":["));
    for (size_t i = 0; i < n; i++) {
        if (i) {
            buf_put_byte(&out, ',');
        }
        show_agent_row(&out, c->d, members[i], live_agent_seq(c->d->live, members[i]));
    }
    buf_put_str(&out, STR_LIT("]}"));
    free(members);
    call_answer_tagged(c, &out, tagged);
}

void api_team_live(struct call *c)
{
    size_t n;
    uint32_t *members = members_of(c, &n);
    if (members) {
        free(members);
        open_live(c, (struct live_ask){.team = c->args[0]});
    }
}
