/* Lives the scene of the tests of erasing, and looks at its store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/report.h"
#include "kefu/rules/tier.h"
#include "kefu/state/freeze.h"
#include "kefu/store/audit.h"
#include "kefu/store/book.h"
#include "kefu/store/reader.h"
#include "support_erase.h"

#define AGENT_NAME     "林朵拉"
#define AGENT_NUMBER   "工号E-7788"
#define CHAT           "shop:buyer-4711:1"
#define CHAT_COLD      "shop:buyer-4711:2"
#define ORDER_ID       "ord-77-of-buyer"
#define OTHER_CHAT     "shop:buyer-1:1"
#define SECOND         INT64_C(1000)
#define REST_MS        MINUTE
#define AUDIT_OF_AGENT "{\"did\":\"pay.read\",\"login\":\"li\",\"agent\":\"" AGENT_ID "\"}"

const char *const agent_names[] = {AGENT_ID, AGENT_NAME, AGENT_NUMBER, NULL};
const char *const customer_names[] = {CUSTOMER_ID, CHAT, CHAT_COLD, ORDER_ID, NULL};
const char *const all_names[] = {AGENT_ID, AGENT_NAME, AGENT_NUMBER, CUSTOMER_ID, CHAT, CHAT_COLD, ORDER_ID, NULL};
const char *const other_names[] = {"z.dora-lindqvist", "bob", OTHER_CHAT, "王经理", NULL};

static const uint8_t key[DIGEST_KEY_BYTES]; /* the world's */

static struct str customer_hash(struct batch *b, const char *id)
{
    uint8_t hash[DIGEST_KEYED_BYTES];
    digest_keyed(hash, key, str_of(id));
    return arena_copy(&b->arena, (struct str){(const char *)hash, sizeof hash});
}

/* --- the scene ---------------------------------------------------------------------------------------------------- */

struct chat {
    const char *key, *agent, *customer;
    const char *ask, *answer; /* ids */
    int64_t ts;
};

static void put_chat(struct batch *b, const struct chat *c)
{
    struct str subject = arena_copy(&b->arena, str_of(c->key));
    char id[64];
    struct event *q = world_message(b, c->ask, c->ts, FROM_CUSTOMER);
    q->subject = subject;
    if (c->customer)
        q->strs[EVENT_CUSTOMER] = customer_hash(b, c->customer);
    struct event *a = world_message(b, c->answer, c->ts + 5 * SECOND, FROM_AGENT);
    a->subject = subject;
    a->strs[EVENT_AGENT] = str_of(c->agent);
    snprintf(id, sizeof id, "r-%s", c->ask);
    struct event *r = world_add(b, EVENT_RESOLVED, id, c->ts + 9 * SECOND);
    r->subject = subject;
    r->how = BY_AGENT;
    r->strs[EVENT_AGENT] = str_of(c->agent);
    snprintf(id, sizeof id, "s-%s", c->ask);
    struct event *s = world_add(b, EVENT_RATING, id, c->ts + 20 * SECOND);
    s->subject = subject;
    s->score_milli = 5000;
    s->scale = 5;
}

/* Two agents answer in the same millisecond, and the id that holds a name decides who was first: before "e-…", and behind "a-…". */
static void put_ties(struct batch *b, const char *chat, int64_t ts)
{
    static const struct {
        const char *id, *agent;
    } answers[] = {{"dora-lin-%s", AGENT_ID}, {"e-%s", "bob"}, {"f-dora-lin-%s", AGENT_ID}};
    struct str subject = arena_copy(&b->arena, str_of(chat));
    char id[64];
    snprintf(id, sizeof id, "q-%s", chat);
    world_message(b, id, ts, FROM_CUSTOMER)->subject = subject;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        int n = snprintf(id, sizeof id, "%.*s%s", (int)(strlen(answers[i].id) - 2), answers[i].id, chat);
        assert_in_range(n, 1, sizeof id - 1);
        struct event *a = world_message(b, id, ts + 5 * SECOND, FROM_AGENT);
        a->subject = subject;
        a->strs[EVENT_AGENT] = str_of(answers[i].agent);
    }
}

static void put_profile(struct batch *b, const char *agent, const char *id, int64_t ts)
{
    struct event *p = world_add(b, EVENT_PROFILE, id, ts);
    p->subject = str_of(agent);
    p->strs[EVENT_TEAM] = STR_LIT("east");
    if (strcmp(agent, AGENT_ID) != 0)
        return;
    p->strs[EVENT_NAME] = STR_LIT(AGENT_NAME);
    p->strs[EVENT_EMPLOYEE_NO] = STR_LIT(AGENT_NUMBER);
    p->strs[EVENT_LEFT_ON] = STR_LIT("2026-02-20");
}

static void put_order(struct batch *b, const char *order, const char *chat, int64_t ts)
{
    char id[64];
    snprintf(id, sizeof id, "paid-%s", order);
    struct event *o = world_add(b, EVENT_ORDER, id, ts);
    o->subject = arena_copy(&b->arena, str_of(order));
    o->how = ORDER_PAID;
    o->flags = EVENT_CROSS;
    o->amount_fen = 1999;
    o->strs[EVENT_AGENT] = STR_LIT(AGENT_ID);
    o->strs[EVENT_CONVERSATION] = str_of(chat);
}

/* What goes to the shelf: a part of it rests and leaves memory. */
static void put_shelved(struct batch *b)
{
    put_profile(b, AGENT_ID, "p-dora-lin", T0);
    put_profile(b, "bob", "p2", T0);
    put_profile(b, "z.dora-lindqvist", "p3", T0);
    put_chat(b, &(struct chat){"c1", AGENT_ID, "buyer-1", "m1", "dora-lin/m2", T0});
    put_chat(b, &(struct chat){"c2", "bob", "buyer-2", "m3", "m4", T0 + SECOND});
    put_chat(b, &(struct chat){"c3", "z.dora-lindqvist", NULL, "m5", "m6", T0 + 2 * SECOND});
    put_chat(b, &(struct chat){CHAT_COLD, "bob", CUSTOMER_ID, "shop:buyer-4711:2/1", "m8", T0 + 3 * SECOND});
    put_chat(b, &(struct chat){OTHER_CHAT, "bob", "buyer-1", "shop:buyer-1:1/1", "m9", T0 + 4 * SECOND});
    put_ties(b, "tie1", T0 + 5 * SECOND);
    put_order(b, ORDER_ID, CHAT_COLD, T0 + MINUTE);
    put_order(b, "ord-78", "c2", T0 + MINUTE);
}

/* What comes after the last checkpoint, and what was told of the rest then. */
static void put_tail(struct batch *b, int64_t ts)
{
    put_chat(b, &(struct chat){CHAT, AGENT_ID, CUSTOMER_ID, "shop:buyer-4711:1/1", "m11", ts});
    put_chat(b, &(struct chat){"c4", "z.dora-lindqvist", "buyer-2", "m12", "m13", ts});
    put_ties(b, "tie2", ts);
    struct event *v = world_add(b, EVENT_VOIDED, "v1", ts);
    v->subject = STR_LIT(CHAT_COLD);
    v->strs[EVENT_REF] = STR_LIT("s-shop:buyer-4711:2/1");
    v->strs[EVENT_REF_SOURCE] = STR_LIT("default");
    v->strs[EVENT_REASON] = STR_LIT("王经理 says " AGENT_NAME " was not there, " CUSTOMER_ID " agrees");
    v->strs[EVENT_ACTOR] = STR_LIT(AGENT_ID);
    struct event *x = world_add(b, EVENT_EXEMPT, "x1", ts);
    x->subject = STR_LIT(AGENT_ID);
    x->how = EXEMPT_LEAVE;
    x->strs[EVENT_HIRED_ON] = x->strs[EVENT_LEFT_ON] = STR_LIT("2026-02-04");
    x->strs[EVENT_ACTOR] = STR_LIT("王经理");
}

static void tell(struct desk_of_months *d, struct batch *b)
{
    world_submit(d->w, b);
    world_run(d->w);
    assert_int_equal(b->result, BATCH_STORED);
    assert_int_equal(b->refusals_n, 0);
    batch_free(b);
}

static void on_whole(void *arg)
{
    *(bool *)arg = true;
}

static void checkpoint_now(struct world *w)
{
    bool done = false;
    checkpoint_want(pipeline_checkpoint(w->p), on_whole, &done);
    while (!done)
        world_run_for(w, 10);
}

static struct quarantined refused_event(uint64_t row, struct buf *record, const char *agent, const char *chat)
{
    struct event e = {.type = EVENT_MESSAGE,
                      .how = FROM_AGENT,
                      .source = STR_LIT("default"),
                      .id = STR_LIT("m4"),
                      .subject = str_of(chat),
                      .ts = T0};
    e.strs[EVENT_AGENT] = str_of(agent);
    event_encode(record, &e);
    return (struct quarantined){.row = row,
                                .kind = REFUSAL_CONFLICT,
                                .way = STR_LIT("http"),
                                .id = e.id,
                                .reason = STR_LIT("a conflict"),
                                .record = buf_str(record)};
}

/* Rows as other parts of the daemon write them. */
static void put_rows(const char *dir, struct err *e)
{
    static const struct str lines[] = {STR_LIT(AUDIT_OF_AGENT), STR_LIT("{\"did\":\"other\",\"login\":\"bob\"}")};
    struct buf records[3] = {{0}};
    struct buf tier = {0};
    char head[DIGEST_SHA256_HEX];
    tier_memory_encode(&tier, &(struct tier_memory){.month = FEB, .rated = true, .beyond = -1});
    const struct memory_row memory[] = {{STR_LIT("tier"), STR_LIT(AGENT_ID), buf_str(&tier)},
                                        {STR_LIT("tier"), STR_LIT("bob"), buf_str(&tier)},
                                        {STR_LIT("alert"), STR_LIT("wait/" AGENT_ID), STR_LIT("of " CHAT)},
                                        {STR_LIT("alert"), STR_LIT("wait/bob"), STR_LIT("of " OTHER_CHAT)}};
    struct quarantined refused[] = {
        refused_event(900, &records[0], AGENT_ID, "c1"),
        refused_event(901, &records[1], "bob", CHAT),
        refused_event(902, &records[2], "bob", OTHER_CHAT),
        {.row = 903, .kind = REFUSAL_BAD, .way = STR_LIT("http"), .reason = STR_LIT("status: found \"" AGENT_ID "\"")}};
    const struct effect effects[] = {
        {EFFECT_TIER, 900, T0, 0, STR_LIT("tiers"), {STR_LIT("agent"), STR_LIT(AGENT_ID)}, 2},
        {EFFECT_NOTICE, 901, T0, 1, STR_LIT("channel:x"), {STR_LIT("text"), STR_LIT(AGENT_NAME "：" CHAT " 等待")}, 2},
        {EFFECT_NOTICE, 902, T0, 2, STR_LIT("channel:x"), {STR_LIT("text"), STR_LIT("bob：" OTHER_CHAT)}, 2}};
    struct store *s = store_open(dir, e);
    assert_non_null(s);
    struct commit c = {.audit = lines,
                       .audit_n = 2,
                       .audit_head = head,
                       .memory = memory,
                       .memory_n = 4,
                       .quarantine_add = refused,
                       .quarantine_add_n = 4,
                       .outbox_add = effects,
                       .outbox_add_n = 3};
    struct commit *list[] = {&c};
    store_write(s, list, 1);
    assert_int_equal(c.result, COMMIT_DONE);
    store_close(s);
    for (size_t i = 0; i < 3; i++)
        buf_fini(&records[i]);
    buf_fini(&tier);
}

static void live(struct desk_of_months *d)
{
    struct world *w = d->w;
    struct batch *b = world_batch(w);
    put_shelved(b);
    w->now_ms = T0 + 2 * MINUTE;
    tell(d, b);
    w->now_ms = T0 + 10 * DAY; /* all but the ties rest */
    world_run(w);
    checkpoint_now(w);
    w->now_ms += MINUTE;
    b = world_batch(w);
    put_tail(b, w->now_ms - 40 * SECOND);
    tell(d, b);
    w->now_ms = T0 + 40 * DAY;
    struct month_act act = act_of(d, FEB, "按" AGENT_NAME "的要求, " CUSTOMER_ID);
    act.actor = STR_LIT(AGENT_NAME);
    assert_int_equal(months_close(d->m, &act, &d->e), MONTH_UNDER_WAY);
    world_run(w);
    assert_int_equal(d->durable_n, 1);
}

static void read_path(const char *path, struct buf *out)
{
    char piece[65536];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    while ((n = read(fd, piece, sizeof piece)) > 0)
        buf_put(out, piece, (size_t)n);
    close(fd);
}

static void path_of(const struct scene *s, char out[200], const char *name)
{
    snprintf(out, 200, "%s/%s", s->d->w->dir, name);
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

/* The reports of a site, with the agent's own name where the pseudonym stands: both come between bob and nobody else. */
static void print_figures(const struct world *w, const struct site *site, struct buf *out)
{
    struct buf text = {0};
    for (int k = 0; k < 2; k++)
        report_print(&text, &(struct report_request){.site = site,
                                                     .rulebooks = &w->rulebooks,
                                                     .tz = w->tz,
                                                     .by = k ? PERIOD_MONTH : PERIOD_DAY,
                                                     .as_of = T0 + 60 * DAY});
    buf_put_byte(&text, 0);
    out->n = 0;
    for (const char *p = text.p, *at; *p; p = at + strlen(ERASED_AGENT)) {
        at = strstr(p, ERASED_AGENT);
        buf_put_str(out, at ? (struct str){p, (size_t)(at - p)} : str_of(p));
        if (!at)
            break;
        buf_put_str(out, STR_LIT(AGENT_ID));
    }
    buf_fini(&text);
}

struct events {
    struct scene *scene;
    struct site *site;
    const char *const *names;
    int64_t held_n;
    int64_t now_ms;
};

static void each_event(struct scene *s, void (*each)(void *, const struct event *), struct events *to);

static void fold_one(void *arg, const struct event *e)
{
    struct events *x = arg;
    if (event_subject_kind(e->type) == SUBJECT_MONTH)
        return;
    assert_int_equal(site_fold(x->site, e, x->now_ms), VERDICT_ACCEPTED);
}

static void print_live(struct scene *s, struct buf *out)
{
    s->d->w->now_ms = T0 + 60 * DAY;
    world_open(s->d->w);
    world_run(s->d->w);
    print_figures(s->d->w, s->d->w->site, out);
    world_close(s->d->w);
}

static struct site *fold_all(struct scene *s, const struct aliases *aliases)
{
    struct world *w = s->d->w;
    struct events x = {.now_ms = T0 + 60 * DAY};
    x.site = site_new(&(struct site_options){.tz = w->tz, .rulebooks = &w->rulebooks, .seed = 9, .aliases = aliases});
    each_event(s, fold_one, &x);
    while (site_advance(x.site, x.now_ms, 1000) <= x.now_ms) {
    }
    return x.site;
}

static void print_anew(struct scene *s, struct buf *out)
{
    struct site *site = fold_all(s, NULL);
    print_figures(s->d->w, site, out);
    site_free(site);
}

static void take_alias(void *arg, const struct memory_row *row)
{
    if (str_eq(row->rule, STR_LIT("alias")))
        aliases_add(arg, row->subject, row->blob);
}

void scene_assert_known(struct scene *s)
{
    struct store *store = store_open(s->d->w->dir, &s->d->e);
    struct aliases *aliases = aliases_new(key);
    assert_non_null(store);
    assert_int_equal(store_each_memory(store, take_alias, aliases, &s->d->e), 0);
    store_close(store);
    struct site *site = fold_all(s, aliases);
    for (size_t i = 0; i < s->events_n; i++) {
        struct event again = s->events[i];
        if (event_subject_kind(again.type) == SUBJECT_MONTH || again.type == EVENT_VOIDED)
            continue; /* what people do is not sent again: their words were changed */
        site_alias(site, &again);
        if (site_probe(site, &again) != VERDICT_DUPLICATE)
            fail_msg("%.*s is not known any more", STR_ARG(again.id));
    }
    site_free(site);
    aliases_free(aliases);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

struct row_of_shelf {
    void (*each)(void *, const struct event *);
    struct events *to;
    uint64_t seq;
};

static int look_at_row(void *arg, const struct shelf_row *row, struct err *e)
{
    struct row_of_shelf *x = arg;
    return shelf_row_events(row, x->each, x->to, e);
}

static void look_at_event(void *arg, uint64_t seq, const struct event *e)
{
    struct row_of_shelf *x = arg;
    if (seq > x->seq)
        x->each(x->to, e);
}

/* The shelf's, and the journal's behind it, as kefuctl journal export goes through them. */
static void each_event(struct scene *s, void (*each)(void *, const struct event *), struct events *to)
{
    char path[200];
    struct reader r;
    struct row_of_shelf x = {each, to, 0};
    struct shelf_reading shelf = {.row = look_at_row, .arg = &x};
    struct store_replay journal = {.each = look_at_event, .arg = &x};
    path_of(s, path, "kefu.db");
    assert_int_equal(reader_open(&r, path, &s->d->e), 0);
    assert_int_equal(reader_begin(&r, &s->d->e), 0);
    assert_int_equal(shelf_look(&r.db, &x.seq, &shelf, &s->d->e), 0);
    assert_int_equal(journal_replay(&r.journal, x.seq + 1, r.last_seq, &journal, &s->d->e), 0);
    reader_end(&r);
    reader_close(&r);
}

static int64_t count(struct str text, const char *const *names)
{
    int64_t n = 0;
    for (; *names; names++) {
        size_t name_n = strlen(*names);
        const char *end = text.p + text.n;
        const char *at = text.n ? memmem(text.p, text.n, *names, name_n) : NULL;
        while (at) {
            const char *behind = at + name_n;
            /* dora-lindqvist is somebody else */
            n += !(end - at >= 14 && memcmp(at, "dora-lindqvist", 14) == 0 && name_n < 14);
            at = memmem(behind, (size_t)(end - behind), *names, name_n);
        }
    }
    return n;
}

static void keep_event(void *arg, const struct event *e)
{
    struct scene *s = ((struct events *)arg)->scene;
    xgrow(&s->events, &s->events_cap, s->events_n + 1, sizeof *s->events);
    s->events[s->events_n++] = event_copy(e, &s->arena);
}

static void count_event(void *arg, const struct event *e)
{
    struct events *x = arg;
    x->held_n += count(e->id, x->names) + count(e->subject, x->names);
    for (int k = 0; k < EVENT_STR_N; k++)
        x->held_n += count(e->strs[k], x->names);
}

static int64_t count_table(struct db *db, const char *table, const char *const *names)
{
    char sql[120];
    int64_t n = 0;
    sqlite3_stmt *stmt = NULL;
    snprintf(sql, sizeof sql, "SELECT * FROM %s%s", table, strcmp(table, "memory") ? "" : " WHERE rule <> 'erase'");
    assert_int_equal(sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        for (int k = 0; k < sqlite3_column_count(stmt); k++)
            n += count(column_str(stmt, k), names);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    return n;
}

static int64_t count_rows(struct scene *s, const char *const *names)
{
    char path[200];
    int64_t n = 0;
    size_t tables_n;
    struct db db = {0};
    const struct schema_table *tables = schema_tables(&tables_n);
    path_of(s, path, "kefu.db");
    assert_int_equal(db_open_read_only(&db, path, NULL, &s->d->e), 0);
    for (size_t i = 0; i < tables_n; i++)
        if (strcmp(tables[i].name, "subject") && strcmp(tables[i].name, "fresh")) /* their events are looked at */
            n += count_table(&db, tables[i].name, names);
    db_close(&db);
    return n;
}

int64_t scene_held_n(struct scene *s, const char *const *names)
{
    struct events x = {.names = names};
    each_event(s, count_event, &x);
    return x.held_n + count_rows(s, names);
}

void scene_assert_no_byte(struct scene *s, const char *const *names)
{
    DIR *dir = opendir(s->d->w->dir);
    const struct dirent *at;
    char path[200];
    assert_non_null(dir);
    while ((at = readdir(dir))) {
        struct buf bytes = {0};
        if (at->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%.90s/%.100s", s->d->w->dir, at->d_name);
        read_path(path, &bytes);
        if (count(buf_str(&bytes), names))
            fail_msg("%s still holds one of %s …", path, names[0]);
        buf_fini(&bytes);
    }
    closedir(dir);
}

void scene_assert_gone(struct scene *s, const char *const *names)
{
    scene_assert_no_byte(s, names);
    assert_int_equal(scene_held_n(s, names), 0);
}

static void tell_damage(void *arg, const struct err *why)
{
    (void)arg;
    print_message("%s: %s\n", why->where, why->what);
}

static void assert_chains(struct scene *s)
{
    struct db db = {0};
    struct book_found found;
    char path[200], head[DIGEST_SHA256_HEX];
    int64_t n = 0;
    path_of(s, path, "kefu.db");
    assert_int_equal(book_look(&db, path, &s->d->e), 0);
    book_verify(&db, tell_damage, NULL, &found);
    assert_int_equal(found.damages_n, 0);
    if (audit_verify(&db, &n, head, &s->d->e))
        fail_msg("audit line %s: %s", s->d->e.where, s->d->e.what);
    assert_true(n >= 2);
    book_close(&db);
}

static void assert_same(const char *what, const struct buf *was, const struct buf *is)
{
    if (was->n != is->n || memcmp(was->p, is->p, is->n) != 0)
        fail_msg("%s: figures were\n%.*s\nand are\n%.*s", what, (int)was->n, was->p, (int)is->n, is->p);
}

void scene_assert_whole(struct scene *s)
{
    struct buf found = {0};
    assert_chains(s);
    print_anew(s, &found);
    assert_same("counted anew", &s->anew, &found);
    print_live(s, &found);
    assert_same("after a start", &s->live, &found);
    buf_fini(&found);
}

/* --- for cmocka ----------------------------------------------------------------------------------------------------- */

int scene_setup(void **state)
{
    struct scene *s = xcalloc(1, sizeof *s);
    void *w = NULL;
    char path[200];
    log_set_level(LOG_LEVEL_ERROR);
    world_setup(&w);
    s->d = xcalloc(1, sizeof *s->d);
    s->d->w = w;
    world_close(s->d->w);
    s->d->w->shelved = true;
    s->d->w->checkpoint = (struct checkpoint_options){.events_max = 1000, .every_ms = 1000000000, .rest_ms = REST_MS};
    world_open(s->d->w);
    open_months(s->d);
    live(s->d);
    months_free(s->d->m);
    world_close(s->d->w);
    put_rows(s->d->w->dir, &s->d->e);
    path_of(s, path, "kefu.db");
    read_path(path, &s->kept[0]);
    each_event(s, keep_event, &(struct events){.scene = s});
    print_anew(s, &s->anew);
    print_live(s, &s->live);
    *state = s;
    return 0;
}

int scene_teardown(void **state)
{
    struct scene *s = *state;
    void *w = s->d->w;
    world_open(s->d->w);
    world_teardown(&w);
    free(s->d);
    for (size_t i = 0; i < sizeof s->kept / sizeof *s->kept; i++)
        buf_fini(&s->kept[i]);
    free(s->events);
    arena_fini(&s->arena);
    buf_fini(&s->live);
    buf_fini(&s->anew);
    free(s);
    return 0;
}

static struct erase_task task_of(bool customer)
{
    struct erase_task t = {.stage = ERASE_ASKED,
                           .customer = customer,
                           .person = customer ? STR_LIT(ERASED_CUSTOMER) : STR_LIT(ERASED_AGENT),
                           .id = customer ? STR_LIT(CUSTOMER_ID) : STR_LIT(AGENT_ID),
                           .actor = STR_LIT("王经理"),
                           .reason = STR_LIT("asked for it"),
                           .at_ms = T0 + 50 * DAY};
    if (!customer) {
        t.name = STR_LIT(AGENT_NAME);
        t.employee_no = STR_LIT(AGENT_NUMBER);
    }
    return t;
}

static void ask_for(struct scene *s, int ask)
{
    struct arena arena = {0};
    struct memory_row rows[2];
    size_t n = 0;
    for (int k = 0; k < 2; k++) {
        struct erase_task t = task_of(k == 1);
        if (ask & (k ? ASK_CUSTOMER : ASK_AGENT))
            rows[n++] = erase_row(&t, &arena);
    }
    struct commit c = {.memory = rows, .memory_n = n}, *list[] = {&c};
    struct store *store = store_open(s->d->w->dir, &s->d->e);
    assert_non_null(store);
    store_write(store, list, 1);
    assert_int_equal(c.result, COMMIT_DONE);
    store_close(store);
    arena_fini(&arena);
}

static void put_back(struct scene *s, struct str file)
{
    static const char *const others[] = {"kefu.db-wal", "kefu.db-shm"};
    char path[200];
    for (size_t i = 0; i < 2; i++) {
        path_of(s, path, others[i]);
        (void)unlink(path);
    }
    path_of(s, path, "kefu.db");
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, file.p, file.n) == (ssize_t)file.n);
    close(fd);
}

void scene_back(struct scene *s, int ask)
{
    char path[200];
    put_back(s, buf_str(s->kept[ask].n ? &s->kept[ask] : &s->kept[0]));
    if (s->kept[ask].n)
        return;
    ask_for(s, ask);
    path_of(s, path, "kefu.db");
    read_path(path, &s->kept[ask]);
}

int scene_erase(struct scene *s, const char *vfs, struct err *e)
{
    bool redis = false;
    struct store *store = store_open_vfs(s->d->w->dir, vfs, e);
    if (!store)
        return -1;
    int bad = erase_at_start(store, key, &redis, e);
    assert_true(bad || redis);
    store_close(store);
    return bad;
}

enum erase_stage scene_stage(struct scene *s, const char *person)
{
    char path[200], *blob = NULL, sql[120];
    struct db db = {0};
    path_of(s, path, "kefu.db");
    snprintf(sql, sizeof sql, "SELECT hex(substr(blob, 1, 1)) FROM memory WHERE rule = 'erase' AND subject = '%s'",
             person);
    assert_int_equal(db_open_read_only(&db, path, NULL, &s->d->e), 0);
    assert_int_equal(db_ask_text(&db, sql, &blob, &s->d->e), 0);
    enum erase_stage stage = (enum erase_stage)strtol(blob, NULL, 16); /* erase_row's first byte */
    free(blob);
    db_close(&db);
    return stage;
}
