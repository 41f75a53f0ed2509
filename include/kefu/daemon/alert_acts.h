/* What people do about alerts, as events through the pipeline's door; and the list of alerts as JSON, for the control socket and
 * the board alike. */
#ifndef KEFU_DAEMON_ALERT_ACTS_H
#define KEFU_DAEMON_ALERT_ACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/daemon/pipeline.h"

enum alert_act_kind { ACT_NONE = 0, ACT_ACKNOWLEDGE, ACT_SILENCE, ACT_UNSILENCE };

struct alert_act {
    enum alert_act_kind kind;
    struct str source;      /* of the event: "kefuctl", "board" */
    struct str subject;     /* the alert's number; the rule's name or "*"; the silence's id */
    struct str agent, team; /* of a silence; absent: all */
    int64_t minutes;        /* of a silence, 1 … 44640 (31 days) */
    struct str reason, actor;
    /* Called once, from the loop: whether it is durable, and the event's id (of a silence: its id). */
    void (*done)(void *arg, bool durable, struct str id);
    void *arg;
};

/* Begins; everything is borrowed for the call. NULL with e: there is no such alert, rule or silence, or a field is missing or
 * too long, or the queue is full. The result may be given to alert_act_forget until `done` was called. */
struct alert_acting *alert_act_begin(struct pipeline *p, const struct alert_act *a, int64_t now_ms, struct err *e);
void alert_act_forget(struct alert_acting *a); /* done is not called any more */

/* Whom a list is for: NULL: for all; else asked about each alert and each silence. */
struct alert_sight {
    bool (*sees)(void *arg, const struct alert_view *v);
    bool (*sees_silence)(void *arg, const struct alert_silence *s);
    void *arg;
};
/* "alerts": [{alert, state, rule, label {zh, en}, severity, scope, agent|team|subject, team, value, limit, unit, since, told,
 * acked_by, muted}], the most severe and oldest first, and "silences": [{silence, rule, agent, team, actor, reason, from, until}]; without braces. */
void alert_print_list(struct buf *out, const struct alerts *a, int64_t now_ms, const struct alert_sight *sight);

#endif
