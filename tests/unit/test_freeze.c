/* A site that is cut, frozen, thawed after crashes and loses what rests from memory, at random moments of a random history,
 * has at any moment the figures of a fresh site that was given the same events at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kefu/state/freeze.h"
#include "support_gathering.h"
#include "support_shelf.h"
#include "support_story.h"

static struct zone zones[] = {{.name = "Asia/Shanghai"}, {.name = "America/New_York"}};

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        zones[i].tz = tz_load(str_of(zones[i].name), NULL);
    return zones[0].tz && zones[1].tz ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        tz_free(zones[i].tz);
    return 0;
}

struct desk { /* of a cut under way: counts only after the flip */
    struct shelf_row rows[ROWS_MAX];
    struct shelf_total totals[TOTALS_MAX];
    size_t rows_n, totals_n;
    struct buf head;
    size_t folded;
    bool on;
};

struct life {
    struct story *story;
    struct support_random *r;
    struct site *site;
    struct kept kept;
    struct shelf shelf;
    struct desk *desk;
    struct freezer freezer;
    struct bloom filters[2]; /* as they would be on disk: only ever taken up whole */
    size_t folded;
    int64_t as_of;
    struct gathering gathering;
};

static struct site *new_site(struct life *l)
{
    return site_new(&(struct site_options){.tz = l->story->zone->tz,
                                           .rulebooks = &l->story->rulebooks,
                                           .shelf = &l->shelf,
                                           .quiet_ms = l->story->quiet_ms,
                                           .seed = support_below(l->r, 1000)});
}

static void gather_row(void *arg, const struct shelf_row *row)
{
    struct life *l = arg;
    assert_true(l->desk->rows_n < ROWS_MAX);
    struct shelf_row *copy = &l->desk->rows[l->desk->rows_n++];
    *copy = *row;
    copy->key = arena_copy(&l->kept.arena, row->key);
    copy->blob = arena_copy(&l->kept.arena, row->blob);
}

static void gather_total(void *arg, const struct shelf_total *total)
{
    struct life *l = arg;
    assert_true(l->desk->totals_n < TOTALS_MAX);
    struct shelf_total *copy = &l->desk->totals[l->desk->totals_n++];
    *copy = *total;
    copy->agent = arena_copy(&l->kept.arena, total->agent);
    copy->blob = arena_copy(&l->kept.arena, total->blob);
}

static void cold_row(void *arg, const struct shelf_row *row)
{
    struct life *l = arg;
    assert_true(row->cold);
    kept_put(&l->kept, row);
}

/* One that will leave: who asks for an identity of it must find it from now on. */
static void point_at(void *arg, const struct shelf_row *row)
{
    struct life *l = arg;
    struct kept *k = &l->kept;
    size_t i = kept_find(k, row);
    assert_true(i < k->rows_n);
    assert_true(row->identities_n > 0);
    for (size_t n = 0; n < row->identities_n; n++) {
        assert_true(k->entries_n < ENTRIES_MAX);
        k->entries[k->entries_n++] = (struct entry){row->identities[n], i};
    }
    gather_row(arg, row);
}

static void settle(struct site *s, size_t steps)
{
    while (site_advance(s, site_as_of(s), steps) <= site_as_of(s))
        continue;
}

static void cut(struct life *l)
{
    if (!site_may_cut(l->site))
        return;
    l->desk->rows_n = l->desk->totals_n = l->desk->head.n = 0;
    l->desk->on = true;
    l->desk->folded = l->folded;
    site_cut(l->site, &l->freezer, &l->desk->head);
}

static void flip(struct life *l)
{
    struct desk *d = l->desk;
    for (size_t i = 0; i < d->rows_n; i++)
        kept_put(&l->kept, &d->rows[i]);
    if (l->kept.whole)
        l->kept.totals_n = 0;
    l->kept.whole = false;
    for (size_t i = 0; i < d->totals_n; i++)
        kept_put_total(&l->kept, &d->totals[i]);
    l->kept.head.n = 0;
    buf_put_str(&l->kept.head, buf_str(&d->head));
    l->kept.folded = d->folded;
    l->kept.flipped = true;
    d->on = false;
}

static void freeze_some(struct life *l)
{
    if (l->desk->on && !site_freeze(l->site, 1 + support_below(l->r, 3)))
        flip(l);
}

/* What rests is written cold and leaves memory. */
static void chill(struct life *l, int64_t before)
{
    if (l->desk->on || !l->kept.flipped)
        return;
    struct chill c = {.before = before};
    struct freezer list = {.row = point_at, .arg = l}, cold = {.row = cold_row, .arg = l};
    l->desk->rows_n = 0;
    do {
        c.n = 1 + support_below(l->r, 5);
    } while (site_chill(l->site, &c, &list));
    l->kept.until = site_cold_until(l->site);
    for (size_t i = 0; i < l->desk->rows_n; i++) {
        site_freeze_cold(l->site, l->desk->rows[i].key, &cold);
        if (support_below(l->r, 10))
            site_forget(l->site, l->desk->rows[i].key);
    }
}

static void copy_filter(struct bloom *to, const struct bloom *from)
{
    bloom_fini(to);
    for (size_t k = 0, part = 0; k < from->layers_n; k++)
        for (size_t i = 0; i < from->layers[k].parts_n; i++, part++) {
            struct str bytes = {(const char *)from->layers[k].bytes + i * BLOOM_PART_BYTES, BLOOM_PART_BYTES};
            assert_int_equal(bloom_put_part(to, part, bytes, from->layers[k].n), 0);
        }
}

static void take_up(struct life *l, bool anew)
{
    struct err e = {0};
    if (site_thaw_head(l->site, buf_str(&l->kept.head), &e) < 0)
        fail_msg("%s: %s", e.where, e.what);
    for (size_t i = 0; i < l->kept.totals_n && !anew; i++)
        assert_int_equal(site_thaw_total(l->site, &l->kept.totals[i], false, &e), 0);
    for (size_t i = 0; i < l->kept.rows_n; i++)
        if ((anew || !l->kept.rows[i].cold) && site_thaw_row(l->site, &l->kept.rows[i], anew, &e) < 0)
            fail_msg("%s: %s", e.where, e.what);
    site_set_cold_until(l->site, l->kept.until);
    l->kept.whole = anew;
}

/* The process dies; the next one takes up the last flip. */
static void die(struct life *l, bool anew)
{
    for (int i = 0; i < 2; i++)
        copy_filter(&l->filters[i], site_filter(l->site, i));
    site_free(l->site);
    l->site = new_site(l);
    l->gathering.on = false;
    l->desk->on = false;
    for (int i = 0; i < 2; i++)
        copy_filter(site_filter(l->site, i), &l->filters[i]);
    if (l->kept.flipped)
        take_up(l, anew);
}

/* And folds the journal from there on. */
static void crash(struct life *l)
{
    int64_t as_of = site_as_of(l->site);
    die(l, support_below(l->r, 8) == 0);
    for (size_t i = l->kept.flipped ? l->kept.folded : 0; i < l->folded; i++)
        site_fold(l->site, &l->story->events[i], as_of); /* those that cold rows hold are duplicates */
    site_advance(l->site, as_of, 1);
}

static int by_time(const void *a, const void *b)
{
    return event_cmp(a, b);
}

/* All but the counts, one of which (customers) is of those in memory only. */
static char *figures_of(const struct site *s)
{
    char *text = support_print_site(s);
    struct site_counts n;
    site_counts(s, &n);
    struct buf b = {0};
    buf_printf(&b, "events=%llu conversations=%llu open=%llu waiting=%llu orders=%llu", (unsigned long long)n.events_n,
               (unsigned long long)n.conversations_n, (unsigned long long)n.open_n, (unsigned long long)n.waiting_n,
               (unsigned long long)n.orders_n);
    buf_put_str(&b, str_of(strchr(text, '\n')));
    buf_put_byte(&b, 0);
    free(text);
    return b.p;
}

static char *fold_fresh(const struct life *l)
{
    struct site *s = story_site(l->story);
    struct event *events = malloc((l->folded + 1) * sizeof *events);
    memcpy(events, l->story->events, l->folded * sizeof *events);
    qsort(events, l->folded, sizeof *events, by_time);
    site_advance(s, site_as_of(l->site), 1);
    for (size_t i = 0; i < l->folded; i++)
        site_fold(s, &events[i], site_as_of(l->site));
    settle(s, 1000);
    char *text = figures_of(s);
    site_free(s);
    free(events);
    return text;
}

/* The first line in which two texts differ. */
static void tell_difference(const char *text, const char *fresh)
{
    size_t i = 0, line = 0;
    for (; text[i] && text[i] == fresh[i]; i++)
        line = text[i] == '\n' ? i + 1 : line;
    print_error("lived: %.*s\nfresh: %.*s\n", (int)strcspn(text + line, "\n"), text + line,
                (int)strcspn(fresh + line, "\n"), fresh + line);
}

/* One step of everybody's account of the month, which at its end must sum up to the figures. False: that was the end. */
static bool gather(struct life *l, struct gathering *g, size_t n)
{
    if (!g->on)
        gathering_begin(g, l->site, civil_month(tz_day(l->story->zone->tz, site_as_of(l->site))));
    if (gathering_step(g, l->site, &(struct gathering_shelf){l->kept.rows, l->kept.rows_n}, n))
        return true;
    if (!gathering_end(g, l->site))
        fail_msg("what is told does not sum up to the figures after %zu events", l->folded);
    return false;
}

static void tell_all(struct life *l)
{
    struct gathering g = {0};
    while (gather(l, &g, 1 + support_below(l->r, 9)))
        continue;
    account_fini(&g.account);
}

static void look(struct life *l)
{
    settle(l->site, 1 + support_below(l->r, 5));
    char *text = figures_of(l->site), *fresh = fold_fresh(l);
    if (strcmp(text, fresh) != 0) {
        tell_difference(text, fresh);
        fail_msg("other figures after %zu events", l->folded);
    }
    if (!l->gathering.on)
        tell_all(l);
    free(text);
    free(fresh);
}

static void fold_next(struct life *l)
{
    const struct event *e = &l->story->events[l->folded++];
    if (e->ts > l->as_of && support_below(l->r, 10))
        l->as_of = e->ts;
    assert_int_equal(site_fold(l->site, e, l->as_of), VERDICT_ACCEPTED);
    const struct event *again = &l->story->events[support_below(l->r, (uint32_t)l->folded)];
    if (support_below(l->r, 4) == 0)
        assert_int_equal(site_fold(l->site, again, l->as_of), VERDICT_DUPLICATE);
    struct event other = *again; /* a known identity on something else is a conflict, whatever has left memory */
    other.subject = STR_LIT("nothing like it");
    if (support_below(l->r, 8) == 0)
        assert_int_equal(site_probe(l->site, &other), VERDICT_REJECTED);
}

/* Long after all windows: whatever can rest leaves memory, and what the story still has to tell comes late. */
static void let_rest(struct life *l)
{
    for (size_t k = 0; k < l->story->rulebooks.n; k++)
        l->as_of += 2 * l->story->books[k]->fcr_window_ms;
    site_advance(l->site, l->as_of, 1);
    settle(l->site, 10);
    while (l->desk->on)
        freeze_some(l);
    cut(l);
    while (l->desk->on)
        freeze_some(l);
    chill(l, INT64_MAX);
}

static void meddle(struct life *l)
{
    uint32_t what = support_below(l->r, 40);
    if (what < 6)
        cut(l);
    else if (what < 20)
        freeze_some(l);
    else if (what < 25)
        chill(l, site_as_of(l->site) + 1 - (int64_t)support_below(l->r, 4) * 600000);
    else if (what < 27)
        crash(l);
    else if (what == 27 && support_below(l->r, 3) == 0)
        let_rest(l);
}

static void live(struct life *l, uint32_t looks)
{
    while (l->folded < l->story->n) {
        fold_next(l);
        if (support_below(l->r, 4) == 0)
            l->as_of += story_span(l->story, l->r);
        if (support_below(l->r, 2) == 0)
            site_advance(l->site, l->as_of, 1 + support_below(l->r, 8));
        meddle(l);
        gather(l, &l->gathering, 1 + support_below(l->r, 4));
        if (support_below(l->r, looks) == 0)
            look(l);
    }
    for (int i = 0; i < 6; i++) {
        look(l);
        meddle(l);
        l->as_of += (1 + (int64_t)support_below(l->r, 3)) * story_span(l->story, l->r);
        site_advance(l->site, l->as_of, 1);
    }
    crash(l);
    look(l);
}

static void life_fini(struct life *l)
{
    account_fini(&l->gathering.account);
    site_free(l->site);
    for (int i = 0; i < 2; i++)
        bloom_fini(&l->filters[i]);
    arena_fini(&l->kept.arena);
    buf_fini(&l->kept.head);
    buf_fini(&l->desk->head);
    free(l->kept.rows);
    free(l->kept.totals);
    free(l->kept.entries);
    free(l->desk);
}

static void life_init(struct life *l)
{
    l->desk = calloc(1, sizeof *l->desk);
    l->kept.rows = calloc(ROWS_MAX, sizeof *l->kept.rows);
    l->kept.totals = calloc(TOTALS_MAX, sizeof *l->kept.totals);
    l->kept.entries = calloc(ENTRIES_MAX, sizeof *l->kept.entries);
    l->kept.until = INT64_MIN;
    l->shelf = (struct shelf){kept_ask, &l->kept, 99};
    l->freezer = (struct freezer){gather_row, gather_total, l};
    l->site = new_site(l);
}

static void live_through(struct story *story, struct support_random *r)
{
    struct life l = {.story = story, .r = r, .as_of = story->from};
    life_init(&l);
    live(&l, 1 + support_below(r, 12));
    life_fini(&l);
}

static void whatever_is_frozen_thawed_or_forgotten_the_figures_stay(void **state)
{
    (void)state;
    struct support_random r = support_random();
    const char *given = getenv("KEFU_ROUNDS");
    long rounds = given ? strtol(given, NULL, 10) : 400;
    for (long round = 0; round < rounds; round++) {
        struct story story;
        story_init(&story, &r, &zones[support_below(&r, 2)], 5 + support_below(&r, 90));
        story_mix(&story, &r);
        story.quiet_ms = support_below(&r, 2) ? story_span(&story, &r) : 0;
        live_through(&story, &r);
        story_fini(&story);
    }
}

/* A customer who is not in memory any more. */
static struct event say(const char *conversation, const char *id, int64_t at, enum event_how from)
{
    struct event e = {.type = EVENT_MESSAGE, .how = from, .ts = at, .source = STR_LIT("s"), .id = str_of(id)};
    e.subject = str_of(conversation);
    e.strs[from == FROM_AGENT ? EVENT_AGENT : EVENT_CUSTOMER] = STR_LIT("0123456789abcdef");
    return e;
}

static void tell(struct life *l, struct event e)
{
    assert_int_equal(site_fold(l->site, &e, l->as_of), VERDICT_ACCEPTED);
    settle(l->site, 10);
}

/* Asked at `at`, answered after a second, resolved after two. */
static void tell_chat(struct life *l, const char *name, int64_t at)
{
    char id[3][16];
    for (int i = 0; i < 3; i++)
        snprintf(id[i], sizeof id[i], "%s-%d", name, i);
    struct event end = {.type = EVENT_RESOLVED, .how = BY_AGENT, .ts = at + 2000, .source = STR_LIT("s")};
    end.id = str_of(id[2]);
    end.subject = str_of(name);
    tell(l, say(name, id[0], at, FROM_CUSTOMER));
    tell(l, say(name, id[1], at + 1000, FROM_AGENT));
    tell(l, end);
}

static int64_t first_contacts(struct life *l, bool failed)
{
    const struct figures *f = site_figures(l->site, site_agent_find(l->site, STR_LIT("0123456789abcdef")), PERIOD_DAY,
                                           tz_day(zones[0].tz, T0));
    return failed ? f->fcr_fail : f->fcr_pass;
}

static void forget_all(struct life *l)
{
    let_rest(l);
    while (site_in_memory_n(l->site)) /* the random tenth that stayed */
        chill(l, INT64_MAX);
}

static void with_a_customer(void **state, void (*story)(struct life *l))
{
    (void)state;
    struct rulebook book = support_rulebook();
    struct support_random r = {1};
    struct story empty = {.zone = &zones[0], .books = {&book}, .rulebooks = {.list = {&book}, .n = 1}};
    struct life l = {.story = &empty, .r = &r, .as_of = T0};
    life_init(&l);
    story(&l);
    life_fini(&l);
}

static void late_repeat(struct life *l)
{
    tell_chat(l, "k1", T0);
    forget_all(l);
    tell_chat(l, "k2", T0 + 60000);
    assert_int_equal(first_contacts(l, true), 1);
    assert_int_equal(first_contacts(l, false), 1);
}

static void a_late_repeat_finds_the_first_contact_that_it_spoils(void **state)
{
    with_a_customer(state, late_repeat);
}

static void late_first(struct life *l)
{
    tell_chat(l, "k1", T0 + 60000);
    forget_all(l);
    tell_chat(l, "k2", T0);
    assert_int_equal(first_contacts(l, true), 1);
    assert_int_equal(first_contacts(l, false), 1);
}

static void a_late_first_contact_finds_the_repeat_that_spoils_it(void **state)
{
    with_a_customer(state, late_first);
}

/* Saved as of this instant; whatever rests leaves. How many stay. */
static size_t stay_at(struct life *l, int64_t at)
{
    l->as_of = at;
    site_advance(l->site, l->as_of, 1);
    settle(l->site, 10);
    cut(l);
    while (l->desk->on)
        freeze_some(l);
    for (int i = 0; i < 50; i++) /* the random tenth */
        chill(l, INT64_MAX);
    return site_in_memory_n(l->site);
}

static uint64_t shown_n(const struct life *l)
{
    struct site_counts n;
    site_counts(l->site, &n);
    return n.open_n + n.waiting_n;
}

static const struct figures *first_day(const struct life *l)
{
    uint32_t agent = site_agent_find(l->site, STR_LIT("0123456789abcdef"));
    return site_figures(l->site, agent, PERIOD_DAY, tz_day(zones[0].tz, T0));
}

static void be_quiet_after_a_second(struct life *l)
{
    site_free(l->site);
    l->story->quiet_ms = 1000;
    l->site = new_site(l);
}

/* Nobody ever ends it. It stays while its wait can become a miss or it can become idle, however long it is quiet, and what is to
 * come comes on the millisecond; then it leaves, open as it is, and the next event finds it. */
static void never_ended(struct life *l)
{
    const struct rulebook *b = l->story->books[0];
    be_quiet_after_a_second(l);
    tell(l, say("k1", "ask", T0, FROM_CUSTOMER));
    tell(l, say("k1", "answer", T0 + 10, FROM_AGENT));
    tell(l, say("k1", "more", T0 + 20, FROM_CUSTOMER));
    assert_int_equal(stay_at(l, T0 + 1019), 1);
    assert_int_equal(shown_n(l), 2);
    assert_int_equal(stay_at(l, T0 + 1020), 1);
    assert_int_equal(shown_n(l), 0); /* quiet: in no list of now */
    assert_int_equal(stay_at(l, T0 + 20 + b->abandon_after_ms - 1), 1);
    assert_int_equal(first_day(l)->missed, 0);
    assert_int_equal(stay_at(l, T0 + 20 + b->abandon_after_ms), 1);
    assert_int_equal(first_day(l)->missed, 1);
    assert_int_equal(stay_at(l, T0 + 20 + b->idle_after_ms - 1), 1);
    assert_int_equal(first_day(l)->handled, 0);
    assert_int_equal(stay_at(l, T0 + 20 + b->idle_after_ms), 0);
    assert_int_equal(first_day(l)->handled, 1);
    die(l, false);
    assert_int_equal(site_in_memory_n(l->site), 0);
    assert_int_equal(first_day(l)->handled, 1);
    l->as_of += 5000;
    tell(l, say("k1", "late", l->as_of, FROM_AGENT)); /* idle no more, and shown again */
    assert_int_equal(site_in_memory_n(l->site), 1);
    assert_int_equal(shown_n(l), 1);
    assert_int_equal(first_day(l)->handled, 0);
}

static void an_open_chat_leaves_memory_when_nothing_is_to_come_of_it(void **state)
{
    with_a_customer(state, never_ended);
}

static void be_open(struct rulebook *b, bool open)
{
    b->always_open = false;
    for (int d = 0; d < 7; d++)
        b->week[d] = (struct day_hours){.spans = {{0, 1440}}, .n = open};
}

/* A site that is open no more has no deadlines, until a rulebook of a later month opens it again: who waits is waited for. */
static void closed_site(struct life *l)
{
    const int64_t day_ms = 24 * INT64_C(3600000);
    struct rulebook march = support_rulebook();
    be_open(l->story->books[0], false);
    be_open(&march, true);
    march.effective_month = civil_month(tz_day(zones[0].tz, T0)) + 1;
    be_quiet_after_a_second(l);
    tell(l, say("k1", "ask", T0, FROM_CUSTOMER));
    tell(l, say("k1", "answer", T0 + 10, FROM_AGENT));
    tell(l, say("k1", "more", T0 + 20, FROM_CUSTOMER));
    assert_int_equal(stay_at(l, T0 + 10 * day_ms), 1);
    l->story->rulebooks.list[l->story->rulebooks.n++] = &march;
    site_rulebooks_changed(l->site);
    assert_int_equal(stay_at(l, T0 + 20 * day_ms), 1);
    assert_int_equal(first_day(l)->missed, 0);
    assert_int_equal(stay_at(l, T0 + 40 * day_ms), 0);
    assert_int_equal(first_day(l)->missed, 1);
}

static void who_waits_for_a_closed_site_stays(void **state)
{
    with_a_customer(state, closed_site);
}

static struct event reopened(const char *conversation, const char *id, int64_t at, const char *topic)
{
    struct event e = {.type = EVENT_REOPENED, .ts = at, .source = STR_LIT("s"), .id = str_of(id)};
    if (topic)
        e.type = EVENT_OPENED;
    e.subject = str_of(conversation);
    e.strs[EVENT_TOPIC] = str_of(topic);
    return e;
}

/* k2 is open, so it stays; all others are saved and leave. */
static void forget_all_but_k2(struct life *l)
{
    settle(l->site, 10);
    cut(l);
    while (l->desk->on)
        freeze_some(l);
    for (int i = 0; i < 50; i++)
        chill(l, INT64_MAX);
    assert_int_equal(site_in_memory_n(l->site), 1);
}

static void late_again(struct life *l)
{
    tell(l, reopened("k1", "t1", T0 - 1, "A"));
    tell_chat(l, "k1", T0);
    forget_all(l);
    tell(l, reopened("k2", "t2", T0 + 999999, "B"));
    tell_chat(l, "k2", T0 + 1000000); /* about something else: k1 comes back to be looked at, and leaves again */
    tell(l, reopened("k2", "again", l->as_of, NULL));
    forget_all_but_k2(l);
    tell(l, reopened("k3", "t3", T0 + 1999999, "A"));
    tell_chat(l, "k3", T0 + 2000000);
    assert_int_equal(first_contacts(l, true), 1);
}

static void run_again(struct life *l)
{
    l->as_of += 100000;
    tell_chat(l, "k2", T0);
    tell_chat(l, "k1", T0 + 60000);
    tell(l, reopened("k2", "again", T0 + 70000, NULL));
    assert_int_equal(first_contacts(l, true), 1);
    l->as_of += 3 * l->story->books[0]->fcr_window_ms;
    site_advance(l->site, l->as_of, 1);
    forget_all_but_k2(l);
    struct event late = {.type = EVENT_RATING, .ts = T0 + 3000, .source = STR_LIT("s"), .id = STR_LIT("late")};
    late.score_milli = late.scale = 5;
    late.subject = STR_LIT("k2");
    tell(l, late);
    assert_int_equal(first_contacts(l, true), 1);
}

static void a_chat_that_is_run_again_asks_for_who_spoiled_it(void **state)
{
    with_a_customer(state, run_again);
}

static void a_customer_who_came_back_and_left_memory_again_is_found_again(void **state)
{
    with_a_customer(state, late_again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_repeat_finds_the_first_contact_that_it_spoils),
        cmocka_unit_test(an_open_chat_leaves_memory_when_nothing_is_to_come_of_it),
        cmocka_unit_test(who_waits_for_a_closed_site_stays),
        cmocka_unit_test(a_late_first_contact_finds_the_repeat_that_spoils_it),
        cmocka_unit_test(a_chat_that_is_run_again_asks_for_who_spoiled_it),
        cmocka_unit_test(a_customer_who_came_back_and_left_memory_again_is_found_again),
        cmocka_unit_test(whatever_is_frozen_thawed_or_forgotten_the_figures_stay),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
