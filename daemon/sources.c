/* Counts by source name, times by month. Events come in runs of one source and one month, so the last ones are tried first. */
#include "kefu/daemon/sources.h"

#include <stdlib.h>
#include <string.h>

#include "kefu/base/intern.h"
#include "kefu/base/mem.h"
#include "kefu/model/event_table.h"

struct month_taken {
    int32_t month;
    int64_t taken_ms; /* when one of its events was taken last */
};

struct sources {
    const struct tz *tz;
    struct month_taken *months; /* owned; by month */
    size_t months_n, months_cap;
    size_t at;              /* of which month the last event was, which lies in … */
    int64_t from_ms, to_ms; /* … these times; 0, 0: there was none */
    struct intern names;
    struct source_count *counts; /* of name i + 1 */
    size_t n, cap;
    uint32_t last; /* the name seen last; 0: none */
};

struct sources *sources_new(uint64_t seed, const struct tz *tz)
{
    struct sources *s = xcalloc(1, sizeof(*s));
    s->tz = tz;
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
    free(s->months);
    free(s);
}

static struct source_count *count_of(struct sources *s, struct str source)
{
    if (!s->last || !str_eq(source, s->counts[s->last - 1].source)) {
        s->last = intern_put(&s->names, source);
    }
    if (s->last > s->n) {
        xgrow(&s->counts, &s->cap, s->n + 1, sizeof(*s->counts));
        s->counts[s->n++] = (struct source_count){intern_name(&s->names, s->last), 0, INT64_MIN, INT64_MIN};
    }
    return &s->counts[s->last - 1];
}

/* The place of a month in the list; it is put there if it is not. */
static size_t place_of(struct sources *s, int32_t month)
{
    size_t at = s->months_n;
    while (at > 0 && s->months[at - 1].month >= month) {
        at--;
    }
    if (at < s->months_n && s->months[at].month == month) {
        return at;
    }
    xgrow(&s->months, &s->months_cap, s->months_n + 1, sizeof(*s->months));
    memmove(&s->months[at + 1], &s->months[at], (s->months_n++ - at) * sizeof(*s->months));
    s->months[at] = (struct month_taken){month, INT64_MIN};
    return at;
}

static void note_month(struct sources *s, int64_t ts, int64_t now_ms)
{
    if (ts < s->from_ms || ts >= s->to_ms) {
        int32_t month = civil_month(tz_day(s->tz, ts));
        s->at = place_of(s, month);
        s->from_ms = tz_at(s->tz, civil_month_first(month), 0);
        s->to_ms = tz_at(s->tz, civil_month_first(month + 1), 0);
    }
    s->months[s->at].taken_ms = now_ms;
}

void sources_saw(struct sources *s, const struct event *e, int64_t now_ms)
{
    if (event_is_act(e->type)) {
        return; /* nobody waits for people's acts to go on */
    }
    struct source_count *c = count_of(s, e->source);
    c->events_n++;
    c->last_ts = e->ts > c->last_ts ? e->ts : c->last_ts;
    c->heard_ms = now_ms;
    note_month(s, e->ts, now_ms);
}

int64_t sources_took_ms(const struct sources *s, int32_t month)
{
    int64_t took_ms = INT64_MIN;
    for (size_t i = 0; i < s->months_n && s->months[i].month <= month; i++) {
        took_ms = s->months[i].taken_ms > took_ms ? s->months[i].taken_ms : took_ms;
    }
    return took_ms;
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

void sources_encode_heard(const struct sources *s, struct buf *out)
{
    for (size_t i = 0; i < s->n; i++) {
        buf_put_svar(out, s->counts[i].heard_ms);
    }
    buf_put_uvar(out, s->months_n);
    for (size_t i = 0; i < s->months_n; i++) {
        buf_put_svar(out, s->months[i].month);
        buf_put_svar(out, s->months[i].taken_ms);
    }
}

void sources_decode_heard(struct sources *s, struct cursor *in)
{
    for (size_t i = 0; i < s->n && in->p < in->end; i++) {
        s->counts[i].heard_ms = cursor_svar(in);
    }
    for (uint64_t n = in->p < in->end ? cursor_uvar(in) : 0; n && in->p < in->end; n--) {
        size_t at = place_of(s, (int32_t)cursor_svar(in));
        s->months[at].taken_ms = cursor_svar(in);
    }
}

size_t sources_n(const struct sources *s)
{
    return s->n;
}

struct source_count sources_at(const struct sources *s, size_t i)
{
    return s->counts[i];
}
