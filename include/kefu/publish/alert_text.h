/* What a notice says, in Chinese or English: one message of one rule for one team, however many agents it is about.
 *
 * Ids of agents, names of teams and sources alone, no names of people, no message text, no pay. What comes from outside is made
 * harmless: what robots take for markup or a call ("<", "@", "*" …) stands as its full-width twin. Pure. */
#ifndef KEFU_PUBLISH_ALERT_TEXT_H
#define KEFU_PUBLISH_ALERT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/buf.h"
#include "kefu/model/alert.h"

#define ALERT_TEXT_ITEMS 30 /* named in a message; the others are counted */

enum alert_told_as { TOLD_RAISED = 0, TOLD_AGAIN, TOLD_RESOLVED, TOLD_N };

struct alert_item {
    struct str who; /* agent, team or source; absent: the site */
    enum alert_told_as as;
    int64_t value_micro;
    uint64_t number;
};

struct alert_notice {
    const struct alert_rule *rule;
    struct str team; /* absent: none */
    const struct alert_item *items;
    size_t n;
    bool english;
};

void alert_title(struct buf *out, const struct alert_notice *a);
/* Lines divided by line feeds, without the title. */
void alert_text(struct buf *out, const struct alert_notice *a);
/* The items as a JSON list: [{"alert", "state", "subject", "value"}]. */
void alert_items_json(struct buf *out, const struct alert_notice *a);
/* A value in its unit: "205 秒", "61.2%", "2.5 星". */
void alert_put_value(struct buf *out, enum alert_unit unit, int64_t value_micro, bool english);
/* With so many decimals (1 … 6), cut and not rounded: "-0.5", never "-0.0". */
void alert_put_decimal(struct buf *out, int64_t micro, int decimals);
void alert_put_plain(struct buf *out, struct str s);

#endif
