/* Lines of events into the daemon's ingest.sock, each acknowledged when it is durable.
 *
 * What is not acknowledged yet is held (at most FEED_WINDOW_BYTES and a block) and sent again when the daemon has been
 * restarted: it knows what it has, so nothing is lost and nothing counts twice. Times are monotonic milliseconds. */
#ifndef KEFU_CTL_FEED_H
#define KEFU_CTL_FEED_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"
#include "kefu/ctl/cli.h"

#define FEED_WINDOW_BYTES ((size_t)4 << 20)

struct feed {
    const struct cli *cli; /* borrowed */
    int fd;                /* -1: not connected */
    int wake_fd;           /* feed_turn returns early when this can be read; -1: none */
    bool ended;            /* no more lines will come */
    bool shut;             /* the daemon has been told so on this connection */
    struct buf held;       /* lines not acknowledged, from head_n on */
    size_t head_n;
    size_t sent_n;    /* end of what was sent of held on this connection */
    struct buf in;    /* an acknowledgement not yet whole */
    uint64_t lines_n; /* lines given to feed_put */
    uint64_t acked_n; /* of these, durable or refused */
    uint64_t base_n;  /* acked_n when this connection began */
    uint64_t acked_bytes;
    uint64_t accepted_n, duplicate_n, rejected_n;
    int fruitless_n;       /* connections lost without an acknowledgement, running */
    int64_t lost_mono_ms;  /* since when there is no connection */
    int64_t retry_mono_ms; /* when to try again */
    /* Told of each refused line (number from 1 over all that was put). */
    void (*rejected)(void *arg, uint64_t line, const char *id, const char *reason);
    void *arg;
};

/* Connects; -1 with e: no daemon answers. */
int feed_open(struct feed *f, const struct cli *c, struct err *e);
void feed_close(struct feed *f);
/* Is there room for more? */
bool feed_wants(const struct feed *f);
/* Adds whole lines (copied). */
void feed_put(struct feed *f, struct str lines, uint64_t lines_n);
void feed_end(struct feed *f);
/* Has everything been acknowledged? */
static inline bool feed_done(const struct feed *f)
{
    return f->ended && f->acked_n == f->lines_n;
}
/* Sends and takes acknowledgements for at most wait_ms (0: what can be done at once), connecting again if need be. -1 with
 * e: the daemon stays away (60 s), or answers what is no acknowledgement. */
int feed_turn(struct feed *f, int64_t mono_ms, int wait_ms, struct err *e);

#endif
