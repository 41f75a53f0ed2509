/* A site that is cut, frozen, thawed after crashes and loses what rests from memory, at random moments of a random history,
 * has at any moment the figures of a fresh site that was given the same events at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support_lifetime.h"

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

/* And folds the journal from there on. */
static void crash(struct lifetime *l)
{
    int64_t as_of = site_as_of(l->site);
    lifetime_die(l, support_below(l->r, 8) == 0);
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

static char *fold_fresh(const struct lifetime *l)
{
    struct site *s = story_site(l->story);
    struct event *events = malloc((l->folded + 1) * sizeof *events);
    memcpy(events, l->story->events, l->folded * sizeof *events);
    qsort(events, l->folded, sizeof *events, by_time);
    site_advance(s, site_as_of(l->site), 1);
    for (size_t i = 0; i < l->folded; i++)
        site_fold(s, &events[i], site_as_of(l->site));
    lifetime_settle(s, 1000);
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
static bool gather(struct lifetime *l, struct gathering *g, size_t n)
{
    if (!g->on)
        gathering_begin(g, l->site, civil_month(tz_day(l->story->zone->tz, site_as_of(l->site))));
    if (gathering_step(g, l->site, &(struct gathering_shelf){l->kept.rows, l->kept.rows_n}, n))
        return true;
    if (!gathering_end(g, l->site))
        fail_msg("what is told does not sum up to the figures after %zu events", l->folded);
    return false;
}

static void tell_all(struct lifetime *l)
{
    struct gathering g = {0};
    while (gather(l, &g, 1 + support_below(l->r, 9)))
        continue;
    account_fini(&g.account);
}

static void look(struct lifetime *l)
{
    lifetime_settle(l->site, 1 + support_below(l->r, 5));
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

static void fold_next(struct lifetime *l)
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
static void let_rest(struct lifetime *l)
{
    for (size_t k = 0; k < l->story->rulebooks.n; k++)
        l->as_of += 2 * l->story->books[k]->fcr_window_ms;
    site_advance(l->site, l->as_of, 1);
    lifetime_settle(l->site, 10);
    while (l->desk->on)
        lifetime_freeze_some(l);
    lifetime_cut(l);
    while (l->desk->on)
        lifetime_freeze_some(l);
    lifetime_chill(l, INT64_MAX);
}

static void meddle(struct lifetime *l)
{
    uint32_t what = support_below(l->r, 40);
    if (what < 6)
        lifetime_cut(l);
    else if (what < 20)
        lifetime_freeze_some(l);
    else if (what < 25)
        lifetime_chill(l, site_as_of(l->site) + 1 - (int64_t)support_below(l->r, 4) * 600000);
    else if (what < 27)
        crash(l);
    else if (what == 27 && support_below(l->r, 3) == 0)
        let_rest(l);
}

static void live(struct lifetime *l, uint32_t looks)
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

static void live_through(struct story *story, struct support_random *r)
{
    struct lifetime l = {.story = story, .r = r, .as_of = story->from};
    lifetime_init(&l);
    live(&l, 1 + support_below(r, 12));
    lifetime_fini(&l);
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

static void tell(struct lifetime *l, struct event e)
{
    assert_int_equal(site_fold(l->site, &e, l->as_of), VERDICT_ACCEPTED);
    lifetime_settle(l->site, 10);
}

/* Asked at `at`, answered after a second, resolved after two. */
static void tell_chat(struct lifetime *l, const char *name, int64_t at)
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

static int64_t first_contacts(struct lifetime *l, bool failed)
{
    const struct figures *f = site_figures(l->site, site_agent_find(l->site, STR_LIT("0123456789abcdef")), PERIOD_DAY,
                                           tz_day(zones[0].tz, T0));
    return failed ? f->fcr_fail : f->fcr_pass;
}

static void forget_all(struct lifetime *l)
{
    let_rest(l);
    while (site_in_memory_n(l->site)) /* the random tenth that stayed */
        lifetime_chill(l, INT64_MAX);
}

static void with_a_customer(void **state, void (*story)(struct lifetime *l))
{
    (void)state;
    struct rulebook book = support_rulebook();
    struct support_random r = {1};
    struct story empty = {.zone = &zones[0], .books = {&book}, .rulebooks = {.list = {&book}, .n = 1}};
    struct lifetime l = {.story = &empty, .r = &r, .as_of = T0};
    lifetime_init(&l);
    story(&l);
    lifetime_fini(&l);
}

static void late_repeat(struct lifetime *l)
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

static void late_first(struct lifetime *l)
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
static size_t stay_at(struct lifetime *l, int64_t at)
{
    l->as_of = at;
    site_advance(l->site, l->as_of, 1);
    lifetime_settle(l->site, 10);
    lifetime_cut(l);
    while (l->desk->on)
        lifetime_freeze_some(l);
    for (int i = 0; i < 50; i++) /* the random tenth */
        lifetime_chill(l, INT64_MAX);
    return site_in_memory_n(l->site);
}

static uint64_t shown_n(const struct lifetime *l)
{
    struct site_counts n;
    site_counts(l->site, &n);
    return n.open_n + n.waiting_n;
}

static const struct figures *first_day(const struct lifetime *l)
{
    uint32_t agent = site_agent_find(l->site, STR_LIT("0123456789abcdef"));
    return site_figures(l->site, agent, PERIOD_DAY, tz_day(zones[0].tz, T0));
}

static void be_quiet_after_a_second(struct lifetime *l)
{
    site_free(l->site);
    l->story->quiet_ms = 1000;
    l->site = lifetime_site(l);
}

/* Nobody ever ends it. It stays while its wait can become a miss or it can become idle, however long it is quiet, and what is to
 * come comes on the millisecond; then it leaves, open as it is, and the next event finds it. */
static void never_ended(struct lifetime *l)
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
    lifetime_die(l, false);
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
static void closed_site(struct lifetime *l)
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
static void forget_all_but_k2(struct lifetime *l)
{
    lifetime_settle(l->site, 10);
    lifetime_cut(l);
    while (l->desk->on)
        lifetime_freeze_some(l);
    for (int i = 0; i < 50; i++)
        lifetime_chill(l, INT64_MAX);
    assert_int_equal(site_in_memory_n(l->site), 1);
}

static void late_again(struct lifetime *l)
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

static void run_again(struct lifetime *l)
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
