/* A delivery becomes a batch; the answer waits until it comes back. Keeps true: nothing is read of what is not proved, and
 * nothing of a payload outlives the call but events. */
#include "kefu/collectors/hook.h"

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/collectors/answer.h"

struct waiting {
    struct hook_door door; /* the door may be another one by then */
    struct http_request *request;
    const char *answer;
    size_t ignored_n;
    char name[64];
    char ring[160];
    bool rings;
};

void hook_count(const struct batch *b, struct hook_told *t)
{
    t->accepted_n = answer_count(b, VERDICT_ACCEPTED);
    t->duplicate_n = answer_count(b, VERDICT_DUPLICATE);
    t->rejected_n = b->refusals_n;
    t->last_ts = INT64_MIN;
    for (size_t i = 0; i < b->events_n; i++) {
        t->last_ts = b->events[i].ts > t->last_ts ? b->events[i].ts : t->last_ts;
    }
}

struct batch *hook_batch(const struct turned *t, struct ingest *in, const char *way)
{
    struct decode_context context = {.now_ms = in->now_ms(in),
                                     .rulebook = in->rulebook(in),
                                     .customer_key = in->customer_key,
                                     .default_source = t->name};
    struct batch *b = batch_new(str_of(way), NULL, NULL);
    b->first_wins = true;
    turned_decode(t, b, &context);
    return b;
}

static const struct collector *collector_of(const struct hook_door *d, struct http_request *r)
{
    struct str path = http_request_head(r)->path;
    size_t n = sizeof(HOOK_PATH) - 1;
    return path.n > n ? d->find(d->arg, (struct str){path.p + n, path.n - n}) : NULL;
}

static struct delivery delivery_of(const struct hook_door *d, struct http_request *r)
{
    const struct http_head *h = http_request_head(r);
    return (struct delivery){h, h->query, http_request_body(r), d->ingest->now_ms(d->ingest)};
}

static void refuse(const struct hook_door *d, const struct collector *c, struct http_request *r, const struct err *why)
{
    d->tell(d->arg, &(struct hook_told){.name = c->name, .end = HOOK_REFUSED, .why = why, .last_ts = INT64_MIN});
    http_answer_error(r, 401, "this delivery does not prove that it comes from the platform");
}

static void refuse_full(struct http_request *r)
{
    http_retry_after(r, 1);
    http_answer_error(r, 503, "the queue or the disk is full; nothing of this delivery was taken");
}

static void on_done(struct batch *b)
{
    struct waiting *w = b->owner;
    struct hook_told told = {.name = str_of(w->name), .end = HOOK_FULL, .ignored_n = w->ignored_n};
    hook_count(b, &told);
    if (b->result == BATCH_STORED) {
        told.end = HOOK_TAKEN;
        told.ring = w->rings ? str_of(w->ring) : (struct str){NULL, 0};
        http_answer(w->request, 200, "text/plain; charset=utf-8", str_of(w->answer));
    } else {
        refuse_full(w->request);
    }
    w->door.tell(w->door.arg, &told);
    batch_free(b);
    free(w);
}

static void take(const struct hook_door *d, const struct collector *c, struct http_request *r,
                 const struct delivery *of)
{
    struct turned out;
    struct waiting *w = xcalloc(1, sizeof(*w));
    turned_init(&out, c->name, c->people);
    c->platform->take(c, of, d->sign, &out);
    *w = (struct waiting){.door = *d,
                          .request = r,
                          .answer = c->platform->answer,
                          .ignored_n = turned_count(&out, TURNED_IGNORED),
                          .rings = out.ring.p != NULL};
    snprintf(w->name, sizeof(w->name), "%.*s", STR_ARG(c->name));
    snprintf(w->ring, sizeof(w->ring), "%.*s", out.ring.n < sizeof(w->ring) ? (int)out.ring.n : 0,
             out.ring.n ? out.ring.p : "");
    struct batch *b = hook_batch(&out, d->ingest, "hook");
    b->done = on_done;
    b->owner = w;
    turned_fini(&out);
    if (d->ingest->submit(d->ingest, b) < 0) {
        b->result = BATCH_FULL;
        on_done(b);
    }
}

int hook_door_admit(void *door, struct http_request *r)
{
    const struct hook_door *d = door;
    return d->sign && collector_of(d, r) ? 0 : 404;
}

static void greet(const struct hook_door *d, const struct collector *c, struct http_request *r,
                  const struct delivery *of)
{
    struct err why = {0};
    struct buf answer = {0};
    if (!c->platform->greet) {
        http_add_header(r, "Allow", "POST");
        http_answer_error(r, 405, "this platform sends by POST");
    } else if (c->platform->greet(c, of, d->sign, &answer, &why) < 0) {
        refuse(d, c, r, &why);
    } else {
        http_answer(r, 200, "text/plain; charset=utf-8", buf_str(&answer));
    }
    buf_fini(&answer);
}

void hook_door_handle(void *door, struct http_request *r)
{
    const struct hook_door *d = door;
    const struct collector *c = collector_of(d, r);
    struct err why = {0};
    if (!c) {
        http_answer_error(r, 404, "no collector has this name");
        return;
    }
    struct delivery of = delivery_of(d, r);
    if (str_eq(http_request_head(r)->method, STR_LIT("POST"))) {
        if (c->platform->check(c, &of, d->sign, &why) < 0) {
            refuse(d, c, r, &why);
        } else {
            take(d, c, r, &of);
        }
    } else {
        greet(d, c, r, &of);
    }
}
