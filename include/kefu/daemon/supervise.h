/* The service manager: what it hands us, what it asks, what it is told. systemd's protocol, by libsystemd.
 *
 * Handed over: listening sockets, told apart by name: "http" (TCP, or a unix socket), "ingest" and "control" (unix). Who
 * holds them open while we are away keeps every connection that is made meanwhile. Told: how the start goes on, ready,
 * reloading, stopping, and alive. Alive is said by the loop alone, four times in the interval that was asked for, unless
 * the writer owes an answer for SUPERVISE_SILENT_MS; so a loop that stands and a disk that hangs get us restarted, and a
 * full disk, which is an answer, does not.
 * Without NOTIFY_SOCKET nothing is told, without LISTEN_FDS nothing is handed over. All times are passed in. One thread. */
#ifndef KEFU_DAEMON_SUPERVISE_H
#define KEFU_DAEMON_SUPERVISE_H

#include <stdint.h>

#include "kefu/base/err.h"

#define SUPERVISE_SILENT_MS 10000

enum supervise_door { SUPERVISE_HTTP, SUPERVISE_INGEST, SUPERVISE_CONTROL, SUPERVISE_DOORS_N };

struct supervise;

/* Reads the environment, and takes out of it what speaks of descriptors. NULL with e: a descriptor has a name we do not
 * know or one that another has too, or is no listening socket of its kind. The caller owns. */
struct supervise *supervise_new(struct err *e);
/* Closes descriptors that nobody took. NULL is fine. */
void supervise_free(struct supervise *s);
/* The descriptor handed over for a door; it is the caller's from here on. -1: there is none. */
int supervise_take(struct supervise *s, enum supervise_door door);

/* The start goes on and may take this long from now, or as long as it was given anyway, whichever is longer. `what` is
 * for people: "opening the store". */
void supervise_starting(struct supervise *s, const char *what, int64_t limit_ms);
/* The same for a replay that says how far it is; heard once a second, so it may be called often. */
void supervise_replaying(struct supervise *s, int64_t mono_ms, uint64_t done_n, uint64_t all_n);
/* Ready, for the first time or after a reload. `what` is for people. */
void supervise_ready(struct supervise *s, const char *what);
/* Reading the files again; supervise_ready must follow, however it went. mono_ms is now, on CLOCK_MONOTONIC. */
void supervise_reloading(struct supervise *s, int64_t mono_ms);
void supervise_stopping(struct supervise *s);
/* Once a turn of the loop: says alive if it is time to and the writer has been silent (writer_silent_ms) for less than
 * SUPERVISE_SILENT_MS. Returns in how many ms to come again at the latest; INT64_MAX: nobody asks whether we live. */
int64_t supervise_turn(struct supervise *s, int64_t mono_ms, int64_t silent_ms);

#endif
