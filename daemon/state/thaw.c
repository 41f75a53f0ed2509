/* Bytes as subjects again: what freeze.c has written.
 *
 * It keeps true that a thawed subject is what was frozen, in the totals and out of them, and that thawing adds to no total.
 * It refuses bytes that are cut or do not fit together, before they are in any table but that of names. */
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/state/inside.h"

struct thawing {
    struct cursor in;
    uint32_t *words; /* owned: the site's number of each word, from 1 */
    uint32_t words_n;
    struct str list; /* the items' bytes */
    uint32_t items_n;
};

static int misfit(const struct shelf_row *row, struct err *e, const char *what)
{
    char where[200];
    snprintf(where, sizeof where, "shelf %s %.*s", row->kind == SUBJECT_CONVERSATION ? "conversation" : "row",
             STR_ARG(row->key));
    return err_set(e, where, "%s; put the latest backup in its place", what);
}

static bool read_words(struct site *s, struct thawing *t)
{
    uint64_t n = cursor_uvar(&t->in);
    if (n > (uint64_t)(t->in.end - t->in.p))
        return false;
    t->words = xcalloc(n + 1, sizeof *t->words);
    for (t->words_n = 0; t->words_n < n && !t->in.bad; t->words_n++) {
        uint64_t head = cursor_uvar(&t->in);
        struct str name = cursor_bytes(&t->in, (size_t)(head >> 2));
        if (t->in.bad || (head & 3) >= NAME_TABLES || !name.n)
            return false;
        t->words[t->words_n + 1] = intern_put(names_table(&s->names, (enum name_table)(head & 3)), name);
    }
    return !t->in.bad;
}

static bool open_blob(struct site *s, const struct shelf_row *row, struct thawing *t)
{
    *t = (struct thawing){.in = cursor_of(row->blob)};
    if (cursor_byte(&t->in) != BLOB_VERSION || !read_words(s, t))
        return false;
    t->items_n = (uint32_t)cursor_uvar(&t->in);
    t->list = cursor_bytes(&t->in, (size_t)cursor_uvar(&t->in));
    site_make_agents(s);
    return !t->in.bad && (t->items_n || row->kind == SUBJECT_AGENT);
}

static bool to_site(const struct thawing *t, uint32_t *number)
{
    if (*number > t->words_n)
        return false;
    *number = *number ? t->words[*number] : 0;
    return true;
}

static bool read_item(const struct thawing *t, struct item *i)
{
    bool ok = to_site(t, &i->source) && i->source;
    for (int k = 0; k < EVENT_STR_N; k++)
        ok = ok && to_site(t, &i->num[k]);
    return ok;
}

/* Fills the subject's list and gives its identities to the site. */
static bool read_list(struct site *s, const struct thawing *t, uint32_t ref)
{
    /* the cursor only reads */
    struct list from = {.p = (char *)(uintptr_t)t->list.p, .bytes_n = (uint32_t)t->list.n, .n = t->items_n};
    struct list *to = subject_list(s, ref);
    struct list_cursor cursor;
    struct item i;
    list_first(&cursor, &from);
    while (to->n < t->items_n && list_next(&cursor, &i)) {
        if (!read_item(t, &i))
            return false;
        list_push(to, &i, &s->names);
        identity_add(s, &i, ref);
        if (ref_kind(ref) == SUBJECT_CONVERSATION)
            conversation_at(s, ref_number(ref))->looks_back |= conversation_looks_back(&i);
    }
    return to->n == t->items_n;
}

static bool thaw_conversation(struct site *s, const struct shelf_row *row, struct thawing *t, bool anew)
{
    uint32_t number = conversation_new(s, row->key);
    uint32_t ref = ref_of(SUBJECT_CONVERSATION, number);
    if (!read_list(s, t, ref))
        return false;
    if (anew) {
        site_mark_pending(s, ref);
        return true;
    }
    site_saw(s, ref);
    struct restored r = {.applied_at = cursor_svar(&t->in), .run_n = (uint32_t)cursor_uvar(&t->in), .fcr = t->in};
    return conversation_restore(s, number, &r) == 0;
}

/* --- apart from the site's tables --------------------------------------------------------------------------------- */

/* The words of a blob as numbers that mean something in this blob alone, but agents, who are the site's: what is read by the
 * thousand to be told must not fill the site's tables with names. */
static bool read_words_apart(const struct site *s, struct thawing *t)
{
    uint64_t n = cursor_uvar(&t->in);
    if (n > (uint64_t)(t->in.end - t->in.p))
        return false;
    t->words = xcalloc(n + 1, sizeof *t->words);
    for (t->words_n = 0; t->words_n < n && !t->in.bad; t->words_n++) {
        uint64_t head = cursor_uvar(&t->in);
        struct str name = cursor_bytes(&t->in, (size_t)(head >> 2));
        uint32_t number = (head & 3) == NAME_AGENTS ? intern_find(&s->names.agents, name) : 0;
        if (!number)
            number = (uint32_t)s->agents_n + t->words_n;
        t->words[t->words_n + 1] = number;
    }
    return !t->in.bad;
}

static bool fill_apart(struct site *s, const struct thawing *t, struct list *to)
{
    struct list from = {.p = (char *)(uintptr_t)t->list.p, .bytes_n = (uint32_t)t->list.n, .n = t->items_n};
    struct list_cursor cursor;
    struct item i;
    list_first(&cursor, &from);
    while (to->n < t->items_n && list_next(&cursor, &i)) {
        if (!read_item(t, &i))
            return false;
        list_push(to, &i, &s->names);
    }
    return to->n == t->items_n;
}

static void nothing(void *arg, const struct fact *f)
{
    (void)arg;
    (void)f;
}

static bool run_apart(struct site *s, struct thawing *t, struct conversation *c)
{
    struct sink sink = {.fact = nothing};
    struct run how = {.names = &s->names, .calendar = &s->calendar, .scratch = &s->cold.scratch, .sink = &sink};
    c->applied_at = cursor_svar(&t->in);
    uint32_t run_n = (uint32_t)cursor_uvar(&t->in);
    c->run_n = conversation_run(&c->machine, &c->list, run_n, INT64_MAX, &how);
    c->timer.due_ms = INT64_MAX; /* it rests */
    arena_reset(&s->cold.scratch);
    struct str fcr = cursor_bytes(&t->in, c->machine.episodes_n);
    for (uint32_t k = 0; !t->in.bad && k < c->machine.episodes_n; k++)
        c->machine.episodes[k].fcr = (uint8_t)fcr.p[k];
    return !t->in.bad && c->run_n == run_n;
}

bool thaw_apart(struct site *s, const struct shelf_row *row, struct conversation *out)
{
    struct thawing t = {.in = cursor_of(row->blob)};
    *out = (struct conversation){.group = GROUP_NONE};
    bool ok = row->kind == SUBJECT_CONVERSATION && cursor_byte(&t.in) == BLOB_VERSION && read_words_apart(s, &t);
    if (ok) {
        t.items_n = (uint32_t)cursor_uvar(&t.in);
        t.list = cursor_bytes(&t.in, (size_t)cursor_uvar(&t.in));
        ok = !t.in.bad && fill_apart(s, &t, &out->list) && run_apart(s, &t, out);
    }
    free(t.words);
    return ok;
}

void thaw_apart_fini(struct site *s, struct conversation *c)
{
    list_fini(&c->list, &s->names);
    machine_fini(&c->machine);
}

static bool thaw_order(struct site *s, const struct shelf_row *row, struct thawing *t, bool anew)
{
    uint32_t number = order_new(s, row->key);
    uint32_t ref = ref_of(SUBJECT_ORDER, number);
    struct order *o = &s->orders[number];
    if (!read_list(s, t, ref))
        return false;
    if (anew) {
        site_mark_pending(s, ref);
        return true;
    }
    o->counted_n = (uint32_t)cursor_uvar(&t->in);
    o->agent = (uint32_t)cursor_uvar(&t->in);
    o->day = (int32_t)cursor_svar(&t->in);
    o->amount_fen = cursor_svar(&t->in);
    o->counts = cursor_byte(&t->in) != 0;
    struct list_cursor cursor;
    struct item i = {.ts = INT64_MAX};
    list_first(&cursor, &o->list);
    for (uint32_t k = 0; k <= o->counted_n; k++)
        if (!list_next(&cursor, &i))
            i.ts = INT64_MAX;
    site_set_due(s, &o->timer, ref, i.ts);
    return to_site(t, &o->agent) && !t->in.bad && o->counted_n <= o->list.n;
}

static bool thaw_agent(struct site *s, const struct shelf_row *row, struct thawing *t)
{
    uint32_t number = intern_put(&s->names.agents, row->key);
    site_make_agents(s);
    if (!read_list(s, t, ref_of(SUBJECT_AGENT, number)))
        return false;
    agent_settle(s, number);
    return true;
}

int site_thaw_row(struct site *s, const struct shelf_row *row, bool anew, struct err *e)
{
    struct thawing t;
    if (row->kind == SUBJECT_CONVERSATION && row->last_ts < s->kept.ms)
        return 0; /* let go of, and still to be dropped from the shelf */
    bool ok = open_blob(s, row, &t);
    if (ok && row->kind == SUBJECT_CONVERSATION)
        ok = thaw_conversation(s, row, &t, anew);
    else if (ok && row->kind == SUBJECT_ORDER)
        ok = thaw_order(s, row, &t, anew);
    else if (ok)
        ok = row->kind == SUBJECT_AGENT && thaw_agent(s, row, &t);
    free(t.words);
    return ok ? 0 : misfit(row, e, "its bytes do not fit together");
}

int site_thaw_head(struct site *s, struct str head, struct err *e)
{
    struct cursor in = cursor_of(head);
    s->as_of = cursor_svar(&in);
    s->events_n = cursor_uvar(&in);
    s->known_n = cursor_uvar(&in);
    int32_t kept = in.p < in.end ? (int32_t)cursor_svar(&in) : INT32_MIN; /* earlier kefuds let go of nothing … */
    s->cold.quiet_ms = in.p < in.end ? cursor_svar(&in) : 0;              /* … and kept all that was open */
    if (!in.bad && kept != INT32_MIN)
        site_set_kept(s, kept);
    return in.bad ? err_set(e, "shelf head", "its bytes are cut; put the latest backup in its place") : 0;
}

static struct periods *periods_for(struct site *s, const struct shelf_total *t)
{
    if (t->kind == SHELF_ORDERS_DAY || t->kind == SHELF_ORDERS_MONTH)
        return t->kind == SHELF_ORDERS_DAY ? &s->order_events.days : &s->order_events.months;
    uint32_t agent = intern_put(&s->names.agents, t->agent);
    site_make_agents(s);
    return t->kind == SHELF_DAY ? &s->agents[agent].totals.days : &s->agents[agent].totals.months;
}

/* Behind the figures of an agent's month. */
static int thaw_shops(struct site *s, const struct shelf_total *t, struct cursor *in)
{
    if (t->kind != SHELF_MONTH)
        return 0;
    struct agent *a = &s->agents[intern_find(&s->names.agents, t->agent)];
    return shops_decode(&a->totals.shops, t->period, in, &s->names.words);
}

/* Of what was let go of the sums of months stay, whatever is counted anew; those of days are void. */
static bool is_void(const struct site *s, const struct shelf_total *t, bool anew)
{
    bool day = t->kind == SHELF_DAY || t->kind == SHELF_ORDERS_DAY;
    bool old = t->period < (day ? s->kept.day : site_kept_month(s));
    return old ? day : anew;
}

int site_thaw_total(struct site *s, const struct shelf_total *total, bool anew, struct err *e)
{
    if (is_void(s, total, anew))
        return 0;
    struct cursor in = cursor_of(total->blob);
    struct periods *p = periods_for(s, total);
    struct totals *t = periods_at(p, total->period);
    hist_fini(&t->responses);
    if (totals_decode(t, &in) < 0 || thaw_shops(s, total, &in) < 0)
        return err_set(e, "shelf totals",
                       "those of agent \"%.*s\" do not fit together; put the latest backup in its place",
                       STR_ARG(total->agent));
    p->saved_n = anew ? 0 : p->n;
    return 0;
}
