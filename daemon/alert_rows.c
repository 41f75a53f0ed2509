/* What is kept of alerts and silences: rows of the rules' memory, found by name.
 *
 * A name is "RULE/agent:amy", "RULE/team:A", "RULE/site", "RULE/source:cw7", "RULE/channel:lead"; names, not numbers, are kept,
 * so that a restart finds each again. It refuses rows that are cut or name nothing. */
#include "kefu/daemon/alert_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"

#define RULE_ALERT   STR_LIT("alert")
#define RULE_SILENCE STR_LIT("silence")

static const char *const scope_words[] = {"site", "agent:", "team:", "source:", "channel:"};

/* --- finding ------------------------------------------------------------------------------------------------------ */

struct name_question {
    const struct alerts *a;
    struct str name;
};

static bool is_named(const void *arg, uint32_t value)
{
    const struct name_question *q = arg;
    const struct alert *x = q->a->list[value];
    return str_eq((struct str){x->name, x->name_n}, q->name);
}

struct alert *alert_find(const struct alerts *a, struct str name)
{
    struct name_question q = {a, name};
    uint32_t at = table_find(&a->by_name, table_hash(name, 1), is_named, &q);
    return at == TABLE_NONE ? NULL : a->list[at];
}

static size_t put_word(char room[ALERT_NAME_MAX], size_t at, struct str word)
{
    assert(at + word.n <= ALERT_NAME_MAX); /* rules and ids are bounded */
    memcpy(room + at, word.p, word.n);
    return at + word.n;
}

/* Made at every look: by hand, not by snprintf. */
struct str alert_name(char room[ALERT_NAME_MAX], struct str rule, const struct subject *s)
{
    size_t n = put_word(room, 0, rule);
    n = put_word(room, n, STR_LIT("/"));
    n = put_word(room, n, str_of(scope_words[s->of]));
    return (struct str){room, s->id.n ? put_word(room, n, s->id) : n};
}

/* Ids stand behind the scope's word within the name, so that they live as long as the alert. */
struct alert *alert_add(struct alerts *a, struct str name, const struct alert *like)
{
    struct alert *x = xmalloc(sizeof(*x));
    *x = *like;
    x->name = xstrndup(name.p, name.n);
    x->name_n = (uint32_t)name.n;
    x->rule_n = (uint32_t)((const char *)memchr(name.p, '/', name.n) - name.p);
    x->look_ms = x->queued_ms = INT64_MAX;
    size_t head = x->rule_n + 1 + strlen(scope_words[x->subject.of]);
    x->subject.id = (struct str){x->name + head, name.n - head};
    xgrow(&a->list, &a->cap, a->n + 1, sizeof(struct alert *));
    table_add(&a->by_name, table_hash(name, 1), (uint32_t)a->n);
    a->list[a->n++] = x;
    return x;
}

size_t alert_place(const struct alerts *a, const struct alert *x)
{
    struct name_question q = {a, {x->name, x->name_n}};
    return table_find(&a->by_name, table_hash(q.name, 1), is_named, &q);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

const struct alert_rule *alert_rule_named(const struct rulebook *r, struct str name)
{
    for (size_t i = 0; r && i < r->alerts_n; i++) {
        if (str_eq(r->alerts[i].name, name)) {
            return &r->alerts[i];
        }
    }
    return NULL;
}

/* The subject a row's name says; -1: none of ours. */
static int subject_of(const struct alerts *a, struct str name, struct subject *s)
{
    const char *slash = memchr(name.p, '/', name.n);
    if (!slash) {
        return -1;
    }
    struct str rest = {slash + 1, name.n - (size_t)(slash + 1 - name.p)};
    for (int of = OF_SITE; of <= OF_CHANNEL; of++) {
        struct str word = str_of(scope_words[of]);
        if (rest.n >= word.n && memcmp(rest.p, word.p, word.n) == 0) {
            *s = (struct subject){.of = (enum subject_scope)of, .id = {rest.p + word.n, rest.n - word.n}};
            s->agent = of == OF_AGENT ? site_agent_find(a->o.site, s->id) : 0;
            return 0;
        }
    }
    return -1;
}

static int load_alert(struct alerts *a, const struct memory_row *row, struct err *e)
{
    struct alert like = {.has_row = true};
    struct cursor c = cursor_of(row->blob);
    if (subject_of(a, row->subject, &like.subject) < 0) {
        return err_set(e, "memory of an alert", "damaged: \"%.*s\" names no alert", STR_ARG(row->subject));
    }
    if (alert_decode(&c, &like.durable, e) < 0) {
        return -1;
    }
    struct str by = cursor_bytes(&c, (size_t)cursor_uvar(&c));
    like.work = like.durable;
    like.value_micro = like.durable.value_micro;
    like.acked_by = by.n ? xstrndup(by.p, by.n) : NULL;
    alert_add(a, row->subject, &like);
    return 0;
}

static struct kept_silence *silence_at(struct alerts *a, struct str id)
{
    for (size_t i = 0; i < a->silences_n; i++) {
        if (str_eq(a->silences[i]->s.id, id)) {
            return a->silences[i];
        }
    }
    xgrow(&a->silences, &a->silences_cap, a->silences_n + 1, sizeof(struct kept_silence *));
    return a->silences[a->silences_n++] = xcalloc(1, sizeof(struct kept_silence));
}

void alert_keep_silence(struct alerts *a, const struct alert_silence *s)
{
    struct kept_silence *k = silence_at(a, s->id);
    a->silences_changed_n++;
    arena_fini(&k->arena);
    k->s = (struct alert_silence){.id = arena_copy(&k->arena, s->id),
                                  .rule = arena_copy(&k->arena, s->rule),
                                  .agent = arena_copy(&k->arena, s->agent),
                                  .team = arena_copy(&k->arena, s->team),
                                  .actor = arena_copy(&k->arena, s->actor),
                                  .reason = arena_copy(&k->arena, s->reason),
                                  .from_ms = s->from_ms,
                                  .until_ms = s->until_ms};
}

static struct str take_text(struct cursor *c)
{
    return cursor_bytes(c, (size_t)cursor_uvar(c));
}

static int load_silence(struct alerts *a, const struct memory_row *row, struct err *e)
{
    struct cursor c = cursor_of(row->blob);
    struct alert_silence s = {.id = row->subject, .from_ms = cursor_svar(&c), .until_ms = cursor_svar(&c)};
    s.rule = take_text(&c);
    s.agent = take_text(&c);
    s.team = take_text(&c);
    s.actor = take_text(&c);
    s.reason = take_text(&c);
    if (c.bad) {
        return err_set(e, "memory of a silence", "damaged: cut short");
    }
    alert_keep_silence(a, &s);
    return 0;
}

int alerts_load(struct alerts *a, const struct memory_row *row, struct err *e)
{
    if (str_eq(row->rule, RULE_ALERT)) {
        return load_alert(a, row, e);
    }
    return str_eq(row->rule, RULE_SILENCE) ? load_silence(a, row, e) : 0;
}

static void put_text(struct buf *b, struct str s)
{
    buf_put_uvar(b, s.n);
    buf_put_str(b, s);
}

void alert_write_silence(const struct turn *t, const struct alert_silence *s)
{
    struct buf b = {0};
    buf_put_svar(&b, s->from_ms);
    buf_put_svar(&b, s->until_ms);
    put_text(&b, s->rule);
    put_text(&b, s->agent);
    put_text(&b, s->team);
    put_text(&b, s->actor);
    put_text(&b, s->reason);
    judgement_row(t->g, &(struct memory_row){RULE_SILENCE, s->id, buf_str(&b)});
    buf_fini(&b);
}

void alert_drop_silence(const struct turn *t, size_t at)
{
    struct alerts *a = t->a;
    struct kept_silence *k = a->silences[at];
    judgement_row(t->g, &(struct memory_row){.rule = RULE_SILENCE, .subject = k->s.id});
    a->silences[at] = a->silences[--a->silences_n];
    a->silences_changed_n++;
    arena_fini(&k->arena);
    free(k);
}

void alert_write_rows(const struct turn *t)
{
    struct buf b = {0};
    for (size_t i = 0; i < t->a->n; i++) {
        struct alert *x = t->a->list[i];
        if (!x->changed) {
            continue;
        }
        bool empty = alert_is_empty(&x->work, x->rule, t->now_ms);
        x->will_have_row = !empty;
        if (empty && !x->has_row) {
            continue;
        }
        b.n = 0;
        if (!empty) {
            alert_encode(&b, &x->work);
            put_text(&b, str_of(x->acked_by));
        }
        judgement_row(t->g, &(struct memory_row){RULE_ALERT, {x->name, x->name_n}, buf_str(&b)});
    }
    buf_fini(&b);
}
