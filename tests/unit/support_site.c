/* Histories for tests of the state, and the state as text. */
#include "support_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kefu/base/buf.h"

enum { SECOND = 1000, MINUTE = 60000, HOUR = 3600000 };

struct rulebook support_rulebook(void)
{
    struct rulebook r = {.name = STR_LIT("test"),
                         .effective_month = INT32_MIN,
                         .response_target_ms = 30 * SECOND,
                         .resolution_limit_ms = 10 * MINUTE,
                         .fcr_window_ms = 24 * HOUR,
                         .abandon_after_ms = 10 * MINUTE,
                         .idle_after_ms = 24 * HOUR,
                         .always_open = true,
                         .tier_min_handled = 10};
    for (int d = 0; d < 7; d++)
        r.week[d] = (struct day_hours){.spans = {{0, 1440}}, .n = 1};
    return r;
}

struct support_random support_random(void)
{
    const char *given = getenv("KEFU_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 1000003u;
    printf("seed: KEFU_SEED=%llu\n", (unsigned long long)seed);
    return (struct support_random){seed};
}

uint32_t support_below(struct support_random *r, uint32_t n)
{
    r->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = r->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static struct str word(struct arena *a, const char *prefix, uint32_t n)
{
    char text[32];
    snprintf(text, sizeof text, "%s%u", prefix, n);
    return arena_copy(a, str_of(text));
}

static void add_message(struct support_random *r, struct arena *a, struct event *e)
{
    e->how = (enum event_how[]){
        FROM_CUSTOMER, FROM_CUSTOMER, FROM_AGENT, FROM_AGENT, FROM_BOT, FROM_SYSTEM}[support_below(r, 6)];
    if (e->how == FROM_AGENT)
        e->strs[EVENT_AGENT] = word(a, "agent", support_below(r, 3));
    if (e->how == FROM_CUSTOMER && support_below(r, 2))
        e->strs[EVENT_CUSTOMER] = word(a, "0123456789customer", support_below(r, 3));
    if (support_below(r, 8) == 0)
        e->strs[EVENT_SHOP] = word(a, "shop", support_below(r, 2));
    if (support_below(r, 3) == 0)
        e->flags = (uint32_t[]){EVENT_PRIVATE, EVENT_AUTO, EVENT_CLOSER, EVENT_PLACEHOLDER}[support_below(r, 4)];
}

static void add_order(struct support_random *r, struct arena *a, struct event *e)
{
    e->subject = word(a, "order", support_below(r, 4));
    e->how = support_below(r, 4) ? ORDER_PAID : ORDER_REFUNDED;
    e->flags = support_below(r, 3) ? EVENT_CROSS : 0;
    e->amount_fen = support_below(r, 10000);
    e->strs[EVENT_AGENT] = word(a, "agent", support_below(r, 3));
}

static void add_reference(struct support_random *r, struct arena *a, struct event *e, uint32_t n)
{
    e->strs[EVENT_REF] = word(a, "e", support_below(r, n));
    e->strs[EVENT_REF_SOURCE] = support_below(r, 5) ? STR_LIT("one") : STR_LIT("two");
}

static void fill(struct support_random *r, struct arena *a, struct event *e, uint32_t n)
{
    static const enum event_how by_assigned[] = {BY_SYSTEM, BY_SUPERVISOR, BY_AGENT};
    static const enum event_how by_resolved[] = {BY_AGENT, BY_AGENT, BY_CUSTOMER, BY_BOT, BY_TIMEOUT};
    e->subject = word(a, "conversation", support_below(r, 4));
    if (e->type == EVENT_MESSAGE)
        add_message(r, a, e);
    else if (e->type == EVENT_ORDER)
        add_order(r, a, e);
    else if (e->type == EVENT_RECALLED || e->type == EVENT_VOIDED || e->type == EVENT_EXCUSED ||
             e->type == EVENT_UNDONE)
        add_reference(r, a, e, n);
    else if (e->type == EVENT_ASSIGNED)
        e->how = by_assigned[support_below(r, 3)];
    else if (e->type == EVENT_RESOLVED)
        e->how = by_resolved[support_below(r, 5)];
    if (e->type == EVENT_RATING) {
        e->scale = 5;
        e->score_milli = 500 + support_below(r, 4500);
    }
    bool names_agent =
        e->type == EVENT_ASSIGNED || e->type == EVENT_RESOLVED || e->type == EVENT_RATING || e->type == EVENT_EXCUSED;
    if (names_agent && support_below(r, 3))
        e->strs[EVENT_AGENT] = word(a, "agent", support_below(r, 3));
    if (e->type == EVENT_OPENED && support_below(r, 2))
        e->strs[EVENT_TOPIC] = word(a, "topic", support_below(r, 2));
    if (e->type == EVENT_PROFILE) {
        e->subject = word(a, "agent", support_below(r, 3));
        e->strs[EVENT_TEAM] = word(a, "team", support_below(r, 3));
    }
    if (e->type == EVENT_STATUS) {
        e->subject = word(a, "agent", support_below(r, 3));
        e->how = (enum event_how)(STATUS_ONLINE + (int)support_below(r, 3));
    }
}

struct event *support_history(struct support_random *r, struct arena *a, size_t n)
{
    static const enum event_type types[] = {
        EVENT_MESSAGE,  EVENT_MESSAGE,  EVENT_MESSAGE,  EVENT_MESSAGE, EVENT_MESSAGE, EVENT_MESSAGE,  EVENT_ASSIGNED,
        EVENT_ASSIGNED, EVENT_RESOLVED, EVENT_RESOLVED, EVENT_OPENED,  EVENT_HANDOFF, EVENT_REOPENED, EVENT_RATING,
        EVENT_VOIDED,   EVENT_RECALLED, EVENT_ORDER,    EVENT_PROFILE, EVENT_EXCUSED, EVENT_UNDONE,   EVENT_STATUS};
    static const uint32_t gaps[] = {0, 1, 5 * SECOND, 29999, 30 * SECOND, MINUTE, 10 * MINUTE, 11 * HOUR};
    struct event *events = calloc(n, sizeof *events);
    int64_t at = T0;
    for (size_t i = 0; i < n; i++) {
        at += gaps[support_below(r, sizeof gaps / sizeof *gaps)];
        events[i].ts = at;
        events[i].type = types[support_below(r, sizeof types / sizeof *types)];
        events[i].source = support_below(r, 4) ? STR_LIT("one") : STR_LIT("two");
        events[i].id = word(a, "e", (uint32_t)i);
        fill(r, a, &events[i], (uint32_t)n);
    }
    return events;
}

void support_shuffle(struct support_random *r, struct event *events, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = support_below(r, (uint32_t)i);
        struct event swapped = events[i - 1];
        events[i - 1] = events[k];
        events[k] = swapped;
    }
}

static int by_name(const void *a, const void *b, void *site)
{
    return str_cmp(site_agent_id(site, *(const uint32_t *)a), site_agent_id(site, *(const uint32_t *)b));
}

static void print_totals(struct buf *b, struct str agent, bool had_orders, const struct totals *t)
{
    if (!figures_any(&t->figures))
        return;
    buf_printf(b, "%.*s %d%s:", STR_ARG(agent), t->period, had_orders ? " orders" : "");
#define X(name) buf_printf(b, " " #name "=%lld", (long long)t->figures.name);
    FIGURES(X)
#undef X
    buf_printf(b, " p50=%lld p90=%lld\n", (long long)hist_percentile(&t->responses, 500),
               (long long)hist_percentile(&t->responses, 900));
}

static void print_shops(struct buf *b, const struct site *s, uint32_t agent, int32_t month)
{
    struct arena arena = {0};
    size_t n;
    const struct shop_handled *of = site_shops(s, agent, month, &arena, &n);
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%.*s %d shop %.*s: handled=%lld\n", STR_ARG(site_agent_id(s, agent)), month, STR_ARG(of[i].shop),
                   (long long)of[i].handled);
    arena_fini(&arena);
}

/* Were there orders? Of a day this is no figure of the agent's: nobody is dirty for it. */
static bool shows_orders(const struct site *s, int kind, int32_t period, bool of_days)
{
    return (of_days || kind == PERIOD_MONTH) && site_had_orders(s, (enum period_kind)kind, period);
}

static void print_agent(struct buf *b, const struct site *s, uint32_t agent, bool of_days)
{
    struct agent_now now;
    size_t n = 0;
    site_agent_now(s, agent, &now);
    buf_printf(b, "%.*s name=%.*s team=%.*s no=%.*s status=%d since=%lld open=%lld waiting=%lld oldest=%lld\n",
               STR_ARG(site_agent_id(s, agent)), STR_ARG(now.name), STR_ARG(now.team), STR_ARG(now.employee_no),
               (int)now.status, (long long)now.status_at, (long long)now.open_n, (long long)now.waiting_n,
               (long long)now.oldest_wait_at);
    for (int kind = PERIOD_DAY; kind <= PERIOD_MONTH; kind++) {
        const struct totals *t = site_totals(s, agent, (enum period_kind)kind, &n);
        for (size_t i = 0; i < n; i++)
            print_totals(b, site_agent_id(s, agent), shows_orders(s, kind, t[i].period, of_days), &t[i]);
        for (size_t i = 0; i < n && kind == PERIOD_MONTH; i++)
            print_shops(b, s, agent, t[i].period);
    }
}

char *support_print_agent(const struct site *s, uint32_t agent)
{
    struct buf b = {0};
    print_agent(&b, s, agent, false);
    buf_put_byte(&b, 0);
    return b.p;
}

char *support_print_site(const struct site *s)
{
    uint32_t n = site_agents_n(s) + 1;
    uint32_t *order = malloc(n * sizeof *order);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof *order, by_name, (void *)s);
    struct buf b = {0};
    struct site_counts c;
    site_counts(s, &c);
    buf_printf(&b, "events=%llu conversations=%llu open=%llu waiting=%llu customers=%llu orders=%llu\n",
               (unsigned long long)c.events_n, (unsigned long long)c.conversations_n, (unsigned long long)c.open_n,
               (unsigned long long)c.waiting_n, (unsigned long long)c.customers_n, (unsigned long long)c.orders_n);
    for (uint32_t i = 0; i < n; i++)
        print_agent(&b, s, order[i], true);
    free(order);
    buf_put_byte(&b, 0);
    return b.p;
}
