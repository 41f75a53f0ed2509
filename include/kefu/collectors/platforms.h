/* The descriptors, each defined in the file of its name. */
#ifndef KEFU_COLLECTORS_PLATFORMS_H
#define KEFU_COLLECTORS_PLATFORMS_H

#include "kefu/collectors/platform.h"
#include "kefu/collectors/puller.h"

extern const struct platform platform_chatwoot;
extern const struct puller puller_chatwoot; /* collectors/chatwoot_pull.c */
extern const struct platform platform_wecom;
extern const struct puller puller_wecom; /* collectors/wecom_pull.c */
extern const struct platform platform_qiyu;
extern const struct platform platform_meiqia;
extern const struct platform platform_zendesk;
extern const struct platform platform_intercom;

#endif
