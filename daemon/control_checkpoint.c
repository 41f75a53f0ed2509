/* A checkpoint on request. The answer comes when it is durable, and a line each second before it, if that is wanted: so whoever waits
 * knows that it goes on, however slow the disk is. If the peer leaves before, it is made all the same. */
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/control_ops.h"
#include "kefu/daemon/daemon.h"

#define TELL_EVERY_S 1

struct asked {
    struct daemon *d;
    struct control_conn *conn;
    struct event *timer; /* owned; NULL: nobody wants to know how far it is */
};

static void asked_free(struct asked *a)
{
    if (a->timer) {
        event_free(a->timer);
    }
    free(a);
}

static void tell(struct asked *a)
{
    struct checkpoint_status s;
    struct buf members = {0};
    checkpoint_status(pipeline_checkpoint(a->d->pipeline), &s);
    buf_printf(&members, "\"doing\": \"%s\", \"done\": %zu, \"of\": %zu, \"full\": %s", s.doing, s.done_n, s.all_n,
               s.full ? "true" : "false");
    control_progress(a->conn, buf_str(&members));
    buf_fini(&members);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    tell(arg);
}

static void on_done(void *arg)
{
    struct asked *a = arg;
    struct checkpoint_status s;
    struct buf members = {0};
    checkpoint_status(pipeline_checkpoint(a->d->pipeline), &s);
    buf_printf(&members, ", \"seq\": %" PRIu64 ", \"in_memory\": %zu", s.seq, s.in_memory_n);
    control_finish(a->conn, buf_str(&members));
    buf_fini(&members);
    asked_free(a);
}

static void on_gone(void *arg)
{
    struct asked *a = arg;
    checkpoint_unwant(pipeline_checkpoint(a->d->pipeline), a);
    asked_free(a);
}

enum control_outcome control_checkpoint(struct control_call *c, struct err *e)
{
    const cJSON *progress = cJSON_GetObjectItemCaseSensitive(c->request, "progress");
    if (progress && !cJSON_IsBool(progress)) {
        return (enum control_outcome)err_set(e, "progress", "expected true or false");
    }
    struct asked *a = xcalloc(1, sizeof(*a));
    *a = (struct asked){.d = c->d, .conn = c->conn};
    checkpoint_want(pipeline_checkpoint(c->d->pipeline), on_done, a);
    control_wait(c->conn, on_gone, a);
    if (cJSON_IsTrue(progress)) {
        struct timeval every = {.tv_sec = TELL_EVERY_S};
        a->timer = event_new(c->d->base, -1, EV_PERSIST, on_timer, a);
        event_add(a->timer, &every);
        tell(a);
    }
    return CONTROL_LATER;
}
