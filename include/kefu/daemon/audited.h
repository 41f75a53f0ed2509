/* The audit log as the daemon writes it: a line for each look at pay and for each act of a person about months and pay.
 *
 * A look's answer leaves only once its line is on disk; if it cannot be, there is no answer. An act's line is in the transaction
 * of its event (batch.audit). A line is JSON: {"at", "did", "token", "role", "subject", "login", "agent", "month"}. */
#ifndef KEFU_DAEMON_AUDITED_H
#define KEFU_DAEMON_AUDITED_H

#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/base/str.h"
#include "kefu/daemon/call.h"
#include "kefu/model/batch.h"

#define AUDITED_NO_MONTH INT32_MIN

struct audited {
    const char *did;  /* "pay.read", "month.close" … */
    struct str agent; /* absent: everybody's */
    int32_t month;    /* or AUDITED_NO_MONTH */
    const char *type; /* of a look's answer; NULL: JSON. Static */
};

/* Answers with the body, which it takes, as soon as the line is there; 503 if it cannot be. */
void audited_answer(struct call *c, const struct audited *a, struct buf *body);
/* Appends the line of what a caller does. */
void audited_print(struct buf *out, const struct call *c, const struct audited *a);
/* The same of somebody at kefuctl, who has no token: {"role": "kefuctl", "subject": Unix user, "login": who it is said to be}. */
struct audited_user {
    struct str name;  /* audited_user_name */
    struct str actor; /* --by; absent: nobody is named */
};
void audited_print_user(struct buf *out, int64_t now_ms, const struct audited_user *user, const struct audited *a);
/* The name of a Unix user here, or "uid N", in room. */
#define AUDITED_USER_BYTES 64
/* Set in the environment of a kefuctl that the daemon runs for somebody whose look it notes itself. Who sets it by hand hides
 * nothing that reading the store's file would not. */
#define LOOK_NOTED "KEFU_LOOK_NOTED"
struct str audited_user_name(uint32_t uid, char room[AUDITED_USER_BYTES]);
/* Writes the head of the chain, as it stands behind the batch's line, into the log; nothing if the batch has none. */
void audited_log(const struct batch *b);

#endif
