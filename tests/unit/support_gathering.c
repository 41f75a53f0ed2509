/* What the daemon's explanations do, without a daemon. */
#include "support_gathering.h"

#include <assert.h>
#include <string.h>

void gathering_begin(struct gathering *g, struct site *s, int32_t month)
{
    account_fini(&g->account);
    *g = (struct gathering){.on = true};
    g->account.agent = UINT32_MAX;
    g->account.kind = PERIOD_MONTH;
    g->account.period = month;
    site_watch(s, true);
}

bool gathering_step(struct gathering *g, struct site *s, const struct gathering_shelf *shelf, size_t n)
{
    struct teller t = account_teller(&g->account);
    if (g->place != UINT32_MAX) {
        g->place = site_tell_conversations(s, g->place, n, INT64_MIN, &t);
        return true;
    }
    for (; n > 0 && g->row < shelf->rows_n; g->row++, n--) {
        bool well = !shelf->rows[g->row].cold || site_tell_row(s, &shelf->rows[g->row], &t);
        assert(well);
        (void)well;
    }
    if (g->row < shelf->rows_n)
        return true;
    if (g->order != UINT32_MAX)
        g->order = site_tell_orders(s, g->order, n + 1, INT64_MIN, &t);
    return g->order != UINT32_MAX;
}

static bool agrees(const struct gathering *g, const struct site *s, uint32_t agent)
{
    static const struct figures none;
    struct figures sum = {0}, one;
    for (size_t i = 0; i < g->account.n; i++) {
        if (account_agent(&g->account.items[i]) != agent)
            continue;
        account_figures(&g->account.items[i], &one);
        figures_add(&sum, &one, 1);
    }
    const struct figures *stands = site_figures(s, agent, PERIOD_MONTH, g->account.period);
    return memcmp(&sum, stands ? stands : &none, sizeof sum) == 0;
}

bool gathering_end(struct gathering *g, struct site *s)
{
    bool all = true;
    account_catch_up(&g->account, s);
    site_watch(s, false);
    g->on = false;
    for (uint32_t a = 0; a <= site_agents_n(s); a++)
        all = all && agrees(g, s, a);
    return all;
}
