/* The rules' turn: who is to be looked at, what the rules remember of each, what follows.
 *
 * A judgement is what one look made: new memory, effects with their final stream ids, and whom to show. It counts only once
 * it is durable: judge_settle makes the memory the agents' own, or forgets it all and looks again later. At most one
 * judgement is under way at a time. Views are made from durable memory alone. */
#ifndef KEFU_DAEMON_JUDGE_H
#define KEFU_DAEMON_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/model/commit.h"
#include "kefu/model/effect.h"
#include "kefu/model/rulebook.h"
#include "kefu/model/view.h"
#include "kefu/rules/tier.h"
#include "kefu/state/site.h"
#include "kefu/store/store.h"

struct judge;

/* What is remembered of an agent. A clock set over the end of a month and back must not tell a month's tiers again, so the
 * month looked at before this one is kept as well. */
struct remembered {
    struct tier_memory now;
    struct tier_memory before;
};

/* All borrowed; marks say from where effect numbers and stream ids go on. */
struct judge *judge_new(const struct site *s, const struct rulebooks *r, const struct store_marks *marks);
void judge_free(struct judge *j);
/* A memory row read at start. -1 with e: damaged. Rows of unknown rules are passed over. */
int judge_load(struct judge *j, const struct memory_row *row, struct err *e);

/* These must be looked at at the next turn. */
void judge_mark(struct judge *j, uint32_t agent);
void judge_mark_all(struct judge *j);
/* Is there anybody to be looked at at now_ms? And if not, when (INT64_MAX: nothing stands out)? */
bool judge_is_due(const struct judge *j, int64_t now_ms);
int64_t judge_due_ms(const struct judge *j);

struct judgement {
    struct arena arena;        /* strings of all below */
    struct memory_row *memory; /* owned arrays; memory row i is of agent decided[i] */
    uint32_t *decided;
    struct remembered *after;
    size_t memory_n, memory_cap, decided_cap, after_cap;
    struct effect *effects;
    size_t effects_n, effects_cap;
    uint32_t *unchanged; /* looked at, nothing to remember: can be shown at once */
    size_t unchanged_n, unchanged_cap;
};
void judgement_fini(struct judgement *g);

/* Looks at all who are marked or whose dwell has ended, for `month` at now_ms. Fills *out, which must be zeroed. */
void judge_run(struct judge *j, int32_t month, int64_t now_ms, struct judgement *out);
/* The judgement is durable: its memory counts. Or it is not: everybody in it is marked again. */
void judge_settle(struct judge *j, const struct judgement *g, bool durable);

/* What is shown of an agent in `month`. Borrowed until the next fold. */
void judge_view(const struct judge *j, uint32_t agent, int32_t month, uint64_t seq, struct agent_view *out);

#endif
