/* How each kind of channel is spoken to: address, signature, body, and what an answer means. Pure; time is passed in.
 *
 * DingTalk, Feishu and WeCom answer 200 with an error in the body; here that is an error. The generic webhook follows Standard
 * Webhooks: headers webhook-id, webhook-timestamp, webhook-signature ("v1," and base64 of HMAC-SHA256 over "id.timestamp.body"
 * under the secret, which is base64 behind "whsec_"). Each message is signed anew when it is sent. */
#ifndef KEFU_PUBLISH_ROBOT_H
#define KEFU_PUBLISH_ROBOT_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/fetch.h"
#include "kefu/model/channel.h"
#include "kefu/model/effect.h"

/* The longest text of a message in bytes; what is longer is cut at the border of a character. */
size_t robot_text_max(enum channel_kind k);

struct robot_message { /* one, or several as a digest (webhooks: always one) */
    const struct effect *const *notices;
    size_t n;
    size_t text_max_bytes; /* at most robot_text_max */
};

struct robot_call { /* what to send; a zeroed one is empty */
    struct buf url, body, id, timestamp, signature;
    struct fetch_header headers[4];
    size_t headers_n;
};
void robot_call_fini(struct robot_call *c);
/* Fills an empty call. -1 with e: the secret is not one. */
int robot_write(struct robot_call *out, const struct channel *c, const struct robot_message *m, int64_t now_ms,
                struct err *e);

enum robot_verdict {
    ROBOT_TAKEN = 0, /* it is there */
    ROBOT_LATER,     /* try again, after wait_ms or as patience says */
    ROBOT_TOO_LONG,  /* try again with a shorter text */
    ROBOT_REFUSED    /* trying again is of no use until somebody mends it */
};
struct robot_answer {
    enum robot_verdict verdict;
    int64_t wait_ms; /* LATER: at least so long; 0: not said */
    int64_t code;    /* of the vendor, or of HTTP */
};
struct robot_answer robot_read(enum channel_kind k, const struct fetch_answer *a);

/* How fast: so many at once, and one more each refill_ms. Within any minute robots stay under what mutes them. */
struct robot_pace {
    int64_t burst_n, refill_ms;
};
struct robot_pace robot_pace(enum channel_kind k);
/* Feishu refuses more than usual at each full and half hour, when everybody's timers write. For how long, from this wall time on, what
 * is not critical had better wait (0: it need not); spread_ms is added, so that not all who wait come back together. */
int64_t robot_crowd_ms(enum channel_kind k, int64_t wall_ms, int64_t spread_ms);

/* Signatures, in base64. */
void robot_sign_dingtalk(struct buf *out, struct str secret, int64_t at_ms);
void robot_sign_feishu(struct buf *out, struct str secret, int64_t at_s);
int robot_sign_webhook(struct buf *out, struct str secret, struct str signed_text, struct err *e);

#endif
