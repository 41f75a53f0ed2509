/* Streams between configuration, store and reader. Keeps true: positions are read before the writer owns the store, and are
 * those of the address that is configured. */
#include "kefu/daemon/streams.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/json_put.h"
#include "kefu/daemon/daemon.h"

static const struct config *config_of(const struct daemon *d)
{
    return &d->settings->config;
}

/* As base/redis_conn.h wants it. */
static struct str address_of(const struct config *c)
{
    struct str a = c->streams_address.n ? c->streams_address : c->redis_address;
    if (a.n > 4 && memcmp(a.p, "tcp:", 4) == 0)
        return (struct str){a.p + 4, a.n - 4};
    return a;
}

int streams_load(struct daemon *d, struct err *e)
{
    struct str keys[CONFIG_STREAMS_MAX];
    size_t n = config_streams(config_of(d), keys);
    int bad = 0;
    for (size_t i = 0; i < n && !bad; i++) {
        struct buf name = {0};
        buf_put_str(&name, STR_LIT("position/"));
        redis_stream_position_key(&name, address_of(config_of(d)), keys[i]);
        bad = store_get(d->store, buf_str(&name), &d->streams.positions[i], e);
        buf_fini(&name);
    }
    return bad;
}

int streams_open(struct daemon *d, struct err *e)
{
    const struct config *c = config_of(d);
    struct str keys[CONFIG_STREAMS_MAX];
    size_t n = config_streams(c, keys);
    /* Who names neither another Redis nor another user means those of redis_address. */
    bool own = c->streams_address.n || c->streams_username.n || c->streams_password_file.n;
    if (!n)
        return 0;
    d->streams.reader = redis_stream_open(
        &(struct redis_stream_options){.base = d->base,
                                       .ingest = pipeline_ingest(d->pipeline),
                                       .address = address_of(c),
                                       .username = own ? c->streams_username : c->redis_username,
                                       .password = own ? d->settings->streams_password : d->settings->redis_password,
                                       .keys = keys,
                                       .positions = d->streams.positions,
                                       .keys_n = n,
                                       .group = c->streams_group,
                                       .consumer = c->streams_consumer,
                                       .field = c->streams_field,
                                       .claim_ms = c->streams_claim_s * 1000},
        e);
    return d->streams.reader ? 0 : -1;
}

void streams_stop(struct daemon *d)
{
    if (d->streams.reader)
        redis_stream_stop(d->streams.reader);
}

void streams_free(struct daemon *d)
{
    redis_stream_free(d->streams.reader);
    for (size_t i = 0; i < REDIS_STREAM_KEYS_MAX; i++)
        free((char *)(uintptr_t)d->streams.positions[i].p);
    d->streams = (struct streams){0};
}

/* --- for alerts ---------------------------------------------------------------------------------------------------- */

static bool is_read(const struct redis_stream_state *s)
{
    return strcmp(s->state, "reading") == 0 || strcmp(s->state, "checking") == 0;
}

static void stream_feed(struct daemon *d, size_t i, struct alerts_feed *out)
{
    struct redis_stream_state s;
    int64_t now_ms = clock_wall_ms(&d->clock), *since_ms = &d->streams.failing_since_ms[i];
    redis_stream_state(d->streams.reader, i, &s);
    bool reads = is_read(&s);
    *since_ms = reads ? 0 : *since_ms ? *since_ms : now_ms;
    *out = (struct alerts_feed){.name = s.key,
                                .heard_ms = INT64_MIN, /* that it can be read says nothing of who writes to it */
                                .failing_since_ms = reads ? INT64_MAX : *since_ms,
                                .lost_n = s.lost_n + s.dead_n};
}

static void collector_feed(const struct collect_state *s, struct alerts_feed *out)
{
    int64_t heard_ms = s->heard_at_ms > s->asked_at_ms ? s->heard_at_ms : s->asked_at_ms;
    *out = (struct alerts_feed){.name = s->name,
                                .heard_ms = heard_ms ? heard_ms : INT64_MIN,
                                .failing_since_ms = s->failing_since_ms ? s->failing_since_ms : INT64_MAX,
                                .lost_n = s->gaps_n};
}

static size_t collectors_n(const struct daemon *d)
{
    return d->collect ? collect_n(d->collect) : 0;
}

size_t streams_feeds_n(const struct daemon *d)
{
    return collectors_n(d) + (d->streams.reader ? redis_stream_n(d->streams.reader) : 0);
}

void streams_feed(struct daemon *d, size_t i, struct alerts_feed *out)
{
    struct collect_state s;
    if (i >= collectors_n(d)) {
        stream_feed(d, i - collectors_n(d), out);
        return;
    }
    collect_at(d->collect, i, &s);
    collector_feed(&s, out);
}

/* --- for months ---------------------------------------------------------------------------------------------------- */

size_t streams_unread(const struct daemon *d, int64_t until_ms, struct str *names, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < collectors_n(d) && n < max; i++) {
        struct collect_state c;
        collect_at(d->collect, i, &c);
        if (c.asks && c.asked_at_ms < until_ms)
            names[n++] = c.name;
    }
    for (size_t i = 0; d->streams.reader && i < redis_stream_n(d->streams.reader) && n < max; i++) {
        struct redis_stream_state s;
        redis_stream_state(d->streams.reader, i, &s);
        if (!is_read(&s))
            names[n++] = s.key;
    }
    return n;
}

/* --- for status ---------------------------------------------------------------------------------------------------- */

static void put_one(struct buf *out, const struct redis_stream_state *s)
{
    buf_put_str(out, STR_LIT("{\"stream\":"));
    buf_put_json(out, s->key);
    buf_printf(out, ",\"state\":\"%s\",\"position\":\"%s\",\"entries\":%" PRIu64, s->state, s->position, s->entries_n);
    buf_printf(out, ",\"lost\":%" PRIu64 ",\"dead\":%" PRIu64 ",\"claimed\":%" PRIu64, s->lost_n, s->dead_n,
               s->claimed_n);
    json_put_known(out, "error", s->error);
    buf_put_byte(out, '}');
}

void streams_put_status(struct buf *out, const struct daemon *d)
{
    size_t n = d->streams.reader ? redis_stream_n(d->streams.reader) : 0;
    if (!n)
        return;
    buf_put_str(out, STR_LIT(",\"streams\":["));
    for (size_t i = 0; i < n; i++) {
        struct redis_stream_state s;
        redis_stream_state(d->streams.reader, i, &s);
        if (i)
            buf_put_byte(out, ',');
        put_one(out, &s);
    }
    buf_put_byte(out, ']');
}
