/* Closing months on a real store, under a clock that only the test moves: who has a row, when, in which order, how often, and
 * whatever is interrupted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/months.h"
#include "kefu/store/audit.h"
#include "kefu/store/book.h"
#include "support_months.h"
#include "support_store.h"
#include "support_vfs.h"

static void every_employed_agent_has_a_row_with_the_team_of_the_months_end(void **state)
{
    struct desk_of_months *d = *state;
    struct month_rows all;
    d->w->now_ms = T0 + 40 * DAY;
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(d->durable_n, 1);
    assert_int_equal(months_rows_now(d->m, FEB, &all, &d->e), 0);
    const struct book_row *rows = all.list;
    assert_int_equal(all.n, 2); /* cai had left, dan had not come */
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
    month_rows_fini(&all);
}

/* Which days they are stands in the row, and is read back. */
static void assert_spans(const struct book_row *row)
{
    struct buf text = {0};
    struct arena arena = {0};
    struct book_row back;
    struct err e;
    int32_t first = civil_month_first(FEB);
    book_print_row(&text, row);
    struct book_text stored = {.number = 1, .text = buf_str(&text)};
    assert_int_equal(book_read_row(&stored, &arena, &back, &e), 0);
    assert_int_equal(back.exempt_n, 2);
    assert_int_equal(back.exempt[0].from, first);
    assert_int_equal(back.exempt[0].to, first + 2);
    assert_int_equal(back.exempt[1].from, first + 27);
    assert_int_equal(back.exempt[1].to, first + 27);
    arena_fini(&arena);
    buf_fini(&text);
}

static void exempt_days_are_left_out_and_counted_where_the_rulebook_says_so(void **state)
{
    struct desk_of_months *d = *state;
    struct rulebook *own = rulebook_read(
        STR_LIT("{\"name\": \"own\", \"exempt_days_left_out\": true, \"grace_months\": 2}"), "own", d->w->seed, &d->e);
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
    assert_int_equal(months_draft(d->m, FEB, &draft, &d->e), 0);
    assert_int_equal(draft.rows[0].exempt_days, 4); /* 1, 2, 3 and 28 of February */
    assert_spans(&draft.rows[0]);
    assert_int_equal(draft.rows[0].figures.answered, 1);
    assert_false(draft.rows[1].grace);
    month_draft_free(&draft);
    d->w->rulebooks.list[0] = own;
    assert_int_equal(months_draft(d->m, FEB, &draft, &d->e), 0);
    assert_int_equal(draft.rows[0].figures.answered, 0); /* on the 2nd amy was on leave */
    assert_int_equal(draft.rows[0].figures.handled, 0);
    assert_true(draft.rows[1].grace);
    month_draft_free(&draft);
    d->w->rulebooks.list[0] = d->w->seed;
    rulebook_free(own);
    batch_free(b);
}

static void who_left_and_is_hired_again_was_employed_before_and_is_since(void **state)
{
    struct desk_of_months *d = *state;
    static const int64_t days[] = {10, 22, 30}; /* to 10 February, from 10 March on */
    struct month_draft draft;
    struct batch *b = world_batch(d->w);
    struct event *left = world_add(b, EVENT_PROFILE, "x1", T0 + 8 * DAY);
    left->subject = STR_LIT("bob");
    left->strs[EVENT_LEFT_ON] = STR_LIT("2026-02-10");
    struct event *hired = world_add(b, EVENT_PROFILE, "x2", T0 + 36 * DAY);
    hired->subject = STR_LIT("bob");
    hired->strs[EVENT_HIRED_ON] = STR_LIT("2026-03-10");
    d->w->now_ms = T0 + 60 * DAY;
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
    for (int32_t i = 0; i < 3; i++) {
        assert_int_equal(months_draft(d->m, FEB + i, &draft, &d->e), 0);
        const struct book_row *bob = months_find(draft.rows, draft.rows_n, STR_LIT("bob"));
        assert_non_null(bob);
        assert_int_equal(bob->employed_days, days[i]);
        month_draft_free(&draft);
    }
    assert_int_equal(months_draft(d->m, FEB - 1, &draft, &d->e), 0);
    assert_null(months_find(draft.rows, draft.rows_n, STR_LIT("bob"))); /* nobody had heard of him */
    month_draft_free(&draft);
}

static void a_month_is_closed_once_whoever_asks_how_often(void **state)
{
    struct desk_of_months *d = *state;
    struct month_act act = act_of(d, FEB, NULL);
    char head[DIGEST_SHA256_HEX];
    d->w->now_ms = T0 + 40 * DAY;
    assert_int_equal(months_close(d->m, &act, &d->e), MONTH_UNDER_WAY);
    assert_int_equal(months_close(d->m, &act, &d->e), MONTH_REFUSED); /* one act at a time */
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
    assert_non_null(strstr(d->e.what, "has not ended"));
    struct batch *b = world_batch(d->w);
    d->w->now_ms = T0 + 100 * DAY;
    say(b, "bob", "m4", T0 + 40 * DAY);
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(close_month(d, FEB + 2), MONTH_REFUSED);
    assert_non_null(strstr(d->e.what, "2026-03 is next"));
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
    assert_non_null(strstr(d->e.what, "1 first contacts may still fail"));
    struct month_act act = act_of(d, FEB, NULL);
    act.force = true;
    assert_int_equal(months_close(d->m, &act, &d->e), MONTH_UNDER_WAY);
    world_run(d->w);
    assert_int_equal(months_closing(d->m, FEB)->pending_n, 1);
    batch_free(b);
}

static void an_open_month_is_not_closed_though_nothing_is_pending(void **state)
{
    struct desk_of_months *d = *state;
    char until[24];
    int64_t end_ms = tz_at(d->w->tz, civil_month_first(FEB + 1), 0);
    d->w->now_ms = end_ms + 60000;
    assert_int_equal(close_month(d, FEB), MONTH_REFUSED);
    assert_string_equal(d->e.code, "month_windows");
    snprintf(until, sizeof until, "%" PRId64, end_ms + DAY);
    assert_string_equal(d->e.value, until);
    d->w->now_ms = end_ms + DAY;
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
}

static void a_month_opened_again_keeps_both_versions(void **state)
{
    struct desk_of_months *d = *state;
    size_t n;
    d->w->now_ms = T0 + 40 * DAY;
    assert_int_equal(reopen_month(d, FEB, "why"), MONTH_REFUSED);
    close_month(d, FEB);
    assert_int_equal(reopen_month(d, FEB, NULL), MONTH_REFUSED);
    assert_non_null(strstr(d->e.what, "needs a reason"));
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
    assert_non_null(strstr(d->e.what, "a later month is closed"));
}

static void a_month_that_was_opened_again_is_closed_before_later_ones(void **state)
{
    struct desk_of_months *d = *state;
    months_free(d->m);
    d->close_days = 3;
    open_months(d);
    d->w->now_ms = T0 + 28 * DAY;
    close_month(d, FEB); /* the first that was ever closed */
    assert_int_equal(reopen_month(d, FEB, "a wrong import"), MONTH_UNDER_WAY);
    d->w->now_ms = T0 + 70 * DAY;
    assert_int_equal(close_month(d, FEB + 1), MONTH_REFUSED);
    assert_non_null(strstr(d->e.what, "2026-02 is next"));
    months_turn(d->m); /* the calendar neither */
    world_run(d->w);
    assert_null(months_closing(d->m, FEB + 1));
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(close_month(d, FEB + 1), MONTH_UNDER_WAY);
}

static void a_figure_that_the_book_cannot_hold_is_refused_before_it_is_written(void **state)
{
    struct desk_of_months *d = *state;
    struct batch *b = world_batch(d->w);
    struct month_rows all;
    for (int i = 0; i < 2; i++) {
        struct event *o = world_add(b, EVENT_ORDER, i ? "o1" : "o2", T0);
        o->subject = i ? STR_LIT("first") : STR_LIT("second");
        o->how = ORDER_PAID;
        o->flags = EVENT_CROSS;
        o->amount_fen = INT64_C(9007199254740991); /* the largest that the door lets in */
        o->strs[EVENT_AGENT] = STR_LIT("bob");
    }
    d->w->now_ms = T0 + 40 * DAY;
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
    assert_int_equal(close_month(d, FEB), MONTH_REFUSED);
    assert_non_null(strstr(d->e.what, "\"bob\" has a figure"));
    b = world_batch(d->w);
    struct event *o = world_add(b, EVENT_ORDER, "o3", T0 + 1);
    o->subject = STR_LIT("first");
    o->how = ORDER_REFUNDED;
    o->flags = EVENT_CROSS;
    o->strs[EVENT_AGENT] = STR_LIT("bob");
    world_submit(d->w, b);
    world_run(d->w);
    batch_free(b);
    assert_int_equal(close_month(d, FEB), MONTH_UNDER_WAY);
    assert_int_equal(months_rows_now(d->m, FEB, &all, &d->e), 0);
    assert_int_equal(all.list[1].figures.cross_fen, INT64_C(9007199254740991));
    month_rows_fini(&all);
}

static void find_line(void *arg, const struct audit_row *row)
{
    *(int *)arg += str_eq(row->line, STR_LIT("{\"did\":\"month.close\"}"));
}

static int lines_of(struct desk_of_months *d)
{
    int n = 0;
    assert_int_equal(audit_each(months_db(d->m), find_line, &n, &d->e), 0);
    return n;
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
    act.audit = STR_LIT("{\"did\":\"month.close\"}");
    assert_int_equal(months_close(d->m, &act, &d->e), MONTH_UNDER_WAY);
    while (!d->done_n) {
        struct pollfd fd = {.fd = pipeline_fd(d->w->p), .events = POLLIN};
        poll(&fd, 1, 5);
        pipeline_turn(d->w->p);
    }
    assert_int_equal(d->durable_n, 0);
    assert_null(months_closing(d->m, FEB));
    assert_int_equal(lines_of(d), 0); /* an act and its line in the audit log are one transaction */
    plan->full = false;
    assert_int_equal(months_close(d->m, &act, &d->e), MONTH_UNDER_WAY);
    world_run(d->w);
    assert_int_equal(d->durable_n, 1);
    assert_int_equal(lines_of(d), 1);
}

static struct err e;

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
    assert_int_equal(book_look(&db, path, &d->e), 0);
    book_verify(&db, tell_damage, NULL, &found);
    assert_true(found.damages_n > 0);
    book_close(&db);
    world_open(d->w);
}

/* Whoever can write the database can reckon its checksums too. */
static void write_row(struct desk_of_months *d, const char *identity)
{
    struct db db = {0};
    char path[160];
    struct month_rows all;
    snprintf(path, sizeof path, "%s/kefu.db", d->w->dir);
    assert_int_equal(months_entry_rows(d->m, 1, &all, &d->e), 0);
    struct buf text = {0};
    book_print_row(&text, &all.list[1]);
    char sha256[DIGEST_SHA256_HEX];
    digest_sha256_hex(sha256, buf_str(&text));
    assert_int_equal(db_open(&db, path, NULL, &d->e), 0);
    assert_int_equal(db_prepare(&db, true, &d->e), 0);
    struct db_row row = row_of(&db, SQL_BOOKED_ADD);
    row_int(&row, 1);
    row_int(&row, 2);
    row_text(&row, (struct str){0});
    row_text(&row, str_of(identity));
    row_text(&row, str_of(sha256));
    row_text(&row, buf_str(&text));
    assert_int_equal(row_save(&row), SQLITE_OK);
    db_close(&db);
    buf_fini(&text);
    month_rows_fini(&all);
}

static int64_t damages(struct desk_of_months *d, int64_t *forgotten_n)
{
    struct book_found found;
    book_verify(months_db(d->m), tell_damage, NULL, &found);
    *forgotten_n = found.forgotten_n;
    return found.damages_n;
}

static void a_row_without_its_salt_is_a_forgotten_one_only_without_a_name(void **state)
{
    struct desk_of_months *d = *state;
    int64_t forgotten_n;
    d->w->now_ms = T0 + 40 * DAY;
    close_month(d, FEB);
    write_row(d, NULL);
    assert_int_equal(damages(d, &forgotten_n), 0);
    assert_int_equal(forgotten_n, 1);
    write_row(d, "{\"agent\":\"cai\",\"name\":\"\",\"employee_no\":\"7\",\"hired_on\":\"\",\"left_on\":\"\"}");
    assert_int_equal(damages(d, &forgotten_n), 1);
    assert_int_equal(forgotten_n, 0);
}

/* Rows of an entry that is no longer there. */
static void an_entry_taken_off_the_end_leaves_its_rows(void **state)
{
    struct desk_of_months *d = *state;
    int64_t forgotten_n;
    d->w->now_ms = T0 + 40 * DAY;
    close_month(d, FEB);
    assert_int_equal(damages(d, &forgotten_n), 0);
    months_free(d->m);
    d->m = NULL;
    world_close(d->w);
    test_sql(d->w->dir, "DELETE FROM book");
    world_open(d->w);
    open_months(d);
    assert_int_equal(damages(d, &forgotten_n), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, months_setup, months_teardown)
    const struct CMUnitTest tests[] = {
        T(every_employed_agent_has_a_row_with_the_team_of_the_months_end),
        T(exempt_days_are_left_out_and_counted_where_the_rulebook_says_so),
        T(who_left_and_is_hired_again_was_employed_before_and_is_since),
        T(a_month_is_closed_once_whoever_asks_how_often),
        T(months_are_closed_when_they_have_ended_and_in_their_order),
        T(first_contacts_that_may_still_fail_hold_a_closing_up),
        T(an_open_month_is_not_closed_though_nothing_is_pending),
        T(a_month_opened_again_keeps_both_versions),
        T(a_month_that_was_opened_again_is_closed_before_later_ones),
        T(a_figure_that_the_book_cannot_hold_is_refused_before_it_is_written),
        T(a_full_disk_closes_nothing_and_says_so),
        T(a_closing_killed_at_any_operation_is_there_whole_or_not_at_all),
        T(damage_is_told_by_month_and_agent),
        T(a_row_without_its_salt_is_a_forgotten_one_only_without_a_name),
        T(an_entry_taken_off_the_end_leaves_its_rows),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
