/* An agent and a team as the board shows them live (docs/openapi.json: AgentRow, TeamBrief and what a Team has beside rows). */
#ifndef KEFU_DAEMON_SHOW_AGENT_H
#define KEFU_DAEMON_SHOW_AGENT_H

#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/str.h"

struct daemon;

/* The row of an agent; `seq` stands in it. */
void show_agent_row(struct buf *out, struct daemon *d, uint32_t agent, uint64_t seq);
/* AgentBrief. */
void show_agent_brief(struct buf *out, struct daemon *d, uint32_t agent);

/* A team's agents, sorted by id; the caller frees. *n of them; NULL: there is no such team. */
uint32_t *team_members(struct daemon *d, struct str team, size_t *n);
/* All names of teams, sorted, borrowed until the next fold; the list is the caller's to free. */
struct str *team_names(struct daemon *d, size_t *n);

/* TeamBrief, and the members "summary", "over" and "responses" of a Team. Returns when the next wait of the team passes its
 * target (INT64_MAX: none will). */
void show_team_brief(struct buf *out, struct daemon *d, struct str team);
int64_t show_team_top(struct buf *out, struct daemon *d, struct str team, const uint32_t *members, size_t n);

#endif
