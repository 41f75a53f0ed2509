/* Turns the machines of collectors/puller.h and counts what hooks tell. Keeps true: a machine moves on only when what it
 * brought is durable, so a crash between any two steps costs a question and never an event. It refuses to ask faster when
 * asking fails. */
#include "kefu/daemon/collect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/fetch.h"
#include "kefu/base/fetch_url.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/base/sign.h"
#include "kefu/collectors/puller.h"
#include "kefu/store/reader.h"
#include "kefu/store/rows.h"

#define RETRY_MIN_MS INT64_C(1000)
#define RETRY_MAX_MS INT64_C(300000)
#define REST_MAX_S   INT64_C(3600) /* that a platform may ask for */
#define LOG_EVERY_MS INT64_C(60000)
#define WAIT_MAX_MS  INT64_C(60000) /* at a time, so that a wall clock that was set is noticed */

/* One collector: what it has been, and its machine. Lives until its last batch is back. */
struct one {
    struct collect *collect;
    struct one *next;
    char name[ROSTER_NAME_MAX + 1];
    const struct collector *c; /* NULL: it is gone */
    const struct puller *puller;
    void *state;
    struct fetch_call *call;
    struct event *timer;
    bool flying; /* a batch of it is under way */
    bool stale;  /* that batch was of a machine that is gone */
    int failures_n;
    int64_t rest_until_mono_ms; /* after a failure; 0: none */
    char trouble[200];
    char passed_over[160]; /* what asking goes on without; "": nothing */
    struct log_limit limit;
    struct pull_ask ask;
    struct collect_state told;
};

struct collect {
    struct collect_options o;
    char *db_path;
    struct sign *sign;
    struct fetch *fetch;
    struct hook_door door;
    const struct roster *roster;
    struct one *list; /* those of the roster, and those whose last batch is under way */
    bool stopped;
};

static int64_t now_of(const struct collect *c)
{
    return clock_wall_ms(&c->o.clock);
}

static void turn(struct one *o);

static void arm(struct one *o, int64_t in_ms)
{
    in_ms = in_ms < 0 ? 0 : in_ms > WAIT_MAX_MS ? WAIT_MAX_MS : in_ms;
    struct timeval tv = {in_ms / 1000, in_ms % 1000 * 1000};
    evtimer_add(o->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    turn(arg);
}

/* --- one ---------------------------------------------------------------------------------------------------------- */

static struct one *one_find(const struct collect *c, struct str name)
{
    for (struct one *o = c->list; o; o = o->next) {
        if (str_eq(str_of(o->name), name)) {
            return o;
        }
    }
    return NULL;
}

static struct one *one_new(struct collect *c, struct str name)
{
    struct one *o = xcalloc(1, sizeof(*o));
    o->collect = c;
    snprintf(o->name, sizeof(o->name), "%.*s", STR_ARG(name));
    o->timer = evtimer_new(c->o.base, on_timer, o);
    o->told.last_ts = INT64_MIN;
    o->next = c->list;
    c->list = o;
    return o;
}

/* Takes its machine away. */
static void one_rest(struct one *o)
{
    if (o->call) {
        fetch_cancel(o->call);
        o->call = NULL;
    }
    if (o->state) {
        o->puller->end(o->state);
        o->state = NULL;
    }
    o->stale = o->flying;
    evtimer_del(o->timer);
    o->puller = NULL;
    o->c = NULL;
}

static void one_free(struct one *o)
{
    struct one **at = &o->collect->list;
    while (*at != o) {
        at = &(*at)->next;
    }
    *at = o->next;
    one_rest(o);
    event_free(o->timer);
    buf_fini(&o->ask.url);
    buf_fini(&o->ask.header);
    buf_fini(&o->ask.body);
    free(o);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* Asks nothing for so long. */
static void rest(struct one *o, int64_t wait_ms)
{
    o->rest_until_mono_ms = clock_mono_ms(&o->collect->o.clock) + wait_ms;
    arm(o, wait_ms);
}

static void failed(struct one *o, const struct err *why, int64_t retry_after_s)
{
    uint64_t suppressed_n;
    int shift = o->failures_n < 9 ? o->failures_n : 9;
    int64_t wait_ms = RETRY_MIN_MS << shift;
    wait_ms = wait_ms > RETRY_MAX_MS ? RETRY_MAX_MS : wait_ms;
    o->failures_n++;
    o->told.failed_n++;
    o->told.failing_since_ms = o->told.failing_since_ms ? o->told.failing_since_ms : now_of(o->collect);
    snprintf(o->trouble, sizeof(o->trouble), "%.60s: %.130s", why->where, why->what);
    if (log_every(&o->limit, clock_mono_ms(&o->collect->o.clock), LOG_EVERY_MS, &suppressed_n)) {
        log_line(LOG_LEVEL_WARN, "collect", "name=%s asked=0 error=\"%s\" failures=%d suppressed=%" PRIu64, o->name,
                 o->trouble, o->failures_n, suppressed_n);
    }
    retry_after_s = retry_after_s > REST_MAX_S ? REST_MAX_S : retry_after_s;
    rest(o, retry_after_s * 1000 > wait_ms ? retry_after_s * 1000 : wait_ms);
}

static void well(struct one *o)
{
    if (o->failures_n) {
        log_line(LOG_LEVEL_NOTE, "collect", "name=%s asked=1 failures=%d", o->name, o->failures_n);
    }
    o->failures_n = 0;
    o->rest_until_mono_ms = 0;
    snprintf(o->trouble, sizeof(o->trouble), "%s", o->passed_over);
    o->told.failing_since_ms = 0;
    o->told.asked_n++;
    o->told.asked_at_ms = now_of(o->collect);
}

static void count(struct one *o, const struct hook_told *t)
{
    o->told.accepted_n += t->accepted_n;
    o->told.duplicate_n += t->duplicate_n;
    o->told.rejected_n += t->rejected_n;
    o->told.ignored_n += t->ignored_n;
    o->told.last_ts = t->last_ts > o->told.last_ts ? t->last_ts : o->told.last_ts;
}

static void on_stored(struct batch *b)
{
    struct one *o = b->owner;
    struct hook_told told = {.end = HOOK_TAKEN};
    bool stored = b->result == BATCH_STORED;
    hook_count(b, &told);
    batch_free(b);
    o->flying = false;
    if (stored) {
        count(o, &told);
    }
    if (!o->c) {
        one_free(o);
        return;
    }
    if (o->stale) {
        o->stale = false;
        arm(o, 0);
        return;
    }
    if (!stored) {
        failed(o, &(struct err){.where = "our own queue or disk", .what = "is full"}, 1);
        return;
    }
    well(o);
    o->puller->stored(o->state, now_of(o->collect));
    if (!o->collect->stopped) {
        arm(o, 0);
    }
}

static void submit(struct one *o, const struct turned *out, const struct pull_got *got)
{
    struct ingest *in = o->collect->o.ingest;
    struct batch *b = hook_batch(out, in, "pull");
    char key[ROSTER_NAME_MAX + 8];
    o->told.ignored_n += turned_count(out, TURNED_IGNORED);
    b->done = on_stored;
    b->owner = o;
    if (got->position.n) {
        snprintf(key, sizeof(key), "pull/%s", o->name);
        b->position_key = arena_copy(&b->arena, str_of(key));
        b->position = arena_copy(&b->arena, buf_str(&got->position));
    }
    o->flying = true;
    if (in->submit(in, b) < 0) {
        b->result = BATCH_FULL;
        on_stored(b);
    }
}

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct one *o = arg;
    struct turned out;
    struct pull_got got = {.out = &out};
    struct err why = a->why;
    o->call = NULL;
    if (a->status == 0) {
        failed(o, &why, 0);
        return;
    }
    turned_init(&out, o->c->name, o->c->people);
    if (o->puller->take(o->state, a, &got, &why) < 0) {
        failed(o, &why, a->retry_after_s);
    } else {
        if (got.gap_to_ms) {
            o->told.gap_from_ms = got.gap_from_ms;
            o->told.gap_to_ms = got.gap_to_ms;
            o->told.gaps_n++;
            log_line(LOG_LEVEL_ERROR, "collect", "name=%s gap_from=%" PRId64 " gap_to=%" PRId64, o->name,
                     got.gap_from_ms, got.gap_to_ms);
        }
        if (got.trouble[0] && strcmp(got.trouble, o->passed_over) != 0) {
            log_line(LOG_LEVEL_WARN, "collect", "name=%s passed_over=\"%s\"", o->name, got.trouble);
        }
        memcpy(o->passed_over, got.trouble, sizeof(o->passed_over));
        submit(o, &out, &got);
    }
    buf_fini(&got.position);
    turned_fini(&out);
}

/* The host of its url, with the port if it is not the scheme's, as a list of one. */
static struct str host_of(const struct collector *c, char room[300])
{
    struct fetch_url u;
    if (fetch_url_read(c->url, &u, NULL) < 0) {
        return (struct str){"", 0};
    }
    int n = snprintf(room, 300, "%.*s:%u", STR_ARG(u.host), u.port);
    return (struct str){room, (size_t)n};
}

static void ask(struct one *o)
{
    char room[300];
    struct err why;
    struct str host = host_of(o->c, room);
    struct fetch_header headers[] = {{"Content-Type", STR_LIT("application/json")},
                                     {o->ask.header_name, buf_str(&o->ask.header)}};
    struct fetch_request r = {.method = o->ask.post ? "POST" : "GET",
                              .url = buf_str(&o->ask.url),
                              .headers = headers,
                              .headers_n = o->ask.header_name ? 2 : 1,
                              .body = buf_str(&o->ask.body),
                              .reach = {&host, 1, o->c->allow_private},
                              .answer_max_bytes = (size_t)16 << 20,
                              .timeout_ms = 30000,
                              .done = on_answer,
                              .arg = o};
    o->call = fetch_send(o->collect->fetch, &r, &why);
    if (!o->call) {
        failed(o, &why, 0);
    }
}

static void turn(struct one *o)
{
    int64_t now_ms = now_of(o->collect), due_ms = now_ms;
    int64_t rest_ms = o->rest_until_mono_ms - clock_mono_ms(&o->collect->o.clock);
    if (o->collect->stopped || o->call || o->flying || !o->state) {
        return;
    }
    if (o->failures_n && rest_ms > 0) {
        arm(o, rest_ms);
        return;
    }
    o->ask.url.n = o->ask.header.n = o->ask.body.n = 0;
    o->ask.header_name = NULL;
    o->ask.post = false;
    if (o->puller->next(o->state, now_ms, &o->ask, &due_ms)) {
        ask(o);
    } else {
        arm(o, due_ms - now_ms);
    }
}

/* --- hooks -------------------------------------------------------------------------------------------------------- */

static const struct collector *find(void *arg, struct str name)
{
    const struct collect *c = arg;
    return c->roster ? roster_find(c->roster, name) : NULL;
}

static void refused(struct one *o, const struct err *why)
{
    uint64_t suppressed_n;
    o->told.refused_n++;
    if (log_every(&o->limit, clock_mono_ms(&o->collect->o.clock), LOG_EVERY_MS, &suppressed_n)) {
        log_line(LOG_LEVEL_WARN, "hook_refused", "name=%s where=\"%s\" error=\"%s\" suppressed=%" PRIu64, o->name,
                 why->where, why->what, suppressed_n);
    }
}

static void tell(void *arg, const struct hook_told *t)
{
    struct collect *c = arg;
    struct one *o = one_find(c, t->name);
    if (!o) {
        return;
    }
    if (t->end == HOOK_REFUSED) {
        refused(o, t->why);
        return;
    }
    if (t->end == HOOK_FULL) {
        o->told.full_n++;
        return;
    }
    o->told.deliveries_n++;
    o->told.heard_at_ms = now_of(c);
    count(o, t);
    if (t->ring.p && o->state && o->puller->ring) {
        o->puller->ring(o->state, t->ring);
        if (!o->failures_n) {
            arm(o, 0);
        }
    }
}

/* --- who ---------------------------------------------------------------------------------------------------------- */

static bool is_asked(const struct collector *c)
{
    return c->platform->puller && c->url.n > 0 && c->token.n > 0;
}

static int load_libraries(struct collect *c, const struct roster *roster, struct err *e)
{
    bool asks = false;
    for (size_t i = 0; i < roster->n; i++) {
        asks |= is_asked(&roster->list[i]);
    }
    if (roster->n > 0 && !c->sign) {
        c->sign = sign_new(e);
    }
    if (asks && !c->fetch) {
        c->fetch = fetch_new(c->o.base, e);
    }
    return (roster->n > 0 && !c->sign) || (asks && !c->fetch) ? -1 : 0;
}

/* Where each of them that is asked left off. */
static int read_positions(const struct collect *c, const struct roster *roster, struct str *positions, struct err *e)
{
    struct reader reader;
    int status = 0;
    if (reader_open(&reader, c->db_path, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < roster->n && status == 0; i++) {
        char key[ROSTER_NAME_MAX + 24];
        snprintf(key, sizeof(key), "position/pull/%.*s", STR_ARG(roster->list[i].name));
        status = rows_get(&reader.db, str_of(key), &positions[i], e);
    }
    reader_close(&reader);
    return status;
}

static void start_one(struct collect *c, const struct collector *of, struct str position)
{
    struct one *o = one_find(c, of->name);
    o = o ? o : one_new(c, of->name);
    o->c = of;
    if (is_asked(of)) {
        o->puller = of->platform->puller;
        o->state = o->puller->start(of, position, now_of(c));
        o->failures_n = 0;
        o->rest_until_mono_ms = 0;
        o->trouble[0] = 0;
        o->told.failing_since_ms = 0;
        arm(o, 0);
    }
}

static void let_go(struct collect *c)
{
    for (struct one *o = c->list, *next; o; o = next) {
        next = o->next;
        one_rest(o);
    }
}

/* Those that no roster has any more. */
static void sweep_out(struct collect *c)
{
    for (struct one *o = c->list, *next; o; o = next) {
        next = o->next;
        if (!o->c && !o->flying) {
            one_free(o);
        }
    }
}

int collect_adopt(struct collect *c, const struct roster *roster, struct err *e)
{
    struct str positions[ROSTER_MAX] = {{NULL, 0}};
    int status = 0;
    if (load_libraries(c, roster, e) < 0 || (roster->n > 0 && read_positions(c, roster, positions, e) < 0)) {
        status = -1;
        goto out;
    }
    let_go(c);
    for (size_t i = 0; i < roster->n; i++) {
        start_one(c, &roster->list[i], positions[i]);
    }
    sweep_out(c);
    c->roster = roster;
    c->door.sign = c->sign;
out:
    for (size_t i = 0; i < ROSTER_MAX; i++) {
        free((char *)positions[i].p);
    }
    return status;
}

struct collect *collect_new(const struct collect_options *o)
{
    struct collect *c = xcalloc(1, sizeof(*c));
    c->o = *o;
    c->db_path = xstrndup(o->db_path, strlen(o->db_path));
    c->door = (struct hook_door){.ingest = o->ingest, .find = find, .tell = tell, .arg = c};
    return c;
}

void collect_stop(struct collect *c)
{
    c->stopped = true;
    for (struct one *o = c->list; o; o = o->next) {
        if (o->call) {
            fetch_cancel(o->call);
            o->call = NULL;
        }
        evtimer_del(o->timer);
    }
}

void collect_free(struct collect *c)
{
    if (!c) {
        return;
    }
    for (struct one *o = c->list, *next; o; o = next) {
        next = o->next;
        one_free(o);
    }
    fetch_free(c->fetch);
    sign_free(c->sign);
    free(c->db_path);
    free(c);
}

struct hook_door *collect_door(struct collect *c)
{
    return &c->door;
}

size_t collect_n(const struct collect *c)
{
    return c->roster ? c->roster->n : 0;
}

void collect_at(const struct collect *c, size_t i, struct collect_state *out)
{
    const struct collector *of = &c->roster->list[i];
    const struct one *o = one_find(c, of->name);
    *out = o->told;
    out->name = of->name;
    out->platform = str_of(of->platform->name);
    out->asks = o->state != NULL;
    out->trouble = o->trouble;
}
