/* The roster of snapshots.
 *
 * It keeps true that confirmed <= sent <= latest for every agent, and that an agent whose latest is not on its way is in
 * the queue, or cooling, or refused: so none is forgotten. */
#include "kefu/publish/roster.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "kefu/base/buf.h"
#include "kefu/base/digest.h"
#include "kefu/base/intern.h"
#include "kefu/base/mem.h"

#define QUIET_MS 100 /* between two snapshots of an agent */

struct entry {
    struct roster *roster;
    uint32_t number;
    struct agent_view view; /* the latest, its strings in `words`; a rulebook outlives its agents' views */
    struct buf words;
    bool stale;               /* the snapshot is of an earlier view */
    struct snapshot snapshot; /* encoded when it is about to go: under load most views never do */
    uint64_t latest;          /* versions; from 1 */
    uint64_t sent;
    uint64_t confirmed;
    bool cooling; /* sent less than QUIET_MS ago */
    bool refused; /* until roster_retry */
    bool queued;
    bool gone;          /* the snapshot says that the agent is no more */
    struct event *cool; /* end of cooling */
    struct entry *next; /* in the queue */
};

struct roster {
    struct event_base *base; /* borrowed */
    void (*due)(void *arg);
    void *arg;
    struct buf prefix;
    const struct timeval *quiet; /* libevent's, for many equal timers */
    struct intern ids;
    struct entry **entries; /* by number in ids */
    size_t cap;
    struct entry *first; /* the queue */
    struct entry **last;
};

static void enqueue(struct entry *e)
{
    struct roster *r = e->roster;
    if (e->queued || e->cooling || e->refused || e->sent == e->latest)
        return;
    e->queued = true;
    e->next = NULL;
    *r->last = e;
    r->last = &e->next;
}

static void drop_first(struct roster *r)
{
    struct entry *e = r->first;
    e->queued = false;
    r->first = e->next;
    if (!r->first)
        r->last = &r->first;
}

static void on_cool(evutil_socket_t fd, short what, void *arg)
{
    struct entry *e = arg;
    (void)fd;
    (void)what;
    e->cooling = false;
    enqueue(e);
    if (e->queued)
        e->roster->due(e->roster->arg);
}

struct roster *roster_new(struct event_base *base, struct str prefix, void (*due)(void *arg), void *arg)
{
    struct roster *r = xcalloc(1, sizeof *r);
    uint64_t seed;
    digest_random(&seed, sizeof seed);
    intern_init(&r->ids, seed);
    r->base = base;
    r->due = due;
    r->arg = arg;
    r->last = &r->first;
    buf_put_str(&r->prefix, prefix);
    r->quiet = event_base_init_common_timeout(base, &(struct timeval){0, QUIET_MS * 1000L});
    assert(r->quiet);
    return r;
}

void roster_free(struct roster *r)
{
    if (!r)
        return;
    for (uint32_t i = 1; i <= intern_count(&r->ids); i++) {
        event_free(r->entries[i]->cool);
        snapshot_fini(&r->entries[i]->snapshot);
        buf_fini(&r->entries[i]->words);
        free(r->entries[i]);
    }
    free(r->entries);
    intern_fini(&r->ids);
    buf_fini(&r->prefix);
    free(r);
}

static struct entry *entry_of(struct roster *r, struct str agent)
{
    uint32_t known_n = intern_count(&r->ids);
    uint32_t number = intern_put(&r->ids, agent);
    if (number <= known_n)
        return r->entries[number];
    xgrow(&r->entries, &r->cap, (size_t)number + 1, sizeof(struct entry *));
    struct entry *e = xcalloc(1, sizeof *e);
    e->roster = r;
    e->number = number;
    e->cool = evtimer_new(r->base, on_cool, e);
    assert(e->cool);
    r->entries[number] = e;
    return e;
}

/* The strings that a snapshot shows. */
static void keep_view(struct entry *e, const struct agent_view *v)
{
    e->view = *v;
    e->words.n = 0;
    buf_put_str(&e->words, v->team);
    buf_put_str(&e->words, v->live_tier);
    e->view.agent = intern_name(&e->roster->ids, e->number);
    e->view.name = (struct str){0};
    e->view.team = (struct str){e->words.p, v->team.n};
    e->view.live_tier = (struct str){e->words.p + v->team.n, v->live_tier.n};
    e->stale = true;
}

void roster_put(struct roster *r, const struct agent_view *v)
{
    assert(v->agent.n);
    struct entry *e = entry_of(r, v->agent);
    keep_view(e, v);
    e->latest++;
    e->gone = false;
    enqueue(e);
}

void roster_take_out(struct roster *r, struct str agent, uint64_t seq)
{
    assert(agent.n);
    struct entry *e = entry_of(r, agent);
    snapshot_encode_gone(&e->snapshot, buf_str(&r->prefix), agent, seq);
    e->stale = false;
    e->latest++;
    e->gone = true;
    enqueue(e);
}

bool roster_knows(const struct roster *r, struct str agent)
{
    return intern_find(&r->ids, agent) != 0;
}

bool roster_next(struct roster *r, struct shown *out)
{
    while (r->first && r->first->sent == r->first->latest)
        drop_first(r);
    struct entry *e = r->first;
    if (!e)
        return false;
    if (e->stale)
        snapshot_encode(&e->snapshot, buf_str(&r->prefix), &e->view);
    e->stale = false;
    *out = (struct shown){&e->snapshot, e->latest, e->number};
    return true;
}

void roster_sent(struct roster *r)
{
    struct entry *e = r->first;
    drop_first(r);
    e->sent = e->latest;
    e->cooling = true;
    (void)event_add(e->cool, r->quiet);
}

void roster_confirm(struct roster *r, uint32_t agent, uint64_t version)
{
    struct entry *e = r->entries[agent];
    if (version > e->confirmed)
        e->confirmed = version;
}

void roster_refuse(struct roster *r, uint32_t agent)
{
    struct entry *e = r->entries[agent];
    e->sent = e->confirmed;
    e->refused = true;
}

void roster_retry(struct roster *r)
{
    for (uint32_t i = 1; i <= intern_count(&r->ids); i++) {
        r->entries[i]->refused = false;
        enqueue(r->entries[i]);
    }
}

void roster_unsend(struct roster *r, bool from_scratch)
{
    for (uint32_t i = 1; i <= intern_count(&r->ids); i++) {
        struct entry *e = r->entries[i];
        if (from_scratch)
            e->confirmed = 0;
        e->sent = e->confirmed;
    }
}

void roster_count(const struct roster *r, size_t *shown_n, size_t *waiting_n)
{
    *shown_n = 0;
    *waiting_n = 0;
    for (uint32_t i = 1; i <= intern_count(&r->ids); i++) {
        *shown_n += !r->entries[i]->gone;
        *waiting_n += r->entries[i]->confirmed != r->entries[i]->latest;
    }
}
