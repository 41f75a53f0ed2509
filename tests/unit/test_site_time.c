/* The figures at any moment are those of a fresh site that was given the same events in order at once, whatever came late,
 * twice or ahead of the clock, however the clock went and however few steps were taken; and who changed is dirty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support_story.h"

static struct zone zones[] = {{.name = "Asia/Shanghai"},
                              {.name = "America/New_York"}}; /* its clocks go back on 1 November 2026 */

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

static void settle(struct site *s, size_t steps)
{
    while (site_advance(s, site_as_of(s), steps) <= site_as_of(s))
        continue;
}

static int by_time(const void *a, const void *b)
{
    return event_cmp(a, b);
}

/* The first n events folded at once at as_of: in order, or the other way round. */
static char *fold_fresh(const struct story *story, size_t n, int64_t as_of, bool backwards)
{
    struct site *s = story_site(story);
    struct event *events = malloc((n + 1) * sizeof *events);
    memcpy(events, story->events, n * sizeof *events);
    qsort(events, n, sizeof *events, by_time);
    site_advance(s, as_of, 1);
    for (size_t i = 0; i < n; i++)
        site_fold(s, &events[backwards ? n - 1 - i : i], as_of);
    settle(s, 1000);
    char *text = support_print_site(s);
    site_free(s);
    free(events);
    return text;
}

/* A site that lives through a story. */
struct life {
    struct story *story;
    struct support_random *r;
    struct site *site;
    size_t folded; /* events */
    int64_t as_of;
    char **shown; /* each agent's figures as they were when last looked at */
    size_t shown_n;
};

static bool is_dirty(const struct site *s, uint32_t agent)
{
    size_t n = 0;
    const uint32_t *dirty = site_dirty(s, &n);
    for (size_t i = 0; i < n; i++)
        if (dirty[i] == agent)
            return true;
    return false;
}

/* Whose figures are other than when last looked at must be dirty. */
static void check_dirty(struct life *l)
{
    size_t n = (size_t)site_agents_n(l->site) + 1;
    l->shown = realloc(l->shown, n * sizeof *l->shown);
    for (; l->shown_n < n; l->shown_n++)
        l->shown[l->shown_n] = NULL;
    for (uint32_t a = 0; a < n; a++) {
        char *now = support_print_agent(l->site, a);
        if (l->shown[a] && strcmp(now, l->shown[a]) != 0 && !is_dirty(l->site, a)) {
            print_error("before: %safter: %s", l->shown[a], now);
            fail_msg("agent %u is not dirty", a);
        }
        free(l->shown[a]);
        l->shown[a] = now;
    }
    site_clean(l->site);
}

static void look(struct life *l)
{
    settle(l->site, 1 + support_below(l->r, 5));
    check_dirty(l);
    char *text = support_print_site(l->site);
    for (int backwards = 0; backwards < 2; backwards++) {
        char *fresh = fold_fresh(l->story, l->folded, site_as_of(l->site), backwards);
        assert_string_equal(text, fresh);
        free(fresh);
    }
    free(text);
}

static void fold_next(struct life *l)
{
    const struct event *e = &l->story->events[l->folded++];
    if (e->ts > l->as_of && support_below(l->r, 10))
        l->as_of = e->ts; /* else the event is ahead of the clock */
    assert_int_equal(site_fold(l->site, e, l->as_of), VERDICT_ACCEPTED);
    if (support_below(l->r, 4) == 0) {
        const struct event *again = &l->story->events[support_below(l->r, (uint32_t)l->folded)];
        assert_int_equal(site_fold(l->site, again, l->as_of), VERDICT_DUPLICATE);
    }
}

static void live(struct life *l, uint32_t looks)
{
    for (; l->folded < l->story->n;) {
        fold_next(l);
        if (support_below(l->r, 4) == 0)
            l->as_of += story_span(l->story, l->r);
        if (support_below(l->r, 3) == 0)
            site_advance(l->site, l->as_of, 1 + support_below(l->r, 3));
        if (support_below(l->r, looks) == 0)
            look(l);
    }
    look(l);
    for (int i = 0; i < 4; i++) {
        l->as_of += (1 + (int64_t)support_below(l->r, 3)) * story_span(l->story, l->r);
        site_advance(l->site, l->as_of, 1);
        look(l);
    }
}

/* $KEFU_STORIES is a file to tell the story to, and the figures: tests/oracle computes them anew. */
static void tell(const struct story *story, const struct site *s, int round)
{
    const char *path = getenv("KEFU_STORIES");
    if (!path)
        return;
    char name[32];
    snprintf(name, sizeof name, "story %d", round);
    char *text = story_print_json(story, name, s);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    free(text);
}

static void live_through(struct story *story, struct support_random *r, int round)
{
    struct life l = {.story = story, .r = r, .site = story_site(story), .as_of = story->from};
    live(&l, 1 + support_below(r, 12));
    tell(story, l.site, round);
    site_free(l.site);
    for (size_t a = 0; a < l.shown_n; a++)
        free(l.shown[a]);
    free(l.shown);
}

static void at_any_moment_the_figures_are_those_of_a_fresh_site(void **state)
{
    (void)state;
    struct support_random r = support_random();
    const char *given = getenv("KEFU_ROUNDS");
    int rounds = given ? (int)strtol(given, NULL, 10) : 300;
    for (int round = 0; round < rounds; round++) {
        struct story story;
        story_init(&story, &r, &zones[support_below(&r, 2)], 5 + support_below(&r, 60));
        story_mix(&story, &r);
        live_through(&story, &r, round);
        story_fini(&story);
    }
}

static struct event message(const char *conversation, const char *id, int64_t at, enum event_how from)
{
    struct event e = {.type = EVENT_MESSAGE, .how = from, .ts = at, .source = STR_LIT("s"), .id = str_of(id)};
    e.subject = str_of(conversation);
    if (from == FROM_AGENT)
        e.strs[EVENT_AGENT] = STR_LIT("A");
    else
        e.strs[EVENT_CUSTOMER] = STR_LIT("0123456789customer");
    return e;
}

static struct event other(enum event_type type, const char *conversation, const char *id, int64_t at)
{
    struct event e = {.type = type, .ts = at, .source = STR_LIT("s"), .id = str_of(id)};
    e.subject = str_of(conversation);
    return e;
}

/* k1 is resolved, its customer comes back in k2 and takes that back again: k1's window is open as before. */
static void a_repeat_taken_back_leaves_a_first_contact_that_passes_by_itself(void **state)
{
    (void)state;
    struct rulebook book = support_rulebook();
    struct story story = {.zone = &zones[0], .rulebooks = {.list = {&book}, .n = 1}};
    struct site *s = story_site(&story);
    struct event events[] = {message("k1", "1", T0, FROM_CUSTOMER),       message("k1", "2", T0 + 1000, FROM_AGENT),
                             other(EVENT_RESOLVED, "k1", "3", T0 + 2000), message("k2", "4", T0 + 3000, FROM_CUSTOMER),
                             other(EVENT_RATING, "k1", "5", T0 + 4000),   other(EVENT_RECALLED, "k2", "6", T0 + 5000)};
    events[2].how = BY_AGENT;
    events[4].score_milli = events[4].scale = 5;
    events[5].strs[EVENT_REF] = STR_LIT("4");
    events[5].strs[EVENT_REF_SOURCE] = STR_LIT("s");
    const struct figures *f = NULL;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        site_fold(s, &events[i], events[i].ts);
        settle(s, 10);
        f = site_figures(s, site_agent_find(s, STR_LIT("A")), PERIOD_DAY, tz_day(zones[0].tz, T0));
        assert_int_equal(f ? f->fcr_fail : 0, i == 3 || i == 4);
    }
    assert_int_equal(f->fcr_pending, 1);
    site_advance(s, T0 + 2000 + book.fcr_window_ms, 1000);
    assert_int_equal(f->fcr_pending, 0);
    assert_int_equal(f->fcr_pass, 1);
    site_free(s);
}

/* The same, and k1 has a deadline of its own that passes at the moment when the repeat is taken back. */
static void a_repeat_taken_back_hides_no_deadline_that_passed_meanwhile(void **state)
{
    (void)state;
    struct rulebook book = support_rulebook();
    struct story story = {.zone = &zones[0], .rulebooks = {.list = {&book}, .n = 1}};
    struct site *s = story_site(&story);
    int64_t later = T0 + 4000 + book.abandon_after_ms;
    struct event events[] = {message("k1", "1", T0, FROM_CUSTOMER),       message("k1", "2", T0 + 1000, FROM_AGENT),
                             other(EVENT_RESOLVED, "k1", "3", T0 + 2000), message("k2", "4", T0 + 3000, FROM_CUSTOMER),
                             other(EVENT_HANDOFF, "k1", "5", T0 + 4000),  other(EVENT_RECALLED, "k2", "6", later)};
    events[2].how = BY_AGENT;
    events[5].strs[EVENT_REF] = STR_LIT("4");
    events[5].strs[EVENT_REF_SOURCE] = STR_LIT("s");
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        site_fold(s, &events[i], events[i].ts);
    settle(s, 10);
    const struct figures *f = site_figures(s, site_agent_find(s, STR_LIT("A")), PERIOD_DAY, tz_day(zones[0].tz, T0));
    assert_int_equal(f->fcr_pending, 1);
    assert_int_equal(f->missed, 1);
    site_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeat_taken_back_leaves_a_first_contact_that_passes_by_itself),
        cmocka_unit_test(a_repeat_taken_back_hides_no_deadline_that_passed_meanwhile),
        cmocka_unit_test(at_any_moment_the_figures_are_those_of_a_fresh_site),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
