/* Each connection cuts what it reads into batches, keeps them in the order of lines, and acknowledges from the front.
 *
 * Keeps true: the acknowledged lines are a prefix of what was sent; at most FLYING_MAX batches of a connection are under way,
 * and no more from LINES_MAX lines on, the rest stays in the kernel; a batch that found no room goes again, the same, after a
 * pause. It refuses lines over LINE_MAX_BYTES, one by one: the lines behind them still count.
 * Reading is our own, only writing is the bufferevent's: that one reads 4 KiB at a time, which makes a commit of every
 * twenty events. */
#include "kefu/collectors/socket.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/buf.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/base/unix_socket.h"
#include "kefu/collectors/answer.h"
#include "kefu/collectors/decode.h"

#define READ_BYTES       ((size_t)256 << 10)
#define LINE_MAX_BYTES   ((size_t)1 << 20)
#define FLYING_MAX       64     /* so that neither loop nor disk waits for the other; some 80,000 events */
#define LINES_MAX        100000 /* in batches under way; short ones are many to a batch */
#define CONNECTIONS_MAX  256
#define SPARE_LINES_MAX  4096                /* of a batch that is kept for the next */
#define SPARE_BYTES_MAX  ((size_t)512 << 10) /* and of its texts */
#define AGAIN_MS         100
#define REST_MS          100
#define CALM_S           1 /* without a batch under way */
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
    struct bufferevent *bev; /* writes, and owns the descriptor */
    struct event *readable;  /* added while there is room */
    struct event *again;
    struct buf in; /* read, not yet cut */
    struct step *first, *last;
    size_t steps_n;
    size_t lines_n;   /* in steps */
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
    struct step *spare; /* at rest in a rush: to grow a batch is dearer than to decode into it */
    size_t spare_n;
    struct event *calm; /* the rush is over: they go */
    char path[UNIX_PATH_BYTES];
    bool taken_over; /* the file is another's, and stays */
};

static void step_free(struct step *s)
{
    batch_free(s->batch);
    free(s);
}

/* It may be used again, unless there are enough or it holds more than lines of the usual length need. */
static void step_rest(struct socket_door *d, struct step *s)
{
    const struct batch *b = s->batch;
    if (d->spare_n == FLYING_MAX || b->events_cap > SPARE_LINES_MAX || b->refusals_cap > SPARE_LINES_MAX ||
        b->arena.total_n > SPARE_BYTES_MAX) {
        step_free(s);
        return;
    }
    s->next = d->spare;
    d->spare = s;
    d->spare_n++;
}

static void forget_spare(struct socket_door *d)
{
    for (struct step *s = d->spare, *next; s; s = next) {
        next = s->next;
        step_free(s);
    }
    d->spare = NULL;
    d->spare_n = 0;
}

/* A rush may be over: if no batch comes within a moment, its room goes. */
static void calm_down(struct socket_door *d)
{
    struct timeval tv = {CALM_S, 0};
    event_add(d->calm, &tv); /* anew each time */
}

static void conn_free(struct conn *c)
{
    struct socket_door *d = c->door;
    for (struct step *s = c->first, *next; s; s = next) {
        next = s->next;
        s->conn = NULL;
        if (s->state != STEP_FLIES) {
            step_free(s);
        }
    }
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        d->conns = c->next;
    }
    if (c->next) {
        c->next->prev = c->prev;
    }
    if (d->conns_n-- == CONNECTIONS_MAX && d->listener) {
        evconnlistener_enable(d->listener);
    }
    calm_down(d);
    event_free(c->again);
    event_free(c->readable);
    buf_fini(&c->in);
    bufferevent_free(c->bev);
    free(c);
}

/* Tells the peer of the batches at the front that are done. */
static void acknowledge(struct conn *c)
{
    struct buf line = {0};
    while (c->first && c->first->state == STEP_DONE) {
        struct step *s = c->first;
        buf_printf(&line, "{\"ack\": %" PRIu64 ", ", c->acked_n + s->batch->inputs_n);
        answer_print(&line, s->batch, "line", c->acked_n + 1);
        buf_put_str(&line, STR_LIT("}\n"));
        c->acked_n += s->batch->inputs_n;
        c->first = s->next;
        c->last = c->first ? c->last : NULL;
        c->steps_n--;
        c->lines_n -= s->batch->inputs_n;
        step_rest(c->door, s);
    }
    if (!c->first) {
        calm_down(c->door);
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
            struct timeval tv = {0, AGAIN_MS * INT64_C(1000)};
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
        step_free(s);
        return;
    }
    if (b->result == BATCH_FULL) {
        struct timeval tv = {0, AGAIN_MS * INT64_C(1000)};
        s->state = STEP_WAITS;
        event_add(c->again, &tv);
        return;
    }
    s->state = STEP_DONE;
    acknowledge(c);
    conn_work(c);
}

static struct step *step_take(struct socket_door *d)
{
    struct step *s = d->spare;
    if (!s) {
        s = xcalloc(1, sizeof(*s));
        s->batch = batch_new(STR_LIT("socket"), on_done, s);
        return s;
    }
    d->spare = s->next;
    d->spare_n--;
    batch_again(s->batch, STR_LIT("socket"));
    *s = (struct step){.batch = s->batch};
    return s;
}

static struct step *step_new(struct conn *c)
{
    struct step *s = step_take(c->door);
    s->conn = c;
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
    c->lines_n++;
    c->skipped_n = 0;
}

static void drain(struct conn *c, size_t n)
{
    c->in.n -= n;
    memmove(c->in.p, c->in.p + n, c->in.n); /* less than a line, as a rule */
}

/* In a line that is too long: throws it away up to its end. True: its end has come. */
static bool skip_line(struct conn *c)
{
    const char *end = c->in.n ? memchr(c->in.p, '\n', c->in.n) : NULL;
    size_t n = end ? (size_t)(end - c->in.p) + 1 : c->in.n;
    c->skipped_n += n;
    if (n) {
        drain(c, n);
    }
    if (!end && !c->eof) {
        return false;
    }
    refuse_long_line(c);
    return true;
}

static void decode(struct conn *c)
{
    struct decode_context context = context_of(c->door->ingest);
    struct batch *b = step_new(c)->batch;
    drain(c, decode_lines(b, buf_str(&c->in), &context));
    c->lines_n += b->inputs_n;
}

/* Makes a batch of the lines at hand. False: there is no whole line. */
static bool cut_batch(struct conn *c)
{
    if (c->skipped_n) {
        return (c->in.n || c->eof) && skip_line(c);
    }
    if (c->in.n == 0) {
        return false;
    }
    if (!memrchr(c->in.p, '\n', c->in.n)) {
        if (c->in.n > LINE_MAX_BYTES) {
            c->skipped_n = c->in.n;
            c->in.n = 0;
            return true;
        }
        if (!c->eof) {
            return false;
        }
        buf_put_byte(&c->in, '\n'); /* the last line needs no line feed */
    }
    decode(c);
    return true;
}

static bool may_cut(const struct conn *c)
{
    return c->steps_n < FLYING_MAX && c->lines_n < LINES_MAX &&
           evbuffer_get_length(bufferevent_get_output(c->bev)) < OUTPUT_MAX_BYTES;
}

static void read_while_there_is_room(struct conn *c, bool room)
{
    if (room && !c->eof) {
        event_add(c->readable, NULL);
    } else {
        event_del(c->readable);
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
                        "{\"ack\": %" PRIu64 ", \"accepted\": 0, \"duplicate\": 0, \"rejected\": []}\n", c->acked_n);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    (void)what;
    buf_reserve(&c->in, READ_BYTES);
    ssize_t n = read(fd, c->in.p + c->in.n, READ_BYTES);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n < 0) {
        conn_free(c);
        return;
    }
    c->in.n += (size_t)n;
    c->eof = n == 0;
    conn_work(c);
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

/* Only writing can fail here. */
static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    (void)what;
    conn_free(arg);
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
    c->readable = event_new(d->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    c->again = evtimer_new(d->base, on_again, c);
    c->next = d->conns;
    if (c->next) {
        c->next->prev = c;
    }
    d->conns = c;
    if (++d->conns_n == CONNECTIONS_MAX) {
        evconnlistener_disable(l);
    }
    bufferevent_disable(c->bev, EV_READ);
    bufferevent_setcb(c->bev, NULL, on_written, on_event, c);
    event_add(c->readable, NULL);
}

static void on_calm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    forget_spare(arg);
}

static void on_accept_error(struct evconnlistener *l, void *arg)
{
    struct socket_door *d = arg;
    struct timeval tv = {0, REST_MS * INT64_C(1000)};
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

struct socket_door *socket_open(struct event_base *base, const char *path, int fd, struct ingest *ingest, struct err *e)
{
    char taken[UNIX_PATH_BYTES];
    bool taken_over = fd >= 0;
    if (taken_over && unix_take_over(fd, taken, e) < 0) {
        return NULL;
    }
    if (!taken_over && (fd = unix_listen(path, 0660, e)) < 0) {
        return NULL;
    }
    struct socket_door *d = xcalloc(1, sizeof(*d));
    d->base = base;
    d->ingest = ingest;
    d->taken_over = taken_over;
    snprintf(d->path, sizeof(d->path), "%s", taken_over ? taken : path);
    d->rest = evtimer_new(base, on_rested, d);
    d->calm = evtimer_new(base, on_calm, d);
    d->listener = evconnlistener_new(base, on_accept, d, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    evconnlistener_set_error_cb(d->listener, on_accept_error);
    return d;
}

void socket_stop(struct socket_door *d)
{
    if (!d->listener) {
        return;
    }
    if (!d->taken_over) {
        unlink(d->path);
    }
    evconnlistener_free(d->listener);
    d->listener = NULL;
}

const char *socket_path(const struct socket_door *d)
{
    return d->path;
}

void socket_free(struct socket_door *d)
{
    if (!d) {
        return;
    }
    socket_stop(d);
    for (struct conn *c = d->conns, *next; c; c = next) {
        next = c->next;
        conn_free(c);
    }
    forget_spare(d);
    event_free(d->calm);
    event_free(d->rest);
    free(d);
}
