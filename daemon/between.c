/* What one part of the daemon tells another, where neither knows the other.
 *
 * Keeps true: who looks at a board sees what Redis is told; where there is no Redis an effect has gone as far as it goes. */
#include "kefu/daemon/between.h"

#include "kefu/daemon/daemon.h"
#include "kefu/daemon/live.h"

void between_show_agent(void *arg, const struct agent_view *v)
{
    struct daemon *d = arg;
    if (d->live) {
        live_changed(d->live, site_agent_find(d->site, v->agent));
    }
    if (d->publisher) {
        publisher_agent(d->publisher, v);
    }
}

/* Who has a list of alerts before the eyes sees it change at once. */
static void tell_boards(struct daemon *d, const struct effect *f)
{
    uint32_t agent = 0;
    for (size_t i = 0; f->kind == EFFECT_ALERT && i < f->pairs_n; i += 2) {
        agent = str_eq(f->pairs[i], STR_LIT("agent")) ? site_agent_find(d->site, f->pairs[i + 1]) : agent;
    }
    if (f->kind == EFFECT_ALERT && d->live) {
        live_alert_changed(d->live, agent, false);
    }
}

/* Where nothing is published, an effect has gone as far as it goes. */
void between_tell_effect(void *arg, const struct effect *f)
{
    struct daemon *d = arg;
    tell_boards(d, f);
    if (f->kind == EFFECT_NOTICE) {
        hub_effect(d->hub, f);
    } else if (d->publisher) {
        publisher_effect(d->publisher, f); /* -1: it asks again when it has room */
    } else {
        pipeline_sent(d->pipeline, f->number);
    }
}

void between_effect_sent(void *arg, uint64_t number)
{
    struct daemon *d = arg;
    pipeline_sent(d->pipeline, number);
}

static void tell_feed(void *arg, size_t i, struct alerts_feed *out)
{
    streams_feed(arg, i, out);
}

/* What the alerts are told of the house itself. */
void between_tell_own(void *arg, struct alerts_own *own)
{
    struct daemon *d = arg;
    struct publisher_state state = {.live = true};
    int64_t mono_ms = clock_mono_ms(&d->clock);
    if (d->publisher) {
        publisher_state(d->publisher, &state);
    }
    d->redis_away_mono_ms = state.live ? INT64_MAX : d->redis_away_mono_ms;
    if (!state.live && d->redis_away_mono_ms == INT64_MAX) {
        d->redis_away_mono_ms = mono_ms;
    }
    own->redis_away_ms = state.live ? 0 : mono_ms - d->redis_away_mono_ms;
    own->full = pipeline_is_full(d->pipeline);
    own->feeds_n = streams_feeds_n(d);
    own->feed = tell_feed;
    if (d->hub) {
        hub_own(d->hub, own);
    }
}

size_t between_tell_unread(void *arg, int64_t until_ms, struct str *names, size_t max)
{
    return streams_unread(arg, until_ms, names, max);
}

void between_resend(void *arg, struct str stream, int64_t after_ms, uint64_t after_n)
{
    struct daemon *d = arg;
    pipeline_resend(d->pipeline, &(struct outbox_from){stream, after_ms, after_n});
}

bool between_may_write(void *arg, const struct http_request *r, struct http_right *right)
{
    const struct token *t = who_bears(arg, r, &right->wait_s);
    if (!t || (t->role != ROLE_INGEST && t->role != ROLE_ADMIN)) {
        return false;
    }
    *right = (struct http_right){.sources = t->sources, .sources_n = t->sources_n};
    return true;
}
