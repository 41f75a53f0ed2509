/* Channels: where notices of alerts go, as the file channels_file of kefud.json lists them.
 *
 * {"channels": [{"name", "kind", "hears", "teams", "agent", "personal", "lang", "severity", "url_file", "secret_file", "hosts",
 * "allow_private"}]}. Addresses and secrets of robots stand in files of their own (or are credentials, CONFIG_CREDENTIAL),
 * since who has them may write to the group. Plain data. */
#ifndef KEFU_MODEL_CHANNEL_H
#define KEFU_MODEL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"
#include "kefu/model/alert.h"

#define CHANNELS_MAX          32
#define CHANNEL_STREAM_PREFIX "channel:"

enum channel_kind { CHANNEL_NONE = 0, CHANNEL_DINGTALK, CHANNEL_FEISHU, CHANNEL_WECOM, CHANNEL_WEBHOOK };

struct channel {
    struct str name;   /* 1 … 64 of a-z 0-9 _ - */
    struct str stream; /* "channel:NAME" */
    enum channel_kind kind;
    uint32_t hears;    /* enum alert_hears */
    struct str *teams; /* of which it hears; none: of all */
    size_t teams_n;
    struct str agent;                 /* the one it belongs to, if it hears as "agent" */
    bool personal;                    /* it leads to one person; webhooks alone can */
    bool english;                     /* texts; else Chinese */
    enum alert_severity severity;     /* the least it is told of */
    struct str url_file, secret_file; /* as given */
    struct str url, secret;           /* their first lines, once read */
    struct str *hosts;                /* that may be asked; the robot's own if none are given */
    size_t hosts_n;
    bool allow_private;
};

struct channels {
    struct channel list[CHANNELS_MAX];
    size_t n;
    struct arena arena; /* owns all strings */
};

/* Reads the text of a channels file. -1 with e: where = "file:line field"; nothing is left to free then. */
int channels_read(struct channels *c, struct str text, const char *file, struct err *e);
void channels_fini(struct channels *c);
const struct channel *channels_find(const struct channels *c, struct str name); /* NULL: none */
/* Are they the same in all that they are told, and where? The name aside. */
bool channel_is_same(const struct channel *a, const struct channel *b);
/* "dingtalk", "feishu", "wecom", "webhook". */
struct str channel_kind_name(enum channel_kind k);

/* Is the channel told of the rule about this agent (absent: none) and team (absent: none)? What is private goes to channels of
 * one person alone. */
bool channel_hears(const struct channel *c, const struct alert_rule *r, struct str agent, struct str team);

#endif
