/* All that files say to a daemon, read whole or not at all: kefud.json, rulebooks, tokens. At start and at SIGHUP. */
#ifndef KEFU_DAEMON_SETTINGS_H
#define KEFU_DAEMON_SETTINGS_H

#include "kefu/base/err.h"
#include "kefu/base/tz.h"
#include "kefu/model/access.h"
#include "kefu/model/config.h"
#include "kefu/model/rulebook.h"

struct settings {
    struct config config;
    struct tz *tz;
    struct rulebook *owned[64]; /* seed first, then those of rulebooks_dir */
    struct rulebooks rulebooks; /* by effective_month; what the site borrows */
    struct tokens tokens;
    struct str redis_password;  /* absent: none; in config's arena */
};

/* Reads everything that config_path leads to. NULL with e. A tokens file that is not there is an empty one. Rulebooks are
 * read over seed, must give name and effective_from, no two may share a name or a month, and a timezone in one must be the
 * site's. */
struct settings *settings_load(const char *config_path, struct err *e);
void settings_free(struct settings *s);

/* `kefud -t`: reads the same files one by one and prints a line each to standard output, "FILE: ok" or "FILE:line field:
 * what, mend". Returns how many are not well; each of these has its line. */
int settings_check(const char *config_path);

#endif
