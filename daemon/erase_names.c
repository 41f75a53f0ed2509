/* Who is meant by which name. Keeps true: a field that names somebody is changed when it is that name, whole; a text that people
 * wrote, wherever the name stands in it as a word of its own. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/erase_inside.h"
#include "kefu/model/aliases.h"
#include "kefu/state/freeze.h"
#include "kefu/store/journal.h"
#include "kefu/store/shelf.h"

#define LONG_NAME 4 /* bytes */

static bool is_agent(const struct erasure *x, struct str id)
{
    return !x->t->customer && id.n && str_eq(id, x->t->id);
}

struct str erase_agent(void *arg, struct str id)
{
    const struct erasure *x = arg;
    return is_agent(x, id) ? x->t->person : id;
}

struct str erase_numbered(struct erasure *x, char kind, uint32_t number)
{
    struct buf b = {0};
    buf_printf(&b, "%.*s-%c%08u", STR_ARG(x->t->person), kind, (unsigned)number);
    struct str s = arena_copy(&x->arena, buf_str(&b));
    buf_fini(&b);
    return s;
}

struct str erase_alias(struct erasure *x, char kind, struct str name)
{
    uint32_t number = intern_find(kind == ALIAS_ORDER ? &x->orders : &x->conversations, name);
    return number ? erase_numbered(x, kind, number) : (struct str){0};
}

static bool replace(struct str *name, struct str by)
{
    if (by.n)
        *name = by;
    return by.n > 0;
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Does a name go on at p, in the direction of `step`? amy is no part of amy-lin or of amy.lin, but of "amy." at the end. */
static bool goes_on(struct str text, const char *p, int step)
{
    const char *end = text.p + text.n;
    if (p < text.p || p >= end)
        return false;
    if (is_word_byte(*p))
        return true;
    p += step;
    return strchr("-.:@", p[-step]) && p[-step] && p >= text.p && p < end && is_word_byte(*p);
}

/* Where the needle stands as a word of its own; NULL: nowhere. A word of Chinese needs no gap. */
static const char *find_word(struct str text, struct str needle)
{
    const char *end = text.p + text.n;
    for (const char *p = text.p; p && p < end; p++) {
        p = memmem(p, (size_t)(end - p), needle.p, needle.n);
        if (!p)
            return NULL;
        const char *behind = p + needle.n;
        bool joined =
            (is_word_byte(*p) && goes_on(text, p - 1, -1)) || (is_word_byte(behind[-1]) && goes_on(text, behind, 1));
        if (!joined)
            return p;
    }
    return NULL;
}

/* One name of the person. */
struct name {
    struct str is;
    char kind; /* of a conversation or an order, or 0: the pseudonym itself takes its place */
    uint32_t number;
};

static struct str name_after(struct erasure *x, const struct name *n)
{
    return n->kind ? erase_numbered(x, n->kind, n->number) : x->t->person;
}

/* All of them: sets the next one, from number 0 on; false: that was the last. Nothing is made for those that stand nowhere. */
static bool next_name(const struct erasure *x, uint32_t k, struct name *n)
{
    const struct str own[] = {x->t->id, x->t->name, x->t->employee_no};
    uint32_t chats_n = intern_count(&x->conversations), orders_n = intern_count(&x->orders);
    if (k < chats_n)
        *n = (struct name){intern_name(&x->conversations, k + 1), ALIAS_CONVERSATION, k + 1};
    else if (k - chats_n < orders_n)
        *n = (struct name){intern_name(&x->orders, k - chats_n + 1), ALIAS_ORDER, k - chats_n + 1};
    else if (k - chats_n - orders_n < sizeof own / sizeof *own)
        *n = (struct name){.is = own[k - chats_n - orders_n]};
    else
        return false;
    return true;
}

static struct str put_in_place(struct erasure *x, struct str text, const struct name *name)
{
    struct str needle = name->is;
    const char *at = needle.n ? find_word(text, needle) : NULL;
    if (!at)
        return text;
    struct str by = name_after(x, name);
    struct buf out = {0};
    while (at) {
        buf_put(&out, text.p, (size_t)(at - text.p));
        buf_put_str(&out, by);
        text = (struct str){at + needle.n, text.n - (size_t)(at - text.p) - needle.n};
        at = find_word(text, needle);
    }
    buf_put_str(&out, text);
    struct str s = arena_copy(&x->arena, buf_str(&out));
    buf_fini(&out);
    return s;
}

struct str erase_text(struct erasure *x, struct str text, bool *changed)
{
    struct str fresh = text;
    struct name name;
    for (uint32_t k = 0; text.n && next_name(x, k, &name); k++)
        fresh = put_in_place(x, fresh, &name);
    *changed |= fresh.p != text.p;
    return fresh;
}

/* Where it is a whole JSON string. */
static struct str put_quoted(struct erasure *x, struct str text, const struct name *name)
{
    struct buf needle = {0}, out = {0};
    struct str by = {0};
    buf_put_json(&needle, name->is);
    const char *at = name->is.n ? memmem(text.p, text.n, needle.p, needle.n) : NULL;
    for (; at; at = memmem(text.p, text.n, needle.p, needle.n)) {
        by = by.n ? by : name_after(x, name);
        buf_put(&out, text.p, (size_t)(at - text.p));
        buf_put_json(&out, by);
        text = (struct str){at + needle.n, text.n - (size_t)(at - text.p) - needle.n};
    }
    if (by.n) {
        buf_put_str(&out, text);
        text = arena_copy(&x->arena, buf_str(&out));
    }
    buf_fini(&needle);
    buf_fini(&out);
    return text;
}

struct str erase_json(struct erasure *x, struct str text, bool *changed)
{
    struct str fresh = text;
    struct name name;
    for (uint32_t k = 0; next_name(x, k, &name); k++)
        fresh = put_quoted(x, fresh, &name);
    *changed |= fresh.p != text.p;
    return fresh;
}

static bool holds(struct str text, struct str name)
{
    return name.n && text.n && memmem(text.p, text.n, name.p, name.n);
}

bool erase_holds(struct erasure *x, struct str bytes)
{
    struct name name;
    for (uint32_t k = 0; next_name(x, k, &name); k++)
        if (holds(bytes, name.is))
            return true;
    return false;
}

bool erase_is_named(struct erasure *x, struct str text)
{
    struct name name;
    for (uint32_t k = 0; text.n && next_name(x, k, &name); k++)
        if (name.is.n && find_word(text, name.is))
            return true;
    return false;
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static bool erase_of_agent(struct erasure *x, struct event *e)
{
    bool changed = false;
    if (event_subject_kind(e->type) == SUBJECT_AGENT && is_agent(x, e->subject)) {
        e->subject = x->t->person;
        e->strs[EVENT_NAME] = e->strs[EVENT_EMPLOYEE_NO] = (struct str){0};
        changed = true;
    }
    if (is_agent(x, e->strs[EVENT_AGENT]))
        changed = replace(&e->strs[EVENT_AGENT], x->t->person);
    return changed;
}

static bool is_customer(const struct erasure *x, struct str hash)
{
    return x->t->customer && hash.n == sizeof x->hash && memcmp(hash.p, x->hash, hash.n) == 0;
}

static bool erase_of_customer(struct erasure *x, struct event *e)
{
    enum subject_kind kind = event_subject_kind(e->type);
    bool changed = false;
    if (kind == SUBJECT_CONVERSATION)
        changed |= replace(&e->subject, erase_alias(x, ALIAS_CONVERSATION, e->subject));
    if (kind == SUBJECT_ORDER)
        changed |= replace(&e->subject, erase_alias(x, ALIAS_ORDER, e->subject));
    changed |= replace(&e->strs[EVENT_CONVERSATION], erase_alias(x, ALIAS_CONVERSATION, e->strs[EVENT_CONVERSATION]));
    if (is_customer(x, e->strs[EVENT_CUSTOMER]))
        changed |= replace(&e->strs[EVENT_CUSTOMER], (struct str){(const char *)x->fresh, sizeof x->fresh});
    return changed;
}

/* A customer has many conversations, and there are many ids: so each piece of an id that is as long as a name is looked up. */
static bool holds_long_name(const struct erasure *x, struct str id)
{
    for (size_t n = LONG_NAME; n <= id.n && n <= ERASE_NAME_MAX; n++)
        for (size_t at = 0; x->lengths[n] && at + n <= id.n; at++) {
            struct str piece = {id.p + at, n};
            if (intern_find(&x->conversations, piece) || intern_find(&x->orders, piece))
                return true;
        }
    return false;
}

static bool has_short_names(const struct erasure *x)
{
    return memchr(x->lengths, 1, LONG_NAME) != NULL;
}

/* A name stands in an id that somebody made of it. Of short names only as a word of its own: "amy" is in many words. */
bool erase_is_in_id(struct erasure *x, struct str id)
{
    const struct str own[] = {x->t->id, x->t->name, x->t->employee_no};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i].n >= LONG_NAME ? holds(id, own[i]) : own[i].n && find_word(id, own[i]))
            return true;
    return holds_long_name(x, id) || (has_short_names(x) && erase_is_named(x, id));
}

/* As intern_put or intern_find of x->ids has it. In room of the caller's. */
static struct str identity_of(struct buf *room, struct str source, struct str id)
{
    room->n = 0;
    buf_put_str(room, source);
    buf_put_byte(room, '\n');
    buf_put_str(room, id);
    return buf_str(room);
}

/* The identity of an event, or one that it refers to. */
static bool erase_id(struct erasure *x, struct str source, struct str *id)
{
    struct buf room = {0};
    uint32_t number = id->n ? intern_find(&x->ids, identity_of(&room, source, *id)) : 0;
    buf_fini(&room);
    if (!number)
        return false;
    *id = erase_numbered(x, ALIAS_ID, x->id_ranks[number - 1]);
    x->ids_changed = true;
    return true;
}

bool erase_event(void *arg, struct event *e)
{
    struct erasure *x = arg;
    bool changed = x->t->customer ? erase_of_customer(x, e) : erase_of_agent(x, e);
    e->strs[EVENT_ACTOR] = erase_text(x, e->strs[EVENT_ACTOR], &changed);
    e->strs[EVENT_REASON] = erase_text(x, e->strs[EVENT_REASON], &changed);
    changed |= erase_id(x, e->source, &e->id);
    changed |= erase_id(x, e->strs[EVENT_REF_SOURCE], &e->strs[EVENT_REF]);
    return changed;
}

/* --- what is a customer's ----------------------------------------------------------------------------------------- */

static void put_name(struct erasure *x, struct intern *names, struct str name)
{
    intern_put(names, name);
    x->lengths[name.n < ERASE_NAME_MAX ? name.n : ERASE_NAME_MAX] = true;
}

static void take_conversation(void *arg, const struct event *e)
{
    struct erasure *x = arg;
    if (event_subject_kind(e->type) == SUBJECT_CONVERSATION && is_customer(x, e->strs[EVENT_CUSTOMER]))
        put_name(x, &x->conversations, e->subject);
}

static void take_order(void *arg, const struct event *e)
{
    struct erasure *x = arg;
    if (event_subject_kind(e->type) == SUBJECT_ORDER && intern_find(&x->conversations, e->strs[EVENT_CONVERSATION]))
        put_name(x, &x->orders, e->subject);
}

struct finding {
    void (*take)(void *arg, const struct event *e);
    void *arg;
};

static int look_at_row(void *arg, const struct shelf_row *row, struct err *e)
{
    struct finding *f = arg;
    return shelf_row_events(row, f->take, f->arg, e);
}

static void look_at_event(void *arg, uint64_t seq, const struct event *e)
{
    struct finding *f = arg;
    (void)seq;
    f->take(f->arg, e);
}

static int look_everywhere(struct erasure *x, void (*take)(void *, const struct event *), void *arg)
{
    struct finding f = {take, arg};
    struct shelf_reading shelf = {.row = look_at_row, .arg = &f};
    struct store_replay journal = {.each = look_at_event, .arg = &f};
    struct journal j;
    uint64_t first = 0, last = 0;
    int bad = journal_open(&j, x->db, x->e) || shelf_each_row(x->store, true, &shelf, x->e) < 0 ||
              journal_ends(&j, &first, &last, x->e) || journal_replay(&j, first, last, &journal, x->e);
    journal_fini(&j);
    return bad ? -1 : 0;
}

/* --- ids ---------------------------------------------------------------------------------------------------------- */

/* What two events share whose ids alone say which of them comes first; perhaps more of them than those. */
static struct str instant_of(struct buf *room, const struct event *e)
{
    room->n = 0;
    buf_put_byte(room, (uint8_t)event_subject_kind(e->type));
    buf_put_svar(room, e->ts);
    buf_put_uvar(room, e->source.n);
    buf_put_str(room, e->source);
    buf_put_str(room, e->subject);
    return buf_str(room);
}

struct ids {
    struct erasure *x;
    struct intern instants;
    struct buf room;
};

static void take_named_id(void *arg, const struct event *e)
{
    struct ids *f = arg;
    struct str ref = e->strs[EVENT_REF];
    if (ref.n && erase_is_in_id(f->x, ref))
        intern_put(&f->x->ids, identity_of(&f->room, e->strs[EVENT_REF_SOURCE], ref));
    if (!erase_is_in_id(f->x, e->id))
        return;
    intern_put(&f->x->ids, identity_of(&f->room, e->source, e->id));
    intern_put(&f->instants, instant_of(&f->room, e));
}

static void take_neighbour(void *arg, const struct event *e)
{
    struct ids *f = arg;
    if (intern_find(&f->instants, instant_of(&f->room, e)))
        intern_put(&f->x->ids, identity_of(&f->room, e->source, e->id));
}

static int cmp_ids(const void *a, const void *b, void *ids)
{
    return str_cmp(intern_name(ids, *(const uint32_t *)a), intern_name(ids, *(const uint32_t *)b));
}

static void rank_ids(struct erasure *x)
{
    uint32_t n = intern_count(&x->ids);
    uint32_t *sorted = xcalloc(n ? n : 1, sizeof *sorted);
    x->id_ranks = xcalloc(n ? n : 1, sizeof *x->id_ranks);
    for (uint32_t k = 0; k < n; k++)
        sorted[k] = k + 1;
    qsort_r(sorted, n, sizeof *sorted, cmp_ids, &x->ids);
    for (uint32_t k = 0; k < n; k++)
        x->id_ranks[sorted[k] - 1] = k + 1;
    free(sorted);
}

static int find_ids(struct erasure *x)
{
    struct ids f = {.x = x};
    intern_init(&f.instants, 0);
    int bad = look_everywhere(x, take_named_id, &f);
    if (!bad && intern_count(&f.instants))
        bad = look_everywhere(x, take_neighbour, &f);
    rank_ids(x);
    intern_fini(&f.instants);
    buf_fini(&f.room);
    return bad;
}

int erase_find(struct erasure *x)
{
    int bad = 0;
    if (x->t->customer)
        bad = look_everywhere(x, take_conversation, x) || look_everywhere(x, take_order, x);
    return bad || find_ids(x) ? -1 : 0;
}
