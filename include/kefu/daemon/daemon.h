/* The daemon put together: settings, store, site, pipeline, ways in, ways out, and the loop that turns them.
 *
 * Exit statuses are those of sysexits.h: 0 stopped as asked, 64 usage, 70 a bug, 74 the store or a socket, 78 configuration. */
#ifndef KEFU_DAEMON_DAEMON_H
#define KEFU_DAEMON_DAEMON_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/clock.h"
#include "kefu/base/digest.h"
#include "kefu/base/err.h"
#include "kefu/base/http.h"
#include "kefu/collectors/http.h"
#include "kefu/collectors/socket.h"
#include "kefu/daemon/collect.h"
#include "kefu/daemon/control.h"
#include "kefu/daemon/months.h"
#include "kefu/daemon/hub.h"
#include "kefu/daemon/pipeline.h"
#include "kefu/daemon/settings.h"
#include "kefu/daemon/streams.h"
#include "kefu/daemon/supervise.h"
#include "kefu/publish/redis.h"
#include "kefu/state/site.h"
#include "kefu/store/scrub.h"
#include "kefu/store/shelf.h"
#include "kefu/store/store.h"

struct daemon {
    struct settings *settings; /* owned, like all below */
    struct settings **kept;    /* of reloads, whose rulebooks are in use */
    size_t kept_n, kept_cap;
    struct clock clock;
    struct event_base *base;
    struct supervise *supervise;
    struct store *store;
    struct scrub *scrub; /* NULL: nothing is looked for */
    uint8_t customer_key[DIGEST_KEY_BYTES];
    struct aliases *aliases; /* what stands for erased names */
    bool clean;              /* Redis is to be cleaned of them */
    struct err not_erased; /* why this start could not do what was asked for; nothing: it could, or had nothing to do */
    bool again;            /* stopping to start anew */
    struct shelf shelf;
    struct shelf_reader *shelf_reader;
    struct site *site;
    struct pipeline *pipeline;
    struct months *months;
    struct publisher *publisher; /* NULL: nothing is published */
    struct hub *hub;             /* the channels of alerts */
    int64_t redis_away_mono_ms;  /* since when; INT64_MAX: it is there */
    struct http *http;           /* NULL: no HTTP */
    struct http_door http_door;
    struct sessions *sessions;
    struct knocks *knocks;
    struct live *live;
    struct explain *explain;
    struct trial *trial;       /* a backtest beside us */
    bool deciding;             /* an appeal's decision is on its way to the disk */
    uint64_t tokens_changed_n; /* rises when tokens were added, taken back or read again */
    struct socket_door *socket;
    struct streams streams;
    struct collect *collect; /* platforms */
    struct control *control;
    struct event *writer_event;
    struct event *signals[3];
    struct event *timer;
    int64_t started_mono_ms;
    bool ready;
    bool stopping;
    int64_t stop_mono_ms; /* when stopping ends at the latest */
};

/* `supervise` is that of a daemon before this one in the process (taken), or NULL. Opens the store, replays it, lets the rules look once, listens. Takes the settings, also when it fails. NULL with e; *status
 * is then what to exit with. Signals are caught once it is ready; until then TERM and INT end the process, and HUP waits. */
struct daemon *daemon_new(struct settings *settings, struct supervise *supervise, struct clock clock, int *status,
                          struct err *e);
/* Turns until a signal, or daemon_stop, ends it and what was taken is durable. */
void daemon_run(struct daemon *d);
void daemon_stop(struct daemon *d);
/* Stops so that main starts another one: what is in memory must be read anew (daemon/erase.h). The service manager is told
 * nothing, and its sockets are kept: daemon_leave hands them on, before daemon_free. */
void daemon_start_anew(struct daemon *d);
struct supervise *daemon_leave(struct daemon *d); /* NULL: it was not to be started anew */
void daemon_free(struct daemon *d);

#endif
