/* The state machine around hiredis.
 *
 * It keeps true that a redis_conn outlives every hiredis context it made, and that a context is freed in one place,
 * `turn`, never inside one of its callbacks: callbacks note what happened and wake `turn`. So no callback meets freed
 * memory, and each is called once. It refuses host names, and commands beyond the cap. */
#include "kefu/base/redis_conn.h"

#include <arpa/inet.h>
#include <assert.h>
#include <event2/event.h>
#include <event2/util.h>
#include <fcntl.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"

#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS  5000
#define SHAKE_MS       5000 /* from connecting to the first PONG */
#define PING_MS        5000 /* from one PONG to the next PING */
#define PONG_LATE_MS   2000 /* from PING to giving up */
#define TOLD_EACH      12   /* of attempts that fail one after the other, each so-manieth is logged */

enum conn_state {
    CONN_NONE = 0,
    CONN_DOWN,    /* no context; the timer is the next attempt */
    CONN_SHAKING, /* the greeting is on its way; the timer is its deadline */
    CONN_READY,   /* in use; the timer is the next PING or its deadline */
    CONN_BROKEN   /* `turn` will bury the context and go to CONN_DOWN */
};

struct redis_conn {
    struct event_base *base; /* borrowed */
    struct redis_conn_handlers handlers;
    struct event *timer;
    struct event *turn;
    redisAsyncContext *ac; /* owned by hiredis between its callbacks */
    enum conn_state state;
    bool pinging;      /* a PING is unanswered */
    bool fresh;        /* the run id is another than last time */
    bool was_ready;    /* `ready` was told and `lost` was not yet */
    int depth;         /* of callbacks we are in */
    int32_t retry_ms;  /* the next pause */
    uint32_t failed_n; /* attempts since the last ready */
    char run_id[64];   /* of the last Redis seen */
    char why[160];     /* it broke */
    char told[160];    /* why it broke when that was logged last */
    size_t commands_n; /* in flight */
    size_t bytes_n;
    size_t commands_max;
    size_t bytes_max;
    char host[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* path or numeric address */
    int port;                                               /* 0: host is a path */
    struct str username;                                    /* owned copies */
    struct str password;
};

/* One command in flight. */
struct command {
    struct redis_conn *conn;
    struct redis_call call;
    size_t bytes_n;
};

/* ---- answers ---- */

static bool begins(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

static enum answer judge(const char *error)
{
    static const struct {
        const char *word;
        enum answer answer;
    } words[] = {{"LOADING", ANSWER_LATER},       {"BUSY ", ANSWER_LATER},       {"OOM ", ANSWER_LATER},
                 {"MISCONF", ANSWER_LATER},       {"CLUSTERDOWN", ANSWER_LATER}, {"MASTERDOWN", ANSWER_LATER},
                 {"TRYAGAIN", ANSWER_LATER},      {"NOREPLICAS", ANSWER_LATER},  {"READONLY", ANSWER_ELSEWHERE},
                 {"MOVED ", ANSWER_ELSEWHERE},    {"ASK ", ANSWER_ELSEWHERE},    {"NOSCRIPT", ANSWER_NO_SCRIPT},
                 {"NOAUTH", ANSWER_DENIED},       {"WRONGPASS", ANSWER_DENIED},  {"NOPERM", ANSWER_DENIED},
                 {"ERR max number", ANSWER_LATER}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (begins(error, words[i].word))
            return words[i].answer;
    }
    /* Redis before 7 wraps what a script met: "ERR Error running script (call to f_…): @user_script:1: -OOM command…" */
    const char *inner = begins(error, "ERR Error running script") ? strstr(error, ": -") : NULL;
    return inner ? judge(inner + 3) : ANSWER_REFUSED;
}

enum answer redis_answer(const struct redisReply *reply)
{
    if (!reply)
        return ANSWER_LOST;
    return reply->type == REDIS_REPLY_ERROR ? judge(reply->str) : ANSWER_OK;
}

const char *redis_error(const struct redisReply *reply)
{
    return reply && reply->type == REDIS_REPLY_ERROR ? reply->str : "";
}

void redis_put_count(struct buf *b, size_t n)
{
    buf_put_byte(b, '*');
    buf_put_number(b, n, 1);
    buf_put(b, "\r\n", 2);
}

void redis_put_arg(struct buf *b, struct str arg)
{
    buf_put_byte(b, '$');
    buf_put_number(b, arg.n, 1);
    buf_put(b, "\r\n", 2);
    buf_put_str(b, arg);
    buf_put(b, "\r\n", 2);
}

/* ---- addresses ---- */

static int bad_address(struct str address, struct err *e)
{
    return err_set(e, "",
                   "redis address \"%.*s\": expected the path of a unix socket, or an IP address and a port such as "
                   "127.0.0.1:6379 or [::1]:6379 (host names are not resolved: give the address)",
                   (int)(address.n < 100 ? address.n : 100), address.p ? address.p : "");
}

static bool set_host(struct redis_conn *c, struct str host)
{
    if (!host.n || host.n >= sizeof c->host || memchr(host.p, '\0', host.n))
        return false;
    memcpy(c->host, host.p, host.n);
    c->host[host.n] = '\0';
    return true;
}

static bool set_port(struct redis_conn *c, struct str digits)
{
    int port = 0;
    for (size_t i = 0; i < digits.n && port <= 65535; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
        port = port * 10 + (digits.p[i] - '0');
    }
    c->port = port;
    return port >= 1 && port <= 65535;
}

static bool host_is_numeric(struct redis_conn *c)
{
    unsigned char out[16];
    if (strcmp(c->host, "localhost") == 0)
        (void)snprintf(c->host, sizeof c->host, "127.0.0.1");
    return inet_pton(AF_INET, c->host, out) == 1 || inet_pton(AF_INET6, c->host, out) == 1;
}

static bool skip(struct str *s, struct str word)
{
    if (s->n < word.n || memcmp(s->p, word.p, word.n) != 0)
        return false;
    s->p += word.n;
    s->n -= word.n;
    return true;
}

static int set_address(struct redis_conn *c, struct str address, struct err *e)
{
    struct str s = address;
    bool unix_said = skip(&s, STR_LIT("unix:"));
    bool tcp_said = !unix_said && skip(&s, STR_LIT("tcp:"));
    bool path = s.n && !tcp_said && (s.p[0] == '/' || (unix_said && memchr(s.p, '/', s.n)));
    if (path)
        return set_host(c, s) ? 0 : bad_address(address, e);
    if (unix_said)
        return bad_address(address, e);
    const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
    if (!colon)
        return bad_address(address, e);
    struct str host = {s.p, (size_t)(colon - s.p)};
    struct str port = {colon + 1, s.n - host.n - 1};
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct str){host.p + 1, host.n - 2};
    else if (memchr(host.p, ':', host.n))
        return bad_address(address, e); /* IPv6 without brackets: where would the port begin? */
    return set_host(c, host) && set_port(c, port) && host_is_numeric(c) ? 0 : bad_address(address, e);
}

/* ---- the machine ---- */

static void arm(struct redis_conn *c, int32_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000L};
    (void)event_add(c->timer, &tv);
}

/* Notes that the connection is of no use any more. Safe in every callback. */
static void break_off(struct redis_conn *c, const char *why)
{
    if (c->state != CONN_SHAKING && c->state != CONN_READY)
        return;
    (void)snprintf(c->why, sizeof c->why, "%s", why);
    for (char *quote = c->why; (quote = strchr(quote, '"'));)
        *quote = '\''; /* it stands between quotes in the log */
    c->state = CONN_BROKEN;
    event_active(c->turn, 0, 0);
}

/* Half of the pause is fixed, half is chance, so that many daemons do not come back in step. */
static void plan_retry(struct redis_conn *c)
{
    uint16_t chance;
    evutil_secure_rng_get_bytes(&chance, sizeof chance);
    int32_t half = c->retry_ms / 2;
    arm(c, half + (int32_t)((int64_t)half * chance / UINT16_MAX));
    c->retry_ms = c->retry_ms * 2 < RETRY_LAST_MS ? c->retry_ms * 2 : RETRY_LAST_MS;
}

static void tell_failure(struct redis_conn *c)
{
    const char *mend = judge(c->why) == ANSWER_DENIED
                           ? " mend=\"have user and password fit those of Redis, then start kefud anew\""
                           : "";
    if (c->was_ready)
        log_line(LOG_LEVEL_WARN, "redis_lost", "address=%s port=%d what=\"%s\"", c->host, c->port, c->why);
    else if (c->failed_n % TOLD_EACH == 0 || strcmp(c->why, c->told) != 0)
        log_line(LOG_LEVEL_WARN, "redis_unreachable", "address=%s port=%d attempts=%u what=\"%s\"%s", c->host, c->port,
                 c->failed_n + 1, c->why, mend);
    memcpy(c->told, c->why, sizeof c->told);
    c->failed_n++;
}

/* Buries the context and plans the next attempt. Never inside a callback of hiredis. */
static void bury(struct redis_conn *c)
{
    redisAsyncContext *ac = c->ac;
    c->ac = NULL;
    if (ac)
        redisAsyncFree(ac); /* calls back every command in flight */
    assert(c->commands_n == 0);
    c->state = CONN_DOWN;
    c->pinging = false;
    tell_failure(c);
    plan_retry(c);
    if (!c->was_ready)
        return;
    c->was_ready = false;
    c->depth++;
    if (c->handlers.lost)
        c->handlers.lost(c->handlers.arg);
    c->depth--;
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct redis_conn *c = arg;
    (void)fd;
    (void)what;
    if (c->state == CONN_BROKEN)
        bury(c);
}

static void on_connect(const redisAsyncContext *ac, int status)
{
    struct redis_conn *c = ac->data;
    if (status == REDIS_OK || c->ac != ac)
        return;
    break_off(c, ac->errstr);
    c->ac = NULL; /* hiredis frees it when we return */
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
    struct redis_conn *c = ac->data;
    if (c->ac != ac)
        return;
    break_off(c, status == REDIS_OK ? "closed" : ac->errstr);
    c->ac = NULL; /* hiredis frees it when we return */
}

static void on_reply(redisAsyncContext *ac, void *reply, void *arg)
{
    struct command *command = arg;
    struct redis_conn *c = command->conn;
    struct redis_call call = command->call;
    c->commands_n--;
    c->bytes_n -= command->bytes_n;
    free(command);
    if (!reply)
        break_off(c, ac->err ? ac->errstr : "closed");
    c->depth++;
    if (call.back)
        call.back(call.arg, call.tag, reply);
    c->depth--;
}

/* hiredis looks through a formatted command with strchr, as if it ended in a zero byte: so it gets one that does. */
static int format(struct redis_conn *c, struct str encoded, struct command *command)
{
    struct buf ended = {0};
    buf_put_str(&ended, encoded);
    buf_put_byte(&ended, 0);
    int status = redisAsyncFormattedCommand(c->ac, on_reply, command, ended.p, encoded.n);
    buf_fini(&ended);
    return status;
}

/* Hands a command to hiredis whatever is in flight. */
static int send_command(struct redis_conn *c, struct str encoded, const struct redis_call *call)
{
    struct command *command = xmalloc(sizeof *command);
    *command = (struct command){c, *call, encoded.n};
    if (!c->ac || format(c, encoded, command) != REDIS_OK) {
        free(command);
        return -1;
    }
    c->commands_n++;
    c->bytes_n += encoded.n;
    return 0;
}

static void send_words(struct redis_conn *c, const struct str *words, size_t n,
                       void (*back)(void *arg, uint64_t tag, const struct redisReply *reply))
{
    struct buf b = {0};
    redis_put_count(&b, n);
    for (size_t i = 0; i < n; i++)
        redis_put_arg(&b, words[i]);
    if (send_command(c, buf_str(&b), &(struct redis_call){back, c, 0}) != 0)
        break_off(c, "could not send");
    buf_fini(&b);
}

/* ---- the greeting: AUTH, INFO, PING, all sent at once ---- */

static void on_auth(void *arg, uint64_t tag, const struct redisReply *reply)
{
    (void)tag;
    if (reply && redis_answer(reply) != ANSWER_OK)
        break_off(arg, redis_error(reply));
}

/* Finds "run_id:…" in the text of INFO; "" if it is not there. */
static void read_run_id(const struct redisReply *reply, char *out, size_t out_n)
{
    out[0] = '\0';
    const char *at = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "run_id:") : NULL;
    if (!at)
        return;
    at += strlen("run_id:");
    size_t n = strcspn(at, "\r\n");
    if (n < out_n) {
        memcpy(out, at, n);
        out[n] = '\0';
    }
}

static void on_info(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct redis_conn *c = arg;
    char run_id[sizeof c->run_id];
    (void)tag;
    if (!reply)
        return;
    read_run_id(reply, run_id, sizeof run_id);
    /* A Redis that will not say who it is (an access list may forbid INFO) is taken for another one each time. */
    c->fresh = !run_id[0] || strcmp(run_id, c->run_id) != 0;
    memcpy(c->run_id, run_id, sizeof run_id);
}

static void become_ready(struct redis_conn *c)
{
    c->state = CONN_READY;
    c->why[0] = c->told[0] = '\0';
    c->was_ready = true;
    c->failed_n = 0;
    c->retry_ms = RETRY_FIRST_MS;
    log_line(LOG_LEVEL_NOTE, "redis_ready", "address=%s port=%d fresh=%d", c->host, c->port, c->fresh);
    if (c->handlers.ready)
        c->handlers.ready(c->handlers.arg, c->fresh);
}

/* The end of the greeting, and later the sign of life. A Redis that is still loading is not ready. */
static void on_pong(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct redis_conn *c = arg;
    (void)tag;
    if (!reply)
        return;
    c->pinging = false;
    enum answer answer = redis_answer(reply);
    if (answer == ANSWER_LATER && c->state == CONN_READY)
        answer = ANSWER_OK; /* busy with a script, say: it lives */
    if (answer != ANSWER_OK) {
        break_off(c, redis_error(reply));
        return;
    }
    arm(c, PING_MS);
    if (c->state == CONN_SHAKING)
        become_ready(c);
}

static void greet(struct redis_conn *c)
{
    if (c->password.n && c->username.n)
        send_words(c, (struct str[]){STR_LIT("AUTH"), c->username, c->password}, 3, on_auth);
    else if (c->password.n)
        send_words(c, (struct str[]){STR_LIT("AUTH"), c->password}, 2, on_auth);
    send_words(c, (struct str[]){STR_LIT("INFO"), STR_LIT("server")}, 2, on_info);
    send_words(c, (struct str[]){STR_LIT("PING")}, 1, on_pong);
}

static void begin(struct redis_conn *c)
{
    redisAsyncContext *ac = c->port ? redisAsyncConnect(c->host, c->port) : redisAsyncConnectUnix(c->host);
    c->state = CONN_SHAKING;
    if (!ac || ac->err) {
        break_off(c, ac ? ac->errstr : "no memory");
        if (ac)
            redisAsyncFree(ac);
        return;
    }
    c->ac = ac;
    ac->data = c;
    (void)fcntl(ac->c.fd, F_SETFD, FD_CLOEXEC);
    if (redisLibeventAttach(ac, c->base) != REDIS_OK || redisAsyncSetConnectCallback(ac, on_connect) != REDIS_OK ||
        redisAsyncSetDisconnectCallback(ac, on_disconnect) != REDIS_OK) {
        break_off(c, "could not attach to the loop");
        return;
    }
    arm(c, SHAKE_MS);
    greet(c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct redis_conn *c = arg;
    (void)fd;
    (void)what;
    if (c->state == CONN_DOWN) {
        begin(c);
    } else if (c->state == CONN_SHAKING) {
        break_off(c, "no answer to the greeting");
    } else if (c->state == CONN_READY && c->pinging) {
        break_off(c, "no answer to PING");
    } else if (c->state == CONN_READY) {
        c->pinging = true;
        arm(c, PONG_LATE_MS);
        send_words(c, (struct str[]){STR_LIT("PING")}, 1, on_pong);
    }
}

/* ---- what the header shows ---- */

static struct str copy(struct str s)
{
    return s.n ? (struct str){memcpy(xmalloc(s.n), s.p, s.n), s.n} : (struct str){0};
}

struct redis_conn *redis_conn_new(struct event_base *base, const struct redis_conn_options *o,
                                  const struct redis_conn_handlers *h, struct err *e)
{
    struct redis_conn *c = xcalloc(1, sizeof *c);
    if (set_address(c, o->address, e) != 0) {
        free(c);
        return NULL;
    }
    c->base = base;
    c->handlers = *h;
    c->username = copy(o->username);
    c->password = copy(o->password);
    c->commands_max = o->commands_max ? o->commands_max : 1000;
    c->bytes_max = o->bytes_max ? o->bytes_max : (size_t)1 << 20;
    c->retry_ms = RETRY_FIRST_MS;
    c->state = CONN_DOWN;
    c->timer = evtimer_new(base, on_timer, c);
    c->turn = event_new(base, -1, 0, on_turn, c);
    assert(c->timer && c->turn); /* libevent's only reason is memory */
    arm(c, 0);
    return c;
}

void redis_conn_free(struct redis_conn *c)
{
    if (!c)
        return;
    assert(c->depth == 0);
    redisAsyncContext *ac = c->ac;
    c->ac = NULL;
    c->state = CONN_NONE;
    if (ac)
        redisAsyncFree(ac);
    event_free(c->timer);
    event_free(c->turn);
    free((char *)(uintptr_t)c->username.p);
    if (c->password.n)
        explicit_bzero((char *)(uintptr_t)c->password.p, c->password.n);
    free((char *)(uintptr_t)c->password.p);
    free(c);
}

const char *redis_conn_why(const struct redis_conn *c)
{
    return c->why;
}

bool redis_conn_is_ready(const struct redis_conn *c)
{
    return c->state == CONN_READY;
}

int redis_conn_send(struct redis_conn *c, struct str encoded, const struct redis_call *call)
{
    if (c->state != CONN_READY)
        return -1;
    if (c->commands_n >= c->commands_max || (c->commands_n && c->bytes_n + encoded.n > c->bytes_max))
        return -1;
    return send_command(c, encoded, call);
}

void redis_conn_drop(struct redis_conn *c, const char *why)
{
    c->retry_ms = RETRY_LAST_MS;
    break_off(c, why);
}
