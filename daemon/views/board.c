/* Brings together what an agent's row shows. It computes nothing of its own: figures come from the site, points from the
 * score, the live tier from the rules' memory; what is not known is VIEW_NONE or absent, never zero. */
#include "kefu/views/board.h"

#include "kefu/base/hist.h"

static int64_t percentile(const struct hist *h, int permille)
{
    int64_t ms = h ? hist_percentile(h, permille) : -1;
    return ms < 0 ? VIEW_NONE : ms;
}

void board_view(const struct site *s, const struct board_input *in, struct agent_view *out)
{
    const struct figures *f = site_figures(s, in->agent, PERIOD_MONTH, in->month);
    const struct hist *h = site_responses(s, in->agent, PERIOD_MONTH, in->month);
    struct agent_now now;
    site_agent_now(s, in->agent, &now);
    *out = (struct agent_view){.agent = site_agent_id(s, in->agent),
                               .name = now.name,
                               .team = now.team,
                               .rulebook = in->rulebook,
                               .month = in->month,
                               .month_to_date = f ? *f : (struct figures){0},
                               .score = *in->score,
                               .live_tier = in->live_tier ? in->live_tier->name : (struct str){NULL, 0},
                               .provisional = in->provisional,
                               .response_p50_ms = percentile(h, 500),
                               .response_p90_ms = percentile(h, 900),
                               .open_n = now.open_n,
                               .waiting_n = now.waiting_n,
                               .oldest_wait_at = now.waiting_n ? now.oldest_wait_at : VIEW_NONE,
                               .as_of = site_as_of(s),
                               .seq = in->seq};
}

int board_cmp(const void *a, const void *b)
{
    const struct agent_view *x = a, *y = b;
    int64_t left = x->score.total_milli, right = y->score.total_milli; /* SCORE_NONE is below every score */
    if (left != right) {
        return left > right ? -1 : 1;
    }
    return str_cmp(x->agent, y->agent);
}
