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
    audited_log(b);
    buf_put_str(&members, STR_LIT(", "));
    appeal_print_done(&members, b);
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

static struct str member(const cJSON *event, const char *name)
{
    return str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, name)));
}

enum control_outcome control_act(struct control_call *c, struct err *e)
{
    struct daemon *d = c->d;
    const cJSON *event = cJSON_GetObjectItemCaseSensitive(c->request, "event");
    struct str type = member(event, "type");
    struct buf line = {0};
    if (!cJSON_IsObject(event) || !event_type_find(type)) {
        return (enum control_outcome)err_set(e, "event", "expected an object with the type of an act");
    }
    struct audited what = {type.p, member(event, "agent"), AUDITED_NO_MONTH, NULL};
    control_print_act(c, member(event, "actor"), &what, &line);
    struct asked *a = xcalloc(1, sizeof(*a));
    a->conn = c->conn;
    struct appeal_act act = {event, buf_str(&line), on_done, a};
    int bad = appeal_send(&(struct appeal_options){d->pipeline, d->site, &d->deciding}, &act, e);
    buf_fini(&line);
    if (bad) {
        free(a);
        return CONTROL_REFUSED;
    }
    control_wait(c->conn, on_gone, a);
    return CONTROL_LATER;
}

enum control_outcome control_appeals(struct control_call *c, struct err *e)
{
    (void)e;
    pipeline_catch_up(c->d->pipeline);
    buf_put_str(c->out, STR_LIT(", \"appeals\": "));
    appeal_print_list(c->out, c->d->site, &(struct appeal_query){.since_ms = INT64_MIN});
    buf_put_str(c->out, STR_LIT(", \"counts\": "));
    appeal_print_counts(c->out, c->d->site);
    return CONTROL_ANSWERED;
}
