/* Open boards and what they have been sent.
 *
 * It keeps true that a board's `sent` says all it knows: whatever has a higher number is sent with the next event, so that a
 * client that comes back with Last-Event-ID misses nothing and is sent nothing twice. A look at who may still see it comes before
 * anything is sent after a token or session has gone or an agent has left a team, and within a second. */
#include "kefu/daemon/live_inside.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fix.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/explain.h"
#include "kefu/daemon/session.h"
#include "kefu/daemon/show.h"
#include "kefu/daemon/show_agent.h"

#define TICK_MS        100 /* between two rounds of pushes */
#define BEAT_MS        15000
#define CARE_MS        1000 /* between two looks at all boards */
#define BEHIND_MS      30000
#define RIGHTS_MS      15000 /* between two looks at who may see what, when no token or session has gone */
#define BOARDS_A_TOKEN 64
#define SEQ_A_MS       1000

int64_t live_mono_ms(const struct live *l)
{
    return clock_mono_ms(&l->d->clock);
}

static void arm(struct event *timer, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &tv);
}

void live_want_tick(struct live *l)
{
    if (l->armed || !l->boards) {
        return;
    }
    int64_t since_ms = live_mono_ms(l) - l->ticked_ms;
    l->armed = true;
    arm(l->tick_timer, since_ms >= TICK_MS ? 0 : TICK_MS - since_ms);
}

/* --- what there is to look at ------------------------------------------------------------------------------------- */

static uint32_t team_find(const struct live *l, struct str name)
{
    for (size_t i = 0; i < l->teams_n; i++) {
        if (str_eq(l->teams[i].name, name)) {
            return (uint32_t)i + 1;
        }
    }
    return 0;
}

static uint32_t team_get(struct live *l, struct str name)
{
    uint32_t team = name.n ? team_find(l, name) : 0;
    if (team || !name.n) {
        return team;
    }
    xgrow(&l->teams, &l->teams_cap, l->teams_n + 1, sizeof(*l->teams));
    l->teams[l->teams_n] = (struct topic_team){.name = {xstrndup(name.p, name.n), name.n},
                                               .changed = l->seq,
                                               .members_changed = l->seq,
                                               .next_due = INT64_MAX};
    return (uint32_t)++l->teams_n;
}

struct topic_agent *live_agent(struct live *l, uint32_t agent)
{
    xgrow(&l->agents, &l->agents_cap, (size_t)agent + 1, sizeof(*l->agents));
    while (l->agents_n <= agent) {
        l->agents[l->agents_n++] = (struct topic_agent){.changed = l->seq};
    }
    return &l->agents[agent];
}

static void team_moved(struct live *l, uint32_t team, bool members)
{
    if (!team) {
        return;
    }
    l->teams[team - 1].changed = l->seq;
    if (members) {
        l->teams[team - 1].members_changed = l->seq;
    }
}

void live_changed(struct live *l, uint32_t agent)
{
    struct agent_now now;
    struct topic_agent *a = live_agent(l, agent);
    site_agent_now(l->d->site, agent, &now);
    uint32_t team = a->team && str_eq(l->teams[a->team - 1].name, now.team) ? a->team : team_get(l, now.team);
    bool moved = team != a->team;
    a->changed = ++l->seq;
    if (moved) {
        team_moved(l, a->team, true);
        l->moved_n += a->team != 0;
    }
    a->team = team;
    team_moved(l, team, moved);
    live_want_tick(l);
}

uint64_t live_team_seq(struct live *l, struct str team)
{
    uint32_t t = team_find(l, team);
    return t ? l->teams[t - 1].changed : l->seq;
}

uint64_t live_agent_seq(struct live *l, uint32_t agent)
{
    return live_agent(l, agent)->changed;
}

void live_heat(struct live *l, struct str team, struct str json)
{
    uint32_t t = team_get(l, team);
    if (!t) {
        return;
    }
    l->teams[t - 1].heat.n = 0;
    buf_put_str(&l->teams[t - 1].heat, json);
    l->seq++;
    team_moved(l, t, false);
    live_want_tick(l);
}

struct str live_heat_of(struct live *l, struct str team)
{
    uint32_t t = team_find(l, team);
    return t && l->teams[t - 1].heat.n ? buf_str(&l->teams[t - 1].heat) : STR_LIT("null");
}

bool live_any_team(const struct live *l)
{
    for (const struct board *b = l->boards; b; b = b->next) {
        if (b->team) {
            return true;
        }
    }
    return false;
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static struct str fresh_row(struct live *l, uint32_t agent)
{
    struct topic_agent *a = live_agent(l, agent);
    if (a->tick != l->tick) {
        a->row.n = 0;
        show_agent_row(&a->row, l->d, agent, a->changed);
        a->tick = l->tick;
    }
    return buf_str(&a->row);
}

static void begin_event(struct live *l, const char *name)
{
    l->event.n = 0;
    buf_printf(&l->event, "id: %" PRIu64 "\nevent: %s\ndata: {", l->seq, name);
}

static void put_agent_event(struct live *l, const struct board *b)
{
    begin_event(l, "snapshot");
    show_time(&l->event, "as_of", site_as_of(l->d->site));
    buf_put_str(&l->event, STR_LIT(",\"agent\":"));
    buf_put_str(&l->event, fresh_row(l, b->agent));
}

static void put_rows(struct live *l, const uint32_t *members, size_t n, uint64_t after)
{
    bool any = false;
    buf_put_str(&l->event, STR_LIT(",\"agents\":["));
    for (size_t i = 0; i < n; i++) {
        if (live_agent(l, members[i])->changed <= after) {
            continue;
        }
        if (any) {
            buf_put_byte(&l->event, ',');
        }
        buf_put_str(&l->event, fresh_row(l, members[i]));
        any = true;
    }
    buf_put_byte(&l->event, ']');
}

static void put_team_event(struct live *l, const struct board *b)
{
    struct topic_team *t = &l->teams[b->team - 1];
    bool whole = b->sent < t->members_changed;
    size_t n;
    uint32_t *members = team_members(l->d, t->name, &n);
    begin_event(l, whole ? "snapshot" : "change");
    buf_put_str(&l->event, STR_LIT("\"team\":"));
    buf_put_json(&l->event, t->name);
    buf_put_byte(&l->event, ',');
    show_time(&l->event, "as_of", site_as_of(l->d->site));
    buf_printf(&l->event, ",\"seq\":%" PRIu64 ",", l->seq);
    t->next_due = show_team_top(&l->event, l->d, t->name, members, n);
    buf_put_str(&l->event, STR_LIT(",\"heat\":"));
    buf_put_str(&l->event, live_heat_of(l, t->name));
    put_rows(l, members, n, whole ? 0 : b->sent);
    if (!whole) {
        buf_put_str(&l->event, STR_LIT(",\"gone\":[]"));
    }
    free(members);
}

void live_write(struct board *b)
{
    struct live *l = b->live;
    http_stream_write(b->stream, buf_str(&l->event));
    l->counts.pushes_n++;
    l->counts.bytes_n += l->event.n;
    b->written_ms = live_mono_ms(l);
}

static void write_event(struct board *b)
{
    buf_put_str(&b->live->event, STR_LIT("}\n\n"));
    live_write(b);
    b->sent = b->live->seq;
    b->pushed_ms = b->written_ms;
}

static void push(struct board *b)
{
    if (b->agent) {
        put_agent_event(b->live, b);
    } else {
        put_team_event(b->live, b);
    }
    write_event(b);
}

static bool has_news(struct live *l, const struct board *b)
{
    if (!b->agent && !b->team) {
        return false;
    }
    return (b->agent ? live_agent(l, b->agent)->changed : l->teams[b->team - 1].changed) > b->sent;
}

bool live_is_reading(struct board *b, int64_t mono_ms)
{
    if (http_stream_behind(b->stream) == 0) {
        b->behind_ms = INT64_MAX;
        return true;
    }
    b->behind_ms = b->behind_ms == INT64_MAX ? mono_ms : b->behind_ms;
    return false;
}

/* --- boards ------------------------------------------------------------------------------------------------------- */

static void board_free(struct board *b)
{
    struct live *l = b->live;
    if (b->prev) {
        b->prev->next = b->next;
    } else {
        l->boards = b->next;
    }
    if (b->next) {
        b->next->prev = b->prev;
    }
    l->counts.boards_n--;
    free(b);
}

static void on_gone(void *arg)
{
    board_free(arg);
}

static void bye(struct board *b, const char *why)
{
    struct buf text = {0};
    buf_printf(&text, "event: bye\ndata: {\"why\":\"%s\"}\n\n", why);
    http_stream_write(b->stream, buf_str(&text));
    http_stream_end(b->stream);
    buf_fini(&text);
    board_free(b);
}

static bool is_lost(const struct board *b, int64_t mono_ms)
{
    return b->behind_ms != INT64_MAX && mono_ms - b->behind_ms >= BEHIND_MS;
}

/* May the one who opened it still see it? */
static bool may_still(struct live *l, const struct board *b)
{
    struct who w;
    struct agent_now now = {0};
    if (!who_still(l->d, &b->who, &w)) {
        return false;
    }
    if (!b->agent && !b->team) {
        return rights_reach(w.caller.role, PART_ALERTS) != REACH_NONE;
    }
    if (!b->agent) {
        return rights_may(&w.caller, PART_TEAMS, &(struct about){.team = l->teams[b->team - 1].name});
    }
    site_agent_now(l->d->site, b->agent, &now);
    return rights_may(&w.caller, PART_AGENTS, &(struct about){site_agent_id(l->d->site, b->agent), now.team});
}

static void turn_day(struct live *l)
{
    int32_t day = tz_day(l->d->settings->tz, site_as_of(l->d->site));
    if (day == l->day) {
        return;
    }
    l->day = day;
    for (uint32_t a = 1; a <= site_agents_n(l->d->site); a++) {
        live_changed(l, a);
    }
}

static void look_for_due(struct live *l)
{
    for (size_t i = 0; i < l->teams_n; i++) {
        if (l->teams[i].next_due <= site_as_of(l->d->site)) {
            l->teams[i].next_due = INT64_MAX;
            l->seq++;
            team_moved(l, (uint32_t)i + 1, false);
        }
    }
}

/* Is it time to look again at who may see what? Tokens and sessions that go and agents that move are seen at once; what ends by
 * time, soon. */
static bool rights_are_due(struct live *l, int64_t mono_ms)
{
    uint64_t gone_n = l->d->tokens_changed_n + sessions_closed_n(l->d->sessions) + l->moved_n;
    if (gone_n == l->gone_n && mono_ms - l->rights_ms < RIGHTS_MS) {
        return false;
    }
    l->gone_n = gone_n;
    l->rights_ms = mono_ms;
    return true;
}

/* Ends the board of one who may not see it any more. True: it is gone. */
static bool ends_forbidden(struct board *b, bool look)
{
    if (!look || may_still(b->live, b)) {
        return false;
    }
    bye(b, "session");
    return true;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct live *l = arg;
    int64_t mono_ms = live_mono_ms(l);
    bool more = false;
    (void)fd;
    (void)what;
    l->armed = false;
    l->ticked_ms = mono_ms;
    l->tick++;
    bool look = rights_are_due(l, mono_ms);
    for (struct board *b = l->boards, *next; b; b = next) {
        next = b->next;
        if (ends_forbidden(b, look)) {
            continue;
        }
        more |= live_push_alerts(b, mono_ms);
        if (!has_news(l, b)) {
            continue;
        }
        if (mono_ms - b->pushed_ms < LIVE_PUSH_MS) {
            more = true;
        } else if (live_is_reading(b, mono_ms)) {
            push(b);
        } else {
            l->counts.skipped_n++; /* the next look at all boards tries again */
        }
    }
    if (more) {
        live_want_tick(l);
    }
}

static void care_for(struct live *l, struct board *b, bool look, int64_t mono_ms)
{
    if (ends_forbidden(b, look)) {
        return;
    }
    if (!live_is_reading(b, mono_ms)) {
        if (is_lost(b, mono_ms)) {
            l->counts.cut_n++;
            http_stream_cut(b->stream);
            board_free(b);
        }
    } else if (mono_ms - b->written_ms >= BEAT_MS) {
        http_stream_write(b->stream, STR_LIT(": beat\n\n"));
        b->written_ms = mono_ms;
    }
}

static void on_care(evutil_socket_t fd, short what, void *arg)
{
    struct live *l = arg;
    int64_t mono_ms = live_mono_ms(l);
    (void)fd;
    (void)what;
    bool look = rights_are_due(l, mono_ms);
    turn_day(l);
    look_for_due(l);
    live_look_for_silences(l);
    if (live_any_team(l)) {
        explain_want_heat(l->d->explain);
    }
    for (struct board *b = l->boards, *next; b; b = next) {
        next = b->next;
        care_for(l, b, look, mono_ms);
    }
    if (l->boards) {
        live_want_tick(l);
        arm(l->care_timer, CARE_MS);
    }
}

static size_t boards_of_token(const struct live *l, const struct token *t)
{
    size_t n = 0;
    for (const struct board *b = l->boards; b; b = b->next) {
        n += str_eq(str_of(b->who.token), t->id);
    }
    return n;
}

/* What the client says it has; 0: nothing we know. */
static uint64_t has_already(const struct live *l, const struct http_request *r)
{
    struct str id = http_head_find(http_request_head(r), "Last-Event-ID");
    char text[24];
    int64_t n;
    if (!id.n || id.n >= sizeof(text) || fix_parse_whole(id, &n) < 0) {
        return 0;
    }
    return (uint64_t)n >= l->began && (uint64_t)n <= l->seq ? (uint64_t)n : 0;
}

bool live_open(struct live *l, struct http_request *r, const struct live_ask *ask)
{
    if (l->stopping || l->counts.boards_n >= (size_t)l->d->settings->config.boards_max ||
        boards_of_token(l, ask->who->token) >= BOARDS_A_TOKEN) {
        return false;
    }
    struct board *b = xcalloc(1, sizeof(*b));
    *b = (struct board){.live = l, .agent = ask->team.n ? 0 : ask->agent, .behind_ms = INT64_MAX};
    b->team = ask->team.n ? team_get(l, ask->team) : 0;
    b->sent = has_already(l, r);
    b->alerts = ask->alerts;
    b->alerts_seen = UINT64_MAX;
    b->alerts_ms = live_mono_ms(l) - LIVE_PUSH_MS;
    b->self = ask->who->caller.role == ROLE_AGENT ? site_agent_find(l->d->site, ask->who->caller.agent) : 0;
    who_keep(ask->who, &b->who);
    b->stream = http_stream(r, "text/event-stream; charset=utf-8", on_gone, b);
    if (!b->stream) {
        free(b);
        return true;
    }
    http_stream_write(b->stream, STR_LIT("retry: 2000\n\n"));
    if (!l->boards) {
        arm(l->care_timer, CARE_MS);
    }
    b->next = l->boards;
    if (b->next) {
        b->next->prev = b;
    }
    l->boards = b;
    l->counts.boards_n++;
    l->tick++; /* rows made before are perhaps of an earlier as_of */
    if (b->agent || b->team) {
        push(b);
    }
    live_push_alerts(b, live_mono_ms(l));
    return true;
}

/* --- begin and end ------------------------------------------------------------------------------------------------ */

struct live *live_new(struct daemon *d)
{
    struct live *l = xcalloc(1, sizeof(*l));
    l->d = d;
    l->began = l->seq = (uint64_t)clock_wall_ms(&d->clock) * SEQ_A_MS; /* above those of an earlier run, under 2^53 */
    l->ticked_ms = live_mono_ms(l) - TICK_MS;
    l->tick_timer = evtimer_new(d->base, on_tick, l);
    l->care_timer = evtimer_new(d->base, on_care, l);
    for (uint32_t a = 1; a <= site_agents_n(d->site); a++) {
        live_changed(l, a);
    }
    l->day = tz_day(d->settings->tz, site_as_of(d->site));
    return l;
}

void live_stop(struct live *l)
{
    l->stopping = true;
    for (struct board *b = l->boards, *next; b; b = next) {
        next = b->next;
        bye(b, "stopping");
    }
}

void live_free(struct live *l)
{
    if (!l) {
        return;
    }
    for (struct board *b = l->boards, *next; b; b = next) {
        next = b->next;
        http_stream_cut(b->stream);
        board_free(b);
    }
    event_free(l->tick_timer);
    event_free(l->care_timer);
    for (size_t i = 0; i < l->agents_n; i++) {
        buf_fini(&l->agents[i].row);
    }
    for (size_t i = 0; i < l->teams_n; i++) {
        free((void *)(uintptr_t)l->teams[i].name.p);
        buf_fini(&l->teams[i].heat);
    }
    free(l->agents);
    free(l->teams);
    buf_fini(&l->event);
    free(l);
}

void live_counts(const struct live *l, struct live_counts *out)
{
    *out = l->counts;
}
