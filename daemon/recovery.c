/* What a start reads, handed to who kept it in memory before.
 *
 * Keeps true: an event is folded as it was folded when it came, since the site takes its own time from the event; acts upon
 * alerts are gathered in their order and judged with the first look of the rules, as in the life before. It refuses nothing:
 * what the journal holds was accepted once. */
#include "kefu/daemon/recovery.h"

struct loading {
    const struct recovery *r;
    struct judge *judge;
    struct quarantine *quarantine;
    struct site_ahead ahead;
    int status; /* of the first row that the judge did not take, with e */
    struct err *e;
};

static void load_ahead(void *arg, const struct event *e)
{
    struct loading *l = arg;
    site_prefetch(l->r->site, &l->ahead, e);
}

static void load_event(void *arg, uint64_t seq, const struct event *e)
{
    const struct recovery *r = ((struct loading *)arg)->r;
    if (r->replaying) {
        r->replaying(r->replaying_arg, seq);
    }
    checkpoint_folded(r->checkpoint, seq);
    site_vouch(r->site, checkpoint_vouches(r->checkpoint, seq));
    if (r->alerts) {
        alerts_act(r->alerts, e);
    }
    if (site_fold(r->site, e, e->ts < r->now_ms ? e->ts : r->now_ms) == VERDICT_ACCEPTED) {
        sources_saw(r->sources, e, r->now_ms);
    }
}

static void load_memory(void *arg, const struct memory_row *row)
{
    struct loading *l = arg;
    if (l->status == 0) {
        l->status = judge_load(l->judge, row, l->e);
    }
}

static void load_quarantined(void *arg, const struct quarantined *row)
{
    quarantine_load(((struct loading *)arg)->quarantine, row);
}

static void load_unsent(void *arg, const struct effect *f)
{
    outbox_add(((struct loading *)arg)->r->outbox, f);
}

static void load_sent(void *arg, const struct effect *f)
{
    outbox_add_sent(((struct loading *)arg)->r->outbox, f);
}

static int load_events(struct loading *l)
{
    const struct recovery *r = l->r;
    struct store_replay replay = {load_event, r->progress, l, r->progress_arg, load_ahead, r->beside};
    uint64_t next_seq;
    if (checkpoint_load(r->checkpoint, r->store, &next_seq, l->e) < 0) {
        return -1;
    }
    int status = store_replay(r->store, next_seq, &replay, l->e);
    site_vouch(r->site, false);
    if (r->replaying && status == 0) {
        r->replaying(r->replaying_arg, UINT64_MAX);
    }
    return status;
}

static int load_rows(struct loading *l, uint64_t last_effect)
{
    struct store *s = l->r->store;
    uint64_t above = last_effect > OUTBOX_KEPT ? last_effect - OUTBOX_KEPT : 0;
    bool bad = store_each_memory(s, load_memory, l, l->e) < 0 || l->status < 0 ||
               store_each_quarantined(s, load_quarantined, l, l->e) < 0 ||
               store_each_unsent(s, load_unsent, l, l->e) < 0 || store_each_sent(s, above, load_sent, l, l->e) < 0;
    return bad ? -1 : 0;
}

int recovery_run(const struct recovery *r, struct judge **judge, struct quarantine **quarantine, struct err *e)
{
    struct loading l = {.r = r, .e = e};
    struct store_marks marks;
    *judge = NULL;
    *quarantine = NULL;
    if (store_marks(r->store, &marks, e) < 0 || load_events(&l) < 0) {
        return -1;
    }
    *judge = l.judge = judge_new(r->site, r->rulebooks, &marks);
    judge_attend(l.judge, r->alerts);
    *quarantine = l.quarantine = quarantine_new(r->quarantine_max, marks.quarantine_row);
    return load_rows(&l, marks.effect_number);
}
