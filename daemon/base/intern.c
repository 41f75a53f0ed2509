/* Names to numbers and back.
 *
 * It keeps true that a number, once given, means the same string until fini, and that the bytes of a name never move.
 * It refuses nothing: absent strings are number 0. */
#include "kefu/base/intern.h"

#include <assert.h>
#include <stdlib.h>

#include "kefu/base/mem.h"

static struct str name_of(const struct intern *t, uint32_t number)
{
    const char *p = t->names[number];
    uint16_t n;
    memcpy(&n, p, sizeof n);
    return (struct str){p + sizeof n, n};
}

struct question {
    const struct intern *t;
    struct str s;
};

static bool names_it(const void *arg, uint32_t number)
{
    const struct question *q = arg;
    return str_eq(name_of(q->t, number), q->s);
}

void intern_init(struct intern *t, uint64_t seed)
{
    *t = (struct intern){.seed = seed};
}

void intern_fini(struct intern *t)
{
    table_fini(&t->table);
    arena_fini(&t->bytes);
    free(t->names);
    *t = (struct intern){0};
}

static uint32_t find(const struct intern *t, struct str s, uint64_t hash)
{
    uint32_t number = table_find(&t->table, hash, names_it, &(struct question){t, s});
    return number == TABLE_NONE ? 0 : number;
}

static const char *keep(struct intern *t, struct str s)
{
    assert(s.n <= UINT16_MAX);
    uint16_t n = (uint16_t)s.n;
    char *p = arena_bytes(&t->bytes, sizeof n + s.n);
    memcpy(p, &n, sizeof n);
    memcpy(p + sizeof n, s.p, s.n);
    return p;
}

static uint32_t add(struct intern *t, struct str s, uint64_t hash)
{
    xgrow(&t->names, &t->cap, t->n + 2, sizeof *t->names);
    if (t->n == 0)
        t->names[t->n++] = "\0";
    assert(t->n < TABLE_NONE);
    uint32_t number = (uint32_t)t->n;
    t->names[t->n++] = keep(t, s);
    table_add(&t->table, hash, number);
    return number;
}

uint32_t intern_put(struct intern *t, struct str s)
{
    if (!s.n)
        return 0;
    uint64_t hash = table_hash(s, t->seed);
    uint32_t number = find(t, s, hash);
    return number ? number : add(t, s, hash);
}

uint32_t intern_find(const struct intern *t, struct str s)
{
    return s.n ? find(t, s, table_hash(s, t->seed)) : 0;
}

bool intern_is(const struct intern *t, uint32_t number, struct str s)
{
    return number < t->n && str_eq(name_of(t, number), s);
}

struct str intern_name(const struct intern *t, uint32_t number)
{
    if (!number)
        return (struct str){"", 0};
    assert(number < t->n);
    return name_of(t, number);
}
