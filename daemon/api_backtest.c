/* Trying a rulebook on the last months: begun by a POST, looked for until it is done (trial.h). The result holds pay, and each look at
 * it is in the audit log. */
#include "kefu/daemon/api.h"

#include <stdlib.h>

#include "kefu/base/json.h"
#include "kefu/daemon/audited.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/trial.h"

void api_backtest_begin(struct call *c)
{
    struct err e;
    struct str body = http_request_body(c->r), month = call_query(c, "month");
    struct buf out = {0};
    int32_t number;
    if (!call_may_post(c)) {
        return;
    }
    if (!body.n || (month.n && civil_parse_month(month, &number) < 0)) {
        call_bad(c, "expected a rulebook as the body, and a month such as 2026-03 if one is named");
        return;
    }
    const struct config *config = &c->d->settings->config;
    const char *id =
        trial_begin(c->d->trial, &(struct trial_ask){body, month, config->state_dir, config->timezone}, &e);
    if (!id) {
        *e.where = '\0'; /* a place on this machine is nobody's business */
        call_refused(c, &e);
        return;
    }
    buf_printf(&out, "{\"id\":\"%s\",\"state\":\"running\"}\n", id);
    http_answer(c->r, 202, "application/json", buf_str(&out));
    buf_fini(&out);
}

static void put_words(struct buf *out, const char *state, struct str said)
{
    while (said.n && said.p[said.n - 1] == '\n') {
        said.n--;
    }
    buf_printf(out, "{\"state\":\"%s\",\"error\":", state);
    buf_put_json(out, said);
    buf_put_str(out, STR_LIT(",\"result\":null}"));
}

void api_backtest(struct call *c)
{
    struct buf out = {0};
    struct str said;
    switch (trial_find(c->d->trial, c->args[0], &said)) {
    case TRIAL_NONE: call_not_found(c->r); return;
    case TRIAL_RUNNING:
        buf_put_str(&out, STR_LIT("{\"state\":\"running\",\"error\":null,\"result\":null}"));
        call_answer(c, &out);
        return;
    case TRIAL_BAD_RULEBOOK: put_words(&out, "refused", said); break;
    case TRIAL_FAILED: put_words(&out, "failed", said); break;
    case TRIAL_DONE:
        buf_put_str(&out, STR_LIT("{\"state\":\"done\",\"error\":null,\"result\":"));
        buf_put_str(&out, said);
        buf_put_byte(&out, '}');
        break;
    }
    audited_answer(c, &(struct audited){"backtest.read", {0}, AUDITED_NO_MONTH, NULL}, &out);
}
