/* Looks at pay by kefuctl: lines of the audit log with the Unix user, whom the socket names. A look is answered when its line is
 * durable, and kefuctl shows nothing before. */
#include "kefu/daemon/control_ops.h"

#include <stdlib.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/base/tz.h"
#include "kefu/daemon/daemon.h"

struct look {
    struct commit commit;      /* first: it comes back as this */
    struct control_conn *conn; /* NULL: who asked has gone */
    struct buf line;
    struct str lines[1];
    char head[DIGEST_SHA256_HEX];
};

static void look_free(struct look *l)
{
    buf_fini(&l->line);
    free(l);
}

static void on_back(struct commit *commit)
{
    struct look *l = (struct look *)commit;
    bool done = commit->result == COMMIT_DONE;
    if (done) {
        log_line(LOG_LEVEL_NOTE, "audit", "did=pay.read by=kefuctl head=%s", l->head);
    }
    if (l->conn) {
        control_finish(l->conn, done ? STR_LIT(", \"done\": true") : STR_LIT(", \"done\": false"));
    }
    look_free(l);
}

static void on_gone(void *arg)
{
    ((struct look *)arg)->conn = NULL;
}

static struct str member(const struct control_call *c, const char *name)
{
    return str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(c->request, name)));
}

enum control_outcome control_look(struct control_call *c, struct err *e)
{
    struct audited what = {"pay.read", member(c, "agent"), AUDITED_NO_MONTH, NULL};
    if (civil_parse_month(member(c, "month"), &what.month) < 0) {
        what.month = AUDITED_NO_MONTH;
    }
    struct look *l = xcalloc(1, sizeof(*l));
    l->conn = c->conn;
    control_print_act(c, (struct str){0}, &what, &l->line);
    l->lines[0] = buf_str(&l->line);
    l->commit = (struct commit){.audit = l->lines, .audit_n = 1, .audit_head = l->head, .back = on_back, .owner = l};
    if (pipeline_commit(c->d->pipeline, &l->commit) < 0) {
        look_free(l);
        return (enum control_outcome)err_set(e, "", "too much waits for the disk; ask again");
    }
    control_wait(c->conn, on_gone, l);
    return CONTROL_LATER;
}
