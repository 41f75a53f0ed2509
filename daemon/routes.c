/* The table of paths: who answers, and what a caller must be allowed to see. An unknown path is 404 whatever the method, a known
 * one with another method 405 with what is allowed. `*` in a path is one word, handed on unescaped.
 *
 * It keeps true that a handler of /v1/ for people runs only for somebody whose role has some reach into the row's part; whom
 * exactly, the handler asks model/rights.h. Bodies are taken by the few that read one. */
#include "kefu/daemon/routes.h"

#include "kefu/collectors/hook.h"
#include "kefu/collectors/http.h"
#include "kefu/daemon/api.h"
#include "kefu/daemon/assets.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/metrics.h"

/* Of a body that comes with no proof of who sends it; deliveries of events have their own door. */
#define ASK_MAX_BYTES 16384

struct route {
    const char *path;
    const char *method;
    enum part part;                 /* PART_NONE: see `open` */
    bool open;                      /* everybody may call it; else whoever is logged in */
    void (*handle)(struct call *c); /* NULL: the two below */
    int (*admit)(struct daemon *d, struct http_request *r);
    void (*take)(struct daemon *d, struct http_request *r);
};

static int admit_events(struct daemon *d, struct http_request *r)
{
    return http_door_admit(&d->http_door, r);
}

static void handle_events(struct daemon *d, struct http_request *r)
{
    http_door_handle(&d->http_door, r);
}

static int admit_hook(struct daemon *d, struct http_request *r)
{
    return hook_door_admit(collect_door(d->collect), r);
}

static void handle_hook(struct daemon *d, struct http_request *r)
{
    hook_door_handle(collect_door(d->collect), r);
}

static void handle_health(struct call *c)
{
    http_answer(c->r, 200, "text/plain; charset=utf-8", STR_LIT("ok\n"));
}

static void handle_ready(struct call *c)
{
    if (c->d->ready && !c->d->stopping) {
        http_answer(c->r, 200, "text/plain; charset=utf-8", STR_LIT("ready\n"));
    } else {
        http_answer(c->r, 503, "text/plain; charset=utf-8", STR_LIT("not ready\n"));
    }
}

static const struct route routes[] = {
    {"/v1/events", "POST", .open = true, .admit = admit_events, .take = handle_events},
    {HOOK_PATH "*", "POST", .open = true, .admit = admit_hook, .take = handle_hook},
    {HOOK_PATH "*", "GET", .open = true, .admit = admit_hook, .take = handle_hook},
    {"/healthz", "GET", .open = true, .handle = handle_health},
    {"/readyz", "GET", .open = true, .handle = handle_ready},
    {"/metrics", "GET", .open = true, .handle = metrics_answer},
    {"/v1/session", "GET", .handle = api_session},
    {"/v1/session", "POST", .open = true, .handle = api_log_in},
    {"/v1/session", "DELETE", .open = true, .handle = api_log_out},
    {"/v1/me", "GET", PART_ME, .handle = api_me},
    {"/v1/me/live", "GET", PART_ME, .handle = api_me_live},
    {"/v1/agents", "GET", PART_AGENTS, .handle = api_agents},
    {"/v1/agents/*", "GET", PART_AGENTS, .handle = api_agent},
    {"/v1/agents/*/live", "GET", PART_AGENTS, .handle = api_agent_live},
    {"/v1/agents/*/periods/*", "GET", PART_AGENTS, .handle = api_period},
    {"/v1/agents/*/explain/*", "GET", PART_AGENTS, .handle = api_explain},
    {"/v1/agents/*/whatif", "GET", PART_AGENTS, .handle = api_whatif},
    {"/v1/agents/*/pay/*", "GET", PART_PAY, .handle = api_pay},
    {"/v1/agents/*/pay/*/slip", "GET", PART_PAY, .handle = api_slip},
    {"/v1/agents/*/appeals", "POST", PART_APPEALS, .handle = api_appeal_open},
    {"/v1/agents/*/appeals/*", "POST", PART_APPEALS, .handle = api_appeal_decide},
    {"/v1/agents/*/appeals/*/undo", "POST", PART_APPEALS, .handle = api_appeal_undo},
    {"/v1/appeals", "GET", PART_APPEALS, .handle = api_appeals},
    {"/v1/pay/*", "GET", PART_PAYROLL, .handle = api_payroll},
    {"/v1/pay/*/bonus", "GET", PART_PAYROLL, .handle = api_bonus},
    {"/v1/pay/*/perks", "GET", PART_PAYROLL, .handle = api_month_perks},
    {"/v1/pay/*/files/*", "GET", PART_PAYROLL, .handle = api_month_file},
    {"/v1/pay/*/adjustments", "GET", PART_PAYROLL, .handle = api_month_adjustments},
    {"/v1/pay/*/adjustments/*", "POST", PART_PAYROLL, .handle = api_month_adjust},
    {"/v1/pay/*/trail", "GET", PART_PAYROLL, .handle = api_month_trail},
    {"/v1/pay/*/close", "POST", PART_PAYROLL, .handle = api_month_close},
    {"/v1/pay/*/reopen", "POST", PART_PAYROLL, .handle = api_month_reopen},
    {"/v1/backtests", "POST", PART_PAYROLL, .handle = api_backtest_begin},
    {"/v1/backtests/*", "GET", PART_PAYROLL, .handle = api_backtest},
    {"/v1/teams", "GET", PART_TEAMS, .handle = api_teams},
    {"/v1/teams/*", "GET", PART_TEAMS, .handle = api_team},
    {"/v1/teams/*/live", "GET", PART_TEAMS, .handle = api_team_live},
    {"/v1/teams/*/leaderboard", "GET", PART_LEADERBOARD, .handle = api_leaderboard},
    {"/v1/months", "GET", PART_RULEBOOK, .handle = api_months},
    {"/v1/months/*", "GET", PART_MONTHS, .handle = api_month},
    {"/v1/months/*/review", "GET", PART_MONTHS, .handle = api_month_review},
    {"/v1/months/*/proposals", "GET", PART_PROPOSALS, .handle = api_month_proposals},
    {"/v1/months/*/proposals/*", "POST", PART_PROPOSALS, .handle = api_month_propose},
    {"/v1/rulebook", "GET", PART_RULEBOOK, .handle = api_rulebook},
    {"/v1/alerts", "GET", PART_ALERTS, .handle = api_alerts},
    {"/v1/alerts/live", "GET", PART_ALERTS, .handle = api_alerts_live},
    {"/v1/alerts/*/ack", "POST", PART_ALERTS, .handle = api_alert_ack},
    {"/v1/silences", "POST", PART_ALERTS, .handle = api_alert_silence},
    {"/v1/silences/*", "DELETE", PART_ALERTS, .handle = api_alert_unsilence},
};
#define ROUTES_N (sizeof(routes) / sizeof(routes[0]))

/* The length of the word at p, up to a '/' or the end. */
static size_t word_n(const char *p, const char *end)
{
    const char *slash = memchr(p, '/', (size_t)(end - p));
    return (size_t)((slash ? slash : end) - p);
}

/* Does the path fit the pattern? Fills the words at its stars. */
static bool path_fits(const char *pattern, struct str path, struct str words[2])
{
    const char *p = path.p, *end = path.p + path.n;
    size_t n = 0;
    for (; *pattern; pattern++) {
        if (*pattern != '*') {
            if (p == end || *p++ != *pattern) {
                return false;
            }
            continue;
        }
        size_t have_n = word_n(p, end);
        if (have_n == 0) {
            return false;
        }
        words[n++] = (struct str){p, have_n};
        p += have_n;
    }
    return p == end;
}

static bool method_fits(const struct route *route, const struct http_head *h)
{
    bool head = str_eq(h->method, STR_LIT("HEAD")) && str_eq(str_of(route->method), STR_LIT("GET"));
    return head || str_eq(h->method, str_of(route->method));
}

/* The route of a path and method; NULL: none, and *allow says which methods the path knows (NULL: no such path). */
static const struct route *find(const struct http_head *h, struct str words[2], const char **allow)
{
    *allow = NULL;
    for (size_t i = 0; i < ROUTES_N; i++) {
        if (!path_fits(routes[i].path, h->path, words)) {
            continue;
        }
        if (method_fits(&routes[i], h)) {
            return &routes[i];
        }
        *allow = *allow ? "GET, POST, DELETE" : routes[i].method; /* one path has several: the session's */
    }
    return NULL;
}

/* Reads are decided in routes_handle, so that all 404s are one; a body is refused before it comes. */
int routes_admit(void *arg, struct http_request *r)
{
    const struct http_head *h = http_request_head(r);
    struct str words[2];
    const char *allow;
    const struct route *route = find(h, words, &allow);
    if (route) {
        return route->admit ? route->admit(arg, r) : h->length_bytes > ASK_MAX_BYTES ? 413 : 0;
    }
    if (allow) {
        http_add_header(r, "Allow", allow);
        return 405;
    }
    bool reads = str_eq(h->method, STR_LIT("GET")) || str_eq(h->method, STR_LIT("HEAD"));
    return reads && h->length_bytes == 0 ? 0 : 404;
}

/* A role that sees nothing of the part is told what it is told of paths that are not there. */
static void call_route(struct call *c, const struct route *route, const struct str words[2])
{
    c->part = route->part;
    for (int i = 0; i < 2; i++) {
        c->args[i] = words[i].n ? call_unescape(&c->arena, words[i]) : (struct str){0};
    }
    if (!route->open && !who_asks(c->d, c->r, &c->who)) {
        call_log_in(c);
    } else if (route->part && rights_reach(c->who.caller.role, route->part) == REACH_NONE) {
        call_not_found(c->r);
    } else {
        route->handle(c);
    }
}

void routes_handle(void *arg, struct http_request *r)
{
    struct call c = {.d = arg, .r = r};
    struct str words[2] = {{0}};
    const char *allow;
    const struct route *route = find(http_request_head(r), words, &allow);
    if (!route) {
        assets_answer(r);
    } else if (route->take) {
        route->take(arg, r);
    } else {
        call_route(&c, route, words);
    }
    arena_fini(&c.arena);
}
