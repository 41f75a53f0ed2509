/* Alerts over the control socket: the list, acts of people, a test of a channel. Answers to acts come when they are durable. */
#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/alert_acts.h"
#include "kefu/daemon/control_ops.h"
#include "kefu/daemon/daemon.h"

static void put_channels(struct daemon *d, struct buf *out)
{
    const struct channels *all = &d->settings->channels;
    struct alerts_own own = {0};
    hub_own(d->hub, &own);
    buf_put_str(out, STR_LIT(", \"channels\": ["));
    for (size_t i = 0; i < all->n; i++) {
        buf_put_str(out, i ? STR_LIT(", {\"channel\": ") : STR_LIT("{\"channel\": "));
        buf_put_json(out, all->list[i].name);
        buf_put_str(out, STR_LIT(", \"kind\": "));
        buf_put_json(out, channel_kind_name(all->list[i].kind));
        buf_printf(out, ", \"waiting\": %zu, \"stuck_s\": %" PRId64 "}", hub_waiting_n(d->hub, i),
                   own.stuck_ms[i] / 1000);
    }
    buf_put_byte(out, ']');
}

enum control_outcome control_alert_list(struct control_call *c, struct err *e)
{
    (void)e;
    buf_put_str(c->out, STR_LIT(", "));
    alert_print_list(c->out, pipeline_alerts(c->d->pipeline), clock_wall_ms(&c->d->clock), NULL);
    put_channels(c->d, c->out);
    return CONTROL_ANSWERED;
}

/* --- acts --------------------------------------------------------------------------------------------------------- */

struct asked {
    struct daemon *d;
    struct control_conn *conn;
    struct alert_acting *acting;
};

static void on_done(void *arg, bool durable, struct str id)
{
    struct asked *a = arg;
    struct buf members = {0};
    buf_printf(&members, ", \"done\": %s, \"id\": ", durable ? "true" : "false");
    buf_put_json(&members, id);
    control_finish(a->conn, buf_str(&members));
    buf_fini(&members);
    free(a);
}

static void on_gone(void *arg)
{
    struct asked *a = arg;
    alert_act_forget(a->acting);
    free(a);
}

static enum control_outcome act(struct control_call *c, enum alert_act_kind kind, const char *subject, struct err *e)
{
    struct alert_act act = {.kind = kind, .source = STR_LIT("kefuctl"), .done = on_done};
    if (control_text(c->request, subject, &act.subject, e) < 0 ||
        control_text(c->request, "agent", &act.agent, e) < 0 || control_text(c->request, "team", &act.team, e) < 0 ||
        control_text(c->request, "reason", &act.reason, e) < 0 ||
        control_text(c->request, "actor", &act.actor, e) < 0 ||
        control_whole(c->request, "minutes", 0, &act.minutes, e) < 0) {
        return CONTROL_REFUSED;
    }
    struct asked *a = xcalloc(1, sizeof(*a));
    *a = (struct asked){c->d, c->conn, NULL};
    act.arg = a;
    a->acting = alert_act_begin(c->d->pipeline, &act, clock_wall_ms(&c->d->clock), e);
    if (!a->acting) {
        free(a);
        return CONTROL_REFUSED;
    }
    control_wait(c->conn, on_gone, a);
    return CONTROL_LATER;
}

enum control_outcome control_alert_ack(struct control_call *c, struct err *e)
{
    return act(c, ACT_ACKNOWLEDGE, "alert", e);
}

enum control_outcome control_alert_silence(struct control_call *c, struct err *e)
{
    return act(c, ACT_SILENCE, "rule", e);
}

enum control_outcome control_alert_unsilence(struct control_call *c, struct err *e)
{
    return act(c, ACT_UNSILENCE, "silence", e);
}

/* --- a test ------------------------------------------------------------------------------------------------------- */

static void on_told(void *arg, const struct robot_answer *answer, const char *why)
{
    static const char *const verdicts[] = {"taken", "later", "too long", "refused"};
    struct asked *a = arg;
    struct buf members = {0};
    buf_printf(&members, ", \"verdict\": \"%s\", \"code\": %" PRId64, verdicts[answer->verdict], answer->code);
    if (*why) {
        buf_put_str(&members, STR_LIT(", \"why\": "));
        buf_put_json(&members, str_of(why));
    }
    control_finish(a->conn, buf_str(&members));
    buf_fini(&members);
    free(a);
}

static void on_test_gone(void *arg)
{
    struct asked *a = arg;
    hub_forget_test(a->d->hub, a);
    free(a);
}

enum control_outcome control_alert_test(struct control_call *c, struct err *e)
{
    struct str name;
    struct asked *a = xcalloc(1, sizeof(*a));
    *a = (struct asked){c->d, c->conn, NULL};
    if (control_text(c->request, "channel", &name, e) < 0 || hub_test(c->d->hub, name, on_told, a, e) < 0) {
        free(a);
        return CONTROL_REFUSED;
    }
    control_wait(c->conn, on_test_gone, a);
    return CONTROL_LATER;
}
