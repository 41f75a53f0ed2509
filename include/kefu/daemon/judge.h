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
struct alerts;

/* What is remembered of an agent. A clock set over the end of a month and back must not tell a month's tiers again, so the
 * month looked at before this one is kept as well. */
struct remembered {
    struct tier_memory now;
    struct tier_memory before;
};

/* All borrowed; marks say from where effect numbers and stream ids go on. */
struct judge *judge_new(const struct site *s, const struct rulebooks *r, const struct store_marks *marks);
void judge_free(struct judge *j);
/* The alert rules, borrowed, are looked after as well: marked, run, loaded and settled with the judge. NULL: none. */
void judge_attend(struct judge *j, struct alerts *alerts);
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
    struct memory_row *memory; /* owned arrays; all rows to be written */
    uint32_t *decided;         /* agents whose memory is among them */
    struct remembered *after;  /* of decided[i] */
    size_t memory_n, memory_cap, decided_n, decided_cap, after_cap;
    struct effect *effects;
    size_t effects_n, effects_cap;
    uint32_t *unchanged; /* looked at, nothing to remember: can be shown at once */
    size_t unchanged_n, unchanged_cap;
};
void judgement_fini(struct judgement *g);

/* Looks (in this order: tiers, alerts) at all who are marked or whose dwell has ended, for `month` at now_ms. Fills *out, which must be zeroed. */
void judge_run(struct judge *j, int32_t month, int64_t now_ms, struct judgement *out);
/* For the rules that look after these (daemon/alerts.h): an effect with its final number and stream id, to be filled with
 * effect_pair (borrowed until the next one), and a row of memory, copied. */
struct effect *judge_effect(struct judge *j, struct judgement *g, const struct effect *as, int64_t now_ms);
void judgement_row(struct judgement *g, const struct memory_row *row);
/* Field and value; both must live as long as the judgement. */
void effect_pair(struct effect *f, const char *field, struct str value);
/* The judgement is durable: its memory counts. Or it is not: everybody in it is marked again. */
void judge_settle(struct judge *j, const struct judgement *g, bool durable);

/* What is shown of an agent in `month`. Borrowed until the next fold. */
void judge_view(const struct judge *j, uint32_t agent, int32_t month, uint64_t seq, struct agent_view *out);

#endif
