/* All that files say to a daemon, read whole or not at all: kefud.json, rulebooks, tokens. At start and at SIGHUP. */
#ifndef KEFU_DAEMON_SETTINGS_H
#define KEFU_DAEMON_SETTINGS_H

#include "kefu/base/err.h"
#include "kefu/base/tz.h"
#include "kefu/daemon/directory.h"
#include "kefu/model/access.h"
#include "kefu/model/channel.h"
#include "kefu/model/config.h"
#include "kefu/model/rulebook.h"

struct settings {
    struct config config;
    struct tz *tz;
    bool tz_borrowed;           /* from the settings it was reloaded from */
    struct rulebook *owned[64]; /* seed first, then those of rulebooks_dir */
    struct rulebooks rulebooks; /* by effective_month; what the site borrows */
    struct tokens tokens;
    struct channels channels;    /* with their addresses and secrets */
    struct str redis_password;   /* absent: none; in config's arena */
    struct str streams_password; /* the same of streams_password_file */
    struct directory *directory; /* platforms and people; replaced whole by a reload */
};

/* Reads everything that config_path leads to. NULL with e: where = "file:line field", or the file if it is none of ours.
 * A tokens file that is not there is an empty one; one that cannot be looked at is an error. Rulebooks are read over seed,
 * must give name and effective_from, no two may share a name or a month, and a timezone in one must be the site's.
 *
 * What was adopted before stands in the store (daemon/adopted.h), and is looked at when that is open.
 * Call before threads start: the zone is read by way of the process's own. */
struct settings *settings_load(const char *config_path, struct err *e);

/* Reads everything again for a daemon that runs under `old`, which is not touched; threads may run. Refuses, beside what
 * settings_load refuses, with NULL and e: an option (or Redis password, or channel) that needs a restart and has another value; a
 * rulebook of old->rulebooks whose file has other bytes (sha256), or is gone; a new rulebook whose effective_from is not
 * after the month of now_ms in the site's zone. The result borrows old's tz, so old must outlive it; nothing else. Of its
 * config a running daemon takes over the options whose row says RELOAD, and tokens and rulebooks whole. */
struct settings *settings_reload(const struct settings *old, const char *config_path, int64_t now_ms, struct err *e);
void settings_free(struct settings *s);

/* `kefud -t`: reads the same files one by one and prints a line each to standard output, "FILE: ok" or "FILE:line field:
 * what, mend". Goes on after each that is not well and returns how many are not; each of these has its line. A kefud.json that
 * cannot be read itself leads nowhere: then it is the only one. */
int settings_check(const char *config_path);

#endif
