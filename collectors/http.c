/* A request becomes a batch; the answer waits in the batch's owner until it comes back. The token is asked before the body
 * is read and again when it is there, so that one revoked in between writes nothing. */
#include "kefu/collectors/http.h"

#include <strings.h>

#include "kefu/base/buf.h"
#include "kefu/collectors/answer.h"
#include "kefu/collectors/decode.h"

struct str http_bearer(const struct http_head *h)
{
    struct str value = http_head_find(h, "Authorization");
    if (value.n <= 7 || strncasecmp(value.p, "Bearer ", 7) != 0) {
        return (struct str){NULL, 0};
    }
    return (struct str){value.p + 7, value.n - 7};
}

static void refuse_full(struct http_request *r)
{
    http_retry_after(r, 1);
    http_answer_error(r, 503, "the queue or the disk is full; nothing of this request was taken, send it again");
}

static void on_done(struct batch *b)
{
    struct http_request *r = b->owner;
    struct buf body = {0};
    if (b->result == BATCH_STORED) {
        buf_put_byte(&body, '{');
        answer_print(&body, b, "index", 0);
        buf_put_str(&body, STR_LIT("}\n"));
        http_answer(r, 200, "application/json", buf_str(&body));
    } else {
        refuse_full(r);
    }
    buf_fini(&body);
    batch_free(b);
}

int http_door_admit(void *door, struct http_request *r)
{
    const struct http_door *d = door;
    struct http_right right;
    if (d->may_write(d->arg, r, &right)) {
        return 0;
    }
    if (right.wait_s) {
        http_retry_after(r, right.wait_s);
        return 429;
    }
    http_add_header(r, "WWW-Authenticate", "Bearer");
    return 401;
}

void http_door_handle(void *door, struct http_request *r)
{
    const struct http_door *d = door;
    struct http_right right;
    struct ingest *in = d->ingest;
    if (!d->may_write(d->arg, r, &right)) {
        http_add_header(r, "WWW-Authenticate", "Bearer");
        http_answer_error(r, 401, "this token is no longer valid");
        return;
    }
    struct decode_context context = {.now_ms = in->now_ms(in),
                                     .rulebook = in->rulebook(in),
                                     .customer_key = in->customer_key,
                                     .default_source = STR_LIT("default"),
                                     .sources = right.sources,
                                     .sources_n = right.sources_n};
    struct batch *b = batch_new(STR_LIT("http"), on_done, r);
    decode_body(b, http_request_body(r), &context);
    if (in->submit(in, b) < 0) {
        batch_free(b);
        refuse_full(r);
    }
}
