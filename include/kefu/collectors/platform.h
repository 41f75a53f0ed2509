/* The platforms kefud can listen to: one const descriptor each, in the file of its name.
 *
 * A descriptor says which settings a collector of this platform needs, how a delivery proves where it comes from, and how one
 * payload becomes events. The functions are pure: they read what they are given and write into `turned`; the way in
 * (collectors/hook.h), the asking (daemon/collect.h) and `kefuctl collector test` are the same for all. */
#ifndef KEFU_COLLECTORS_PLATFORM_H
#define KEFU_COLLECTORS_PLATFORM_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/base/http_head.h"
#include "kefu/base/sign.h"
#include "kefu/base/str.h"
#include "kefu/collectors/turned.h"

#define PLATFORM_STAMP_MS INT64_C(300000) /* how far a signed stamp may be from our clock */

/* Settings of a collector; as bits in a descriptor. */
enum collector_setting {
    SETTING_SECRET = 1 << 0,  /* secret_file */
    SETTING_KEY = 1 << 1,     /* key_file */
    SETTING_TOKEN = 1 << 2,   /* token_file */
    SETTING_URL = 1 << 3,     /* url */
    SETTING_ACCOUNT = 1 << 4, /* account */
    SETTING_EVERY = 1 << 5,   /* ask_every_s */
    SETTING_PRIVATE = 1 << 6, /* allow_private */
    SETTING_SIGNED = 1 << 7   /* signed */
};

struct platform;
struct puller;

/* One collector, as collectors.json has it (collectors/roster.h). Strings end in a zero byte and are borrowed. */
struct collector {
    const struct platform *platform;
    struct str name;    /* prefix of ids, source of events, last part of the hook's path */
    struct str url;     /* of the platform's API, without a slash at the end */
    struct str account; /* what the platform calls us */
    struct str secret_file, key_file, token_file;
    struct str secret, key, token; /* what these files say */
    int64_t ask_every_s;
    bool allow_private;          /* whether url may lead to an address that is not public */
    bool is_signed;              /* deliveries are signed; else the secret stands in the hook's address: ?key=… */
    const struct people *people; /* NULL: nobody is bound */
};

/* What came to a hook. */
struct delivery {
    const struct http_head *head; /* NULL: there is none (kefuctl collector test) */
    struct str query;             /* behind the '?', not unescaped */
    struct str body;
    int64_t now_ms;
};

struct platform {
    const char *name;    /* in collectors.json */
    const char *title;   /* for people */
    unsigned must, may;  /* enum collector_setting */
    const char *url;     /* if none is given */
    int64_t ask_every_s; /* the same */
    const char *answer;  /* what a delivery that was taken is answered with; "" is an empty body */
    /* Does the delivery come from there, and now? 0, or -1 with why. Never NULL. */
    int (*check)(const struct collector *c, const struct delivery *d, const struct sign *s, struct err *why);
    /* What it becomes. Only after a good check, or to show what would become of a payload. */
    void (*take)(const struct collector *c, const struct delivery *d, const struct sign *s, struct turned *out);
    /* Answers a GET that the platform makes when the hook's address is entered there. NULL: it makes none. -1 with why. */
    int (*greet)(const struct collector *c, const struct delivery *d, const struct sign *s, struct buf *answer,
                 struct err *why);
    const struct puller *puller; /* how it is asked for what was missed; NULL: it cannot be */
};

/* Every platform, in the order of the manual. */
extern const struct platform *const platforms[];
extern const size_t platforms_n;
/* NULL: there is no such platform. */
const struct platform *platform_find(struct str name);

/* --- what descriptors share --- */

/* A header of a delivery; absent if there is no head. */
struct str delivery_header(const struct delivery *d, const char *name);
/* The value of a name in the query, %XX and + undone, in *room (emptied first); absent if it is not there. */
struct str delivery_query(const struct delivery *d, const char *name, struct buf *room);
/* Is the stamp, decimal seconds, at most PLATFORM_STAMP_MS from now? 0, or -1 with why. */
int delivery_check_stamp(const struct delivery *d, struct str seconds, struct err *why);
/* Is the collector's secret in the query as `key`? For platforms that do not sign. 0, or -1 with why. */
int delivery_check_key(const struct collector *c, const struct delivery *d, struct err *why);
/* Parses the body as JSON and has it turned; a body that is none, or no object, is refused in `out`. */
void delivery_take_json(const struct delivery *d, const struct collector *c,
                        void (*turn)(const struct collector *c, const cJSON *payload, struct turned *out),
                        struct turned *out);

#endif
