/* For tests of months: a world with a book of months, and a February in which amy answers once and moves, bob only has a
 * profile, cai has left and dan has not come yet. */
#ifndef KEFU_TESTS_SUPPORT_MONTHS_H
#define KEFU_TESTS_SUPPORT_MONTHS_H

#include "kefu/daemon/months.h"
#include "support_world.h"

#define DAY INT64_C(86400000)
#define FEB 673 /* 2026-02, as base/tz.h counts */

struct desk_of_months {
    struct world *w;
    struct months *m;
    int done_n, durable_n; /* acts that came back; and those that are durable */
    char head[DIGEST_SHA256_HEX];
    struct err e;  /* of the last refusal */
    int32_t month; /* that a test is about */
    size_t (*unread)(void *arg, int64_t until_ms, struct str *names, size_t max);
    void *unread_arg;
    int64_t close_days, evidence_months; /* for open_months and open_world; 0 if not set */
};

/* For cmocka. */
int months_setup(void **state);
int months_teardown(void **state);
/* The months of the world as it is open now. */
void open_months(struct desk_of_months *d);
/* The world and its months, ended and started again as the daemon does it: the months know the replay. */
void close_world(struct desk_of_months *d);
void open_world(struct desk_of_months *d);

/* A conversation cID of this agent: asked at ts, answered 10 s later, resolved 10 s after that. */
void say(struct batch *b, const char *agent, const char *id, int64_t ts);
void profile(struct batch *b, const char *agent, const char *id, int64_t ts, const char *team);

struct month_act act_of(struct desk_of_months *d, int32_t month, const char *reason); /* by li */
/* The act as decided by who sees amy's, or another's, difference as it is now. */
void see(struct desk_of_months *d, struct month_act *act);
/* Asks, and turns the world until nothing is left to do. */
enum month_outcome close_month(struct desk_of_months *d, int32_t month);
enum month_outcome reopen_month(struct desk_of_months *d, int32_t month, const char *reason);

#endif
