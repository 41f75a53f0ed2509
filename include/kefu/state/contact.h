/* First contacts: who of the same customer came back, and when (SPEC.md, First contact).
 *
 * A group is a (shop, customer). It holds, sorted by time, the first customer messages of all episodes of its conversations
 * (contacts) and all resolutions whose first contact may fail (endings). Both are found by bisection, so that a customer
 * with a hundred thousand conversations costs no more than one with two. */
#ifndef KEFU_STATE_CONTACT_H
#define KEFU_STATE_CONTACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/table.h"

#define GROUP_NONE UINT32_MAX

struct contact {
    int64_t at;
    uint32_t conversation;
    uint32_t what; /* contacts: the topic; endings: the number of the episode */
};

struct contacts {         /* sorted by (at, conversation, what) */
    struct contact *list; /* owned */
    uint32_t n;
    uint32_t cap;
};

struct group {
    uint32_t shop;
    uint32_t customer;
    struct contacts firsts;
    struct contacts endings;
    uint32_t users_n;  /* conversations in memory that are of it; without any it goes */
    int64_t warm_from; /* its conversations whose last event is not before that are all in memory; INT64_MAX: unknown */
};

struct groups {
    struct table by_key;
    struct group *list; /* owned */
    size_t n;
    size_t cap;
    uint32_t *free; /* owned; numbers that stand for no group */
    size_t free_n, free_cap;
    uint64_t seed;
};

void groups_fini(struct groups *g);
/* The group of a customer in a shop (0: none named), made if need be; who takes it gives it back. customer 0 has no group:
 * GROUP_NONE, which may be given back too. */
uint32_t groups_take(struct groups *g, uint32_t shop, uint32_t customer);
void groups_give_back(struct groups *g, uint32_t group);

void contacts_put(struct contacts *c, struct contact x);
void contacts_take(struct contacts *c, struct contact x); /* must be there */
/* The first entry at or after `at`. */
uint32_t contacts_from(const struct contacts *c, int64_t at);

/* Are they no different topics? 0: none named, which is any. */
static inline bool topics_agree(uint32_t a, uint32_t b)
{
    return !a || !b || a == b;
}

/* Did another conversation of the group, with no different topic named, begin an episode in [from, to)? topic 0: none. */
struct repeat_question {
    int64_t from, to;
    uint32_t conversation; /* the one asking */
    uint32_t topic;
};
bool group_repeats(const struct group *g, const struct repeat_question *q);
/* An instant >= from up to which (it too) no ending hangs on the contact x of the group, be it there or gone: two other
 * conversations that ask no less than x came after such an ending and before x. from - 1: there are not two. */
int64_t group_settled(const struct group *g, struct contact x, int64_t from);

#endif
