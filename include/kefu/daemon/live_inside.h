/* What the files of the open boards share: live.c (rows), live_alerts.c (lists of alerts). */
#ifndef KEFU_DAEMON_LIVE_INSIDE_H
#define KEFU_DAEMON_LIVE_INSIDE_H

#include <event2/event.h>

#include "kefu/base/buf.h"
#include "kefu/daemon/live.h"

#define LIVE_PUSH_MS 500 /* between two events of a board */

struct topic_agent {
    uint64_t changed, alerts_changed;
    uint32_t team;  /* index into teams + 1; 0: none */
    uint64_t tick;  /* at which the row was made */
    struct buf row; /* owned */
};

struct topic_team {
    struct str name; /* owned */
    uint64_t changed, members_changed;
    int64_t next_due; /* of a wait, wall time */
    struct buf heat;  /* owned; a JSON value */
};

struct board {
    struct live *live;
    struct board *prev, *next;
    struct http_stream *stream;
    uint32_t agent; /* 0: of a team, or of alerts alone */
    uint32_t team;  /* index into teams + 1; 0: of none */
    uint64_t sent;
    bool alerts;
    uint32_t self; /* the agent who looks, and hears of own alerts alone; 0: somebody else */
    uint64_t alerts_seen, alerts_had;
    int64_t alerts_ms;
    int64_t pushed_ms, written_ms, behind_ms; /* monotonic; behind since, INT64_MAX: it is not */
    struct who_kept who;
};

struct live {
    struct daemon *d;
    struct event *tick_timer, *care_timer;
    struct board *boards;
    struct topic_agent *agents; /* owned, by the site's number */
    size_t agents_n, agents_cap;
    struct topic_team *teams; /* owned; few */
    size_t teams_n, teams_cap;
    uint64_t began, seq;
    uint64_t alerts_changed, alerts_all; /* numbers of the last change, and of the last that concerns everybody */
    int64_t alerts_all_ms;
    uint64_t silences_n; /* changes of them, at the last look */
    uint64_t tick;
    int64_t ticked_ms;
    int32_t day;
    uint64_t moved_n; /* agents that left a team */
    uint64_t gone_n;  /* tokens and sessions that had gone, and agents that had moved, at the last look */
    int64_t rights_ms;
    bool armed, stopping;
    struct live_counts counts;
    struct buf event; /* room */
};

int64_t live_mono_ms(const struct live *l);
struct topic_agent *live_agent(struct live *l, uint32_t agent); /* void at the next call */
void live_want_tick(struct live *l);
/* A board whose last bytes have not gone out is left out, and cut off in the end. True: it may be written to. */
bool live_is_reading(struct board *b, int64_t mono_ms);
void live_write(struct board *b); /* the event that was put together in live.event */

/* Sends the list of alerts if it is another than the board has. True: later. */
bool live_push_alerts(struct board *b, int64_t mono_ms);
/* Once a second: what changes lists without an alert that changes. */
void live_look_for_silences(struct live *l);

#endif
