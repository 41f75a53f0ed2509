/* The report of SPEC.md, printed straight from the site's totals.
 *
 * Keeps true: fields in one order, figures in the order of model/figures.h, no data is null and never 0. Nothing is
 * computed here but scores, and those by rules/score.h. */
#include "kefu/daemon/report.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/model/figures.h"
#include "kefu/model/score.h"
#include "kefu/rules/score.h"

struct named {
    struct str id;
    uint32_t agent;
};

static int by_id(const void *a, const void *b)
{
    return str_cmp(((const struct named *)a)->id, ((const struct named *)b)->id);
}

/* Every agent by the bytes of its id; nobody, whose id is absent, comes first by itself. The caller frees. */
static struct named *sorted_agents(const struct site *s, size_t *n)
{
    *n = (size_t)site_agents_n(s) + 1;
    struct named *list = xcalloc(*n, sizeof *list);
    for (uint32_t i = 1; i < *n; i++)
        list[i] = (struct named){site_agent_id(s, i), i};
    qsort(list, *n, sizeof *list, by_id);
    return list;
}

static void print_or_null(struct buf *out, const char *key, int64_t value, int64_t none)
{
    if (value == none)
        buf_printf(out, "\"%s\":null", key);
    else
        buf_printf(out, "\"%s\":%" PRId64, key, value);
}

static void print_figures(struct buf *out, const struct figures *f)
{
#define X(name) buf_printf(out, "\"" #name "\":%" PRId64 ",", f->name);
    FIGURES(X)
#undef X
}

static void print_kpis(struct buf *out, const struct rulebook *book, const struct score *score)
{
    buf_put_str(out, STR_LIT("\"kpis\":["));
    for (size_t i = 0; i < score->kpis_n; i++) {
        const struct kpi_score *k = &score->kpis[i];
        buf_put_str(out, i ? STR_LIT(",{\"name\":") : STR_LIT("{\"name\":"));
        buf_put_json(out, book->kpis[i].name);
        buf_printf(out, ",\"num\":%" PRId64 ",\"den\":%" PRId64 ",", k->num, k->den);
        print_or_null(out, "score_milli", k->score_milli, SCORE_NONE);
        buf_put_byte(out, '}');
    }
    buf_put_str(out, STR_LIT("],"));
    print_or_null(out, "score_milli", score->total_milli, SCORE_NONE);
    buf_put_str(out, STR_LIT(",\"tier\":"));
    if (score->tier < 0)
        buf_put_str(out, STR_LIT("null"));
    else
        buf_put_json(out, book->tiers[score->tier].name);
}

static void print_period(struct buf *out, enum period_kind by, int32_t period)
{
    char text[16];
    if (by == PERIOD_DAY)
        civil_print_day(text, sizeof text, period);
    else
        civil_print_month(text, sizeof text, period);
    buf_printf(out, "\"period\":\"%s\",", text);
}

static void print_row(struct buf *out, const struct report_request *r, const struct named *who, const struct totals *t)
{
    int32_t day = r->by == PERIOD_DAY ? t->period : civil_month_first(t->period);
    const struct rulebook *book = rulebooks_for_day(r->rulebooks, day);
    bool had_orders = site_had_orders(r->site, r->by, t->period);
    struct score score;
    if (r->by == PERIOD_MONTH && who->agent != 0)
        score_month(book, &t->figures, had_orders, &score);
    else
        score_pairs(book, &t->figures, had_orders, &score);
    buf_put_str(out, STR_LIT("{\"agent\":"));
    if (who->agent == 0)
        buf_put_str(out, STR_LIT("null"));
    else
        buf_put_json(out, who->id);
    buf_put_byte(out, ',');
    print_period(out, r->by, t->period);
    print_figures(out, &t->figures);
    print_kpis(out, book, &score);
    buf_put_byte(out, ',');
    print_or_null(out, "response_p50", hist_percentile(&t->responses, 500), -1);
    buf_put_byte(out, ',');
    print_or_null(out, "response_p90", hist_percentile(&t->responses, 900), -1);
    buf_put_byte(out, '}');
}

static void print_head(struct buf *out, const struct report_request *r)
{
    bool never = r->as_of == INT64_MIN;
    const struct rulebook *book =
        never ? r->rulebooks->list[0] : rulebooks_for_day(r->rulebooks, tz_day(r->tz, r->as_of));
    buf_put_str(out, STR_LIT("{\"rulebook\":"));
    buf_put_json(out, book->name);
    buf_put_byte(out, ',');
    print_or_null(out, "as_of", r->as_of, INT64_MIN);
    buf_put_str(out, STR_LIT(",\"rows\":["));
}

void report_print(struct buf *out, const struct report_request *r)
{
    assert(r->by == PERIOD_DAY || r->by == PERIOD_MONTH);
    struct str line = r->one_line ? STR_LIT("") : STR_LIT("\n");
    size_t agents_n, rows_n = 0;
    struct named *agents = sorted_agents(r->site, &agents_n);
    print_head(out, r);
    for (size_t a = 0; a < agents_n; a++) {
        size_t n;
        const struct totals *t = site_totals(r->site, agents[a].agent, r->by, &n);
        for (size_t i = 0; i < n; i++) {
            if (!figures_any(&t[i].figures))
                continue;
            if (rows_n++)
                buf_put_byte(out, ',');
            buf_put_str(out, line);
            print_row(out, r, &agents[a], &t[i]);
        }
    }
    buf_put_str(out, line);
    buf_put_str(out, STR_LIT("]}"));
    buf_put_str(out, line);
    free(agents);
}
