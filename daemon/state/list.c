/* Encoding of packed lists.
 *
 * An item is: type and how, flags, time since the item before, source, how much of the id is that of the first item, the
 * rest of the id (two digits a byte if it is all hexadecimal), which fields are there, the fields. All numbers are varints.
 * The numbers of names are the process's own; on the shelf (freeze.c) they are those of the subject's words. */
#include "kefu/state/list.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

#define DIGITS_MIN 3 /* fewer are not worth it; 1 would also look like the count 128 */
#define HEAD_TYPE_HIGH                                                                                                 \
    12 /* in an item's head: four bits of the type, eight of how, and from here on the rest of the type */

enum { MASK_AMOUNT = 1 << EVENT_STR_N, MASK_SCORE = 1 << (EVENT_STR_N + 1) };
/* The fields that are numbers: all but the reference. */
#define STRS_MASK (((UINT32_C(1) << EVENT_STR_N) - 1) & ~(UINT32_C(1) << EVENT_REF))

void names_init(struct names *n, uint64_t seed)
{
    *n = (struct names){0};
    intern_init(&n->agents, seed);
    intern_init(&n->customers, seed + 1);
    intern_init(&n->words, seed + 2);
}

void names_fini(struct names *n)
{
    intern_fini(&n->agents);
    intern_fini(&n->customers);
    intern_fini(&n->words);
    pool_fini(&n->runs);
}

void list_fini(struct list *l, struct names *names)
{
    pool_put(&names->runs, l->p, l->cap);
    free(l->marks);
    *l = (struct list){0};
}

enum name_table name_table_of(enum event_str field)
{
    if (field == EVENT_AGENT)
        return NAME_AGENTS;
    return field == EVENT_CUSTOMER ? NAME_CUSTOMERS : NAME_WORDS;
}

struct intern *names_table(struct names *n, enum name_table which)
{
    if (which == NAME_AGENTS)
        return &n->agents;
    return which == NAME_CUSTOMERS ? &n->customers : &n->words;
}

static const struct intern *table_of(const struct names *names, enum event_str which)
{
    return names_table((struct names *)names, name_table_of(which));
}

uint32_t names_source(const struct names *n, struct str source)
{
    bool likely = intern_is(&n->words, n->likely_source, source);
    return likely ? n->likely_source : intern_find(&n->words, source);
}

static uint32_t number_of(struct intern *t, struct str s, uint32_t *likely)
{
    if (!intern_is(t, *likely, s))
        *likely = intern_put(t, s);
    return *likely;
}

/* Which texts are there: a bit each. Written out, since this is asked of every event. */
static uint32_t fields_of(const struct event *e)
{
    uint32_t mask = 0;
#define X(name, json, max) mask |= (uint32_t)(e->strs[EVENT_##name].n != 0) << EVENT_##name;
    EVENT_STRS(X)
#undef X
    return mask;
}

void item_of_event(struct item *out, const struct event *e, struct names *names)
{
    *out = (struct item){.type = e->type,
                         .how = e->how,
                         .flags = e->flags,
                         .ts = e->ts,
                         .id = e->id,
                         .ref = e->strs[EVENT_REF],
                         .amount_fen = e->amount_fen,
                         .score_milli = e->score_milli,
                         .scale = e->scale,
                         .text_bytes = e->text_bytes};
    out->source = number_of(&names->words, e->source, &names->likely_source);
    out->given = fields_of(e) & STRS_MASK;
    for (uint32_t left = out->given; left; left &= left - 1) {
        int k = __builtin_ctz(left);
        struct intern *t = (struct intern *)table_of(names, (enum event_str)k);
        out->num[k] = number_of(t, e->strs[k], &names->likely[k]);
    }
}

bool item_same(const struct item *i, const struct event *e, const struct names *names)
{
    if (i->type != e->type || i->how != e->how || ((i->flags ^ e->flags) & ~(uint32_t)EVENT_DERIVED) ||
        i->ts != e->ts || i->amount_fen != e->amount_fen || i->score_milli != e->score_milli || i->scale != e->scale ||
        i->text_bytes != e->text_bytes || !str_eq(i->id, e->id) || !str_eq(i->ref, e->strs[EVENT_REF]))
        return false;
    if (!str_eq(intern_name(&names->words, i->source), e->source))
        return false;
    for (int k = 0; k < EVENT_STR_N; k++)
        if (k != EVENT_REF && !str_eq(intern_name(table_of(names, (enum event_str)k), i->num[k]), e->strs[k]))
            return false;
    return true;
}

static int rank_of(const struct item *i)
{
    return event_rank((enum event_type)i->type, (enum event_how)i->how);
}

int item_cmp(const struct item *a, const struct item *b, const struct names *names)
{
    if (a->ts != b->ts)
        return a->ts < b->ts ? -1 : 1;
    int rank = rank_of(a) - rank_of(b);
    if (rank)
        return rank;
    if (a->source != b->source)
        return str_cmp(intern_name(&names->words, a->source), intern_name(&names->words, b->source));
    return str_cmp(a->id, b->id);
}

static uint32_t mask_of(const struct item *i)
{
    uint32_t mask = i->given;
    mask |= i->ref.n ? UINT32_C(1) << EVENT_REF : 0;
    mask |= i->amount_fen ? (uint32_t)MASK_AMOUNT : 0;
    mask |= i->score_milli || i->scale ? (uint32_t)MASK_SCORE : 0;
    return mask;
}

static size_t shared_prefix(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    size_t i = 0;
    for (uint64_t x, y; i + sizeof x <= n; i += sizeof x) {
        memcpy(&x, a.p + i, sizeof x);
        memcpy(&y, b.p + i, sizeof y);
        if (x != y)
            break;
    }
    while (i < n && a.p[i] == b.p[i])
        i++;
    return i;
}

/* The first item's id, which stands in front of the items. */
static struct str base_id(const struct list *l)
{
    return (struct str){l->p + 1, (size_t)(unsigned char)l->p[0]};
}

/* Straight into memory that is known to be enough: this runs once for every event. */
static char *put_uvar(char *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (char)(v | 0x80);
    *p++ = (char)v;
    return p;
}

static char *put_svar(char *p, int64_t v)
{
    return put_uvar(p, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

static char *put_raw(char *p, const char *from, size_t n)
{
    if (n)
        memcpy(p, from, n);
    return p + n;
}

/* One more than the value of a lower-case hexadecimal digit; 0 for all else. */
static const uint8_t DIGITS[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16};

static bool all_digits(struct str s)
{
    size_t i = 0;
    while (i < s.n && DIGITS[(uint8_t)s.p[i]])
        i++;
    return i == s.n;
}

/* Platforms like ids of hexadecimal or decimal digits. Their count, of at most 127, is told with its high bit set, which
 * no other count but 128 has, and that one's second byte is 1. */
static char *put_digits(char *p, struct str s)
{
    *p++ = (char)(0x80 | s.n);
    for (size_t i = 0; i < s.n; i += 2) {
        unsigned low = i + 1 < s.n ? DIGITS[(uint8_t)s.p[i + 1]] - 1u : 0u;
        *p++ = (char)((DIGITS[(uint8_t)s.p[i]] - 1u) << 4 | low);
    }
    return p;
}

static char *put_rest(char *p, struct str s)
{
    if (s.n >= DIGITS_MIN && s.n < 128 && all_digits(s))
        return put_digits(p, s);
    return put_raw(put_uvar(p, s.n), s.p, s.n);
}

static char *put_fields(char *p, const struct item *i, uint32_t mask)
{
    for (uint32_t left = mask & STRS_MASK; left; left &= left - 1)
        p = put_uvar(p, i->num[__builtin_ctz(left)]);
    if (i->ref.n)
        p = put_raw(put_uvar(p, i->ref.n), i->ref.p, i->ref.n);
    if (mask & MASK_AMOUNT)
        p = put_svar(p, i->amount_fen);
    if (mask & MASK_SCORE)
        p = put_svar(put_svar(p, i->score_milli), i->scale);
    if (i->flags & EVENT_HAS_TEXT)
        p = put_uvar(p, (uint64_t)i->text_bytes);
    return p;
}

static char *put_item(char *p, const struct item *i, struct str base, int64_t ts_before)
{
    uint32_t mask = mask_of(i);
    size_t shared = shared_prefix(base, i->id);
    p = put_uvar(p, ((uint64_t)i->type & 15) | (uint64_t)i->how << 4 | (uint64_t)i->type >> 4 << HEAD_TYPE_HIGH);
    p = put_uvar(p, i->flags);
    p = put_svar(p, i->ts - ts_before);
    p = put_uvar(p, i->source);
    p = put_uvar(p, shared);
    p = put_rest(p, (struct str){i->id.p + shared, i->id.n - shared});
    p = put_uvar(p, mask);
    return put_fields(p, i, mask);
}

/* Reads what put_uvar wrote; nobody else writes here, so there is nothing to check. */
static uint64_t get_uvar(const char **p)
{
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        uint8_t byte = (uint8_t) * (*p)++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
}

static int64_t get_svar(const char **p)
{
    uint64_t v = get_uvar(p);
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static struct str get_raw(const char **p, size_t n)
{
    *p += n;
    return (struct str){*p - n, n};
}

static size_t get_digits(const char **p, char *to)
{
    size_t n = (size_t)((uint8_t) * (*p)++ & 0x7f);
    for (size_t i = 0; i < n; i++) {
        uint8_t two = (uint8_t)(*p)[i / 2];
        to[i] = "0123456789abcdef"[i % 2 ? two & 15 : two >> 4];
    }
    *p += (n + 1) / 2;
    return n;
}

/* Ids leave the list as they came in: prefix and rest stand apart, so they are joined in `id`, which has room for 128. */
static struct str get_id(const char **p, struct str base, char *id)
{
    size_t shared = (size_t)get_uvar(p);
    char *rest = put_raw(id, base.p, shared);
    bool digits = (uint8_t) * *p >= 0x80 && (uint8_t) * *p - 0x80 >= DIGITS_MIN;
    if (digits)
        return (struct str){id, shared + get_digits(p, rest)};
    size_t rest_n = (size_t)get_uvar(p);
    put_raw(rest, get_raw(p, rest_n).p, rest_n);
    return (struct str){id, shared + rest_n};
}

static void get_fields(const char **p, struct item *out, uint32_t mask)
{
    out->given = mask & STRS_MASK;
    for (uint32_t left = out->given; left; left &= left - 1)
        out->num[__builtin_ctz(left)] = (uint32_t)get_uvar(p);
    if (mask >> EVENT_REF & 1) {
        size_t n = (size_t)get_uvar(p);
        out->ref = get_raw(p, n);
    }
    if (mask & MASK_AMOUNT)
        out->amount_fen = get_svar(p);
    if (mask & MASK_SCORE) {
        out->score_milli = get_svar(p);
        out->scale = get_svar(p);
    }
    if (out->flags & EVENT_HAS_TEXT)
        out->text_bytes = (int64_t)get_uvar(p);
}

/* Reads an item; returns where the next one begins. */
static const char *get_item(const char *p, struct item *out, struct str base, int64_t ts_before, char *id)
{
    uint64_t head = get_uvar(&p);
    uint64_t type = (head & 15) | head >> HEAD_TYPE_HIGH << 4;
    *out = (struct item){.type = (enum event_type)type, .how = (enum event_how)(head >> 4 & 255)};
    out->flags = (uint32_t)get_uvar(&p);
    out->ts = ts_before + get_svar(&p);
    out->source = (uint32_t)get_uvar(&p);
    out->id = get_id(&p, base, id);
    uint32_t mask = (uint32_t)get_uvar(&p);
    get_fields(&p, out, mask);
    return p;
}

/* Where the items begin: behind the first one's id. */
static uint32_t items_at(const struct list *l)
{
    return l->n ? 1 + (uint32_t)base_id(l).n : 0;
}

void list_first(struct list_cursor *c, const struct list *l)
{
    c->list = l;
    c->at = items_at(l);
    c->ts = 0;
}

bool list_next(struct list_cursor *c, struct item *out)
{
    if (c->at >= c->list->bytes_n)
        return false;
    const char *p = c->list->p;
    c->at = (uint32_t)(get_item(p + c->at, out, base_id(c->list), c->ts, c->id) - p);
    c->ts = out->ts;
    return true;
}

/* Marks of items among the first n; the first item has none. */
static uint32_t marks_among(uint32_t n)
{
    return n ? (n - 1) / LIST_MARK_EVERY : 0;
}

/* The cursor before the item of the k-th mark; 0: before the first item. */
static void start_at_mark(struct list_cursor *c, const struct list *l, uint32_t k)
{
    list_first(c, l);
    if (!k)
        return;
    c->at = l->marks[k - 1].at;
    c->ts = l->marks[k - 1].ts_before;
}

/* Among sorted items. */
static bool find_in_order(const struct list *l, const struct item *who, const struct names *names,
                          struct list_cursor *c, struct item *out)
{
    uint32_t lo = 0;
    uint32_t hi = marks_among(l->sorted_n);
    while (lo < hi) {
        uint32_t mid = (lo + hi + 1) / 2;
        start_at_mark(c, l, mid);
        if (list_next(c, out) && item_cmp(out, who, names) <= 0)
            lo = mid;
        else
            hi = mid - 1;
    }
    start_at_mark(c, l, lo);
    int order = -1;
    while (order < 0 && list_next(c, out))
        order = item_cmp(out, who, names);
    return order == 0;
}

/* Among all from the cursor on. */
static bool find_from(const struct item *who, struct list_cursor *c, struct item *out)
{
    while (list_next(c, out))
        if (out->source == who->source && str_eq(out->id, who->id))
            return true;
    return false;
}

bool list_find(const struct list *l, const struct item *who, const struct names *names, struct list_cursor *c,
               struct item *out)
{
    if (find_in_order(l, who, names, c, out))
        return true;
    start_at_mark(c, l, marks_among(l->sorted_n)); /* then among those that came out of order since */
    if (find_from(who, c, out))
        return true;
    list_first(c, l); /* or at another place than `who` would have: a conflict */
    return find_from(who, c, out);
}

/* The item to come next is one that gets a mark. Room for marks doubles. */
static void put_mark(struct list *l)
{
    uint32_t k = l->n / LIST_MARK_EVERY;
    if ((k & (k - 1)) == 0)
        l->marks = xrealloc(l->marks, 2 * (size_t)k * sizeof *l->marks);
    l->marks[k - 1] = (struct list_mark){.ts_before = l->last_ts, .at = l->bytes_n};
}

static void put_bytes(struct list *l, const char *p, size_t n, struct pool *runs)
{
    if (l->bytes_n + n > l->cap) {
        size_t cap = pool_size(l->bytes_n + n);
        assert(cap < UINT32_MAX);
        l->p = pool_grow(runs, l->p, l->cap, cap);
        l->cap = (uint32_t)cap;
    }
    memcpy(l->p + l->bytes_n, p, n);
    l->bytes_n += (uint32_t)n;
}

/* Does the item come after all that is there? */
static bool at_the_end(const struct list *l, const struct item *i, const struct names *names)
{
    if (l->n == 0 || i->ts != l->last_ts)
        return l->n == 0 || i->ts > l->last_ts;
    struct item last;
    char id[128];
    get_item(l->p + l->last_at, &last, base_id(l), 0, id);
    last.ts = l->last_ts;
    return item_cmp(&last, i, names) < 0;
}

static void put(struct list *l, const struct item *i, bool sorted, struct pool *runs)
{
    char room[1024]; /* an item is two texts of 128 bytes and some thirty numbers of at most ten */
    if (l->n == 0) {
        room[0] = (char)i->id.n;
        put_bytes(l, room, (size_t)(put_raw(room + 1, i->id.p, i->id.n) - room), runs);
    }
    const char *end = put_item(room, i, base_id(l), l->n ? l->last_ts : 0);
    if (l->n && l->n % LIST_MARK_EVERY == 0)
        put_mark(l);
    l->last_at = l->bytes_n;
    put_bytes(l, room, (size_t)(end - room), runs);
    l->n++;
    l->sorted_n += sorted;
    l->last_ts = i->ts;
}

void list_append(struct list *l, const struct item *i, struct names *names)
{
    put(l, i, l->sorted_n == l->n && at_the_end(l, i, names), &names->runs);
}

void list_push(struct list *l, const struct item *i, struct names *names)
{
    put(l, i, l->sorted_n == l->n, &names->runs);
}

struct item *list_items(const struct list *l, struct arena *arena)
{
    struct item *items = arena_alloc(arena, (l->n + 1) * sizeof *items);
    struct list_cursor c;
    list_first(&c, l);
    for (size_t k = 0; list_next(&c, &items[k]); k++) {
        items[k].id = arena_copy(arena, items[k].id);
        items[k].ref = arena_copy(arena, items[k].ref);
    }
    return items;
}

static int cmp_items(const void *a, const void *b, void *names)
{
    return item_cmp(a, b, names);
}

void list_sort(struct list *l, struct names *names, struct arena *scratch)
{
    if (l->sorted_n == l->n)
        return;
    struct item *items = list_items(l, scratch);
    uint32_t n = l->n;
    qsort_r(items, n, sizeof *items, cmp_items, names);
    *l = (struct list){.p = l->p, .marks = l->marks, .cap = l->cap};
    for (uint32_t k = 0; k < n; k++)
        list_append(l, &items[k], names);
    assert(l->sorted_n == l->n);
}
