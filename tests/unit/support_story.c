/* Random stories. */
#include "support_story.h"

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/buf.h"

enum { SECOND = 1000, MINUTE = 60000, HOUR = 3600000, DAY = 24 * HOUR };

static int64_t one_of(struct support_random *r, const int64_t *list, size_t n)
{
    return list[support_below(r, (uint32_t)n)];
}
#define ONE_OF(r, ...) one_of((r), (const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static bool maybe(struct support_random *r, uint32_t percent)
{
    return support_below(r, 100) < percent;
}

static void random_spans(struct support_random *r, struct day_hours *h)
{
    static const struct span some[] = {{0, 1440}, {480, 720}, {540, 1080}, {660, 1200}, {1320, 1800}, {1380, 2820}};
    *h = (struct day_hours){0};
    for (uint32_t k = 0; k < sizeof some / sizeof *some && h->n < 2; k++)
        if (maybe(r, 25))
            h->spans[h->n++] = some[k];
}

static void random_hours(struct support_random *r, struct rulebook *b, int32_t day)
{
    if (maybe(r, 60))
        return;
    b->always_open = maybe(r, 30);
    for (int d = 0; d < 7 && !b->always_open; d++)
        random_spans(r, &b->week[d]);
    b->special = calloc(8, sizeof *b->special);
    for (int32_t d = day - 3; d < day + 5; d++) {
        if (!maybe(r, 30))
            continue;
        b->special[b->special_n].day = d;
        random_spans(r, &b->special[b->special_n++].hours);
    }
}

static struct rulebook *random_book(struct support_random *r, int32_t month, int32_t day)
{
    struct rulebook *b = calloc(1, sizeof *b);
    *b = support_rulebook();
    b->effective_month = month;
    b->response_target_ms = ONE_OF(r, 0, 10 * SECOND, 30 * SECOND, 30 * SECOND, MINUTE);
    b->resolution_limit_ms = ONE_OF(r, MINUTE, 10 * MINUTE, HOUR);
    b->fcr_window_ms = ONE_OF(r, 0, HOUR, 6 * HOUR, DAY, DAY, 3 * DAY);
    b->abandon_after_ms = ONE_OF(r, 0, 30 * SECOND, 10 * MINUTE, 10 * MINUTE, HOUR);
    b->idle_after_ms = ONE_OF(r, 0, MINUTE, HOUR, DAY, DAY);
    b->timeout_counts_as = maybe(r, 50) ? TIMEOUT_RESOLVED_AT_LAST_REPLY : TIMEOUT_UNRESOLVED;
    b->cross_sell_min_fen = ONE_OF(r, 0, 100);
    random_hours(r, b, day);
    return b;
}

int64_t story_span(const struct story *s, struct support_random *r)
{
    const struct rulebook *b = s->books[support_below(r, (uint32_t)s->rulebooks.n)];
    if (maybe(r, 50))
        return ONE_OF(r, 0, 0, 0, 1, 5 * SECOND, 20 * SECOND, MINUTE, 20 * MINUTE, 3 * HOUR, 11 * HOUR);
    int64_t limit = ONE_OF(r, b->response_target_ms, b->response_target_ms, b->abandon_after_ms, b->abandon_after_ms,
                           b->resolution_limit_ms, b->idle_after_ms, b->fcr_window_ms) +
                    ONE_OF(r, -1, 0, 0, 1);
    return limit > 0 ? limit : 0;
}

static struct str word(struct story *s, const char *prefix, uint32_t n)
{
    char text[40];
    snprintf(text, sizeof text, "%s%u", prefix, n);
    return arena_copy(&s->arena, str_of(text));
}

static struct str agent(struct story *s, struct support_random *r)
{
    return word(s, "agent", support_below(r, s->agents));
}

static void add_names(struct story *s, struct support_random *r, struct event *e, uint32_t percent)
{
    if (maybe(r, percent))
        e->strs[EVENT_CUSTOMER] = word(s, "0123456789customer", support_below(r, s->customers));
    if (maybe(r, percent / 3))
        e->strs[EVENT_SHOP] = word(s, "shop", support_below(r, 2));
    if (e->type == EVENT_OPENED && maybe(r, 50))
        e->strs[EVENT_TOPIC] = word(s, "topic", support_below(r, 3));
}

static void fill_message(struct story *s, struct support_random *r, struct event *e)
{
    e->how = (enum event_how)ONE_OF(r, FROM_CUSTOMER, FROM_CUSTOMER, FROM_CUSTOMER, FROM_AGENT, FROM_AGENT, FROM_AGENT,
                                    FROM_BOT, FROM_SYSTEM);
    if (e->how == FROM_AGENT)
        e->strs[EVENT_AGENT] = agent(s, r);
    add_names(s, r, e, e->how == FROM_CUSTOMER ? 40 : 10);
    if (maybe(r, 20))
        e->flags = (uint32_t)ONE_OF(r, EVENT_PRIVATE, EVENT_AUTO, EVENT_CLOSING_TRUE | EVENT_CLOSER);
}

static void fill_order(struct story *s, struct support_random *r, struct event *e)
{
    e->subject = word(s, "order", support_below(r, 3));
    e->strs[EVENT_AGENT] = agent(s, r);
    e->how = maybe(r, 70) ? ORDER_PAID : ORDER_REFUNDED;
    e->flags = maybe(r, 70) ? EVENT_CROSS : 0;
    e->amount_fen = ONE_OF(r, 0, 99, 100, 12345);
}

static void fill_agent(struct story *s, struct support_random *r, struct event *e)
{
    static const enum event_str fields[] = {EVENT_NAME, EVENT_TEAM, EVENT_EMPLOYEE_NO};
    e->subject = agent(s, r);
    if (e->type == EVENT_STATUS)
        e->how = (enum event_how)(STATUS_ONLINE + support_below(r, 4));
    for (int k = 0; k < 3 && e->type == EVENT_PROFILE; k++)
        if (maybe(r, 50))
            e->strs[fields[k]] = word(s, "text", support_below(r, 3));
}

/* What a recall or a void points at: something nearby, mostly of the right kind and conversation. */
static void fill_reference(struct story *s, struct support_random *r, struct event *e)
{
    enum event_type wanted = e->type == EVENT_VOIDED ? EVENT_RATING : EVENT_MESSAGE;
    size_t at = (size_t)(e - s->events);
    for (uint32_t k = 0; k < 8 && at > k; k++) {
        const struct event *t = &s->events[at - 1 - k];
        e->strs[EVENT_REF] = t->id;
        e->strs[EVENT_REF_SOURCE] = maybe(r, 95) ? t->source : e->source;
        if (t->type != wanted || (wanted == EVENT_MESSAGE && t->how != FROM_CUSTOMER) || maybe(r, 20))
            continue;
        if (maybe(r, 95))
            e->subject = t->subject;
        return;
    }
    if (!e->strs[EVENT_REF].n)
        e->strs[EVENT_REF] = e->id, e->strs[EVENT_REF_SOURCE] = e->source;
}

static void fill(struct story *s, struct support_random *r, struct event *e)
{
    e->subject = word(s, "conversation", support_below(r, s->conversations));
    if (e->type == EVENT_MESSAGE)
        fill_message(s, r, e);
    else if (e->type == EVENT_ORDER)
        fill_order(s, r, e);
    else if (e->type == EVENT_PROFILE || e->type == EVENT_STATUS)
        fill_agent(s, r, e);
    else if (e->type == EVENT_RECALLED || e->type == EVENT_VOIDED)
        fill_reference(s, r, e);
    else if (e->type == EVENT_OPENED)
        add_names(s, r, e, 50);
    else if (e->type == EVENT_ASSIGNED)
        e->how = (enum event_how)ONE_OF(r, BY_SYSTEM, BY_SUPERVISOR, BY_AGENT);
    else if (e->type == EVENT_RESOLVED)
        e->how = (enum event_how)ONE_OF(r, BY_AGENT, BY_AGENT, BY_CUSTOMER, BY_BOT, BY_TIMEOUT, BY_TIMEOUT);
    else if (e->type == EVENT_RATING) {
        e->scale = ONE_OF(r, 3, 5, 5, 10);
        e->score_milli = ONE_OF(r, 1, e->scale * 800 - 1, e->scale * 800, e->scale * 1000);
    }
    if (e->type == EVENT_VOIDED)
        e->strs[EVENT_REASON] = STR_LIT("x");
    bool names_agent = e->type == EVENT_ASSIGNED || e->type == EVENT_RESOLVED || e->type == EVENT_RATING;
    if (names_agent && maybe(r, 60))
        e->strs[EVENT_AGENT] = agent(s, r);
}

/* Each story has types it likes and others it leaves out, so that rare meetings become common in some. */
static size_t choose_types(struct support_random *r, enum event_type *types)
{
    static const uint8_t usual[EVENT_TYPES] = {
        [EVENT_MESSAGE] = 10, [EVENT_ASSIGNED] = 3, [EVENT_RESOLVED] = 4, [EVENT_RATING] = 2,
        [EVENT_VOIDED] = 1,   [EVENT_RECALLED] = 2, [EVENT_OPENED] = 1,   [EVENT_HANDOFF] = 1,
        [EVENT_REOPENED] = 1, [EVENT_ORDER] = 1,    [EVENT_PROFILE] = 1,  [EVENT_STATUS] = 1};
    size_t n = 0;
    for (int t = 1; t < EVENT_TYPES; t++) {
        int64_t times = t == EVENT_MESSAGE ? 1 : ONE_OF(r, 0, 1, 1, 3);
        for (int64_t k = usual[t] * times; k > 0; k--)
            types[n++] = (enum event_type)t;
    }
    return n;
}

static void write_story(struct story *s, struct support_random *r)
{
    enum event_type types[128];
    size_t types_n = choose_types(r, types);
    int64_t at = s->from;
    for (size_t i = 0; i < s->n; i++) {
        struct event *e = &s->events[i];
        if (maybe(r, 70))
            at += story_span(s, r);
        e->ts = at - (maybe(r, 5) ? story_span(s, r) : 0);
        e->type = types[support_below(r, (uint32_t)types_n)];
        e->source = maybe(r, 75) ? STR_LIT("one") : STR_LIT("two");
        e->id = word(s, "e", (uint32_t)i);
        fill(s, r, e);
    }
    s->end = at;
}

void story_init(struct story *s, struct support_random *r, const struct zone *zone, size_t n)
{
    int32_t day = civil_day(2026, (int32_t)ONE_OF(r, 3, 10, 12), 31);
    int32_t month = civil_month(day);
    *s = (struct story){.zone = zone,
                        .n = n,
                        .conversations = 1 + support_below(r, maybe(r, 90) ? 7 : 40),
                        .customers = 1 + support_below(r, 3)};
    s->agents = 1 + support_below(r, 4);
    s->from = tz_at(zone->tz, day, (int32_t)ONE_OF(r, 0, 600, 1200, 1430, 1439));
    const int32_t months[STORY_BOOKS_MAX] = {INT32_MIN, maybe(r, 70) ? month + 1 : month, month + 2};
    size_t books_n = 1 + support_below(r, STORY_BOOKS_MAX);
    for (size_t k = 0; k < books_n && k < STORY_BOOKS_MAX; k++) {
        s->books[k] = random_book(r, months[k], day);
        s->rulebooks.list[s->rulebooks.n++] = s->books[k];
    }
    s->events = calloc(n, sizeof *s->events);
    write_story(s, r);
}

void story_fini(struct story *s)
{
    for (size_t k = 0; k < s->rulebooks.n; k++) {
        free(s->books[k]->special);
        free(s->books[k]);
    }
    free(s->events);
    arena_fini(&s->arena);
    *s = (struct story){0};
}

struct site *story_site(const struct story *s)
{
    return site_new(
        &(struct site_options){.tz = s->zone->tz, .rulebooks = &s->rulebooks, .seed = 42, .quiet_ms = s->quiet_ms});
}

void story_mix(struct story *s, struct support_random *r)
{
    uint32_t late = (uint32_t)ONE_OF(r, 0, 3, 10, 50);
    for (size_t i = s->n; i-- > 0;) {
        if (!maybe(r, late))
            continue;
        size_t to = i + support_below(r, (uint32_t)(s->n - i));
        struct event moved = s->events[i];
        memmove(&s->events[i], &s->events[i + 1], (to - i) * sizeof moved);
        s->events[to] = moved;
    }
}

static void print_spans(struct buf *b, const struct day_hours *h)
{
    buf_put_byte(b, '[');
    for (int32_t k = 0; k < h->n; k++) {
        int32_t from = h->spans[k].start_min, to = h->spans[k].end_min;
        to = to > 1440 ? to - 1440 : to;
        buf_printf(b, "%s[\"%02d:%02d\",\"%02d:%02d\"]", k ? "," : "", from / 60, from % 60, to / 60, to % 60);
    }
    buf_put_byte(b, ']');
}

static void print_hours(struct buf *b, const struct rulebook *k)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    char date[16];
    for (int d = 0; d < 7 && !k->always_open; d++) {
        buf_printf(b, "%s\"%s\":", d ? "," : ",\"service_hours\":{", names[d]);
        print_spans(b, &k->week[d]);
    }
    buf_printf(b, "%s,\"special_days\":{", k->always_open ? "" : "}");
    for (size_t d = 0; d < k->special_n; d++) {
        civil_print_day(date, sizeof date, k->special[d].day);
        buf_printf(b, "%s\"%s\":", d ? "," : "", date);
        print_spans(b, &k->special[d].hours);
    }
    buf_put_byte(b, '}');
}

static void print_book(struct buf *b, const struct rulebook *k)
{
    char month[16] = "0000-00";
    if (k->effective_month != INT32_MIN)
        civil_print_month(month, sizeof month, k->effective_month);
    buf_printf(b, "{\"effective_from\":\"%s\"", month);
#define X(name) buf_printf(b, ",\"" #name "\":%lld", (long long)k->name)
    X(response_target_ms);
    X(resolution_limit_ms);
    X(fcr_window_ms);
    X(abandon_after_ms);
    X(idle_after_ms);
    X(cross_sell_min_fen);
#undef X
    if (k->timeout_counts_as == TIMEOUT_RESOLVED_AT_LAST_REPLY)
        buf_put_str(b, STR_LIT(",\"timeout_counts_as\":\"resolved_at_last_reply\""));
    print_hours(b, k);
    buf_put_byte(b, '}');
}

/* Of a month alone. */
static void print_shops(struct buf *b, const struct site *s, uint32_t agent, int32_t month)
{
    struct arena arena = {0};
    size_t n;
    const struct shop_handled *of = site_shops(s, agent, month, &arena, &n);
    for (size_t i = 0; i < n; i++) {
        buf_put_str(b, i ? STR_LIT(",") : STR_LIT(",\"shops\":{"));
        buf_put_json(b, of[i].shop);
        buf_printf(b, ":%lld", (long long)of[i].handled);
    }
    buf_put_str(b, n ? STR_LIT("}") : STR_LIT(""));
    arena_fini(&arena);
}

static void print_totals(struct buf *b, struct str agent, const char *period, const struct totals *t)
{
    buf_put_str(b, agent.n ? STR_LIT("{\"agent\":") : STR_LIT("{\"agent\":null"));
    if (agent.n)
        buf_put_json(b, agent);
    buf_printf(b, ",\"period\":\"%s\"", period);
#define X(name) buf_printf(b, ",\"" #name "\":%lld", (long long)t->figures.name);
    FIGURES(X)
#undef X
    if (t->responses.total)
        buf_printf(b, ",\"response_p50\":%lld,\"response_p90\":%lld", (long long)hist_percentile(&t->responses, 500),
                   (long long)hist_percentile(&t->responses, 900));
}

static void print_periods(struct buf *b, const struct site *s, uint32_t agent, enum period_kind kind)
{
    size_t n = 0;
    const struct totals *t = site_totals(s, agent, kind, &n);
    for (size_t i = 0; i < n; i++) {
        char period[16];
        if (!figures_any(&t[i].figures))
            continue;
        if (kind == PERIOD_DAY)
            civil_print_day(period, sizeof period, t[i].period);
        else
            civil_print_month(period, sizeof period, t[i].period);
        if (b->p[b->n - 1] == '}')
            buf_put_byte(b, ',');
        print_totals(b, site_agent_id(s, agent), period, &t[i]);
        if (kind == PERIOD_MONTH)
            print_shops(b, s, agent, t[i].period);
        buf_put_byte(b, '}');
    }
}

static void print_rows(struct buf *b, const struct site *s, enum period_kind kind)
{
    buf_printf(b, ",\"%s\":[", kind == PERIOD_DAY ? "day" : "month");
    for (uint32_t a = 0; a <= site_agents_n(s); a++)
        print_periods(b, s, a, kind);
    buf_put_byte(b, ']');
}

char *story_print_json(const struct story *s, const char *name, const struct site *site)
{
    struct buf b = {0};
    buf_printf(&b, "{\"name\":\"%s\",\"zone\":\"%s\",\"as_of\":%lld,\"rulebooks\":[", name, s->zone->name,
               (long long)site_as_of(site));
    for (size_t k = 0; k < s->rulebooks.n; k++) {
        buf_put_str(&b, k ? STR_LIT(",") : STR_LIT(""));
        print_book(&b, s->books[k]);
    }
    buf_put_str(&b, STR_LIT("],\"events\":["));
    for (size_t i = 0; i < s->n; i++) {
        buf_put_str(&b, i ? STR_LIT(",") : STR_LIT(""));
        event_print_json(&b, &s->events[i]);
    }
    buf_put_byte(&b, ']');
    print_rows(&b, site, PERIOD_DAY);
    print_rows(&b, site, PERIOD_MONTH);
    buf_put_str(&b, STR_LIT("}\n"));
    buf_put_byte(&b, 0);
    return b.p;
}
