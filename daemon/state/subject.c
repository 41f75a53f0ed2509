/* Subjects and identities: from the ids of events to the lists they are in.
 *
 * It keeps true: every accepted event's identity leads to the one list that holds it; the content is read from that list,
 * so that a duplicate and a conflict are told apart exactly, never by a hash. */
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/state/inside.h"

struct list *subject_list(const struct site *s, uint32_t ref)
{
    uint32_t number = ref_number(ref);
    if (ref_kind(ref) == SUBJECT_CONVERSATION)
        return &conversation_at(s, number)->list;
    return ref_kind(ref) == SUBJECT_ORDER ? &s->orders[number].list : &s->agents[number].list;
}

struct str subject_key(const struct site *s, uint32_t ref)
{
    uint32_t number = ref_number(ref);
    if (ref_kind(ref) == SUBJECT_AGENT)
        return intern_name(&s->names.agents, number);
    if (ref_kind(ref) == SUBJECT_ORDER)
        return (struct str){s->orders[number].key, s->orders[number].key_n};
    const struct conversation *c = conversation_at(s, number);
    return (struct str){c->key, c->key_n};
}

struct key_question {
    const struct site *site;
    struct str key;
};

static bool is_conversation(const void *arg, uint32_t value)
{
    const struct key_question *q = arg;
    return str_eq(subject_key(q->site, ref_of(SUBJECT_CONVERSATION, value)), q->key);
}

static bool is_order(const void *arg, uint32_t value)
{
    const struct key_question *q = arg;
    return str_eq(subject_key(q->site, ref_of(SUBJECT_ORDER, value)), q->key);
}

static uint32_t free_place(struct site *s)
{
    if (s->free.n)
        return s->free.list[--s->free.n];
    if (s->conversations_n % CONVERSATIONS_CHUNK == 0) {
        size_t chunk_bytes = CONVERSATIONS_CHUNK * sizeof(struct conversation);
        xgrow(&s->chunks, &s->chunks_cap, s->chunks_n + 1, sizeof *s->chunks);
        s->chunks[s->chunks_n++] = memset(arena_alloc(&s->ground, chunk_bytes), 0, chunk_bytes);
    }
    return s->conversations_n++;
}

uint32_t conversation_new(struct site *s, struct str key)
{
    uint32_t number = free_place(s);
    struct conversation *c = conversation_at(s, number);
    c->key = xstrndup(key.p, key.n);
    c->key_n = (uint8_t)key.n;
    c->group = GROUP_NONE;
    c->prev = c->next = c->newer = CONVERSATION_NONE;
    c->timer = (struct timer){.due_ms = INT64_MAX, .in_heap_ms = INT64_MAX};
    table_add(&s->conversation_ids, table_hash(key, s->seed), number);
    return number;
}

uint32_t order_new(struct site *s, struct str key)
{
    xgrow(&s->orders, &s->orders_cap, s->orders_n + 1, sizeof *s->orders);
    s->orders[s->orders_n] = (struct order){.key = xstrndup(key.p, key.n),
                                            .key_n = (uint8_t)key.n,
                                            .timer = {.due_ms = INT64_MAX, .in_heap_ms = INT64_MAX}};
    table_add(&s->order_ids, table_hash(key, s->seed), (uint32_t)s->orders_n);
    return (uint32_t)s->orders_n++;
}

uint32_t conversation_find(const struct site *s, struct str key)
{
    struct key_question q = {.site = s, .key = key};
    return table_find(&s->conversation_ids, table_hash(key, s->seed), is_conversation, &q);
}

static uint32_t get_conversation(struct site *s, struct str key)
{
    uint32_t number = conversation_find(s, key);
    if (number == TABLE_NONE) {
        cold_thaw_key(s, key);
        number = conversation_find(s, key);
    }
    if (number != TABLE_NONE && !is_gone(s, &conversation_at(s, number)->list))
        return number;
    if (number != TABLE_NONE)
        conversation_take_away(s, number);
    s->known_n++;
    return conversation_new(s, key);
}

uint32_t order_find(const struct site *s, struct str key)
{
    struct key_question q = {.site = s, .key = key};
    return table_find(&s->order_ids, table_hash(key, s->seed), is_order, &q);
}

static uint32_t get_order(struct site *s, struct str key)
{
    uint32_t number = order_find(s, key);
    return number == TABLE_NONE ? order_new(s, key) : number;
}

uint32_t subject_get(struct site *s, const struct event *e)
{
    enum subject_kind kind = event_subject_kind(e->type);
    if (kind == SUBJECT_CONVERSATION)
        return ref_of(kind, get_conversation(s, e->subject));
    if (kind == SUBJECT_ORDER)
        return ref_of(kind, get_order(s, e->subject));
    return ref_of(kind, intern_put(&s->names.agents, e->subject));
}

static uint64_t identity_hash(const struct site *s, uint32_t source, struct str id)
{
    return table_hash(id, s->seed ^ (uint64_t)source * UINT64_C(0x9e3779b97f4a7c15));
}

struct identity_question {
    const struct site *site;
    const struct event *event;
    uint32_t source;
    struct item *found;
    struct list_cursor *cursor;
};

static bool holds_identity(const void *arg, uint32_t ref)
{
    const struct identity_question *q = arg;
    const struct event *e = q->event;
    struct item who = {.type = e->type, .how = e->how, .ts = e->ts, .source = q->source, .id = e->id};
    return list_find(subject_list(q->site, ref), &who, &q->site->names, q->cursor, q->found);
}

static uint32_t find_in_memory(const struct site *s, const struct event *e, struct item *found,
                               struct list_cursor *cursor)
{
    uint32_t source = names_source(&s->names, e->source);
    if (!source)
        return TABLE_NONE;
    struct identity_question q = {.site = s, .event = e, .source = source, .found = found, .cursor = cursor};
    return table_find(&s->identities, identity_hash(s, source, e->id), holds_identity, &q);
}

uint32_t identity_find(struct site *s, const struct event *e, struct item *found, struct list_cursor *cursor)
{
    uint32_t ref = find_in_memory(s, e, found, cursor);
    if (ref == TABLE_NONE && cold_thaw_identity(s, e->source, e->id))
        ref = find_in_memory(s, e, found, cursor);
    return ref;
}

enum event_type site_event_type(struct site *s, struct str conversation, struct str source, struct str id)
{
    cold_thaw_key(s, conversation);
    uint32_t number = names_source(&s->names, source), at = conversation_find(s, conversation);
    struct list_cursor cursor;
    struct item i;
    if (!number || at == TABLE_NONE)
        return EVENT_NONE;
    list_first(&cursor, &conversation_at(s, at)->list);
    while (list_next(&cursor, &i))
        if (i.source == number && str_eq(i.id, id))
            return i.type;
    return EVENT_NONE;
}

void identity_drop(struct site *s, const struct item *i, uint32_t ref)
{
    table_remove(&s->identities, identity_hash(s, i->source, i->id), ref);
}

static void drop_identities(struct site *s, const struct list *l, uint32_t ref)
{
    struct list_cursor cursor;
    struct item i;
    list_first(&cursor, l);
    while (list_next(&cursor, &i))
        identity_drop(s, &i, ref);
}

void order_drop(struct site *s, uint32_t number)
{
    struct order *o = &s->orders[number];
    drop_identities(s, &o->list, ref_of(SUBJECT_ORDER, number));
    table_remove(&s->order_ids, table_hash((struct str){o->key, o->key_n}, s->seed), number);
    free(o->key);
    list_fini(&o->list, &s->names);
    *o = (struct order){.list.last_ts = INT64_MIN};
}

void conversation_drop(struct site *s, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    drop_identities(s, &c->list, ref_of(SUBJECT_CONVERSATION, number));
    table_remove(&s->conversation_ids, table_hash((struct str){c->key, c->key_n}, s->seed), number);
    free(c->key);
    list_fini(&c->list, &s->names);
    machine_fini(&c->machine);
    *c = (struct conversation){0};
    xgrow(&s->free.list, &s->free.cap, s->free.n + 1, sizeof *s->free.list);
    s->free.list[s->free.n++] = number;
}

void identity_add(struct site *s, const struct item *i, uint32_t ref)
{
    table_add(&s->identities, identity_hash(s, i->source, i->id), ref);
}

/* The conversation is at hand now: on to where its pointers lead. */
static void prefetch_behind(const struct conversation *c)
{
    __builtin_prefetch(c->key);
    if (c->list.n) {
        __builtin_prefetch(c->list.p);
        __builtin_prefetch(c->list.p + c->list.bytes_n, 1);
    }
    if (c->machine.running.parties_n)
        __builtin_prefetch(c->machine.running.parties);
}

/* The newest of an agent's days or months, where a fact most likely goes. */
static void prefetch_newest(const struct periods *p)
{
    const char *from = (const char *)(p->list + p->n - (p->n > 0));
    for (size_t at = 0; at < sizeof *p->list; at += 64)
        __builtin_prefetch(from + at, 1);
}

static void prefetch_conversation(const struct conversation *c)
{
    const char *from = (const char *)c;
    for (size_t at = 0; at < sizeof *c; at += 64)
        __builtin_prefetch(from + at, 1);
}

void site_prefetch_probe(const struct site *s, const struct event *e)
{
    table_prefetch(&s->identities, identity_hash(s, s->names.likely_source, e->id)); /* a guess will do */
    cold_prefetch(s, e);
}

/* Each event goes through three stages, a third of the way from one another: its slots, its conversation, what is behind. */
void site_prefetch(const struct site *s, struct site_ahead *ahead, const struct event *e)
{
    if (event_subject_kind(e->type) != SUBJECT_CONVERSATION)
        return;
    uint32_t second = table_guess(&s->conversation_ids, ahead->subjects[(ahead->n + 4) % 8]);
    uint32_t third = table_guess(&s->conversation_ids, ahead->subjects[ahead->n % 8]);
    if (second != TABLE_NONE)
        prefetch_conversation(conversation_at(s, second));
    if (third != TABLE_NONE) {
        const struct conversation *c = conversation_at(s, third);
        const struct agent *a = &s->agents[c->machine.assignee.agent];
        prefetch_behind(c);
        prefetch_newest(&a->totals.days);
        prefetch_newest(&a->totals.months);
    }
    uint64_t hash = table_hash(e->subject, s->seed);
    ahead->subjects[ahead->n++ % 8] = hash;
    table_prefetch(&s->conversation_ids, hash);
    site_prefetch_probe(s, e);
}

void subjects_fini(struct site *s)
{
    for (uint32_t i = 0; i < s->conversations_n; i++) {
        struct conversation *c = conversation_at(s, i);
        free(c->key);
        list_fini(&c->list, &s->names);
        machine_fini(&c->machine);
    }
    arena_fini(&s->ground);
    free(s->chunks);
    for (size_t i = 0; i < s->orders_n; i++) {
        free(s->orders[i].key);
        list_fini(&s->orders[i].list, &s->names);
    }
    free(s->orders);
    for (size_t i = 0; i < s->agents_n; i++) {
        agent_totals_fini(&s->agents[i].totals);
        free(s->agents[i].window);
        list_fini(&s->agents[i].list, &s->names);
    }
    free(s->agents);
}
