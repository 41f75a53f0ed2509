/* Counts by source name. Events come in runs of one source, so the last one is tried before the table. */
#include "kefu/daemon/sources.h"

#include <stdlib.h>

#include "kefu/base/intern.h"
#include "kefu/base/mem.h"

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

void sources_saw(struct sources *s, const struct event *e)
{
    if (!s->last || !str_eq(e->source, s->counts[s->last - 1].source)) {
        s->last = intern_put(&s->names, e->source);
    }
    if (s->last > s->n) {
        xgrow(&s->counts, &s->cap, s->n + 1, sizeof(*s->counts));
        s->counts[s->n++] = (struct source_count){intern_name(&s->names, s->last), 0, INT64_MIN};
    }
    struct source_count *c = &s->counts[s->last - 1];
    c->events_n++;
    c->last_ts = e->ts > c->last_ts ? e->ts : c->last_ts;
}

size_t sources_n(const struct sources *s)
{
    return s->n;
}

struct source_count sources_at(const struct sources *s, size_t i)
{
    return s->counts[i];
}
