/* Keeps true: what is let go of leaves memory only when it is off the disk, so that an order is always known to have been there. */
#include "kefu/daemon/letting.h"

#define SUBJECTS_A_STEP 1024 /* looked at in a turn */

bool letting_is_due(const struct letting *l, const struct site *s)
{
    return l->wanted > site_kept_month(s) || site_kept_month(s) > l->gone;
}

void letting_cut(const struct letting *l, struct site *s)
{
    if (l->wanted != INT32_MIN) {
        site_let_go(s, l->wanted);
    }
}

enum letting_next letting_step(struct letting *l, struct site *s, struct shelf_work *work)
{
    int32_t month = site_kept_month(s);
    bool begun = work->step == SHELF_LET_GO;
    if (!begun && month <= l->gone) {
        return LETTING_DONE;
    }
    if (!begun) {
        l->at = (struct let_go){0};
        *work = (struct shelf_work){.step = SHELF_LET_GO, .month = month, .before_ms = site_kept_ms(s)};
        return LETTING_WRITE;
    }
    if (work->more) {
        return LETTING_WRITE; /* it has moved on by itself */
    }
    l->gone = month;
    return site_take_away(s, &l->at, SUBJECTS_A_STEP) ? LETTING_AGAIN : LETTING_DONE;
}
