/* The packed list of a subject: all events of a conversation, an order or an agent, about 25 bytes each.
 *
 * An `item` is an event whose names are numbers of the site's tables; a list holds items one after the other in one run of
 * bytes. Items are appended as they come; `sorted_n` of them, from the first on, stand in the order of SPEC.md (ts, rank,
 * source, id). list_sort brings the rest in. Nothing is lost: an item gives back all the sender said. */
#ifndef KEFU_STATE_LIST_H
#define KEFU_STATE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/intern.h"
#include "kefu/base/pool.h"
#include "kefu/model/event.h"

struct names { /* the numbers of a site; lists are meaningless without them */
    struct intern agents;
    struct intern customers; /* of keyed hashes */
    struct intern words;     /* sources, shops, topics and all other names */
    /* Numbers that the next event's source and fields may well have: those of the event before, or what the caller knows
     * better. A right one saves the search, a wrong one (any number) costs nothing more. */
    uint32_t likely_source;
    uint32_t likely[EVENT_STR_N];
    struct pool runs; /* the memory of lists */
};

/* Which of them a field's names are in. */
enum name_table { NAME_AGENTS = 0, NAME_CUSTOMERS = 1, NAME_WORDS = 2, NAME_TABLES };
enum name_table name_table_of(enum event_str field);
struct intern *names_table(struct names *n, enum name_table which); /* borrowed */

/* seed: for the hash tables. names_fini frees all; n may then be used by names_init again. */
void names_init(struct names *n, uint64_t seed);
void names_fini(struct names *n);

struct item {
    enum event_type type;
    enum event_how how;
    uint32_t flags;
    int64_t ts;
    uint32_t source;           /* number in words */
    struct str id;             /* borrowed from the list or the event */
    struct str ref;            /* the message or rating meant; borrowed likewise */
    uint32_t given;            /* which of num[] are not 0: one bit each */
    uint32_t num[EVENT_STR_N]; /* numbers; EVENT_REF is not among them */
    int64_t amount_fen;
    int64_t score_milli;
    int64_t scale;
    int64_t text_bytes;
    /* Not kept: while a conversation is run, whose part in the wait that this item opens, holds on or answers does not
     * count (agents; 0: everybody's). */
    const uint32_t *excused;
    uint32_t excused_n;
};

#define LIST_MARK_EVERY 256 /* items */
struct list_mark {          /* where an item begins, to be found without reading all before it */
    int64_t ts_before;      /* of the item before */
    uint32_t at;
};

struct list {
    char *p;                 /* in names.runs; the first item's id in front, for the others to lean on */
    struct list_mark *marks; /* owned; of each LIST_MARK_EVERY-th item, NULL while there is none */
    uint32_t bytes_n;
    uint32_t cap;
    uint32_t last_at; /* where the last item begins */
    uint32_t n;       /* items */
    uint32_t sorted_n;
    int64_t last_ts;
};

void list_fini(struct list *l, struct names *names); /* a zeroed list is a valid empty one */

/* The number of a source, likely the same as before; 0: never met. */
uint32_t names_source(const struct names *n, struct str source);
/* The event as an item: names it has not met are given numbers. The item borrows id and ref from the event. */
void item_of_event(struct item *out, const struct event *e, struct names *names);
/* Is the item, of this subject, what the event says? (event_same without building an event.) */
bool item_same(const struct item *i, const struct event *e, const struct names *names);
/* Order within a list. */
int item_cmp(const struct item *a, const struct item *b, const struct names *names);

/* Appends; sorted_n grows with it if the item belongs at the end of a list that is all sorted. */
void list_append(struct list *l, const struct item *i, struct names *names);

/* The same for an item that is known to come after all others, without a look at any name (of names only the memory serves): for lists that were sorted before,
 * and for those whose numbers are not the site's (freeze.h). */
void list_push(struct list *l, const struct item *i, struct names *names);

/* Reads items one after the other. An item's id stands in the cursor's own memory: borrowed until the next call. */
struct list_cursor {
    const struct list *list;
    uint32_t at;
    int64_t ts;
    char id[128];
};
void list_first(struct list_cursor *c, const struct list *l);
bool list_next(struct list_cursor *c, struct item *out);

/* The item with the source and id of `who` into *out (borrowed as by list_next); false: none. Of who only the fields that
 * order items are read. Quick, however long the list, if these are all the same; else the list is read to its end. */
bool list_find(const struct list *l, const struct item *who, const struct names *names, struct list_cursor *c,
               struct item *out);

/* All items in an array of the arena, in the list's own order; n = l->n. */
struct item *list_items(const struct list *l, struct arena *arena);
/* Sorts the whole list. The arena is for scratch. */
void list_sort(struct list *l, struct names *names, struct arena *scratch);

#endif
