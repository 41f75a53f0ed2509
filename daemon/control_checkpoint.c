/* A checkpoint on request. The answer comes when it is durable; if the peer leaves before, it is made all the same. */
#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/control_ops.h"
#include "kefu/daemon/daemon.h"

struct asked {
    struct daemon *d;
    struct control_conn *conn;
};

static void on_done(void *arg)
{
    struct asked *a = arg;
    struct checkpoint_status s;
    struct buf members = {0};
    checkpoint_status(pipeline_checkpoint(a->d->pipeline), &s);
    buf_printf(&members, ", \"seq\": %" PRIu64 ", \"in_memory\": %zu", s.seq, s.in_memory_n);
    control_finish(a->conn, buf_str(&members));
    buf_fini(&members);
    free(a);
}

static void on_gone(void *arg)
{
    struct asked *a = arg;
    checkpoint_unwant(pipeline_checkpoint(a->d->pipeline), a);
    free(a);
}

enum control_outcome control_checkpoint(struct control_call *c, struct err *e)
{
    (void)e;
    struct asked *a = xcalloc(1, sizeof(*a));
    *a = (struct asked){c->d, c->conn};
    checkpoint_want(pipeline_checkpoint(c->d->pipeline), on_done, a);
    control_wait(c->conn, on_gone, a);
    return CONTROL_LATER;
}
