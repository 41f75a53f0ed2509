/* What stands in the totals, told one thing at a time: who sums up all that is told has the totals again, to the last integer.
 *
 * It is the fold's own code with another listener: what a conversation tells here is what it would take out of the totals if it
 * were run again. Turns that count for nothing are told, too, with the reason. Conversations that have left memory are told from
 * their frozen rows and stay where they are.
 *
 * Telling all takes many calls, and things change between them: site_watch has the site note what does, and nothing leave memory,
 * so that whoever listens can at the end hear again what changed, and hold exactly what stands at that instant. */
#ifndef KEFU_STATE_TELL_H
#define KEFU_STATE_TELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/model/shelf.h"
#include "kefu/state/episode.h"
#include "kefu/state/fact.h"
#include "kefu/state/site.h"

enum order_why {
    ORDER_WHY_NONE = 0,
    ORDER_WHY_PAID,
    ORDER_WHY_REFUNDED,
    ORDER_WHY_BELOW,
    ORDER_WHY_NOT_CROSS,
    ORDER_WHY_NOT_PAID
};

struct told_order {
    struct str order, conversation; /* conversation: of the latest paid event; may be absent */
    uint32_t agent;
    int32_t day; /* of the latest paid event; INT32_MIN: there is none */
    int64_t at;  /* the same; NEVER */
    int64_t amount_fen;
    bool counts;
    enum order_why why;
};

/* All borrow for the call. Agents are the site's numbers; of a cold conversation an agent that the site has never heard of may
 * have any higher number. An episode's rating is told as a fact. */
struct teller {
    void (*fact)(void *arg, struct str conversation, const struct fact *f);
    void (*episode)(void *arg, struct str conversation, const struct episode *e);
    void (*order)(void *arg, const struct told_order *o);
    void *arg;
};

/* From `place` on, up to n places of conversations in memory, those without an event at or after `since` left out. Returns where
 * to go on; UINT32_MAX: that was the last. */
uint32_t site_tell_conversations(struct site *s, uint32_t place, size_t n, int64_t since, const struct teller *t);
/* The same of orders; none is ever out of memory. */
uint32_t site_tell_orders(struct site *s, uint32_t place, size_t n, int64_t since, const struct teller *t);
/* A cold row, unless its conversation is in memory. False: the row's bytes do not fit together. */
bool site_tell_row(struct site *s, const struct shelf_row *row, const struct teller *t);

/* From now on notes which conversations and orders change (or come back), and forgets none, until site_watch(false). */
void site_watch(struct site *s, bool on);
/* Hands out the keys of those noted, each once; then tells them again. */
void site_each_watched(struct site *s, void (*each)(void *arg, struct str key, bool is_order), void *arg);
void site_tell_watched(struct site *s, const struct teller *t);

#endif
