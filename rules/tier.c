/* Hysteresis and dwell: a border counts as crossed when the score is `hysteresis` beyond it, or has stood beyond it for
 * `dwell`.
 *
 * While provisional the tier follows the exact rule silently until it has once been firm; later in the month a gap in the
 * data (a rating voided, say) keeps the firm tier and only marks it provisional. */
#include "kefu/rules/tier.h"

#include <stdio.h>
#include <string.h>

enum { MEMORY_VERSION = 1, MILLI = 1000 };

static bool about(const struct tier_memory *m, const struct rulebook *r, int32_t month)
{
    int n = (int)r->tiers_n; /* a memory of tiers that are not there is of another rulebook, whatever its name */
    return m->month == month && str_eq(str_of(m->rulebook), r->name) && m->tier < n && m->beyond < n;
}

static bool same(const struct tier_memory *a, const struct tier_memory *b)
{
    return a->month == b->month && a->rated == b->rated && a->provisional == b->provisional && a->tier == b->tier &&
           a->beyond == b->beyond && a->beyond_since_ms == b->beyond_since_ms && strcmp(a->rulebook, b->rulebook) == 0;
}

static void begin(struct tier_memory *m, const struct rulebook *r, int32_t month)
{
    *m = (struct tier_memory){.month = month, .tier = -1, .beyond = -1, .provisional = true};
    snprintf(m->rulebook, sizeof m->rulebook, "%.*s", STR_ARG(r->name));
}

/* The highest tier that a score reaches with `hysteresis` to spare. */
static int safely_reached(const struct rulebook *r, int64_t total_milli)
{
    int t = 0;
    while (t + 1 < (int)r->tiers_n && (total_milli - r->hysteresis_milli) * MILLI < r->tiers[t].min_micro)
        t++;
    return t;
}

/* The highest tier that a score has not left with `hysteresis` to spare. */
static int not_yet_left(const struct rulebook *r, int64_t total_milli)
{
    int t = 0;
    while (t + 1 < (int)r->tiers_n && total_milli * MILLI < r->tiers[t].min_micro &&
           (total_milli + r->hysteresis_milli) * MILLI <= r->tiers[t].min_micro)
        t++;
    return t;
}

static void forget_beyond(struct tier_memory *m)
{
    m->beyond = -1;
    m->beyond_since_ms = 0;
}

/* Where a firm tier moves to now: itself while neither hysteresis nor dwell says otherwise. Tiers are numbered from the
 * highest, so a smaller number is a better tier. Dwell carries it only over borders that the score was beyond all the time:
 * to the nearest tier it has stood in. */
static int moved(const struct tier_memory *m, const struct rulebook *r, const struct score *s, int64_t now_ms)
{
    bool stood = m->beyond >= 0 && now_ms - m->beyond_since_ms >= r->dwell_ms;
    int by_dwell = stood ? m->beyond : m->tier;
    int up = safely_reached(r, s->total_milli);
    int down = not_yet_left(r, s->total_milli);
    if (s->tier < m->tier)
        return up < by_dwell ? up : by_dwell;
    return down > by_dwell ? down : by_dwell;
}

static void note_beyond(struct tier_memory *m, const struct score *s, int64_t now_ms)
{
    bool above = s->tier < m->tier;
    if (s->tier == m->tier) {
        forget_beyond(m);
        return;
    }
    bool clock_went_back = now_ms < m->beyond_since_ms;
    if (m->beyond < 0 || (m->beyond < m->tier) != above || clock_went_back) {
        m->beyond = s->tier;
        m->beyond_since_ms = now_ms;
        return;
    }
    if (above ? s->tier > m->beyond : s->tier < m->beyond)
        m->beyond = s->tier;
}

static void step_firm(struct tier_memory *m, const struct rulebook *r, const struct score *s, int64_t now_ms)
{
    m->provisional = false;
    if (!m->rated) {
        m->rated = true;
        m->tier = s->tier;
        return;
    }
    note_beyond(m, s, now_ms);
    int to = moved(m, r, s, now_ms);
    if (to == m->tier)
        return;
    m->tier = to;
    forget_beyond(m);
    note_beyond(m, s, now_ms);
}

static void step_provisional(struct tier_memory *m, const struct score *s)
{
    m->provisional = true;
    forget_beyond(m);
    if (!m->rated)
        m->tier = s->tier;
}

struct tier_change tier_step(struct tier_memory *m, const struct rulebook *r, const struct score *s, int32_t month,
                             int64_t now_ms)
{
    struct tier_memory before = *m;
    if (!about(m, r, month))
        begin(m, r, month);
    struct tier_change c = {.from = m->rated ? m->tier : -1, .look_again_ms = INT64_MAX};
    if (s->complete && s->tier >= 0)
        step_firm(m, r, s, now_ms);
    else
        step_provisional(m, s);
    c.to = m->tier;
    c.changed = m->rated && !m->provisional && c.from != c.to;
    c.remember = !same(&before, m);
    if (m->beyond >= 0)
        c.look_again_ms = m->beyond_since_ms + r->dwell_ms;
    return c;
}

void tier_memory_encode(struct buf *out, const struct tier_memory *m)
{
    struct str rulebook = str_of(m->rulebook);
    buf_put_byte(out, MEMORY_VERSION);
    buf_put_svar(out, m->month);
    buf_put_byte(out, (uint8_t)(m->rated | m->provisional << 1));
    buf_put_svar(out, m->tier);
    buf_put_svar(out, m->beyond);
    buf_put_svar(out, m->beyond_since_ms);
    buf_put_uvar(out, rulebook.n);
    buf_put_str(out, rulebook);
}

int tier_memory_decode(struct str blob, struct tier_memory *m, struct err *e)
{
    struct cursor c = cursor_of(blob);
    *m = (struct tier_memory){0};
    if (cursor_byte(&c) != MEMORY_VERSION)
        return err_set(e, "memory of rule tier", "an unknown version; was it written by a newer kefud?");
    m->month = (int32_t)cursor_svar(&c);
    uint8_t flags = cursor_byte(&c);
    m->rated = flags & 1;
    m->provisional = flags >> 1 & 1;
    m->tier = (int)cursor_svar(&c);
    m->beyond = (int)cursor_svar(&c);
    m->beyond_since_ms = cursor_svar(&c);
    struct str rulebook = cursor_bytes(&c, (size_t)cursor_uvar(&c));
    if (c.bad || rulebook.n >= sizeof m->rulebook || m->tier < -1 || m->beyond < -1)
        return err_set(e, "memory of rule tier", "damaged: cut short");
    snprintf(m->rulebook, sizeof m->rulebook, "%.*s", STR_ARG(rulebook));
    return 0;
}
