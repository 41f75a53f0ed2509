/* The steps of a checkpoint, each a commit to the writer.
 *
 * Keeps true: a row goes to the disk as it stood at the cut; the flip follows the last of them; nothing cold leaves memory
 * before it, and the filters that know it, are durable. What a commit borrows stays untouched until it is back. */
#include "kefu/daemon/checkpoint.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/clock.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/letting.h"
#include "kefu/daemon/pile.h"
#include "kefu/daemon/unshelve.h"
#include "kefu/daemon/wishes.h"
#include "kefu/model/commit.h"
#include "kefu/state/freeze.h"
#include "kefu/store/let_go.h"
#include "kefu/store/shelf.h"

#define STEP_US        2000   /* a step goes on for so long at most, and one more of what it does */
#define ROWS_A_STEP    256    /* frozen, then written in a transaction: a few milliseconds */
#define PLACES_A_STEP  256    /* looked at for rest in a turn */
#define FEW            8      /* places looked at, or subjects frozen, between two looks at the clock */
#define COLD_ROWS      128    /* written cold in a transaction: each changes three indexes */
#define LEAVING_ROWS   20000  /* that leave together: their identities share pages of the index; */
#define LEAVING_MOST   240000 /* of these */
#define FIND_ROWS      1000
#define FULL_PAUSE_MS  1000
#define CHILL_AGAIN_MS INT64_C(3600000)

enum phase {
    PHASE_WAIT = 0,
    PHASE_FREEZE,
    PHASE_FLIP,
    PHASE_MERGE,
    PHASE_TRIM,
    PHASE_LET_GO,
    PHASE_MARK,
    PHASE_FIND,
    PHASE_POINT,
    PHASE_CHILL,
    PHASE_TIDY
};
static const char *const DOING[] = {"wait", "freeze", "flip",  "merge", "trim", "let_go",
                                    "mark", "find",   "point", "chill", "tidy"};

struct checkpoint {
    struct site *site;
    struct sources *sources;
    struct checkpoint_options o;
    struct freezer freezer;
    enum phase phase;
    bool is_out, full;
    bool whole; /* all was counted anew, and no flip has said so yet */
    struct commit commit;
    struct shelf_work work, sent; /* as the writer left it; as it was sent */
    struct pile gathered, out;
    struct buf part_bytes; /* of a filter, as they are written */
    struct buf head;
    int64_t until_us;                /* the step that is made goes on until then */
    size_t all_n, moved_n;           /* rows and totals of the round; of these moved in */
    uint64_t seq, cut_seq, flip_seq; /* folded, of the cut under way, of the last flip */
    uint64_t since_n;                /* events folded since the last cut */
    uint64_t trim_from;              /* rows of the journal before it stay: they cannot be read */
    size_t damages_n;                /* of the journal, that it went over */
    uint64_t flying_n;               /* events that were under way at the cut from which a start goes on */
    struct letting letting;
    int64_t due_mono_ms, full_mono_ms, chilled_mono_ms;
    size_t memory_n; /* conversations in memory after the last chill */
    struct chill chill;
    struct pile leaving;            /* keys and identities of what may leave */
    size_t identities_n;            /* of these */
    struct shelf_pointer *pointers; /* owned */
    size_t pointers_n, done_n;
    size_t forgotten_n; /* of those that went out cold */
    bool more;          /* there are places not looked at */
    bool knowing;       /* the filters are being written; nothing is added to them meanwhile */
    size_t part;        /* of the filter being written */
    int filter;
    int64_t at_ms;
    struct wishes wishes;
};

/* --- gathering ---------------------------------------------------------------------------------------------------- */

static void gather_row(void *arg, const struct shelf_row *row)
{
    pile_add(&((struct checkpoint *)arg)->gathered, row);
}

static void gather_total(void *arg, const struct shelf_total *total)
{
    pile_add_total(&((struct checkpoint *)arg)->gathered, total);
}

struct checkpoint *checkpoint_new(struct site *s, struct sources *sources, const struct checkpoint_options *o)
{
    struct checkpoint *c = xcalloc(1, sizeof(*c));
    c->site = s;
    c->sources = sources;
    c->o = *o;
    c->freezer = (struct freezer){gather_row, gather_total, c};
    c->full_mono_ms = c->due_mono_ms = INT64_MIN;
    c->letting = LETTING_NONE;
    c->chilled_mono_ms = INT64_MIN / 2; /* long ago, and still a time to count from */
    return c;
}

void checkpoint_free(struct checkpoint *c)
{
    if (!c) {
        return;
    }
    pile_fini(&c->gathered);
    pile_fini(&c->out);
    pile_fini(&c->leaving);
    buf_fini(&c->part_bytes);
    buf_fini(&c->head);
    free(c->pointers);
    wishes_fini(&c->wishes);
    free(c);
}

/* --- one commit --------------------------------------------------------------------------------------------------- */

static void come_back(struct commit *commit)
{
    struct checkpoint *c = commit->owner;
    c->is_out = false;
    c->full = commit->result != COMMIT_DONE;
}

static void push(struct checkpoint *c, const struct checkpoint_now *now)
{
    c->commit = (struct commit){.at_ms = now->wall_ms, .shelf = &c->work, .back = come_back, .owner = c};
    c->is_out = writer_push(now->writer, &c->commit) == 0;
    c->full = !c->is_out; /* no room in the queue: again in a moment */
}

static void send(struct checkpoint *c, const struct checkpoint_now *now, struct shelf_work work)
{
    c->work = c->sent = work;
    push(c, now);
}

/* May the step go on? */
static bool in_time(const struct checkpoint *c, const struct checkpoint_now *now)
{
    return clock_work_us(now->clock) < c->until_us;
}

/* What was gathered is to go out. */
static void turn_pile(struct checkpoint *c)
{
    struct pile rows = c->gathered;
    c->gathered = c->out;
    c->out = rows;
    pile_clear(&c->gathered);
}

/* The next of it goes out, as fresh rows or cold ones. False: it has. */
static bool send_rows(struct checkpoint *c, const struct checkpoint_now *now, struct shelf_work work)
{
    bool any = pile_next(&c->out, ROWS_A_STEP, &work);
    if (any) {
        send(c, now, work);
    }
    return any;
}

/* --- phases: each does one step and says whether it is at its end -------------------------------------------------- */

static void cut(struct checkpoint *c, struct writer *w)
{
    struct buf site_head = {0};
    letting_cut(&c->letting, c->site);
    site_cut(c->site, &c->freezer, &site_head);
    c->head.n = 0;
    buf_put_uvar(&c->head, site_fingerprint(c->site));
    buf_put_uvar(&c->head, site_head.n);
    buf_put_str(&c->head, buf_str(&site_head));
    sources_encode(c->sources, &c->head);
    buf_put_uvar(&c->head, writer_events_n(w)); /* probed before the cut, and folded behind it */
    sources_encode_heard(c->sources, &c->head);
    buf_fini(&site_head);
    c->cut_seq = c->seq;
    c->since_n = 0;
    c->moved_n = 0;
    c->all_n = site_cut_left_n(c->site) + c->gathered.totals_n;
    wishes_cut(&c->wishes);
}

static bool freeze(struct checkpoint *c, const struct checkpoint_now *now)
{
    const struct shelf_work fresh = {.step = SHELF_FRESH};
    const struct pile *g = &c->gathered;
    bool more = true, enough = false;
    if (send_rows(c, now, fresh)) {
        return false;
    }
    while (more && !enough && in_time(c, now)) {
        more = site_freeze(c->site, FEW);
        enough = g->n >= ROWS_A_STEP || g->totals_n >= ROWS_A_STEP;
    }
    if (more && !enough) {
        return false;
    }
    turn_pile(c);
    return !send_rows(c, now, fresh); /* of nothing there was no more */
}

static bool flip(struct checkpoint *c, const struct checkpoint_now *now)
{
    if (c->work.step == SHELF_FLIP) {
        c->flip_seq = c->cut_seq;
        c->at_ms = now->wall_ms;
        c->whole = false;
        return true;
    }
    send(c, now,
         (struct shelf_work){.step = SHELF_FLIP, .whole = c->whole, .head = buf_str(&c->head), .seq = c->cut_seq});
    return false;
}

/* A step that the store repeats until it has no more. */
static bool repeat(struct checkpoint *c, const struct checkpoint_now *now, struct shelf_work work)
{
    if (c->work.step == work.step && !c->work.more) {
        return true;
    }
    send(c, now, work);
    return false;
}

static bool merge(struct checkpoint *c, const struct checkpoint_now *now)
{
    c->moved_n += c->work.step == SHELF_MERGE ? c->work.moved_n : 0;
    return repeat(c, now, (struct shelf_work){.step = SHELF_MERGE});
}

static void tell_damage(struct checkpoint *c)
{
    if (!c->work.damaged) {
        return;
    }
    c->work.damaged = false;
    c->damages_n++;
    log_line(LOG_LEVEL_ERROR, "damage",
             "where=\"journal before %" PRIu64
             "\" error=\"rows that the checkpoint holds cannot be read, and stay; put the latest backup in its place\"",
             c->trim_from);
}

static bool trim(struct checkpoint *c, const struct checkpoint_now *now)
{
    if (c->work.step == SHELF_TRIM) {
        c->trim_from = c->work.from_seq;
        tell_damage(c);
    }
    return repeat(c, now,
                  (struct shelf_work){.step = SHELF_TRIM,
                                      .seq = c->flip_seq,
                                      .from_seq = c->trim_from,
                                      .before_ms = now->wall_ms - c->o.journal_keep_ms});
}

/* What the site has let go of since leaves the disk, then memory. */
static bool let_go(struct checkpoint *c, const struct checkpoint_now *now)
{
    struct shelf_work work = c->work;
    enum letting_next next = letting_step(&c->letting, c->site, &work);
    if (next == LETTING_WRITE) {
        send(c, now, work);
    }
    return next == LETTING_DONE;
}

static bool wants_chill(const struct checkpoint *c, int64_t mono_ms)
{
    size_t n = site_in_memory_n(c->site);
    bool grown = n > c->memory_n + c->memory_n / 4 || mono_ms - c->chilled_mono_ms >= CHILL_AGAIN_MS || c->wishes.n;
    return n > c->o.memory_min && grown;
}

/* Dirty parts of the filters, one a step. True: there is none. */
static bool filters(struct checkpoint *c, const struct checkpoint_now *now)
{
    for (; c->filter < 2; c->filter++, c->part = 0) {
        struct bloom *b = site_filter(c->site, c->filter);
        struct shelf_work work = {.step = SHELF_FILTER, .filter = c->filter};
        size_t part = bloom_take_dirty(b, c->part, &work.bytes, &work.hashes_n);
        if (part == bloom_parts_n(b)) {
            continue;
        }
        work.part = part;
        c->part_bytes.n = 0;
        buf_put_str(&c->part_bytes, work.bytes); /* it may change while it is written */
        work.bytes = buf_str(&c->part_bytes);
        c->part = part + 1;
        send(c, now, work);
        return false;
    }
    c->filter = 0;
    c->part = 0;
    return true;
}

static void list_leaving(void *arg, const struct shelf_row *row)
{
    struct checkpoint *c = arg;
    pile_add(&c->leaving, row);
    c->identities_n += row->identities_n;
}

/* Lists what may leave, of which the filters learn. True: it is enough, or all. */
static bool list_places(struct checkpoint *c, const struct checkpoint_now *now)
{
    const struct freezer to = {.row = list_leaving, .arg = c};
    bool enough = false;
    c->more = true;
    pile_reserve(&c->leaving, LEAVING_ROWS + FEW); /* to grow it would move megabytes in one go */
    for (int n = 0; c->more && !enough && n < PLACES_A_STEP && in_time(c, now); n += FEW) {
        (void)bloom_prepare(site_filter(c->site, 0));
        (void)bloom_prepare(site_filter(c->site, 1));
        c->chill.n = FEW;
        c->more = site_chill(c->site, &c->chill, &to);
        enough = c->leaving.n >= LEAVING_ROWS || c->identities_n >= LEAVING_MOST;
    }
    return enough || !c->more;
}

/* Then the filters become durable. */
static bool mark(struct checkpoint *c, const struct checkpoint_now *now)
{
    c->knowing = c->knowing || list_places(c, now);
    bool done = c->knowing && filters(c, now);
    c->knowing = c->knowing && !done;
    return done;
}

/* Looks up where they lie, so that their identities can point there. */
static bool find(struct checkpoint *c, const struct checkpoint_now *now)
{
    if (c->work.step == SHELF_FIND) {
        c->done_n += c->work.rows_n;
        c->pointers_n += c->work.pointers_n;
    } else {
        c->done_n = c->pointers_n = 0;
        c->pointers = xrealloc(c->pointers, (c->identities_n + 1) * sizeof(*c->pointers));
    }
    size_t left_n = c->leaving.n - c->done_n;
    if (!left_n) {
        c->done_n = 0;
        return true;
    }
    send(c, now,
         (struct shelf_work){.step = SHELF_FIND,
                             .rows = c->leaving.rows + c->done_n,
                             .rows_n = left_n < FIND_ROWS ? left_n : FIND_ROWS,
                             .pointers = c->pointers + c->pointers_n});
    return false;
}

static bool point(struct checkpoint *c, const struct checkpoint_now *now)
{
    struct shelf_work first = {.step = SHELF_POINT, .pointers = c->pointers, .pointers_n = c->pointers_n};
    struct shelf_work work = c->work.step == SHELF_POINT ? c->work : first; /* it moves on by itself */
    bool more = work.from_n < c->pointers_n;
    c->done_n = more ? work.from_n : 0; /* of this step; while it is out, it is the writer's */
    if (more) {
        send(c, now, work);
    }
    return !more;
}

/* True: all that went out cold has left memory. */
static bool forget(struct checkpoint *c, const struct checkpoint_now *now)
{
    if (c->work.step != SHELF_CHILL) {
        return true; /* none has, yet */
    }
    for (; c->forgotten_n < c->out.n && in_time(c, now); c->forgotten_n++) {
        site_forget(c->site, c->out.rows[c->forgotten_n].key);
    }
    return c->forgotten_n == c->out.n;
}

/* The rows themselves; whoever is durable leaves. */
static bool chill(struct checkpoint *c, const struct checkpoint_now *now)
{
    if (!forget(c, now)) {
        return false;
    }
    while (c->done_n < c->leaving.n && c->gathered.n < COLD_ROWS && in_time(c, now)) {
        site_freeze_cold(c->site, c->leaving.rows[c->done_n++].key, &c->freezer);
    }
    if (c->done_n < c->leaving.n && c->gathered.n < COLD_ROWS) {
        return false;
    }
    turn_pile(c);
    c->forgotten_n = 0;
    if (send_rows(c, now, (struct shelf_work){.step = SHELF_CHILL, .until = site_cold_until(c->site)})) {
        return false;
    }
    pile_fini(&c->leaving);
    c->identities_n = 0;
    return true;
}

/* --- the round ---------------------------------------------------------------------------------------------------- */

static bool wants_cut(const struct checkpoint *c, int64_t mono_ms)
{
    if (!site_may_cut(c->site)) {
        return false;
    }
    return c->wishes.n || c->since_n >= c->o.events_max || letting_is_due(&c->letting, c->site) ||
           (site_unsaved_n(c->site) && c->due_mono_ms != INT64_MIN && mono_ms >= c->due_mono_ms);
}

static void end_round(struct checkpoint *c, const struct checkpoint_now *now)
{
    log_line(LOG_LEVEL_INFO, "checkpoint", "seq=%" PRIu64 " in_memory=%zu", c->flip_seq, site_in_memory_n(c->site));
    c->due_mono_ms = now->mono_ms + c->o.every_ms;
    c->phase = PHASE_WAIT;
    wishes_grant(&c->wishes);
}

static enum phase start_chill(struct checkpoint *c, const struct checkpoint_now *now)
{
    c->chill = (struct chill){.before = site_as_of(c->site) - c->o.rest_ms};
    return wants_chill(c, now->mono_ms) ? PHASE_MARK : PHASE_TIDY;
}

static void end_chill(struct checkpoint *c, const struct checkpoint_now *now)
{
    if (c->more) {
        c->phase = PHASE_MARK; /* there were more than are done at a time */
        return;
    }
    c->memory_n = site_in_memory_n(c->site);
    c->chilled_mono_ms = now->mono_ms;
    c->phase = PHASE_TIDY;
}

/* One step of the phase; at its end, the next phase. */
static void step(struct checkpoint *c, const struct checkpoint_now *now)
{
    switch (c->phase) {
    case PHASE_WAIT:
        cut(c, now->writer);
        c->phase = PHASE_FREEZE;
        break;
    case PHASE_FREEZE: c->phase = freeze(c, now) ? PHASE_FLIP : PHASE_FREEZE; break;
    case PHASE_FLIP: c->phase = flip(c, now) ? PHASE_MERGE : PHASE_FLIP; break;
    case PHASE_MERGE: c->phase = merge(c, now) ? PHASE_TRIM : PHASE_MERGE; break;
    case PHASE_TRIM: c->phase = trim(c, now) ? PHASE_LET_GO : PHASE_TRIM; break;
    case PHASE_LET_GO: c->phase = let_go(c, now) ? start_chill(c, now) : PHASE_LET_GO; break;
    case PHASE_MARK: c->phase = mark(c, now) ? PHASE_FIND : PHASE_MARK; break;
    case PHASE_FIND: c->phase = find(c, now) ? PHASE_POINT : PHASE_FIND; break;
    case PHASE_POINT: c->phase = point(c, now) ? PHASE_CHILL : PHASE_POINT; break;
    case PHASE_CHILL:
        if (chill(c, now)) {
            end_chill(c, now);
        }
        break;
    case PHASE_TIDY:
        if (repeat(c, now, (struct shelf_work){.step = SHELF_TIDY})) {
            end_round(c, now);
        }
        break;
    }
}

void checkpoint_turn(struct checkpoint *c, const struct checkpoint_now *now)
{
    if (c->due_mono_ms == INT64_MIN) {
        c->due_mono_ms = now->mono_ms + c->o.every_ms;
    }
    if (c->is_out || now->mono_ms < c->full_mono_ms || (c->phase == PHASE_WAIT && !wants_cut(c, now->mono_ms))) {
        return;
    }
    if (c->full) {
        c->full_mono_ms = now->mono_ms + FULL_PAUSE_MS;
        c->work = c->sent; /* nothing of what it did is there */
        push(c, now);
        return;
    }
    c->until_us = clock_work_us(now->clock) + STEP_US;
    step(c, now);
}

int64_t checkpoint_due_ms(const struct checkpoint *c)
{
    if (c->is_out) {
        return INT64_MAX; /* the writer wakes the loop */
    }
    if (c->full || c->phase != PHASE_WAIT || (wants_cut(c, INT64_MIN) && site_may_cut(c->site))) {
        return c->full_mono_ms; /* long past, but for a moment after the disk was full */
    }
    int64_t at_ms = site_may_cut(c->site) && site_unsaved_n(c->site) ? c->due_mono_ms : INT64_MAX;
    return at_ms > c->full_mono_ms ? at_ms : c->full_mono_ms;
}

bool checkpoint_vouches(const struct checkpoint *c, uint64_t seq)
{
    return seq - c->flip_seq > c->flying_n; /* commits come back in the order in which their events were probed */
}

bool checkpoint_is_idle(const struct checkpoint *c)
{
    return !c->is_out;
}

uint64_t checkpoint_seq(const struct checkpoint *c)
{
    return c->seq;
}

void checkpoint_folded(struct checkpoint *c, uint64_t seq)
{
    c->since_n += seq - c->seq;
    c->seq = seq;
}

void checkpoint_keep_from(struct checkpoint *c, int32_t month)
{
    c->letting.wanted = month > c->letting.wanted ? month : c->letting.wanted;
}

void checkpoint_want(struct checkpoint *c, void (*done)(void *arg), void *arg)
{
    wishes_add(&c->wishes, done, arg);
}

void checkpoint_unwant(struct checkpoint *c, void *arg)
{
    wishes_drop(&c->wishes, arg);
}

static size_t all_n(const struct checkpoint *c)
{
    switch (c->phase) {
    case PHASE_FREEZE:
    case PHASE_MERGE: return c->all_n;
    case PHASE_FIND:
    case PHASE_CHILL: return c->leaving.n;
    case PHASE_POINT: return c->pointers_n;
    default: return 0;
    }
}

static size_t done_n(const struct checkpoint *c)
{
    switch (c->phase) {
    case PHASE_FREEZE: return c->all_n - site_cut_left_n(c->site);
    case PHASE_MERGE: return c->moved_n;
    case PHASE_FIND:
    case PHASE_POINT:
    case PHASE_CHILL: return c->done_n;
    default: return 0;
    }
}

void checkpoint_status(const struct checkpoint *c, struct checkpoint_status *out)
{
    *out = (struct checkpoint_status){.seq = c->flip_seq,
                                      .damages_n = c->damages_n,
                                      .at_ms = c->at_ms,
                                      .busy = c->phase != PHASE_WAIT,
                                      .doing = DOING[c->phase],
                                      .full = c->full,
                                      .done_n = done_n(c),
                                      .all_n = all_n(c),
                                      .unsaved_n = site_unsaved_n(c->site),
                                      .in_memory_n = site_in_memory_n(c->site)};
}

/* --- at a start --------------------------------------------------------------------------------------------------- */

int checkpoint_load(struct checkpoint *c, struct store *store, uint64_t *next_seq, struct err *e)
{
    struct unshelved u = {.gone = c->letting.gone};
    if (unshelve(store, c->site, c->sources, &u, e) < 0) {
        return -1;
    }
    c->whole = u.anew;
    c->flying_n = u.flying_n;
    c->letting.gone = u.gone;
    c->seq = c->flip_seq = u.seq;
    *next_seq = c->flip_seq + 1;
    return 0;
}
