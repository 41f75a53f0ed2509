/* Lists of alerts on open boards.
 *
 * It keeps true that a board is sent the list as its caller may see it, whole, and only when it is another than the one sent before.
 * An agent's own board is looked at when an alert of that agent changes, the others at every change. */
#include <inttypes.h>

#include "kefu/daemon/api.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/live_inside.h"

#define ALL_MS 30000 /* after so long all lists are looked at: time alone mutes and ends things, too */

void live_look_for_silences(struct live *l)
{
    uint64_t n = alerts_silences_changed_n(pipeline_alerts(l->d->pipeline));
    if (n != l->silences_n || live_mono_ms(l) - l->alerts_all_ms >= ALL_MS) {
        l->silences_n = n;
        live_alert_changed(l, 0, true);
    }
}

void live_alert_changed(struct live *l, uint32_t agent, bool all)
{
    l->alerts_changed++;
    if (agent) {
        live_agent(l, agent)->alerts_changed = l->alerts_changed;
    }
    if (all) {
        l->alerts_all = l->alerts_changed;
        l->alerts_all_ms = live_mono_ms(l);
    }
    live_want_tick(l);
}

/* Sends the list if it is another than the board has. True: later. */
bool live_push_alerts(struct board *b, int64_t mono_ms)
{
    struct live *l = b->live;
    struct who w;
    uint64_t own = b->self ? live_agent(l, b->self)->alerts_changed : l->alerts_changed;
    uint64_t changed = own > l->alerts_all ? own : l->alerts_all;
    if (!b->alerts || changed == b->alerts_seen) {
        return false;
    }
    if (mono_ms - b->alerts_ms < LIVE_PUSH_MS) {
        return true;
    }
    if (!live_is_reading(b, mono_ms)) {
        return false; /* the look of each second comes back to it */
    }
    b->alerts_seen = changed;
    b->alerts_ms = mono_ms;
    l->event.n = 0;
    buf_put_str(&l->event, STR_LIT("event: alerts\ndata: "));
    if (who_still(l->d, &b->who, &w) && api_alerts_news(l->d, &w.caller, &b->alerts_had, &l->event)) {
        buf_put_str(&l->event, STR_LIT("\n\n"));
        live_write(b);
    }
    return false;
}
