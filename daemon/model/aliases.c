/* A table from hashes to what stands for the name. Keeps true: without aliases an event is not looked at. */
#include "kefu/model/aliases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/buf.h"
#include "kefu/base/intern.h"
#include "kefu/base/mem.h"

struct aliases {
    uint8_t key[DIGEST_KEY_BYTES];
    struct intern hashes;
    struct str *to; /* owned; of hash i + 1 */
    size_t n, cap;
    struct arena arena;
};

struct aliases *aliases_new(const uint8_t key[DIGEST_KEY_BYTES])
{
    struct aliases *a = xcalloc(1, sizeof *a);
    memcpy(a->key, key, sizeof a->key);
    intern_init(&a->hashes, 0);
    return a;
}

void aliases_free(struct aliases *a)
{
    if (!a)
        return;
    intern_fini(&a->hashes);
    arena_fini(&a->arena);
    free(a->to);
    free(a);
}

void aliases_hash(char out[ALIAS_HASH_BYTES], const uint8_t key[DIGEST_KEY_BYTES], char kind, struct str name)
{
    struct buf b = {0};
    uint8_t hash[DIGEST_KEYED_BYTES];
    buf_put_byte(&b, (uint8_t)kind);
    buf_put_str(&b, name);
    digest_keyed(hash, key, buf_str(&b));
    buf_fini(&b);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

void aliases_add(struct aliases *a, struct str hash, struct str to)
{
    uint32_t number = intern_put(&a->hashes, hash);
    if (number > a->n) {
        xgrow(&a->to, &a->cap, a->n + 1, sizeof *a->to);
        a->n++;
    }
    a->to[number - 1] = arena_copy(&a->arena, to);
}

static void apply(const struct aliases *a, char kind, struct str *name)
{
    char hash[ALIAS_HASH_BYTES];
    if (!name->n)
        return;
    aliases_hash(hash, a->key, kind, *name);
    uint32_t number = intern_find(&a->hashes, str_of(hash));
    if (number)
        *name = a->to[number - 1];
}

static void apply_id(const struct aliases *a, struct str source, struct str *id)
{
    char both[300];
    int n = snprintf(both, sizeof both, "%.*s\n%.*s", STR_ARG(source), STR_ARG(*id));
    struct str name = {both, (size_t)n < sizeof both ? (size_t)n : sizeof both - 1}, is = name;
    apply(a, ALIAS_ID, &name);
    if (id->n && name.p != is.p)
        *id = name;
}

void aliases_apply(const struct aliases *a, struct event *e)
{
    if (!a || !a->n)
        return;
    enum subject_kind kind = event_subject_kind(e->type);
    struct str was = e->subject;
    if (kind == SUBJECT_CONVERSATION || kind == SUBJECT_ORDER || kind == SUBJECT_AGENT)
        apply(a,
              kind == SUBJECT_ORDER   ? ALIAS_ORDER
              : kind == SUBJECT_AGENT ? ALIAS_AGENT
                                      : ALIAS_CONVERSATION,
              &e->subject);
    if (kind == SUBJECT_AGENT && e->subject.p != was.p)
        e->strs[EVENT_NAME] = e->strs[EVENT_EMPLOYEE_NO] = (struct str){0};
    apply(a, ALIAS_AGENT, &e->strs[EVENT_AGENT]);
    apply(a, ALIAS_CUSTOMER, &e->strs[EVENT_CUSTOMER]);
    apply(a, ALIAS_CONVERSATION, &e->strs[EVENT_CONVERSATION]);
    apply_id(a, e->source, &e->id);
    apply_id(a, e->strs[EVENT_REF_SOURCE], &e->strs[EVENT_REF]);
}
