/* What the two files of WeCom customer service share. */
#ifndef KEFU_COLLECTORS_WECOM_H
#define KEFU_COLLECTORS_WECOM_H

#include "kefu/collectors/platform.h"

/* The rows of an answer of sync_msg become events. */
void wecom_turn(struct turned *out, const cJSON *answer);

#endif
