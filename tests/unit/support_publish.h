/* The publisher between a Redis of its own and an owner that keeps an outbox, for its tests. */
#ifndef KEFU_TESTS_SUPPORT_PUBLISH_H
#define KEFU_TESTS_SUPPORT_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/publish/redis.h"
#include "support_redis.h"

#define ROWS_MAX 5120
#define T0       INT64_C(1772442000000)

/* The owner's side: an outbox, as the store would keep it. */
struct publish_world {
    struct event_base *base;
    struct own_redis redis;
    struct publisher *publisher;
    const char *username, *password; /* NULL: none */
    uint64_t rows_n;                 /* row i has number i + 1 and stream id T0+i-0 */
    bool sent[ROWS_MAX];
    uint64_t resent_n; /* times `resend` was called for tiers */
    uint64_t seq;
    int64_t stream_keep_days; /* 0: any age */
    /* what `await` waits for */
    const char *agent, *field, *value;
    uint64_t wanted;
};

void publish_decide(struct publish_world *w);
void publish_start(struct publish_world *w);
int publish_set_up(void **state);
int publish_tear_down(void **state);
void publish_show(struct publish_world *w, const char *agent, const char *team, int64_t score_milli);
void publish_settle(struct publish_world *w);
bool publish_is_live(void *arg);
bool publish_is_not_live(void *arg);
void publish_await_field(struct publish_world *w, const char *agent, const char *field, const char *value);
void publish_await_errors(struct publish_world *w, uint64_t more_n);
void publish_score_is(struct publish_world *w, const char *board, const char *agent, const char *score);
void publish_not_on_board(struct publish_world *w, const char *board, const char *agent);
void publish_stream_is_whole(struct publish_world *w);

#endif
