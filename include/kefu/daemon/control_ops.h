/* What can be asked over the control socket: one function a request (daemon/control.h lists them). */
#ifndef KEFU_DAEMON_CONTROL_OPS_H
#define KEFU_DAEMON_CONTROL_OPS_H

#include <cjson/cJSON.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/daemon/audited.h"

struct daemon;
struct control_conn;

/* A request while it is worked on. */
struct control_call {
    struct daemon *d;
    struct control_conn *conn; /* for those that answer later */
    const cJSON *request;      /* borrowed for the call */
    struct buf *out;           /* members of the answer go here, each begun with ", " */
};

enum control_outcome { CONTROL_REFUSED = -1, CONTROL_ANSWERED = 0, CONTROL_LATER = 1 };

/* CONTROL_REFUSED with e; CONTROL_ANSWERED with `out`; CONTROL_LATER: control_finish is called for the connection. */
enum control_outcome control_status(struct control_call *c, struct err *e);
enum control_outcome control_agent(struct control_call *c, struct err *e);
enum control_outcome control_agents(struct control_call *c, struct err *e);
enum control_outcome control_report(struct control_call *c, struct err *e);
enum control_outcome control_quarantine(struct control_call *c, struct err *e);
enum control_outcome control_quarantine_retry(struct control_call *c, struct err *e);
enum control_outcome control_token_add(struct control_call *c, struct err *e);
enum control_outcome control_token_list(struct control_call *c, struct err *e);
enum control_outcome control_token_revoke(struct control_call *c, struct err *e);
enum control_outcome control_month_list(struct control_call *c, struct err *e);
enum control_outcome control_month_draft(struct control_call *c, struct err *e);
enum control_outcome control_month_close(struct control_call *c, struct err *e);
enum control_outcome control_month_reopen(struct control_call *c, struct err *e);
enum control_outcome control_month_adjustments(struct control_call *c, struct err *e);
enum control_outcome control_month_adjust(struct control_call *c, struct err *e);
enum control_outcome control_month_proposals(struct control_call *c, struct err *e);
enum control_outcome control_month_propose(struct control_call *c, struct err *e);
enum control_outcome control_month_bonus(struct control_call *c, struct err *e);
enum control_outcome control_act(struct control_call *c, struct err *e);
enum control_outcome control_appeals(struct control_call *c, struct err *e);
enum control_outcome control_checkpoint(struct control_call *c, struct err *e);
enum control_outcome control_reload(struct control_call *c, struct err *e);
enum control_outcome control_collectors(struct control_call *c, struct err *e);
enum control_outcome control_unbound(struct control_call *c, struct err *e);

/* Appends ", "sources": […]": of every source that has sent, or is configured, its watermark: the latest stamp, how far that
 * is behind now, when its hook was last heard, what went wrong, and the last gap. */
void control_put_sources(struct buf *out, const struct daemon *d);
enum control_outcome control_alert_list(struct control_call *c, struct err *e);
enum control_outcome control_alert_ack(struct control_call *c, struct err *e);
enum control_outcome control_alert_silence(struct control_call *c, struct err *e);
enum control_outcome control_alert_unsilence(struct control_call *c, struct err *e);
enum control_outcome control_alert_test(struct control_call *c, struct err *e);
enum control_outcome control_look(struct control_call *c, struct err *e);
/* Appends a line of the audit log: what the caller does, whom the kernel names, and who it is said to be. */
void control_print_act(const struct control_call *c, struct str actor, const struct audited *what, struct buf *line);
enum control_outcome control_person_erase(struct control_call *c, struct err *e);
enum control_outcome control_person_list(struct control_call *c, struct err *e);
/* Redis holds nothing of erased persons any more: the tasks that waited for it are done. arg: the daemon. */
void person_cleaned(void *arg);

/* A member of the request: absent (n = 0) or default if it is not given, CONTROL_REFUSED with e if it is of another type. */
int control_text(const cJSON *request, const char *name, struct str *out, struct err *e);
int control_whole(const cJSON *request, const char *name, int64_t otherwise, int64_t *out, struct err *e);

/* The answer comes later, by control_finish with its members. If the peer leaves first, gone(arg) is called instead, and
 * control_finish must not be. */
void control_wait(struct control_conn *conn, void (*gone)(void *arg), void *arg);
void control_finish(struct control_conn *conn, struct str members);
/* Before it: how far it is, as a line of its own {"progress": {…members}}. Left out while the peer has not taken the one before. */
void control_progress(struct control_conn *conn, struct str members);

#endif
