/* An agent as Redis is told: one call of one script that replaces the whole of it in one step.
 *
 * Fields of the hash PREFIXagent:ID (no data: no field). Decimals are cut, never rounded up:
 *   score                 points 0.00 … 100.00, two places       tier         name of the live tier
 *   provisional           1 or 0                                  team, rulebook, period ("2026-03")
 *   kpi:NAME:value        num ÷ den of the metric, four places: a share 0.0000 … 1.0000, seconds, stars of five, orders
 *   kpi:NAME:points       points 0.00 … 100.00, two places
 *   answered within missed rated      counts, month to date
 *   response_p50 response_p90         whole milliseconds
 *   rating_mean           stars of five, three places
 *   open waiting          counts, now
 *   oldest_wait_at as_of  milliseconds since 1970 UTC
 *   seq                   rises with every snapshot of the site
 * The message on the channel PREFIXscores is the same as one JSON object, with "agent" in front. The board PREFIXboard:TEAM
 * (board:- without a team) holds the agent under its cut score. Never holds pay. */
#ifndef KEFU_PUBLISH_SNAPSHOT_H
#define KEFU_PUBLISH_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/str.h"
#include "kefu/model/view.h"

/* The Lua script for SCRIPT LOAD. It looks at the types of its keys before it writes, writes first what an exhausted Redis
 * refuses, takes fields that are gone out of the hash and the agent off the board of an earlier team. */
extern const char snapshot_script[];

/* Encoded arguments of EVALSHA behind the script's name. */
struct snapshot {
    struct buf args; /* owned */
    size_t args_n;   /* how many arguments */
};

void snapshot_fini(struct snapshot *s); /* a zeroed one is a valid empty one */
/* Replaces what is in s. Borrows for the call. */
void snapshot_encode(struct snapshot *s, struct str prefix, const struct agent_view *v);
/* The same for an agent who is no more: no hash, on no board; the message holds agent and seq alone. */
void snapshot_encode_gone(struct snapshot *s, struct str prefix, struct str agent, uint64_t seq);

/* Appends num ÷ den with `places` decimals, cut toward minus infinity. den > 0, places 0 … 9. */
void snapshot_put_cut(struct buf *out, int64_t num, int64_t den, int places);

#endif
