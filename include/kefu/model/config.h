/* The configuration of a daemon: kefud.json, JSON with comments.
 *
 * One row an option, below; reading, defaults, bounds, `kefud -t` and the manual's check are loops over it. Unknown names
 * are refused with the nearest known one; names that begin with "x_" are notes. Paths that are not absolute are relative
 * to the folder of the file. */
#ifndef KEFU_MODEL_CONFIG_H
#define KEFU_MODEL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"

/* TEXT(name, default, longest in bytes, help), PATH(name, default, help), WHOLE(name, default, least, most, help),
 * TRUTH(name, default, help). A default of "" for a path means: see the help. */
#define CONFIG_OPTIONS(TEXT, PATH, WHOLE, TRUTH)                                                                       \
    TEXT(site, "default", 128, "name of the company, in logs and status")                                              \
    TRUTH(demo, false, "a playground: kefuctl simulate --live may write invented events")                              \
    TEXT(timezone, "Asia/Shanghai", 128, "IANA name of the zone in which days and months are cut")                     \
    PATH(state_dir, "/var/lib/kefud", "where the store lives; made if it is not there")                                \
    PATH(run_dir, "", "where control.sock and ingest.sock live; as state_dir if absent")                               \
    PATH(rulebooks_dir, "", "folder of *.json rulebooks; if absent the built-in seed alone is in force")               \
    PATH(tokens_file, "", "hashes of access tokens; STATE/tokens.json if absent")                                      \
    PATH(customer_key_file, "", "key under which customer ids are hashed; STATE/customer.key if absent")               \
    TEXT(http_listen, "127.0.0.1:7787", 128, "address and port of HTTP; \"\" is no HTTP")                              \
    TRUTH(http_allow_remote, false, "whether http_listen may be other than loopback; use TLS in front")                \
    WHOLE(http_max_body_bytes, 1048576, 1024, 67108864, "longest request body; longer ones are answered with 413")     \
    TEXT(redis_address, "unix:/run/redis/redis-server.sock", 256,                                                      \
         "unix:PATH or tcp:ADDRESS:PORT (a number, no name); \"\" publishes nothing")                                  \
    TEXT(redis_username, "", 128, "Redis ACL user; \"\" is the default user")                                          \
    PATH(redis_password_file, "", "file whose first line is the Redis password; absent is none")                       \
    TEXT(redis_prefix, "{kefu}:", 64, "before every key and channel in Redis")                                         \
    WHOLE(redis_stream_max, 100000, 1000, 100000000, "entries kept, more or less, in a Redis stream of ours")          \
    WHOLE(queue_max_commits, 256, 1, 100000, "requests that may wait for the disk before others get 503")              \
    WHOLE(group_max_events, 8192, 1, 1000000, "events in one transaction, more or less")                               \
    WHOLE(group_ms, 0, 0, 1000, "how long a transaction waits for company")                                            \
    WHOLE(quarantine_max, 10000, 10, 1000000, "refused events kept for looking at and trying again")                   \
    WHOLE(log_level, 6, 3, 7, "3 errors, 4 warnings, 5 notes, 6 information, 7 all")

struct config {
#define TEXT(name, def, max, help)       struct str name;
#define PATH(name, def, help)            struct str name;
#define WHOLE(name, def, min, max, help) int64_t name;
#define TRUTH(name, def, help)           bool name;
    CONFIG_OPTIONS(TEXT, PATH, WHOLE, TRUTH)
#undef TEXT
#undef PATH
#undef WHOLE
#undef TRUTH
    struct str file;    /* where it was read from */
    struct arena arena; /* owns all strings; each is followed by a zero byte */
};

/* Reads the text of a file. Paths given are made whole; those left out that hang on others (run_dir, tokens_file …) are
 * filled in, but rulebooks_dir and redis_password_file, which stay absent. -1 with e: where = "file:line option". */
int config_read(struct config *c, struct str text, const char *file, struct err *e);
void config_fini(struct config *c);
/* DIR/NAME in the config's arena. */
struct str config_path(struct config *c, struct str dir, const char *name);
/* Takes host and port of http_listen apart ("127.0.0.1:7787", "[::1]:7787"); -1: it is no such pair. */
int config_listen(struct str listen, char host[64], uint16_t *port);

#endif
