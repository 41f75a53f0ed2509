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

/* A path that begins so names no file but a secret that the service manager hands over (daemon/credential.h). It stays as
 * it is; for the files of secrets only. */
#define CONFIG_CREDENTIAL "credential:"

/* What it takes to change an option: a start, or a SIGHUP. */
enum config_change { CONFIG_RESTART = 0, CONFIG_RELOAD = 1 };

/* TEXT(name, default, least and most bytes, change, help), PATH(name, default, least bytes, change, help),
 * WHOLE(name, default, least, most, change, help), TRUTH(name, default, change, help); change is RESTART or RELOAD, and a
 * row says RELOAD only if a running daemon takes the new value over. The least length counts for what a file says; a
 * default of "" for a path means: see the help. */
#define CONFIG_ROWS(TEXT, PATH, WHOLE, TRUTH)                                                                          \
    TEXT(site, "default", 1, 128, RESTART, "name of the company, in logs and status")                                  \
    TRUTH(demo, false, RESTART, "a playground: kefuctl simulate --live may write invented events")                     \
    TEXT(timezone, "Asia/Shanghai", 1, 64, RESTART, "IANA name of the zone in which days and months are cut")          \
    PATH(state_dir, "/var/lib/kefud", 1, RESTART, "where the store lives; made if it is not there")                    \
    PATH(run_dir, "", 0, RESTART, "where control.sock and ingest.sock live; as state_dir if absent")                   \
    PATH(rulebooks_dir, "", 0, RESTART, "folder of *.json rulebooks; if absent the built-in seed alone is in force")   \
    PATH(tokens_file, "", 0, RESTART, "hashes of access tokens; STATE/tokens.json if absent")                          \
    PATH(collectors_file, "", 0, RESTART, "platforms to listen to; absent: none")                                      \
    PATH(agents_file, "", 0, RESTART, "whose accounts are whose; absent: nobody is bound")                             \
    PATH(channels_file, "", 0, RESTART, "where alerts are told: robots and webhooks; absent is Redis alone")           \
    PATH(customer_key_file, "", 0, RESTART, "key under which customer ids are hashed; STATE/customer.key if absent")   \
    TEXT(http_listen, "127.0.0.1:7787", 0, 128, RESTART, "address and port of HTTP; \"\" is no HTTP")                  \
    TRUTH(http_allow_remote, false, RESTART, "whether http_listen may be other than loopback; use TLS in front")       \
    WHOLE(http_max_body_bytes, 1048576, 1024, 67108864, RESTART,                                                       \
          "longest request body; longer ones are answered with 413")                                                   \
    TEXT(proxy_addresses, "", 0, 512, RESTART,                                                                         \
         "addresses, with commas, of proxies in front whose X-Forwarded-For and -Proto are believed; \"\" is none")    \
    TEXT(sso_header, "", 0, 64, RESTART,                                                                               \
         "header in which such a proxy names the person (the login of a token); \"\" is no single sign-on")            \
    WHOLE(session_h, 12, 1, 720, RESTART, "hours for which a log-in on the board is good")                             \
    WHOLE(boards_max, 3000, 1, 100000, RESTART, "boards that may be open at a time")                                   \
    TRUTH(leaderboard, false, RELOAD, "whether agents see the scores of their team, best first")                       \
    TEXT(conversation_url, "", 0, 512, RESTART,                                                                        \
         "link to a conversation in your chat system, with {conversation} in it; \"\" is no links")                    \
    TEXT(redis_address, "unix:/run/redis/redis-server.sock", 0, 256, RESTART,                                          \
         "unix:PATH or tcp:ADDRESS:PORT (a number, no name); \"\" publishes nothing")                                  \
    TEXT(redis_username, "", 0, 128, RESTART, "Redis ACL user; \"\" is the default user")                              \
    PATH(redis_password_file, "", 0, RESTART, "file whose first line is the Redis password; absent is none")           \
    TEXT(redis_prefix, "{kefu}:", 1, 64, RESTART, "before every key and channel in Redis")                             \
    WHOLE(redis_stream_max, 100000, 1000, 100000000, RESTART, "entries kept, more or less, in a Redis stream of ours") \
    WHOLE(redis_stream_days, 400, 0, 36500, RESTART,                                                                   \
          "days, more or less, that entries stay in a Redis stream of ours; 0: whatever their age")                    \
    TEXT(streams, "", 0, 1024, RESTART, "keys of Redis streams that events are read from, blanks between; \"\": none") \
    TEXT(streams_address, "", 0, 256, RESTART, "the Redis of these streams; \"\" is that of redis_address")            \
    TEXT(streams_username, "", 0, 128, RESTART, "ACL user for the streams; \"\" as for redis_address, or the default") \
    PATH(streams_password_file, "", 0, RESTART, "file whose first line is the password of that user")                  \
    TEXT(streams_group, "kefud", 1, 128, RESTART, "consumer group; each site needs its own")                           \
    TEXT(streams_consumer, "kefud", 1, 128, RESTART, "our name in the group")                                          \
    TEXT(streams_field, "e", 1, 128, RESTART, "field of an entry that holds the event as JSON")                        \
    WHOLE(streams_claim_s, 60, 1, 86400, RESTART, "seconds idle after which other consumers' entries are taken over")  \
    WHOLE(queue_max_commits, 256, 1, 100000, RESTART, "requests that may wait for the disk before others get 503")     \
    WHOLE(group_max_events, 8192, 1, 1000000, RESTART, "events in one transaction, more or less")                      \
    WHOLE(group_ms, 0, 0, 1000, RESTART, "how long a transaction waits for company")                                   \
    WHOLE(checkpoint_events, 500000, 1000, 1000000000, RESTART,                                                        \
          "events folded since the last checkpoint that start one")                                                    \
    WHOLE(checkpoint_s, 300, 1, 86400, RESTART, "seconds after a checkpoint that start the next, if anything changed") \
    WHOLE(journal_keep_days, 0, 0, 3650, RESTART, "days for which events that a checkpoint holds stay in the journal") \
    WHOLE(memory_rest_h, 48, 1, 8760, RESTART, "hours at rest after which a conversation may leave memory")            \
    WHOLE(memory_quiet_days, 30, 0, 3650, RESTART,                                                                     \
          "days after which an open conversation that nobody touched is shown no longer, and may leave memory")        \
    WHOLE(memory_min, 50000, 0, 1000000000, RESTART, "conversations that stay in memory in any case")                  \
    WHOLE(month_close_days, 0, 0, 60, RESTART,                                                                         \
          "days after its end at which the calendar closes a month; 0: a person does")                                 \
    WHOLE(evidence_months, 24, 0, 1200, RESTART,                                                                       \
          "months after its closing for which a month's evidence is kept; 0: for ever")                                \
    WHOLE(quarantine_max, 10000, 10, 1000000, RESTART, "refused events kept for looking at and trying again")          \
    WHOLE(scrub_rows_s, 20, 0, 100000, RESTART, "rows of the journal a second that are looked at for damage; 0: none") \
    WHOLE(log_level, 6, 3, 7, RELOAD, "3 errors, 4 warnings, 5 notes, 6 information, 7 all")

struct config {
#define TEXT(name, def, least, most, change, help)  struct str name;
#define PATH(name, def, least, change, help)        struct str name;
#define WHOLE(name, def, least, most, change, help) int64_t name;
#define TRUTH(name, def, change, help)              bool name;
    CONFIG_ROWS(TEXT, PATH, WHOLE, TRUTH)
#undef TEXT
#undef PATH
#undef WHOLE
#undef TRUTH
    struct str file;    /* where it was read from */
    struct arena arena; /* owns all strings; each is followed by a zero byte */
};

/* Reads the text of a file. Paths given are made whole; those left out that hang on others (run_dir, tokens_file …) are
 * filled in, but rulebooks_dir and the password files, which stay absent. -1 with e: where = "file:line option". */
int config_read(struct config *c, struct str text, const char *file, struct err *e);
void config_fini(struct config *c);
/* May a daemon that runs under `old` go on under `fresh`? -1 with e if an option that needs a restart has another value:
 * where = "file:line option" (line 1 if the file leaves it out). `text` is that of fresh's file. */
int config_reload_check(const struct config *old, const struct config *fresh, struct str text, struct err *e);
/* Fills e for an option or field of a file: where as json_where writes it. Returns -1. */
int config_fail(struct str text, const char *file, const char *option, struct err *e, const char *what);
/* DIR/NAME in the config's arena. */
struct str config_path(struct config *c, struct str dir, const char *name);
/* The keys that `streams` names, borrowed from the config; returns how many. */
#define CONFIG_STREAMS_MAX 16
size_t config_streams(const struct config *c, struct str out[CONFIG_STREAMS_MAX]);
/* Takes host and port of http_listen apart ("127.0.0.1:7787", "[::1]:7787"); -1: it is no such pair. */
int config_listen(struct str listen, char host[64], uint16_t *port);

#endif
