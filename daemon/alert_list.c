/* Alerts and silences for those who list them: what is durable, never what a judgement under way might become. */
#include "kefu/daemon/alert_inside.h"

void alerts_each(const struct alerts *a, int64_t now_ms, void (*each)(void *arg, const struct alert_view *v), void *arg)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct alert *x = a->list[i];
        if (!x->rule || x->durable.state == STATE_NONE) {
            continue;
        }
        each(arg, &(struct alert_view){.rule = x->rule,
                                       .subject = x->subject.id,
                                       .team = alert_team_of(a, &x->subject),
                                       .is_agent = x->subject.of == OF_AGENT,
                                       .memory = &x->durable,
                                       .acked_by = str_of(x->acked_by),
                                       .muted = alert_muted(a, x, now_ms)});
    }
}

void alerts_each_silence(const struct alerts *a, int64_t now_ms, void (*each)(void *arg, const struct alert_silence *s),
                         void *arg)
{
    for (size_t i = 0; i < a->silences_n; i++) {
        if (a->silences[i]->s.until_ms > now_ms) {
            each(arg, &a->silences[i]->s);
        }
    }
}

void alerts_counts(const struct alerts *a, struct alerts_counts *out)
{
    *out = a->counts;
    out->silences_n = a->silences_n;
}

uint64_t alerts_silences_changed_n(const struct alerts *a)
{
    return a->silences_changed_n;
}

bool alerts_has(const struct alerts *a, uint64_t number)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct alert_memory *m = &a->list[i]->durable;
        if (m->number == number && (m->state == STATE_FIRING || m->state == STATE_ACKED)) {
            return number != 0;
        }
    }
    return false;
}

bool alerts_has_rule(const struct alerts *a, int64_t now_ms, struct str name)
{
    return alert_rule_named(rulebooks_for_day(a->o.rulebooks, tz_day(a->o.tz, now_ms)), name) != NULL;
}
