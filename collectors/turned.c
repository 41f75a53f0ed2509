/* Writes events for the ordinary door. Keeps true: what a platform calls its things gets the collector's name in front, here
 * and nowhere else, and a reason is one line. */
#include "kefu/collectors/turned.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

void turned_init(struct turned *t, struct str name, const struct people *people)
{
    *t = (struct turned){.name = name, .people = people};
}

void turned_fini(struct turned *t)
{
    free(t->items);
    arena_fini(&t->arena);
    buf_fini(&t->draft);
    *t = (struct turned){0};
}

static struct turned_item *add(struct turned *t, enum turned_kind kind, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static struct turned_item *add(struct turned *t, enum turned_kind kind, const char *format, va_list args)
{
    char why[256];
    int n = vsnprintf(why, sizeof(why), format, args);
    n = n < (int)sizeof(why) ? n : (int)sizeof(why) - 1;
    xgrow(&t->items, &t->cap, t->n + 1, sizeof(*t->items));
    t->items[t->n] = (struct turned_item){.kind = kind, .why = arena_copy(&t->arena, (struct str){why, (size_t)n})};
    return &t->items[t->n++];
}

static void key(struct turned *t, const char *field)
{
    buf_printf(&t->draft, ",\"%s\":", field);
}

void turned_begin(struct turned *t, const char *type, int64_t ts)
{
    t->draft.n = 0;
    buf_printf(&t->draft, "{\"type\":\"%s\",\"ts\":%" PRId64 ",\"source\":", type, ts);
    buf_put_json(&t->draft, t->name);
}

void turned_id(struct turned *t, const char *format, ...)
{
    char id[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(id, sizeof(id), format, args);
    va_end(args);
    turned_text(t, "id", (struct str){id, n < (int)sizeof(id) ? (size_t)n : sizeof(id) - 1});
}

void turned_text(struct turned *t, const char *field, struct str value)
{
    if (value.n > 0) {
        key(t, field);
        buf_put_json(&t->draft, value);
    }
}

/* The character that a common entity at the start of s stands for, and its length; 0: none. */
static size_t entity(struct str s, char *c)
{
    static const struct {
        const char *text;
        char c;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}, {"&nbsp;", ' '}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t n = strlen(known[i].text);
        if (s.n >= n && memcmp(s.p, known[i].text, n) == 0) {
            *c = known[i].c;
            return n;
        }
    }
    return 0;
}

void turned_html(struct turned *t, const char *field, struct str html)
{
    char *text = arena_bytes(&t->arena, html.n + 1);
    size_t n = 0;
    bool tag = false;
    for (size_t i = 0; i < html.n; i++) {
        char c = html.p[i];
        size_t used = c == '&' && !tag ? entity((struct str){html.p + i, html.n - i}, &text[n]) : 0;
        if (used) {
            n++;
            i += used - 1;
        } else if (c == '<' || tag) {
            tag = c != '>';
        } else {
            text[n++] = c;
        }
    }
    turned_text(t, field, (struct str){text, n});
}

void turned_true(struct turned *t, const char *field, bool value)
{
    if (value) {
        key(t, field);
        buf_put_str(&t->draft, STR_LIT("true"));
    }
}

void turned_number(struct turned *t, const char *field, int64_t value)
{
    key(t, field);
    buf_printf(&t->draft, "%" PRId64, value);
}

void turned_literal(struct turned *t, const char *field, struct str number)
{
    key(t, field);
    buf_put_str(&t->draft, number);
}

/* NAME:ID in the arena. */
static struct str own(struct turned *t, struct str id)
{
    size_t n = t->name.n + 1 + id.n;
    char *p = arena_bytes(&t->arena, n);
    memcpy(p, t->name.p, t->name.n);
    p[t->name.n] = ':';
    memcpy(p + t->name.n + 1, id.p, id.n);
    return (struct str){p, n};
}

void turned_own(struct turned *t, const char *field, struct str id)
{
    if (id.n > 0) {
        turned_text(t, field, own(t, id));
    }
}

void turned_agent(struct turned *t, const char *field, struct str id)
{
    if (id.n == 0) {
        turned_literal(t, field, STR_LIT("null"));
        return;
    }
    struct str account = own(t, id), agent = people_find(t->people, account);
    turned_text(t, field, agent.n ? agent : account);
}

void turned_end(struct turned *t, const char *why_format, ...)
{
    va_list args;
    va_start(args, why_format);
    struct turned_item *i = add(t, TURNED_EVENT, why_format, args);
    va_end(args);
    buf_put_byte(&t->draft, '}');
    i->json = arena_copy(&t->arena, buf_str(&t->draft));
}

void turned_ignore(struct turned *t, const char *why_format, ...)
{
    va_list args;
    va_start(args, why_format);
    add(t, TURNED_IGNORED, why_format, args);
    va_end(args);
}

void turned_refuse(struct turned *t, const char *why_format, ...)
{
    va_list args;
    va_start(args, why_format);
    add(t, TURNED_REFUSED, why_format, args);
    va_end(args);
}

size_t turned_count(const struct turned *t, enum turned_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        n += t->items[i].kind == kind;
    }
    return n;
}

void turned_decode(const struct turned *t, struct batch *b, const struct decode_context *c)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct turned_item *item = &t->items[i];
        if (item->kind == TURNED_EVENT) {
            decode_one(b, item->json, c);
        } else if (item->kind == TURNED_REFUSED) {
            struct refusal *r = batch_add_refusal(b);
            r->kind = REFUSAL_BAD;
            r->reason = arena_copy(&b->arena, item->why);
            b->inputs_n++;
        }
    }
}
