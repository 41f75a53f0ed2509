/* The script and the check: see support_store.h. */
#include "support_store.h"

#include <assert.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "kefu/base/mem.h"
#include "support_random.h"

void script_event(struct script_event *room, uint64_t seq)
{
    snprintf(room->id, sizeof room->id, "m%015" PRIu64, seq);
    snprintf(room->subject, sizeof room->subject, "c%" PRIu64, seq / 12);
    room->event = (struct event){.type = EVENT_MESSAGE,
                                 .how = seq % 2 ? FROM_CUSTOMER : FROM_AGENT,
                                 .flags = EVENT_HAS_TEXT,
                                 .ts = 1700000000000 + (int64_t)seq * 700,
                                 .source = STR_LIT("default"),
                                 .id = str_of(room->id),
                                 .subject = str_of(room->subject),
                                 .text_bytes = (int64_t)(seq % 50)};
    room->event.strs[EVENT_CUSTOMER] = STR_LIT("0123456789abcdef");
    if (seq % 2 == 0)
        room->event.strs[EVENT_AGENT] = STR_LIT("agent-007");
}

static size_t events_n(uint64_t k)
{
    return (size_t)(k % SCRIPT_EVENTS_MAX); /* none at times */
}

/* Six commits have 1 + 2 + 3 + 4 + 5 + 0 events. */
uint64_t script_last_seq(uint64_t k)
{
    uint64_t rest = k % SCRIPT_EVENTS_MAX;
    return k / SCRIPT_EVENTS_MAX * 15 + rest * (rest + 1) / 2;
}

static void script_effect(struct script_commit *room, uint64_t k)
{
    struct commit *c = &room->commit;
    room->effect = (struct effect){.kind = EFFECT_TIER,
                                   .number = k / 4,
                                   .stream_ms = 1700000000000,
                                   .stream_n = k,
                                   .stream = STR_LIT("tiers"),
                                   .pairs = {STR_LIT("agent"), str_of(room->text), STR_LIT("empty"), {0}},
                                   .pairs_n = 4};
    c->outbox_add = &room->effect;
    c->outbox_add_n = 1;
    room->sent = k / 4 - 1;
    c->outbox_sent = &room->sent;
    c->outbox_sent_n = room->sent ? 1 : 0;
}

static void script_quarantine(struct script_commit *room, uint64_t k)
{
    struct commit *c = &room->commit;
    room->quarantine = (struct quarantined){.row = k / 3,
                                            .at_ms = (int64_t)k,
                                            .kind = REFUSAL_FUTURE,
                                            .way = STR_LIT("http"),
                                            .id = str_of(room->text),
                                            .reason = STR_LIT("ts: too far ahead"),
                                            .input_bytes = 205,
                                            .record = STR_LIT("rec\0ord"),
                                            .due_ms = (int64_t)k + 1};
    c->quarantine_add = &room->quarantine;
    c->quarantine_add_n = 1;
    room->drop = k / 3 - 1;
    c->quarantine_drop = &room->drop;
    c->quarantine_drop_n = room->drop ? 1 : 0;
}

void script_commit(struct script_commit *room, uint64_t k)
{
    *room = (struct script_commit){0};
    struct commit *c = &room->commit;
    uint64_t first = script_last_seq(k) - events_n(k) + 1;
    snprintf(room->text, sizeof room->text, "%" PRIu64, k);
    c->events_n = events_n(k);
    for (size_t i = 0; i < c->events_n; i++) {
        script_event(&room->events[i], first + i);
        room->pointers[i] = &room->events[i].event;
    }
    c->events = room->pointers;
    c->at_ms = 1700000000000 + (int64_t)k;
    c->position_key = STR_LIT("load");
    c->position = str_of(room->text);
    room->memory[0] = (struct memory_row){STR_LIT("tier"), STR_LIT("agent-007"), str_of(room->text)};
    room->memory[1] = (struct memory_row){STR_LIT("odd"), {0}, k % 2 ? str_of(room->text) : (struct str){0}};
    c->memory = room->memory;
    c->memory_n = 2;
    if (k % 3 == 0)
        script_quarantine(room, k);
    if (k % 4 == 0)
        script_effect(room, k);
}

/* What the callbacks of a check share. */
struct check {
    uint64_t k;
    uint64_t seen_n;
    bool bad;
    char *why;
    size_t why_n;
};

__attribute__((format(printf, 2, 3))) static void differ(struct check *c, const char *format, ...)
{
    va_list args;
    if (c->bad)
        return;
    c->bad = true;
    va_start(args, format);
    vsnprintf(c->why, c->why_n, format, args);
    va_end(args);
}

static void check_event(void *arg, uint64_t seq, const struct event *e)
{
    struct check *c = arg;
    struct script_event want;
    c->seen_n++;
    script_event(&want, seq);
    if (seq != c->seen_n || !event_same(&want.event, e))
        differ(c, "event %" PRIu64 " (place %" PRIu64 ") is another", seq, c->seen_n);
}

static void check_memory(void *arg, const struct memory_row *m)
{
    struct check *c = arg;
    struct script_commit want;
    script_commit(&want, c->k);
    const struct memory_row *w = &want.memory[str_eq(m->rule, want.memory[1].rule) ? 1 : 0];
    c->seen_n++;
    if (!str_eq(m->rule, w->rule) || !str_eq(m->subject, w->subject) || !str_eq(m->blob, w->blob))
        differ(c, "rule memory %.*s is \"%.*s\" after %" PRIu64 " commits", STR_ARG(m->rule), STR_ARG(m->blob), c->k);
}

static void check_quarantined(void *arg, const struct quarantined *q)
{
    struct check *c = arg;
    struct script_commit want;
    script_commit(&want, c->k / 3 * 3);
    const struct quarantined *w = &want.quarantine;
    c->seen_n++;
    if (q->row != w->row || q->at_ms != w->at_ms || q->kind != w->kind || q->input_bytes != w->input_bytes ||
        q->due_ms != w->due_ms || !str_eq(q->way, w->way) || !str_eq(q->id, w->id) || !str_eq(q->reason, w->reason) ||
        !str_eq(q->record, w->record))
        differ(c, "quarantine row %" PRIu64 " is another after %" PRIu64 " commits", q->row, c->k);
}

static void check_unsent(void *arg, const struct effect *f)
{
    struct check *c = arg;
    struct script_commit want;
    script_commit(&want, c->k / 4 * 4);
    const struct effect *w = &want.effect;
    bool same = f->number == w->number && f->kind == w->kind && f->stream_ms == w->stream_ms &&
                f->stream_n == w->stream_n && str_eq(f->stream, w->stream) && f->pairs_n == w->pairs_n;
    c->seen_n++;
    for (size_t i = 0; same && i < w->pairs_n; i++)
        same = str_eq(f->pairs[i], w->pairs[i]);
    if (!same)
        differ(c, "effect %" PRIu64 " is another after %" PRIu64 " commits", f->number, c->k);
}

static void check_marks(struct check *c, struct store *s)
{
    struct store_marks m;
    struct err e;
    if (store_marks(s, &m, &e))
        differ(c, "marks: %s", e.what);
    else if (m.effect_number != c->k / 4 || m.quarantine_row != c->k / 3 || m.stream_n != c->k / 4 * 4)
        differ(c, "marks are %" PRIu64 " %" PRIu64 " %" PRIu64 " after %" PRIu64 " commits", m.effect_number,
               m.quarantine_row, m.stream_n, c->k);
}

void script_noise(struct script_noise *room, size_t n, size_t bytes)
{
    uint64_t seed = n;
    *room =
        (struct script_noise){xcalloc(n, sizeof *room->pointers), xcalloc(n, sizeof *room->events), xmalloc(n * bytes)};
    for (size_t i = 0; i < n * bytes; i++)
        room->bytes[i] = (char)random_next(&seed);
    for (size_t i = 0; i < n; i++) {
        script_event(&room->events[i], 1);
        room->events[i].event.strs[EVENT_REASON] = (struct str){room->bytes + i * bytes, bytes};
        room->pointers[i] = &room->events[i].event;
    }
}

void script_noise_free(struct script_noise *room)
{
    free(room->pointers);
    free(room->events);
    free(room->bytes);
}

/* The position says how many commits there were; everything else must agree. */
static uint64_t position(struct check *c, struct store *s)
{
    struct str value;
    struct err e;
    char number[32] = "0";
    if (store_get(s, STR_LIT("position/load"), &value, &e)) {
        differ(c, "position: %s", e.what);
        return 0;
    }
    snprintf(number, sizeof number, "%.*s", (int)(value.n ? value.n : 1), value.n ? value.p : "0");
    free((char *)(uintptr_t)value.p);
    return strtoull(number, NULL, 10);
}

static void check_journal(struct check *c, struct store *s)
{
    struct err e;
    struct store_replay replay = {.each = check_event, .arg = c};
    c->seen_n = 0;
    if (store_last_seq(s) != script_last_seq(c->k))
        differ(c, "last sequence %" PRIu64 " after %" PRIu64 " commits", store_last_seq(s), c->k);
    if (store_replay(s, 1, &replay, &e))
        differ(c, "replay: %s: %s", e.where, e.what);
    if (c->seen_n != script_last_seq(c->k))
        differ(c, "%" PRIu64 " events replayed after %" PRIu64 " commits", c->seen_n, c->k);
}

static void check_count(struct check *c, const char *table, int bad, uint64_t want)
{
    if (bad)
        differ(c, "%s: damaged", table);
    else if (c->seen_n != want)
        differ(c, "%s: %" PRIu64 " rows after %" PRIu64 " commits", table, c->seen_n, c->k);
    c->seen_n = 0;
}

int64_t script_state(struct store *s, char *why, size_t why_n)
{
    struct check c = {.why = why, .why_n = why_n};
    struct err e;
    c.k = position(&c, s);
    check_journal(&c, s);
    check_marks(&c, s);
    c.seen_n = 0;
    check_count(&c, "memory", store_each_memory(s, check_memory, &c, &e), c.k ? 1 + c.k % 2 : 0);
    check_count(&c, "quarantine", store_each_quarantined(s, check_quarantined, &c, &e), c.k >= 3);
    check_count(&c, "outbox", store_each_unsent(s, check_unsent, &c, &e), c.k >= 4);
    return c.bad ? -1 : (int64_t)c.k;
}

static int integrity(const char *dir, char *why, size_t why_n)
{
    char path[4096];
    sqlite3 *sql = NULL;
    sqlite3_stmt *stmt = NULL;
    snprintf(path, sizeof path, "%s/kefu.db", dir);
    bool ok = sqlite3_open(path, &sql) == SQLITE_OK &&
              sqlite3_prepare_v2(sql, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
    if (!ok)
        snprintf(why, why_n, "integrity_check: %s", sqlite3_errmsg(sql));
    sqlite3_finalize(stmt);
    sqlite3_close(sql);
    return ok ? 0 : -1;
}

int64_t script_state_of_dir(const char *dir, char *why, size_t why_n)
{
    struct err e;
    struct store *s = store_open(dir, &e);
    if (!s) {
        snprintf(why, why_n, "store_open: %s: %s", e.where, e.what);
        return -1;
    }
    int64_t k = script_state(s, why, why_n);
    store_close(s);
    return k < 0 || integrity(dir, why, why_n) ? -1 : k;
}

char *test_dir_new(void)
{
    const char *base = getenv("TMPDIR");
    char name[1024];
    snprintf(name, sizeof name, "%s/kefu-test-XXXXXX", base ? base : "/tmp");
    char *made = mkdtemp(name);
    assert(made);
    return xstrndup(made, strlen(made));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void test_dir_free(char *dir)
{
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(dir);
}

void test_sql(const char *dir, const char *text)
{
    char path[4096];
    sqlite3 *sql = NULL;
    snprintf(path, sizeof path, "%s/kefu.db", dir);
    int rc = sqlite3_open(path, &sql);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(sql, text, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        fprintf(stderr, "test_sql: %s\n", sqlite3_errmsg(sql));
    assert(rc == SQLITE_OK);
    sqlite3_close(sql);
}

bool test_has_time(void)
{
    static struct timespec began;
    struct timespec now;
    const char *given = getenv("KEFU_SOAK") ? getenv("KEFU_SOAK_S") : NULL;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!began.tv_sec)
        began = now;
    return !given || now.tv_sec - began.tv_sec < strtol(given, NULL, 10);
}

uint64_t test_rounds(uint64_t few, uint64_t many)
{
    return getenv("KEFU_SOAK") ? many : few;
}
