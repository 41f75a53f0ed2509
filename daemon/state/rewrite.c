/* Unfolds a row into events, lets them be changed, and packs them again.
 *
 * It keeps true that what is behind the list (how the subject stands in the totals) is byte for byte what it was, but for the
 * number of an order's agent, which counts in the list's words. */
#include "kefu/state/rewrite.h"

#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/state/inside.h"

struct rewriting {
    const struct rewriter *w;
    struct names names;
    struct list list;
    bool changed;
};

static void take_event(void *arg, const struct event *e)
{
    struct rewriting *r = arg;
    struct event fresh = *e;
    struct item i;
    r->changed |= r->w->event(r->w->arg, &fresh);
    item_of_event(&i, &fresh, &r->names);
    list_append(&r->list, &i, &r->names);
}

/* What is before an order's agent, the agent's name, and what is behind; of others all is behind. */
struct standing_bytes {
    uint64_t counted_n;
    struct str agent; /* n = 0: nobody */
    struct cursor rest;
};

static bool skip_list(const struct shelf_row *row, struct standing_bytes *out)
{
    struct cursor in = cursor_of(row->blob);
    struct str *words = NULL;
    (void)cursor_byte(&in);
    uint64_t n = cursor_uvar(&in);
    bool ok = !in.bad && n <= (uint64_t)(in.end - in.p);
    words = xcalloc(ok ? n + 1 : 1, sizeof *words);
    for (uint64_t k = 1; ok && k <= n; k++)
        words[k] = cursor_bytes(&in, (size_t)(cursor_uvar(&in) >> 2));
    (void)cursor_uvar(&in);
    (void)cursor_bytes(&in, (size_t)cursor_uvar(&in));
    *out = (struct standing_bytes){0};
    if (row->kind == SUBJECT_ORDER) {
        out->counted_n = cursor_uvar(&in);
        uint64_t agent = cursor_uvar(&in);
        ok = ok && agent <= n;
        out->agent = ok && agent ? words[agent] : (struct str){0};
    }
    out->rest = in;
    free(words);
    return ok && !in.bad;
}

static void put_row(struct rewriting *r, const struct shelf_row *row, const struct standing_bytes *s, struct buf *out)
{
    struct arena scratch = {0};
    uint32_t agent = 0;
    list_sort(&r->list, &r->names, &scratch); /* an id that changed may belong elsewhere among those of its instant */
    arena_fini(&scratch);
    if (s->agent.n)
        agent = intern_put(&r->names.agents, r->w->agent(r->w->arg, s->agent));
    buf_put_byte(out, BLOB_VERSION);
    list_freeze(&r->names, &r->list, out, row->kind == SUBJECT_ORDER ? &agent : NULL);
    if (row->kind == SUBJECT_ORDER) {
        buf_put_uvar(out, s->counted_n);
        buf_put_uvar(out, agent);
    }
    buf_put(out, s->rest.p, (size_t)(s->rest.end - s->rest.p));
}

int shelf_row_rewrite(const struct shelf_row *row, const struct rewriter *w, struct buf *blob, struct err *e)
{
    struct rewriting r = {.w = w};
    struct standing_bytes s;
    names_init(&r.names, 1);
    int status = shelf_row_events(row, take_event, &r, e);
    if (status == 0 && !skip_list(row, &s))
        status = err_set(e, "shelf", "a row's bytes do not fit together; put the latest backup in its place");
    if (status == 0 && r.changed) {
        put_row(&r, row, &s, blob);
        status = 1;
    }
    list_fini(&r.list, &r.names);
    names_fini(&r.names);
    return status;
}
