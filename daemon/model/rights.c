/* The table of docs/access.md as rows and columns. It refuses what it does not name. */
#include "kefu/model/rights.h"

struct str part_name(enum part p)
{
    static const struct str names[] = {{"", 0},
#define X(name, word) STR_LIT(word),
                                       RIGHTS_PARTS(X)
#undef X
    };
    return names[p];
}

enum rights_reach rights_reach(enum role role, enum part part)
{
    static const enum rights_reach table[PART_N][ROLE_N] = {
        [PART_ME] = {[ROLE_AGENT] = REACH_OWN},
        [PART_AGENTS] = {[ROLE_AGENT] = REACH_OWN,
                         [ROLE_LEAD] = REACH_TEAMS,
                         [ROLE_PAYROLL] = REACH_ALL,
                         [ROLE_HR] = REACH_ALL,
                         [ROLE_ADMIN] = REACH_ALL},
        [PART_TEAMS] = {[ROLE_LEAD] = REACH_TEAMS, [ROLE_ADMIN] = REACH_ALL},
        [PART_LEADERBOARD] = {[ROLE_AGENT] = REACH_SETTING, [ROLE_LEAD] = REACH_TEAMS, [ROLE_ADMIN] = REACH_ALL},
        [PART_MONTHS] =
            {[ROLE_LEAD] = REACH_TEAMS, [ROLE_PAYROLL] = REACH_ALL, [ROLE_HR] = REACH_ALL, [ROLE_ADMIN] = REACH_ALL},
        [PART_PAY] = {[ROLE_AGENT] = REACH_OWN, [ROLE_PAYROLL] = REACH_ALL},
        [PART_PAYROLL] = {[ROLE_PAYROLL] = REACH_ALL},
        [PART_RULEBOOK] = {[ROLE_AGENT] = REACH_ALL,
                           [ROLE_LEAD] = REACH_ALL,
                           [ROLE_PAYROLL] = REACH_ALL,
                           [ROLE_HR] = REACH_ALL,
                           [ROLE_ADMIN] = REACH_ALL},
        [PART_APPEALS] = {[ROLE_AGENT] = REACH_OWN,
                          [ROLE_LEAD] = REACH_TEAMS,
                          [ROLE_PAYROLL] = REACH_ALL,
                          [ROLE_HR] = REACH_ALL,
                          [ROLE_ADMIN] = REACH_ALL},
        [PART_PROPOSALS] = {[ROLE_AGENT] = REACH_OWN,
                            [ROLE_LEAD] = REACH_TEAMS,
                            [ROLE_PAYROLL] = REACH_ALL,
                            [ROLE_HR] = REACH_ALL,
                            [ROLE_ADMIN] = REACH_ALL},
        [PART_ALERTS] = {[ROLE_AGENT] = REACH_OWN, [ROLE_LEAD] = REACH_TEAMS, [ROLE_ADMIN] = REACH_ALL},
    };
    return table[part][role];
}

static bool is_own(const struct caller *c, const struct about *whom)
{
    if (whom->agent.n)
        return c->agent.n && str_eq(c->agent, whom->agent);
    return c->team.n && str_eq(c->team, whom->team);
}

static bool leads(const struct caller *c, struct str team)
{
    for (size_t i = 0; team.n && i < c->teams_n; i++)
        if (str_eq(c->teams[i], team))
            return true;
    return false;
}

bool rights_may(const struct caller *c, enum part part, const struct about *whom)
{
    switch (rights_reach(c->role, part)) {
    case REACH_ALL: return true;
    case REACH_TEAMS: return leads(c, whom->team);
    case REACH_SETTING: return c->leaderboard && is_own(c, whom);
    case REACH_OWN: return is_own(c, whom);
    case REACH_NONE: break;
    }
    return false;
}
