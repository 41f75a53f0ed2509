/* Alerts of a simulated month: what the store says was decided, against what left the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"
#include "sim.h"

struct one { /* an alert of a rule about somebody, as far as it has been followed */
    struct str rule, subject;
    bool on, happens;
};

struct following {
    struct sim *s;
    struct one *list; /* owned */
    size_t n, cap;
    size_t raised_n, unsent_n;
};

/* Everything is heard there: it leads to one person. */
void alerts_channel(struct channels *c)
{
    *c = (struct channels){.n = 1};
    c->list[0] = (struct channel){.name = STR_LIT("all"),
                                  .stream = STR_LIT("channel:all"),
                                  .kind = CHANNEL_WEBHOOK,
                                  .hears = HEARS_LEAD | HEARS_PAYROLL | HEARS_OPS,
                                  .personal = true};
}

static struct str field(const struct following *f, const struct effect *e, const char *name)
{
    for (size_t i = 0; i < e->pairs_n; i += 2)
        if (str_eq(e->pairs[i], str_of(name)))
            return arena_copy(&f->s->script.arena, e->pairs[i + 1]);
    return (struct str){"", 0};
}

static struct one *find(struct following *f, const struct effect *e)
{
    static const char *const subjects[] = {"agent", "source", "channel", "team"};
    struct one x = {.rule = field(f, e, "rule"), .subject = {"", 0}};
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects && !x.subject.n; i++)
        x.subject = field(f, e, subjects[i]);
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->list[i].rule, x.rule) && str_eq(f->list[i].subject, x.subject))
            return &f->list[i];
    const struct rulebook *r = f->s->script.rulebooks.list[0];
    for (size_t i = 0; i < r->alerts_n; i++)
        x.happens |= str_eq(r->alerts[i].name, x.rule) && alert_is(&r->alerts[i], TRAIT_EVENT);
    xgrow(&f->list, &f->cap, f->n + 1, sizeof *f->list);
    f->list[f->n] = x;
    return &f->list[f->n++];
}

/* What is on is not raised anew, whoever died in between; only what happens, such as a rating, may happen again. */
static void follow(struct following *f, const struct effect *e)
{
    struct one *x = find(f, e);
    bool fires = str_eq(field(f, e, "state"), STR_LIT("firing"));
    if (x->on == fires && !(fires && x->happens))
        fail_msg("seed %llu: %.*s of \"%.*s\" is %s, and was", (unsigned long long)f->s->o.seed, STR_ARG(x->rule),
                 STR_ARG(x->subject), fires ? "raised" : "over");
    x->on = fires;
    f->raised_n += fires;
}

static bool was_heard(const struct sim *s, uint64_t number)
{
    for (size_t i = 0; i < s->heard_n; i++)
        if (s->heard[i] == number)
            return true;
    return false;
}

static void look(void *arg, const struct effect *e)
{
    struct following *f = arg;
    if (e->kind == EFFECT_TIER)
        return;
    if (!was_heard(f->s, e->number))
        fail_msg("seed %llu: number %llu was never told", (unsigned long long)f->s->o.seed,
                 (unsigned long long)e->number);
    if (e->kind == EFFECT_ALERT)
        follow(f, e);
}

static void count(void *arg, const struct effect *e)
{
    (void)e;
    ((struct following *)arg)->unsent_n++;
}

size_t verdict_alerts(struct sim *s)
{
    struct err e;
    struct following f = {.s = s};
    if (store_each_unsent(s->store, count, &f, &e) < 0 || store_each_sent(s->store, 0, look, &f, &e) < 0)
        fail_msg("seed %llu: %s: %s", (unsigned long long)s->o.seed, e.where, e.what);
    assert_int_equal(f.unsent_n, 0);
    free(f.list);
    return f.raised_n;
}
