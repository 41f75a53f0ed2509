/* Counts by source name. Events come in runs of one source, so the last one is tried before the table. */
#include "kefu/daemon/sources.h"

#include <stdlib.h>

#include "kefu/base/intern.h"
#include "kefu/base/mem.h"
#include "kefu/model/event_table.h"

struct sources {
    struct intern names;
    struct source_count *counts; /* of name i + 1 */
    size_t n, cap;
    uint32_t last; /* the name seen last; 0: none */
};

struct sources *sources_new(uint64_t seed)
{
    struct sources *s = xcalloc(1, sizeof(*s));
    intern_init(&s->names, seed);
    return s;
}

void sources_free(struct sources *s)
{
    if (!s) {
        return;
    }
    intern_fini(&s->names);
    free(s->counts);
    free(s);
}

static struct source_count *count_of(struct sources *s, struct str source)
{
    if (!s->last || !str_eq(source, s->counts[s->last - 1].source)) {
        s->last = intern_put(&s->names, source);
    }
    if (s->last > s->n) {
        xgrow(&s->counts, &s->cap, s->n + 1, sizeof(*s->counts));
        s->counts[s->n++] = (struct source_count){intern_name(&s->names, s->last), 0, INT64_MIN};
    }
    return &s->counts[s->last - 1];
}

void sources_saw(struct sources *s, const struct event *e)
{
    if (event_is_act(e->type)) {
        return; /* nobody waits for people's acts to go on */
    }
    struct source_count *c = count_of(s, e->source);
    c->events_n++;
    c->last_ts = e->ts > c->last_ts ? e->ts : c->last_ts;
}

void sources_encode(const struct sources *s, struct buf *out)
{
    buf_put_uvar(out, s->n);
    for (size_t i = 0; i < s->n; i++) {
        buf_put_uvar(out, s->counts[i].source.n);
        buf_put_str(out, s->counts[i].source);
        buf_put_uvar(out, s->counts[i].events_n);
        buf_put_svar(out, s->counts[i].last_ts);
    }
}

int sources_decode(struct sources *s, struct cursor *in, struct err *e)
{
    for (uint64_t n = cursor_uvar(in); n && !in->bad; n--) {
        struct str name = cursor_bytes(in, (size_t)cursor_uvar(in));
        struct source_count *c = name.n ? count_of(s, name) : NULL;
        if (c) {
            c->events_n = cursor_uvar(in);
            c->last_ts = cursor_svar(in);
        }
        in->bad |= !c;
    }
    return in->bad ? err_set(e, "shelf sources", "their bytes are cut; put the latest backup in its place") : 0;
}

size_t sources_n(const struct sources *s)
{
    return s->n;
}

struct source_count sources_at(const struct sources *s, size_t i)
{
    return s->counts[i];
}
