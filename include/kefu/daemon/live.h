/* Boards that are open: server-sent events of an agent or a team (docs/openapi.json says what they look like).
 *
 * A board is sent whole rows, the first change at once, then at most two events a second; what changed in between is in the
 * next one. A row is made once a tick, whoever looks at it. Nobody's slowness costs others: a board that does not read is left
 * out, and cut off after a while. Only while a board is open is there a timer. */
#ifndef KEFU_DAEMON_LIVE_H
#define KEFU_DAEMON_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/http.h"
#include "kefu/base/str.h"
#include "kefu/daemon/who.h"

struct daemon;
struct live;

struct live *live_new(struct daemon *d);
void live_free(struct live *l);
/* Says bye to all; no new ones from now on. */
void live_stop(struct live *l);

/* Something that is shown of the agent has changed. */
void live_changed(struct live *l, uint32_t agent);
/* An alert of the agent (0: of no one agent) was raised, taken on or is over; or silences are others (all: whoever has a list). */
void live_alert_changed(struct live *l, uint32_t agent, bool all);
/* The heat of a team was counted anew: a JSON value, copied. */
void live_heat(struct live *l, struct str team, struct str json);
/* What was last said of it; "null" if nothing. Borrowed until the next live_heat. */
struct str live_heat_of(struct live *l, struct str team);
/* Is any board of a team open? */
bool live_any_team(const struct live *l);
/* The number of the latest change of an agent, or of anything in a team; for sequences in answers. */
uint64_t live_agent_seq(struct live *l, uint32_t agent);
uint64_t live_team_seq(struct live *l, struct str team);

/* Opens a board on the request, which is taken. Of a team if `team` is there, else of the agent, if there is one; with `alerts`,
 * also of the list of alerts, as the caller may see it: event "alerts". The caller has looked whether it may. False: there are too many; the request stays the caller's. */
struct live_ask {
    struct str team;
    uint32_t agent;
    bool alerts;
    const struct who *who;
};
bool live_open(struct live *l, struct http_request *r, const struct live_ask *ask);

struct live_counts {
    size_t boards_n;
    uint64_t pushes_n, bytes_n, skipped_n, cut_n;
};
void live_counts(const struct live *l, struct live_counts *out);

#endif
