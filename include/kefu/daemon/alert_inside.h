/* What the files of the alerts share: alerts.c (turns, memory), alert_value.c (what is seen), alert_notice.c (who is told). */
#ifndef KEFU_DAEMON_ALERT_INSIDE_H
#define KEFU_DAEMON_ALERT_INSIDE_H

#include "kefu/base/heap.h"
#include "kefu/base/intern.h"
#include "kefu/base/table.h"
#include "kefu/daemon/alerts.h"

#define ALERT_SLOW_MS 60000 /* between two looks at what is of days and months */
#define ALERT_TICK_MS 5000  /* at what moves with time */

enum subject_scope { OF_SITE = 0, OF_AGENT, OF_TEAM, OF_SOURCE, OF_CHANNEL };

struct subject { /* whom an alert is about */
    enum subject_scope of;
    uint32_t agent; /* OF_AGENT */
    struct str id;  /* of agent, team, source, channel; absent: the site */
};

struct alert {
    const struct alert_rule *rule; /* NULL: there is none of that name any more */
    struct subject subject;
    char *name; /* owned: "RULE/agent:amy"; the row's subject */
    uint32_t name_n, rule_n;
    struct alert_memory durable, work;
    char *acked_by;      /* owned; NULL: nobody */
    int64_t value_micro; /* seen last */
    int64_t look_ms;     /* when time alone changes it */
    int64_t queued_ms;   /* the earliest entry in the heap; INT64_MAX: none */
    bool changed;        /* in the judgement under way */
    bool has_row;        /* on disk */
    bool will_have_row;  /* once the judgement is durable */
};

struct act {
    struct arena arena; /* of the event's strings */
    struct event event;
    void (*settled)(void *arg); /* told when its outcome is durable; NULL: nobody asks */
    void *arg;
};

struct kept_silence {
    struct arena arena;
    struct alert_silence s;
};

struct group { /* one rule, one team: told together */
    const struct alert_rule *rule;
    uint32_t team;    /* of teams, 0: none */
    uint32_t agent;   /* of rules that only the agent hears; else 0 */
    int64_t first_ms; /* since when something is untold; INT64_MAX: nothing */
    int64_t last_ms;  /* when it was told last */
    bool flush;
};

struct alerts {
    struct alerts_options o;
    struct alerts_own own;
    bool trouble;        /* our own, or a source is silent: agents' alerts are muted */
    struct alert **list; /* owned */
    size_t n, cap;
    struct table by_name;
    struct heap heap;
    struct intern teams;
    uint32_t *marked; /* agents */
    size_t marked_n, marked_cap;
    uint8_t *is_marked; /* by agent */
    size_t is_marked_n, is_marked_cap;
    const struct rulebook *rulebook; /* in force at the last run */
    int64_t tick_ms, slow_ms;        /* when to look again */
    struct {                         /* whoever has waited since then is still waited for, as of now_ms */
        int64_t now_ms, from_ms;
    } waited_for;
    int64_t tell_ms;   /* when channels are to be told; INT64_MAX: nothing waits */
    struct act **acts; /* not durable yet; owned */
    size_t acts_n, acts_cap, acts_done_n;
    struct kept_silence **silences; /* owned */
    size_t silences_n, silences_cap;
    uint64_t silences_changed_n;
    struct alerts_counts counts, fresh; /* fresh: of the judgement under way */
    struct group *groups;               /* owned */
    size_t groups_n, groups_cap;
};

/* A run under way. */
struct turn {
    struct alerts *a;
    struct judge *j;
    struct judgement *g;
    int64_t now_ms;
};

/* alert_value.c: what is seen of the subject now. May bring work.day and work.counted up to date (then *remember). */
void alert_look(const struct turn *t, struct alert *x, struct alert_seen *seen, bool *remember);
/* When the wait that is looked at reaches the rule's limit; INT64_MAX: nobody waits, or it has. */
int64_t alert_wait_reaches(const struct turn *t, const struct alert *x);
/* When the last event of the source was (none: *last_ms stays); does it send: min_samples of the rule, the last within a week? */
bool alert_source_last(const struct alerts *a, const struct alert_rule *r, struct str source, int64_t now_ms,
                       int64_t *last_ms);
struct str alert_team_of(const struct alerts *a, const struct subject *s); /* absent: none */

/* alert_notice.c: why channels are not told of it now (absent: they are); tells those whose time it is. */
struct str alert_muted(const struct alerts *a, const struct alert *x, int64_t now_ms);
void alert_tell(const struct turn *t);
/* An entry of the stream "alerts". */
struct effect *alert_effect(const struct turn *t, const struct alert *x, const char *state);

bool alert_is_raised(const struct alert *x);

/* alert_rows.c: alerts by name (NULL: there is none), a new one like another, its place in the list; rules by name. */
#define ALERT_NAME_MAX 256
struct str alert_name(char room[ALERT_NAME_MAX], struct str rule, const struct subject *s);
struct alert *alert_find(const struct alerts *a, struct str name);
struct alert *alert_add(struct alerts *a, struct str name, const struct alert *like);
size_t alert_place(const struct alerts *a, const struct alert *x);
const struct alert_rule *alert_rule_named(const struct rulebook *r, struct str name); /* NULL: none */
/* Rows of all that changed go into the judgement, at the end of a run. */
void alert_write_rows(const struct turn *t);
void alert_keep_silence(struct alerts *a, const struct alert_silence *s);
void alert_write_silence(const struct turn *t, const struct alert_silence *s);
void alert_drop_silence(const struct turn *t, size_t at);

#endif
