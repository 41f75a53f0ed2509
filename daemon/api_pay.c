/* Pay: the one place where money and what goes with a tier leave the daemon. Every look is in the audit log, on disk, before the
 * answer leaves; if it cannot be, there is no answer. Live figures: provisional until the month is closed. */
#include "kefu/daemon/api.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/show.h"
#include "kefu/rules/score.h"

#define BUSY_S 5

/* An answer that waits for its line in the audit log. */
struct look {
    struct commit commit; /* first: it comes back as this */
    struct http_request *request;
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
        log_line(LOG_LEVEL_NOTE, "audit", "did=pay.read token=%s head=%s", l->token, l->head);
        http_answer(l->request, 200, "application/json", buf_str(&l->body));
    } else {
        call_busy(l->request, "the audit log cannot be written: the disk is full", BUSY_S);
    }
    look_free(l);
}

static void put_line(struct buf *out, const struct call *c, struct str agent, int32_t month)
{
    char at[32], text[16];
    rfc3339_print(at, sizeof(at), clock_wall_ms(&c->d->clock));
    civil_print_month(text, sizeof(text), month);
    buf_printf(out, "{\"at\":\"%s\",\"did\":\"pay.read\",\"token\":", at);
    buf_put_json(out, c->who.token->id);
    buf_printf(out, ",\"role\":\"%.*s\",\"subject\":", STR_ARG(role_name(c->who.caller.role)));
    show_text(out, c->who.token->subject);
    buf_put_str(out, STR_LIT(",\"login\":"));
    show_text(out, c->who.token->login);
    buf_put_str(out, STR_LIT(",\"agent\":"));
    show_text(out, agent);
    buf_printf(out, ",\"month\":\"%s\"}", text);
}

/* Takes the body. agent absent: everybody's. */
static void answer_audited(struct call *c, struct buf *body, struct str agent, int32_t month)
{
    struct look *l = xcalloc(1, sizeof(*l));
    l->request = c->r;
    l->body = *body;
    buf_put_byte(&l->body, '\n');
    put_line(&l->line, c, agent, month);
    l->lines[0] = buf_str(&l->line);
    snprintf(l->token, sizeof(l->token), "%.*s", STR_ARG(c->who.token->id));
    l->commit = (struct commit){.audit = l->lines, .audit_n = 1, .audit_head = l->head, .back = on_back, .owner = l};
    if (pipeline_commit(c->d->pipeline, &l->commit) < 0) {
        call_busy(c->r, "too much waits for the disk", BUSY_S);
        look_free(l);
    }
}

/* --- what is shown ------------------------------------------------------------------------------------------------ */

static void show_words(struct buf *out, const char *name, const struct str *words, size_t n)
{
    buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < n; i++) {
        if (i) {
            buf_put_byte(out, ',');
        }
        buf_put_json(out, words[i]);
    }
    buf_put_byte(out, ']');
}

static void show_extras(struct buf *out, const struct tier *t)
{
    buf_put_str(out, STR_LIT(",\"bonus_fen\":"));
    show_number(out, t ? t->bonus_fen : VIEW_NONE);
    show_words(out, "perks", t ? t->perks : NULL, t ? t->perks_n : 0);
    show_words(out, "actions", t ? t->actions : NULL, t ? t->actions_n : 0);
    buf_put_byte(out, '}');
}

/* The tier of an agent's month by the exact rule; NULL: not rated. */
static const struct tier *tier_of_month(const struct call *c, uint32_t agent, int32_t month)
{
    static const struct figures none;
    const struct rulebook *r = rulebooks_for_day(&c->d->settings->rulebooks, civil_month_first(month));
    const struct figures *f = site_figures(c->d->site, agent, PERIOD_MONTH, month);
    struct score s;
    score_month(r, f ? f : &none, site_had_orders(c->d->site, PERIOD_MONTH, month), &s);
    return tier_of(r, s.tier);
}

static void show_pay(struct buf *out, const struct call *c, uint32_t agent, int32_t month)
{
    char text[16];
    struct agent_now now;
    const struct tier *t = tier_of_month(c, agent, month);
    site_agent_now(c->d->site, agent, &now);
    civil_print_month(text, sizeof(text), month);
    buf_put_str(out, STR_LIT("{\"agent\":"));
    buf_put_json(out, site_agent_id(c->d->site, agent));
    buf_put_str(out, STR_LIT(",\"name\":"));
    show_text(out, now.name);
    buf_put_str(out, STR_LIT(",\"team\":"));
    show_text(out, now.team);
    buf_put_str(out, STR_LIT(",\"employee_no\":"));
    show_text(out, now.employee_no);
    buf_printf(out, ",\"month\":\"%s\",\"state\":\"provisional\",\"tier\":", text);
    show_tier(out, t);
    show_extras(out, t);
}

void api_pay(struct call *c)
{
    struct buf out = {0};
    int32_t month;
    uint32_t agent = call_agent(c);
    if (!agent || !call_month(c, c->args[1], &month)) {
        return;
    }
    const struct rulebook *r = rulebooks_for_day(&c->d->settings->rulebooks, civil_month_first(month));
    buf_put_byte(&out, '{');
    show_time(&out, "as_of", site_as_of(c->d->site));
    buf_put_str(&out, STR_LIT(",\"pay\":"));
    show_pay(&out, c, agent, month);
    buf_put_str(&out, STR_LIT(",\"tiers\":["));
    for (size_t i = 0; i < r->tiers_n; i++) {
        buf_put_str(&out, i ? STR_LIT(",{\"tier\":") : STR_LIT("{\"tier\":"));
        show_tier(&out, &r->tiers[i]);
        show_extras(&out, &r->tiers[i]);
    }
    buf_put_str(&out, STR_LIT("]}"));
    answer_audited(c, &out, c->args[0], month);
}

static int64_t sum_of(const struct call *c, int32_t month)
{
    int64_t sum = 0;
    for (uint32_t a = 1; a <= site_agents_n(c->d->site); a++) {
        const struct tier *t = tier_of_month(c, a, month);
        sum += t ? t->bonus_fen : 0;
    }
    return sum;
}

void api_payroll(struct call *c)
{
    struct call_page page;
    struct buf out = {0};
    char text[16];
    int32_t month;
    size_t n;
    if (!call_month(c, c->args[0], &month) || !call_page(c, &page)) {
        return;
    }
    uint32_t *agents = call_agents(c, &page, (struct str){0}, &n);
    civil_print_month(text, sizeof(text), month);
    buf_put_byte(&out, '{');
    show_time(&out, "as_of", site_as_of(c->d->site));
    buf_printf(&out,
               ",\"month\":\"%s\",\"state\":\"provisional\",\"signed\":false,\"total_fen\":%" PRId64 ",\"rows\":[",
               text, sum_of(c, month));
    for (size_t i = 0; i < n && i < page.limit; i++) {
        if (i) {
            buf_put_byte(&out, ',');
        }
        show_pay(&out, c, agents[i], month);
    }
    call_show_next(c, &out, agents, n, page.limit);
    free(agents);
    answer_audited(c, &out, (struct str){0}, month);
}
