/* An item of an account in JSON, with its reason as a code and in words (docs/openapi.json: Item). */
#ifndef KEFU_DAEMON_SHOW_WHY_H
#define KEFU_DAEMON_SHOW_WHY_H

#include "kefu/base/buf.h"
#include "kefu/model/rulebook.h"
#include "kefu/views/account.h"

struct show_why {
    struct str conversation_url; /* the template */
    const struct rulebooks *rulebooks;
};
void show_item(struct buf *out, const struct show_why *w, const struct account_item *i);

/* "answer", "miss", "turn", "episode", "idle", "rating" or "order". */
const char *item_kind(const struct account_item *i);

#endif
