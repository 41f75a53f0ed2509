/* Lines of the audit log, and the answers that wait for them. Keeps true: no look at pay without its line, and no act without
 * the line in its own transaction. The head goes into the log, so that a chain that was cut off shows. */
#include "kefu/daemon/audited.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/show.h"

#define BUSY_S 5

/* --- lines -------------------------------------------------------------------------------------------------------- */

struct whoever {
    struct str token, role, subject, login;
};

static void put_line(struct buf *out, int64_t now_ms, const struct whoever *w, const struct audited *a)
{
    char at[32], month[16];
    rfc3339_print(at, sizeof(at), now_ms);
    buf_printf(out, "{\"at\":\"%s\",\"did\":\"%s\",\"token\":", at, a->did);
    show_text(out, w->token);
    buf_printf(out, ",\"role\":\"%.*s\",\"subject\":", STR_ARG(w->role));
    show_text(out, w->subject);
    buf_put_str(out, STR_LIT(",\"login\":"));
    show_text(out, w->login);
    buf_put_str(out, STR_LIT(",\"agent\":"));
    show_text(out, a->agent);
    buf_put_str(out, STR_LIT(",\"month\":"));
    if (a->month != AUDITED_NO_MONTH) {
        civil_print_month(month, sizeof(month), a->month);
        buf_printf(out, "\"%s\"}", month);
    } else {
        buf_put_str(out, STR_LIT("null}"));
    }
}

void audited_print(struct buf *out, const struct call *c, const struct audited *a)
{
    const struct token *t = c->who.token;
    put_line(out, clock_wall_ms(&c->d->clock),
             &(struct whoever){t->id, role_name(c->who.caller.role), t->subject, t->login}, a);
}

void audited_print_user(struct buf *out, int64_t now_ms, const struct audited_user *user, const struct audited *a)
{
    put_line(out, now_ms, &(struct whoever){.role = STR_LIT("kefuctl"), .subject = user->name, .login = user->actor},
             a);
}

struct str audited_user_name(uint32_t uid, char room[AUDITED_USER_BYTES])
{
    const struct passwd *named = getpwuid(uid);
    if (named) {
        snprintf(room, AUDITED_USER_BYTES, "%s", named->pw_name);
    } else {
        snprintf(room, AUDITED_USER_BYTES, "uid %" PRIu32, uid);
    }
    return str_of(room);
}

void audited_log(const struct batch *b)
{
    if (b->audit.n && b->result == BATCH_STORED) {
        log_line(LOG_LEVEL_NOTE, "audit", "did=act head=%s", b->audit_head);
    }
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* An answer that waits for its line. */
struct look {
    struct commit commit; /* first: it comes back as this */
    struct http_request *request;
    const char *did, *type;
    struct buf body, line;
    struct str lines[1];
    char head[DIGEST_SHA256_HEX];
    char token[ACCESS_NAME_BYTES + 1];
};

static void look_free(struct look *l)
{
    buf_fini(&l->body);
    buf_fini(&l->line);
    free(l);
}

static void on_back(struct commit *commit)
{
    struct look *l = (struct look *)commit;
    if (commit->result == COMMIT_DONE) {
        log_line(LOG_LEVEL_NOTE, "audit", "did=%s token=%s head=%s", l->did, l->token, l->head);
        http_answer(l->request, 200, l->type, buf_str(&l->body));
    } else {
        call_busy(l->request, "the audit log cannot be written: the disk is full", BUSY_S);
    }
    look_free(l);
}

void audited_answer(struct call *c, const struct audited *a, struct buf *body)
{
    struct look *l = xcalloc(1, sizeof(*l));
    l->request = c->r;
    l->did = a->did;
    l->type = a->type ? a->type : "application/json";
    l->body = *body;
    if (!a->type) {
        buf_put_byte(&l->body, '\n');
    }
    audited_print(&l->line, c, a);
    l->lines[0] = buf_str(&l->line);
    snprintf(l->token, sizeof(l->token), "%.*s", STR_ARG(c->who.token->id));
    l->commit = (struct commit){.audit = l->lines, .audit_n = 1, .audit_head = l->head, .back = on_back, .owner = l};
    if (pipeline_commit(c->d->pipeline, &l->commit) < 0) {
        call_busy(c->r, "too much waits for the disk", BUSY_S);
        look_free(l);
    }
}
