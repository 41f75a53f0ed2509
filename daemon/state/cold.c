/* What has left memory, and what is about to lie on the shelf as it stands.
 *
 * It keeps true: a conversation is in memory, or the filter of keys says "perhaps" and the shelf has it, so that its next
 * event finds it; the same of every identity; and before a first contact is judged by times when something cold may have
 * happened, the conversations of that customer are back. A subject of a cut is frozen before it changes. */
#include <assert.h>
#include <stdlib.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/state/inside.h"

static void push_ref(struct refs *r, uint32_t ref)
{
    xgrow(&r->list, &r->cap, r->n + 1, sizeof *r->list);
    r->list[r->n++] = ref;
}

static uint8_t *save_of(const struct site *s, uint32_t ref)
{
    uint32_t number = ref_number(ref);
    if (ref_kind(ref) == SUBJECT_CONVERSATION)
        return &conversation_at(s, number)->save;
    return ref_kind(ref) == SUBJECT_ORDER ? &s->orders[number].save : &s->agents[number].save;
}

void site_saw(struct site *s, uint32_t ref)
{
    if (s->cold.watching)
        push_ref(&s->cold.watched, ref);
}

void site_touch(struct site *s, uint32_t ref)
{
    site_saw(s, ref);
    if (!s->cold.shelf)
        return;
    uint8_t *save = save_of(s, ref);
    if (*save == s->cold.now)
        return;
    if (*save != SAVE_CLEAN)
        subject_freeze(s, ref, s->cold.freezer);
    *save = s->cold.now;
    push_ref(&s->cold.unsaved, ref);
}

size_t site_unsaved_n(const struct site *s)
{
    return s->cold.unsaved.n;
}

bool site_may_cut(const struct site *s)
{
    return s->cold.shelf && !s->cold.freezer && !s->pending_n && !site_has_late(s);
}

/* --- a cut ---------------------------------------------------------------------------------------------------------- */

void site_cut(struct site *s, const struct freezer *f, struct buf *head)
{
    struct cold *c = &s->cold;
    assert(site_may_cut(s));
    c->freezer = f;
    cut_begin(s);
    buf_put_svar(head, s->as_of);
    buf_put_uvar(head, s->events_n);
    buf_put_uvar(head, s->known_n);
    buf_put_svar(head, site_kept_month(s));
    buf_put_svar(head, s->quiet_ms);
    struct refs empty = {.list = c->cut.list, .cap = c->cut.cap};
    c->cut = c->unsaved;
    c->unsaved = empty;
    c->cut_done_n = 0;
    c->now = c->now == SAVE_A ? SAVE_B : SAVE_A;
}

bool site_freeze(struct site *s, size_t n)
{
    struct cold *c = &s->cold;
    n = cut_step(s, n);
    for (; n && c->cut_done_n < c->cut.n; c->cut_done_n++, n--) {
        uint32_t ref = c->cut.list[c->cut_done_n];
        uint8_t *save = save_of(s, ref);
        if (*save == c->now)
            continue; /* it has changed since, and was frozen before */
        subject_freeze(s, ref, c->freezer);
        *save = SAVE_CLEAN;
    }
    if (!n || c->cut_done_n < c->cut.n)
        return true;
    c->cut.n = c->cut_done_n = 0;
    c->freezer = NULL;
    return false;
}

size_t site_cut_left_n(const struct site *s)
{
    const struct cold *c = &s->cold;
    return c->freezer ? c->cut_totals_n + c->cut.n - c->cut_done_n : 0;
}

/* --- hashes that mean the same after a restart -------------------------------------------------------------------- */

uint64_t cold_key_hash(const struct site *s, struct str key)
{
    return table_hash(key, s->cold.shelf->seed);
}

uint64_t cold_identity_hash(const struct site *s, struct str source, struct str id)
{
    return table_hash(id, s->cold.shelf->seed ^ table_hash(source, 1));
}

uint64_t cold_group_hash(const struct site *s, uint32_t shop, uint32_t customer)
{
    if (!customer)
        return 0;
    uint64_t shop_hash = table_hash(intern_name(&s->names.words, shop), 2);
    uint64_t hash = table_hash(intern_name(&s->names.customers, customer), s->cold.shelf->seed ^ shop_hash);
    return hash >> 1 | 1; /* never 0, and a whole number to SQLite */
}

/* --- waking ------------------------------------------------------------------------------------------------------- */

static void wake(void *arg, const struct shelf_row *row)
{
    struct site *s = arg;
    struct err e;
    if (row->last_ts < s->kept.ms || conversation_find(s, row->key) != TABLE_NONE)
        return;
    if (site_thaw_row(s, row, false, &e) < 0) { /* its checksum held: it was written so */
        log_line(LOG_LEVEL_ERROR, "thaw", "where=\"%s\" error=\"%s\"", e.where, e.what);
        abort();
    }
}

static void ask(struct site *s, const struct shelf_question *q)
{
    s->cold.shelf->ask(s->cold.shelf->arg, q, wake, s);
}

void cold_thaw_key(struct site *s, struct str key)
{
    uint64_t hash = s->cold.keys.layers_n ? cold_key_hash(s, key) : 0;
    if (s->cold.keys.layers_n && bloom_may_hold(&s->cold.keys, hash))
        ask(s, &(struct shelf_question){.by = SHELF_BY_KEY, .key = key});
}

void site_vouch(struct site *s, bool vouched)
{
    s->cold.vouched = vouched;
}

bool cold_thaw_identity(struct site *s, struct str source, struct str id)
{
    if (!s->cold.identities.layers_n || s->cold.vouched)
        return false;
    uint64_t hash = cold_identity_hash(s, source, id);
    if (!bloom_may_hold(&s->cold.identities, hash))
        return false;
    ask(s, &(struct shelf_question){.by = SHELF_BY_IDENTITY, .hash = hash});
    return true;
}

void cold_prefetch(const struct site *s, const struct event *e)
{
    if (s->cold.identities.layers_n && !s->cold.vouched)
        bloom_prefetch(&s->cold.identities, cold_identity_hash(s, e->source, e->id));
}

void group_warm(struct site *s, uint32_t group, int64_t from)
{
    if (from > s->cold.until || group == GROUP_NONE || s->groups.list[group].warm_from <= from)
        return;
    const struct group *g = &s->groups.list[group];
    uint64_t hash = cold_group_hash(s, g->shop, g->customer);
    s->groups.list[group].warm_from = from;
    if (!bloom_may_hold(&s->cold.keys, hash))
        return;
    ask(s, &(struct shelf_question){.by = SHELF_BY_GROUP, .hash = hash, .from = from});
}

/* --- resting ------------------------------------------------------------------------------------------------------ */

static bool may_chill(const struct site *s, uint32_t number, int64_t before)
{
    const struct conversation *c = conversation_at(s, number);
    return c->key && c->save == SAVE_CLEAN && c->list.last_ts < before && conversation_rests(s, number);
}

struct identities {
    uint64_t *list; /* owned */
    size_t n, cap;
};

static void know_identity(struct site *s, const struct item *i, struct identities *out)
{
    uint64_t hash = cold_identity_hash(s, intern_name(&s->names.words, i->source), i->id);
    xgrow(&out->list, &out->cap, out->n + 1, sizeof *out->list);
    out->list[out->n++] = hash;
    bloom_add(&s->cold.identities, hash);
}

/* The filters learn of a conversation. */
static void know(struct site *s, uint32_t number, struct identities *out)
{
    const struct conversation *c = conversation_at(s, number);
    struct list_cursor cursor;
    struct item i;
    out->n = 0;
    list_first(&cursor, &c->list);
    while (list_next(&cursor, &i))
        know_identity(s, &i, out);
    bloom_add(&s->cold.keys, cold_key_hash(s, (struct str){c->key, c->key_n}));
    if (c->machine.customer)
        bloom_add(&s->cold.keys, cold_group_hash(s, c->machine.shop, c->machine.customer));
    if (c->list.last_ts > s->cold.until)
        s->cold.until = c->list.last_ts;
}

bool site_chill(struct site *s, struct chill *c, const struct freezer *f)
{
    struct identities known = {0};
    assert(!s->cold.freezer);
    for (; c->n && c->place < s->conversations_n; c->place++, c->n--) {
        if (!may_chill(s, c->place, c->before))
            continue;
        know(s, c->place, &known);
        struct shelf_row row = {.kind = SUBJECT_CONVERSATION, .identities = known.list, .identities_n = known.n};
        row.key = subject_key(s, ref_of(SUBJECT_CONVERSATION, c->place));
        f->row(f->arg, &row);
    }
    free(known.list);
    return c->place < s->conversations_n;
}

static void hand_out_cold(void *arg, const struct shelf_row *row)
{
    const struct freezer *to = arg;
    struct shelf_row cold = *row;
    cold.cold = true;
    to->row(to->arg, &cold);
}

void site_freeze_cold(struct site *s, struct str key, const struct freezer *f)
{
    uint32_t number = conversation_find(s, key);
    if (number != TABLE_NONE && may_chill(s, number, INT64_MAX))
        subject_freeze(s, ref_of(SUBJECT_CONVERSATION, number),
                       &(struct freezer){.row = hand_out_cold, .arg = (void *)f});
}

void site_forget(struct site *s, struct str key)
{
    uint32_t number = conversation_find(s, key);
    if (number == TABLE_NONE || s->cold.watching || !may_chill(s, number, INT64_MAX))
        return;
    conversation_leave(s, number);
    conversation_drop(s, number);
}

bool site_shows_more(const struct site *s)
{
    return s->cold.quiet_ms && (!s->quiet_ms || s->quiet_ms > s->cold.quiet_ms);
}

void site_forget_again(struct site *s, struct str key)
{
    site_forget(s, key);
    uint32_t number = conversation_find(s, key);
    if (number != TABLE_NONE)
        site_touch(s, ref_of(SUBJECT_CONVERSATION, number)); /* cold no more: the next start is to find it, too */
}

int64_t site_cold_until(const struct site *s)
{
    return s->cold.until;
}

void site_set_cold_until(struct site *s, int64_t until)
{
    s->cold.until = until;
}

struct bloom *site_filter(struct site *s, int which)
{
    return which ? &s->cold.identities : &s->cold.keys;
}

size_t site_in_memory_n(const struct site *s)
{
    return s->conversations_n - s->free.n;
}

void cold_fini(struct site *s)
{
    struct cold *c = &s->cold;
    bloom_fini(&c->keys);
    bloom_fini(&c->identities);
    free(c->watched.list);
    free(c->unsaved.list);
    free(c->cut.list);
    buf_fini(&c->blob);
    arena_fini(&c->scratch);
}
