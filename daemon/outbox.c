/* A list of effects by number and a list of numbers. The other side mostly takes effects in order, so finding one looks at
 * the front first; the list is as long as the other side is behind. */
#include "kefu/daemon/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"

struct entry {
    struct effect effect;
    char bytes[]; /* the strings of effect */
};

struct outbox {
    struct entry **entries; /* owned, by number */
    size_t n, cap;
    uint64_t *sent;
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
    entry->effect.stream = keep(&to, f->stream);
    for (size_t i = 0; i < f->pairs_n; i++) {
        entry->effect.pairs[i] = keep(&to, f->pairs[i]);
    }
    return entry;
}

const struct effect *outbox_add(struct outbox *o, const struct effect *f)
{
    xgrow(&o->entries, &o->cap, o->n + 1, sizeof(struct entry *));
    o->entries[o->n] = entry_new(f);
    return &o->entries[o->n++]->effect;
}

bool outbox_sent(struct outbox *o, uint64_t number)
{
    size_t i = 0;
    while (i < o->n && o->entries[i]->effect.number != number) {
        i++;
    }
    if (i == o->n) {
        return false;
    }
    free(o->entries[i]);
    o->n--;
    memmove(o->entries + i, o->entries + i + 1, (o->n - i) * sizeof(struct entry *));
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

size_t outbox_n(const struct outbox *o)
{
    return o->n;
}

const struct effect *outbox_at(const struct outbox *o, size_t i)
{
    return &o->entries[i]->effect;
}
