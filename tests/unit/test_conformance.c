/* The vectors: every event order, any number of duplicates, any pace of time gives the rows that stand in them.
 *
 * Reads tests/conformance and, where it exists, ../shared/conformance. Each vector goes through the door, the fold and the
 * report in the given order, reversed, and in 20 random orders with duplicates, half of these as a daemon would see them:
 * with a clock that moves on meanwhile. KEFU_SEED repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/collectors/decode.h"
#include "kefu/daemon/report.h"
#include "kefu/rules/seed.h"
#include "support_random.h"

#define FILE_MAX      ((size_t)8 << 20)
#define RANDOM_ORDERS 20

static const uint8_t key[DIGEST_KEY_BYTES];
static struct rulebook *seed_book;
static uint64_t chance;

struct vector {
    const char *path;
    char *text;
    struct json_member members[16];
    size_t members_n;
    struct rulebook *book;
    struct rulebooks books;
    struct tz *tz;
    struct batch *batch;
    int64_t as_of;
    enum period_kind by;
    cJSON *rows;
};

static struct str member(const struct vector *v, const char *name)
{
    for (size_t i = 0; i < v->members_n; i++) {
        if (str_eq(v->members[i].key, str_of(name)))
            return v->members[i].value;
    }
    return (struct str){NULL, 0};
}

static void must(const struct vector *v, bool held, const struct err *e)
{
    if (!held)
        fail_msg("%s: %s: %s", v->path, e->where, e->what);
}

static int64_t latest(const struct batch *b)
{
    int64_t at = INT64_MIN;
    for (size_t i = 0; i < b->events_n; i++)
        at = b->events[i].ts > at ? b->events[i].ts : at;
    return at;
}

static void vector_read(struct vector *v, const char *path)
{
    struct err e = {0};
    size_t n;
    *v = (struct vector){.path = path};
    must(v, json_read_file(path, FILE_MAX, &v->text, &n, &e) == 0, &e);
    must(v, json_members((struct str){v->text, n}, v->members, 16, &v->members_n, &e) == 0, &e);
    v->book = rulebook_read(member(v, "rulebook"), path, seed_book, &e);
    must(v, v->book != NULL, &e);
    v->books = (struct rulebooks){.list = {v->book}, .n = 1};
    v->tz = tz_load(v->book->timezone, &e);
    must(v, v->tz != NULL, &e);
    struct decode_context c = {
        .now_ms = INT64_MAX, .rulebook = v->book, .customer_key = key, .default_source = STR_LIT("default")};
    v->batch = batch_new(STR_LIT("test"), NULL, NULL);
    decode_body(v->batch, member(v, "events"), &c);
    if (v->batch->refusals_n > 0)
        fail_msg("%s: event %zu: %.*s", path, v->batch->refusals[0].index, STR_ARG(v->batch->refusals[0].reason));
    v->as_of = latest(v->batch);
    if (member(v, "as_of").n > 0)
        must(v, fix_parse_whole(member(v, "as_of"), &v->as_of) == 0, &e);
    v->by = str_eq(member(v, "by"), STR_LIT("\"day\"")) ? PERIOD_DAY : PERIOD_MONTH;
    v->rows = json_parse(member(v, "rows"), &e);
    must(v, v->rows != NULL, &e);
}

static void vector_free(struct vector *v)
{
    cJSON_Delete(v->rows);
    batch_free(v->batch);
    tz_free(v->tz);
    rulebook_free(v->book);
    free(v->text);
}

static bool within_one_percent(const cJSON *expected, const cJSON *got)
{
    if (cJSON_IsNull(expected) || cJSON_IsNull(got))
        return cJSON_IsNull(expected) && cJSON_IsNull(got);
    double off = expected->valuedouble - got->valuedouble;
    return (off < 0 ? -off : off) * 100 <= expected->valuedouble;
}

static bool same_row(const cJSON *expected, const cJSON *got)
{
    const cJSON *field;
    if (cJSON_GetArraySize(expected) != cJSON_GetArraySize(got))
        return false;
    cJSON_ArrayForEach(field, expected)
    {
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(got, field->string);
        bool same = strncmp(field->string, "response_p", 10) == 0 ? other && within_one_percent(field, other)
                                                                  : cJSON_Compare(field, other, true);
        if (!same)
            return false;
    }
    return true;
}

/* The rows as the engine has them must be those of the vector, in the same order. */
static void check_rows(const struct vector *v, const struct site *s, const char *how)
{
    struct err e = {0};
    struct buf out = {0};
    struct report_request r = {s, &v->books, v->tz, v->by, v->as_of, true};
    report_print(&out, &r);
    cJSON *report = json_parse(buf_str(&out), &e);
    must(v, report != NULL, &e);
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(report, "rows");
    const cJSON *got = rows->child, *expected = v->rows->child;
    for (; expected && got; expected = expected->next, got = got->next) {
        if (!same_row(expected, got))
            fail_msg("%s, %s:\nexpected %s\nfound    %s", v->path, how, cJSON_PrintUnformatted(expected),
                     cJSON_PrintUnformatted(got));
    }
    if (expected || got)
        fail_msg("%s, %s: expected %d rows, found %d", v->path, how, cJSON_GetArraySize(v->rows),
                 cJSON_GetArraySize(rows));
    cJSON_Delete(report);
    buf_fini(&out);
}

/* Folds the events in an order; live: at a clock that starts early and arrives at as_of after the last. */
static void run_order(const struct vector *v, const uint32_t *order, size_t n, bool live)
{
    struct site_options o = {.tz = v->tz, .rulebooks = &v->books, .seed = random_next(&chance)};
    struct site *s = site_new(&o);
    int64_t start = v->batch->events_n ? v->batch->events[0].ts : v->as_of;
    int64_t span = v->as_of > start ? v->as_of - start : 0;
    for (size_t i = 0; i < n; i++) {
        int64_t now = live ? start + span / (int64_t)n * (int64_t)i : v->as_of;
        enum verdict verdict = site_fold(s, &v->batch->events[order[i]], now);
        assert_int_not_equal(verdict, VERDICT_REJECTED);
        if (live && random_next(&chance) % 3 == 0)
            site_advance(s, now, 1 + random_next(&chance) % 3);
    }
    while (site_advance(s, v->as_of, 1000) <= v->as_of)
        ;
    char how[96];
    snprintf(how, sizeof how, "%zu events, %s", n, live ? "live" : "at as_of");
    check_rows(v, s, how);
    site_free(s);
}

static void shuffle(uint32_t *order, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = random_next(&chance) % i;
        uint32_t kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

static void every_order_gives_the_rows(const char *path)
{
    struct vector v;
    vector_read(&v, path);
    size_t n = v.batch->events_n, extra = n / 3 + 1;
    uint32_t *order = xcalloc(n + extra, sizeof *order);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    run_order(&v, order, n, false);
    run_order(&v, order, n, true);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)(n - 1 - i);
    run_order(&v, order, n, false);
    for (int k = 0; k < RANDOM_ORDERS && n > 0; k++) {
        for (size_t i = 0; i < n + extra; i++)
            order[i] = i < n ? (uint32_t)i : (uint32_t)(random_next(&chance) % n);
        shuffle(order, n + extra);
        run_order(&v, order, n + extra, k % 2 == 1);
    }
    free(order);
    vector_free(&v);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Runs every vector of a folder; returns how many there were. */
static size_t run_folder(const char *folder)
{
    char **names = NULL;
    size_t n = 0, cap = 0;
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        size_t length = strlen(entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 5, ".json") != 0)
            continue;
        xgrow(&names, &cap, n + 1, sizeof *names);
        names[n] = xmalloc(strlen(folder) + length + 2);
        sprintf(names[n++], "%s/%s", folder, entry->d_name);
    }
    if (d)
        closedir(d);
    if (n) /* none: qsort wants no NULL */
        qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        every_order_gives_the_rows(names[i]);
        free(names[i]);
    }
    free(names);
    return n;
}

static const char *root(void)
{
    const char *given = getenv("KEFU_ROOT");
    return given ? given : ".";
}

static void the_projects_own_vectors_hold_in_every_order(void **state)
{
    (void)state;
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/tests/conformance", root());
    size_t n = run_folder(folder);
    print_message("%zu vectors\n", n);
    assert_true(n >= 300);
}

static void vectors_from_outside_hold_in_every_order(void **state)
{
    (void)state;
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/../shared/conformance", root());
    size_t n = run_folder(folder);
    print_message("%zu vectors\n", n);
    if (n == 0)
        skip();
}

static int start(void **state)
{
    (void)state;
    struct err e;
    chance = random_start();
    seed_book = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &e);
    return seed_book ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    rulebook_free(seed_book);
    return 0;
}

int main(void)
{
    digest_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_projects_own_vectors_hold_in_every_order),
        cmocka_unit_test(vectors_from_outside_hold_in_every_order),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
