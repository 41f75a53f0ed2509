/* Acts of leads over the control socket. Answered when durable; if the peer leaves before, it is done all the same. */
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/appeal.h"
#include "kefu/daemon/control_ops.h"
#include "kefu/daemon/daemon.h"

struct asked {
    struct control_conn *conn; /* NULL: the peer has left */
};

static void on_done(struct batch *b)
{
    struct asked *a = b->owner;
    struct buf members = {0};
    bool durable = b->result == BATCH_STORED;
    buf_printf(&members, ", \"done\": %s, \"ids\": [", durable ? "true" : "false");
    for (size_t i = 0; durable && i < b->events_n; i++) {
        buf_put_str(&members, i ? STR_LIT(", ") : STR_LIT(""));
        buf_put_json(&members, b->events[i].id);
    }
    buf_put_byte(&members, ']');
    if (a->conn) {
        control_finish(a->conn, buf_str(&members));
    }
    buf_fini(&members);
    free(a);
    batch_free(b);
}

static void on_gone(void *arg)
{
    ((struct asked *)arg)->conn = NULL;
}

enum control_outcome control_act(struct control_call *c, struct err *e)
{
    struct daemon *d = c->d;
    const cJSON *event = cJSON_GetObjectItemCaseSensitive(c->request, "event");
    struct ingest *in = pipeline_ingest(d->pipeline);
    if (!cJSON_IsObject(event)) {
        return (enum control_outcome)err_set(e, "event", "expected an object");
    }
    struct asked *a = xcalloc(1, sizeof(*a));
    a->conn = c->conn;
    struct appeal_options o = {d->pipeline, d->site, in->rulebook(in)};
    struct batch *b = appeal_batch(&o, event, on_done, a, e);
    if (b && in->submit(in, b) == 0) {
        control_wait(c->conn, on_gone, a);
        return CONTROL_LATER;
    }
    if (b) {
        err_set(e, "", "the queue is full; nothing was done, ask again");
        batch_free(b);
    }
    free(a);
    return CONTROL_REFUSED;
}

enum control_outcome control_appeals(struct control_call *c, struct err *e)
{
    (void)e;
    pipeline_catch_up(c->d->pipeline);
    buf_put_str(c->out, STR_LIT(", \"appeals\": "));
    appeal_print_list(c->out, c->d->site);
    buf_put_str(c->out, STR_LIT(", \"counts\": "));
    appeal_print_counts(c->out, c->d->site);
    return CONTROL_ANSWERED;
}
