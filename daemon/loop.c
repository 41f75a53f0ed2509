/* Puts the daemon together, turns it, takes it apart. The only file that arms timers for the pipeline.
 *
 * A turn: let the pipeline do all there is to do, then sleep until a socket, the writer or its next deadline wants something.
 * Stopping: the doors close, requests that came through them are served to their end, what was taken becomes durable and is
 * answered, then the loop ends; after STOP_MS it ends anyway, and the journal makes that safe. */
#include "kefu/daemon/daemon.h"

#include <event2/thread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/adopted.h"
#include "kefu/daemon/between.h"
#include "kefu/daemon/control_ops.h"
#include "kefu/daemon/erase.h"
#include "kefu/daemon/explain.h"
#include "kefu/daemon/key.h"
#include "kefu/daemon/knock.h"
#include "kefu/daemon/live.h"
#include "kefu/daemon/reload.h"
#include "kefu/daemon/routes.h"
#include "kefu/daemon/session.h"
#include "kefu/daemon/trial.h"

#define EVENTS_MAX         ((size_t)1 << 18)
#define STOP_MS            10000
#define EXPECTED_MAX_BYTES ((size_t)512 << 20)
/* Between two looks for damage. */
#define SCRUB_PAUSE_MS 3600000
#define OPEN_MS        600000 /* for a store to open: a migration, or the log of an unlucky stop, does not say how far it is */

static const struct config *config_of(const struct daemon *d)
{
    return &d->settings->config;
}

/* --- signals ------------------------------------------------------------------------------------------------------ */

static void on_stop(evutil_socket_t number, short what, void *arg)
{
    (void)what;
    log_line(LOG_LEVEL_NOTE, "stop", "signal=%d", (int)number);
    daemon_stop(arg);
}

static void on_reload(evutil_socket_t number, short what, void *arg)
{
    struct err e;
    (void)number;
    (void)what;
    reload(arg, &e); /* it logs how it went */
}

/* Until it is ready TERM and INT end the process at once, which is safe at any time, for nobody would turn the loop to hear
 * them while a long journal is read; a HUP waits. */
static void hold_signals(bool hold)
{
    sigset_t reload;
    sigemptyset(&reload);
    sigaddset(&reload, SIGHUP);
    sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &reload, NULL);
}

static void catch_signals(struct daemon *d)
{
    d->signals[0] = evsignal_new(d->base, SIGTERM, on_stop, d);
    d->signals[1] = evsignal_new(d->base, SIGINT, on_stop, d);
    d->signals[2] = evsignal_new(d->base, SIGHUP, on_reload, d);
    for (int i = 0; i < 3; i++) {
        event_add(d->signals[i], NULL);
    }
    hold_signals(false);
}

/* --- start -------------------------------------------------------------------------------------------------------- */

static void on_nothing(evutil_socket_t fd, short what, void *arg)
{
    (void)fd; /* waking up is all: the pipeline's turn follows */
    (void)what;
    (void)arg;
}

static void load_alias(void *arg, const struct memory_row *row)
{
    struct daemon *d = arg;
    if (str_eq(row->rule, STR_LIT("alias"))) {
        aliases_add(d->aliases, row->subject, row->blob);
    }
}

/* One that fails stays asked for, and hinders nobody: the store is as it was, or wants only to be written anew. kefuctl person
 * list says why. */
static int erase_and_alias(struct daemon *d, struct err *e)
{
    struct err *why = &d->not_erased;
    if (erase_at_start(d->store, d->customer_key, &d->clean, why) < 0) {
        log_line(LOG_LEVEL_ERROR, "not_erased", "where=\"%s\" error=\"%s\"", why->where, why->what);
    }
    d->aliases = aliases_new(d->customer_key);
    return store_each_memory(d->store, load_alias, d, e);
}

static int open_store(struct daemon *d, struct err *e)
{
    supervise_starting(d->supervise, "opening the store", OPEN_MS);
    d->store = store_open(config_of(d)->state_dir.p, e);
    if (!d->store || key_load(config_of(d)->customer_key_file.p, d->store, d->customer_key, e) < 0 ||
        erase_and_alias(d, e) < 0 || shelf_seed(d->store, &d->shelf.seed, e) < 0) {
        return -1;
    }
    d->shelf_reader = shelf_reader_open(d->store, e);
    d->shelf.ask = shelf_reader_ask;
    d->shelf.arg = d->shelf_reader;
    return d->shelf_reader ? 0 : -1;
}

static struct checkpoint_options checkpoint_options_of(const struct config *c)
{
    return (struct checkpoint_options){.events_max = (uint64_t)c->checkpoint_events,
                                       .every_ms = c->checkpoint_s * 1000,
                                       .rest_ms = c->memory_rest_h * 3600000,
                                       .memory_min = (size_t)c->memory_min,
                                       .journal_keep_ms = c->journal_keep_days * 86400000};
}

static void tell_replay(void *arg, uint64_t done_n, uint64_t all_n)
{
    struct daemon *d = arg;
    supervise_replaying(d->supervise, clock_mono_ms(&d->clock), done_n, all_n);
}

static void tell_months(void *arg, uint64_t seq)
{
    months_replaying(((struct daemon *)arg)->months, seq);
}

/* The book, whose borders the replay of the journal goes past. */
static int open_months(struct daemon *d, struct err *e)
{
    d->months = months_new(&(struct months_options){.pipeline = d->pipeline,
                                                    .site = d->site,
                                                    .store = d->store,
                                                    .rulebooks = &d->settings->rulebooks,
                                                    .tz = d->settings->tz,
                                                    .close_days = config_of(d)->month_close_days,
                                                    .evidence_months = config_of(d)->evidence_months,
                                                    .unread = between_tell_unread,
                                                    .unread_arg = d},
                           e);
    return d->months ? 0 : -1;
}

static int load_pipeline(struct daemon *d, struct err *e)
{
    uint64_t bytes = store_bytes(d->store) / 2; /* near what a large one comes to in memory */
    mem_expect(bytes < EXPECTED_MAX_BYTES ? (size_t)bytes : EXPECTED_MAX_BYTES);
    int bad = pipeline_start(d->pipeline, e);
    mem_settle();
    return bad;
}

static int start_pipeline(struct daemon *d, struct err *e)
{
    const struct config *c = config_of(d);
    struct settings *s = d->settings;
    uint64_t seed;
    digest_random(&seed, sizeof(seed));
    d->site = site_new(&(struct site_options){.tz = s->tz,
                                              .rulebooks = &s->rulebooks,
                                              .shelf = &d->shelf,
                                              .seed = seed,
                                              .aliases = d->aliases,
                                              .rolling = true,
                                              .quiet_ms = s->config.memory_quiet_days * 86400000});
    d->pipeline = pipeline_new(&(struct pipeline_options){.site = d->site,
                                                          .store = d->store,
                                                          .tz = s->tz,
                                                          .rulebooks = &s->rulebooks,
                                                          .customer_key = d->customer_key,
                                                          .clock = d->clock,
                                                          .out = {between_show_agent, between_tell_effect, d},
                                                          .writer = {.queue_max = (size_t)c->queue_max_commits,
                                                                     .group_max = (size_t)c->group_max_events,
                                                                     .group_ms = c->group_ms},
                                                          .checkpoint = checkpoint_options_of(c),
                                                          .progress = tell_replay,
                                                          .progress_arg = d,
                                                          .replaying = tell_months,
                                                          .replaying_arg = d,
                                                          .events_max = EVENTS_MAX,
                                                          .quarantine_max = (size_t)c->quarantine_max,
                                                          .seed = seed,
                                                          .alerts = true,
                                                          .channels = &s->channels,
                                                          .own = between_tell_own,
                                                          .own_arg = d});
    int64_t began = clock_mono_ms(&d->clock);
    log_line(LOG_LEVEL_INFO, "replay", "events=%llu set_aside=%llu", (unsigned long long)store_last_seq(d->store),
             (unsigned long long)store_aside_n(d->store));
    if (open_months(d, e) < 0 || load_pipeline(d, e) < 0) {
        return -1;
    }
    log_line(LOG_LEVEL_INFO, "replayed", "ms=%lld", (long long)(clock_mono_ms(&d->clock) - began));
    d->writer_event = event_new(d->base, pipeline_fd(d->pipeline), EV_READ | EV_PERSIST, on_nothing, NULL);
    event_add(d->writer_event, NULL);
    return 0;
}

static void start_months(struct daemon *d)
{
    log_line(LOG_LEVEL_NOTE, "book", "head=%s", months_head(d->months));
    adopted_remember(d, &d->settings->rulebooks);
}

/* What is on its way to channels goes on. */
static int start_hub(struct daemon *d, struct err *e)
{
    uint64_t seed;
    digest_random(&seed, sizeof(seed));
    d->redis_away_mono_ms = INT64_MAX;
    d->hub = hub_new(&(struct hub_options){d->base, &d->settings->channels, d->clock, between_effect_sent, d, seed}, e);
    return d->hub ? 0 : -1;
}

static int start_publisher(struct daemon *d, struct err *e)
{
    const struct config *c = config_of(d);
    struct str address = c->redis_address;
    if (address.n == 0) {
        person_cleaned(d); /* nothing is published, so there is nothing to clean */
        return 0;
    }
    if (address.n > 4 && memcmp(address.p, "tcp:", 4) == 0) {
        address = (struct str){address.p + 4, address.n - 4};
    }
    struct publisher_options o = {.address = address,
                                  .username = c->redis_username,
                                  .password = d->settings->redis_password,
                                  .prefix = c->redis_prefix,
                                  .version = STR_LIT(KEFU_VERSION),
                                  .stream_max_n = (size_t)c->redis_stream_max,
                                  .stream_keep_days = c->redis_stream_days,
                                  .clock = d->clock,
                                  .clean = d->clean,
                                  .cleaned = person_cleaned,
                                  .cleaned_arg = d};
    d->publisher = publisher_new(d->base, &o, &(struct lane_handlers){between_effect_sent, between_resend, d}, e);
    return d->publisher ? 0 : -1;
}

/* A socket that was handed over is taken in place of http_listen; it must be as near. */
static int check_near(const struct daemon *d, struct err *e)
{
    if (http_is_local(d->http) || config_of(d)->http_allow_remote) {
        return 0;
    }
    return err_set(e, http_address(d->http),
                   "the socket \"http\" that was handed over is no loopback address; put a TLS proxy in front, or set "
                   "http_allow_remote to true");
}

static int open_http(struct daemon *d, struct err *e)
{
    const struct config *c = config_of(d);
    int fd = supervise_take(d->supervise, SUPERVISE_HTTP);
    char address[64] = "";
    uint16_t port = 0;
    if (fd < 0 && c->http_listen.n == 0) {
        return 0;
    }
    if (fd < 0 && config_listen(c->http_listen, address, &port) < 0) {
        return err_set(e, "http_listen", "found \"%s\", expected an address and a port", c->http_listen.p);
    }
    d->http_door = (struct http_door){pipeline_ingest(d->pipeline), between_may_write, d};
    struct http_options o = {.base = d->base,
                             .address = address,
                             .port = port,
                             .fd = fd < 0 ? 0 : fd,
                             .body_max_bytes = (size_t)c->http_max_body_bytes,
                             .admit = routes_admit,
                             .handle = routes_handle,
                             .arg = d};
    d->http = http_listen(&o, e);
    return d->http ? check_near(d, e) : -1;
}

static void start_board(struct daemon *d)
{
    const struct config *c = config_of(d);
    struct buf path = {0};
    buf_printf(&path, "%.*s/sessions.json%c", STR_ARG(c->state_dir), 0);
    d->sessions = sessions_new(path.p, c->session_h, clock_wall_ms(&d->clock));
    d->knocks = knocks_new(WHO_WRONG_A_MIN);
    d->live = live_new(d);
    d->explain = explain_new(d);
    d->trial = trial_new(d->base);
    buf_fini(&path);
}

static void start_scrub(struct daemon *d)
{
    const struct config *c = config_of(d);
    struct buf path = {0};
    if (c->scrub_rows_s) {
        buf_printf(&path, "%.*s/kefu.db%c", STR_ARG(c->state_dir), 0);
        d->scrub = scrub_start(&(struct scrub_options){path.p, c->scrub_rows_s, SCRUB_PAUSE_MS});
        buf_fini(&path);
    }
}

static int start_collect(struct daemon *d, struct err *e)
{
    struct str path = config_path(&d->settings->config, config_of(d)->state_dir, "kefu.db");
    d->collect = collect_new(&(struct collect_options){d->base, pipeline_ingest(d->pipeline), d->clock, path.p});
    return collect_adopt(d->collect, &d->settings->directory->roster, e);
}

static int open_doors(struct daemon *d, struct err *e)
{
    char path[4096];
    const char *dir = config_of(d)->run_dir.p;
    snprintf(path, sizeof(path), "%s/control.sock", dir);
    d->control = control_start(d, path, supervise_take(d->supervise, SUPERVISE_CONTROL), e);
    if (!d->control) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/ingest.sock", dir);
    d->socket =
        socket_open(d->base, path, supervise_take(d->supervise, SUPERVISE_INGEST), pipeline_ingest(d->pipeline), e);
    return d->socket ? open_http(d, e) : -1;
}

static void say_ready(const struct daemon *d)
{
    struct site_counts n;
    site_counts(d->site, &n);
    log_line(LOG_LEVEL_NOTE, "ready", "version=%s events=%llu conversations=%llu http=%s:%u ms=%lld", KEFU_VERSION,
             (unsigned long long)n.events_n, (unsigned long long)n.conversations_n,
             d->http ? http_address(d->http) : "", d->http ? http_port(d->http) : 0u,
             (long long)(clock_mono_ms(&d->clock) - d->started_mono_ms));
    supervise_ready(d->supervise, "ready");
}

/* Everybody is given to the publisher, who then takes out of Redis whom we do not know. */
static void show_all(struct daemon *d)
{
    if (!d->publisher) {
        return;
    }
    pipeline_show_all(d->pipeline);
    publisher_complete(d->publisher);
}

static int start(struct daemon *d, int *status, struct err *e)
{
    *status = EX_CONFIG;
    d->supervise = d->supervise ? d->supervise : supervise_new(e);
    if (!d->supervise) {
        return -1;
    }
    *status = EX_IOERR;
    if (open_store(d, e) < 0) {
        return -1;
    }
    *status = EX_CONFIG; /* another start would end like the last ones */
    if (store_count_start(d->store, e) < 0) {
        return -1;
    }
    if (adopted_at_start(d, e) < 0) {
        return -1;
    }
    *status = EX_IOERR;
    if (streams_load(d, e) < 0 || start_pipeline(d, e) < 0) {
        return -1;
    }
    start_months(d);
    *status = EX_CONFIG;
    if (start_hub(d, e) < 0 || start_publisher(d, e) < 0) {
        return -1;
    }
    pipeline_resend(d->pipeline, &(struct outbox_from){.after_ms = INT64_MAX}); /* what an earlier life did not tell */
    pipeline_turn(d->pipeline); /* the rules look once, before anybody can ask */
    show_all(d);
    start_board(d);
    *status = EX_IOERR;
    if (start_collect(d, e) < 0 || open_doors(d, e) < 0 || streams_open(d, e) < 0) {
        return -1;
    }
    *status = 0;
    return 0;
}

struct daemon *daemon_new(struct settings *settings, struct supervise *supervise, struct clock clock, int *status,
                          struct err *e)
{
    struct daemon *d = xcalloc(1, sizeof(*d));
    d->supervise = supervise;
    d->settings = settings;
    d->clock = clock;
    d->started_mono_ms = clock_mono_ms(&clock);
    d->base = event_base_new();
    d->timer = evtimer_new(d->base, on_nothing, NULL);
    hold_signals(true);
    signal(SIGPIPE, SIG_IGN);
    if (start(d, status, e) < 0) {
        daemon_free(d);
        return NULL;
    }
    start_scrub(d);
    catch_signals(d);
    d->ready = true;
    say_ready(d);
    return d;
}

/* --- turning ------------------------------------------------------------------------------------------------------ */

void daemon_stop(struct daemon *d)
{
    if (d->stopping) {
        return;
    }
    d->stopping = true;
    if (!d->again) {
        supervise_stopping(d->supervise);
    }
    d->stop_mono_ms = clock_mono_ms(&d->clock) + STOP_MS;
    live_stop(d->live);
    explain_stop(d->explain);
    if (d->http) {
        http_stop(d->http);
    }
    socket_stop(d->socket);
    streams_stop(d);
    collect_stop(d->collect);
}

void daemon_start_anew(struct daemon *d)
{
    d->again = !d->stopping;
    daemon_stop(d);
}

struct supervise *daemon_leave(struct daemon *d)
{
    struct supervise *s = d->again ? d->supervise : NULL;
    d->supervise = s ? NULL : d->supervise;
    return s;
}

static bool may_end(const struct daemon *d)
{
    if (!d->stopping) {
        return false;
    }
    bool alone = !d->http || http_connections_n(d->http) == 0;
    if (alone) {
        pipeline_close(d->pipeline);
    }
    return (alone && pipeline_is_idle(d->pipeline)) || clock_mono_ms(&d->clock) >= d->stop_mono_ms;
}

static void wait_for_events(struct daemon *d, int64_t wait_ms)
{
    if (d->stopping) {
        int64_t left_ms = d->stop_mono_ms - clock_mono_ms(&d->clock);
        wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
    }
    if (wait_ms <= 0) {
        /* ONCE as well: alone, NONBLOCK goes on while anything is ready, and the writer is until the next turn takes from it. */
        event_base_loop(d->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        return;
    }
    struct timeval tv = {wait_ms / 1000, (wait_ms % 1000) * 1000};
    event_add(d->timer, &tv);
    event_base_loop(d->base, EVLOOP_ONCE);
}

void daemon_run(struct daemon *d)
{
    struct mem_ahead heap = {0};
    for (;;) {
        mem_ahead(&heap);
        months_turn(d->months);
        int64_t wait_ms = pipeline_turn(d->pipeline);
        int64_t hub_ms = hub_turn(d->hub, pipeline_is_full(d->pipeline));
        wait_ms = hub_ms < wait_ms ? hub_ms : wait_ms;
        int64_t alive_ms = supervise_turn(d->supervise, clock_mono_ms(&d->clock), pipeline_silent_ms(d->pipeline));
        if (may_end(d)) {
            return;
        }
        wait_for_events(d, wait_ms < alive_ms ? wait_ms : alive_ms);
    }
}

/* --- end ---------------------------------------------------------------------------------------------------------- */

static void free_event(struct event *ev)
{
    if (ev) {
        event_free(ev);
    }
}

void daemon_free(struct daemon *d)
{
    if (!d) {
        return;
    }
    free_event(d->writer_event); /* before the writer closes its descriptor */
    if (d->pipeline) {
        pipeline_finish(d->pipeline); /* first: its answers still have their peers */
    }
    control_stop(d->control);
    socket_free(d->socket);
    streams_free(d);
    explain_free(d->explain);
    trial_free(d->trial);
    live_free(d->live);
    http_free(d->http);
    sessions_free(d->sessions);
    knocks_free(d->knocks);
    collect_free(d->collect);
    if (d->publisher) {
        publisher_free(d->publisher);
    }
    free_event(d->timer);
    for (int i = 0; i < 3; i++) {
        free_event(d->signals[i]);
    }
    hub_free(d->hub);
    pipeline_free(d->pipeline);
    months_free(d->months);
    if (d->site) {
        site_free(d->site);
    }
    aliases_free(d->aliases);
    shelf_reader_free(d->shelf_reader);
    scrub_stop(d->scrub);
    if (d->store) {
        store_close(d->store);
    }
    supervise_free(d->supervise);
    event_base_free(d->base);
    settings_free(d->settings);
    for (size_t i = 0; i < d->kept_n; i++) {
        settings_free(d->kept[i]);
    }
    free(d->kept);
    free(d);
}
