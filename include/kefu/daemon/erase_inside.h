/* The inside of an erasure, for daemon/erase*.c: who is erased, under which names, and how a text or an event looks afterwards. */
#ifndef KEFU_DAEMON_ERASE_INSIDE_H
#define KEFU_DAEMON_ERASE_INSIDE_H

#include "kefu/base/intern.h"
#include "kefu/daemon/erase.h"
#include "kefu/model/book.h"
#include "kefu/store/db.h"

#define ERASE_NAME_MAX 128 /* bytes; no id is longer */

struct erasure {
    struct store *store;
    struct db *db;
    const struct erase_task *t;
    const uint8_t *key;
    uint8_t hash[DIGEST_KEYED_BYTES], fresh[DIGEST_KEYED_BYTES]; /* of a customer: known by, and from now on */
    struct intern conversations, orders;                         /* of a customer */
    bool lengths[ERASE_NAME_MAX + 1];                            /* in bytes: one of those has it */
    /* Of events that hold a name, and of those that came to the same subject in the same instant: source, line feed, id. All
     * are numbered in the order of their bytes, so that what the order of such events decides stays as it was. */
    struct intern ids;
    uint32_t *id_ranks; /* owned; of id k + 1, from 1 */
    bool ids_changed;   /* by erase_event, since it was last set to false */
    struct arena arena; /* what is made on the way */
    int64_t rows_n;
    struct err *e;
};

/* erase_names.c. True: the event named the person, and does no more. */
bool erase_event(void *arg, struct event *event);
/* The text without the person's names; the same text (and *changed as it was) if there are none. */
struct str erase_text(struct erasure *x, struct str text, bool *changed);
bool erase_is_named(struct erasure *x, struct str text);
/* The same of a line of JSON, where a name is a whole string. */
struct str erase_json(struct erasure *x, struct str text, bool *changed);
/* Do the person's names stand anywhere in these bytes, be it within another name? */
bool erase_holds(struct erasure *x, struct str bytes);
/* What stands for a conversation or an order of the customer; absent: it is another's. */
struct str erase_alias(struct erasure *x, char kind, struct str name);
struct str erase_numbered(struct erasure *x, char kind, uint32_t number); /* "erased-0123456789ab-c00000001" */
/* Finds the customer's conversations and orders, and events whose ids are to change. -1 with x->e. */
int erase_find(struct erasure *x);
/* Does a name stand in an event's id? */
bool erase_is_in_id(struct erasure *x, struct str id);
struct str erase_agent(void *arg, struct str id);

/* erase_rows.c, inside a transaction: the shelf, the journal, rule memory, outbox and quarantine; then the aliases. -1 with x->e. */
int erase_rows(struct erasure *x);
/* erase_book.c, likewise: closed rows, entries and audit lines, each change vouched for in its chain. */
int erase_book(struct erasure *x);

#endif
