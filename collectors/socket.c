/* Each connection cuts what it reads into batches, keeps them in the order of lines, and acknowledges from the front.
 *
 * Keeps true: the acknowledged lines are a prefix of what was sent; at most FLYING_MAX batches of a connection are under way,
 * the rest stays in the kernel; a batch that found no room goes again, the same, after a pause. It refuses lines over
 * LINE_MAX_BYTES, one by one: the lines behind them still count. */
#include "kefu/collectors/socket.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "kefu/base/buf.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/base/unix_socket.h"
#include "kefu/collectors/answer.h"
#include "kefu/collectors/decode.h"

#define BATCH_BYTES      ((size_t)256 << 10)
#define LINE_MAX_BYTES   ((size_t)1 << 20)
#define FLYING_MAX       8
#define CONNECTIONS_MAX  256
#define AGAIN_MS         100
#define REST_MS          100
#define OUTPUT_MAX_BYTES ((size_t)1 << 20)

enum step_state { STEP_NONE = 0, STEP_WAITS, STEP_FLIES, STEP_DONE };

/* A batch and its place in the connection. */
struct step {
    struct step *next;
    struct conn *conn; /* NULL: the peer has gone */
    struct batch *batch;
    enum step_state state;
};

struct conn {
    struct socket_door *door;
    struct conn *prev, *next;
    struct bufferevent *bev;
    struct event *again;
    struct step *first, *last;
    size_t steps_n;
    uint64_t acked_n; /* lines */
    size_t skipped_n; /* bytes of a line too long that were thrown away; 0: not in such a line */
    bool eof;
    bool closing; /* the last answer is in the output */
};

struct socket_door {
    struct event_base *base;
    struct ingest *ingest;
    struct evconnlistener *listener;
    struct event *rest;
    struct conn *conns;
    size_t conns_n;
    char *path;
};

static void conn_free(struct conn *c)
{
    struct socket_door *d = c->door;
    for (struct step *s = c->first, *next; s; s = next) {
        next = s->next;
        s->conn = NULL;
        if (s->state != STEP_FLIES) {
            batch_free(s->batch);
            free(s);
        }
    }
    *(c->prev ? &c->prev->next : &d->conns) = c->next;
    if (c->next) {
        c->next->prev = c->prev;
    }
    if (d->conns_n-- == CONNECTIONS_MAX && d->listener) {
        evconnlistener_enable(d->listener);
    }
    event_free(c->again);
    bufferevent_free(c->bev);
    free(c);
}

/* Tells the peer of the batches at the front that are done. */
static void acknowledge(struct conn *c)
{
    struct buf line = {0};
    while (c->first && c->first->state == STEP_DONE) {
        struct step *s = c->first;
        buf_printf(&line, "{\"ack\": %llu, ", (unsigned long long)(c->acked_n + s->batch->inputs_n));
        answer_print(&line, s->batch, "line", c->acked_n + 1);
        buf_put_str(&line, STR_LIT("}\n"));
        c->acked_n += s->batch->inputs_n;
        c->first = s->next;
        c->last = c->first ? c->last : NULL;
        c->steps_n--;
        batch_free(s->batch);
        free(s);
    }
    if (line.n) {
        bufferevent_write(c->bev, line.p, line.n);
    }
    buf_fini(&line);
}

/* Sends off what waits, in order. False: no room now. */
static bool fly(struct conn *c)
{
    for (struct step *s = c->first; s; s = s->next) {
        if (s->state != STEP_WAITS) {
            continue;
        }
        if (c->door->ingest->submit(c->door->ingest, s->batch) < 0) {
            struct timeval tv = {0, AGAIN_MS * 1000};
            event_add(c->again, &tv);
            return false;
        }
        s->state = STEP_FLIES;
    }
    return true;
}

static void conn_work(struct conn *c);

static void on_done(struct batch *b)
{
    struct step *s = b->owner;
    struct conn *c = s->conn;
    if (!c) {
        batch_free(b);
        free(s);
        return;
    }
    if (b->result == BATCH_FULL) {
        struct timeval tv = {0, AGAIN_MS * 1000};
        s->state = STEP_WAITS;
        event_add(c->again, &tv);
        return;
    }
    s->state = STEP_DONE;
    acknowledge(c);
    conn_work(c);
}

static struct step *step_new(struct conn *c)
{
    struct step *s = xcalloc(1, sizeof(*s));
    s->conn = c;
    s->batch = batch_new(STR_LIT("socket"), on_done, s);
    s->state = STEP_WAITS;
    if (c->last) {
        c->last->next = s;
    } else {
        c->first = s;
    }
    c->last = s;
    c->steps_n++;
    return s;
}

static struct decode_context context_of(struct ingest *in)
{
    return (struct decode_context){.now_ms = in->now_ms(in),
                                   .rulebook = in->rulebook(in),
                                   .customer_key = in->customer_key,
                                   .default_source = STR_LIT("default")};
}

static void refuse_long_line(struct conn *c)
{
    struct step *s = step_new(c);
    struct refusal *r = batch_add_refusal(s->batch);
    r->kind = REFUSAL_BAD;
    r->input_bytes = c->skipped_n;
    r->reason = STR_LIT("line: found more than 1 MiB without a line feed, expected one event a line");
    s->batch->inputs_n = 1;
    c->skipped_n = 0;
}

/* In a line that is too long: throws it away up to its end. True: its end has come. */
static bool skip_line(struct conn *c, struct evbuffer *in)
{
    struct evbuffer_ptr end = evbuffer_search(in, "\n", 1, NULL);
    size_t n = end.pos < 0 ? evbuffer_get_length(in) : (size_t)end.pos + 1;
    evbuffer_drain(in, n);
    c->skipped_n += n;
    if (end.pos < 0 && !c->eof) {
        return false;
    }
    refuse_long_line(c);
    return true;
}

/* Up to BATCH_BYTES of the input that end in a line feed, or one longer line. Absent: there is no whole line. */
static struct str whole_lines(struct evbuffer *in)
{
    size_t have_n = evbuffer_get_length(in);
    size_t n = have_n < BATCH_BYTES ? have_n : BATCH_BYTES;
    struct str bytes = {(const char *)evbuffer_pullup(in, (ev_ssize_t)n), n};
    if (!memrchr(bytes.p, '\n', bytes.n)) {
        bytes = (struct str){(const char *)evbuffer_pullup(in, (ev_ssize_t)have_n), have_n};
    }
    return memrchr(bytes.p, '\n', bytes.n) ? bytes : (struct str){NULL, 0};
}

static void decode_into(struct conn *c, struct evbuffer *in, struct str bytes)
{
    struct decode_context context = context_of(c->door->ingest);
    evbuffer_drain(in, decode_lines(step_new(c)->batch, bytes, &context));
}

/* The last line needs no line feed. */
static void decode_rest(struct conn *c, struct evbuffer *in)
{
    struct buf line = {0};
    size_t n = evbuffer_get_length(in);
    buf_put(&line, evbuffer_pullup(in, (ev_ssize_t)n), n);
    buf_put_byte(&line, '\n');
    decode_into(c, in, buf_str(&line));
    evbuffer_drain(in, evbuffer_get_length(in));
    buf_fini(&line);
}

/* Makes a batch of the lines at hand. False: there is no whole line. */
static bool cut_batch(struct conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t have_n = evbuffer_get_length(in);
    if (c->skipped_n) {
        return (have_n || c->eof) && skip_line(c, in);
    }
    struct str lines = have_n ? whole_lines(in) : (struct str){NULL, 0};
    if (lines.n) {
        decode_into(c, in, lines);
    } else if (have_n > LINE_MAX_BYTES) {
        c->skipped_n = have_n;
        evbuffer_drain(in, have_n);
    } else if (have_n && c->eof) {
        decode_rest(c, in);
    } else {
        return false;
    }
    return true;
}

static bool may_cut(const struct conn *c)
{
    return c->steps_n < FLYING_MAX && evbuffer_get_length(bufferevent_get_output(c->bev)) < OUTPUT_MAX_BYTES;
}

/* Reading is switched off while nothing can be cut: with its buffer at the high watermark and reading on, libevent 2.1
 * calls on_read again and again by itself, and the loop's turn, which would make room, never comes. */
static void read_while_there_is_room(struct conn *c, bool room)
{
    if (room && !c->eof) {
        bufferevent_enable(c->bev, EV_READ);
    } else {
        bufferevent_disable(c->bev, EV_READ);
    }
}

/* Reads on as far as there is room; at the end, says the last word. */
static void conn_work(struct conn *c)
{
    bool open = c->door->listener != NULL; /* a door that was stopped reads no more */
    bool more = open;
    bool flown = fly(c);
    while (flown && more && may_cut(c)) {
        more = cut_batch(c);
        flown = fly(c);
    }
    read_while_there_is_room(c, open && flown && may_cut(c));
    if (!c->eof || c->first || more || c->closing) {
        return;
    }
    c->closing = true;
    evbuffer_add_printf(bufferevent_get_output(c->bev),
                        "{\"ack\": %llu, \"accepted\": 0, \"duplicate\": 0, \"rejected\": []}\n",
                        (unsigned long long)c->acked_n);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    conn_work(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct conn *c = arg;
    if (evbuffer_get_length(bufferevent_get_output(bev)) > 0) {
        return;
    }
    if (c->closing) {
        conn_free(c);
    } else {
        conn_work(c);
    }
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct conn *c = arg;
    (void)bev;
    if (what & BEV_EVENT_EOF) {
        c->eof = true;
        conn_work(c);
    } else {
        conn_free(c);
    }
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    conn_work(arg);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int from_n, void *arg)
{
    struct socket_door *d = arg;
    struct conn *c = xcalloc(1, sizeof(*c));
    (void)from;
    (void)from_n;
    c->door = d;
    c->bev = bufferevent_socket_new(d->base, fd, BEV_OPT_CLOSE_ON_FREE);
    c->again = evtimer_new(d->base, on_again, c);
    c->next = d->conns;
    if (c->next) {
        c->next->prev = c;
    }
    d->conns = c;
    if (++d->conns_n == CONNECTIONS_MAX) {
        evconnlistener_disable(l);
    }
    bufferevent_setwatermark(c->bev, EV_READ, 0, LINE_MAX_BYTES + BATCH_BYTES);
    bufferevent_set_max_single_read(c->bev, (size_t)128 << 10);
    bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static void on_accept_error(struct evconnlistener *l, void *arg)
{
    struct socket_door *d = arg;
    struct timeval tv = {0, REST_MS * 1000};
    evconnlistener_disable(l);
    event_add(d->rest, &tv);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
    struct socket_door *d = arg;
    (void)fd;
    (void)what;
    if (d->listener && d->conns_n < CONNECTIONS_MAX) {
        evconnlistener_enable(d->listener);
    }
}

struct socket_door *socket_open(struct event_base *base, const char *path, struct ingest *ingest, struct err *e)
{
    int fd = unix_listen(path, 0660, e);
    if (fd < 0) {
        return NULL;
    }
    struct socket_door *d = xcalloc(1, sizeof(*d));
    d->base = base;
    d->ingest = ingest;
    d->path = xstrndup(path, strlen(path));
    d->rest = evtimer_new(base, on_rested, d);
    d->listener = evconnlistener_new(base, on_accept, d, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    evconnlistener_set_error_cb(d->listener, on_accept_error);
    return d;
}

void socket_stop(struct socket_door *d)
{
    if (!d->listener) {
        return;
    }
    unlink(d->path);
    evconnlistener_free(d->listener);
    d->listener = NULL;
}

void socket_free(struct socket_door *d)
{
    if (!d) {
        return;
    }
    socket_stop(d);
    while (d->conns) {
        conn_free(d->conns);
    }
    event_free(d->rest);
    free(d->path);
    free(d);
}
