/* The inside of a site, for the files of state/ alone: its tables and how they hang together.
 *
 * A subject is a conversation, an order or an agent: the thing whose list an event joins. A `ref` names one in the
 * identity table and the heap: its number and its kind in two bits. */
#ifndef KEFU_STATE_INSIDE_H
#define KEFU_STATE_INSIDE_H

#include "kefu/base/bloom.h"
#include "kefu/base/heap.h"
#include "kefu/base/table.h"
#include "kefu/state/calendar.h"
#include "kefu/state/contact.h"
#include "kefu/state/conversation.h"
#include "kefu/state/freeze.h"
#include "kefu/state/let_go.h"
#include "kefu/state/list.h"
#include "kefu/state/period.h"
#include "kefu/state/site.h"
#include "kefu/state/window.h"

struct timer { /* a subject's deadline and the earliest entry that the heap has of it */
    int64_t due_ms;
    int64_t in_heap_ms; /* INT64_MAX: none */
};

/* Does what lies on the shelf of a subject say what memory says? The two kinds of unsaved ones change places at each cut:
 * those of the kind that is not `now` belong to the cut and are still to be frozen. */
enum save { SAVE_CLEAN = 0, SAVE_A = 1, SAVE_B = 2 };

struct conversation {
    char *key; /* owned: its id; NULL: the place is free */
    struct list list;
    struct machine machine;
    struct timer timer;
    int64_t applied_at;  /* the as_of at which its tail stands in the totals */
    uint32_t run_n;      /* items the machine has stepped over */
    uint32_t group;      /* of its customer, GROUP_NONE */
    uint32_t topic;      /* under which its contacts stand in the group */
    uint32_t prev, next; /* in the holder's heap of waits (agent.c); CONVERSATION_NONE */
    uint32_t newer;
    uint8_t key_n;
    uint8_t save;    /* enum save */
    bool applied;    /* machine, tail and contacts stand in the totals */
    bool pending;    /* is in site.pending */
    bool looks_back; /* holds a recall or a void */
    bool quiet;      /* open, and untouched for so long that it is in no list of now */
    bool gone;       /* its wait hangs in the holder's heap of those who are no longer waited for */
};
#define CONVERSATION_NONE   UINT32_MAX
#define CONVERSATIONS_CHUNK 256

struct order {
    char *key; /* owned */
    struct list list;
    struct timer timer;
    uint32_t counted_n; /* items, from the first, that are counted as order events of the site */
    uint8_t key_n;
    uint8_t save; /* enum save */
    bool pending;
    bool counts; /* stands in the totals, as: */
    uint32_t agent;
    int32_t day;
    int64_t amount_fen;
};

struct agent {
    struct agent_totals totals;
    struct list list; /* of its profile and status events */
    struct timer timer;
    uint32_t profile[EVENT_STR_N]; /* latest names, numbers of words */
    enum event_how status;
    int64_t status_at;     /* since when it has that status */
    struct window *window; /* owned; NULL: nothing yet, or none is kept */
    int64_t open_n;
    int64_t waiting_n;
    uint32_t oldest_wait; /* top of the heap of conversations with a wait that this agent holds; CONVERSATION_NONE */
    uint32_t gone_wait;   /* the same of those put aside by site_wait_since */
    int64_t gone_latest;  /* none of these began later */
    uint8_t save;         /* enum save */
    bool totals_due;      /* of the cut under way: each goes to the shelf before it changes */
    bool pending;
    bool dirty;
};

/* The first byte of a frozen subject: what freeze.c writes and thaw.c reads. */
#define BLOB_VERSION 1

struct refs {
    uint32_t *list; /* owned */
    size_t n, cap;
};

/* What lies on the shelf, and what is on its way there. */
struct cold {
    const struct shelf *shelf; /* borrowed; NULL: nothing is ever frozen, and nothing below is used */
    struct bloom keys;         /* of conversations that may lie there and not be in memory, and of their customers */
    struct bloom identities;   /* of the events in these */
    int64_t until;             /* no event of theirs is later; INT64_MIN: there are none */
    int64_t quiet_ms;          /* by which those that are open were quiet when they left; 0: none is */
    struct refs watched;       /* subjects that changed or came back while `watching` */
    bool watching;
    bool vouched;        /* site_vouch */
    struct refs unsaved; /* subjects with save == now */
    struct refs cut;     /* those of the cut under way */
    size_t cut_done_n;
    size_t cut_agent;              /* totals of those before it have been handed out */
    size_t cut_totals_n;           /* so many of the others are still to be */
    uint8_t now;                   /* enum save */
    const struct freezer *freezer; /* of the cut under way; borrowed */
    struct buf blob;               /* room to freeze in */
    struct arena scratch;          /* room to thaw in */
};

/* What changed the figures of closed months (late.c). */
struct late_mark {
    uint32_t agent;
    int32_t month;
    uint32_t ref; /* the subject */
    uint64_t sum; /* of its facts' numbers; 0: they are as they were */
};
struct late {
    int32_t before_day;     /* facts of earlier days are of closed months; INT32_MIN: none is */
    uint32_t ref;           /* whose facts are moving */
    struct late_mark *list; /* owned */
    size_t n, cap;
    struct table places;
    bool owed; /* what was taken is not on the disk yet */
};

/* Before this there is no evidence (let_go.c). */
struct kept {
    int32_t day; /* INT32_MIN: all is there */
    int64_t ms;  /* its first instant; INT64_MIN */
};

struct site {
    struct calendar calendar;
    struct names names;
    uint64_t seed;
    bool rolling; /* windows are kept */
    int64_t quiet_ms;
    int64_t as_of;
    struct table identities;       /* (source, id) -> ref */
    struct table conversation_ids; /* -> number */
    struct arena ground;           /* what conversations stand in */
    struct conversation **chunks;  /* owned, what they point to is in ground; CONVERSATIONS_CHUNK each */
    size_t chunks_n, chunks_cap;
    uint32_t conversations_n; /* places, free ones too */
    struct refs free;         /* conversations' places that are free */
    uint64_t known_n;         /* conversations ever met, also those not in memory */
    struct cold cold;
    struct kept kept;
    const struct aliases *aliases; /* borrowed; NULL: none */
    struct table order_ids;
    struct order *orders; /* owned */
    size_t orders_n, orders_cap;
    struct agent *agents; /* owned; agents[0] is nobody */
    size_t agents_n, agents_cap;
    struct groups groups;
    struct heap heap;
    uint32_t *pending; /* refs */
    size_t pending_n, pending_cap;
    uint32_t *dirty; /* agents */
    size_t dirty_n, dirty_cap;
    struct late late;
    struct agent_totals order_events; /* figures.cross: order events of the site in a period */
    uint64_t events_n;
    uint64_t open_n, waiting_n;
    struct arena scratch;
};

static inline uint32_t ref_of(enum subject_kind kind, uint32_t number)
{
    return number << 2 | (uint32_t)kind;
}

static inline enum subject_kind ref_kind(uint32_t ref)
{
    return (enum subject_kind)(ref & 3);
}

static inline uint32_t ref_number(uint32_t ref)
{
    return ref >> 2;
}

static inline struct conversation *conversation_at(const struct site *s, uint32_t number)
{
    return &s->chunks[number / CONVERSATIONS_CHUNK][number % CONVERSATIONS_CHUNK];
}

/* subject.c: finds and makes subjects, knows identities. */
struct list *subject_list(const struct site *s, uint32_t ref);
struct str subject_key(const struct site *s, uint32_t ref);
uint32_t subject_get(struct site *s, const struct event *e);
/* The place of a conversation in memory, TABLE_NONE: it is not there. */
uint32_t conversation_find(const struct site *s, struct str key);
/* Makes an order, or takes a free place for a conversation. */
uint32_t conversation_new(struct site *s, struct str key);
uint32_t order_new(struct site *s, struct str key);
/* Takes a conversation out of the tables; its place is free from then on. */
void conversation_drop(struct site *s, uint32_t number);
/* The place of an order, TABLE_NONE: there is none; and its end: the place stays empty. */
uint32_t order_find(const struct site *s, struct str key);
void order_drop(struct site *s, uint32_t number);
void site_make_agents(struct site *s); /* site.c: every number that names an agent gets its place */
/* The ref whose list holds an item of the event's identity, that item in *found (id borrowed from *cursor); TABLE_NONE. */
uint32_t identity_find(struct site *s, const struct event *e, struct item *found, struct list_cursor *cursor);
void identity_add(struct site *s, const struct item *i, uint32_t ref);
void identity_drop(struct site *s, const struct item *i, uint32_t ref);
void subjects_fini(struct site *s);

/* settle.c: keeps totals equal to the fold. */
void site_mark_pending(struct site *s, uint32_t ref);
void site_add_dirty(struct site *s, uint32_t agent); /* one that is not */
static inline void site_mark_dirty(struct site *s, uint32_t agent)
{
    if (!s->agents[agent].dirty)
        site_add_dirty(s, agent);
}
void site_set_due(struct site *s, struct timer *t, uint32_t ref, int64_t due_ms);

/* standing.c: a conversation in and out of the totals. */
void conversation_settle(struct site *s, uint32_t number);                      /* runs it again from the start */
void conversation_go_on(struct site *s, uint32_t number, const struct item *i); /* the next item in order */
void conversation_refresh(struct site *s, uint32_t number);                     /* as_of has moved past its deadline */
void conversation_set_due(struct site *s, uint32_t number);                     /* when it changes by itself, anew */

/* Tells all that stands in the totals of it: facts, and ended episodes, of which the listener makes the rating's fact itself.
 * Leaves scratch to be reset. */
struct listener {
    struct sink sink;
    void (*episode)(void *arg, const struct episode *e); /* arg: the sink's */
};
void conversation_tell(struct site *s, const struct conversation *c, const struct listener *to);

/* One that was frozen comes back as it stood: its list is there, the totals hold it. -1: it does not fit its list. */
struct restored {
    int64_t applied_at;
    uint32_t run_n;
    struct cursor fcr; /* a byte an ended episode */
};
int conversation_restore(struct site *s, uint32_t number, struct restored *r);
/* Nothing of it can change by itself, and no figure of now hangs on it. */
bool conversation_rests(const struct site *s, uint32_t number);
void conversation_leave(struct site *s, uint32_t number); /* out of its group; the totals keep it */

/* late.c */
uint64_t late_mix(uint64_t into, int64_t value);
void late_add(struct site *s, struct late_mark mark);
void late_fini(struct site *s);
/* A fact of this day goes in (sign 1) or out. Its number: of all that makes it what it is. */
static inline void late_note(struct site *s, uint32_t agent, int32_t day, uint64_t number, int64_t sign)
{
    if (day < s->late.before_day)
        late_add(s, (struct late_mark){agent, civil_month(day), 0, number * (uint64_t)sign});
}

/* cold.c: what was frozen and is not in memory. */
void site_touch(struct site *s, uint32_t ref); /* the subject is about to change */
void site_saw(struct site *s, uint32_t ref);   /* for site_watch: it has changed or come back */
uint64_t cold_key_hash(const struct site *s, struct str key);
uint64_t cold_identity_hash(const struct site *s, struct str source, struct str id);
uint64_t cold_group_hash(const struct site *s, uint32_t shop, uint32_t customer);
void cold_thaw_key(struct site *s, struct str key); /* the conversation, if it is cold */
bool cold_thaw_identity(struct site *s, struct str source,
                        struct str id);                          /* whatever may hold it; false: nothing may */
void cold_prefetch(const struct site *s, const struct event *e); /* what these two will read first */
/* All conversations of the group that have an event at or after `from`. Any pointer into groups.list is void then. */
void group_warm(struct site *s, uint32_t group, int64_t from);
void cold_fini(struct site *s);

/* cut.c: totals as of the cut under way. */
void cut_begin(struct site *s);
/* Hands out totals of agents until n are handed out. How many are left of n. */
size_t cut_step(struct site *s, size_t n);
void cut_before_change(struct site *s, uint32_t agent, int32_t day);
/* What an agent's totals of a day and its month are about to be changed through. */
static inline struct agent_totals *cut_totals(struct site *s, uint32_t agent, int32_t day)
{
    if (s->agents[agent].totals_due)
        cut_before_change(s, agent, day);
    return &s->agents[agent].totals;
}
/* freeze.c: hands the subject to the freezer. */
void subject_freeze(struct site *s, uint32_t ref, const struct freezer *to);
/* Appends the words of a list and the list in numbers of these; *agent, if given, becomes such a number. */
void list_freeze(struct names *names, const struct list *from, struct buf *out, uint32_t *agent);

/* thaw.c: a cold conversation, its machine run, in memory of its own: never in the site's tables. False: its bytes do not fit
 * together. The caller gives it to thaw_apart_fini. */
bool thaw_apart(struct site *s, const struct shelf_row *row, struct conversation *out);
void thaw_apart_fini(struct site *s, struct conversation *c);

/* let_go.c: no fact of such a day changes a total. */
static inline bool is_kept_day(const struct site *s, int32_t day)
{
    return day >= s->kept.day;
}
/* Is the subject with this list wholly before the border? It is no more, wherever it still lies. */
static inline bool is_gone(const struct site *s, const struct list *l)
{
    return l->n && l->last_ts < s->kept.ms;
}
void site_set_kept(struct site *s, int32_t month);
/* A conversation that is gone leaves memory, whatever state it is in. */
void conversation_take_away(struct site *s, uint32_t number);

/* order.c, agent.c */
struct told_order;
void order_tell(struct site *s, uint32_t number, struct told_order *out);
void order_settle(struct site *s, uint32_t number);
void agent_settle(struct site *s, uint32_t number);
/* The item was just appended to the agent's list: if it is the latest of all, it is taken at once, else the agent is run again (as
 * it is when the time of one that was ahead has come). */
void agent_go_on(struct site *s, uint32_t number, const struct item *i);
/* A conversation's part in what its assignee and the holder of its wait have open now. */
struct part {
    bool open, waiting;
    uint32_t agent, holder;
    int64_t wait_at;
};
struct part part_of(const struct conversation *c);
/* The instant from which on the conversation is quiet if nothing comes; INT64_MAX: it is, or never will be. */
int64_t agent_now_quiet_at(const struct site *s, const struct conversation *c);
void agent_now_join(struct site *s, uint32_t conversation);
void agent_now_leave(struct site *s, uint32_t conversation);
/* The conversation, which had this part before, has perhaps another now. */
void agent_now_move(struct site *s, uint32_t conversation, const struct part *before);

#endif
