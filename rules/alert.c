/* Steps of an alert's life, one function a state.
 *
 * It keeps true: what was never told as raised is never told as resolved; between two firings of an alert lies its cooldown,
 * and each has lasted for `for_ms`; a clock that went back makes a span begin anew, never end early. */
#include "kefu/rules/alert.h"

#define MEMORY_VERSION 1

bool alert_is_over(const struct alert_rule *r, int64_t value_micro)
{
    return alert_is(r, TRAIT_BELOW) ? value_micro <= r->raise_micro : value_micro >= r->raise_micro;
}

static bool is_well(const struct alert_rule *r, const struct alert_seen *seen)
{
    if (!seen->known || alert_is(r, TRAIT_EVENT))
        return true; /* without data there is nothing to be told of */
    bool below = alert_is(r, TRAIT_BELOW);
    if (r->clear_micro == r->raise_micro)
        return !alert_is_over(r, seen->value_micro);
    return below ? seen->value_micro > r->clear_micro : seen->value_micro < r->clear_micro;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void raise_it(struct alert_memory *m, const struct alert_seen *seen, int64_t now_ms)
{
    m->state = STATE_FIRING;
    m->untold = UNTOLD_RAISED;
    m->told = false;
    m->since_ms = now_ms;
    m->good_ms = ALERT_NEVER;
    m->value_micro = seen->value_micro;
}

/* Nothing, or pending. */
static struct alert_outcome step_quiet(struct alert_memory *m, const struct alert_rule *r,
                                       const struct alert_seen *seen, int64_t now_ms)
{
    struct alert_outcome out = {CHANGE_NONE, false, INT64_MAX};
    bool over = seen->known && !alert_is(r, TRAIT_EVENT) && alert_is_over(r, seen->value_micro);
    if (!over) {
        out.remember = m->state == STATE_PENDING;
        m->state = STATE_NONE;
        return out;
    }
    if (m->state == STATE_NONE || m->since_ms > now_ms) {
        m->state = STATE_PENDING;
        m->since_ms = now_ms;
        out.remember = true;
    }
    int64_t ready_ms = m->since_ms + r->for_ms;
    if (m->resolved_ms && m->resolved_ms <= now_ms && m->resolved_ms + r->cooldown_ms > ready_ms)
        ready_ms = m->resolved_ms + r->cooldown_ms;
    if (now_ms < ready_ms) {
        out.look_again_ms = ready_ms;
        return out;
    }
    raise_it(m, seen, now_ms);
    return (struct alert_outcome){CHANGE_RAISED, true, INT64_MAX};
}

static struct alert_outcome resolve(struct alert_memory *m, int64_t now_ms, bool silently)
{
    m->state = STATE_NONE;
    m->resolved_ms = now_ms;
    m->good_ms = ALERT_NEVER;
    m->untold = m->told && !silently ? UNTOLD_RESOLVED : 0;
    return (struct alert_outcome){CHANGE_RESOLVED, true, INT64_MAX};
}

static void ask_again(struct alert_memory *m, const struct alert_rule *r, int64_t now_ms, struct alert_outcome *out)
{
    if (m->state != STATE_FIRING || !m->told || m->untold || r->repeat_ms == 0)
        return;
    if (m->told_ms > now_ms || now_ms < m->told_ms + r->repeat_ms) {
        out->look_again_ms = sooner(out->look_again_ms, m->told_ms + r->repeat_ms);
        return;
    }
    m->untold = UNTOLD_AGAIN;
    out->change = CHANGE_AGAIN;
    out->remember = true;
}

/* Firing or acknowledged. */
static struct alert_outcome step_raised(struct alert_memory *m, const struct alert_rule *r,
                                        const struct alert_seen *seen, int64_t now_ms)
{
    struct alert_outcome out = {CHANGE_NONE, false, INT64_MAX};
    if (!is_well(r, seen)) {
        out.remember = m->good_ms != ALERT_NEVER;
        m->good_ms = ALERT_NEVER;
        ask_again(m, r, now_ms, &out);
        return out;
    }
    if (m->good_ms == ALERT_NEVER || m->good_ms > now_ms) {
        m->good_ms = now_ms;
        out.remember = true;
    }
    bool waits = alert_is(r, TRAIT_EVENT) && m->untold; /* what happened is told, be it over */
    if (now_ms >= m->good_ms + r->keep_firing_ms && !waits)
        return resolve(m, now_ms, alert_is(r, TRAIT_EVENT));
    if (!waits)
        out.look_again_ms = m->good_ms + r->keep_firing_ms;
    return out;
}

struct alert_outcome alert_step(struct alert_memory *m, const struct alert_rule *r, const struct alert_seen *seen,
                                int64_t now_ms)
{
    if (seen->happened) {
        raise_it(m, seen, now_ms);
        m->good_ms = now_ms;
        return (struct alert_outcome){CHANGE_RAISED, true, now_ms + r->keep_firing_ms};
    }
    bool raised = m->state == STATE_FIRING || m->state == STATE_ACKED;
    return raised ? step_raised(m, r, seen, now_ms) : step_quiet(m, r, seen, now_ms);
}

struct alert_outcome alert_end(struct alert_memory *m, int64_t now_ms)
{
    if (m->state == STATE_FIRING || m->state == STATE_ACKED)
        return resolve(m, now_ms, true);
    bool remember = m->state != STATE_NONE || m->untold;
    *m = (struct alert_memory){0};
    return (struct alert_outcome){CHANGE_NONE, remember, INT64_MAX};
}

bool alert_acknowledge(struct alert_memory *m)
{
    if (m->state != STATE_FIRING)
        return false;
    m->state = STATE_ACKED;
    m->untold &= ~(uint32_t)UNTOLD_AGAIN;
    return true;
}

void alert_told(struct alert_memory *m, int64_t now_ms)
{
    m->told = m->told || m->untold & UNTOLD_RAISED;
    m->untold = 0;
    m->told_ms = now_ms;
}

bool alert_is_empty(const struct alert_memory *m, const struct alert_rule *r, int64_t now_ms)
{
    bool cools = r && m->resolved_ms && m->resolved_ms <= now_ms && m->resolved_ms + r->cooldown_ms > now_ms;
    return m->state == STATE_NONE && !m->untold && !cools && !m->counted[0] && !m->counted[1];
}

void alert_encode(struct buf *out, const struct alert_memory *m)
{
    buf_put_byte(out, MEMORY_VERSION);
    buf_put_byte(out, (uint8_t)(m->state | m->untold << 2 | (uint32_t)m->told << 5));
    buf_put_uvar(out, m->number);
    buf_put_svar(out, m->since_ms);
    buf_put_svar(out, m->good_ms);
    buf_put_svar(out, m->resolved_ms);
    buf_put_svar(out, m->told_ms);
    buf_put_svar(out, m->value_micro);
    buf_put_svar(out, m->day);
    buf_put_uvar(out, m->counted[0]);
    buf_put_uvar(out, m->counted[1]);
}

int alert_decode(struct cursor *in, struct alert_memory *m, struct err *e)
{
    *m = (struct alert_memory){0};
    if (cursor_byte(in) != MEMORY_VERSION)
        return err_set(e, "memory of an alert", "an unknown version; was it written by a newer kefud?");
    uint8_t flags = cursor_byte(in);
    m->state = (enum alert_state)(flags & 3);
    m->untold = flags >> 2 & 7;
    m->told = flags >> 5 & 1;
    m->number = cursor_uvar(in);
    m->since_ms = cursor_svar(in);
    m->good_ms = cursor_svar(in);
    m->resolved_ms = cursor_svar(in);
    m->told_ms = cursor_svar(in);
    m->value_micro = cursor_svar(in);
    m->day = (int32_t)cursor_svar(in);
    m->counted[0] = (uint32_t)cursor_uvar(in);
    m->counted[1] = (uint32_t)cursor_uvar(in);
    return in->bad ? err_set(e, "memory of an alert", "damaged: cut short") : 0;
}
