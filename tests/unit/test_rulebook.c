/* Rulebooks: what is read, what is refused, and that each refusal says where and what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kefu/base/tz.h"
#include "kefu/model/rulebook.h"
#include "kefu/rules/seed.h"

static struct rulebook *seed(void)
{
    struct err e = {0};
    struct rulebook *r = rulebook_read((struct str){seed_json, seed_json_n}, "seed.json", NULL, &e);
    if (!r)
        fail_msg("%s: %s", e.where, e.what);
    return r;
}

static struct rulebook *read_over(const struct rulebook *base, const char *text)
{
    struct err e = {0};
    struct rulebook *r = rulebook_read(str_of(text), "rules.json", base, &e);
    if (!r)
        fail_msg("%s: %s", e.where, e.what);
    return r;
}

static void seed_is_complete_and_as_promised(void **state)
{
    (void)state;
    struct rulebook *r = seed();
    assert_int_equal(r->response_target_ms, 30000);
    assert_int_equal(r->resolution_limit_ms, 600000);
    assert_int_equal(r->fcr_window_ms, 86400000);
    assert_int_equal(r->kpis_n, 4);
    assert_int_equal(r->kpis[2].min_samples, 5);
    assert_int_equal(r->kpis[2].points[1].value_micro, 4500000);
    assert_int_equal(r->tiers_n, 4);
    assert_int_equal(r->tiers[0].bonus_fen, 200000);
    assert_int_equal(r->hysteresis_milli, 500);
    assert_int_equal(r->closing_phrases_n, 26);
    assert_int_equal(r->closing_particles_n, 7);
    assert_true(r->always_open);
    assert_int_equal(r->effective_month, INT32_MIN);
    rulebook_free(r);
}

/* Stores out there have been judged by it: other figures need another name. */
static void seed_stays_what_it_is(void **state)
{
    (void)state;
    struct rulebook *r = seed();
    assert_string_equal(r->sha256, "30ff6f4600cbcf14554a8345c2ad466bafc4038db46a22ae37597e4afa0b2356");
    rulebook_free(r);
}

/* What pay hangs on, and nothing else: not the layout, not whom alerts wake; but also what is left to the base. */
static void a_hash_tells_what_pay_hangs_on(void **state)
{
    (void)state;
    struct rulebook *base = seed();
    struct rulebook *other_base = read_over(base, "{\"name\": \"seed\", \"fcr_window_ms\": 1}");
    struct rulebook *a = read_over(base, "{\"name\": \"a\", \"dwell_ms\": 5}");
    struct rulebook *laid_out = read_over(base, "{ // a note\n \"name\": \"a\",\n \"dwell_ms\": 5, \"alerts\": []}");
    struct rulebook *changed = read_over(base, "{\"name\": \"a\", \"dwell_ms\": 6}");
    struct rulebook *elsewhere = read_over(other_base, "{\"name\": \"a\", \"dwell_ms\": 5}");
    assert_string_equal(a->sha256, laid_out->sha256);
    assert_string_not_equal(a->sha256, changed->sha256);
    assert_string_not_equal(a->sha256, elsewhere->sha256);
    rulebook_free(elsewhere);
    rulebook_free(changed);
    rulebook_free(laid_out);
    rulebook_free(a);
    rulebook_free(other_base);
    rulebook_free(base);
}

static struct rulebook *over_seed(struct rulebook *base, const char *text, struct err *e)
{
    return rulebook_read(str_of(text), "a.json", base, e);
}

static void a_field_replaces_the_same_field_of_the_base_whole(void **state)
{
    (void)state;
    struct rulebook *base = seed();
    struct rulebook *r = over_seed(base,
                                   "{\"name\": \"n\", \"closing_phrases\": [\"x\"], \"effective_from\": \"2026-12\","
                                   " \"service_hours\": {\"tue\": [[\"22:00\", \"06:00\"]]},"
                                   " \"special_days\": {\"2026-10-02\": [], \"2026-10-01\": [[\"00:00\", \"24:00\"]]}}",
                                   NULL);
    assert_non_null(r);
    assert_int_equal(r->closing_phrases_n, 1);
    assert_int_equal(r->closing_particles_n, 7);
    assert_int_equal(r->effective_month, (2026 - 1970) * 12 + 11);
    assert_false(r->always_open);
    assert_int_equal(r->week[0].n, 0);
    assert_int_equal(r->week[1].spans[0].end_min, 30 * 60);
    assert_int_equal(r->special[0].day, civil_day(2026, 10, 1));
    assert_int_equal(r->special[0].hours.spans[0].end_min, 1440);
    rulebook_free(r);
    rulebook_free(base);
}

struct refusal {
    const char *text, *where, *what; /* what: a part of it */
};

static void check_refused(struct rulebook *base, const struct refusal *want)
{
    struct err e = {0};
    struct rulebook *r = over_seed(base, want->text, &e);
    if (r)
        fail_msg("accepted: %s", want->text);
    assert_string_equal(e.where, want->where);
    if (!strstr(e.what, want->what))
        fail_msg("%s: said \"%s\", expected \"%s\"", want->text, e.what, want->what);
}

#define KPI(fields) "{\"kpis\": [\n{" fields "}]}"
#define SCORE       "\"score\": {\"zero_at\": 0, \"full_at\": 1}"

static void what_is_not_right_is_refused_with_place_and_mend(void **state)
{
    (void)state;
    static const struct refusal all[] = {
        {"{\"nmae\": 1}", "a.json:1 nmae", "was name meant?"},
        {"{\"response_target\": 1}", "a.json:1 response_target", "was response_target_ms meant?"},
        {"{\n\"name\": 1}", "a.json:2 name", "found a number, expected a text"},
        {"{\"response_target_ms\": -1}", "a.json:1 response_target_ms", "found -1, expected a whole number"},
        {"{\"response_target_ms\": 1.5}", "a.json:1 response_target_ms", "found 1.5, expected a whole number"},
        {"{\"effective_from\": \"2026-13\"}", "a.json:1 effective_from", "found \"2026-13\", expected a month"},
        {"{\"timeout_counts_as\": \"x\"}", "a.json:1 timeout_counts_as", "resolved_at_last_reply"},
        {"{\"service_hours\": {\"mo\": []}}", "a.json:1 service_hours.mo", "known are mon, tue"},
        {"{\"service_hours\": {\"mon\": [[\"9:00\", \"18:00\"]]}}", "a.json:1 service_hours.mon[0]", "times of day"},
        {"{\"service_hours\": {\"mon\": [[\"09:60\", \"18:00\"]]}}", "a.json:1 service_hours.mon[0]", "times of day"},
        {"{\"special_days\": {\"2026-02-29\": []}}", "a.json:1 special_days.2026-02-29", "expected a date"},
        {"{\"closing_phrases\": [\"a\", \"\"]}", "a.json:1 closing_phrases[1]", "1 to 128 bytes"},
        {"{\"hysteresis\": 101}", "a.json:1 hysteresis", "from 0 to 100"},
        {"{\"kpis\": []}", "a.json:1 kpis", "1 to 32 KPIs"},
        {KPI("\"name\": \"a\", \"metric\": \"speed\", \"weight\": 1, " SCORE), "a.json:2 kpis[0].metric",
         "expected one of"},
        {KPI("\"name\": \"a\", \"metric\": \"fcr_rate\", \"weight\": -1, " SCORE), "a.json:2 kpis[0].weight",
         "found -1"},
        {KPI("\"name\": \"a\", \"metric\": \"fcr_rate\", \"weight\": 0, " SCORE), "a.json:1 kpis", "weights sum to 0"},
        {KPI("\"name\": \"a\", \"metric\": \"fcr_rate\", \"weight\": 1, \"min_samples\": 0, " SCORE),
         "a.json:2 kpis[0].min_samples", "found 0"},
        {KPI("\"name\": \"a\", \"metric\": \"fcr_rate\", \"weight\": 1"), "a.json:2 kpis[0].score", "found nothing"},
        {KPI("\"name\": \"a\", \"metric\": \"fcr_rate\", \"weight\": 1, \"score\": {\"zero_at\": 1, \"full_at\": 1}"),
         "a.json:2 kpis[0].score.full_at", "set them apart"},
        {KPI("\"name\": \"a\", \"metric\": \"fcr_rate\", \"weight\": 1, \"score\": {\"points\": [[1, 0], [1, 5]]}"),
         "a.json:2 kpis[0].score.points[1]", "order the points"},
        {KPI("\"name\": \"a\", \"metric\": \"fcr_rate\", \"weight\": 1, \"score\": {\"points\": [[1, 101]]}"),
         "a.json:2 kpis[0].score.points[0]", "from 0 to 100"},
        {"{\"tiers\": [{\"name\": \"a\", \"min\": 10}]}", "a.json:1 tiers[0].min", "must begin at 0"},
        {"{\"tiers\": [{\"name\": \"a\", \"min\": 5}, {\"name\": \"b\", \"min\": 10}]}", "a.json:1 tiers[0].min",
         "must begin at 0"},
        {"{\"tiers\": [{\"name\": \"a\", \"min\": 9}, {\"name\": \"b\", \"min\": 5}, {\"name\": \"c\", \"min\": 7}]}",
         "a.json:1 tiers[2]", "out of order"},
        {"{\"tiers\": [{\"name\": \"a\", \"min\": 0}, {\"name\": \"b\", \"min\": 9}, {\"name\": \"c\", \"min\": 9}]}",
         "a.json:1 tiers[2]", "out of order"},
        {"{\"tiers\": [{\"name\": \"a\", \"min\": 10}, {\"name\": \"a\", \"min\": 0}]}", "a.json:1 tiers[1]",
         "second tier"},
        {"{\"tiers\": [{\"name\": \"a\", \"min\": 0, \"bonus_fen\": -5}]}", "a.json:1 tiers[0].bonus_fen", "found -5"},
        {"[]", "a.json:1", "expected an object"},
    };
    struct rulebook *base = seed();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_refused(base, &all[i]);
    rulebook_free(base);
}

static void tiers_may_be_listed_from_0_up(void **state)
{
    (void)state;
    struct err e;
    struct rulebook *base = seed();
    struct rulebook *r =
        rulebook_read(STR_LIT("{\"tiers\": [{\"name\": \"low\", \"min\": 0}, {\"name\": \"mid\", \"min\": "
                              "60.5}, {\"name\": \"top\", \"min\": 90}]}"),
                      "a.json", base, &e);
    assert_non_null(r);
    assert_int_equal(r->tiers_n, 3);
    assert_string_equal(r->tiers[0].name.p, "top");
    assert_string_equal(r->tiers[1].name.p, "mid");
    assert_int_equal(r->tiers[2].min_micro, 0);
    rulebook_free(r);
    rulebook_free(base);
}

static void a_rulebook_outlives_its_base(void **state)
{
    (void)state;
    struct rulebook *base = seed();
    struct rulebook *r = over_seed(base, "{\"name\": \"n\", \"effective_from\": \"2026-12\"}", NULL);
    rulebook_free(base);
    struct rulebook *fresh = seed();
    assert_non_null(r);
    assert_string_equal(r->timezone.p, "Asia/Shanghai");
    assert_int_equal(r->kpis_n, fresh->kpis_n);
    for (size_t i = 0; i < fresh->kpis_n; i++) {
        assert_string_equal(r->kpis[i].name.p, fresh->kpis[i].name.p);
        assert_string_equal(r->kpis[i].label.zh.p, fresh->kpis[i].label.zh.p);
        assert_string_equal(r->kpis[i].label.en.p, fresh->kpis[i].label.en.p);
        assert_memory_equal(r->kpis[i].points, fresh->kpis[i].points, 2 * sizeof(struct curve_point));
    }
    assert_int_equal(r->tiers_n, fresh->tiers_n);
    assert_string_equal(r->tiers[3].label.zh.p, "不合格");
    assert_string_equal(r->tiers[0].perks[0].p, "promotion_eligible");
    assert_string_equal(r->tiers[3].actions[0].p, "training_required");
    for (size_t i = 0; i < fresh->closing_phrases_n; i++)
        assert_string_equal(r->closing_phrases[i].p, fresh->closing_phrases[i].p);
    for (size_t i = 0; i < fresh->closing_particles_n; i++)
        assert_string_equal(r->closing_particles[i].p, fresh->closing_particles[i].p);
    rulebook_free(fresh);
    rulebook_free(r);
}

static void a_note_of_ones_own_begins_with_x(void **state)
{
    (void)state;
    struct rulebook *base = seed();
    struct rulebook *r = over_seed(base, "{\"x_why\": {\"a\": 1}, \"name\": \"n\"} // done", NULL);
    assert_non_null(r);
    rulebook_free(r);
    rulebook_free(base);
}

static void without_a_base_every_field_must_be_there(void **state)
{
    (void)state;
    struct err e = {0};
    assert_null(rulebook_read(STR_LIT("{\"name\": \"n\"}"), "a.json", NULL, &e));
    assert_string_equal(e.where, "a.json:1 response_target_ms");
    assert_string_equal(e.what, "the field is missing");
}

static void each_day_has_the_rulebook_of_its_month(void **state)
{
    (void)state;
    struct rulebook *base = seed();
    struct rulebook *r = over_seed(base, "{\"name\": \"n\", \"effective_from\": \"2026-12\"}", NULL);
    struct rulebooks all = {.list = {base, r}, .n = 2};
    assert_ptr_equal(rulebooks_for_day(&all, civil_day(2026, 11, 30)), base);
    assert_ptr_equal(rulebooks_for_day(&all, civil_day(2026, 12, 1)), r);
    assert_ptr_equal(rulebooks_for_day(&all, civil_day(2027, 5, 1)), r);
    rulebook_free(r);
    rulebook_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seed_is_complete_and_as_promised),
        cmocka_unit_test(seed_stays_what_it_is),
        cmocka_unit_test(a_hash_tells_what_pay_hangs_on),
        cmocka_unit_test(a_field_replaces_the_same_field_of_the_base_whole),
        cmocka_unit_test(what_is_not_right_is_refused_with_place_and_mend),
        cmocka_unit_test(tiers_may_be_listed_from_0_up),
        cmocka_unit_test(a_rulebook_outlives_its_base),
        cmocka_unit_test(a_note_of_ones_own_begins_with_x),
        cmocka_unit_test(without_a_base_every_field_must_be_there),
        cmocka_unit_test(each_day_has_the_rulebook_of_its_month),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
