/* Closing months on a real store, under a clock that only the test moves: who has a row, when, in which order, how often, and
 * whatever is interrupted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/month_adjust.h"
#include "kefu/daemon/month_propose.h"
#include "kefu/daemon/months.h"
#include "kefu/store/book.h"
#include "support_store.h"
#include "support_vfs.h"
#include "support_world.h"

#define DAY INT64_C(86400000)
#define FEB 673 /* 2026-02, as base/tz.h counts */

struct desk_of_months {
    struct world *w;
    struct months *m;
    int done_n, durable_n;
    char head[DIGEST_SHA256_HEX];
};

static struct err e;

static void open_months(struct desk_of_months *d)
{
    d->m = months_new(&(struct months_options){.pipeline = d->w->p,
                                               .site = d->w->site,
                                               .store = d->w->store,
                                               .rulebooks = &d->w->rulebooks,
                                               .tz = d->w->tz,
                                               .close_days = 0},
                      &e);
    assert_non_null(d->m);
}

static void say(struct batch *b, const char *agent, const char *id, int64_t ts)
{
    char ask[40], chat[40];
    snprintf(ask, sizeof ask, "q%s", id);
    snprintf(chat, sizeof chat, "c%s", id);
    struct str key = arena_copy(&b->arena, str_of(chat));
    struct event *q = world_message(b, ask, ts, FROM_CUSTOMER);
    q->subject = key;
    struct event *a = world_message(b, id, ts + 10000, FROM_AGENT);
    a->subject = key;
    a->strs[EVENT_AGENT] = str_of(agent);
    struct event *r = world_add(b, EVENT_RESOLVED, "", ts + 20000);
    snprintf(ask, sizeof ask, "r%s", id);
    r->id = arena_copy(&b->arena, str_of(ask));
    r->subject = key;
    r->how = BY_AGENT;
    r->strs[EVENT_AGENT] = str_of(agent);
}

static void profile(struct batch *b, const char *agent, const char *id, int64_t ts, const char *team)
{
    struct event *p = world_add(b, EVENT_PROFILE, id, ts);
    p->subject = str_of(agent);
    p->strs[EVENT_TEAM] = str_of(team);
}

/* February: amy answers once and moves from east to west; bob only has a profile; cai left in January; dan is hired in March. */
static void live_february(struct world *w)
{
    struct batch *b = world_batch(w);
    profile(b, "amy", "p1", T0 - 40 * DAY, "east");
    profile(b, "amy", "p2", T0 + DAY, "west");
    profile(b, "bob", "p3", T0, "east");
    profile(b, "cai", "p4", T0 - 50 * DAY, "east");
    profile(b, "dan", "p6", T0 + DAY, "east");
    b->events[3].strs[EVENT_LEFT_ON] = STR_LIT("2026-01-31");
    b->events[4].strs[EVENT_HIRED_ON] = STR_LIT("2026-03-01");
    say(b, "amy", "m1", T0);
    world_submit(w, b);
    w->now_ms = T0 + 2 * DAY;
    world_run(w);
    batch_free(b);
}

static int setup(void **state)
{
    struct desk_of_months *d = xcalloc(1, sizeof *d);
    void *w = NULL;
    world_setup(&w);
    d->w = w;
    open_months(d);
    live_february(d->w);
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct desk_of_months *d = *state;
    void *w = d->w;
    months_free(d->m);
    world_teardown(&w);
    free(d);
    return 0;
}

static void on_done(void *arg, const struct book_entry *entry)
{
    struct desk_of_months *d = arg;
    d->done_n++;
    d->durable_n += entry != NULL;
    if (entry)
        snprintf(d->head, sizeof d->head, "%.*s", STR_ARG(entry->sha256));
}

static struct month_act act_of(struct desk_of_months *d, int32_t month, const char *reason)
{
    return (struct month_act){
        .month = month, .actor = STR_LIT("li"), .reason = str_of(reason), .done = on_done, .arg = d};
}

static enum month_outcome close_month(struct desk_of_months *d, int32_t month)
{
    struct month_act act = act_of(d, month, NULL);
    enum month_outcome out = months_close(d->m, &act, &e);
    world_run(d->w);
    return out;
}

static enum month_outcome reopen_month(struct desk_of_months *d, int32_t month, const char *reason)
{
    struct month_act act = act_of(d, month, reason);
    enum month_outcome out = months_reopen(d->m, &act, &e);
    world_run(d->w);
    return out;
}

static void every_employed_agent_has_a_row_with_the_team_of_the_months_end(void **state)
{
    struct desk_of_months *d = *state;
    struct book_row *rows;
    struct arena arena = {0};
    size_t n;
    d->w->now_ms = T0 + 40 * DAY;
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(d->durable_n, 1);
    assert_int_equal(months_rows_now(d->m, FEB, &arena, &rows, &n, &e), 0);
    assert_int_equal(n, 2); /* cai had left, dan had not come */
    assert_true(str_eq(rows[0].agent, STR_LIT("amy")));
    assert_true(str_eq(rows[0].team, STR_LIT("west")));
    assert_int_equal(rows[0].moves_n, 1);
    assert_int_equal(rows[0].figures.answered, 1);
    assert_int_equal(rows[0].figures.fcr_pass, 1);
    assert_int_equal(rows[0].days, 28);
    assert_int_equal(rows[0].employed_days, 28);
    assert_true(str_eq(rows[1].agent, STR_LIT("bob")));
    assert_false(figures_any(&rows[1].figures));
    assert_int_equal(rows[1].tier.n, 0);
    free(rows);
    arena_fini(&arena);
}

static void exempt_days_are_left_out_and_counted_where_the_rulebook_says_so(void **state)
{
    struct desk_of_months *d = *state;
    struct rulebook *own = rulebook_read(
        STR_LIT("{\"name\": \"own\", \"exempt_days_left_out\": true, \"grace_months\": 2}"), "own", d->w->seed, &e);
    struct month_draft draft;
    struct batch *b = world_batch(d->w);
    static const struct {
        const char *id, *from, *to;
        enum event_how why;
    } days[] = {{"x1", "2026-01-20", "2026-02-04", EXEMPT_LEAVE},
                {"x2", "2026-02-04", "2026-02-04", EXEMPT_NONE},
                {"x3", "2026-02-28", "2026-03-09", EXEMPT_TRAINING}};
    for (size_t i = 0; i < 3; i++) {
        struct event *x = world_add(b, EVENT_EXEMPT, days[i].id, T0 + (int64_t)i + 1);
        x->subject = STR_LIT("amy");
        x->how = days[i].why;
        x->strs[EVENT_HIRED_ON] = str_of(days[i].from);
        x->strs[EVENT_LEFT_ON] = str_of(days[i].to);
        x->strs[EVENT_ACTOR] = STR_LIT("li");
    }
    struct event *h = world_add(b, EVENT_PROFILE, "x4", T0 + 9);
    h->subject = STR_LIT("bob");
    h->strs[EVENT_HIRED_ON] = STR_LIT("2026-01-20");
    world_submit(d->w, b);
    d->w->now_ms = T0 + 40 * DAY;
    world_run(d->w);
    assert_int_equal(months_draft(d->m, FEB, &draft, &e), 0);
    assert_int_equal(draft.rows[0].exempt_days, 4); /* 1, 2, 3 and 28 of February */
    assert_int_equal(draft.rows[0].figures.answered, 1);
    assert_false(draft.rows[1].grace);
    month_draft_free(&draft);
    d->w->rulebooks.list[0] = own;
    assert_int_equal(months_draft(d->m, FEB, &draft, &e), 0);
    assert_int_equal(draft.rows[0].figures.answered, 0); /* on the 2nd amy was on leave */
    assert_int_equal(draft.rows[0].figures.handled, 0);
    assert_true(draft.rows[1].grace);
    month_draft_free(&draft);
    d->w->rulebooks.list[0] = d->w->seed;
    rulebook_free(own);
    batch_free(b);
}

static void a_month_is_closed_once_whoever_asks_how_often(void **state)
{
    struct desk_of_months *d = *state;
    struct month_act act = act_of(d, FEB, NULL);
    char head[DIGEST_SHA256_HEX];
    d->w->now_ms = T0 + 40 * DAY;
    assert_int_equal(months_close(d->m, &act, &e), MONTH_UNDER_WAY);
    assert_int_equal(months_close(d->m, &act, &e), MONTH_REFUSED); /* one act at a time */
    world_run(d->w);
    assert_int_equal(d->done_n, 1);
    snprintf(head, sizeof head, "%s", months_head(d->m));
    assert_string_equal(head, d->head);
    assert_int_equal(close_month(d, FEB), MONTH_ALREADY);
    months_free(d->m);
    world_again(d->w);
    open_months(d);
    assert_int_equal(close_month(d, FEB), MONTH_ALREADY);
    assert_string_equal(months_head(d->m), head);
    assert_int_equal(d->done_n, 1);
}

static void months_are_closed_when_they_have_ended_and_in_their_order(void **state)
{
    struct desk_of_months *d = *state;
    assert_int_equal(close_month(d, FEB), MONTH_REFUSED);
    assert_non_null(strstr(e.what, "has not ended"));
    struct batch *b = world_batch(d->w);
    d->w->now_ms = T0 + 100 * DAY;
    say(b, "bob", "m4", T0 + 40 * DAY);
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(close_month(d, FEB + 2), MONTH_REFUSED);
    assert_non_null(strstr(e.what, "2026-03 is next"));
    assert_int_equal(close_month(d, FEB + 1), MONTH_UNDER_WAY);
    assert_int_equal(d->durable_n, 2);
    assert_int_equal(months_state(d->m, FEB + 1), MONTH_CLOSED);
    assert_int_equal(months_state(d->m, FEB + 2), MONTH_REVIEW);
    assert_int_equal(months_state(d->m, FEB + 3), MONTH_OPEN);
    assert_int_equal(months_state(d->m, FEB + 4), MONTH_AHEAD);
}

static void first_contacts_that_may_still_fail_hold_a_closing_up(void **state)
{
    struct desk_of_months *d = *state;
    struct batch *b = world_batch(d->w);
    int64_t end_ms = tz_at(d->w->tz, civil_month_first(FEB + 1), 0);
    d->w->now_ms = end_ms + 60000;
    say(b, "bob", "m9", end_ms - 30000);
    world_submit(d->w, b);
    world_run(d->w);
    assert_int_equal(months_state(d->m, FEB), MONTH_OPEN);
    assert_int_equal(close_month(d, FEB), MONTH_REFUSED);
    assert_non_null(strstr(e.what, "1 first contacts may still fail"));
    struct month_act act = act_of(d, FEB, NULL);
    act.force = true;
    assert_int_equal(months_close(d->m, &act, &e), MONTH_UNDER_WAY);
    world_run(d->w);
    assert_int_equal(months_closing(d->m, FEB)->pending_n, 1);
    batch_free(b);
}

static void a_month_opened_again_keeps_both_versions(void **state)
{
    struct desk_of_months *d = *state;
    size_t n;
    d->w->now_ms = T0 + 40 * DAY;
    assert_int_equal(reopen_month(d, FEB, "why"), MONTH_REFUSED);
    close_month(d, FEB);
    assert_int_equal(reopen_month(d, FEB, NULL), MONTH_REFUSED);
    assert_non_null(strstr(e.what, "needs a reason"));
    assert_int_equal(reopen_month(d, FEB, "a wrong import"), MONTH_UNDER_WAY);
    assert_null(months_closing(d->m, FEB));
    assert_int_equal(reopen_month(d, FEB, "again"), MONTH_ALREADY);
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(months_closing(d->m, FEB)->version, 2);
    const struct book_entry *list = months_entries(d->m, &n);
    assert_int_equal(n, 3);
    for (size_t i = 1; i < n; i++)
        assert_true(str_eq(list[i].prev, list[i - 1].sha256));
    assert_true(str_eq(list[1].reason, STR_LIT("a wrong import")));
    d->w->now_ms = T0 + 70 * DAY;
    close_month(d, FEB + 1);
    assert_int_equal(reopen_month(d, FEB, "too late"), MONTH_REFUSED);
    assert_non_null(strstr(e.what, "a later month is closed"));
}

static void a_full_disk_closes_nothing_and_says_so(void **state)
{
    struct desk_of_months *d = *state;
    months_free(d->m);
    world_close(d->w);
    struct fault_plan *plan = fault_plan_new((struct fault_plan){.ops = FAULT_WRITE});
    d->w->vfs = FAULT_VFS;
    world_open(d->w);
    open_months(d);
    d->w->now_ms = T0 + 40 * DAY;
    world_run(d->w);
    plan->full = true;
    struct month_act act = act_of(d, FEB, NULL);
    assert_int_equal(months_close(d->m, &act, &e), MONTH_UNDER_WAY);
    while (!d->done_n) {
        struct pollfd fd = {.fd = pipeline_fd(d->w->p), .events = POLLIN};
        poll(&fd, 1, 5);
        pipeline_turn(d->w->p);
    }
    assert_int_equal(d->durable_n, 0);
    assert_null(months_closing(d->m, FEB));
    plan->full = false;
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(d->durable_n, 1);
}

static void tell_damage(void *arg, const struct err *why)
{
    (void)arg;
    print_message("%s: %s\n", why->where, why->what);
}

static int64_t entries_on_disk(const char *dir)
{
    char path[160];
    struct db db = {0};
    struct book_found found;
    snprintf(path, sizeof path, "%s/kefu.db", dir);
    assert_int_equal(book_look(&db, path, &e), 0);
    book_verify(&db, tell_damage, NULL, &found);
    book_close(&db);
    assert_int_equal(found.damages_n, 0);
    assert_int_equal(found.rows_n, 2 * found.entries_n);
    return found.entries_n;
}

/* In a process of its own: from the Nth operation of the closing on, nothing reaches the disk. */
static bool closing_killed_at(struct desk_of_months *d, uint64_t n)
{
    int status = -1;
    struct fault_plan *plan = fault_plan_new((struct fault_plan){.ops = FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE});
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        world_open(d->w);
        open_months(d);
        world_run(d->w);
        plan->fail_at = plan->counted_n + n;
        plan->lasting = true;
        close_month(d, FEB);
        _exit(plan->failed ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

static void a_closing_killed_at_any_operation_is_there_whole_or_not_at_all(void **state)
{
    struct desk_of_months *d = *state;
    bool through = false;
    uint64_t n = 1, before_n = 0, after_n = 0;
    d->w->now_ms = T0 + 40 * DAY;
    months_free(d->m);
    world_close(d->w);
    d->w->vfs = FAULT_VFS;
    for (; !through && n < 200; n++) {
        through = closing_killed_at(d, n);
        int64_t entries = entries_on_disk(d->w->dir);
        assert_in_range(entries, 0, 1);
        before_n += entries == 0;
        after_n += entries == 1;
        if (entries) /* back to the store as it was before */
            test_sql(d->w->dir, "DELETE FROM book; DELETE FROM booked");
    }
    print_message("%llu kills: before it was durable %llu, after %llu\n", (unsigned long long)n - 1,
                  (unsigned long long)before_n, (unsigned long long)after_n);
    assert_true(through && before_n > 1 && after_n >= 1);
    d->w->vfs = NULL;
    world_open(d->w);
    open_months(d);
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(entries_on_disk(d->w->dir), 1);
}

static void the_calendar_closes_when_due_and_once_whatever_the_clock_does(void **state)
{
    struct desk_of_months *d = *state;
    size_t n;
    int64_t due_ms = tz_at(d->w->tz, civil_month_first(FEB + 1), 0) + 3 * DAY;
    static const int64_t jumps_h[] = {-2, 2, -2, 2, 0, -2, 2};
    months_free(d->m);
    d->m = months_new(&(struct months_options){d->w->p, d->w->site, d->w->store, &d->w->rulebooks, d->w->tz, 3}, &e);
    d->w->now_ms = due_ms - 1;
    world_run_for(d->w, 0);
    months_turn(d->m);
    world_run(d->w);
    assert_null(months_closing(d->m, FEB));
    for (size_t i = 0; i < sizeof jumps_h / sizeof *jumps_h; i++) {
        d->w->now_ms = due_ms + 10000 + jumps_h[i] * 3600000;
        months_turn(d->m);
        world_run(d->w);
    }
    (void)months_entries(d->m, &n);
    assert_int_equal(n, 1);
    assert_true(str_eq(months_closing(d->m, FEB)->actor, STR_LIT("calendar")));
    reopen_month(d, FEB, "a person wants to look");
    d->w->now_ms += 5 * DAY;
    months_turn(d->m);
    world_run(d->w);
    assert_null(months_closing(d->m, FEB)); /* who opened it closes it */
}

/* An answer of amy's in February, told in March, and a refusal of ours to change what is closed. */
static void tell_late(struct desk_of_months *d, const char *id)
{
    struct batch *b = world_batch(d->w);
    say(b, "amy", id, T0 + 5000);
    world_submit(d->w, b);
    world_run(d->w);
    months_turn(d->m);
    world_run(d->w);
    batch_free(b);
}

static enum month_outcome decide(struct desk_of_months *d, const char *agent, bool accept)
{
    struct month_act act = act_of(d, FEB, "seen");
    act.agent = str_of(agent);
    act.accept = accept;
    enum month_outcome out = months_adjust(d->m, &act, &e);
    world_run(d->w);
    d->w->now_ms += 1000;
    return out;
}

static size_t differences_n(struct desk_of_months *d)
{
    struct month_differences all;
    assert_int_equal(month_differences(d->m, FEB, &all, &e), 0);
    size_t n = all.n;
    month_differences_free(&all);
    return n;
}

static void what_comes_late_is_an_adjustment_with_its_evidence(void **state)
{
    struct desk_of_months *d = *state;
    struct month_differences all;
    d->w->now_ms = T0 + 40 * DAY;
    close_month(d, FEB);
    assert_int_equal(differences_n(d), 0);
    d->w->now_ms += 1000;
    tell_late(d, "m5");
    assert_int_equal(month_differences(d->m, FEB, &all, &e), 0);
    assert_int_equal(all.n, 1);
    assert_int_equal(all.list[0].paid.figures.answered, 1);
    assert_int_equal(all.list[0].now.figures.answered, 2);
    assert_int_equal(all.list[0].evidence.all_n, 1);
    assert_true(str_eq(all.list[0].evidence.words[0], STR_LIT("\"conversation\",\"cm5\"")));
    month_differences_free(&all);
    months_free(d->m); /* the evidence outlives a restart */
    world_again(d->w);
    open_months(d);
    assert_int_equal(month_differences(d->m, FEB, &all, &e), 0);
    assert_int_equal(all.list[0].evidence.all_n, 1);
    month_differences_free(&all);
}

static void an_adjustment_is_decided_once_and_the_closed_row_stays(void **state)
{
    struct desk_of_months *d = *state;
    struct arena arena = {0};
    struct book_row *rows;
    size_t n;
    d->w->now_ms = T0 + 40 * DAY;
    close_month(d, FEB);
    int64_t closing = months_closing(d->m, FEB)->number;
    d->w->now_ms += 1000;
    tell_late(d, "m5");
    assert_int_equal(decide(d, "bob", true), MONTH_REFUSED);
    assert_int_equal(decide(d, "amy", true), MONTH_UNDER_WAY);
    assert_int_equal(decide(d, "amy", true), MONTH_REFUSED);
    assert_int_equal(differences_n(d), 0);
    assert_int_equal(months_entry_rows(d->m, closing, &arena, &rows, &n, &e), 0);
    assert_int_equal(rows[0].figures.answered, 1);
    free(rows);
    assert_int_equal(months_rows_now(d->m, FEB, &arena, &rows, &n, &e), 0);
    assert_int_equal(rows[0].figures.answered, 2);
    free(rows);
    tell_late(d, "m6");
    assert_int_equal(decide(d, "amy", false), MONTH_UNDER_WAY);
    assert_int_equal(differences_n(d), 0); /* rejected: not asked again … */
    assert_int_equal(months_rows_now(d->m, FEB, &arena, &rows, &n, &e), 0);
    assert_int_equal(rows[0].figures.answered, 2);
    free(rows);
    tell_late(d, "m7");
    assert_int_equal(differences_n(d), 1); /* … until more comes */
    assert_int_equal(reopen_month(d, FEB, "no"), MONTH_REFUSED);
    assert_non_null(strstr(e.what, "adjustments of it were accepted"));
    arena_fini(&arena);
}

static void a_month_without_changes_leaves_no_evidence(void **state)
{
    struct desk_of_months *d = *state;
    d->w->now_ms = T0 + 40 * DAY;
    close_month(d, FEB);
    struct batch *b = world_batch(d->w); /* a late event that changes no figure of February's */
    struct event *q = world_add(b, EVENT_REOPENED, "o1", T0 + 41 * DAY);
    q->subject = STR_LIT("cm1");
    d->w->now_ms = T0 + 41 * DAY;
    world_submit(d->w, b);
    world_run(d->w);
    assert_int_equal(differences_n(d), 0);
    batch_free(b);
}

/* amy answers ten customers, each too late: her month is unqualified. */
static void live_badly(struct desk_of_months *d, int month, const char *prefix)
{
    struct batch *b = world_batch(d->w);
    int64_t at_ms = tz_at(d->w->tz, civil_month_first(month), 600);
    for (int i = 0; i < 10; i++) {
        char id[40];
        snprintf(id, sizeof id, "%s%d", prefix, i);
        say(b, "amy", arena_copy(&b->arena, str_of(id)).p, at_ms + i * MINUTE);
    }
    for (size_t i = 0; i < b->events_n; i++) /* slow to answer, slow to resolve */
        if (b->events[i].how == FROM_AGENT || b->events[i].how == BY_AGENT)
            b->events[i].ts += (b->events[i].how == FROM_AGENT ? 5 : 30) * MINUTE;
    d->w->now_ms = tz_at(d->w->tz, civil_month_first(month + 1), 0) + 5 * DAY;
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
}

static enum month_outcome propose(struct desk_of_months *d, int32_t month, const char *what, bool accept)
{
    struct month_act act = act_of(d, month, "seen");
    act.agent = STR_LIT("amy");
    act.proposal = str_of(what);
    act.accept = accept;
    enum month_outcome out = months_propose(d->m, &act, &e);
    world_run(d->w);
    return out;
}

static void what_hurts_a_person_waits_for_the_days_of_appeal_and_a_name(void **state)
{
    struct desk_of_months *d = *state;
    struct buf out = {0};
    live_badly(d, FEB, "f");
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(propose(d, FEB, "transfer_suggested", true), MONTH_REFUSED); /* one month is not two */
    assert_int_equal(propose(d, FEB, "training_required", true), MONTH_REFUSED);
    assert_non_null(strstr(e.what, "days of appeal"));
    d->w->now_ms += 3 * DAY;
    assert_int_equal(propose(d, FEB, "training_required", true), MONTH_UNDER_WAY);
    assert_int_equal(propose(d, FEB, "training_required", false), MONTH_REFUSED); /* decided once */
    live_badly(d, FEB + 1, "z");
    assert_int_equal(close_month(d, FEB + 1), MONTH_UNDER_WAY);
    assert_int_equal(propose(d, FEB + 1, "transfer_suggested", false), MONTH_UNDER_WAY); /* dropping it need not wait */
    assert_int_equal(month_print_proposals(&out, d->m, FEB + 1, &e), 0);
    buf_put_byte(&out, 0);
    assert_non_null(strstr(out.p, "\"proposal\":\"transfer_suggested\",\"months\":2"));
    assert_non_null(strstr(out.p, "\"state\":\"rejected\",\"decided_by\":\"li\""));
    buf_fini(&out);
}

static void damage_is_told_by_month_and_agent(void **state)
{
    struct desk_of_months *d = *state;
    struct db db = {0};
    struct book_found found;
    char path[160];
    d->w->now_ms = T0 + 40 * DAY;
    close_month(d, FEB);
    months_free(d->m);
    d->m = NULL;
    world_close(d->w);
    test_sql(d->w->dir, "UPDATE booked SET identity = replace(identity, 'bob', 'cai') WHERE number = 2");
    snprintf(path, sizeof path, "%s/kefu.db", d->w->dir);
    assert_int_equal(book_look(&db, path, &e), 0);
    book_verify(&db, tell_damage, NULL, &found);
    assert_true(found.damages_n > 0);
    book_close(&db);
    world_open(d->w);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(every_employed_agent_has_a_row_with_the_team_of_the_months_end),
        T(exempt_days_are_left_out_and_counted_where_the_rulebook_says_so),
        T(a_month_is_closed_once_whoever_asks_how_often),
        T(months_are_closed_when_they_have_ended_and_in_their_order),
        T(first_contacts_that_may_still_fail_hold_a_closing_up),
        T(a_month_opened_again_keeps_both_versions),
        T(a_full_disk_closes_nothing_and_says_so),
        T(a_closing_killed_at_any_operation_is_there_whole_or_not_at_all),
        T(the_calendar_closes_when_due_and_once_whatever_the_clock_does),
        T(what_comes_late_is_an_adjustment_with_its_evidence),
        T(an_adjustment_is_decided_once_and_the_closed_row_stays),
        T(a_month_without_changes_leaves_no_evidence),
        T(what_hurts_a_person_waits_for_the_days_of_appeal_and_a_name),
        T(damage_is_told_by_month_and_agent),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
