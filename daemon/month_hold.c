/* Keeps true: what holds a month back is seen by when something was taken, never by how much is expected. */
#include "kefu/daemon/month_hold.h"

#include "kefu/base/json_put.h"
#include "kefu/base/log.h"
#include "kefu/daemon/month_book.h"
#include "kefu/daemon/sources.h"

#define QUIET_MS   INT64_C(86400000)  /* so long nothing of the month was taken */
#define SILENCE_MS INT64_C(604800000) /* so long a source that fell silent is waited for */

struct holding {
    struct month_hold *out;
    size_t n;
};

static void add(struct holding *h, enum hold_why why, struct str name, int64_t until_ms)
{
    if (h->n < MONTH_HOLDS_MAX)
        h->out[h->n++] = (struct month_hold){why, name, until_ms};
}

static void add_sources(struct holding *h, const struct months *m, int32_t month, int64_t now_ms)
{
    const struct sources *all = pipeline_sources(m->o.pipeline);
    int64_t from_ms = month_ends_at(m, month - 1), to_ms = month_ends_at(m, month);
    for (size_t i = 0; i < sources_n(all); i++) {
        struct source_count s = sources_at(all, i);
        bool silent = s.last_ts >= from_ms && s.last_ts < to_ms && s.heard_ms != INT64_MIN;
        if (silent && s.heard_ms + SILENCE_MS > now_ms)
            add(h, HOLD_SILENT_SOURCE, s.source, s.heard_ms + SILENCE_MS);
    }
}

size_t month_holds(const struct months *m, int32_t month, struct month_hold out[MONTH_HOLDS_MAX])
{
    struct holding h = {out, 0};
    struct str ways[MONTH_HOLDS_MAX];
    int64_t now_ms = months_now(m), ends_ms = month_ends_at(m, month);
    if (ends_ms > now_ms || months_closing(m, month))
        return 0;
    int64_t settled_ms = month_settled_ms(m, month), took_ms = sources_took_ms(pipeline_sources(m->o.pipeline), month);
    if (settled_ms > now_ms)
        add(&h, HOLD_FIRST_CONTACTS, (struct str){0}, settled_ms);
    if (took_ms != INT64_MIN && took_ms + QUIET_MS > now_ms)
        add(&h, HOLD_LATE_INPUT, (struct str){0}, took_ms + QUIET_MS);
    add_sources(&h, m, month, now_ms);
    size_t ways_n = m->o.unread ? m->o.unread(m->o.unread_arg, ends_ms, ways, MONTH_HOLDS_MAX) : 0;
    for (size_t i = 0; i < ways_n; i++)
        add(&h, HOLD_UNREAD_WAY, ways[i], INT64_MAX);
    return h.n;
}

static const char *word(enum hold_why why)
{
    static const char *const words[] = {"first_contacts", "late_input", "silent_source", "unread_way"};
    return words[why];
}

void month_print_holds(struct buf *out, const struct months *m, int32_t month)
{
    struct month_hold list[MONTH_HOLDS_MAX];
    size_t n = month_holds(m, month, list);
    for (size_t i = 0; i < n; i++) {
        buf_put_str(out, i ? STR_LIT(",{") : STR_LIT(",\"held\":[{"));
        json_put_text(out, "why", str_of(word(list[i].why)));
        json_put_known(out, "name", list[i].name);
        if (list[i].until_ms != INT64_MAX)
            json_put_whole(out, "until", list[i].until_ms);
        buf_put_byte(out, '}');
    }
    buf_put_str(out, n ? STR_LIT("]") : STR_LIT(""));
}

void month_log_holds(const struct months *m, int32_t month)
{
    struct month_hold list[MONTH_HOLDS_MAX];
    struct buf why = {0};
    char text[16];
    size_t n = month_holds(m, month, list);
    for (size_t i = 0; i < n; i++) {
        struct str name = list[i].name;
        buf_printf(&why, "%s%s%s%.*s", i ? "," : "", word(list[i].why), name.n ? ":" : "", (int)name.n,
                   name.n ? name.p : "");
    }
    civil_print_month(text, sizeof text, month);
    log_line(LOG_LEVEL_NOTE, "month_held", "month=%s by=\"%.*s\"", text, STR_ARG(buf_str(&why)));
    buf_fini(&why);
}
