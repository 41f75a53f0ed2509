/* Subjects as bytes: the names that a list uses, the list in numbers of these names, and how it stands in the totals.
 *
 * It keeps true that the bytes lean on nothing outside them, so that they mean the same after any restart, and that a list
 * comes out in the order it lies in. */
#include <assert.h>
#include <stdlib.h>

#include "kefu/base/digest.h"
#include "kefu/base/mem.h"
#include "kefu/state/inside.h"

/* Raise it when the fold itself changes what totals are made of the same events: then all is counted anew. */
#define FOLD_VERSION 2  /* 2: handled conversations by shop */
#define FEW_WORDS    16 /* so many are looked through; more get a table */
#define ZONE_DAYS    1200

struct word {
    enum name_table table;
    uint32_t number;
};

struct dictionary {
    struct word *words; /* owned; word k has number k + 1 in the frozen list */
    size_t n, cap;
    struct table table; /* of the words, once there are many */
};

struct word_question {
    const struct dictionary *dictionary;
    struct word word;
};

static bool is_word(const void *arg, uint32_t value)
{
    const struct word_question *q = arg;
    const struct word *w = &q->dictionary->words[value];
    return w->number == q->word.number && w->table == q->word.table;
}

static uint64_t word_hash(struct word w)
{
    return ((uint64_t)w.number * 4 + (uint64_t)w.table) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t find_word(const struct dictionary *d, struct word w)
{
    struct word_question q = {d, w};
    if (d->table.n)
        return table_find(&d->table, word_hash(w), is_word, &q);
    for (uint32_t k = 0; k < d->n; k++)
        if (is_word(&q, k))
            return k;
    return TABLE_NONE;
}

static uint32_t put_word(struct dictionary *d, enum name_table table, uint32_t number)
{
    struct word w = {table, number};
    uint32_t k = number ? find_word(d, w) : 0;
    if (!number || k != TABLE_NONE)
        return number ? k + 1 : 0;
    xgrow(&d->words, &d->cap, d->n + 1, sizeof *d->words);
    d->words[d->n++] = w;
    if (d->n > FEW_WORDS)
        for (uint32_t i = d->table.n ? (uint32_t)d->n - 1 : 0; i < d->n; i++)
            table_add(&d->table, word_hash(d->words[i]), i);
    return (uint32_t)d->n;
}

/* The list in numbers of the dictionary, which it fills. */
static void translate(const struct list *from, struct dictionary *d, struct list *to, struct names *names)
{
    struct list_cursor cursor;
    struct item i;
    list_first(&cursor, from);
    while (list_next(&cursor, &i)) {
        i.source = put_word(d, NAME_WORDS, i.source);
        for (int k = 0; k < EVENT_STR_N; k++)
            i.num[k] = put_word(d, name_table_of((enum event_str)k), i.num[k]);
        list_push(to, &i, names);
    }
}

void list_freeze(struct names *names, const struct list *from, struct buf *out, uint32_t *agent)
{
    struct dictionary d = {0};
    struct list to = {0};
    translate(from, &d, &to, names);
    if (agent)
        *agent = put_word(&d, NAME_AGENTS, *agent);
    buf_put_uvar(out, d.n);
    for (size_t k = 0; k < d.n; k++) {
        struct str name = intern_name(names_table(names, d.words[k].table), d.words[k].number);
        buf_put_uvar(out, (uint64_t)name.n << 2 | (uint64_t)d.words[k].table);
        buf_put_str(out, name);
    }
    buf_put_uvar(out, to.n);
    buf_put_uvar(out, to.bytes_n);
    buf_put(out, to.p, to.bytes_n);
    free(d.words);
    table_fini(&d.table);
    list_fini(&to, names);
}

static void put_conversation(struct site *s, const struct conversation *c, struct buf *out)
{
    assert(c->applied && c->list.sorted_n == c->list.n); /* what makes it pending has touched it before, or is time */
    list_freeze(&s->names, &c->list, out, NULL);
    buf_put_svar(out, c->applied_at);
    buf_put_uvar(out, c->run_n);
    for (uint32_t k = 0; k < c->machine.episodes_n; k++)
        buf_put_byte(out, c->machine.episodes[k].fcr);
}

static void put_order(struct site *s, const struct order *o, struct buf *out)
{
    uint32_t agent = o->counts ? o->agent : 0;
    list_freeze(&s->names, &o->list, out, &agent);
    buf_put_uvar(out, o->counted_n);
    buf_put_uvar(out, agent);
    buf_put_svar(out, o->day);
    buf_put_svar(out, o->amount_fen);
    buf_put_byte(out, o->counts);
}

void subject_freeze(struct site *s, uint32_t ref, const struct freezer *to)
{
    const struct list *l = subject_list(s, ref);
    struct buf *out = &s->cold.blob;
    struct shelf_row row = {.kind = ref_kind(ref), .key = subject_key(s, ref), .last_ts = l->last_ts};
    out->n = 0;
    buf_put_byte(out, BLOB_VERSION);
    if (row.kind == SUBJECT_CONVERSATION) {
        const struct conversation *c = conversation_at(s, ref_number(ref));
        row.group = cold_group_hash(s, c->machine.shop, c->machine.customer);
        put_conversation(s, c, out);
    } else if (row.kind == SUBJECT_ORDER) {
        put_order(s, &s->orders[ref_number(ref)], out);
    } else {
        list_freeze(&s->names, l, out, NULL);
    }
    row.blob = buf_str(out);
    to->row(to->arg, &row);
}

uint64_t site_fingerprint(const struct site *s)
{
    struct buf b = {0};
    const struct rulebooks *r = s->calendar.rulebooks;
    int32_t today = tz_day(s->calendar.tz, s->as_of);
    int32_t month = civil_month(today);
    buf_put_uvar(&b, FOLD_VERSION);
    for (int32_t day = today - ZONE_DAYS; day <= today; day++)
        buf_put_svar(&b, tz_at(s->calendar.tz, day, 0)); /* the zone is what it does to days, not its name */
    for (size_t i = 0; i < r->n; i++) {
        if (r->list[i]->effective_month > month && i > 0)
            continue;
        buf_put_svar(&b, r->list[i]->effective_month);
        buf_put_str(&b, str_of(r->list[i]->sha256));
    }
    uint64_t sum = digest_checksum(buf_str(&b));
    buf_fini(&b);
    return sum;
}
