/* What must be true, at any moment and in the end, whatever happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/report.h"
#include "sim.h"

/* The state keeps its blocks when conversations leave, for the next ones. */
#define MEMORY_SLACK_BYTES ((size_t)1 << 20)

#define FAIL(s, ...)                                                                                                   \
    do {                                                                                                               \
        printf("seed %llu:\n", (unsigned long long)(s)->o.seed);                                                       \
        fail_msg(__VA_ARGS__);                                                                                         \
    } while (0)

/* --- figures ------------------------------------------------------------------------------------------------------- */

static struct site *new_site(struct sim *s)
{
    return site_new(&(struct site_options){.tz = s->script.zone.tz,
                                           .rulebooks = &s->script.rulebooks,
                                           .seed = random_next(&s->random),
                                           .quiet_ms = SIM_QUIET_MS});
}

static void print_report(struct sim *s, const struct site *site, enum period_kind by, struct buf *out)
{
    report_print(out, &(struct report_request){.site = site,
                                               .rulebooks = &s->script.rulebooks,
                                               .tz = s->script.zone.tz,
                                               .by = by,
                                               .as_of = site_as_of(site)});
}

/* How many customers are known is no figure, and only those of conversations in memory are counted. */
static void hide_customers(char *now)
{
    char *at = strstr(now, " customers=");
    assert_non_null(at);
    char *rest = strchr(at + 1, ' ');
    memmove(at, rest, strlen(rest) + 1);
}

/* All that a site says: the report of days and of months, and the present. */
static char *print_all(struct sim *s, const struct site *site)
{
    struct buf out = {0};
    char *now = support_print_site(site);
    hide_customers(now);
    print_report(s, site, PERIOD_MONTH, &out);
    print_report(s, site, PERIOD_DAY, &out);
    buf_put(&out, now, strlen(now) + 1);
    free(now);
    return out.p;
}

char *verdict_report(struct sim *s)
{
    struct buf out = {0};
    print_report(s, s->site, PERIOD_MONTH, &out);
    print_report(s, s->site, PERIOD_DAY, &out);
    buf_put_byte(&out, 0);
    return out.p;
}

/* The lines that differ, the first few of them. */
static void print_differences(const char *lived, const char *clean)
{
    for (int shown_n = 0; *lived && *clean && shown_n < 5;) {
        size_t a = strcspn(lived, "\n"), b = strcspn(clean, "\n");
        if (a != b || memcmp(lived, clean, a) != 0) {
            printf("lived: %.*s\nclean: %.*s\n", (int)a, lived, (int)b, clean);
            shown_n++;
        }
        lived += a + (lived[a] == '\n');
        clean += b + (clean[b] == '\n');
    }
}

static void compare(struct sim *s, struct site *clean, const char *when)
{
    int64_t as_of = site_as_of(s->site);
    while (site_advance(clean, as_of, SIZE_MAX) <= as_of)
        continue;
    char *lived = print_all(s, s->site), *folded = print_all(s, clean);
    if (strcmp(lived, folded) != 0) {
        print_differences(lived, folded);
        FAIL(s, "%s: other figures than a clean fold's", when);
    }
    free(lived);
    free(folded);
    site_free(clean);
}

static void fold_one(void *arg, uint64_t seq, const struct event *e)
{
    struct site *clean = arg;
    (void)seq;
    site_fold(clean, e, INT64_MIN);
}

void verdict_look(struct sim *s)
{
    struct err e;
    struct site *clean = new_site(s);
    s->looks_n++;
    pipeline_catch_up(s->pipeline);
    if (site_as_of(s->site) == INT64_MIN || s->trims_journal) {
        site_free(clean);
        return;
    }
    struct store_replay replay = {.each = fold_one, .arg = clean};
    if (store_replay(s->store, 1, &replay, &e) < 0)
        FAIL(s, "%s: %s", e.where, e.what);
    compare(s, clean, "on the way");
}

/* --- the accepted set, as the senders were told -------------------------------------------------------------------- */

/* Everything is sent once more: nothing may be new. */
static void send_all_again(struct sim *s)
{
    s->all_told = true;
    for (size_t k = 0; k < SENDERS_N; k++)
        sender_repeat(s, k);
    sim_settle(s);
}

static void check_told(struct sim *s)
{
    for (size_t i = 0; i < s->script.n; i++) {
        const struct line *l = &s->script.lines[i];
        if (l->bad || l->kept != l->refused)
            continue;
        FAIL(s, "%.*s: kept %d, refused %d", STR_ARG(l->json), l->kept, l->refused);
    }
    for (size_t i = 0; i < s->script.n; i++) {
        const struct line *l = &s->script.lines[i];
        if (l->denies != SIZE_MAX)
            assert_true(l->kept != s->script.lines[l->denies].kept); /* one of the two, and one only */
    }
}

static struct event *kept_events(struct sim *s, size_t *n)
{
    struct event *list = xcalloc(s->script.n, sizeof *list);
    *n = 0;
    for (size_t i = 0; i < s->script.n; i++)
        if (s->script.lines[i].kept)
            list[(*n)++] = s->script.lines[i].event;
    return list;
}

static void check_figures(struct sim *s)
{
    size_t n;
    struct event *list = kept_events(s, &n);
    struct support_random r = {s->random};
    struct site *clean = new_site(s);
    support_shuffle(&r, list, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(site_fold(clean, &list[i], INT64_MIN), VERDICT_ACCEPTED);
    pipeline_catch_up(s->pipeline);
    compare(s, clean, "in the end");
    free(list);
}

/* Whom Redis shows, it shows as they are. */
static void check_shown(struct sim *s)
{
    static const struct figures none;
    size_t found_n = 0;
    for (uint32_t agent = 1; agent <= site_agents_n(s->site); agent++) {
        const struct figures *f = site_figures(s->site, agent, PERIOD_MONTH, pipeline_month(s->pipeline));
        for (size_t i = 0; i < s->shown_n; i++) {
            if (!str_eq(s->shown[i].agent, site_agent_id(s->site, agent)))
                continue;
            found_n++;
            assert_int_equal(s->shown[i].month, pipeline_month(s->pipeline));
            if (memcmp(&s->shown[i].figures, f ? f : &none, sizeof none) != 0)
                FAIL(s, "%.*s is shown with old figures", STR_ARG(s->shown[i].agent));
        }
    }
    assert_int_equal(found_n, site_agents_n(s->site));
}

/* --- effects -------------------------------------------------------------------------------------------------------- */

struct decided {
    int64_t ms;
    uint64_t n;
    struct str pairs; /* as the stream keeps them */
    struct str agent, period, from, to;
    size_t told_n;      /* in how many streams it stands, of those there were between flushes */
    unsigned flushes_n; /* of the last of them */
};

struct decisions {
    struct sim *s;
    struct decided *list; /* owned */
    size_t n, cap;
    size_t unsent_n;
};

static struct str field(const struct decisions *d, const struct effect *f, const char *name)
{
    for (size_t i = 0; i < f->pairs_n; i += 2)
        if (str_eq(f->pairs[i], str_of(name)))
            return arena_copy(&d->s->script.arena, f->pairs[i + 1]);
    return (struct str){0};
}

static void note_decided(void *arg, const struct effect *f)
{
    struct decisions *d = arg;
    struct buf pairs = {0};
    for (size_t i = 0; i < f->pairs_n; i++) {
        buf_put_str(&pairs, f->pairs[i]);
        buf_put_byte(&pairs, 0);
    }
    xgrow(&d->list, &d->cap, d->n + 1, sizeof *d->list);
    d->list[d->n++] = (struct decided){.ms = f->stream_ms,
                                       .n = f->stream_n,
                                       .pairs = arena_copy(&d->s->script.arena, buf_str(&pairs)),
                                       .agent = field(d, f, "agent"),
                                       .period = field(d, f, "period"),
                                       .from = field(d, f, "from"),
                                       .to = field(d, f, "to")};
    buf_fini(&pairs);
}

static void note_unsent(void *arg, const struct effect *f)
{
    (void)f;
    ((struct decisions *)arg)->unsent_n++;
}

static struct decided *find(struct decisions *d, const struct told *t)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->list[i].ms == t->ms && d->list[i].n == t->n && str_eq(d->list[i].pairs, t->pairs))
            return &d->list[i];
    return NULL;
}

/* Each change of an agent in a month begins where the one before ended. */
static void check_chain(struct decisions *d, size_t at)
{
    const struct decided *now = &d->list[at];
    struct str before = {0};
    for (size_t i = 0; i < at; i++)
        if (str_eq(d->list[i].agent, now->agent) && str_eq(d->list[i].period, now->period))
            before = d->list[i].to;
    if (!str_eq(before, now->from))
        FAIL(d->s, "%.*s in %.*s: from %.*s to %.*s, but it stood at %.*s", STR_ARG(now->agent), STR_ARG(now->period),
             STR_ARG(now->from), STR_ARG(now->to), STR_ARG(before));
}

static void check_effects(struct sim *s)
{
    struct err e;
    struct decisions d = {.s = s};
    if (store_each_sent(s->store, 0, note_decided, &d, &e) < 0 || store_each_unsent(s->store, note_unsent, &d, &e) < 0)
        FAIL(s, "%s: %s", e.where, e.what);
    assert_int_equal(d.unsent_n, 0);
    for (size_t i = 0; i < s->redis.told_n; i++) {
        struct decided *of = find(&d, &s->redis.told[i]);
        if (!of)
            FAIL(s, "a change was told that is not in the store: %.*s", STR_ARG(s->redis.told[i].pairs));
        if (of->told_n && of->flushes_n == s->redis.told[i].flushes_n)
            FAIL(s, "a change stands twice in one stream: %.*s", STR_ARG(of->pairs));
        of->told_n++;
        of->flushes_n = s->redis.told[i].flushes_n;
    }
    for (size_t i = 0; i < d.n; i++) {
        if (!d.list[i].told_n)
            FAIL(s, "a change was never told: %.*s", STR_ARG(d.list[i].pairs));
        check_chain(&d, i);
    }
    s->effects_n = d.n;
    free(d.list);
}

/* --- memory --------------------------------------------------------------------------------------------------------- */

/* Without what the test's own disk and SQLite's cache (bounded by itself) take; 0 under a sanitizer, which has an allocator of its own. */
static size_t in_use(void)
{
    struct mallinfo2 of = mallinfo2();
    size_t all = of.uordblks + of.hblkhd, disk = fault_held_bytes() + (size_t)sqlite3_memory_used();
    return all > disk ? all - disk : 0;
}

/* A life that has seen much holds no more than twice of what one holds that has just begun on the same store. */
static void check_memory(struct sim *s)
{
    assert_in_range(quarantine_n(pipeline_quarantine(s->pipeline)), 0, SIM_QUARANTINE_MAX);
    size_t old = in_use();
    life_stop(s);
    size_t nothing = in_use();
    life_begin(s);
    sim_settle(s);
    size_t young = in_use();
    if (young > nothing && old > nothing && old - nothing > (young - nothing) * 2 + MEMORY_SLACK_BYTES)
        FAIL(s, "%zu bytes are held, a fresh start holds %zu", old - nothing, young - nothing);
}

/* --- the second implementation -------------------------------------------------------------------------------------- */

/* Texts are gone; whether one was a closer is told instead. */
static void tell_closers(struct event *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].type == EVENT_MESSAGE && !(list[i].flags & (EVENT_CLOSING_TRUE | EVENT_CLOSING_FALSE)))
            list[i].flags |= list[i].flags & EVENT_CLOSER ? EVENT_CLOSING_TRUE : EVENT_CLOSING_FALSE;
}

/* $KEFU_STORIES is a file to tell the accepted set to, and the figures: tests/oracle computes them anew. */
static void tell(struct sim *s)
{
    const char *path = getenv("KEFU_STORIES");
    struct story told = {.zone = &s->script.zone, .rulebooks = s->script.rulebooks};
    char name[40];
    if (!path)
        return;
    for (size_t i = 0; i < told.rulebooks.n; i++)
        told.books[i] = (struct rulebook *)(uintptr_t)told.rulebooks.list[i];
    told.events = kept_events(s, &told.n);
    tell_closers(told.events, told.n);
    snprintf(name, sizeof name, "month %llu", (unsigned long long)s->o.seed);
    char *text = story_print_json(&told, name, s->site);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    free(text);
    free(told.events);
}

void verdict_final(struct sim *s)
{
    verdict_look(s);
    send_all_again(s);
    check_told(s);
    check_figures(s);
    check_shown(s);
    check_effects(s);
    check_memory(s);
    check_figures(s);
    tell(s);
}
