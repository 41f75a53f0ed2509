/* `kefuctl watch` as text: a page of lines, in Chinese or English. */
#ifndef KEFU_CTL_WATCH_VIEW_H
#define KEFU_CTL_WATCH_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/ctl/watch_feed.h"

enum watch_order { WATCH_BY_SCORE = 0, WATCH_BY_WAIT };

struct watch_view {
    const struct watch_data *data; /* NULL: nothing yet */
    struct str who;                /* a team, or an agent; absent: everybody */
    struct str where;              /* the Redis, for messages */
    const char *error;
    bool connected;
    bool english;
    bool colours;
    enum watch_order order;
    size_t from;    /* rows passed over */
    size_t lines_n; /* room; 0: all rows */
    int64_t now_ms;
};

/* Appends the page; returns how many rows there are in all. */
size_t watch_view_print(struct buf *out, const struct watch_view *v);
/* The same as one line of JSON: {"meta": {…}, "alive": …, "agents": [{"agent": …, fields as in Redis}]}. */
void watch_view_json(struct buf *out, const struct watch_view *v);

#endif
