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
