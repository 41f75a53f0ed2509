/* The publisher.
 *
 * It keeps true that for every agent the latest snapshot is either confirmed by Redis or will be sent, whatever happens to
 * the connection; that snapshots of one agent go out in order; and that Redis is not taken for up to date when meta does
 * not hold our epoch: then everything goes out again. Everything is asynchronous; a slow Redis only makes snapshots older. */
#include "kefu/publish/redis.h"

#include <assert.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/base/redis_conn.h"
#include "kefu/base/tz.h"
#include "kefu/publish/roster.h"
#include "kefu/publish/snapshot.h"

#define DAY_MS     INT64_C(86400000)
#define TICK_S     5    /* alive, the look at meta, what was refused */
#define PAUSE_S    1    /* after an error that passes */
#define ALIVE_S    "15" /* life of the key `alive` */
#define TRIM_MS    INT64_C(3600000)
#define PREFIX_MAX 128

struct publisher {
    struct event_base *base; /* borrowed */
    struct redis_conn *conn;
    struct lane *lane;
    struct lane_handlers handlers;
    struct event *tick;
    struct event *pause;
    struct roster *roster;
    bool live; /* set up: script loaded, meta ours */
    bool setting_up;
    bool paused;
    bool told;  /* an error was logged since the last tick */
    bool clean; /* the streams are to be made anew at the next setting up */
    void (*cleaned)(void *arg);
    void *cleaned_arg;
    bool complete; /* all agents there are have been given */
    bool sweep_wanted;
    bool sweeping;
    bool meta_dirty;
    bool stopping;
    struct clock clock;
    int64_t stream_keep_ms; /* 0: whatever their age */
    int64_t trim_mono_ms;   /* streams are cut by age again */
    char sha[64];           /* of the script; "" until loaded */
    char epoch[20];         /* "" until meta was written once */
    char period[16];        /* "" until an agent was given */
    struct buf rulebook;
    struct buf prefix;
    struct buf version;
    struct buf scratch; /* the command being built */
    uint64_t seq;       /* the highest seen */
    uint64_t snapshots_n, effects_n, errors_n;
};

static void pump(struct publisher *p);
static void set_up(struct publisher *p);

/* ---- commands ---- */

typedef void reply_fn(void *arg, uint64_t tag, const struct redisReply *reply);

static int ask(struct publisher *p, const struct str *words, size_t n, reply_fn *back)
{
    p->scratch.n = 0;
    redis_put_count(&p->scratch, n);
    for (size_t i = 0; i < n; i++)
        redis_put_arg(&p->scratch, words[i]);
    return redis_conn_send(p->conn, buf_str(&p->scratch), &(struct redis_call){back, p, 0});
}
#define WORDS(...) (struct str[]){__VA_ARGS__}, sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str)

/* PREFIX and a name, in the caller's storage. */
static struct str key(const struct publisher *p, char *out, const char *name)
{
    int n = snprintf(out, PREFIX_MAX + 32, "%.*s%s", STR_ARG(buf_str(&p->prefix)), name);
    return (struct str){out, (size_t)n};
}

static void pause_a_while(struct publisher *p)
{
    p->paused = true;
    (void)event_add(p->pause, &(struct timeval){PAUSE_S, 0});
}

/* What every reply goes through. True: it was a success. */
static bool fine(struct publisher *p, const struct redisReply *reply, const char *what)
{
    enum answer answer = redis_answer(reply);
    if (answer == ANSWER_OK)
        return true;
    if (answer == ANSWER_LOST)
        return false;
    p->errors_n++;
    if (!p->told)
        log_line(LOG_LEVEL_WARN, "redis_error", "doing=\"%s\" what=\"%s\" errors=%" PRIu64, what, redis_error(reply),
                 p->errors_n);
    p->told = true;
    if (answer == ANSWER_ELSEWHERE)
        redis_conn_drop(p->conn, redis_error(reply));
    else if (answer == ANSWER_LATER)
        pause_a_while(p);
    return false;
}

/* ---- snapshots ---- */

/* Agent and version travel with the command as one number. */
#define VERSION_BITS 40

static void on_snapshot(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct publisher *p = arg;
    uint32_t agent = (uint32_t)(tag >> VERSION_BITS);
    if (fine(p, reply, "snapshot")) {
        roster_confirm(p->roster, agent, tag & ((UINT64_C(1) << VERSION_BITS) - 1));
        p->snapshots_n++;
    } else {
        roster_refuse(p->roster, agent);
    }
    if (redis_answer(reply) == ANSWER_NO_SCRIPT && p->live) {
        p->live = false;
        set_up(p);
    }
    pump(p);
}

static int send_snapshot(struct publisher *p, const struct shown *s)
{
    struct buf *b = &p->scratch;
    uint64_t tag = (uint64_t)s->agent << VERSION_BITS | s->version;
    b->n = 0;
    redis_put_count(b, 2 + s->snapshot->args_n);
    redis_put_arg(b, STR_LIT("EVALSHA"));
    redis_put_arg(b, str_of(p->sha));
    buf_put_str(b, buf_str(&s->snapshot->args));
    return redis_conn_send(p->conn, buf_str(b), &(struct redis_call){on_snapshot, p, tag});
}

/* ---- meta ---- */

static void on_meta(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct publisher *p = arg;
    (void)tag;
    if (!fine(p, reply, "meta"))
        p->meta_dirty = true;
}

static void send_meta(struct publisher *p)
{
    char meta[PREFIX_MAX + 32];
    p->meta_dirty = ask(p,
                        WORDS(STR_LIT("HSET"), key(p, meta, "meta"), STR_LIT("rulebook"), buf_str(&p->rulebook),
                              STR_LIT("period"), str_of(p->period)),
                        on_meta) != 0;
}

static void note_period(struct publisher *p, const struct agent_view *v)
{
    char period[16];
    civil_print_month(period, sizeof period, v->month);
    if (strcmp(period, p->period) == 0 && str_eq(buf_str(&p->rulebook), v->rulebook->name))
        return;
    memcpy(p->period, period, sizeof period);
    p->rulebook.n = 0;
    buf_put_str(&p->rulebook, v->rulebook->name);
    p->meta_dirty = true;
}

/* ---- taking out agents that are no more ---- */

static void put_glob(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] && strchr("*?[]\\", s.p[i]))
            buf_put_byte(b, '\\');
        buf_put_byte(b, (uint8_t)s.p[i]);
    }
}

static void on_swept(void *arg, uint64_t tag, const struct redisReply *reply);

static void sweep_from(struct publisher *p, struct str cursor)
{
    struct buf pattern = {0};
    put_glob(&pattern, buf_str(&p->prefix));
    buf_put_str(&pattern, STR_LIT("agent:*"));
    p->sweeping =
        ask(p, WORDS(STR_LIT("SCAN"), cursor, STR_LIT("MATCH"), buf_str(&pattern), STR_LIT("COUNT"), STR_LIT("1000")),
            on_swept) == 0;
    p->sweep_wanted = !p->sweeping;
    buf_fini(&pattern);
}

static void on_swept(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct publisher *p = arg;
    size_t head_n = p->prefix.n + strlen("agent:");
    (void)tag;
    p->sweeping = false;
    if (!fine(p, reply, "sweep") || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        p->sweep_wanted = true;
        return;
    }
    for (size_t i = 0; i < reply->element[1]->elements; i++) {
        const redisReply *found = reply->element[1]->element[i];
        if ((size_t)found->len <= head_n)
            continue;
        struct str id = {found->str + head_n, (size_t)found->len - head_n};
        if (!roster_knows(p->roster, id))
            roster_take_out(p->roster, id, p->seq);
    }
    const redisReply *cursor = reply->element[0];
    if (strcmp(cursor->str, "0") != 0)
        sweep_from(p, str_of(cursor->str));
    pump(p);
}

/* ---- sending what waits ---- */

static void pump(struct publisher *p)
{
    if (!p->live || p->paused || p->stopping)
        return;
    lane_go(p->lane);
    if (p->meta_dirty)
        send_meta(p);
    if (p->sweep_wanted && !p->sweeping)
        sweep_from(p, STR_LIT("0"));
    struct shown s;
    while (roster_next(p->roster, &s) && send_snapshot(p, &s) == 0)
        roster_sent(p->roster); /* without room: the next reply comes back here */
}

/* ---- setting up a connection ---- */

static void send_alive(struct publisher *p)
{
    char alive[PREFIX_MAX + 32];
    (void)ask(p, WORDS(STR_LIT("SET"), key(p, alive, "alive"), str_of(p->epoch), STR_LIT("EX"), STR_LIT(ALIVE_S)),
              NULL);
}

/* Streams are cut by age some times a day; by length at each entry. */
static void trim_by_age(struct publisher *p)
{
    int64_t mono_ms = clock_mono_ms(&p->clock);
    if (!p->stream_keep_ms || mono_ms < p->trim_mono_ms)
        return;
    p->trim_mono_ms = mono_ms + TRIM_MS;
    lane_trim(p->lane, clock_wall_ms(&p->clock) - p->stream_keep_ms);
}

static void go_live(struct publisher *p)
{
    p->live = true;
    send_alive(p);
    lane_set_live(p->lane, true);
    trim_by_age(p);
    roster_retry(p->roster);
    pump(p);
}

static void on_begun(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct publisher *p = arg;
    (void)tag;
    p->setting_up = false;
    if (!fine(p, reply, "setting up")) {
        p->epoch[0] = '\0'; /* whether it is there is not known */
        return;
    }
    log_line(LOG_LEVEL_NOTE, "redis_from_scratch", "epoch=%s", p->epoch);
    if (p->clean && p->cleaned)
        p->cleaned(p->cleaned_arg);
    p->clean = false;
    roster_unsend(p->roster, true);
    p->sweep_wanted = p->complete;
    lane_start_over(p->lane);
    go_live(p);
}

/* Their entries name whom the store does not know any more; the lane fills them again. */
static int drop_streams(struct publisher *p)
{
    char tiers[PREFIX_MAX + 32], alerts[PREFIX_MAX + 32];
    return ask(p, WORDS(STR_LIT("DEL"), key(p, tiers, "tiers"), key(p, alerts, "alerts")), NULL);
}

/* Writes meta under a new epoch; all that is shown goes out after it. */
static void begin_anew(struct publisher *p)
{
    uint64_t random;
    char meta[PREFIX_MAX + 32];
    char seq[24];
    digest_random(&random, sizeof random);
    (void)snprintf(p->epoch, sizeof p->epoch, "%016" PRIx64, random);
    (void)snprintf(seq, sizeof seq, "%" PRIu64, p->seq);
    struct str k = key(p, meta, "meta");
    p->live = false;
    p->setting_up = true;
    lane_set_live(p->lane, false);
    p->meta_dirty = p->period[0] != '\0';
    bool sent = ask(p, WORDS(STR_LIT("MULTI")), NULL) == 0 && ask(p, WORDS(STR_LIT("DEL"), k), NULL) == 0 &&
                (!p->clean || drop_streams(p) == 0) &&
                ask(p,
                    WORDS(STR_LIT("HSET"), k, STR_LIT("version"), buf_str(&p->version), STR_LIT("contract"),
                          STR_LIT(PUBLISHER_CONTRACT), STR_LIT("epoch"), str_of(p->epoch), STR_LIT("seq"), str_of(seq)),
                    NULL) == 0 &&
                ask(p, WORDS(STR_LIT("EXEC")), on_begun) == 0;
    if (!sent)
        redis_conn_drop(p->conn, "no room for setting up"); /* MULTI may be open: not to be gone on with */
}

/* Is meta still ours? If not, Redis was flushed, replaced, or taken by another publisher. */
static bool is_ours(const struct publisher *p, const struct redisReply *reply)
{
    return p->epoch[0] && reply->type == REDIS_REPLY_STRING && strcmp(reply->str, p->epoch) == 0;
}

static void on_epoch(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct publisher *p = arg;
    (void)tag;
    p->setting_up = false;
    if (!fine(p, reply, "reading meta") || !p->sha[0])
        return;
    if (!is_ours(p, reply))
        begin_anew(p);
    else if (!p->live)
        go_live(p);
}

static void ask_epoch(struct publisher *p)
{
    char meta[PREFIX_MAX + 32];
    p->setting_up = ask(p, WORDS(STR_LIT("HGET"), key(p, meta, "meta"), STR_LIT("epoch")), on_epoch) == 0;
}

static void on_script(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct publisher *p = arg;
    (void)tag;
    if (fine(p, reply, "loading the script") && reply->type == REDIS_REPLY_STRING)
        (void)snprintf(p->sha, sizeof p->sha, "%s", reply->str);
}

/* What does not succeed here is tried again at the next tick. */
static void set_up(struct publisher *p)
{
    p->sha[0] = '\0';
    if (ask(p, WORDS(STR_LIT("SCRIPT"), STR_LIT("LOAD"), str_of(snapshot_script)), on_script) == 0)
        ask_epoch(p);
}

static void on_ready(void *arg, bool fresh)
{
    struct publisher *p = arg;
    if (fresh)
        p->epoch[0] = '\0';
    set_up(p);
}

static void on_lost(void *arg)
{
    struct publisher *p = arg;
    p->live = false;
    p->setting_up = false;
    p->sweep_wanted = p->sweep_wanted || p->sweeping;
    p->sweeping = false;
    lane_set_live(p->lane, false);
    roster_unsend(p->roster, false);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct publisher *p = arg;
    (void)fd;
    (void)what;
    p->told = false;
    if (!redis_conn_is_ready(p->conn) || p->setting_up)
        return;
    if (!p->live) {
        set_up(p);
        return;
    }
    send_alive(p);
    ask_epoch(p);
    trim_by_age(p);
    lane_retry(p->lane);
    roster_retry(p->roster);
    pump(p);
}

static void on_pause_end(evutil_socket_t fd, short what, void *arg)
{
    struct publisher *p = arg;
    (void)fd;
    (void)what;
    p->paused = false;
    lane_retry(p->lane);
    roster_retry(p->roster);
    pump(p);
}

static void on_effect_sent(void *arg, uint64_t number)
{
    struct publisher *p = arg;
    p->effects_n++;
    p->handlers.sent(p->handlers.arg, number);
}

static void on_resend(void *arg, struct str stream, int64_t after_ms, uint64_t after_n)
{
    struct publisher *p = arg;
    p->handlers.resend(p->handlers.arg, stream, after_ms, after_n);
}

static void on_due(void *arg)
{
    pump(arg);
}

/* ---- what the header shows ---- */

static void start_timers(struct publisher *p)
{
    p->tick = event_new(p->base, -1, EV_PERSIST, on_tick, p);
    p->pause = evtimer_new(p->base, on_pause_end, p);
    assert(p->tick && p->pause);
    (void)event_add(p->tick, &(struct timeval){TICK_S, 0});
}

static struct publisher *make(struct event_base *base, const struct publisher_options *o, const struct lane_handlers *h)
{
    struct publisher *p = xcalloc(1, sizeof *p);
    p->base = base;
    p->handlers = *h;
    p->clock = o->clock;
    p->stream_keep_ms = o->stream_keep_days * DAY_MS;
    p->clean = o->clean;
    p->cleaned = o->cleaned;
    p->cleaned_arg = o->cleaned_arg;
    buf_put_str(&p->prefix, o->prefix.n ? o->prefix : STR_LIT("{kefu}:"));
    buf_put_str(&p->version, o->version);
    p->roster = roster_new(base, buf_str(&p->prefix), on_due, p);
    return p;
}

struct publisher *publisher_new(struct event_base *base, const struct publisher_options *o,
                                const struct lane_handlers *h, struct err *e)
{
    if (o->prefix.n > PREFIX_MAX || (o->prefix.n && memchr(o->prefix.p, '\0', o->prefix.n))) {
        (void)err_set(e, "", "redis prefix: expected up to %d bytes, none of them zero", PREFIX_MAX);
        return NULL;
    }
    struct publisher *p = make(base, o, h);
    struct redis_conn_options conn = {.address = o->address, .username = o->username, .password = o->password};
    p->conn = redis_conn_new(base, &conn, &(struct redis_conn_handlers){on_ready, on_lost, p}, e);
    if (!p->conn) {
        publisher_free(p);
        return NULL;
    }
    struct lane_options lane = {buf_str(&p->prefix), o->stream_max_n ? o->stream_max_n : 100000};
    p->lane = lane_new(p->conn, &lane, &(struct lane_handlers){on_effect_sent, on_resend, p});
    start_timers(p);
    return p;
}

void publisher_free(struct publisher *p)
{
    if (!p)
        return;
    p->stopping = true;
    p->live = false;
    redis_conn_free(p->conn);
    lane_free(p->lane);
    roster_free(p->roster);
    if (p->tick)
        event_free(p->tick);
    if (p->pause)
        event_free(p->pause);
    buf_fini(&p->rulebook);
    buf_fini(&p->prefix);
    buf_fini(&p->version);
    buf_fini(&p->scratch);
    free(p);
}

void publisher_agent(struct publisher *p, const struct agent_view *v)
{
    roster_put(p->roster, v);
    p->seq = v->seq > p->seq ? v->seq : p->seq;
    note_period(p, v);
    pump(p);
}

void publisher_forget(struct publisher *p, struct str agent)
{
    roster_take_out(p->roster, agent, p->seq);
    pump(p);
}

void publisher_complete(struct publisher *p)
{
    p->complete = true;
    p->sweep_wanted = true;
    pump(p);
}

int publisher_effect(struct publisher *p, const struct effect *e)
{
    return lane_add(p->lane, e);
}

void publisher_state(const struct publisher *p, struct publisher_state *out)
{
    *out = (struct publisher_state){.why = redis_conn_why(p->conn),
                                    .live = p->live,
                                    .effects_waiting_n = lane_waiting(p->lane),
                                    .snapshots_n = p->snapshots_n,
                                    .effects_n = p->effects_n,
                                    .errors_n = p->errors_n};
    roster_count(p->roster, &out->agents_n, &out->agents_waiting_n);
}
