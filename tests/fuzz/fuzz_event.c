/* Any bytes as records of events, one after the other: no crash, no read behind them, always forward; what is taken is an
 * event that is written as the same bytes again, and can be printed. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/model/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_event(const struct event *e)
{
    struct buf again = {0}, json = {0};
    struct event back;
    must(e->type > EVENT_NONE && e->type < EVENT_TYPES && (unsigned)e->how < EVENT_HOWS);
    must(e->source.n > 0 && e->id.n > 0 && e->subject.n > 0);
    event_encode(&again, e);
    struct cursor in = cursor_of(buf_str(&again));
    must(event_decode(&in, &back, NULL) == 0 && in.p == in.end);
    must(event_same(e, &back) && e->flags == back.flags);
    event_print_json(&json, e); /* its bytes need not be UTF-8: the door saw to that, not the record */
    must(json.n > 0);
    buf_fini(&again);
    buf_fini(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct cursor in = cursor_of((struct str){(const char *)data, n});
    while (!in.bad && in.p != in.end) {
        struct event e;
        struct err why = {0};
        const uint8_t *before = in.p;
        if (event_decode(&in, &e, &why) == 0) {
            check_event(&e);
        } else {
            must(why.what[0] != '\0' && e.type == EVENT_NONE);
        }
        must(in.bad || in.p > before);
    }
    return 0;
}
