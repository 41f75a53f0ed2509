/* A list of effects by number, each with whether it is out, and a list of numbers that are newly out. The list is trimmed at its
 * front only, and only of what is out, so that nothing on its way is ever lost here. */
#include "kefu/daemon/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"

struct entry {
    struct effect effect;
    bool sent;
    char bytes[]; /* the strings of effect */
};

struct outbox {
    struct entry **entries; /* owned, by number */
    size_t n, cap, unsent_n;
    uint64_t *sent; /* newly so */
    size_t sent_n, sent_cap;
};

struct outbox *outbox_new(void)
{
    return xcalloc(1, sizeof(struct outbox));
}

void outbox_free(struct outbox *o)
{
    if (!o) {
        return;
    }
    for (size_t i = 0; i < o->n; i++) {
        free(o->entries[i]);
    }
    free(o->entries);
    free(o->sent);
    free(o);
}

static struct str keep(char **to, struct str s)
{
    struct str kept = {*to, s.n};
    if (s.n) {
        memcpy(*to, s.p, s.n);
    }
    *to += s.n;
    return kept;
}

static struct entry *entry_new(const struct effect *f)
{
    size_t n = f->stream.n;
    for (size_t i = 0; i < f->pairs_n; i++) {
        n += f->pairs[i].n;
    }
    struct entry *entry = xmalloc(sizeof(*entry) + n);
    char *to = entry->bytes;
    entry->effect = *f;
    entry->sent = false;
    entry->effect.stream = keep(&to, f->stream);
    for (size_t i = 0; i < f->pairs_n; i++) {
        entry->effect.pairs[i] = keep(&to, f->pairs[i]);
    }
    return entry;
}

/* The place of the first entry whose number is at least `number`. */
static size_t place(const struct outbox *o, uint64_t number)
{
    size_t lo = 0, hi = o->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (o->entries[mid]->effect.number < number) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

/* Forgets the oldest that are out, some hundreds at a time so that moving the rest costs little. */
static void trim(struct outbox *o)
{
    size_t gone = 0;
    if (o->n < OUTBOX_KEPT + OUTBOX_KEPT / 8) {
        return;
    }
    while (o->n - gone > OUTBOX_KEPT && o->entries[gone]->sent) {
        free(o->entries[gone++]);
    }
    o->n -= gone;
    memmove(o->entries, o->entries + gone, o->n * sizeof(struct entry *));
}

static struct entry *insert(struct outbox *o, const struct effect *f)
{
    trim(o);
    struct entry *entry = entry_new(f);
    size_t at = place(o, f->number);
    xgrow(&o->entries, &o->cap, o->n + 1, sizeof(struct entry *));
    memmove(o->entries + at + 1, o->entries + at, (o->n - at) * sizeof(struct entry *));
    o->entries[at] = entry;
    o->n++;
    return entry;
}

const struct effect *outbox_add(struct outbox *o, const struct effect *f)
{
    o->unsent_n++;
    return &insert(o, f)->effect;
}

void outbox_add_sent(struct outbox *o, const struct effect *f)
{
    insert(o, f)->sent = true;
}

bool outbox_sent(struct outbox *o, uint64_t number)
{
    size_t at = place(o, number);
    if (at == o->n || o->entries[at]->effect.number != number || o->entries[at]->sent) {
        return false;
    }
    o->entries[at]->sent = true;
    o->unsent_n--;
    outbox_untake(o, &number, 1);
    return true;
}

uint64_t *outbox_take_sent(struct outbox *o, size_t *n)
{
    uint64_t *taken = o->sent_n ? o->sent : NULL;
    *n = o->sent_n;
    if (taken) {
        o->sent = NULL;
        o->sent_n = o->sent_cap = 0;
    }
    return taken;
}

void outbox_untake(struct outbox *o, const uint64_t *numbers, size_t n)
{
    xgrow(&o->sent, &o->sent_cap, o->sent_n + n, sizeof(*o->sent));
    for (size_t i = 0; i < n; i++) {
        o->sent[o->sent_n++] = numbers[i];
    }
}

bool outbox_has_sent(const struct outbox *o)
{
    return o->sent_n > 0;
}

size_t outbox_unsent_n(const struct outbox *o)
{
    return o->unsent_n;
}

static bool is_after(const struct effect *f, const struct outbox_from *from)
{
    return f->stream_ms > from->after_ms || (f->stream_ms == from->after_ms && f->stream_n > from->after_n);
}

void outbox_each(struct outbox *o, const struct outbox_from *from, void (*each)(void *arg, const struct effect *f),
                 void *arg)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct entry *entry = o->entries[i];
        bool meant = from->stream.n == 0 || str_eq(entry->effect.stream, from->stream);
        if (meant && (!entry->sent || is_after(&entry->effect, from))) {
            each(arg, &entry->effect);
        }
    }
}
