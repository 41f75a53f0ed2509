/* An agent as the board shows it: state, score and live tier brought together in one plain struct. */
#ifndef KEFU_VIEWS_BOARD_H
#define KEFU_VIEWS_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/model/rulebook.h"
#include "kefu/model/score.h"
#include "kefu/model/view.h"
#include "kefu/state/site.h"

struct board_input {
    uint32_t agent;
    int32_t month;
    const struct rulebook *rulebook; /* of the month */
    const struct score *score;       /* of the agent's month to date */
    const struct tier *live_tier;    /* NULL: not rated */
    bool provisional;
    uint64_t seq;
};

/* Strings and the rulebook are borrowed: the view holds until the next fold. */
void board_view(const struct site *s, const struct board_input *in, struct agent_view *out);

/* The order of a board: best score first, those without one last, then by id. For qsort over struct agent_view. */
int board_cmp(const void *a, const void *b);

#endif
