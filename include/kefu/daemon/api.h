/* The handlers of /v1/ for people, one a path of docs/openapi.json. Each takes the call and answers it, now or later; who may
 * call which is in the table of daemon/routes.c and in model/rights.h. */
#ifndef KEFU_DAEMON_API_H
#define KEFU_DAEMON_API_H

#include "kefu/daemon/call.h"

/* api_session.c */
void api_session(struct call *c);
void api_log_in(struct call *c);
void api_log_out(struct call *c);
/* api_board.c */
void api_me(struct call *c);
void api_me_live(struct call *c);
void api_agents(struct call *c);
void api_agent(struct call *c);
void api_agent_live(struct call *c);
void api_teams(struct call *c);
void api_team(struct call *c);
void api_team_live(struct call *c);
/* api_month.c */
void api_period(struct call *c);
void api_month(struct call *c);
void api_leaderboard(struct call *c);
void api_rulebook(struct call *c);
/* api_pay.c */
void api_pay(struct call *c);
void api_payroll(struct call *c);
void api_bonus(struct call *c);
/* api_close.c */
void api_months(struct call *c);
void api_month_review(struct call *c);
void api_month_adjustments(struct call *c);
void api_month_proposals(struct call *c);
void api_month_perks(struct call *c);
void api_month_trail(struct call *c);
void api_appeals(struct call *c);
/* api_acts.c */
void api_month_close(struct call *c);
void api_month_reopen(struct call *c);
void api_month_adjust(struct call *c);
void api_month_propose(struct call *c);
void api_appeal_open(struct call *c);
void api_appeal_decide(struct call *c);
void api_appeal_undo(struct call *c);
/* api_files.c */
void api_month_file(struct call *c);
void api_slip(struct call *c);
/* api_backtest.c */
void api_backtest_begin(struct call *c);
void api_backtest(struct call *c);
/* api_whatif.c */
void api_whatif(struct call *c);
/* api_alerts.c */
void api_alerts(struct call *c);
void api_alerts_live(struct call *c);
/* Appends the same list as it is for this caller; false: it is the one of which *had was the number (0: none), which is set anew. */
bool api_alerts_news(struct daemon *d, const struct caller *caller, uint64_t *had, struct buf *out);
void api_alert_ack(struct call *c);
void api_alert_silence(struct call *c);
void api_alert_unsilence(struct call *c);
/* api_explain.c */
void api_explain(struct call *c);

#endif
