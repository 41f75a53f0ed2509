/* Lines in, lines out. Keeps true: one request of a connection at a time, answers in the order of requests. It refuses lines
 * over 64 KiB and what is no JSON object with a known "do", says why, and for the first two ends the connection: what comes
 * after cannot be trusted to begin at a line. */
#include "kefu/daemon/control.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/base/unix_socket.h"
#include "kefu/daemon/control_ops.h"
#include "kefu/daemon/daemon.h"

#define LINE_MAX_BYTES  ((size_t)64 << 10)
#define CONNECTIONS_MAX 64

struct control_conn {
    struct control *control;
    struct control_conn *prev, *next;
    struct bufferevent *bev;
    void (*gone)(void *arg); /* set while an answer is to come later */
    void *gone_arg;
    bool eof;
    bool closing;
};

struct control {
    struct daemon *d;
    struct evconnlistener *listener;
    struct control_conn *conns;
    size_t conns_n;
    char *path; /* NULL: the file is another's, and stays */
};

static const struct {
    const char *name;
    enum control_outcome (*run)(struct control_call *c, struct err *e);
} ops[] = {
    {"status", control_status},
    {"agent", control_agent},
    {"agents", control_agents},
    {"report", control_report},
    {"quarantine", control_quarantine},
    {"quarantine_retry", control_quarantine_retry},
    {"token_add", control_token_add},
    {"token_list", control_token_list},
    {"token_revoke", control_token_revoke},
    {"checkpoint", control_checkpoint},
    {"reload", control_reload},
    {"collectors", control_collectors},
    {"unbound", control_unbound},
    {"month_list", control_month_list},
    {"month_draft", control_month_draft},
    {"month_close", control_month_close},
    {"month_reopen", control_month_reopen},
    {"month_adjustments", control_month_adjustments},
    {"month_adjust", control_month_adjust},
    {"month_proposals", control_month_proposals},
    {"month_propose", control_month_propose},
    {"month_bonus", control_month_bonus},
    {"act", control_act},
    {"appeals", control_appeals},
    {"alert_list", control_alert_list},
    {"alert_ack", control_alert_ack},
    {"alert_silence", control_alert_silence},
    {"alert_unsilence", control_alert_unsilence},
    {"alert_test", control_alert_test},
    {"look", control_look},
    {"person_erase", control_person_erase},
    {"person_list", control_person_list},
};

/* --- members of a request ----------------------------------------------------------------------------------------- */

int control_text(const cJSON *request, const char *name, struct str *out, struct err *e)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(request, name);
    *out = (struct str){NULL, 0};
    if (!v) {
        return 0;
    }
    if (!cJSON_IsString(v)) {
        return err_set(e, name, "expected a text");
    }
    *out = str_of(v->valuestring);
    return 0;
}

int control_whole(const cJSON *request, const char *name, int64_t otherwise, int64_t *out, struct err *e)
{
    char literal[40];
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(request, name);
    *out = otherwise;
    if (!v) {
        return 0;
    }
    if (!cJSON_IsNumber(v) || fix_parse_whole(json_literal(v, literal, sizeof(literal)), out) < 0 || *out < 0) {
        return err_set(e, name, "expected a whole number from 0 up");
    }
    return 0;
}

void control_print_act(const struct control_call *c, struct str actor, const struct audited *what, struct buf *line)
{
    char room[AUDITED_USER_BYTES];
    struct ucred peer;
    socklen_t n = sizeof(peer);
    bool known = getsockopt(bufferevent_getfd(c->conn->bev), SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0;
    struct audited_user user = {known ? audited_user_name(peer.uid, room) : (struct str){0}, actor};
    audited_print_user(line, clock_wall_ms(&c->d->clock), &user, what);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void write_good(struct control_conn *c, struct str members)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    evbuffer_add(out, "{\"ok\": true", 11);
    evbuffer_add(out, members.p, members.n);
    evbuffer_add(out, "}\n", 2);
}

static void write_error(struct control_conn *c, const struct err *e)
{
    struct buf text = {0}, line = {0};
    if (e->where[0]) {
        buf_printf(&text, "%s: ", e->where);
    }
    buf_put_str(&text, str_of(e->what));
    buf_put_str(&line, STR_LIT("{\"ok\": false, \"error\": "));
    buf_put_json(&line, buf_str(&text));
    buf_put_str(&line, STR_LIT("}\n"));
    bufferevent_write(c->bev, line.p, line.n);
    buf_fini(&text);
    buf_fini(&line);
}

static void write_outcome(struct control_conn *c, enum control_outcome outcome, struct str members, const struct err *e)
{
    if (outcome == CONTROL_ANSWERED) {
        write_good(c, members);
    } else if (outcome == CONTROL_REFUSED) {
        write_error(c, e);
    }
}

static enum control_outcome run_op(struct control_call *call, struct err *e)
{
    struct str name;
    if (control_text(call->request, "do", &name, e) < 0) {
        return CONTROL_REFUSED;
    }
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (str_eq(name, str_of(ops[i].name))) {
            return ops[i].run(call, e);
        }
    }
    return (enum control_outcome)err_set(e, "do", "found \"%.*s\", which is no request of this version", STR_ARG(name));
}

/* -1: the line was none; the connection ends. */
static int take_line(struct control_conn *c, struct str line)
{
    struct err e;
    struct buf members = {0};
    cJSON *request = json_parse(line, &e);
    if (!cJSON_IsObject(request)) {
        if (request) {
            err_set(&e, "request", "expected a JSON object");
        }
        write_error(c, &e);
        cJSON_Delete(request);
        return -1;
    }
    struct control_call call = {c->control->d, c, request, &members};
    enum control_outcome outcome = run_op(&call, &e);
    write_outcome(c, outcome, buf_str(&members), &e);
    cJSON_Delete(request);
    buf_fini(&members);
    return 0;
}

/* --- connections -------------------------------------------------------------------------------------------------- */

static void conn_free(struct control_conn *c)
{
    struct control *k = c->control;
    if (c->gone) {
        c->gone(c->gone_arg);
    }
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        k->conns = c->next;
    }
    if (c->next) {
        c->next->prev = c->prev;
    }
    if (k->conns_n-- == CONNECTIONS_MAX) {
        evconnlistener_enable(k->listener);
    }
    bufferevent_free(c->bev);
    free(c);
}

static void refuse_long_line(struct control_conn *c)
{
    struct err e;
    err_set(&e, "request", "found more than 64 KiB without a line feed");
    write_error(c, &e);
}

/* Reading is off while lines have to wait: with a full buffer and reading on, libevent 2.1 would call on_read for ever within
 * one turn of the loop. */
static void read_while_lines_go(struct control_conn *c)
{
    if (c->gone || c->closing) {
        bufferevent_disable(c->bev, EV_READ);
    } else if (!c->eof) {
        bufferevent_enable(c->bev, EV_READ);
    }
}

/* Works off whole lines; may free the connection. */
static void conn_work(struct control_conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev), *out = bufferevent_get_output(c->bev);
    while (!c->gone && !c->closing) {
        size_t n;
        char *line = evbuffer_readln(in, &n, EVBUFFER_EOL_LF);
        if (!line && evbuffer_get_length(in) >= LINE_MAX_BYTES) {
            refuse_long_line(c);
            c->closing = true;
        } else if (!line) {
            break;
        } else if (take_line(c, (struct str){line, n}) < 0) {
            c->closing = true;
        }
        free(line);
    }
    c->closing |= c->eof && !c->gone;
    read_while_lines_go(c);
    if (c->closing && evbuffer_get_length(out) == 0) {
        conn_free(c);
    }
}

void control_wait(struct control_conn *conn, void (*gone)(void *arg), void *arg)
{
    conn->gone = gone;
    conn->gone_arg = arg;
}

void control_finish(struct control_conn *conn, struct str members)
{
    conn->gone = NULL;
    write_good(conn, members);
    conn_work(conn);
}

void control_progress(struct control_conn *conn, struct str members)
{
    struct evbuffer *out = bufferevent_get_output(conn->bev);
    if (evbuffer_get_length(out) == 0) {
        evbuffer_add(out, "{\"progress\": {", 14);
        evbuffer_add(out, members.p, members.n);
        evbuffer_add(out, "}}\n", 3);
    }
}

static void on_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    conn_work(arg);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct control_conn *c = arg;
    (void)bev;
    if (what & BEV_EVENT_EOF) {
        c->eof = true;
        conn_work(c);
    } else {
        conn_free(c);
    }
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int from_n, void *arg)
{
    struct control *k = arg;
    struct control_conn *c = xcalloc(1, sizeof(*c));
    (void)from;
    (void)from_n;
    c->control = k;
    c->bev = bufferevent_socket_new(k->d->base, fd, BEV_OPT_CLOSE_ON_FREE);
    c->next = k->conns;
    if (c->next) {
        c->next->prev = c;
    }
    k->conns = c;
    if (++k->conns_n == CONNECTIONS_MAX) {
        evconnlistener_disable(l);
    }
    bufferevent_setwatermark(c->bev, EV_READ, 0, LINE_MAX_BYTES);
    bufferevent_setcb(c->bev, on_read, on_read, on_event, c); /* written or read: see what there is to do */
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

struct control *control_start(struct daemon *d, const char *path, int fd, struct err *e)
{
    char taken[UNIX_PATH_BYTES];
    bool taken_over = fd >= 0;
    if (taken_over && unix_take_over(fd, taken, e) < 0) {
        return NULL;
    }
    if (!taken_over && (fd = unix_listen(path, 0600, e)) < 0) {
        return NULL;
    }
    struct control *k = xcalloc(1, sizeof(*k));
    k->d = d;
    k->path = taken_over ? NULL : xstrndup(path, strlen(path));
    k->listener = evconnlistener_new(d->base, on_accept, k, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    return k;
}

void control_stop(struct control *c)
{
    if (!c) {
        return;
    }
    if (c->path) {
        unlink(c->path);
    }
    for (struct control_conn *conn = c->conns, *next; conn; conn = next) {
        next = conn->next;
        conn_free(conn);
    }
    evconnlistener_free(c->listener);
    free(c->path);
    free(c);
}
