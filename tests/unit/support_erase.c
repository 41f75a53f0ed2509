/* Lives the scene of the tests of erasing, puts it back, erases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/rules/tier.h"
#include "kefu/store/db.h"
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

const uint8_t scene_key[DIGEST_KEY_BYTES];

static struct str customer_hash(struct batch *b, const char *id)
{
    uint8_t hash[DIGEST_KEYED_BYTES];
    digest_keyed(hash, scene_key, str_of(id));
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

/* --- for cmocka ----------------------------------------------------------------------------------------------------- */

int scene_setup(void **state)
{
    struct scene *s = xcalloc(1, sizeof *s);
    void *w = NULL;
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
    scene_read(s, "kefu.db", &s->kept[0]);
    scene_note(s);
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
        scene_path(s, path, others[i]);
        (void)unlink(path);
    }
    scene_path(s, path, "kefu.db");
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, file.p, file.n) == (ssize_t)file.n);
    close(fd);
}

void scene_back(struct scene *s, int ask)
{
    put_back(s, buf_str(s->kept[ask].n ? &s->kept[ask] : &s->kept[0]));
    if (s->kept[ask].n)
        return;
    ask_for(s, ask);
    scene_read(s, "kefu.db", &s->kept[ask]);
}

int scene_erase(struct scene *s, const char *vfs, struct err *e)
{
    bool redis = false;
    struct store *store = store_open_vfs(s->d->w->dir, vfs, e);
    if (!store)
        return -1;
    assert_int_equal(db_exec(store_db(store), "PRAGMA secure_delete = OFF"), SQLITE_OK);
    int bad = erase_at_start(store, scene_key, &redis, e);
    assert_true(bad || redis);
    if (!bad && s->gone)
        scene_assert_no_byte(s, s->gone);
    store_close(store);
    return bad;
}

enum erase_stage scene_stage(struct scene *s, const char *person)
{
    char path[200], *blob = NULL, sql[120];
    struct db db = {0};
    scene_path(s, path, "kefu.db");
    snprintf(sql, sizeof sql, "SELECT hex(substr(blob, 1, 1)) FROM memory WHERE rule = 'erase' AND subject = '%s'",
             person);
    assert_int_equal(db_open_read_only(&db, path, NULL, &s->d->e), 0);
    assert_int_equal(db_ask_text(&db, sql, &blob, &s->d->e), 0);
    enum erase_stage stage = (enum erase_stage)strtol(blob, NULL, 16); /* erase_row's first byte */
    free(blob);
    db_close(&db);
    return stage;
}
