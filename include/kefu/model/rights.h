/* Who sees what: the table of docs/access.md, and the one function that enforces it.
 *
 * A test reads the table from docs/access.md and walks every role, part and person: what the document says is what holds. */
#ifndef KEFU_MODEL_RIGHTS_H
#define KEFU_MODEL_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "kefu/base/str.h"
#include "kefu/model/access.h"

/* X(NAME, "word in docs/access.md and in the `sees` of a session") */
#define RIGHTS_PARTS(X)                                                                                                \
    X(ME, "me")                   /* one's own page */                                                                 \
    X(AGENTS, "agents")           /* an agent's figures, live and past, explained, what if; lists of them */           \
    X(TEAMS, "teams")             /* a team's board */                                                                 \
    X(LEADERBOARD, "leaderboard") /* a team, best first */                                                             \
    X(MONTHS, "months")           /* the table of a month, without pay */                                              \
    X(PAY, "pay")                 /* one agent's pay */                                                                \
    X(PAYROLL, "payroll")         /* everybody's; closing months, adjustments, files */                                \
    X(RULEBOOK, "rulebook")       /* the rules in force, without pay; which months are closed */                       \
    X(ALERTS, "alerts")           /* alerts that are on, and silences */                                               \
    X(APPEALS, "appeals")         /* what agents contest */                                                            \
    X(PROPOSALS, "proposals")     /* what a closed month proposes about people */

enum part {
    PART_NONE = 0,
#define X(name, word) PART_##name,
    RIGHTS_PARTS(X)
#undef X
        PART_N
};
struct str part_name(enum part p); /* "" for PART_NONE */

/* How far a right reaches. OWN: oneself, or the team one is in; TEAMS: the teams one leads; SETTING: OWN, if the option
 * `leaderboard` says so. */
enum rights_reach { REACH_NONE = 0, REACH_OWN, REACH_SETTING, REACH_TEAMS, REACH_ALL };
enum rights_reach rights_reach(enum role role, enum part part);

struct caller {
    enum role role;          /* ROLE_NONE: nobody */
    struct str agent;        /* role agent: who it is */
    struct str team;         /* role agent: the team it is in now; absent: none */
    const struct str *teams; /* role lead; borrowed */
    size_t teams_n;
    bool leaderboard; /* the option */
};

/* Whom something is about; either may be absent: a team has no agent, and an agent may be in no team. */
struct about {
    struct str agent;
    struct str team;
};

/* May the caller see this part of that agent or team? The one place where this is decided. */
bool rights_may(const struct caller *c, enum part part, const struct about *whom);

#endif
