/* Twenty-four counters an agent. An hour that a zone has twice is one, one that it skips stays empty. */
#include "kefu/daemon/heat.h"

#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/buf.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/live.h"
#include "kefu/daemon/show.h"
#include "kefu/daemon/show_agent.h"

#define HOURS   24
#define HOUR_MS INT64_C(3600000)

struct hour {
    int64_t answered, within, missed, response_sum;
};

struct heat {
    const struct tz *tz;
    int32_t day;
    int64_t as_of;
    struct hour (*agents)[HOURS]; /* owned, by the site's number */
    size_t n, cap;
};

struct heat *heat_new(const struct tz *tz, int32_t day, int64_t as_of)
{
    struct heat *h = xcalloc(1, sizeof(*h));
    h->tz = tz;
    h->day = day;
    h->as_of = as_of;
    return h;
}

void heat_free(struct heat *h)
{
    if (h) {
        free(h->agents);
        free(h);
    }
}

static struct hour *hour_at(struct heat *h, uint32_t agent, int64_t at_ms)
{
    int64_t local_ms = at_ms + (int64_t)tz_offset_s(h->tz, at_ms) * 1000;
    xgrow(&h->agents, &h->cap, (size_t)agent + 1, sizeof(*h->agents));
    for (; h->n <= agent; h->n++) {
        memset(h->agents[h->n], 0, sizeof(h->agents[0]));
    }
    return &h->agents[agent][local_ms / HOUR_MS % HOURS];
}

static void count_fact(void *arg, struct str conversation, const struct fact *f)
{
    struct heat *h = arg;
    (void)conversation;
    if (f->day != h->day || f->agent == 0 || (f->kind != FACT_ANSWER && f->kind != FACT_MISS)) {
        return;
    }
    struct hour *o = hour_at(h, f->agent, f->from);
    o->missed += f->kind == FACT_MISS;
    if (f->kind == FACT_ANSWER) {
        o->answered++;
        o->within += f->within;
        o->response_sum += f->ms;
    }
}

static void no_episode(void *arg, struct str conversation, const struct episode *e)
{
    (void)arg;
    (void)conversation;
    (void)e;
}

static void no_order(void *arg, const struct told_order *o)
{
    (void)arg;
    (void)o;
}

struct teller heat_teller(struct heat *h)
{
    return (struct teller){count_fact, no_episode, no_order, h};
}

static void add(struct hour *into, const struct hour *from)
{
    into->answered += from->answered;
    into->within += from->within;
    into->missed += from->missed;
    into->response_sum += from->response_sum;
}

static void show_hours(struct buf *out, const struct heat *h, const uint32_t *members, size_t n)
{
    buf_put_byte(out, '[');
    for (int i = 0; i < HOURS; i++) {
        struct hour sum = {0};
        for (size_t k = 0; k < n; k++) {
            if (members[k] < h->n) {
                add(&sum, &h->agents[members[k]][i]);
            }
        }
        buf_printf(out,
                   "%s{\"hour\":%d,\"answered\":%" PRId64 ",\"within\":%" PRId64 ",\"missed\":%" PRId64
                   ",\"response_sum\":%" PRId64 "}",
                   i ? "," : "", i, sum.answered, sum.within, sum.missed, sum.response_sum);
    }
    buf_put_byte(out, ']');
}

static void tell_team(const struct heat *h, struct daemon *d, struct str team)
{
    struct buf out = {0};
    char day[16];
    size_t n;
    uint32_t *members = team_members(d, team, &n);
    civil_print_day(day, sizeof(day), h->day);
    buf_printf(&out, "{\"day\":\"%s\",", day);
    show_time(&out, "as_of", h->as_of);
    buf_put_str(&out, STR_LIT(",\"hours\":"));
    show_hours(&out, h, members, n);
    buf_put_byte(&out, '}');
    live_heat(d->live, team, buf_str(&out));
    free(members);
    buf_fini(&out);
}

void heat_tell(const struct heat *h, struct daemon *d)
{
    size_t n;
    struct str *teams = team_names(d, &n);
    for (size_t i = 0; i < n; i++) {
        tell_team(h, d, teams[i]);
    }
    free(teams);
}
