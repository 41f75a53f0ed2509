/* Tokens and reload over the control socket. The clear text of a token leaves the process once, in the answer that made it. */
#include "kefu/daemon/control_ops.h"

#include <inttypes.h>

#include "kefu/base/log.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/reload.h"

#define LIST_MAX 64
#define DAY_MS   INT64_C(86400000)
#define DAYS_MAX 36500

/* A token that is being made. */
struct making {
    struct token like;
    struct str sources[LIST_MAX], teams[LIST_MAX];
    char clear[ACCESS_TOKEN_BYTES];
    struct buf id;
};

static int read_list(const cJSON *request, const char *name, struct str *out, size_t *out_n, struct err *e)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(request, name), *one;
    if (!list) {
        return 0;
    }
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) < 1 || cJSON_GetArraySize(list) > LIST_MAX) {
        return err_set(e, name, "expected a list of 1 to %d names; leave it out where it is not needed", LIST_MAX);
    }
    cJSON_ArrayForEach(one, list)
    {
        if (!cJSON_IsString(one) || !one->valuestring[0] || strlen(one->valuestring) > ACCESS_NAME_BYTES) {
            return err_set(e, name, "expected names of 1 to %d bytes", ACCESS_NAME_BYTES);
        }
        out[(*out_n)++] = str_of(one->valuestring);
    }
    return 0;
}

static int check_role(const struct token *k, struct err *e)
{
    if (k->sources_n && k->role != ROLE_INGEST) {
        return err_set(e, "sources", "only a token of role ingest is bound to sources");
    }
    if (k->teams_n && k->role != ROLE_LEAD) {
        return err_set(e, "teams", "only a token of role lead is of teams");
    }
    if (!k->teams_n && k->role == ROLE_LEAD) {
        return err_set(e, "teams", "a token of role lead needs the teams it sees; name one or more");
    }
    if (!k->subject.n && k->role == ROLE_AGENT) {
        return err_set(e, "subject", "a token of role agent needs the id of its agent");
    }
    return 0;
}

static int read_making(const cJSON *request, int64_t now_ms, struct making *m, struct err *e)
{
    struct str role;
    int64_t days;
    if (control_text(request, "role", &role, e) < 0 || control_text(request, "subject", &m->like.subject, e) < 0 ||
        control_text(request, "login", &m->like.login, e) < 0 || control_whole(request, "days", 0, &days, e) < 0 ||
        read_list(request, "sources", m->sources, &m->like.sources_n, e) < 0 ||
        read_list(request, "teams", m->teams, &m->like.teams_n, e) < 0) {
        return -1;
    }
    m->like.sources = m->sources;
    m->like.teams = m->teams;
    if (m->like.subject.n > ACCESS_NAME_BYTES || m->like.login.n > ACCESS_NAME_BYTES) {
        return err_set(e, m->like.login.n > ACCESS_NAME_BYTES ? "login" : "subject", "expected at most %d bytes",
                       ACCESS_NAME_BYTES);
    }
    m->like.role = role_find(role);
    if (m->like.role == ROLE_NONE) {
        return err_set(e, "role", "found \"%.*s\", expected agent, lead, payroll, hr, ingest or admin", STR_ARG(role));
    }
    if (check_role(&m->like, e) < 0) {
        return -1;
    }
    if (days > DAYS_MAX) {
        return err_set(e, "days", "found %" PRId64 ", expected at most %d", days, DAYS_MAX);
    }
    m->like.added_at = now_ms;
    m->like.expires_at = days ? now_ms + days * DAY_MS : INT64_MAX;
    return 0;
}

static int add(void *arg, struct tokens *t, struct err *e)
{
    struct making *m = arg;
    if (m->like.login.n && access_find_login(t, m->like.login, INT64_MIN)) {
        return err_set(e, "login", "\"%.*s\" is the login of another token; revoke that first", STR_ARG(m->like.login));
    }
    buf_put_str(&m->id, access_add(t, &m->like, m->clear));
    return 0;
}

enum control_outcome control_token_add(struct control_call *c, struct err *e)
{
    struct making m = {0};
    enum control_outcome outcome = CONTROL_REFUSED;
    if (read_making(c->request, clock_wall_ms(&c->d->clock), &m, e) == 0 &&
        reload_change_tokens(c->d, add, &m, e) == 0) {
        buf_put_str(c->out, STR_LIT(", \"token\": "));
        buf_put_json(c->out, str_of(m.clear));
        buf_put_str(c->out, STR_LIT(", \"id\": "));
        buf_put_json(c->out, buf_str(&m.id));
        log_line(LOG_LEVEL_NOTE, "token", "added=%.*s role=%.*s", STR_ARG(buf_str(&m.id)),
                 STR_ARG(role_name(m.like.role)));
        outcome = CONTROL_ANSWERED;
    }
    buf_fini(&m.id);
    return outcome;
}

static void put_list(struct buf *out, const char *name, const struct str *list, size_t n)
{
    buf_printf(out, ", \"%s\": [", name);
    for (size_t i = 0; i < n; i++) {
        buf_put_str(out, i ? STR_LIT(", ") : STR_LIT(""));
        buf_put_json(out, list[i]);
    }
    buf_put_byte(out, ']');
}

static void put_token(struct buf *out, const struct token *t)
{
    buf_put_str(out, STR_LIT("{\"id\": "));
    buf_put_json(out, t->id);
    buf_put_str(out, STR_LIT(", \"role\": "));
    buf_put_json(out, role_name(t->role));
    if (t->subject.n) {
        buf_put_str(out, STR_LIT(", \"subject\": "));
        buf_put_json(out, t->subject);
    }
    if (t->login.n) {
        buf_put_str(out, STR_LIT(", \"login\": "));
        buf_put_json(out, t->login);
    }
    put_list(out, "sources", t->sources, t->sources_n);
    put_list(out, "teams", t->teams, t->teams_n);
    buf_printf(out, ", \"added\": %" PRId64, t->added_at);
    if (t->expires_at != INT64_MAX) {
        buf_printf(out, ", \"expires\": %" PRId64, t->expires_at);
    }
    buf_put_byte(out, '}');
}

enum control_outcome control_token_list(struct control_call *c, struct err *e)
{
    const struct tokens *t = &c->d->settings->tokens;
    (void)e;
    buf_put_str(c->out, STR_LIT(", \"tokens\": ["));
    for (size_t i = 0; i < t->n; i++) {
        buf_put_str(c->out, i ? STR_LIT(", ") : STR_LIT(""));
        put_token(c->out, &t->list[i]);
    }
    buf_put_byte(c->out, ']');
    return CONTROL_ANSWERED;
}

static int revoke(void *arg, struct tokens *t, struct err *e)
{
    const struct str *id = arg;
    if (access_revoke(t, *id) < 0) {
        return err_set(e, "id", "there is no token \"%.*s\"; `kefuctl token list` shows them", STR_ARG(*id));
    }
    return 0;
}

enum control_outcome control_token_revoke(struct control_call *c, struct err *e)
{
    struct str id;
    if (control_text(c->request, "id", &id, e) < 0 || reload_change_tokens(c->d, revoke, &id, e) < 0) {
        return CONTROL_REFUSED;
    }
    log_line(LOG_LEVEL_NOTE, "token", "revoked=%.*s", STR_ARG(id));
    return CONTROL_ANSWERED;
}

enum control_outcome control_reload(struct control_call *c, struct err *e)
{
    return reload(c->d, e) < 0 ? CONTROL_REFUSED : CONTROL_ANSWERED;
}
