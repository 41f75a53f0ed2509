/* The report: which rows, in which order, which fields, and null where there is no data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/collectors/decode.h"
#include "kefu/daemon/report.h"
#include "kefu/rules/seed.h"

#define MONDAY_MS INT64_C(1772409600000) /* 2026-03-02 08:00 in Shanghai */

static struct rulebook *books_owned[2];
static struct rulebooks books;
static struct tz *tz;
static const uint8_t key[DIGEST_KEY_BYTES];

/* The report of events (an array) at as_of; the caller frees it. */
static struct buf report_of(const char *events, enum period_kind by, int64_t as_of, bool one_line)
{
    struct site_options o = {.tz = tz, .rulebooks = &books, .seed = 1};
    struct decode_context c = {
        .now_ms = INT64_MAX, .rulebook = books.list[0], .customer_key = key, .default_source = STR_LIT("default")};
    struct site *s = site_new(&o);
    struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
    decode_body(b, str_of(events), &c);
    assert_int_equal(b->refusals_n, 0);
    for (size_t i = 0; i < b->events_n; i++)
        assert_int_equal(site_fold(s, &b->events[i], as_of), VERDICT_ACCEPTED);
    while (as_of != INT64_MIN && site_advance(s, as_of, 100) <= as_of)
        ;
    struct buf out = {0};
    struct report_request r = {s, &books, tz, by, as_of, one_line};
    report_print(&out, &r);
    buf_put_byte(&out, 0);
    batch_free(b);
    site_free(s);
    return out;
}

static void before_any_event_there_is_no_as_of_and_no_row(void **state)
{
    (void)state;
    struct buf out = report_of("[]", PERIOD_MONTH, INT64_MIN, false);
    assert_string_equal(out.p, "{\"rulebook\":\"seed\",\"as_of\":null,\"rows\":[\n]}\n");
    buf_fini(&out);
}

static const char one_answer[] =
    "[{\"id\":\"1\",\"ts\":1772409600000,\"type\":\"message\",\"conversation\":\"k\",\"from\":\"customer\"},"
    "{\"id\":\"2\",\"ts\":1772409610000,\"type\":\"message\",\"conversation\":\"k\",\"from\":\"agent\",\"agent\":\"A\\\"a\"}]";

static void a_row_has_all_fields_and_null_where_there_is_no_data(void **state)
{
    (void)state;
    struct buf out = report_of(one_answer, PERIOD_MONTH, MONDAY_MS + 20000, false);
    const char *expected =
        "{\"rulebook\":\"seed\",\"as_of\":1772409620000,\"rows\":[\n"
        "{\"agent\":\"A\\\"a\",\"period\":\"2026-03\",\"answered\":1,\"within\":1,\"missed\":0,\"response_sum\":10000,"
        "\"first_n\":1,\"first_sum\":10000,\"first_within\":1,\"handled\":0,\"resolved\":0,\"resolved_within\":0,"
        "\"fcr_pass\":0,\"fcr_fail\":0,\"fcr_pending\":0,\"resolve_sum\":0,\"rating_n\":0,\"rating_sum\":0,"
        "\"rating_good\":0,\"cross\":0,\"cross_fen\":0,"
        "\"kpis\":[{\"name\":\"response\",\"num\":1,\"den\":1,\"score_milli\":100000},"
        "{\"name\":\"resolution\",\"num\":0,\"den\":0,\"score_milli\":null},"
        "{\"name\":\"satisfaction\",\"num\":0,\"den\":0,\"score_milli\":null},"
        "{\"name\":\"cross_sell\",\"num\":0,\"den\":0,\"score_milli\":null}],"
        "\"score_milli\":100000,\"tier\":null,\"response_p50\":";
    assert_int_equal(strncmp(out.p, expected, strlen(expected)), 0);
    buf_fini(&out);
}

static void one_line_says_the_same_without_a_line_feed(void **state)
{
    (void)state;
    struct buf lines = report_of(one_answer, PERIOD_MONTH, MONDAY_MS + 20000, false);
    struct buf line = report_of(one_answer, PERIOD_MONTH, MONDAY_MS + 20000, true);
    assert_null(strchr(line.p, '\n'));
    struct buf joined = {0};
    for (const char *p = lines.p; *p; p++) {
        if (*p != '\n')
            buf_put_byte(&joined, (uint8_t)*p);
    }
    buf_put_byte(&joined, 0);
    assert_string_equal(joined.p, line.p);
    buf_fini(&joined);
    buf_fini(&lines);
    buf_fini(&line);
}

/* Checks that the texts occur in this order. */
static void in_order(const char *text, const char *const *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *found = strstr(text, parts[i]);
        if (!found)
            fail_msg("no %s (in this order) in %s", parts[i], text);
        text = found + 1;
    }
}

static const char many[] =
    "[{\"id\":\"1\",\"ts\":1772409600000,\"type\":\"message\",\"conversation\":\"q\",\"from\":\"customer\"},"
    "{\"id\":\"2\",\"ts\":1772409600000,\"type\":\"message\",\"conversation\":\"k\",\"from\":\"customer\"},"
    "{\"id\":\"3\",\"ts\":1772409610000,\"type\":\"message\",\"conversation\":\"k\",\"from\":\"agent\",\"agent\":\"客\"},"
    "{\"id\":\"4\",\"ts\":1772413200000,\"type\":\"message\",\"conversation\":\"l\",\"from\":\"customer\"},"
    "{\"id\":\"5\",\"ts\":1772413210000,\"type\":\"message\",\"conversation\":\"l\",\"from\":\"agent\",\"agent\":\"b\"},"
    "{\"id\":\"6\",\"ts\":1772582400000,\"type\":\"message\",\"conversation\":\"k\",\"from\":\"customer\"},"
    "{\"id\":\"7\",\"ts\":1772582410000,\"type\":\"message\",\"conversation\":\"k\",\"from\":\"agent\",\"agent\":\"客\"},"
    "{\"id\":\"8\",\"ts\":1772582410000,\"type\":\"agent.profile\",\"agent\":\"idle\",\"name\":\"x\"}]";

static void rows_are_by_agent_nobody_first_then_by_period(void **state)
{
    (void)state;
    struct buf out = report_of(many, PERIOD_DAY, MONDAY_MS + 3 * INT64_C(86400000), true);
    const char *const parts[] = {
        "\"agent\":null,\"period\":\"2026-03-02\"", "\"agent\":\"b\",\"period\":\"2026-03-02\"",
        "\"agent\":\"客\",\"period\":\"2026-03-02\"", "\"agent\":\"客\",\"period\":\"2026-03-04\""};
    in_order(out.p, parts, 4);
    assert_null(strstr(out.p, "\"idle\"")); /* named, but without any figure */
    buf_fini(&out);
}

static void days_and_nobody_have_pairs_and_no_scores(void **state)
{
    (void)state;
    struct buf days = report_of(many, PERIOD_DAY, MONDAY_MS + 3 * INT64_C(86400000), true);
    assert_non_null(strstr(days.p, "\"num\":1,\"den\":1,\"score_milli\":null"));
    assert_null(strstr(days.p, "\"score_milli\":100000"));
    struct buf months = report_of(many, PERIOD_MONTH, MONDAY_MS + 3 * INT64_C(86400000), true);
    const char *const parts[] = {"\"agent\":null", "\"num\":0,\"den\":1,\"score_milli\":null", "\"agent\":\"b\"",
                                 "\"num\":1,\"den\":1,\"score_milli\":100000"};
    in_order(months.p, parts, 4);
    buf_fini(&days);
    buf_fini(&months);
}

static void each_month_has_the_kpis_of_its_rulebook_and_the_head_the_one_in_force(void **state)
{
    (void)state;
    struct err e;
    books_owned[1] =
        rulebook_read(STR_LIT("{\"name\":\"spring\",\"effective_from\":\"2026-04\",\"kpis\":[{\"name\":\"quick\","
                              "\"metric\":\"reply_within_rate\",\"weight\":1,\"score\":{\"zero_at\":0,"
                              "\"full_at\":1}}]}"),
                      "spring", books_owned[0], &e);
    if (!books_owned[1])
        fail_msg("%s: %s", e.where, e.what);
    books.list[books.n++] = books_owned[1];
    const char *events =
        "[{\"id\":\"1\",\"ts\":1772409600000,\"type\":\"message\",\"conversation\":\"k\",\"from\":\"customer\"},"
        "{\"id\":\"2\",\"ts\":1772409610000,\"type\":\"message\",\"conversation\":\"k\",\"from\":\"agent\",\"agent\":\"b\"},"
        "{\"id\":\"3\",\"ts\":1775088000000,\"type\":\"message\",\"conversation\":\"k\",\"from\":\"customer\"},"
        "{\"id\":\"4\",\"ts\":1775088010000,\"type\":\"message\",\"conversation\":\"k\",\"from\":\"agent\",\"agent\":\"b\"}]";
    struct buf out = report_of(events, PERIOD_MONTH, INT64_C(1775088020000), true);
    const char *const parts[] = {"\"rulebook\":\"spring\"", "\"period\":\"2026-03\"", "\"name\":\"response\"",
                                 "\"period\":\"2026-04\"", "\"name\":\"quick\""};
    in_order(out.p, parts, 5);
    buf_fini(&out);
    books.n--;
}

static int start(void **state)
{
    (void)state;
    struct err e;
    books_owned[0] = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &e);
    books = (struct rulebooks){.list = {books_owned[0]}, .n = 1};
    tz = tz_load(STR_LIT("Asia/Shanghai"), &e);
    return books_owned[0] && tz ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    rulebook_free(books_owned[1]);
    rulebook_free(books_owned[0]);
    tz_free(tz);
    return 0;
}

int main(void)
{
    digest_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_any_event_there_is_no_as_of_and_no_row),
        cmocka_unit_test(a_row_has_all_fields_and_null_where_there_is_no_data),
        cmocka_unit_test(one_line_says_the_same_without_a_line_feed),
        cmocka_unit_test(rows_are_by_agent_nobody_first_then_by_period),
        cmocka_unit_test(days_and_nobody_have_pairs_and_no_scores),
        cmocka_unit_test(each_month_has_the_kpis_of_its_rulebook_and_the_head_the_one_in_force),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
