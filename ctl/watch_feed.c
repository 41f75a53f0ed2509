/* Looks at Redis in rounds: who is there (every tenth round, by SCAN), then a hash each. Keeps true: what is shown is one whole
 * round; a round that met a lost connection or an error is thrown away. */
#include "kefu/ctl/watch_feed.h"

#include <assert.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"
#include "kefu/base/redis_conn.h"

#define LOOK_S       1
#define SCAN_EACH    10 /* so-manieth round asks who is there */
#define AGENT_PREFIX "agent:"

enum { ASKED_META = 1, ASKED_ALIVE, ASKED_ONE, ASKED_WHO, ASKED_AGENT };

struct watch_feed {
    struct redis_conn *conn;
    struct event *timer;
    void (*changed)(void *arg);
    void *arg;
    struct buf prefix, who, scratch;
    bool connected;
    bool failed; /* the round is of no use */
    char error[160];
    unsigned rounds_n;
    size_t asked_n;  /* replies still to come */
    size_t sent_n;   /* of ids, in this round */
    struct str *ids; /* owned; in ids_arena */
    size_t ids_n, ids_cap;
    struct arena ids_arena;
    struct watch_data *next; /* being gathered */
    struct watch_data *shown;
};

static void on_reply(void *arg, uint64_t what, const struct redisReply *r);

static void data_free(struct watch_data *d)
{
    if (d)
        arena_fini(&d->arena);
    free(d);
}

static int ask(struct watch_feed *f, uint64_t tag, const struct str *words, size_t n)
{
    f->scratch.n = 0;
    redis_put_count(&f->scratch, n);
    for (size_t i = 0; i < n; i++)
        redis_put_arg(&f->scratch, words[i]);
    int refused = redis_conn_send(f->conn, buf_str(&f->scratch), &(struct redis_call){on_reply, f, tag});
    f->asked_n += refused == 0;
    return refused;
}
#define WORDS(...) (struct str[]){__VA_ARGS__}, sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str)

/* PREFIX and two more, in the round's arena. */
static struct str key(struct watch_feed *f, const char *kind, struct str id)
{
    struct buf b = {0};
    buf_put_str(&b, buf_str(&f->prefix));
    buf_put(&b, kind, strlen(kind));
    buf_put_str(&b, id);
    struct str kept = arena_copy(&f->next->arena, buf_str(&b));
    buf_fini(&b);
    return kept;
}

/* ---- rounds ---- */

static void ask_who(struct watch_feed *f, struct str cursor)
{
    struct buf pattern = {0};
    struct str prefix = buf_str(&f->prefix);
    for (size_t i = 0; i < prefix.n; i++) {
        if (strchr("*?[]\\", prefix.p[i]))
            buf_put_byte(&pattern, '\\');
        buf_put_byte(&pattern, (uint8_t)prefix.p[i]);
    }
    buf_put(&pattern, AGENT_PREFIX "*", sizeof AGENT_PREFIX);
    if (ask(f, ASKED_WHO,
            WORDS(STR_LIT("SCAN"), cursor, STR_LIT("MATCH"), buf_str(&pattern), STR_LIT("COUNT"), STR_LIT("1000"))) !=
        0)
        f->failed = true;
    buf_fini(&pattern);
}

static void ask_agents(struct watch_feed *f)
{
    while (f->sent_n < f->ids_n) {
        if (ask(f, ASKED_AGENT + f->sent_n, WORDS(STR_LIT("HGETALL"), key(f, AGENT_PREFIX, f->ids[f->sent_n]))) != 0)
            return; /* the next reply comes back here */
        f->sent_n++;
    }
}

static void ask_all(struct watch_feed *f)
{
    f->sent_n = 0;
    if (f->rounds_n++ % SCAN_EACH == 0) {
        f->ids_n = 0;
        arena_reset(&f->ids_arena);
        f->sent_n = SIZE_MAX; /* until the last page of SCAN */
        ask_who(f, STR_LIT("0"));
        return;
    }
    ask_agents(f);
}

static void begin(struct watch_feed *f)
{
    struct str none = {0};
    if (!f->connected || f->asked_n)
        return;
    data_free(f->next);
    f->next = xcalloc(1, sizeof *f->next);
    f->failed = false;
    f->sent_n = SIZE_MAX;
    (void)ask(f, ASKED_META, WORDS(STR_LIT("HGETALL"), key(f, "meta", none)));
    (void)ask(f, ASKED_ALIVE, WORDS(STR_LIT("EXISTS"), key(f, "alive", none)));
    if (f->who.n)
        (void)ask(f, ASKED_ONE, WORDS(STR_LIT("HGETALL"), key(f, AGENT_PREFIX, buf_str(&f->who))));
    else
        ask_all(f);
}

static void end(struct watch_feed *f)
{
    if (!f->failed) {
        data_free(f->shown);
        f->shown = f->next;
        f->next = NULL;
        f->error[0] = '\0';
    }
    f->changed(f->arg);
}

/* ---- replies ---- */

static void read_hash(struct watch_feed *f, const redisReply *r, struct watch_hash *out)
{
    size_t n = r->type == REDIS_REPLY_ARRAY ? r->elements : 0;
    out->pairs = arena_alloc(&f->next->arena, (n + 1) * sizeof *out->pairs);
    out->pairs_n = n;
    for (size_t i = 0; i < n; i++)
        out->pairs[i] = arena_copy(&f->next->arena, (struct str){r->element[i]->str, (size_t)r->element[i]->len});
}

static void add_agent(struct watch_feed *f, const redisReply *r, struct str id)
{
    struct watch_data *d = f->next;
    if (r->type != REDIS_REPLY_ARRAY || !r->elements)
        return; /* gone since */
    if (d->agents_n % 64 == 0) {
        struct watch_hash *more = arena_alloc(&d->arena, (d->agents_n + 64) * sizeof *more);
        if (d->agents_n)
            memcpy(more, d->agents, d->agents_n * sizeof *more);
        d->agents = more;
    }
    struct watch_hash *h = &d->agents[d->agents_n++];
    h->id = arena_copy(&d->arena, id);
    read_hash(f, r, h);
}

static bool knows(const struct watch_feed *f, struct str id)
{
    for (size_t i = 0; i < f->ids_n; i++) {
        if (str_eq(f->ids[i], id))
            return true; /* SCAN may say a key twice */
    }
    return false;
}

static void on_who(struct watch_feed *f, const redisReply *r)
{
    size_t head_n = f->prefix.n + strlen(AGENT_PREFIX);
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2)
        return;
    for (size_t i = 0; i < r->element[1]->elements; i++) {
        const redisReply *found = r->element[1]->element[i];
        struct str id = {found->str + head_n, (size_t)found->len - head_n};
        if ((size_t)found->len <= head_n || knows(f, id))
            continue;
        xgrow(&f->ids, &f->ids_cap, f->ids_n + 1, sizeof *f->ids);
        f->ids[f->ids_n++] = arena_copy(&f->ids_arena, id);
    }
    if (strcmp(r->element[0]->str, "0") != 0) {
        ask_who(f, str_of(r->element[0]->str));
        return;
    }
    f->sent_n = 0;
    ask_agents(f);
}

static void take(struct watch_feed *f, uint64_t what, const redisReply *r)
{
    if (what == ASKED_META) {
        read_hash(f, r, &f->next->meta);
    } else if (what == ASKED_ALIVE) {
        f->next->alive = r->integer == 1;
    } else if (what == ASKED_ONE && r->elements) {
        f->next->one = true;
        add_agent(f, r, buf_str(&f->who));
    } else if (what == ASKED_ONE) {
        ask_all(f);
    } else if (what == ASKED_WHO) {
        on_who(f, r);
    } else {
        add_agent(f, r, f->ids[what - ASKED_AGENT]);
        ask_agents(f);
    }
}

static void on_reply(void *arg, uint64_t what, const struct redisReply *r)
{
    struct watch_feed *f = arg;
    f->asked_n--;
    if (redis_answer(r) != ANSWER_OK) {
        f->failed = true;
        f->rounds_n = 0; /* who is there is asked anew */
        if (redis_answer(r) != ANSWER_LOST)
            snprintf(f->error, sizeof f->error, "%s", redis_error(r));
    } else if (!f->failed) {
        take(f, what, r);
    }
    if (!f->asked_n && f->connected)
        end(f);
}

/* ---- the connection ---- */

static void on_ready(void *arg, bool fresh)
{
    struct watch_feed *f = arg;
    (void)fresh;
    f->connected = true;
    f->rounds_n = 0;
    begin(f);
}

static void on_lost(void *arg)
{
    struct watch_feed *f = arg;
    f->connected = false;
    f->changed(f->arg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    begin(arg);
}

struct watch_feed *watch_feed_new(const struct watch_feed_options *o, struct err *e)
{
    struct watch_feed *f = xcalloc(1, sizeof *f);
    f->changed = o->changed;
    f->arg = o->arg;
    buf_put_str(&f->prefix, o->prefix);
    buf_put_str(&f->who, o->who);
    f->timer = event_new(o->base, -1, EV_PERSIST, on_timer, f);
    assert(f->timer); /* libevent's only reason is memory */
    event_add(f->timer, &(struct timeval){LOOK_S, 0});
    struct redis_conn_options conn = {.address = o->address, .username = o->username, .password = o->password};
    f->conn = redis_conn_new(o->base, &conn, &(struct redis_conn_handlers){on_ready, on_lost, f}, e);
    if (f->conn)
        return f;
    watch_feed_free(f);
    return NULL;
}

void watch_feed_free(struct watch_feed *f)
{
    if (!f)
        return;
    f->connected = false;
    redis_conn_free(f->conn);
    event_free(f->timer);
    data_free(f->next);
    data_free(f->shown);
    arena_fini(&f->ids_arena);
    free(f->ids);
    buf_fini(&f->prefix);
    buf_fini(&f->who);
    buf_fini(&f->scratch);
    free(f);
}

const struct watch_data *watch_feed_data(const struct watch_feed *f)
{
    return f->shown;
}

bool watch_feed_is_connected(const struct watch_feed *f)
{
    return f->connected;
}

const char *watch_feed_error(const struct watch_feed *f)
{
    return f->error;
}

struct str watch_field(const struct watch_hash *h, const char *name)
{
    for (size_t i = 0; i + 1 < h->pairs_n; i += 2) {
        if (str_eq(h->pairs[i], str_of(name)))
            return h->pairs[i + 1];
    }
    return (struct str){0};
}
