/* What journal.h, pack.h and attempt.h promise: both versions of a payload, what an opened row may be, gaps, and starts that
 * end at one sequence. Rows are written through the store's own statements, so that their checksums hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/store/journal.h"
#include "kefu/store/shelf.h"
#include "support_random.h"
#include "support_store.h"

static struct err e;

struct fixture {
    char *dir;
    struct db db;
    struct journal j;
};

static int set_up(void **state)
{
    static struct fixture f;
    char path[600];
    digest_start();
    f = (struct fixture){.dir = test_dir_new()};
    snprintf(path, sizeof path, "%s/kefu.db", f.dir);
    if (db_open(&f.db, path, NULL, &e) || db_configure(&f.db, &e) || schema_migrate(&f.db, &e) ||
        db_prepare(&f.db, true, &e) || journal_open(&f.j, &f.db, &e))
        fail_msg("%s: %s", e.where, e.what);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    journal_fini(&f->j);
    db_close(&f->db);
    test_dir_free(f->dir);
    return 0;
}

/* The script's events seq … seq + n - 1 as one row. */
static void add_row(struct fixture *f, uint64_t seq, size_t n)
{
    struct script_event *rooms = calloc(n, sizeof *rooms);
    const struct event **pointers = calloc(n, sizeof *pointers);
    for (size_t i = 0; i < n; i++) {
        script_event(&rooms[i], seq + i);
        pointers[i] = &rooms[i].event;
    }
    struct commit c = {.events = pointers, .events_n = n, .at_ms = 7}, *list = &c;
    assert_int_equal(journal_add(&f->j, &list, 1, seq), SQLITE_OK);
    free(pointers);
    free(rooms);
}

/* A row with any payload and a checksum that fits. */
static void add_payload(struct fixture *f, uint64_t seq, uint64_t n, struct str payload)
{
    struct db_row row = row_of(&f->db, SQL_JOURNAL_ADD);
    row_uint(&row, seq);
    row_uint(&row, n);
    row_int(&row, 7);
    row_blob(&row, payload);
    assert_int_equal(row_save(&row), SQLITE_OK);
}

static struct str payload_at(struct fixture *f, uint64_t seq, struct buf *room)
{
    sqlite3_stmt *stmt = f->db.statements[SQL_JOURNAL_ROW];
    sqlite3_bind_int64(stmt, 1, (int64_t)seq);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    room->n = 0;
    buf_put_str(room, column_str(stmt, 3));
    sqlite3_reset(stmt);
    return buf_str(room);
}

struct seen {
    uint64_t n, sum;
};

static void see(void *arg, uint64_t seq, const struct event *ev)
{
    struct seen *seen = arg;
    struct script_event want;
    script_event(&want, seq);
    assert_true(event_same(ev, &want.event));
    seen->n++;
    seen->sum += seq;
}

/* Replays from … to; returns 0 and the count, or -1. */
static int replay(struct fixture *f, uint64_t from, uint64_t to, uint64_t *n)
{
    struct seen seen = {0};
    struct store_replay r = {.each = see, .arg = &seen};
    int bad = journal_replay(&f->j, from, to, &r, &e);
    *n = seen.n;
    return bad;
}

static void large_rows_get_small_and_small_ones_no_larger(void **state)
{
    struct fixture *f = *state;
    struct buf room = {0}, records = {0};
    uint64_t seq = 1, n = 0;
    for (size_t size = 1; size < 5000; size = size * 3 / 2 + 1) {
        records.n = 0;
        for (size_t i = 0; i < size; i++) {
            struct script_event ev;
            script_event(&ev, seq + i);
            event_encode(&records, &ev.event);
        }
        add_row(f, seq, size);
        struct str stored = payload_at(f, seq, &room);
        assert_true(stored.n <= records.n + 1);
        if (size >= 1000)
            assert_true(stored.n * 3 < records.n);
        seq += size;
    }
    assert_int_equal(replay(f, 1, seq - 1, &n), 0);
    assert_int_equal(n, seq - 1);
    buf_fini(&room);
    buf_fini(&records);
}

static void rows_of_version_1_stay_readable(void **state)
{
    struct fixture *f = *state;
    struct buf payload = {0};
    uint64_t n;
    buf_put_byte(&payload, 1);
    for (uint64_t seq = 1; seq <= 500; seq++) {
        struct script_event ev;
        script_event(&ev, seq);
        event_encode(&payload, &ev.event);
    }
    add_payload(f, 1, 500, buf_str(&payload));
    add_row(f, 501, 500);
    assert_int_equal(replay(f, 1, 1000, &n), 0);
    assert_int_equal(n, 1000);
    buf_fini(&payload);
}

static void a_version_of_the_future_is_no_damage(void **state)
{
    struct fixture *f = *state;
    uint64_t n;
    add_payload(f, 1, 1, (struct str){"\3x", 2});
    assert_int_equal(replay(f, 1, 1, &n), -1);
    assert_non_null(strstr(e.what, "newer kefud"));
    assert_int_equal(f->j.damaged_seq, 0);
}

/* A row that claims `bytes`, with the squeezed rest of a good one. */
static void add_claim(struct fixture *f, struct str good, uint64_t n, uint64_t bytes)
{
    struct buf payload = {0};
    struct cursor c = cursor_of(good);
    (void)cursor_byte(&c);
    (void)cursor_uvar(&c);
    buf_put_byte(&payload, 2);
    buf_put_uvar(&payload, bytes);
    buf_put(&payload, c.p, (size_t)(c.end - c.p));
    assert_int_equal(db_exec(&f->db, "DELETE FROM journal"), SQLITE_OK);
    add_payload(f, 1, n, buf_str(&payload));
    buf_fini(&payload);
}

static void a_row_that_would_open_to_more_than_its_events_is_refused_unopened(void **state)
{
    struct fixture *f = *state;
    struct buf room = {0};
    uint64_t n;
    add_row(f, 1, 100);
    struct str good = payload_at(f, 1, &room);
    struct cursor c = cursor_of(good);
    assert_int_equal(cursor_byte(&c), 2);
    uint64_t right = cursor_uvar(&c);
    uint64_t claims[] = {right - 1, right + 1, 0, (UINT64_C(1) << 30) + 1, UINT64_C(1) << 40, UINT64_MAX, 101 * 16387};
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        add_claim(f, good, 100, claims[i]);
        assert_int_equal(replay(f, 1, 100, &n), -1);
        assert_int_equal(n, 0);
        assert_int_equal(f->j.damaged_seq, 1);
        assert_true(f->j.records.cap <= 2 << 20);
    }
    add_claim(f, good, 99, right);
    assert_int_equal(replay(f, 1, 99, &n), -1);
    add_claim(f, good, 101, right);
    assert_int_equal(replay(f, 1, 101, &n), -1);
    add_claim(f, good, 100, right);
    assert_int_equal(replay(f, 1, 100, &n), 0);
    buf_fini(&room);
}

static void ignore(void *arg, uint64_t seq, const struct event *ev)
{
    (void)ev;
    *(uint64_t *)arg += seq;
}

/* Bytes changed under a checksum that fits: refused or read, but never a crash and never memory without bound. */
static void no_bytes_in_a_row_do_harm(void **state)
{
    struct fixture *f = *state;
    struct buf room = {0}, changed = {0};
    uint64_t seed = random_start(), rounds = test_rounds(2000, 200000), refused_n = 0, sink = 0;
    add_row(f, 1, 60);
    payload_at(f, 1, &room);
    assert_int_equal(db_exec(&f->db, "BEGIN"), SQLITE_OK);
    for (uint64_t i = 0; i < rounds; i++) {
        changed.n = 0;
        buf_put_str(&changed, buf_str(&room));
        for (uint64_t k = random_next(&seed) % 4 + 1; k; k--)
            changed.p[random_next(&seed) % changed.n] = (char)random_next(&seed);
        changed.n -= random_next(&seed) % 8 ? 0 : (size_t)(random_next(&seed) % (changed.n - 1));
        assert_int_equal(db_exec(&f->db, "DELETE FROM journal"), SQLITE_OK);
        add_payload(f, 1, 60, buf_str(&changed));
        struct store_replay r = {.each = ignore, .arg = &sink};
        refused_n += journal_replay(&f->j, 1, 60, &r, &e) ? 1 : 0;
        assert_true(f->j.records.cap <= 4 << 20);
    }
    assert_true(refused_n > rounds / 2);
    assert_int_equal(db_exec(&f->db, "ROLLBACK"), SQLITE_OK);
    buf_fini(&room);
    buf_fini(&changed);
}

/* ---- set aside ---- */

static void set_aside(struct fixture *f, uint64_t seq, uint64_t want_seq, uint64_t want_n)
{
    struct journal_gap gap;
    if (journal_set_aside(&f->j, seq, 99, &gap, &e))
        fail_msg("%s: %s", e.where, e.what);
    assert_int_equal(gap.seq, want_seq);
    assert_int_equal(gap.n, want_n);
    journal_fini(&f->j);
    assert_int_equal(journal_open(&f->j, &f->db, &e), 0);
}

static void a_row_set_aside_leaves_a_gap_and_its_bytes(void **state)
{
    struct fixture *f = *state;
    struct buf before = {0};
    uint64_t n, first, last;
    int64_t same;
    char sql[400];
    for (uint64_t seq = 1; seq <= 91; seq += 10)
        add_row(f, seq, 10);
    payload_at(f, 31, &before);
    set_aside(f, 35, 31, 10); /* any sequence in it names a row */
    assert_int_equal(replay(f, 1, 100, &n), 0);
    assert_int_equal(n, 90);
    for (uint64_t from = 25; from <= 45; from++) {
        assert_int_equal(replay(f, from, 100, &n), 0);
        assert_int_equal(n, 100 - from + 1 - (from <= 31 ? 10 : from <= 40 ? 40 - from + 1 : 0));
    }
    assert_int_equal(replay(f, 33, 38, &n), 0);
    assert_int_equal(n, 0);
    snprintf(sql, sizeof sql, "SELECT length(payload) = %zu AND at_ms = 99 FROM aside WHERE seq = 31", before.n);
    assert_int_equal(db_ask_int(&f->db, sql, &same, &e), 0);
    assert_int_equal(same, 1);
    assert_int_equal(journal_set_aside(&f->j, 40, 99, &(struct journal_gap){0}, &e), -1);
    assert_non_null(strstr(e.what, "already"));
    assert_int_equal(journal_set_aside(&f->j, 101, 99, &(struct journal_gap){0}, &e), -1);
    set_aside(f, 91, 91, 10); /* the last row: its numbers are not given again */
    assert_int_equal(journal_ends(&f->j, &first, &last, &e), 0);
    assert_int_equal(last, 100);
    add_row(f, 101, 10);
    set_aside(f, 1, 1, 10);
    assert_int_equal(replay(f, 1, 110, &n), 0);
    assert_int_equal(n, 80);
    buf_fini(&before);
}

static void a_missing_row_becomes_a_gap(void **state)
{
    struct fixture *f = *state;
    uint64_t n;
    for (uint64_t seq = 1; seq <= 91; seq += 10)
        add_row(f, seq, 10);
    assert_int_equal(db_exec(&f->db, "DELETE FROM journal WHERE seq IN (41, 51)"), SQLITE_OK);
    assert_int_equal(replay(f, 1, 100, &n), -1);
    assert_int_equal(f->j.damaged_seq, 41);
    set_aside(f, 41, 41, 20);
    assert_int_equal(replay(f, 1, 100, &n), 0);
    assert_int_equal(n, 80);
    assert_int_equal(db_exec(&f->db, "DELETE FROM journal WHERE seq = 1"), SQLITE_OK); /* the first */
    set_aside(f, 1, 1, 10);
    assert_int_equal(replay(f, 1, 100, &n), 0);
    assert_int_equal(n, 70);
}

/* Rows that a checkpoint has passed are given up, gaps with them. */
static void a_journal_may_begin_behind_its_gaps(void **state)
{
    struct fixture *f = *state;
    uint64_t n, first, last;
    for (uint64_t seq = 1; seq <= 91; seq += 10)
        add_row(f, seq, 10);
    set_aside(f, 21, 21, 10);
    assert_int_equal(db_exec(&f->db, "DELETE FROM journal WHERE seq < 51"), SQLITE_OK);
    assert_int_equal(journal_ends(&f->j, &first, &last, &e), 0);
    assert_int_equal(first, 51);
    assert_int_equal(last, 100);
    assert_int_equal(replay(f, first, last, &n), 0);
    assert_int_equal(n, 50);
    assert_int_equal(replay(f, 50, last, &n), -1); /* never a quiet hole */
}

/* A leaf of the journal's tree in the middle, made unreadable behind the back of SQLite. */
static void spoil_a_page(struct fixture *f)
{
    char path[600], *said = NULL, rubbish[64];
    memset(rubbish, 0xee, sizeof rubbish);
    assert_int_equal(db_ask_text(&f->db,
                                 "SELECT pageno FROM dbstat WHERE name = 'journal' AND pagetype = 'leaf'"
                                 " ORDER BY path LIMIT 1 OFFSET 4",
                                 &said, &e),
                     0);
    long page = strtol(said, NULL, 10);
    free(said);
    snprintf(path, sizeof path, "%s/kefu.db", f->dir);
    journal_fini(&f->j);
    db_close(&f->db); /* and with it the log is in the file */
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (page - 1) * 4096, SEEK_SET), 0);
    assert_int_equal(fwrite(rubbish, 1, sizeof rubbish, file), sizeof rubbish);
    assert_int_equal(fclose(file), 0);
    if (db_open(&f->db, path, NULL, &e) || db_configure(&f->db, &e) || db_prepare(&f->db, true, &e) ||
        journal_open(&f->j, &f->db, &e))
        fail_msg("%s: %s", e.where, e.what);
}

static int64_t number_of(struct fixture *f, const char *sql)
{
    char *said = NULL;
    assert_int_equal(db_ask_text(&f->db, sql, &said, &e), 0);
    int64_t n = strtoll(said, NULL, 10);
    free(said);
    return n;
}

/* What a checkpoint holds may go; rows that cannot be read stay, those on both sides of them go, and what is
 * written afterwards does not notice. */
static void what_is_given_up_goes_over_a_page_that_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    for (uint64_t seq = 1; seq < 20000; seq += 10)
        add_row(f, seq, 10);
    spoil_a_page(f);
    struct shelf_work w = {.step = SHELF_TRIM, .seq = 20000, .before_ms = INT64_MAX, .more = true};
    size_t damaged_n = 0;
    for (int steps = 0; w.more; steps++) {
        assert_true(steps < 1000);
        assert_int_equal(shelf_trim(&f->db, &w), SQLITE_OK);
        assert_int_equal(db_exec(&f->db, "BEGIN IMMEDIATE; UPDATE meta SET value = value; COMMIT"), SQLITE_OK);
        damaged_n += w.damaged;
    }
    assert_in_range(damaged_n, 1, 10);
    uint64_t after;
    assert_int_equal(journal_after(&f->j, w.from_seq - 1, 20000, &after, &e), 0);
    assert_in_range(w.from_seq, 100, 19000); /* behind the page, and not at the end */
    assert_true(after > 19000);              /* the very last row stays always */
    assert_int_equal(number_of(f, "SELECT count(*) FROM journal WHERE seq > 19000"), 1);
}

/* ---- starts that end at one sequence ---- */

static int begin(struct fixture *f, uint64_t dies_at)
{
    struct attempt a;
    int bad = attempt_begin(&a, f->dir, &e);
    if (!bad && dies_at)
        attempt_at(&a, dies_at);
    if (bad || dies_at)
        attempt_end(&a); /* as the end of the process does */
    else
        attempt_over(&a, true);
    return bad;
}

static void three_starts_that_end_at_one_sequence_are_enough(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(begin(f, 17), 0);
    assert_int_equal(begin(f, 17), 0);
    assert_int_equal(begin(f, 18), 0); /* another place: counts anew */
    assert_int_equal(begin(f, 17), 0);
    assert_int_equal(begin(f, 17), 0);
    assert_int_equal(begin(f, 0), 0); /* came through: counts anew */
    for (int i = 0; i < ATTEMPTS_MAX; i++) {
        assert_false(attempt_blames(f->dir, 17));
        assert_int_equal(begin(f, 17), 0);
    }
    assert_true(attempt_blames(f->dir, 17));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(begin(f, 17), -1);
        assert_non_null(strstr(e.what, "kefuctl journal set-aside 17"));
        assert_true(attempt_blames(f->dir, 17));
        assert_false(attempt_blames(f->dir, 18));
    }
    assert_int_equal(attempt_forget(f->dir, &e), 0);
    assert_int_equal(begin(f, 17), 0);
}

static void a_start_that_fails_with_a_message_is_not_counted(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++) {
        struct attempt a;
        assert_int_equal(attempt_begin(&a, f->dir, &e), 0);
        attempt_at(&a, 17);
        attempt_over(&a, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(large_rows_get_small_and_small_ones_no_larger),
        TEST(rows_of_version_1_stay_readable),
        TEST(a_version_of_the_future_is_no_damage),
        TEST(a_row_that_would_open_to_more_than_its_events_is_refused_unopened),
        TEST(no_bytes_in_a_row_do_harm),
        TEST(a_row_set_aside_leaves_a_gap_and_its_bytes),
        TEST(a_missing_row_becomes_a_gap),
        TEST(a_journal_may_begin_behind_its_gaps),
        TEST(what_is_given_up_goes_over_a_page_that_cannot_be_read),
        TEST(three_starts_that_end_at_one_sequence_are_enough),
        TEST(a_start_that_fails_with_a_message_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
