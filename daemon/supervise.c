/* Keeps true: every word goes out in one datagram (or not at all), a silence of the writer is told once, and no descriptor
 * is taken that is not what its name says. It refuses to guess: a name that is none of ours ends the start. */
#include "kefu/daemon/supervise.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"

#define PINGS_AN_INTERVAL 4
#define TELL_EVERY_MS     1000
#define REPLAY_MS         60000 /* for the next piece of a replay: a second, as a rule */

struct supervise {
    int64_t ping_every_ms; /* 0: nobody asks */
    int64_t ping_mono_ms;  /* when next */
    int64_t tell_mono_ms;  /* how a replay goes on: when next */
    bool silent;           /* the writer, and it has been told */
    int fds[SUPERVISE_DOORS_N];
};

static const struct {
    const char *name;
    int family;
} doors[SUPERVISE_DOORS_N] = {
    [SUPERVISE_HTTP] = {"http", AF_UNSPEC},
    [SUPERVISE_INGEST] = {"ingest", AF_UNIX},
    [SUPERVISE_CONTROL] = {"control", AF_UNIX},
};

/* --- descriptors -------------------------------------------------------------------------------------------------- */

static int keep(struct supervise *s, int fd, const char *name, struct err *e)
{
    char where[128];
    snprintf(where, sizeof(where), "socket \"%.80s\" of the service manager", name);
    for (int i = 0; i < SUPERVISE_DOORS_N; i++) {
        if (strcmp(name, doors[i].name) != 0) {
            continue;
        }
        if (s->fds[i] >= 0) {
            return err_set(e, where, "came twice; give its unit one ListenStream=");
        }
        if (sd_is_socket(fd, doors[i].family, SOCK_STREAM, 1) <= 0) {
            return err_set(e, where, "is no listening %sstream socket; use ListenStream=%s in its unit",
                           doors[i].family == AF_UNIX ? "unix " : "", doors[i].family == AF_UNIX ? "PATH" : "");
        }
        s->fds[i] = fd;
        return 0;
    }
    return err_set(e, where, "is none of ours; set FileDescriptorName= of its unit to http, ingest or control");
}

/* Takes what was handed over; what could not be kept is closed. */
static int take_all(struct supervise *s, struct err *e)
{
    char **names = NULL;
    int n = sd_listen_fds_with_names(1, &names);
    int status = n < 0 ? err_set(e, "LISTEN_FDS", "cannot be read: %s", strerror(-n)) : 0;
    for (int i = 0; i < n; i++) {
        if (status < 0 || keep(s, SD_LISTEN_FDS_START + i, names[i], e) < 0) {
            close(SD_LISTEN_FDS_START + i);
            status = -1;
        }
        free(names[i]);
    }
    free(names);
    return status;
}

struct supervise *supervise_new(struct err *e)
{
    struct supervise *s = xcalloc(1, sizeof(*s));
    uint64_t interval_us = 0;
    for (int i = 0; i < SUPERVISE_DOORS_N; i++) {
        s->fds[i] = -1;
    }
    if (sd_watchdog_enabled(0, &interval_us) > 0) {
        s->ping_every_ms = (int64_t)(interval_us / 1000 / PINGS_AN_INTERVAL);
        s->ping_every_ms = s->ping_every_ms ? s->ping_every_ms : 1;
    }
    s->ping_mono_ms = s->tell_mono_ms = INT64_MIN;
    if (take_all(s, e) < 0) {
        supervise_free(s);
        return NULL;
    }
    return s;
}

void supervise_free(struct supervise *s)
{
    if (!s) {
        return;
    }
    for (int i = 0; i < SUPERVISE_DOORS_N; i++) {
        if (s->fds[i] >= 0) {
            close(s->fds[i]);
        }
    }
    free(s);
}

int supervise_take(struct supervise *s, enum supervise_door door)
{
    return s->fds[door] < 0 ? -1 : fcntl(s->fds[door], F_DUPFD_CLOEXEC, 3); /* ours stays, for a daemon to come */
}

/* --- words -------------------------------------------------------------------------------------------------------- */

void supervise_starting(struct supervise *s, const char *what, int64_t limit_ms)
{
    (void)s;
    sd_notifyf(0, "STATUS=%s\nEXTEND_TIMEOUT_USEC=%" PRId64, what, limit_ms * 1000);
}

void supervise_replaying(struct supervise *s, int64_t mono_ms, uint64_t done_n, uint64_t all_n)
{
    char what[96];
    if (mono_ms < s->tell_mono_ms) {
        return;
    }
    s->tell_mono_ms = mono_ms + TELL_EVERY_MS;
    snprintf(what, sizeof(what), "replaying the journal: %" PRIu64 " of %" PRIu64 " events", done_n, all_n);
    supervise_starting(s, what, REPLAY_MS);
}

void supervise_ready(struct supervise *s, const char *what)
{
    (void)s;
    sd_notifyf(0, "READY=1\nSTATUS=%s", what);
}

/* A manager that asked for the reload compares the stamp with the instant at which it asked, in microseconds, and takes an
 * earlier one for that of another reload. So what is left of the millisecond is rounded up. */
void supervise_reloading(struct supervise *s, int64_t mono_ms)
{
    (void)s;
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=reading the files again", (mono_ms + 1) * 1000);
}

void supervise_stopping(struct supervise *s)
{
    (void)s;
    sd_notify(0, "STOPPING=1\nSTATUS=stopping: what was taken becomes durable");
}

static void tell_silence(struct supervise *s, int64_t silent_ms)
{
    bool silent = silent_ms >= SUPERVISE_SILENT_MS;
    if (silent == s->silent) {
        return;
    }
    s->silent = silent;
    if (silent) {
        log_line(LOG_LEVEL_ERROR, "writer_silent", "ms=%" PRId64, silent_ms);
        sd_notify(0, "STATUS=the disk does not answer");
    } else {
        log_line(LOG_LEVEL_NOTE, "writer_answers", "again=1");
        sd_notify(0, "STATUS=ready: the disk answers again");
    }
}

int64_t supervise_turn(struct supervise *s, int64_t mono_ms, int64_t silent_ms)
{
    tell_silence(s, silent_ms);
    if (s->ping_every_ms == 0) {
        return INT64_MAX;
    }
    if (mono_ms >= s->ping_mono_ms) {
        s->ping_mono_ms = mono_ms + s->ping_every_ms;
        if (!s->silent) {
            sd_notify(0, "WATCHDOG=1");
        }
    }
    return s->ping_mono_ms - mono_ms;
}
