/* Callbacks by which the parts of the daemon hear of each other; arg is the daemon (struct daemon) throughout. They are put in
 * place by loop.c, and called on the loop's thread. */
#ifndef KEFU_DAEMON_BETWEEN_H
#define KEFU_DAEMON_BETWEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/str.h"
#include "kefu/daemon/alerts.h"
#include "kefu/model/effect.h"
#include "kefu/model/view.h"

struct http_request;
struct http_right;

/* The pipeline's (struct pipeline_out): to boards, channels and Redis. */
void between_show_agent(void *arg, const struct agent_view *v);
void between_tell_effect(void *arg, const struct effect *f);
/* The channels' and the publisher's: an effect has gone; and one that a stream lost is wanted again, from this id on. */
void between_effect_sent(void *arg, uint64_t number);
void between_resend(void *arg, struct str stream, int64_t after_ms, uint64_t after_n);
/* The alerts': what the house says of itself. */
void between_tell_own(void *arg, struct alerts_own *own);
/* The months': which collectors and streams have not been read up to this time? (months_options.unread) */
size_t between_tell_unread(void *arg, int64_t until_ms, struct str *names, size_t max);
/* The doors': may who asks hand events in, and of which sources? A wrong token counts among those of its address. */
bool between_may_write(void *arg, const struct http_request *r, struct http_right *right);

#endif
